"""What readers may see of their own comments and do with them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from feedback import opaque, subscriptions
from feedback.clock import rfc3339
from feedback.comments.states import change_state, lock
from feedback.comments.threads import public
from feedback.db import db
from feedback.errors import Missing, Refused
from feedback.models import Comment, State

EDITABLE_FOR = timedelta(minutes=15)
EDITABLE = (State.PENDING, State.APPROVED, State.SPAM)
SEEN_BY_ITS_READER = {State.SPAM: State.PENDING}  # what was marked spam shows as pending to whoever wrote it


def mine(article_id: UUID, reader: bytes) -> list[Comment]:
    """Return a reader's own comments on an article, in any state but erased, oldest first."""
    query = select(Comment).where(
        Comment.reader == reader, Comment.article_id == article_id, Comment.state != State.ERASED
    )
    return list(db.session.execute(query.order_by(Comment.created, Comment.id)).scalars())


def own(comment: Comment) -> dict[str, Any]:
    """Return a comment as its own reader may see it."""
    return public(comment) | {
        "html": comment.html,
        "name": comment.name,
        "state": SEEN_BY_ITS_READER.get(comment.state, comment.state).value,
        "source": comment.source,
        "version": comment.version,
        "editable_until": rfc3339(editable_until(comment)) if is_editable(comment) else None,
        "replies": [],
    }


def is_editable(comment: Comment) -> bool:
    """Whether its reader may change a comment while there is time; what a moderator has worded stays as it is."""
    return comment.state in EDITABLE and comment.original is None


def editable_until(comment: Comment) -> datetime:
    """Return until when a comment may be changed by its reader."""
    return comment.created + EDITABLE_FOR


def is_changeable(comment: Comment, now: datetime) -> bool:
    """Whether its reader may change a comment now."""
    return is_editable(comment) and now <= editable_until(comment)


def withdraw(comment_id: str, reader: bytes, *, site_id: UUID, now: datetime) -> Comment:
    """Take a comment off the page for good, at its reader's wish. Twice is once. Raises Missing, Refused."""
    comment = owned(comment_id, reader, site_id)
    if comment.state is not State.WITHDRAWN:
        change_state(comment, State.WITHDRAWN, who="reader", action="withdraw", now=now)
        subscriptions.stop(comment, now=now)
    return comment


def owned(comment_id: str, reader: bytes, site_id: UUID, *, locked: bool = True) -> Comment:
    """Return a reader's own comment, its article locked first. Raises Missing, Refused."""
    key = opaque.parse_identifier(comment_id)
    if key is not None and locked:
        lock(key[0])
    comment = db.session.get(Comment, key) if key else None
    if comment is None or comment.site_id != site_id or comment.state is State.ERASED:
        raise Missing("This comment is not there any more.")
    if comment.reader != reader:
        raise Refused("This comment is not yours.")
    return comment
