"""How long comments wait: the oldest that does, how soon decisions come, and how many were made today."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from sqlalchemy import and_, func, select

from feedback.db import db
from feedback.models import Comment, Decision, State

LATELY = 200  # decisions that say how soon they come: some days of a busy site, and quick to read


@dataclass(frozen=True)
class Ageing:
    """Since when the oldest comment waits, and after how long comments were decided on lately; None for no such."""

    oldest: datetime | None
    usual: timedelta | None


@dataclass(frozen=True)
class Day:
    """How many decisions people made on a day: one of them, and all."""

    mine: int
    all: int


def ageing(site_ids: Collection[UUID]) -> Ageing:
    """Return how long comments of these sites wait and waited."""
    waits = [_oldest(site_id) for site_id in site_ids]
    return Ageing(min((moment for moment in waits if moment), default=None), _usual(site_ids))


def _oldest(site_id: UUID) -> datetime | None:
    waiting = select(Comment.created).where(Comment.site_id == site_id, Comment.state == State.PENDING)
    return db.session.execute(waiting.order_by(Comment.created, Comment.id).limit(1)).scalar_one_or_none()


def _usual(site_ids: Collection[UUID]) -> timedelta | None:
    """Return the median time from sending to somebody's decision. What flags put back had been decided on before."""
    rows = db.session.execute(
        select(Decision.at, Comment.created)
        .join(Comment, and_(Comment.article_id == Decision.article_id, Comment.id == Decision.comment_id))
        .where(
            Decision.site_id.in_(site_ids),
            Decision.from_state == State.PENDING,
            Decision.to_state != State.PENDING,
            Decision.who_id.is_not(None),
            Decision.undoes.is_(None),
            Comment.flagged_down.is_(False),
        )
        .order_by(Decision.at.desc(), Decision.id.desc())
        .limit(LATELY)
    )
    waits = [(at - created).total_seconds() for at, created in rows]
    return timedelta(seconds=median(waits)) if waits else None


def day(site_ids: Collection[UUID], *, by: UUID | None, now: datetime) -> Day:
    """Return how many decisions were made since midnight UTC, not counting those that took one back."""
    midnight = datetime.combine(now.date(), datetime.min.time(), now.tzinfo)
    rows = db.session.execute(
        select(Decision.who_id, func.count())
        .where(
            Decision.site_id.in_(site_ids),
            Decision.at >= midnight,
            Decision.who_id.is_not(None),
            Decision.from_state != Decision.to_state,
            Decision.undoes.is_(None),
        )
        .group_by(Decision.who_id)
    )
    found: dict[UUID | None, int] = {who_id: number for who_id, number in rows}
    return Day(found.get(by, 0), sum(found.values()))
