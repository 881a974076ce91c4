"""What a reader may ask of us: all that is stored about them, and that all of it is gone. One site at a time."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from feedback import articles, comments, erasures, opaque, subscriptions, votes
from feedback.clock import rfc3339
from feedback.db import db, run
from feedback.models import Article, Ban, Comment, Flag, Like, Vote


@dataclass(frozen=True)
class Erased:
    """How many rows of a reader were erased."""

    votes: int
    comments: int
    flags: int
    likes: int

    def public(self) -> dict[str, int]:
        return asdict(self)


def erase(site: articles.SiteView, reader: bytes, *, now: datetime) -> Erased:
    """Erase every row of a reader on a site, here and wherever an older backup is restored.

    What is asked twice finds nothing the second time.
    """
    erased = forget(site, reader, now=now)
    erasures.record(erasures.of_reader(reader), found=any(erased.public().values()))
    return erased


def forget(site: articles.SiteView, reader: bytes, *, now: datetime) -> Erased:
    """Remove every vote, flag, like and comment of a reader on a site from this database, and bans of theirs.

    A ban is known by what is erased; who wants to go around one has only to forget their token.
    """
    run(delete(Ban).where(Ban.site_id == site.id, Ban.subject == reader))
    voted = run(select(Vote.article_id).where(Vote.reader == reader, Vote.site_id == site.id)).scalars().all()
    written = run(select(Comment.article_id).where(Comment.reader == reader, Comment.site_id == site.id)).scalars()
    flagged = comments.flags_of(site.id, reader)
    liked = {row.article_id for row in comments.likes_of(site.id, reader)}
    erased = unliked = 0
    # One article after the other, in the order of all who lock several, so that none waits for whom waits for it.
    for article_id in sorted({*voted, *written, *liked, *(flag.article_id for flag in flagged)}):
        votes.forget(site, article_id, reader, now=now)
        for flag in flagged:
            if flag.article_id == article_id:
                comments.forget_flag(flag)
        unliked += comments.forget_likes(article_id, reader) if article_id in liked else 0
        erased += _forget_comments(article_id, reader, now)
    return Erased(len(voted), erased, len(flagged), unliked)


def _forget_comments(article_id: UUID, reader: bytes, now: datetime) -> int:
    comments.lock(article_id)
    # Read under the lock: what was purged just before is not the reader's any more.
    query = select(Comment).where(Comment.reader == reader, Comment.article_id == article_id)
    mine = db.session.execute(query.order_by(Comment.id)).scalars().all()
    for comment in mine:
        comments.erase(comment, who="reader", now=now)
    return len(mine)


def export(site_id: UUID, reader: bytes) -> dict[str, Any]:
    """Return all that is stored about a reader on a site; what was marked spam shows as pending."""
    voted = db.session.execute(
        select(Vote, Article.key, Article.title)
        .join(Article, Article.id == Vote.article_id)
        .where(Vote.reader == reader, Vote.site_id == site_id)
        .order_by(Vote.created)
    )
    written = db.session.execute(
        select(Comment, Article.key, Article.title)
        .join(Article, Article.id == Comment.article_id)
        .where(Comment.reader == reader, Comment.site_id == site_id)
        .order_by(Comment.created, Comment.id)
    )
    flagged = comments.flags_of(site_id, reader)
    return {
        "flags": [_flag(flag) for flag in flagged],
        "likes": [_like(like) for like in comments.likes_of(site_id, reader)],
        "votes": [{"article": {"key": key, "title": title}, **_vote(vote)} for vote, key, title in voted],
        "comments": [{"article": {"key": key, "title": title}, **_comment(comment)} for comment, key, title in written],
    }


def _vote(vote: Vote) -> dict[str, Any]:
    return {
        "value": vote.value.value,
        "revision": vote.revision or None,
        "day": vote.day.isoformat(),
        "reason": vote.reason,
        "section": vote.section,
        "note": vote.note,
        "note_status": vote.note_status.value,
        "fixed_in": vote.fixed_in,
        "counted": vote.counted,
        "set_aside_with": vote.burst_day.isoformat() if vote.burst_day else None,
        "network_hash_kept": vote.network is not None,
        "created": rfc3339(vote.created),
        "updated": rfc3339(vote.updated),
    }


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "comment": opaque.identifier(flag.article_id, flag.comment_id),
        "reason": flag.reason.value,
        "note": flag.note,
        "network_hash_kept": flag.network is not None,
        "created": rfc3339(flag.created),
    }


def _subscription(comment: Comment) -> dict[str, Any] | None:
    row = subscriptions.of(comment)
    if row is None:
        return None
    return {name: rfc3339(at) if at else None for name, at in (("asked", row.asked), ("confirmed", row.confirmed))}


def _like(like: Like) -> dict[str, Any]:
    return {"comment": opaque.identifier(like.article_id, like.comment_id), "created": rfc3339(like.created)}


def _comment(comment: Comment) -> dict[str, Any]:
    own = comments.own(comment)
    del own["replies"], own["staff"]
    return own | {
        "original": comment.original,
        "earlier": comments.earlier(comment),
        "submission": comment.submission,
        "notify_by_mail": comment.sealed_email is not None,
        "subscription": _subscription(comment),
        "network_hash_kept": comment.network is not None,
    }
