"""Where a comment stands: its one lock, its states with a decision for each change, and what the article counts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from feedback import webhooks
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


def lock(article_id: UUID) -> None:
    """Let nobody else change this article's comments until the transaction ends."""
    db.session.execute(select(Standing.article_id).where(Standing.article_id == article_id).with_for_update())


def add(comment: Comment, *, now: datetime | None = None) -> None:
    """Store a new comment, count it and tell of it. The caller holds the article's lock."""
    db.session.add(comment)
    db.session.flush()
    _count(comment, None, comment.state, shown=comment.state is State.APPROVED)
    webhooks.tell(webhooks.OF_STATE[comment.state], comment, who=None, now=now or comment.created)


def _count(comment: Comment, before: State | None, after: State, *, shown: bool = True, flagged: int = 0) -> None:
    """Move a comment from one of the article's counters to another; `shown` says that readers see a difference."""
    values = {Standing.stamp: Standing.stamp + 1} if shown else {}
    if before is not after:
        values |= {
            COUNTER[state]: COUNTER[state] + step for state, step in ((before, -1), (after, 1)) if state in COUNTER
        }
    if flagged:
        values[Standing.flagged] = Standing.flagged + flagged
    if values:
        run(update(Standing).where(Standing.article_id == comment.article_id).values(values))


def changed(comment: Comment) -> None:
    """Say that readers see something else of a comment than before, though it stands where it stood."""
    _count(comment, comment.state, comment.state)


def is_flagged(comment: Comment) -> bool:
    """Whether readers' flags on a comment wait for somebody's decision."""
    return comment.flags > 0


def flag(comment: Comment, weight: int) -> None:
    """Add the weight of one more flag. The caller holds the article's lock."""
    before = is_flagged(comment)
    comment.flags += weight
    _count(comment, comment.state, comment.state, shown=False, flagged=is_flagged(comment) - before)


def change_state(
    comment: Comment,
    to: State,
    *,
    who: str,
    action: str,
    now: datetime,
    who_id: UUID | None = None,
    reason: str | None = None,
    undoes: UUID | None = None,
    batch_id: UUID | None = None,
) -> Decision:
    """Move a comment to a state and record who did it. The caller holds the article's lock.

    A decision answers the flags that were open: taking the comment down upholds them, approving it dismisses them, and
    undoing that opens them again.
    """
    before, was_flagged = comment.state, is_flagged(comment)
    comment.state, comment.decided = to, now
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
    comment.flags = flags.answered(comment, row.id, undoes=undoes)
    _count(comment, before, to, flagged=is_flagged(comment) - was_flagged)
    if before is not to:
        webhooks.tell(webhooks.OF_STATE[to], comment, who=who, now=now)
    return row


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
    comment.reader = comment.network = comment.sealed_email = comment.text_hash = comment.submission = None
    comment.held_for, comment.score, comment.risk = [], None, 0.0
    comment.pinned = False
    # What flags say about it may quote it.
    flags.drop(comment)
    db.session.execute(delete(Like).where(Like.article_id == comment.article_id, Like.comment_id == comment.id))
    comment.likes = 0
    db.session.flush()
    of_comment = (Decision.article_id == comment.article_id, Decision.comment_id == comment.id)
    db.session.execute(update(Decision).where(*of_comment).values(text_hash=None, replaced=None))
