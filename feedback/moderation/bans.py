"""Banning whoever wrote a comment, and letting them in again: rows of its history too, which outlive the ban."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from feedback import blocklist, comments, readers
from feedback.db import db
from feedback.models import Ban, Banned, Comment, Decision
from feedback.moderation.decisions import locked
from feedback.staff import Actor

BAN = {Banned.READER: "ban", Banned.NETWORK: "ban_network"}
LIFT = "lift"


def ban(
    comment_id: str, kind: Banned, *, why: str, who: Actor, site_ids: Collection[UUID], now: datetime, **how: Any
) -> Ban:
    """Ban as `blocklist.ban` does, and write it down with the comment that was the reason."""
    [comment] = locked([comment_id], site_ids)
    row = blocklist.ban(comment_id, kind, why=why, who=who, site_ids=site_ids, now=now, **how)
    comments.record(comment, who=who.name, who_id=who.id, action=BAN[kind], reason=why, now=now)
    db.session.flush()
    return row


def lift(ban_id: UUID, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> Ban:
    """End a ban, and write it down where the ban is. Raises Missing."""
    row = blocklist.lift(ban_id, site_ids=site_ids)
    comment = _of(row)
    if comment is not None:
        comments.lock(comment.article_id)
        comments.record(comment, who=who.name, who_id=who.id, action=LIFT, now=now)
    return row


def _of(row: Ban) -> Comment | None:
    """Return the comment that somebody was last banned for; None once nobody knows any more who wrote it."""
    wrote = [Comment.reader == row.subject]
    if row.kind is Banned.NETWORK:
        # All that has this hash was sent on the first day of its key; to say so spares looking through the rest.
        wrote = [Comment.network == row.subject, Comment.created >= row.until - timedelta(days=readers.KEY_DAYS)]
    query = (
        select(Comment)
        .join(Decision, (Decision.article_id == Comment.article_id) & (Decision.comment_id == Comment.id))
        .where(Comment.site_id == row.site_id, *wrote, Decision.action == BAN[row.kind])
        .order_by(Decision.at.desc(), Decision.id.desc())
    )
    return db.session.execute(query.limit(1)).scalar_one_or_none()
