"""Mail digests: who is told, and how often, that comments wait.

A comment begins to wait when it is sent, or later, when somebody's decision first puts it into the queue; and once more
whenever readers' flags, or a change by its own reader, take it from the page again. A digest covers the moments between
two times, which are fixed with its row in the outbox; the next one begins where it ended. So nobody is told twice of
the same wait, and the same digest sent again holds the same comments, less those that somebody has decided on
meanwhile. Only where the clock was set back is all that waits told of again: moments that a digest has covered come a
second time then, with new comments in them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Select, and_, func, or_, select, union
from sqlalchemy.orm import aliased

from feedback import comments, notices, staff
from feedback.db import db, insert, run
from feedback.models import Article, Comment, Decision, Digest, Membership, Pace, Role, Site, State, User

SLACK = timedelta(seconds=30)  # in which a comment that has its time may still be on its way into storage
DAILY_AT = time(5)  # UTC: before the working day of Europe and Africa, in the evening of America
SHOWN = 25  # comments of a digest, the oldest; it counts the others
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # whoever is told for the first time is told of all that waits
STRIDE = timedelta(days=1)  # after so long without anything to tell the digest's beginning moves on
SALT = "feedback.unsubscribe"

Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Wish:
    """What mail somebody wants about a site: how often a digest; which of the other kinds."""

    pace: Pace
    unsafe: bool = True
    drops: bool = True
    weekly: bool = True


def usual(roles: set[Role]) -> Wish:
    """Return what somebody gets who has not said otherwise: moderators an hourly digest."""
    return Wish(Pace.HOURLY if Role.MODERATOR in roles else Pace.NEVER)


def wish(user_id: UUID, site_id: UUID, roles: set[Role]) -> Wish:
    """Return what somebody gets about a site on which they have these roles."""
    row = db.session.get(Digest, (user_id, site_id))
    return usual(roles) if row is None else Wish(row.pace, row.unsafe, row.drops, row.weekly)


def choose(user_id: UUID, site_id: UUID, wanted: Wish) -> None:
    """Settle what somebody gets about a site. What they have been told of, they are not told of again."""
    row = row_of(user_id, site_id)
    if wanted.weekly and not row.weekly:
        row.weekly_told = None  # they begin anew, on the next Monday
    row.pace, row.unsafe, row.drops, row.weekly = wanted.pace, wanted.unsafe, wanted.drops, wanted.weekly


def row_of(user_id: UUID, site_id: UUID) -> Digest:
    """Return somebody's row, locked, made where there is none."""
    roles = staff.roles_of(user_id).get(site_id, set())
    values = {"user_id": user_id, "site_id": site_id, "pace": usual(roles).pace, "told": BEGINNING, "unsafe": True}
    run(insert(Digest).values(values).on_conflict_do_nothing())
    return db.session.get_one(Digest, (user_id, site_id), with_for_update=True, populate_existing=True)


# When


def due(now: datetime) -> list[tuple[UUID, UUID]]:
    """Return (user, site) of every digest that has something to tell by now. Reads; changes nothing."""
    return [(user_id, site_id) for user_id, site_id, window in _windows(now) if window and _is_due(site_id, window)]


def put(user_id: UUID, site_id: UUID, *, now: datetime) -> UUID | None:
    """Put somebody's digest into the outbox and return its id; None where another worker just did."""
    row = row_of(user_id, site_id)
    window = _window(row.pace, row.told, now)
    if window is None or not _is_due(site_id, window):
        return None
    after, row.told = window
    if not waiting(site_id, window, limit=1):
        return None
    about: dict[str, UUID | datetime] = {"user": user_id, "site": site_id, "after": after, "until": row.told}
    return notices.put(notices.Kind.DIGEST, about, now=now, site_id=site_id)


def _windows(now: datetime) -> Iterator[tuple[UUID, UUID, Window | None]]:
    query = (
        select(Membership.user_id, Membership.site_id, Membership.role, Digest.pace, Digest.told)
        .join(User, User.id == Membership.user_id)
        .outerjoin(Digest, and_(Digest.user_id == Membership.user_id, Digest.site_id == Membership.site_id))
        .where(User.active, User.password.is_not(None), Membership.role.in_((Role.MODERATOR, Role.ADMINISTRATOR)))
        # Of somebody with both roles the moderator's is what counts.
        .order_by(Membership.user_id, Membership.site_id, Membership.role.desc())
    )
    seen = set()
    for row in db.session.execute(query):
        if (row.user_id, row.site_id) not in seen:
            seen.add((row.user_id, row.site_id))
            pace = row.pace or usual({row.role}).pace
            yield row.user_id, row.site_id, _window(pace, row.told or BEGINNING, now)


def _window(pace: Pace, told: datetime, now: datetime) -> Window | None:
    """Return (after, until) of the next digest; None where none is due yet."""
    if told > now:
        told = BEGINNING  # the clock was set back
    until = now - SLACK
    if pace is Pace.HOURLY:
        until = until.replace(minute=0, second=0, microsecond=0)
    elif pace is Pace.DAILY:
        day = datetime.combine(until.date(), DAILY_AT, until.tzinfo)
        until = day if day <= until else day - timedelta(days=1)
    return (told, until) if pace is not Pace.NEVER and until > told else None


def _is_due(site_id: UUID, window: Window) -> bool:
    after, until = window
    return until - after > STRIDE or bool(waiting(site_id, window, limit=1))


# What


def waiting(site_id: UUID, window: Window, *, limit: int = SHOWN) -> list[tuple[Comment, Article]]:
    """Return the comments that began to wait in a window and still do, the oldest first, each with its article."""
    keys = _began(site_id, window).subquery()
    query = (
        select(Comment, Article)
        .join(keys, and_(keys.c.article_id == Comment.article_id, keys.c.id == Comment.id))
        .join(Article, Article.id == Comment.article_id)
        .order_by(Comment.created, Comment.id)
    )
    return [(row.Comment, row.Article) for row in db.session.execute(query.limit(limit))]


def count(site_id: UUID, window: Window) -> int:
    """Return how many comments began to wait in a window and still do."""
    return db.session.execute(select(func.count()).select_from(_began(site_id, window).subquery())).scalar_one()


def _began(site_id: UUID, window: Window) -> Select[tuple[UUID, UUID]]:
    after, until = window
    keys = select(Comment.article_id, Comment.id).where(Comment.site_id == site_id, Comment.state == State.PENDING)
    began = _sent_as()
    sent = keys.where(Comment.created > after, Comment.created <= until, or_(began.is_(None), began == State.PENDING))
    earlier = aliased(Decision)
    before = select(earlier.id).where(
        earlier.article_id == Decision.article_id,
        earlier.comment_id == Decision.comment_id,
        earlier.to_state == State.PENDING,
        earlier.from_state != State.PENDING,
        or_(earlier.at < Decision.at, and_(earlier.at == Decision.at, earlier.id < Decision.id)),
    )
    put_back = keys.join(
        Decision, and_(Decision.article_id == Comment.article_id, Decision.comment_id == Comment.id)
    ).where(
        Decision.site_id == site_id,
        Decision.at > after,
        Decision.at <= until,
        Decision.to_state == State.PENDING,
        Decision.from_state != State.PENDING,
        # A moderator who holds what has waited before knows of it; what readers do to it nobody has seen yet.
        or_(Decision.action.in_(("flag", comments.AMEND)), and_(began != State.PENDING, ~before.exists())),
    )
    # A comment may have been sent, published and put back within one window.
    return select(union(sent, put_back).subquery())


def _sent_as() -> Any:
    """Return the state in which a comment was sent, from its first decision; null without one."""
    first = aliased(Decision)
    return (
        select(first.from_state)
        .where(first.article_id == Comment.article_id, first.comment_id == Comment.id)
        .order_by(first.at, first.id)
        .limit(1)
        .correlate(Comment)
        .scalar_subquery()
    )


def reads(user_id: UUID, site_id: UUID) -> bool:
    """Whether somebody may be told what waits on a site, and wants to."""
    roles = staff.roles_of(user_id).get(site_id, set())
    return staff.may(roles, Role.MODERATOR) and wish(user_id, site_id, roles).pace is not Pace.NEVER


# Unsubscribing


class Unsubscriber:
    """Signs what lets somebody end one kind of mail about a site without signing in. It never grows too old."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        # itsdangerous signs with the last of its keys.
        self.serializer = URLSafeSerializer(
            [*reversed(keys)], salt=SALT, signer_kwargs={"digest_method": hashlib.sha256}
        )

    def sign(self, user_id: UUID, site_id: UUID, kind: notices.Kind) -> str:
        """Return the token for letters of a kind."""
        return str(self.serializer.dumps([user_id.hex, site_id.hex, kind.value]))

    def read(self, token: str) -> tuple[User, Site, notices.Kind] | None:
        """Return whose mail a token is about; None where it was never ours, or they are gone."""
        try:
            user_id, site_id, kind = self.serializer.loads(token)
        except BadData:
            return None
        user, site = db.session.get(User, UUID(user_id)), db.session.get(Site, UUID(site_id))
        return None if user is None or site is None else (user, site, notices.Kind(kind))


def end(user_id: UUID, site_id: UUID, kind: notices.Kind) -> None:
    """Send somebody no more letters of a kind about a site."""
    row = row_of(user_id, site_id)
    if kind is notices.Kind.DIGEST:
        row.pace = Pace.NEVER
    elif kind is notices.Kind.DROP:
        row.drops = False
    elif kind is notices.Kind.WEEKLY:
        row.weekly = False
    else:
        row.unsafe = False
