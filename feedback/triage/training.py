"""Learning from moderators' decisions, all over again each time: what was erased or undone is not in the next model.

A comment is bad where a moderator marked it as spam or rejected it, and good where one approved it. Only the last word
counts, and only while the comment stands as it says: not what was undone, withdrawn or erased since. A rejection counts
half, since some comments are rejected for being off the topic, or said already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, func, literal, select, tuple_, update

from feedback.db import Moment, db, insert, run
from feedback.models import Batch, Comment, Decision, Progress, State, TriageModel
from feedback.triage import memory
from feedback.triage.learned import VERSION, Example, Model, fit
from feedback.triage.rules import risk

LATEST = 5_000  # decisions that are learned from
EVERY = 20  # new decisions until it is worth learning again
EACH_WAY = 50  # decisions for and against, before there is any score
RECORDED = 500  # predictions that a model is judged by
REJECTION = 0.5
RESCORED = 500  # waiting comments that get a new score after learning
CHUNK = 50  # of them in one transaction, which a reader's comment may have to wait for
LABELS = {"approve": State.APPROVED, "reject": State.REJECTED, "spam": State.SPAM}

Place = tuple[datetime, UUID]


@dataclass(frozen=True)
class Lesson:
    """What there is to learn on a site."""

    site_id: UUID
    examples: tuple[Example, ...]  # the oldest first
    new: tuple[Example, ...]  # of them those that the present model has not learned
    newest: Place
    present: Model | None

    @property
    def enough(self) -> bool:
        """Whether there are enough decisions each way."""
        bad = sum(example.bad for example in self.examples)
        return min(bad, len(self.examples) - bad) >= EACH_WAY

    def model(self) -> Model:
        """Return what is learned from it; takes a second or two, and needs no transaction."""
        return fit(self.examples)

    def predicted(self) -> list[list[float]]:
        """Return what the present model says of what is new to it, and 1 beside it where that turned out bad."""
        if self.present is None:
            return []
        return [[self.present.score(each.sample), int(each.bad)] for each in self.new]


def due(site_id: UUID, seen: Place | None) -> Lesson | None:
    """Return what there is to learn on a site, if that has grown enough since that decision and the present model."""
    known = _known(site_id)
    if _is_deciding(site_id):
        return None
    since = max((place for place in (known, seen) if place), default=None)
    return _lesson(site_id, known) if _is_enough(site_id, since) else None


def _is_deciding(site_id: UUID) -> bool:
    """Whether a bulk decision is under way, which may be on a range of scores: what it has yet to reach keeps its own.

    There is enough to learn from once it is done.
    """
    query = select(Batch.id).where(Batch.site_id == site_id, Batch.progress == Progress.RUNNING)
    return db.session.execute(query.limit(1)).first() is not None


def _known(site_id: UUID) -> Place | None:
    """Return the newest decision that the present model of a site knows."""
    row = db.session.execute(
        select(TriageModel.last_at, TriageModel.last_id).where(
            TriageModel.site_id == site_id, TriageModel.features == VERSION
        )
    ).one_or_none()
    return (row.last_at, row.last_id) if row else None


def _is_enough(site_id: UUID, since: Place | None) -> bool:
    found = _decisions(site_id, since).with_only_columns(Decision.id).limit(EVERY).subquery()
    return db.session.execute(select(func.count()).select_from(found)).scalar_one() >= EVERY


def _decisions(site_id: UUID, since: Place | None = None) -> Select[Any]:
    # Without an account or token nobody decided: what the rules did is not learned from, least of all by themselves.
    query = select(Decision).where(
        Decision.site_id == site_id, Decision.action.in_(LABELS), Decision.who_id.is_not(None)
    )
    return query if since is None else query.where(tuple_(Decision.at, Decision.id) > _row(since))


def _row(place: Place) -> Any:
    return tuple_(literal(place[0], Moment()), literal(place[1], Uuid()))


def _lesson(site_id: UUID, known: Place | None) -> Lesson:
    rows = _latest(site_id)
    examples = list(_examples(rows))[::-1]
    already = {row.comment_id for row in rows if known and (row.at, row.id) <= known}
    new = (example for row, example in examples if row.comment_id not in already)
    everything = tuple(example for _row, example in examples)
    return Lesson(site_id, everything, tuple(new), (rows[0].at, rows[0].id), memory.model_of(site_id))


def _latest(site_id: UUID) -> list[Any]:
    """Return the latest decisions, the newest first, each with what its comment is now."""
    columns = (Comment.state, Comment.source, Comment.original, Comment.name, Comment.held_for)
    hashes = (Decision.text_hash.label("decided_on"), Comment.text_hash)
    query = (
        _decisions(site_id)
        .with_only_columns(Decision.at, Decision.id, Decision.comment_id, Decision.action, *columns, *hashes)
        .join(Comment, (Comment.article_id == Decision.article_id) & (Comment.id == Decision.comment_id))
        .order_by(Decision.at.desc(), Decision.id.desc())
    )
    return list(db.session.execute(query.limit(LATEST)))


def _examples(rows: list[Any]) -> Iterator[tuple[Any, Example]]:
    seen: set[UUID] = set()
    for row in rows:
        # What its reader made of it since, nobody has decided on; where a moderator changed it, the reader's is kept.
        other = row.original is None and row.text_hash != row.decided_on
        if row.comment_id in seen or row.state is not LABELS[row.action] or not row.source or other:
            continue
        seen.add(row.comment_id)
        weight = REJECTION if row.state is State.REJECTED else 1.0
        yield row, Example(memory.sample_of(row), row.state is not State.APPROVED, weight)


def keep(lesson: Lesson, packed: bytes, predicted: list[list[float]], *, now: datetime) -> None:
    """Make the model of a lesson the site's present one, and add to its record what the one before predicted."""
    before = db.session.get(TriageModel, lesson.site_id, with_for_update=True)
    values = {
        "weights": packed,
        "features": VERSION,
        "learned": len(lesson.examples),
        "last_at": lesson.newest[0],
        "last_id": lesson.newest[1],
        "record": [*(before.record if before else ()), *predicted][-RECORDED:],
        "trained": now,
    }
    statement = insert(TriageModel).values(site_id=lesson.site_id, **values)
    # Two workers may learn the same at a time: the one that comes second has learned as much.
    run(statement.on_conflict_do_update(index_elements=["site_id"], set_=values))
    memory.forget(lesson.site_id)


def to_rescore(site_id: UUID) -> list[list[tuple[UUID, UUID]]]:
    """Return which waiting comments deserve a new score, in chunks: those without one, then the riskiest."""
    waiting = select(Comment.article_id, Comment.id).where(Comment.site_id == site_id, Comment.state == State.PENDING)
    unscored = waiting.where(Comment.score.is_(None)).order_by(Comment.risk, Comment.created, Comment.id)
    riskiest = waiting.where(Comment.score.is_not(None)).order_by(
        Comment.risk.desc(), Comment.created.desc(), Comment.id.desc()
    )
    keys = [(row.article_id, row.id) for row in db.session.execute(unscored.limit(RESCORED))]
    keys += [(row.article_id, row.id) for row in db.session.execute(riskiest.limit(RESCORED - len(keys)))]
    return [sorted(keys[start : start + CHUNK]) for start in range(0, len(keys), CHUNK)]


def rescore(site_id: UUID, keys: list[tuple[UUID, UUID]]) -> None:
    """Give these comments the score of the present model, as far as they still wait."""
    model = memory.model_of(site_id)
    if model is None or _is_deciding(site_id):
        return
    for article_id, comment_id in keys:
        this = (Comment.article_id == article_id, Comment.id == comment_id, Comment.state == State.PENDING)
        columns = select(Comment.source, Comment.original, Comment.name, Comment.held_for).where(*this)
        # One by one: SQLite would look for a list of pairs in every row.
        row = db.session.execute(columns).one_or_none()
        if row is not None:
            value = model.score(memory.sample_of(row))
            run(update(Comment).where(*this).values(score=value, risk=risk(value, row.held_for)))
