"""Every figure of one article, from `tally` and `reason_tally`, never from a scan of votes.

A period and a revision narrow votes, share, reasons, sections and series. A reason or a section narrows its own list,
and the series to who named it; not both at once, since votes are counted by each of them alone. Revisions, their
comparison and alerts always speak of all votes, because an edit is judged by everybody who read it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from feedback import articles, merging, outline
from feedback.db import db
from feedback.models import Article, Kind, ReasonTally, Tally
from feedback.stats import revisions
from feedback.stats.ask import EVERYTHING, Asked, By
from feedback.stats.revisions import Drop, Edit, RevisionFigure
from feedback.stats.shares import Votes

MOST_CODES = 50  # reasons, and sections, of one article: readers' requests name sections, and could name any number
DAY = timedelta(days=1)


@dataclass(frozen=True)
class SectionFigure:
    """How many of those who said No pointed at a section of the page, by the id of its heading.

    The level is that of the heading in the outline; None where the page as last read has no such heading.
    """

    id: str
    title: str
    no: int
    level: int | None = None

    def public(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "no": self.no}


@dataclass(frozen=True)
class Bar:
    """The counted votes of a day, or of the week that begins on it."""

    day: date
    yes: int
    no: int

    def public(self) -> dict[str, Any]:
        return {"day": self.day.isoformat(), "yes": self.yes, "no": self.no}


@dataclass(frozen=True)
class ArticleFigures:
    """All figures of one article."""

    article: Article
    asked: Asked
    votes: Votes
    reasons: dict[str, int]
    sections: list[SectionFigure]
    revisions: list[RevisionFigure]
    last_edit: Edit | None  # of the two newest revisions with votes
    edit: Edit | None  # of the two that were asked for, else the last
    series: list[Bar]  # by day
    alerts: list[Drop]
    every_reason: dict[str, int]  # also what the asked reason or section leaves out, to choose from
    every_section: list[SectionFigure]

    def steps(self, by: By) -> list[Bar]:
        """Return the series by day or by week."""
        return weeks(self.series) if by is By.WEEK else self.series

    def public(self, by: By = By.DAY) -> dict[str, Any]:
        """Return the answer of GET /stats?article=."""
        return {
            "article": {
                "key": self.article.key,
                "title": self.article.title,
                "url": self.article.url,
                **articles.announcement(self.article),
            },
            "votes": self.votes.public(),
            "helpful": self.votes.helpful(),
            "reasons": self.reasons,
            "sections": [section.public() for section in self.sections],
            "revisions": [revision.public() for revision in self.revisions],
            "comparison": self.edit.public() if self.edit else None,
            "series": [bar.public() for bar in self.steps(by)],
            "alerts": [alert.public() for alert in self.alerts],
        }


def article(article: Article, *, asked: Asked = EVERYTHING, pair: tuple[str, str] | None = None) -> ArticleFigures:
    """Return every figure of an article; see the module's rule for what is narrowed by what is asked.

    `pair` are the revisions to compare. Raises Invalid for a revision that is not shown, or twice the same.
    """
    roots = merging.roots(article.id)
    seen = revisions.seen(article.id, roots)
    asked = replace(asked, revision=revisions.as_shown("revision", asked.revision, seen, roots))
    cells = _Cells(article.id, asked, None if asked.revision is None else merging.members(asked.revision, roots))
    votes, days = _by_day(cells)
    reasons, sections = dict(_named(cells, Kind.REASON)), _sections(cells)
    last = revisions.last_edit(seen)
    return ArticleFigures(
        article=article,
        asked=asked,
        votes=votes,
        reasons={code: votes for code, votes in reasons.items() if asked.reason in (None, code)},
        sections=[section for section in sections if asked.section in (None, section.id)],
        revisions=seen,
        last_edit=last,
        edit=revisions.edit_between(pair, seen, roots) if pair else last,
        series=_who_named(cells) if bool(asked.reason) != bool(asked.section) else days,
        alerts=[drop] if (drop := revisions.newest_drop(seen)) else [],
        every_reason=reasons,
        every_section=sections,
    )


@dataclass(frozen=True)
class _Cells:
    """Which cells of a tally are added up; `labels` are those of the asked revision."""

    article_id: UUID
    asked: Asked
    labels: list[str] | None

    def of(self, table: type[Tally] | type[ReasonTally]) -> ColumnElement[bool]:
        condition = (table.article_id == self.article_id) & self.asked.period.covers(table.day)
        return condition if self.labels is None else condition & table.revision.in_(self.labels)


def _by_day(cells: _Cells) -> tuple[Votes, list[Bar]]:
    """Return the votes of a period, and its days with votes, oldest first."""
    quarantined = func.sum(Tally.quarantined_yes + Tally.quarantined_no)
    rows = db.session.execute(
        select(Tally.day, func.sum(Tally.yes), func.sum(Tally.no), quarantined)
        .where(cells.of(Tally))
        .group_by(Tally.day)
        .order_by(Tally.day)
    ).all()
    days = [Bar(day, int(yes), int(no)) for day, yes, no, _ in rows if yes or no]
    yes, no = sum(bar.yes for bar in days), sum(bar.no for bar in days)
    return Votes(yes, no, sum(int(row[3]) for row in rows)), days


def _who_named(cells: _Cells) -> list[Bar]:
    """Return the days on which readers named the asked reason or section, with how many did."""
    asked = cells.asked
    kind, code = (Kind.REASON, asked.reason) if asked.reason else (Kind.SECTION, asked.section)
    votes = func.sum(ReasonTally.votes)
    rows = db.session.execute(
        select(ReasonTally.day, votes)
        .where(cells.of(ReasonTally), ReasonTally.kind == kind, ReasonTally.code == code)
        .group_by(ReasonTally.day)
        .having(votes > 0)
        .order_by(ReasonTally.day)
    )
    return [Bar(day, 0, int(count)) for day, count in rows]


def weeks(days: Sequence[Bar]) -> list[Bar]:
    """Add days up to weeks, each under its Monday."""
    grouped = groupby(days, key=lambda bar: bar.day - bar.day.weekday() * DAY)
    return [_together(monday, list(bars)) for monday, bars in grouped]


def _together(day: date, bars: Sequence[Bar]) -> Bar:
    return Bar(day, sum(bar.yes for bar in bars), sum(bar.no for bar in bars))


def _named(
    cells: _Cells, kind: Kind, *conditions: ColumnElement[bool], most: int = MOST_CODES
) -> list[tuple[str, int]]:
    """Return what those who said No named, reasons or sections, most named first; what is asked for leads."""
    asked = cells.asked.reason if kind is Kind.REASON else cells.asked.section
    votes = func.sum(ReasonTally.votes)
    rows = db.session.execute(
        select(ReasonTally.code, votes)
        .where(cells.of(ReasonTally), ReasonTally.kind == kind, *conditions)
        .group_by(ReasonTally.code)
        .having(votes > 0)
        .order_by(ReasonTally.code != (asked or ""), votes.desc(), ReasonTally.code)
        .limit(most)
    )
    return [(code, int(count)) for code, count in rows]


def _sections(cells: _Cells) -> list[SectionFigure]:
    """Return the outline with how many pointed at each heading, then what else readers pointed at, most first."""
    headings = outline.of(cells.article_id)
    ids = [heading.id for heading in headings]
    pointed = dict(_named(cells, Kind.SECTION, ReasonTally.code.in_(ids), most=len(ids))) if ids else {}
    known = [SectionFigure(each.id, each.title, pointed.get(each.id, 0), each.level) for each in headings]
    others = _named(cells, Kind.SECTION, *([ReasonTally.code.not_in(ids)] if ids else []))
    return known + [SectionFigure(code, readable(code), no) for code, no in others]


class Branch(NamedTuple):
    """A heading of the outline with those under it."""

    section: SectionFigure
    parts: list["Branch"]


def nested(sections: Iterable[SectionFigure]) -> list[Branch]:
    """Put the headings of an outline each under the last one before it that has a higher rank."""
    top: list[Branch] = []
    above: list[Branch] = []
    for section in sections:
        while above and (above[-1].section.level or 0) >= (section.level or 0):
            above.pop()
        branch = Branch(section, [])
        (above[-1].parts if above else top).append(branch)
        above.append(branch)
    return top


def readable(section: str) -> str:
    """Make words of a heading's id: "side-effects-and-cautions" is "Side effects and cautions"."""
    words = " ".join(re.split(r"[-_\s]+", unquote(section))).strip()
    return words[:1].upper() + words[1:] or section
