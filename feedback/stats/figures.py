"""Every figure of one article, from `tally` and `reason_tally`, never from a scan of votes.

A period and a revision narrow votes, share, reasons, sections and series. A reason or a section narrows its own list,
and the series to who named it; not both at once, since votes are counted by each of them alone. Revisions, their
comparison and alerts always speak of all votes, because an edit is judged by everybody who read it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from feedback import merging, outline, statistics
from feedback.clock import rfc3339
from feedback.db import db
from feedback.errors import Invalid
from feedback.models import Article, Kind, ReasonTally, Revision, Tally
from feedback.statistics import Comparison, Count, Interval
from feedback.stats.ask import EVER, EVERYTHING, Asked, By, Period

MOST_CODES = 50  # reasons, and sections, of one article: readers' requests name sections, and could name any number
MOST_REVISIONS = 100  # likewise revisions
SHOWN_FROM = 5  # votes from which a revision that nobody registered is shown to authors
BASELINE_LEAST = 20  # votes before an edit under which "as good as before" means nothing
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Votes:
    """Counted and quarantined votes, and what the counted ones say."""

    yes: int
    no: int
    quarantined: int = 0

    @property
    def total(self) -> int:
        return self.yes + self.no

    @property
    def count(self) -> Count:
        return Count(self.yes, self.total)

    @property
    def interval(self) -> Interval:
        return statistics.wilson(self.yes, self.total)

    @property
    def wording(self) -> str:
        return statistics.wording(self.yes, self.total)

    def public(self) -> dict[str, int]:
        return {"yes": self.yes, "no": self.no, "total": self.total, "quarantined": self.quarantined}

    def helpful(self) -> dict[str, Any]:
        share = self.count.share if self.total else None
        return {"share": share, **self.interval._asdict(), "wording": self.wording}


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
class RevisionFigure:
    """A revision with the counted votes that readers gave while it was on their screen.

    What is merged into it counts as its own: the votes, and the first sight where that was earlier.
    """

    label: str
    first_seen: datetime
    note: str | None
    votes: Votes
    baseline: Count  # the votes just before it, frozen at its first sight
    merged: tuple[str, ...] = ()  # the labels that are counted under this one

    def public(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "yes": self.votes.yes,
            "no": self.votes.no,
            **self.votes.interval._asdict(),
            "first_seen": rfc3339(self.first_seen),
        }


@dataclass(frozen=True)
class Edit:
    """Two revisions that have votes, held against each other, the older one first."""

    before: RevisionFigure
    after: RevisionFigure
    compared: Comparison

    def public(self) -> dict[str, Any]:
        return {"from": self.before.label, "to": self.after.label, **self.compared._asdict()}


@dataclass(frozen=True)
class Bar:
    """The counted votes of a day, or of the week that begins on it."""

    day: date
    yes: int
    no: int

    def public(self) -> dict[str, Any]:
        return {"day": self.day.isoformat(), "yes": self.yes, "no": self.no}


@dataclass(frozen=True)
class Drop:
    """The newest revision does worse than its baseline, on evidence that stands being looked at vote by vote."""

    revision: RevisionFigure
    evidence: float  # the e-value: 100 is wrong at most once in a hundred

    def public(self) -> dict[str, Any]:
        baseline = self.revision.baseline
        usual = statistics.wilson(*baseline).low
        return {
            "kind": "drop",
            "revision": self.revision.label,
            "yes": self.revision.votes.yes,
            "votes": self.revision.votes.total,
            "baseline": {"yes": baseline.yes, "votes": baseline.votes, "low": usual},
            "evidence": self.evidence,
        }


@dataclass(frozen=True)
class ArticleFigures:
    """All figures of one article."""

    article: Article
    asked: Asked
    by: By
    votes: Votes
    reasons: dict[str, int]
    sections: list[SectionFigure]
    revisions: list[RevisionFigure]
    last_edit: Edit | None  # of the two newest revisions with votes
    edit: Edit | None  # of the two that were asked for, else the last
    series: list[Bar]
    alerts: list[Drop]
    every_reason: dict[str, int]  # also what the asked reason or section leaves out, to choose from
    every_section: list[SectionFigure]

    def public(self) -> dict[str, Any]:
        """Return the answer of GET /stats?article=."""
        return {
            "article": {"key": self.article.key, "title": self.article.title, "url": self.article.url},
            "votes": self.votes.public(),
            "helpful": self.votes.helpful(),
            "reasons": self.reasons,
            "sections": [section.public() for section in self.sections],
            "revisions": [revision.public() for revision in self.revisions],
            "comparison": self.edit.public() if self.edit else None,
            "series": [bar.public() for bar in self.series],
            "alerts": [alert.public() for alert in self.alerts],
        }


def article(
    article: Article, *, asked: Asked = EVERYTHING, by: By = By.DAY, pair: tuple[str, str] | None = None
) -> ArticleFigures:
    """Return every figure of an article; see the module's rule for what is narrowed by what is asked.

    `pair` are the revisions to compare. Raises Invalid for a revision that is not shown, or twice the same.
    """
    roots = merging.roots(article.id)
    seen = _revisions(article.id, roots)
    asked = replace(asked, revision=_shown("revision", asked.revision, seen, roots))
    cells = _Cells(article.id, asked, None if asked.revision is None else merging.members(asked.revision, roots))
    votes, days = _by_day(cells)
    reasons, sections = dict(_named(cells, Kind.REASON)), _sections(cells)
    series = _who_named(cells) if bool(asked.reason) != bool(asked.section) else days
    last = _last_edit(seen)
    return ArticleFigures(
        article=article,
        asked=asked,
        by=by,
        votes=votes,
        reasons={code: votes for code, votes in reasons.items() if asked.reason in (None, code)},
        sections=[section for section in sections if asked.section in (None, section.id)],
        revisions=seen,
        last_edit=last,
        edit=_edit(pair, seen, roots) if pair else last,
        series=weeks(series) if by is By.WEEK else series,
        alerts=_drops(seen),
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


def revisions(article_id: UUID, period: Period = EVER) -> list[RevisionFigure]:
    """Return the revisions that authors are shown, oldest first, each with what is merged into it, of a period.

    What only readers' requests named counts in the totals, but is shown from SHOWN_FROM votes on: anybody can
    send any label.
    """
    return _revisions(article_id, merging.roots(article_id), period)


def _revisions(article_id: UUID, roots: Mapping[str, str], period: Period = EVER) -> list[RevisionFigure]:
    merged = _merged(article_id, roots)
    counts = _counts(article_id, roots, period).subquery()
    yes, no = func.coalesce(counts.c.yes, 0), func.coalesce(counts.c.no, 0)
    registered = [root for root, parts in merged.items() if any(part.registered for part in parts)]
    rows = db.session.execute(
        select(Revision, yes, no)
        .outerjoin(counts, counts.c.counted_as == Revision.label)
        .where(Revision.article_id == article_id, Revision.label.not_in(list(roots)))
        .where(or_(Revision.registered, yes + no >= SHOWN_FROM, Revision.label.in_(registered)))
        .order_by(Revision.first_seen.desc(), Revision.label.desc())
        .limit(MOST_REVISIONS)
    )
    shown = [_revision(row, merged.get(row.label, []), Votes(int(yes), int(no))) for row, yes, no in rows]
    return sorted(shown, key=lambda revision: (revision.first_seen, revision.label))


def _counts(article_id: UUID, roots: Mapping[str, str], period: Period) -> Select[Any]:
    """Select the counted votes of a period by the label that they count under."""
    counted_as = case(dict(roots), value=Tally.revision, else_=Tally.revision) if roots else Tally.revision
    cells = (
        select(counted_as.label("counted_as"), Tally.yes, Tally.no)
        .where(Tally.article_id == article_id, period.covers(Tally.day))
        .subquery()
    )
    return select(cells.c.counted_as, func.sum(cells.c.yes).label("yes"), func.sum(cells.c.no).label("no")).group_by(
        cells.c.counted_as
    )


def _merged(article_id: UUID, roots: Mapping[str, str]) -> dict[str, list[Revision]]:
    """Return the revisions that are merged into others, by the label that they count under, newest first."""
    found: dict[str, list[Revision]] = {}
    if roots:
        rows = select(Revision).where(Revision.article_id == article_id, Revision.label.in_(list(roots)))
        for row in db.session.execute(rows.order_by(Revision.first_seen.desc(), Revision.label)).scalars():
            found.setdefault(roots[row.label], []).append(row)
    return found


def _revision(row: Revision, merged: Sequence[Revision], votes: Votes) -> RevisionFigure:
    first = min((row, *merged), key=lambda each: each.first_seen)
    note = next((each.note for each in (row, *merged) if each.note), None)
    baseline = Count(first.baseline_yes or 0, first.baseline_votes or 0)
    labels = tuple(each.label for each in merged)
    return RevisionFigure(row.label, first.first_seen, note, votes, baseline, labels)


def _shown(field: str, label: str | None, seen: Sequence[RevisionFigure], roots: Mapping[str, str]) -> str | None:
    """Return under which shown label a revision counts. Raises Invalid where it is not shown."""
    if label is None:
        return None
    root = roots.get(label, label)
    if all(revision.label != root for revision in seen):
        raise Invalid({field: [f"There is no such revision of this article, or fewer than {SHOWN_FROM} voted on it."]})
    return root


def _last_edit(seen: Sequence[RevisionFigure]) -> Edit | None:
    voted = [revision for revision in seen if revision.votes.total]
    return _compared(*voted[-2:]) if len(voted) > 1 else None


def _edit(pair: tuple[str, str], seen: Sequence[RevisionFigure], roots: Mapping[str, str]) -> Edit | None:
    """Hold two revisions against each other; None where one of them has no votes."""
    labels = {_shown(field, label, seen, roots) for field, label in zip(("compare", "with"), pair, strict=True)}
    if len(labels) < 2:
        raise Invalid({"with": ["Choose two different revisions. These two are counted as one."]})
    before, after = (revision for revision in seen if revision.label in labels)
    return _compared(before, after) if before.votes.total and after.votes.total else None


def _compared(before: RevisionFigure, after: RevisionFigure) -> Edit:
    return Edit(before, after, statistics.compare(before.votes.count, after.votes.count))


def _drops(seen: Sequence[RevisionFigure]) -> list[Drop]:
    """The alert of the newest revision with votes: what happened to an older one has been edited away."""
    voted = [revision for revision in seen if revision.votes.total]
    if not voted or voted[-1].baseline.votes < BASELINE_LEAST:
        return []
    count, usual = voted[-1].votes.count, statistics.wilson(*voted[-1].baseline).low
    if usual <= 0 or not statistics.dropped(*count, usual):
        return []
    return [Drop(voted[-1], statistics.drop_evidence(*count, usual))]


def drop(article_id: UUID) -> Drop | None:
    """Return the alert of an article, by all its votes."""
    return last_edit_and_drop(article_id)[1]


def last_edit_and_drop(article_id: UUID, period: Period = EVER) -> tuple[Edit | None, Drop | None]:
    """Return what the last edit did and whether there is an alert, by the votes of a period."""
    seen = revisions(article_id, period)
    return _last_edit(seen), next(iter(_drops(seen)), None)
