"""Deciding: all of a call or none of it, never on a text that changed meanwhile, always with a row that says who."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select, tuple_, union_all

from feedback import comments, erasures, opaque
from feedback.clock import rfc3339
from feedback.db import db
from feedback.errors import Conflict, Invalid, Missing
from feedback.models import Comment, Decision, State
from feedback.moderation.lists import DEFAULT_PAGE, find
from feedback.staff import Actor

MAX_CHOICES = 200  # of one call, all or nothing
MAX_REASON_CHARS = 300
DECIDABLE = frozenset({State.PENDING, State.APPROVED, State.REJECTED, State.SPAM})


class Action(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"
    HOLD = "hold"


OUTCOME = {
    Action.APPROVE: State.APPROVED,
    Action.REJECT: State.REJECTED,
    Action.SPAM: State.SPAM,
    Action.HOLD: State.PENDING,
}


@dataclass(frozen=True)
class Recent:
    """A page of decisions, each with its comment."""

    items: tuple[tuple[Decision, Comment], ...]
    next: str | None


@dataclass(frozen=True)
class Choice:
    """A comment to decide on, in the version that was looked at."""

    id: str
    version: int


def decide(
    choices: Sequence[Choice],
    action: Action,
    *,
    who: Actor,
    site_ids: Collection[UUID],
    now: datetime,
    reason: str | None = None,
    batch_id: UUID | None = None,
) -> list[Decision]:
    """Decide on all of these comments, or on none.

    Raises Missing for a comment that is not on these sites, Conflict with `current` (what each stale comment is now,
    who decided it and when) where a version is not the present one.
    """
    if not 1 <= len(choices) <= MAX_CHOICES:
        raise Invalid({"comments": [f"Choose 1 to {MAX_CHOICES} comments."]})
    if len({choice.id for choice in choices}) < len(choices):
        raise Invalid({"comments": ["Each comment can be decided on only once in a call."]})
    rows = locked([choice.id for choice in choices], site_ids)
    to = OUTCOME[action]
    stale = [
        row for row, choice in zip(rows, choices, strict=True) if row.version != choice.version or not decides(row, to)
    ]
    if stale:
        raise Conflict(what_happened(stale), current=[current(row) for row in stale])
    return comments.change_states(
        rows, to, who=who.name, who_id=who.id, action=action.value, reason=reason, batch_id=batch_id, now=now
    )


def decides(comment: Comment, to: State) -> bool:
    """Whether this would be a decision: another state, or that a comment stays in spite of what readers flagged."""
    stays = comment.state is to and not (to is State.APPROVED and comments.is_flagged(comment))
    return comment.state in DECIDABLE and not stays


def locked(ids: Sequence[str], site_ids: Collection[UUID]) -> list[Comment]:
    """Return the comments in the order asked for, each article locked first and always in the same order."""
    keys = [opaque.parse_identifier(comment_id) for comment_id in ids]
    comments.lock(*{key[0] for key in keys if key})
    return [find(comment_id, site_ids) for comment_id in ids]


def current(row: Comment) -> dict[str, Any]:
    """Return what a comment is now, and the decision that made it so, for whoever acted on an older version."""
    # A pin makes no version: who set one since has not decided.
    made_it = _decisions_on(row).where(Decision.version == row.version).order_by(Decision.at, Decision.id).limit(1)
    decision = db.session.execute(made_it).scalar_one_or_none()
    return {
        "id": opaque.identifier(row.article_id, row.id),
        "state": row.state.value,
        "version": row.version,
        "who": decision.who if decision else None,
        "action": decision.action if decision else None,
        "at": rfc3339(decision.at) if decision else None,
    }


def what_happened(stale: Sequence[Comment]) -> str:
    """Say in a sentence what became of comments that were looked at in an older version."""
    now = current(stale[0])
    by = f" by {now['who']}" if now["who"] else ""
    others = f" {len(stale) - 1} more have changed too." if len(stale) > 1 else ""
    return f"Nothing was changed: a comment is meanwhile {now['state']}{by}.{others}"


def purge(
    choice: Choice, *, who: Actor, site_ids: Collection[UUID], now: datetime, reason: str | None = None
) -> Comment:
    """Erase a comment's text, name and reader for good, for an administrator; the decisions stay without them.

    Raises Missing, Conflict where the comment has changed since it was looked at.
    """
    [comment] = locked([choice.id], site_ids)
    if comment.state is State.ERASED:
        raise Missing("This comment has been erased already.")
    if comment.version != choice.version:
        raise Conflict(what_happened([comment]), current=[current(comment)])
    comments.erase(comment, who=who.name, who_id=who.id, reason=reason, now=now)
    erasures.record(erasures.of_comment(comment.article_id, comment.id))
    return comment


def history(comment_id: str, site_ids: Collection[UUID]) -> list[Decision]:
    """Return all decisions on a comment, oldest first. Raises Missing."""
    row = find(comment_id, site_ids)
    return list(db.session.execute(_decisions_on(row).order_by(Decision.at, Decision.id)).scalars())


def recent(
    site_ids: Collection[UUID], *, by: UUID | None = None, after: str | None = None, limit: int = DEFAULT_PAGE
) -> Recent:
    """Return a page of the decisions on these sites, newest first, each with its comment. Raises Malformed.

    With `by`, only those of that person or token.
    """
    place, newest = opaque.parse_cursor(after, datetime, UUID), (Decision.at.desc(), Decision.id.desc())
    looks = []
    # Each site has an index in this order: a look into each, and the newest of what they find.
    for site_id in site_ids:
        look = select(Decision.article_id, Decision.id).where(Decision.site_id == site_id)
        if by is not None:
            look = look.where(Decision.who_id == by)
        if place:
            look = look.where(tuple_(Decision.at, Decision.id) < comments.row_value(*place))
        looks.append(select(look.order_by(*newest).limit(limit + 1).subquery()))
    if not looks:
        return Recent((), None)
    keys = union_all(*looks).subquery()
    query = (
        select(Decision, Comment)
        .join(keys, and_(keys.c.article_id == Decision.article_id, keys.c.id == Decision.id))
        .join(Comment, and_(Comment.article_id == Decision.article_id, Comment.id == Decision.comment_id))
    )
    rows = list(db.session.execute(query.order_by(*newest).limit(limit + 1)))
    shown = tuple((row.Decision, row.Comment) for row in rows[:limit])
    return Recent(shown, opaque.cursor(shown[-1][0].at, shown[-1][0].id) if len(rows) > limit else None)


def _decisions_on(row: Comment) -> Select[Decision]:
    return select(Decision).where(Decision.article_id == row.article_id, Decision.comment_id == row.id)


def public(decision: Decision) -> dict[str, Any]:
    """Return what a decision did."""
    return {
        "id": opaque.identifier(decision.article_id, decision.id),
        "comment": opaque.identifier(decision.article_id, decision.comment_id),
        "from": decision.from_state.value,
        "to": decision.to_state.value,
    }


def entry(decision: Decision) -> dict[str, Any]:
    """Return a decision as the history shows it."""
    return public(decision) | {
        "who": decision.who,
        "by": decision.who_id.hex if decision.who_id else None,
        "action": decision.action,
        "reason": decision.reason,
        "note": decision.note,
        "at": rfc3339(decision.at),
    }
