"""An article's revisions with their votes, what an edit did to them, and the alert of a drop.

What is merged into a revision counts as its own, read so from the tally as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select

from feedback import merging, statistics
from feedback.clock import rfc3339
from feedback.db import db
from feedback.errors import Invalid
from feedback.models import Revision, Tally
from feedback.statistics import Comparison, Count
from feedback.stats.ask import EVER, Period
from feedback.stats.shares import Votes

MOST_REVISIONS = 100  # of one article: readers' requests name revisions, and could name any number
SHOWN_FROM = 5  # votes from which a revision that nobody registered is shown to authors
BASELINE_LEAST = 20  # votes before an edit under which "as good as before" means nothing


@dataclass(frozen=True)
class RevisionFigure:
    """A revision with the counted votes that readers gave while it was on their screen.

    What is merged into it counts as its own: the votes, and the first sight where that was earlier. `began` is when
    it was last put in place of another one: a page that went back to an earlier text has begun anew with it.
    """

    label: str
    first_seen: datetime
    note: str | None
    votes: Votes
    baseline: Count  # the votes just before its first one, frozen then
    began: datetime
    since: Count  # those of the votes that were given after it began: what an alert judges
    judged: str  # the label whose baseline that is held against; the same as `label`, unless others count with it
    merged: tuple[str, ...] = ()  # the labels that are counted under this one

    @property
    def day(self) -> date:
        """The day of the edit: what its label says, as pages name their text by its date, else when it began here."""
        named, began = day_named(self.label), self.began.date()
        return named if named and named <= began and self.began == self.first_seen else began

    def public(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "yes": self.votes.yes,
            "no": self.votes.no,
            **self.votes.interval._asdict(),
            "first_seen": rfc3339(self.first_seen),
            "note": self.note,
            "merged": list(self.merged),
        }


@dataclass(frozen=True)
class Edit:
    """Two revisions that have votes, held against each other, the older one first."""

    before: RevisionFigure
    after: RevisionFigure
    compared: Comparison

    @property
    def tells(self) -> bool:
        """Whether both have votes enough for their difference to be told in numbers."""
        return min(self.before.votes.total, self.after.votes.total) >= statistics.ENOUGH

    def public(self) -> dict[str, Any]:
        return {"from": self.before.label, "to": self.after.label, **self.compared._asdict()}


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
            "yes": self.revision.since.yes,
            "votes": self.revision.since.votes,
            "baseline": {"yes": baseline.yes, "votes": baseline.votes, "low": usual},
            "evidence": self.evidence,
        }


def day_named(label: str) -> date | None:
    """Return the day that a label names, as the widget takes it from the page; None where it names none."""
    try:
        return datetime.fromisoformat(label).date()
    except ValueError:
        return None


def revisions(article_id: UUID, period: Period = EVER) -> list[RevisionFigure]:
    """Return the revisions that authors are shown, oldest first, each with what is merged into it, of a period.

    What only readers' requests named counts in the totals, but is shown from SHOWN_FROM votes on: anybody can
    send any label.
    """
    return seen(article_id, merging.roots(article_id), period)


def seen(article_id: UUID, roots: Mapping[str, str], period: Period = EVER) -> list[RevisionFigure]:
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
    found = [([row, *merged.get(row.label, [])], Votes(int(yes), int(no))) for row, yes, no in rows]
    newest = [max(part.first_seen for part in parts) for parts, _ in found]
    own = _own_counts(article_id, [part.label for parts, _ in found if len(parts) > 1 for part in parts], period)
    shown = [_revision(parts, votes, newest, own) for parts, votes in found]
    return sorted(shown, key=lambda revision: (revision.began, revision.label))


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


def _own_counts(article_id: UUID, labels: Sequence[str], period: Period) -> dict[str, Count]:
    """Return the counted votes of a period on each of these labels by itself."""
    if not labels:
        return {}
    rows = db.session.execute(
        select(Tally.revision, func.sum(Tally.yes), func.sum(Tally.yes + Tally.no))
        .where(Tally.article_id == article_id, Tally.revision.in_(labels), period.covers(Tally.day))
        .group_by(Tally.revision)
    )
    return {label: Count(int(yes), int(votes)) for label, yes, votes in rows}


def _merged(article_id: UUID, roots: Mapping[str, str]) -> dict[str, list[Revision]]:
    """Return the revisions that are merged into others, by the label that they count under, newest first."""
    found: dict[str, list[Revision]] = {}
    if roots:
        rows = select(Revision).where(Revision.article_id == article_id, Revision.label.in_(list(roots)))
        for row in db.session.execute(rows.order_by(Revision.first_seen.desc(), Revision.label)).scalars():
            found.setdefault(roots[row.label], []).append(row)
    return found


def _revision(
    parts: Sequence[Revision], votes: Votes, newest: Sequence[datetime], own: Mapping[str, Count]
) -> RevisionFigure:
    """Return a revision and what is merged into it as one.

    `newest` are the last sights of a new label of each, `own` the votes on each label that counts with others.
    """
    times = sorted(part.first_seen for part in parts)
    before = max((moment for moment in newest if moment < times[-1]), default=times[0])
    later = sorted((part for part in parts if part.first_seen >= before), key=lambda part: part.first_seen)
    voted = next((part for part in later if part.baseline_votes is not None), later[0])
    counts = [own.get(part.label, Count(0, 0)) for part in later]
    since = Count(sum(count.yes for count in counts), sum(count.votes for count in counts))
    return RevisionFigure(
        label=parts[0].label,
        first_seen=times[0],
        note=next((part.note for part in parts if part.note), None),
        votes=votes,
        baseline=Count(voted.baseline_yes or 0, voted.baseline_votes or 0),
        began=later[0].first_seen,
        since=since if len(parts) > 1 else votes.count,
        judged=voted.label,
        merged=tuple(part.label for part in parts[1:]),
    )


def as_shown(field: str, label: str | None, seen: Sequence[RevisionFigure], roots: Mapping[str, str]) -> str | None:
    """Return under which shown label a revision counts. Raises Invalid where it is not shown."""
    if label is None:
        return None
    root = roots.get(label, label)
    if all(revision.label != root for revision in seen):
        raise Invalid({field: [f"There is no such revision of this article, or fewer than {SHOWN_FROM} voted on it."]})
    return root


def last_edit(seen: Sequence[RevisionFigure]) -> Edit | None:
    voted = [revision for revision in seen if revision.votes.total]
    return _compared(*voted[-2:]) if len(voted) > 1 else None


def edit_between(pair: tuple[str, str], seen: Sequence[RevisionFigure], roots: Mapping[str, str]) -> Edit | None:
    """Hold two revisions against each other; None where one of them has no votes."""
    labels = {as_shown(field, label, seen, roots) for field, label in zip(("compare", "with"), pair, strict=True)}
    if len(labels) < 2:
        raise Invalid({"with": ["Choose two different revisions. These two are counted as one."]})
    before, after = (revision for revision in seen if revision.label in labels)
    return _compared(before, after) if before.votes.total and after.votes.total else None


def _compared(before: RevisionFigure, after: RevisionFigure) -> Edit:
    return Edit(before, after, statistics.compare(before.votes.count, after.votes.count))


def newest_drop(seen: Sequence[RevisionFigure]) -> Drop | None:
    """The alert of the newest revision with votes: what happened to an older one has been edited away."""
    voted = [revision for revision in seen if revision.since.votes]
    if not voted or voted[-1].baseline.votes < BASELINE_LEAST:
        return None
    count, usual = voted[-1].since, statistics.wilson(*voted[-1].baseline).low
    if usual <= 0 or not statistics.dropped(*count, usual):
        return None
    return Drop(voted[-1], statistics.drop_evidence(*count, usual))


def drop(article_id: UUID) -> Drop | None:
    """Return the alert of an article, by all its votes."""
    return last_edit_and_drop(article_id)[1]


def last_edit_and_drop(article_id: UUID, period: Period = EVER) -> tuple[Edit | None, Drop | None]:
    """Return what the last edit did and whether there is an alert, by the votes of a period."""
    seen = revisions(article_id, period)
    return last_edit(seen), newest_drop(seen)
