"""Where a comment stands: its one lock, its states with a decision for each change, and what the article counts."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from feedback import subscriptions, webhooks
from feedback.comments import flags
from feedback.db import db, run, uuid7
from feedback.models import Comment, Decision, Like, Standing, State

COUNTER: dict[State | None, Any] = {
    State.APPROVED: Standing.comments,
    State.PENDING: Standing.pending,
    State.REJECTED: Standing.rejected,
    State.SPAM: Standing.spam,
    State.WITHDRAWN: Standing.withdrawn,
}

Steps = Counter[Any]  # by how much each of an article's counters moves


def lock(*article_ids: UUID) -> None:
    """Let nobody else change these articles' comments until the transaction ends.

    They are locked in one order by everybody, so that none waits for whom waits for it.
    """
    mine = select(Standing.article_id).where(Standing.article_id.in_(article_ids)).order_by(Standing.article_id)
    db.session.execute(mine.with_for_update())


def add(comment: Comment, *, now: datetime | None = None) -> None:
    """Store a new comment, count it and tell of it. The caller holds the article's lock."""
    db.session.add(comment)
    db.session.flush()
    _count({comment.article_id: _steps(None, comment.state, shown=comment.state is State.APPROVED)})
    webhooks.tell(webhooks.OF_STATE[comment.state], [comment], who=None, now=now or comment.created)
    if comment.state is State.APPROVED:
        subscriptions.published([comment], now=now or comment.created)


def _steps(before: State | None, after: State, *, shown: bool = True, flagged: int = 0) -> Steps:
    """Return how an article's counters move with one of its comments; `shown` says that readers see a difference."""
    steps: Steps = Counter()
    for state, step in ((before, -1), (after, 1)):
        if state in COUNTER:
            steps[COUNTER[state].key] += step
    steps[Standing.flagged.key] += flagged
    steps[Standing.stamp.key] += shown
    return steps


def _count(moved: dict[UUID, Steps]) -> None:
    """Move the counters of articles, by one statement."""
    names = sorted({name for steps in moved.values() for name, step in steps.items() if step})
    if names:
        values = {name: Standing.__table__.c[name] + bindparam(f"by_{name}") for name in names}
        statement = update(Standing).where(Standing.article_id == bindparam("of")).values(values)
        run(statement, [{"of": id} | {f"by_{name}": moved[id][name] for name in names} for id in sorted(moved)])


def changed(comment: Comment) -> None:
    """Say that readers see something else of a comment than before, though it stands where it stood."""
    _count({comment.article_id: _steps(comment.state, comment.state)})


def is_flagged(comment: Comment) -> bool:
    """Whether readers' flags on a comment wait for somebody's decision."""
    return comment.flags > 0


def flag(comment: Comment, weight: int) -> None:
    """Add the weight of one more flag. The caller holds the article's lock."""
    before = is_flagged(comment)
    comment.flags += weight
    flagged = is_flagged(comment) - before
    _count({comment.article_id: _steps(comment.state, comment.state, shown=False, flagged=flagged)})


def change_state(comment: Comment, to: State, **how: Any) -> Decision:
    """Move a comment to a state and record who did it, as `change_states` does."""
    [row] = change_states([comment], to, **how)
    return row


def change_states(
    comments: Sequence[Comment],
    to: State,
    *,
    who: str,
    action: str,
    now: datetime,
    who_id: UUID | None = None,
    reason: str | None = None,
    undoes: UUID | None = None,
    batch_id: UUID | None = None,
) -> list[Decision]:
    """Move comments to a state and record who did it, by a few statements. The caller holds their articles' locks.

    A decision answers the flags that were open: taking the comment down upholds them, approving it dismisses them, and
    undoing that opens them again.
    """
    were = [(comment.state, is_flagged(comment)) for comment in comments]
    rows = []
    for comment, (before, _) in zip(comments, were, strict=True):
        comment.state, comment.decided = to, now
        # A pin lasts while the comment is published: it takes a place that another could have.
        comment.pinned = comment.pinned and before is to is State.APPROVED
        comment.version += 1
        row = record(
            comment,
            who=who,
            who_id=who_id,
            action=action,
            before=before,
            reason=reason,
            undoes=undoes,
            batch_id=batch_id,
            now=now,
        )
        rows.append(row)
    flags.answer(list(zip(comments, rows, strict=True)))
    moved: dict[UUID, Steps] = {}
    for comment, (before, was_flagged) in zip(comments, were, strict=True):
        steps = _steps(before, to, flagged=is_flagged(comment) - was_flagged)
        moved.setdefault(comment.article_id, Counter()).update(steps)
    _count(moved)
    others = [comment for comment, (before, _) in zip(comments, were, strict=True) if before is not to]
    if others:
        webhooks.tell(webhooks.OF_STATE[to], others, who=who, now=now)
    if others and to is State.APPROVED:
        subscriptions.published(others, now=now)
    if to is State.REJECTED and reason:
        subscriptions.rejected(rows, now=now)
    return rows


def record(
    comment: Comment,
    *,
    who: str,
    action: str,
    now: datetime,
    who_id: UUID | None = None,
    before: State | None = None,
    reason: str | None = None,
    undoes: UUID | None = None,
    batch_id: UUID | None = None,
    replaced: str | None = None,
) -> Decision:
    """Write down what was done with a comment, and return the row; `before` is the state it was in, if another."""
    row = Decision(
        id=uuid7(),
        article_id=comment.article_id,
        site_id=comment.site_id,
        comment_id=comment.id,
        who=who,
        who_id=who_id,
        action=action,
        from_state=before or comment.state,
        to_state=comment.state,
        reason=reason,
        version=comment.version,
        undoes=undoes,
        batch_id=batch_id,
        replaced=replaced,
        text_hash=comment.text_hash,
        at=now,
    )
    db.session.add(row)
    return row


def erase(comment: Comment, *, who: str, now: datetime, who_id: UUID | None = None, reason: str | None = None) -> None:
    """Remove a comment's text, name, address and reader for good; the decisions stay without any of it."""
    change_state(comment, State.ERASED, who=who, who_id=who_id, action="erase", reason=reason, now=now)
    comment.source = comment.html = comment.name = comment.original = None
    comment.reader = comment.network = comment.text_hash = comment.submission = None
    subscriptions.forget(comment, now=now)
    comment.held_for, comment.score, comment.risk = [], None, 0.0
    comment.pinned = False
    # What flags say about it may quote it.
    flags.drop(comment)
    db.session.execute(delete(Like).where(Like.article_id == comment.article_id, Like.comment_id == comment.id))
    comment.likes = 0
    db.session.flush()
    of_comment = (Decision.article_id == comment.article_id, Decision.comment_id == comment.id)
    db.session.execute(update(Decision).where(*of_comment).values(text_hash=None, replaced=None))
