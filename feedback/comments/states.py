"""Where a comment stands: its one lock, its states with a decision for each change, and what the article counts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from feedback.db import db, uuid7
from feedback.models import Comment, Decision, Standing, State


def lock(article_id: UUID) -> None:
    """Let nobody else change this article's comments until the transaction ends."""
    db.session.execute(select(Standing.article_id).where(Standing.article_id == article_id).with_for_update())


def publish(article_id: UUID, step: int) -> None:
    """Count one comment more (1) or less (-1) among the published; 0 says that something shown has changed."""
    db.session.execute(
        update(Standing)
        .where(Standing.article_id == article_id)
        .values(comments=Standing.comments + step, stamp=Standing.stamp + 1)
    )


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
) -> Decision:
    """Move a comment to another state and record who did it. The caller holds the article's lock."""
    before = comment.state
    comment.state, comment.decided = to, now
    comment.version += 1
    row = Decision(
        id=uuid7(),
        article_id=comment.article_id,
        site_id=comment.site_id,
        comment_id=comment.id,
        who=who,
        who_id=who_id,
        action=action,
        from_state=before,
        to_state=to,
        reason=reason,
        version=comment.version,
        undoes=undoes,
        text_hash=comment.text_hash,
        at=now,
    )
    db.session.add(row)
    publish(comment.article_id, (to is State.APPROVED) - (before is State.APPROVED))
    db.session.flush()
    return row


def erase(comment: Comment, *, who: str, now: datetime, who_id: UUID | None = None, reason: str | None = None) -> None:
    """Remove a comment's text, name, address and reader for good; the decisions stay without any of it."""
    change_state(comment, State.ERASED, who=who, who_id=who_id, action="erase", reason=reason, now=now)
    comment.source = comment.html = comment.name = None
    comment.reader = comment.network = comment.sealed_email = comment.text_hash = comment.submission = None
    comment.held_for, comment.score = [], None
    db.session.flush()
    of_comment = (Decision.article_id == comment.article_id, Decision.comment_id == comment.id)
    db.session.execute(update(Decision).where(*of_comment).values(text_hash=None))
