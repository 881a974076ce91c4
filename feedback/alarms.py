"""Readers who say that something could be unsafe: an article's reviewers are told at once.

Whoever sends many such words must not bury the reviewers in mail: of one article there is at most one letter an hour
for each of them. The first leaves at once; what comes within the hour is gathered in one more at its end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select

from feedback import notices, staff
from feedback.db import db, insert, run
from feedback.models import (
    Alarm,
    Article,
    Comment,
    Digest,
    Flag,
    FlagReason,
    Membership,
    Outbox,
    Role,
    State,
    User,
    Vote,
)

UNSAFE = FlagReason.UNSAFE.value  # the code of a vote's reason, and of a flag's
QUIET = timedelta(hours=1)
LONG_AGO = timedelta(days=36_500)
SHOWN = 10  # flags and votes of a letter, the newest; it counts the others


@dataclass(frozen=True)
class Word:
    """What one reader said: of a comment, or of the article itself."""

    note: str | None
    comment: Comment | None
    at: datetime


def sound(article_id: UUID, site_id: UUID, *, now: datetime) -> None:
    """Tell an article's reviewers that a reader finds it, or a comment on it, unsafe."""
    run(insert(Alarm).values(article_id=article_id, last=now - LONG_AGO).on_conflict_do_nothing())
    row = db.session.get_one(Alarm, article_id, with_for_update=True, populate_existing=True)
    if row.last > now and _waits(article_id, row.last, now):
        return  # the letter that leaves then tells of this one, too
    rested = now >= row.last + QUIET or row.last > now
    since, row.last = (now, now) if rested else (row.last, row.last + QUIET)
    for user_id in recipients(article_id, site_id):
        about: dict[str, UUID | datetime] = {"user": user_id, "article": article_id, "since": since}
        notices.put(notices.Kind.UNSAFE, about, now=now, site_id=site_id, due=row.last)


def _waits(article_id: UUID, due: datetime, now: datetime) -> bool:
    """Whether a letter waits that tells of what is said now; none does where the clock was put back to before it."""
    query = select(Outbox.about).where(Outbox.kind == notices.Kind.UNSAFE, Outbox.done.is_(None), Outbox.due == due)
    waiting = (about for about in db.session.execute(query).scalars() if about["article"] == article_id.hex)
    return any(datetime.fromisoformat(about["since"]) <= now for about in waiting)


def hand_on(article: Article, since: str, *, now: datetime) -> None:
    """Warn whoever is to be warned by now, in the place of somebody who no longer is; nobody gets the same twice."""
    query = select(Outbox.about).where(Outbox.kind == notices.Kind.UNSAFE)
    told = (about for about in db.session.execute(query).scalars() if about["article"] == article.id.hex)
    had = {about["user"] for about in told if about["since"] == since}
    for user_id in recipients(article.id, article.site_id):
        if user_id.hex not in had:
            about: dict[str, UUID | str] = {"user": user_id, "article": article.id, "since": since}
            notices.put(notices.Kind.UNSAFE, about, now=now, site_id=article.site_id)


def recipients(article_id: UUID, site_id: UUID) -> list[UUID]:
    """Return who is warned: the article's reviewers who hold the role, else who moderates or administers the site.

    A reviewer who has lost the role is told no more of what readers write.
    """
    reviewers = staff.named(article_id, site_id, Role.REVIEWER)
    queue = select(Membership.user_id).where(
        Membership.site_id == site_id, Membership.role.in_((Role.MODERATOR, Role.ADMINISTRATOR))
    )
    return _willing(reviewers, site_id) or _willing(queue, site_id)


def _willing(people: Select[Any], site_id: UUID) -> list[UUID]:
    query = (
        select(User.id)
        .outerjoin(Digest, and_(Digest.user_id == User.id, Digest.site_id == site_id))
        .where(User.id.in_(people), User.active, User.password.is_not(None))
        .where(or_(Digest.unsafe.is_(None), Digest.unsafe))
    )
    return list(db.session.execute(query.order_by(User.id)).scalars())


def wants(user_id: UUID, article: Article) -> bool:
    """Whether somebody is still to be warned about an article."""
    return user_id in recipients(article.id, article.site_id)


def words(article_id: UUID, since: datetime) -> list[Word]:
    """Return what readers have said since a moment that is still to be looked at, newest first."""
    flagged = select(Flag, Comment).join(
        Comment, and_(Comment.article_id == Flag.article_id, Comment.id == Flag.comment_id)
    )
    flagged = flagged.where(
        Flag.article_id == article_id,
        Flag.reason == FlagReason.UNSAFE,
        Flag.created >= since,
        Flag.resolved.is_(None),
        Comment.state.in_((State.PENDING, State.APPROVED)),
    )
    voted = select(Vote).where(Vote.article_id == article_id, Vote.reason == UNSAFE, Vote.updated >= since)
    found = [Word(row.Flag.note, row.Comment, row.Flag.created) for row in db.session.execute(flagged)]
    found += [Word(vote.note, None, vote.updated) for vote in db.session.execute(voted).scalars()]
    return sorted(found, key=lambda word: word.at, reverse=True)


def may_moderate(user_id: UUID, site_id: UUID) -> bool:
    """Whether the queue opens for somebody, so that a link leads them to the comment itself."""
    return staff.may(staff.roles_of(user_id).get(site_id, ()), Role.MODERATOR)
