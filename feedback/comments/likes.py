"""A reader likes what somebody else wrote: once, and only what everybody can see. A comment's count equals its rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from feedback import opaque
from feedback.comments.states import changed, lock
from feedback.db import db
from feedback.errors import Missing, Refused
from feedback.models import Accepts, Article, Comment, Like, State


def like(comment_id: str, reader: bytes, likes: bool, *, site_id: UUID, now: datetime) -> int:
    """Note that a reader likes a published comment, or no longer does; return how many like it then.

    Twice is once. Raises Missing, Refused for one's own comment.
    """
    comment = _published(comment_id, reader, site_id)
    row = db.session.get(Like, (comment.article_id, comment.id, reader))
    if likes and row is None:
        db.session.add(
            Like(article_id=comment.article_id, comment_id=comment.id, reader=reader, site_id=site_id, created=now)
        )
        _count(comment, 1)
    elif row is not None and not likes:
        _forget(row, comment)
    return comment.likes


def _published(comment_id: str, reader: bytes, site_id: UUID) -> Comment:
    key = opaque.parse_identifier(comment_id)
    if key is not None:
        lock(key[0])
    comment = db.session.get(Comment, key) if key else None
    if comment is None or comment.site_id != site_id:
        raise Missing("This comment is not there any more.")
    if comment.reader == reader:
        raise Refused("This comment is yours. What others think of it is up to them.")
    hidden = db.session.get_one(Article, comment.article_id).accepts is Accepts.HIDDEN
    if comment.state is not State.APPROVED or hidden:
        raise Missing("This comment is not there any more.")
    return comment


def _count(comment: Comment, step: int) -> None:
    comment.likes += step
    changed(comment)
    db.session.flush()


def _forget(row: Like, comment: Comment) -> None:
    db.session.delete(row)
    _count(comment, -1)


def likes_of(site_id: UUID, reader: bytes) -> list[Like]:
    """Return what a reader likes on a site, the oldest first."""
    query = select(Like).where(Like.reader == reader, Like.site_id == site_id)
    return list(db.session.execute(query.order_by(Like.created, Like.comment_id)).scalars())


def liked_on(article_id: UUID, reader: bytes) -> list[str]:
    """Return the identifiers of the comments of an article that a reader likes."""
    query = select(Like.comment_id).where(Like.reader == reader, Like.article_id == article_id)
    found = db.session.execute(query.order_by(Like.comment_id)).scalars()
    return [opaque.identifier(article_id, comment_id) for comment_id in found]


def forget_likes(article_id: UUID, reader: bytes) -> int:
    """Erase what a reader likes on an article, and return how many that were. The caller holds no lock yet."""
    lock(article_id)
    # Read under the lock: what was erased just before has lost its likes with it.
    query = select(Like).where(Like.reader == reader, Like.article_id == article_id)
    rows = db.session.execute(query).scalars().all()
    for row in rows:
        comment = db.session.get_one(Comment, (article_id, row.comment_id), populate_existing=True)
        _forget(row, comment)
    return len(rows)
