"""One decision on all that matches a filter, in chunks, so that readers and other moderators are served throughout.

A batch decides on what somebody could have seen: not on what came later, nor on what was edited, decided on or flagged
since, even where that was taken back. All that stays as it is, and is listed.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, tuple_
from sqlalchemy.orm import aliased

from feedback import comments, opaque
from feedback.clock import rfc3339
from feedback.db import db, uuid7
from feedback.errors import Conflict, Invalid, Missing
from feedback.models import Batch, Comment, Decision, Flag, Progress, State
from feedback.moderation.decisions import OUTCOME, Action, decides
from feedback.moderation.lists import Filter, count, keys_of, narrowing, states_of
from feedback.moderation.undoing import undo, undoable
from feedback.staff import Actor

CHUNK = 100  # in one transaction: some hundredths of a second, for which writers on SQLite wait
UNDONE = 25  # likewise: each is undone by itself, which takes several times as long
MAX_LISTED = 200  # of the comments that were skipped; more would tell nobody more
FILTERED = ("state", "article", "held", "q", "score")
SENT = "sent"  # kept beside the filter: the latest moment of sending that it shows, by the age asked for
UNDOER = "undoer"  # kept beside the filter while a batch is being undone
GOING = (Progress.RUNNING, Progress.UNDOING)


def begin(chosen: Filter, action: Action, *, before: datetime, reason: str | None, who: Actor, now: datetime) -> Batch:
    """Set out to decide on all that matches and was sent before a moment. Raises Invalid for what nothing can match."""
    [site_id] = chosen.site_ids
    if chosen.state == State.WITHDRAWN:
        raise Invalid({"state": ["What its readers took back cannot be decided on."]})
    if chosen.state == OUTCOME[action]:
        raise Invalid({"action": ["The comments of this list are that already."]})
    seen = min(before, now)
    row = Batch(
        id=uuid7(),
        site_id=site_id,
        who=who.name,
        who_id=who.id,
        action=action.value,
        reason=reason,
        filter={name: getattr(chosen, name) for name in FILTERED}
        | {SENT: rfc3339(chosen.before) if chosen.before else None},
        before=seen,
        total=count(replace(chosen, before=min(seen, chosen.before or seen))),
        created=now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def step(batch_id: UUID, *, now: datetime) -> bool:
    """Do one chunk of a batch; return whether there is more to do."""
    row = db.session.execute(select(Batch).where(Batch.id == batch_id).with_for_update()).scalar_one()
    if row.progress is Progress.RUNNING:
        _decide_chunk(row, now)
    elif row.progress is Progress.UNDOING:
        _undo_chunk(row, now)
    db.session.flush()
    return row.progress in GOING


def unfinished() -> UUID | None:
    """Return the batch that began first of those that are not done, if any."""
    query = select(Batch.id).where(Batch.progress.in_(GOING)).order_by(Batch.created)
    return db.session.execute(query.limit(1)).scalar_one_or_none()


def _filter(row: Batch) -> Filter:
    sent = row.filter.get(SENT)
    before = min(row.before, datetime.fromisoformat(sent)) if sent else row.before
    return Filter((row.site_id,), **{name: row.filter[name] for name in FILTERED}, before=before)


def _decide_chunk(row: Batch, now: datetime) -> None:
    chosen = _filter(row)
    keys = keys_of(chosen, after=row.place, limit=CHUNK)
    found = _locked(keys)
    _decide([comment for comment in found if _is_listed(comment, chosen)], row, now)
    if len(keys) < CHUNK:
        # What was decided on and is back in the list is found both ways.
        row.skipped = list(dict.fromkeys([*row.skipped, *_decided_by_others(row, chosen)]))[:MAX_LISTED]
        row.progress, row.place, row.finished = Progress.DONE, None, now
    else:
        last = db.session.get_one(Comment, keys[-1])
        row.place = opaque.cursor(last.created, last.id)


def _locked(keys: Collection[tuple[UUID, UUID]]) -> Sequence[Comment]:
    """Return the comments of these (article id, id), read under the locks and all at once."""
    comments.lock(*{key[0] for key in keys})
    query = select(Comment).where(
        Comment.article_id.in_({key[0] for key in keys}), Comment.id.in_([key[1] for key in keys])
    )
    return db.session.execute(query.execution_options(populate_existing=True)).scalars().all()


def _is_listed(comment: Comment, chosen: Filter) -> bool:
    """Whether a comment still stands where the filter looks."""
    return comment.state in states_of(chosen.state) and (chosen.state != "flagged" or comments.is_flagged(comment))


def _decide(found: Sequence[Comment], row: Batch, now: datetime) -> None:
    to = OUTCOME[Action(row.action)]
    due = [comment for comment in found if decides(comment, to)]
    changed = _changed_since(due, row.before)
    row.skipped = [*row.skipped, *(opaque.identifier(comment.article_id, comment.id) for comment in changed)]
    settled = comments.change_states(
        [comment for comment in due if comment not in changed],
        to,
        who=row.who,
        who_id=row.who_id,
        action=row.action,
        reason=row.reason,
        batch_id=row.id,
        now=now,
    )
    row.decided += len(settled)


def _changed_since(found: Sequence[Comment], moment: datetime) -> list[Comment]:
    """Return those that whoever looked at that moment has not seen as they are: edited, decided on or flagged since."""
    flagged = [comment for comment in found if comments.is_flagged(comment)]
    query = select(Flag.comment_id).where(
        Flag.article_id.in_({comment.article_id for comment in flagged}),
        Flag.comment_id.in_([comment.id for comment in flagged]),
        Flag.resolved.is_(None),
        Flag.weight > 0,
        Flag.created > moment,
    )
    ids = set(db.session.execute(query).scalars()) if flagged else set()

    def has_changed(comment: Comment) -> bool:
        return comment.id in ids or any(at is not None and at > moment for at in (comment.edited, comment.decided))

    return [comment for comment in found if has_changed(comment)]


def _decided_by_others(row: Batch, chosen: Filter) -> list[str]:
    """Return the comments that would have been decided on, had nobody done so since the list was seen."""
    its_own = aliased(Decision)
    query = (
        select(Decision.article_id, Decision.comment_id)
        .join(Comment, and_(Comment.article_id == Decision.article_id, Comment.id == Decision.comment_id))
        .where(
            Decision.site_id == row.site_id,
            Decision.at > row.before,
            Decision.from_state.in_(states_of(chosen.state)),
            or_(Decision.from_state != Decision.to_state, Decision.action == "approve"),
            # What happened to a comment after the batch had decided on it kept nothing from it.
            # Found once, not for each decision: there may be thousands of both on one article.
            Decision.comment_id.not_in(select(its_own.comment_id).where(its_own.batch_id == row.id)),
            *narrowing(chosen),
            *([_had_flags(row.before)] if chosen.state == "flagged" else []),
        )
        .distinct()
    )
    return [opaque.identifier(*key) for key in db.session.execute(query.limit(MAX_LISTED))]


def _had_flags(moment: datetime) -> ColumnElement[bool]:
    """Whether flags stood on a comment at that moment that a decision answered, or that nobody has answered yet."""
    return exists().where(
        Flag.article_id == Decision.article_id,
        Flag.comment_id == Decision.comment_id,
        Flag.created <= moment,
        or_(Flag.resolved.is_(None), Flag.decision_id == Decision.id),
    )


# Undoing


def undo_batch(batch_id: UUID, *, who: Actor, site_ids: Collection[UUID]) -> Batch:
    """Set out to take back all that a batch decided, in the name of whoever says so.

    Raises Missing, Conflict while it is under way or undone.
    """
    row = get(batch_id, site_ids, for_update=True)
    if row.progress is not Progress.DONE:
        raise Conflict(f"This is {row.progress.value} already; it can be undone once it is done.")
    row.progress, row.place, row.finished = Progress.UNDOING, None, None
    # Whoever undoes is needed until that is done; afterwards the decisions say who it was.
    row.filter = row.filter | {UNDOER: [who.name, who.id.hex if who.id else None]}
    return row


def _undo_chunk(row: Batch, now: datetime) -> None:
    place, who = opaque.parse_identifier(row.place) if row.place else None, _undoer(row)
    query = select(Decision).where(Decision.batch_id == row.id)
    if place:
        query = query.where(tuple_(Decision.article_id, Decision.id) > tuple_(*map(literal, place)))
    made = db.session.execute(query.order_by(Decision.article_id, Decision.id).limit(UNDONE)).scalars().all()
    found = {comment.id: comment for comment in _locked([(each.article_id, each.comment_id) for each in made])}
    with db.session.no_autoflush:
        for decision in made:
            if undoable(decision, found[decision.comment_id]):
                done = opaque.identifier(decision.article_id, decision.id)
                undo(done, who=who, site_ids=(row.site_id,), now=now)
                row.undone += 1
    if len(made) < UNDONE:
        row.progress, row.place, row.finished = Progress.UNDONE, None, now
        row.filter = {name: value for name, value in row.filter.items() if name != UNDOER}
    else:
        row.place = opaque.identifier(made[-1].article_id, made[-1].id)


def _undoer(row: Batch) -> Actor:
    # One that an earlier release began to undo does not say.
    name, who_id = row.filter.get(UNDOER, (row.who, row.who_id.hex if row.who_id else None))
    return Actor(name, UUID(who_id) if who_id else None)


# Reading


def get(batch_id: UUID, site_ids: Collection[UUID], *, for_update: bool = False) -> Batch:
    """Return a batch of these sites. Raises Missing."""
    row = db.session.get(Batch, batch_id, with_for_update=for_update or None)
    if row is None or row.site_id not in site_ids:
        raise Missing("There is no such bulk decision here.")
    return row


def public(row: Batch) -> dict[str, Any]:
    """Return how far a batch is."""
    return {
        "id": row.id.hex,
        "action": row.action,
        "state": row.progress.value,
        "total": row.total,
        "decided": row.decided,
        "undone": row.undone,
        "skipped": row.skipped,
        "created": rfc3339(row.created),
        "finished": rfc3339(row.finished) if row.finished else None,
    }
