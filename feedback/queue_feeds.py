"""The feed of a site's queue: for one person, opened by a token that opens nothing else and can be revoked."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from feedback import staff
from feedback.db import db, insert, run
from feedback.models import Article, Comment, FeedToken, Role, State, User

PREFIX = "fq_"  # so that a token found in a log can be recognised
SHOWN = 50  # comments; feed readers keep what they have seen


def make(user_id: UUID, site_id: UUID, *, now: datetime) -> str:
    """Make the token of somebody's feed and return it, shown this once; the one before is worth nothing any more."""
    secret = PREFIX + secrets.token_urlsafe(32)
    values = {"hash": _hash(secret), "created": now}
    made = insert(FeedToken).values(user_id=user_id, site_id=site_id, **values)
    run(made.on_conflict_do_update(index_elements=["user_id", "site_id"], set_=values))
    return secret


def revoke(user_id: UUID, site_id: UUID) -> bool:
    """Make the token of somebody's feed useless. Returns whether there was one."""
    row = db.session.get(FeedToken, (user_id, site_id))
    if row is not None:
        db.session.delete(row)
    return row is not None


def of(user_id: UUID) -> dict[UUID, datetime]:
    """Return since when somebody has a feed, by site."""
    query = select(FeedToken.site_id, FeedToken.created).where(FeedToken.user_id == user_id)
    return {row.site_id: row.created for row in db.session.execute(query)}


def opens(secret: str, site_id: UUID) -> bool:
    """Whether a token opens the feed of a site's queue: its person is active and still moderates there."""
    query = select(FeedToken.user_id).join(User, User.id == FeedToken.user_id)
    found = query.where(FeedToken.hash == _hash(secret), FeedToken.site_id == site_id, User.active)
    user_id = db.session.execute(found).scalar_one_or_none()
    return user_id is not None and staff.may(staff.roles_of(user_id).get(site_id, ()), Role.MODERATOR)


def waiting(site_id: UUID) -> list[tuple[Comment, Article]]:
    """Return the comments that wait on a site, newest first, each with its article."""
    query = select(Comment, Article).join(Article, Article.id == Comment.article_id)
    query = query.where(Comment.site_id == site_id, Comment.state == State.PENDING)
    found = db.session.execute(query.order_by(Comment.created.desc(), Comment.id.desc()).limit(SHOWN))
    return [(row.Comment, row.Article) for row in found]


def _hash(secret: str) -> bytes:
    # The token has 256 random bits, so that a fast hash is enough.
    return hashlib.sha256(secret.encode()).digest()
