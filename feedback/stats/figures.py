"""Every figure of one article, from `tally` and `reason_tally`, never from a scan of votes.

A period narrows votes, share, reasons, sections and series. Revisions, their comparison and alerts always speak of all
votes, because an edit is judged by everybody who read it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from sqlalchemy import func, or_, select

from feedback import statistics
from feedback.clock import rfc3339
from feedback.db import db
from feedback.models import Article, Kind, ReasonTally, Revision, Tally
from feedback.statistics import Comparison, Count, Interval
from feedback.stats.ask import EVER, By, Period

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
    """How many of those who said No pointed at a section of the page, by the id of its heading."""

    id: str
    no: int

    @property
    def title(self) -> str:
        return readable(self.id)

    def public(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title, "no": self.no}


@dataclass(frozen=True)
class RevisionFigure:
    """A revision with the counted votes that readers gave while it was on their screen."""

    label: str
    first_seen: datetime
    note: str | None
    votes: Votes
    baseline: Count  # the votes just before it, frozen at its first sight

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
    """The two newest revisions that have votes, held against each other."""

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
    period: Period
    by: By
    votes: Votes
    reasons: dict[str, int]
    sections: list[SectionFigure]
    revisions: list[RevisionFigure]
    edit: Edit | None
    series: list[Bar]
    alerts: list[Drop]

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


def article(article: Article, *, period: Period = EVER, by: By = By.DAY) -> ArticleFigures:
    """Return every figure of an article; see the module's rule for what a period narrows."""
    votes, days = _by_day(article.id, period)
    seen = revisions(article.id)
    return ArticleFigures(
        article=article,
        period=period,
        by=by,
        votes=votes,
        reasons=dict(_named(article.id, Kind.REASON, period)),
        sections=[SectionFigure(*row) for row in _named(article.id, Kind.SECTION, period)],
        revisions=seen,
        edit=_last_edit(seen),
        series=weeks(days) if by is By.WEEK else days,
        alerts=_drops(seen),
    )


def _by_day(article_id: UUID, period: Period) -> tuple[Votes, list[Bar]]:
    """Return the votes of a period, and its days with votes, oldest first."""
    quarantined = func.sum(Tally.quarantined_yes + Tally.quarantined_no)
    rows = db.session.execute(
        select(Tally.day, func.sum(Tally.yes), func.sum(Tally.no), quarantined)
        .where(Tally.article_id == article_id, period.covers(Tally.day))
        .group_by(Tally.day)
        .order_by(Tally.day)
    ).all()
    days = [Bar(day, int(yes), int(no)) for day, yes, no, _ in rows if yes or no]
    yes, no = sum(bar.yes for bar in days), sum(bar.no for bar in days)
    return Votes(yes, no, sum(int(row[3]) for row in rows)), days


def weeks(days: Sequence[Bar]) -> list[Bar]:
    """Add days up to weeks, each under its Monday."""
    grouped = groupby(days, key=lambda bar: bar.day - bar.day.weekday() * DAY)
    return [_together(monday, list(bars)) for monday, bars in grouped]


def _together(day: date, bars: Sequence[Bar]) -> Bar:
    return Bar(day, sum(bar.yes for bar in bars), sum(bar.no for bar in bars))


def _named(article_id: UUID, kind: Kind, period: Period) -> list[tuple[str, int]]:
    """Return what those who said No named, reasons or sections, most named first."""
    votes = func.sum(ReasonTally.votes)
    rows = db.session.execute(
        select(ReasonTally.code, votes)
        .where(
            ReasonTally.article_id == article_id,
            ReasonTally.kind == kind,
            period.covers(ReasonTally.day),
        )
        .group_by(ReasonTally.code)
        .having(votes > 0)
        .order_by(votes.desc(), ReasonTally.code)
        .limit(MOST_CODES)
    )
    return [(code, int(count)) for code, count in rows]


def readable(section: str) -> str:
    """Make words of a heading's id: "side-effects-and-cautions" is "Side effects and cautions"."""
    words = " ".join(re.split(r"[-_\s]+", unquote(section))).strip()
    return words[:1].upper() + words[1:] or section


def revisions(article_id: UUID, period: Period = EVER) -> list[RevisionFigure]:
    """Return the revisions that authors are shown, oldest first, with the votes of a period.

    What only readers' requests named counts in the totals, but is shown from SHOWN_FROM votes on: anybody can
    send any label.
    """
    yes, no = func.coalesce(func.sum(Tally.yes), 0), func.coalesce(func.sum(Tally.no), 0)
    rows = db.session.execute(
        select(Revision, yes, no)
        .outerjoin(
            Tally,
            (Tally.article_id == Revision.article_id) & (Tally.revision == Revision.label) & period.covers(Tally.day),
        )
        .where(Revision.article_id == article_id)
        .group_by(*Revision.__table__.c)
        .having(or_(Revision.registered, yes + no >= SHOWN_FROM))
        .order_by(Revision.first_seen.desc(), Revision.label.desc())
        .limit(MOST_REVISIONS)
    )
    return [_revision(row[0], int(row[1]), int(row[2])) for row in rows][::-1]


def _revision(row: Revision, yes: int, no: int) -> RevisionFigure:
    baseline = Count(row.baseline_yes or 0, row.baseline_votes or 0)
    return RevisionFigure(row.label, row.first_seen, row.note, Votes(yes, no), baseline)


def _last_edit(seen: Sequence[RevisionFigure]) -> Edit | None:
    voted = [revision for revision in seen if revision.votes.total]
    if len(voted) < 2:
        return None
    before, after = voted[-2:]
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
