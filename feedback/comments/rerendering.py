"""A new policy for text reaches old comments: their words stay, their HTML is made anew from them."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, tuple_

from feedback import text
from feedback.comments.states import changed, lock
from feedback.db import db
from feedback.models import Comment

CHUNK = 100  # comments of one transaction, so that readers' writes find their turn between two of them

Key = tuple[UUID, UUID]


class Chunk(NamedTuple):
    """How many comments were made anew, how many the new policy would refuse, and the last one; None at the end."""

    made: int
    refused: int
    last: Key | None


def outdated() -> int:
    """Return how many comments have HTML of an earlier policy."""
    return db.session.execute(select(func.count()).select_from(Comment).where(*_OLD)).scalar_one()


_OLD = (Comment.policy < text.POLICY, Comment.source.is_not(None))


def rerender(after: Key | None) -> Chunk:
    """Make the HTML of the next comments anew, in the order of their keys.

    What the new policy would refuse from a reader keeps the HTML that it had, which was clean by the old one.
    """
    key = tuple_(Comment.article_id, Comment.id)
    query = select(Comment.article_id, Comment.id).where(*_OLD).order_by(Comment.article_id, Comment.id).limit(CHUNK)
    if after is not None:
        query = query.where(key > tuple_(*after))
    keys = [(article_id, comment_id) for article_id, comment_id in db.session.execute(query)]
    if not keys:
        return Chunk(0, 0, None)
    lock(*{article_id for article_id, _ in keys})
    rows = db.session.execute(select(Comment).where(*_OLD, key.in_(keys)).with_for_update()).scalars().all()
    made = sum(_renew(row) for row in rows)
    return Chunk(made, len(rows) - made, keys[-1])


def _renew(comment: Comment) -> bool:
    try:
        html = text.comment_html(comment.source or "")
    except text.Unfit:
        return False
    if html != comment.html:
        comment.html = html
        changed(comment)
    comment.policy = text.POLICY
    return True
