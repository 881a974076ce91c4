"""The outbox: what is to be told, once it is decided, to whom it may concern. At least once, and never held up.

A rule that has something to tell puts a row here in its own transaction. A worker leases rows, delivers them outside
of any transaction and marks them; where it is killed on the way, the lease runs out and another worker delivers the
row again, under the same Message-ID. What cannot be delivered is given up after a while, for an administrator to see.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, func, select, update

from feedback.clock import rfc3339
from feedback.db import db, run, uuid7
from feedback.errors import Missing
from feedback.models import Outbox

LEASE = timedelta(minutes=5)  # longer than any mail server takes to answer, with its time-outs
BATCH = 20  # leased at once: what one worker delivers well within its lease
# Pauses after each failed attempt; after the last the notice is given up, a day and a half after it was due.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 720, 1_200))
KEPT = timedelta(days=30)  # that a delivered notice stays listed; it holds ids only
MAX_FAULT_CHARS = 200


class Kind(StrEnum):
    """What a notice is about; `about` then names the ids."""

    RESET = "reset"  # user: a link to choose a new password
    INVITATION = "invitation"  # user, site: a link to choose the first password
    DIGEST = "digest"  # user, site, after, until: what began to wait between those moments
    UNSAFE = "unsafe"  # user, article, since: readers say that it could be unsafe
    DROP = "drop"  # user, article, revision: since that one fewer readers are helped
    WEEKLY = "weekly"  # user, site, after, until: what a week says of their articles
    CONFIRM = "confirm"  # article, comment: whether its reader wants to be told of replies
    REPLIES = "replies"  # article, comment, replies, more: what was answered to it
    REJECTED = "rejected"  # article, comment, decision: why it was rejected
    WEBHOOK = "webhook"  # webhook, and where it is about one: article, comment. A row of `delivery` says the rest
    WEBHOOK_OFF = "webhook_off"  # user, site, webhook: it was switched off, because it failed for too long


MAIL = frozenset(Kind) - {Kind.WEBHOOK}


@dataclass(frozen=True)
class Notice:
    """A leased row of the outbox."""

    id: UUID
    kind: Kind
    about: dict[str, str]
    attempts: int


def put(
    kind: Kind,
    about: Mapping[str, UUID | datetime | str],
    *,
    now: datetime,
    site_id: UUID | None = None,
    due: datetime | None = None,
) -> UUID:
    """Add a notice, due at once or later, and return its id."""
    row = Outbox(
        id=uuid7(),
        kind=kind,
        about=plain(about),
        site_id=site_id,
        due=due or now,
        created=now,
    )
    db.session.add(row)
    db.session.flush()
    return row.id


def undelivered(kind: Kind, site_id: UUID) -> list[dict[str, str]]:
    """Return what the notices of a kind are about that have not left yet."""
    undone = (Outbox.kind == kind, Outbox.site_id == site_id, Outbox.done.is_(None))
    return list(db.session.execute(select(Outbox.about).where(*undone)).scalars())


def plain(about: Mapping[str, UUID | datetime | str]) -> dict[str, str]:
    """Return what a notice is about as it is stored."""
    return {name: _plain(value) for name, value in about.items()}


def _plain(value: UUID | datetime | str) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.hex if isinstance(value, UUID) else value


def lease(now: datetime, kinds: Collection[Kind] = MAIL, *, limit: int = BATCH) -> list[Notice]:
    """Take what is due of these kinds, oldest first, so that no other worker takes it before the lease runs out."""
    free = Outbox.leased_until.is_(None) | (Outbox.leased_until < now)
    query = select(Outbox).where(Outbox.done.is_(None), Outbox.due <= now, free, Outbox.kind.in_(kinds))
    query = query.order_by(Outbox.due, Outbox.id)
    rows = db.session.execute(query.limit(limit).with_for_update(skip_locked=True)).scalars().all()
    for row in rows:
        row.leased_until, row.attempts = now + LEASE, row.attempts + 1
    db.session.flush()
    return [Notice(row.id, Kind(row.kind), dict(row.about), row.attempts) for row in rows]


def finish(notice_id: UUID, *, now: datetime) -> None:
    """Mark a notice as delivered (or as having nothing left to deliver)."""
    run(update(Outbox).where(Outbox.id == notice_id).values(done=now, leased_until=None, fault=None))


def fail(notice: Notice, fault: str, *, now: datetime, for_good: bool = False) -> bool:
    """Note that an attempt failed: try again later, or give up after the last attempt or a fault that stays.

    Returns whether it was given up.
    """
    values: dict[str, object] = {"leased_until": None, "fault": fault[:MAX_FAULT_CHARS]}
    given_up = for_good or notice.attempts > len(BACKOFF)
    if given_up:
        values |= {"done": now, "dead": now}
    else:
        values["due"] = now + BACKOFF[notice.attempts - 1]
    run(update(Outbox).where(Outbox.id == notice.id).values(values))
    return given_up


def postpone(notice: Notice, *, until: datetime) -> None:
    """Give a notice back that was not tried; it costs no attempt."""
    values = {"leased_until": None, "due": until, "attempts": notice.attempts - 1}
    run(update(Outbox).where(Outbox.id == notice.id).values(values))


def given_up(site_ids: Collection[UUID]) -> list[Outbox]:
    """Return what mail could not be delivered for these sites, newest first."""
    query = select(Outbox).where(Outbox.dead.is_not(None), Outbox.site_id.in_(site_ids), Outbox.kind.in_(MAIL))
    return list(db.session.execute(query.order_by(Outbox.dead.desc()).limit(200)).scalars())


def waiting(site_ids: Collection[UUID] | None = None, *, due_before: datetime | None = None) -> int:
    """Return how many letters are yet to be delivered, for these sites or in all, or only those due so long ago."""
    query = select(func.count()).select_from(Outbox).where(Outbox.done.is_(None), Outbox.kind.in_(MAIL))
    query = query if site_ids is None else query.where(Outbox.site_id.in_(site_ids))
    query = query if due_before is None else query.where(Outbox.due < due_before)
    return db.session.execute(query).scalar_one()


def lost() -> int:
    """Return how many letters were given up."""
    dead = select(func.count()).select_from(Outbox).where(Outbox.dead.is_not(None), Outbox.kind.in_(MAIL))
    return db.session.execute(dead).scalar_one()


def send_again(notice_id: UUID, *, site_ids: Collection[UUID], now: datetime) -> None:
    """Make a notice that was given up due again, with all its attempts. Raises Missing."""
    row = db.session.get(Outbox, notice_id)
    if row is None or row.dead is None or row.site_id not in site_ids or row.kind not in MAIL:
        raise Missing("There is no such notice here.")
    renew(row, now=now)


def renew(row: Outbox, *, now: datetime) -> None:
    """Make a notice due as if it had never been tried."""
    row.due, row.attempts, row.leased_until, row.done, row.dead, row.fault = now, 0, None, None, None, None


def forget_old(now: datetime) -> None:
    """Drop what was delivered long ago, and what webhooks would not take; letters given up stay to be seen."""
    over = Outbox.dead.is_(None) | (Outbox.kind == Kind.WEBHOOK)
    run(delete(Outbox).where(Outbox.done < now - KEPT, over))
