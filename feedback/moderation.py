"""The queue and what is decided in it. Nobody decides on a text that changed under them; every decision is a row."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, and_, func, or_, select, tuple_

from feedback import comments, opaque
from feedback.clock import rfc3339
from feedback.db import db, has_words
from feedback.errors import Conflict, Invalid, Missing, Refused
from feedback.models import Article, Comment, Decision, State
from feedback.staff import Actor

MAX_CHOICES = 200  # of one call, all or nothing
MAX_REASON_CHARS = 300
MAX_PAGE = 200
DEFAULT_PAGE = 50
LISTS = ("pending", "flagged", "approved", "rejected", "spam", "withdrawn", "all")
SORTS = ("oldest", "newest", "riskiest")
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
class Filter:
    """Which comments of which sites; `held` is a code, `q` a part of the text or name."""

    site_ids: tuple[UUID, ...]
    state: str = "pending"
    article: str | None = None
    held: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class Record:
    """What a reader's token has done before on this site."""

    approved: int = 0
    rejected: int = 0
    spam: int = 0


@dataclass(frozen=True)
class Item:
    """A comment in its context."""

    comment: Comment
    article: Article
    parent: Comment | None
    record: Record

    @property
    def id(self) -> str:
        return opaque.identifier(self.comment.article_id, self.comment.id)

    def public(self) -> dict[str, Any]:
        comment = self.comment
        parent_id = comment.parent_id
        return {
            "id": self.id,
            "article": {"key": self.article.key, "title": self.article.title},
            "parent": opaque.identifier(comment.article_id, parent_id) if parent_id else None,
            "name": comment.name,
            "html": comment.html,
            "source": comment.source,
            "state": comment.state.value,
            "held_for": comment.held_for,
            "score": comment.score,
            "flags": comment.flags,
            "likes": comment.likes,
            "created": rfc3339(comment.created),
            "version": comment.version,
        }


@dataclass(frozen=True)
class Page:
    total: int
    items: tuple[Item, ...]
    next: str | None


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


def queue(chosen: Filter, *, sort: str = "oldest", after: str | None = None, limit: int = DEFAULT_PAGE) -> Page:
    """Return a page of the queue, and how many comments match in all. Raises Malformed for a foreign cursor."""
    ids = _joined(chosen, _matching(chosen)).with_only_columns(Comment.id).subquery()
    total = db.session.execute(select(func.count()).select_from(ids)).scalar_one()
    items, following = _page(chosen, sort, after, limit)
    return Page(total, items, following)


def _page(chosen: Filter, sort: str, after: str | None, limit: int) -> tuple[tuple[Item, ...], str | None]:
    query = _after(_joined(chosen, _matching(chosen)), sort, after).order_by(*_order(sort)).limit(limit + 1)
    rows = list(db.session.execute(query).scalars())
    shown = rows[:limit]
    return tuple(_in_context(shown)), _cursor(shown[-1], sort) if len(rows) > limit else None


def everything(chosen: Filter) -> Iterator[Item]:
    """Walk all that matches, oldest first, page by page, so that no list is ever held whole."""
    after: str | None = None
    while True:
        items, after = _page(chosen, "oldest", after, MAX_PAGE)
        yield from items
        # What was shown is not needed any more; a session would keep it.
        db.session.expunge_all()
        if after is None:
            return


def totals(site_ids: Collection[UUID]) -> dict[State, int]:
    """Return how many comments of these sites are in each state."""
    rows = db.session.execute(
        select(Comment.state, func.count()).where(Comment.site_id.in_(site_ids)).group_by(Comment.state)
    )
    return {state: count for state, count in rows}


def _matching(chosen: Filter) -> list[Any]:
    rules: list[Any] = [Comment.site_id.in_(chosen.site_ids)]
    if chosen.state == "flagged":
        rules += [Comment.flags > 0, Comment.state.in_((State.PENDING, State.APPROVED))]
    elif chosen.state != "all":
        rules.append(Comment.state == State(chosen.state))
    else:
        rules.append(Comment.state.in_([state for state in State if state is not State.ERASED]))
    if chosen.held:
        rules.append(Comment.held_for.cast(Text).contains(f" {chosen.held} ", autoescape=True))
    if chosen.q:
        rules.append(or_(*(has_words(column, chosen.q) for column in (Comment.source, Comment.name))))
    return rules


def _joined(chosen: Filter, rules: Sequence[Any]) -> Select[Comment]:
    query = select(Comment).where(*rules)
    if chosen.article:
        query = query.join(Article, Article.id == Comment.article_id).where(Article.key == chosen.article)
    return query


def _risk() -> Any:
    # Before a learned score exists, what more rules hold is looked at first.
    return func.coalesce(Comment.score, func.length(Comment.held_for) / 1000.0)


def _order(sort: str) -> tuple[Any, ...]:
    if sort == "newest":
        return comments.NEWEST
    oldest = (Comment.created, Comment.id)
    return oldest if sort == "oldest" else (_risk().desc(), *oldest)


def _after(query: Select[Comment], sort: str, after: str | None) -> Select[Comment]:
    kinds = (float, datetime, UUID) if sort == "riskiest" else (datetime, UUID)
    place = opaque.parse_cursor(after, *kinds)
    if place is None:
        return query
    mark = comments.row_value(*place[-2:])
    if sort == "riskiest":
        return query.where(or_(_risk() < place[0], and_(_risk() == place[0], comments.here > mark)))
    return query.where(comments.here < mark if sort == "newest" else comments.here > mark)


def _cursor(row: Comment, sort: str) -> str:
    if sort != "riskiest":
        return opaque.cursor(row.created, row.id)
    risk = db.session.execute(
        select(_risk()).where(Comment.article_id == row.article_id, Comment.id == row.id)
    ).scalar_one()
    return opaque.cursor(float(risk), row.created, row.id)


def _in_context(rows: Sequence[Comment]) -> list[Item]:
    articles = {
        article.id: article
        for article in db.session.execute(
            select(Article).where(Article.id.in_({row.article_id for row in rows}))
        ).scalars()
    }
    parents = _parents(rows)
    records = _records(rows)
    return [
        Item(
            row,
            articles[row.article_id],
            parents.get(row.parent_id) if row.parent_id else None,
            records.get((row.site_id, row.reader), Record()),
        )
        for row in rows
    ]


def _parents(rows: Sequence[Comment]) -> dict[UUID | None, Comment]:
    wanted = [row for row in rows if row.parent_id]
    if not wanted:
        return {}
    query = select(Comment).where(
        Comment.article_id.in_({row.article_id for row in wanted}), Comment.id.in_([row.parent_id for row in wanted])
    )
    return {parent.id: parent for parent in db.session.execute(query).scalars()}


def _records(rows: Sequence[Comment]) -> dict[tuple[UUID, bytes | None], Record]:
    readers = {row.reader for row in rows if row.reader}
    if not readers:
        return {}
    judged = (State.APPROVED, State.REJECTED, State.SPAM)
    found = db.session.execute(
        select(Comment.site_id, Comment.reader, Comment.state, func.count())
        .where(Comment.reader.in_(readers), Comment.state.in_(judged))
        .group_by(Comment.site_id, Comment.reader, Comment.state)
    )
    counts: dict[tuple[UUID, bytes | None], dict[str, int]] = {}
    for site_id, reader, state, number in found:
        counts.setdefault((site_id, reader), {})[state.value] = number
    return {key: Record(**states) for key, states in counts.items()}


def one(comment_id: str, site_ids: Collection[UUID]) -> Item:
    """Return one comment in its context. Raises Missing."""
    row = _find(comment_id, site_ids)
    return _in_context([row])[0]


def _find(comment_id: str, site_ids: Collection[UUID]) -> Comment:
    key = opaque.parse_identifier(comment_id)
    row = db.session.get(Comment, key) if key else None
    if row is None or row.site_id not in site_ids:
        raise Missing("There is no such comment here.")
    return row


# Decisions


def decide(
    choices: Sequence[Choice],
    action: Action,
    *,
    who: Actor,
    site_ids: Collection[UUID],
    now: datetime,
    reason: str | None = None,
) -> list[Decision]:
    """Decide on all of these comments, or on none.

    Raises Missing for a comment that is not on these sites, Conflict with `current` (what each stale comment is now,
    who decided it and when) where a version is not the present one.
    """
    if not 1 <= len(choices) <= MAX_CHOICES:
        raise Invalid({"comments": [f"Choose 1 to {MAX_CHOICES} comments."]})
    if len({choice.id for choice in choices}) < len(choices):
        raise Invalid({"comments": ["Each comment can be decided on only once in a call."]})
    rows = _locked([choice.id for choice in choices], site_ids)
    to = OUTCOME[action]
    stale = [
        row
        for row, choice in zip(rows, choices, strict=True)
        if row.version != choice.version or row.state is to or row.state not in DECIDABLE
    ]
    if stale:
        raise Conflict(_what_happened(stale), current=[current(row) for row in stale])
    return [
        comments.change_state(row, to, who=who.name, who_id=who.id, action=action.value, reason=reason, now=now)
        for row in rows
    ]


def _locked(ids: Sequence[str], site_ids: Collection[UUID]) -> list[Comment]:
    """Return the comments in the order asked for, each article locked first and always in the same order."""
    keys = [opaque.parse_identifier(comment_id) for comment_id in ids]
    for article_id in sorted({key[0] for key in keys if key}):
        comments.lock(article_id)
    return [_find(comment_id, site_ids) for comment_id in ids]


def current(row: Comment) -> dict[str, Any]:
    """Return what a comment is now, and the last decision on it, for whoever acted on an older version."""
    last = db.session.execute(_decisions_on(row).order_by(Decision.at.desc(), Decision.id.desc()).limit(1))
    decision = last.scalar_one_or_none()
    return {
        "id": opaque.identifier(row.article_id, row.id),
        "state": row.state.value,
        "version": row.version,
        "who": decision.who if decision else None,
        "action": decision.action if decision else None,
        "at": rfc3339(decision.at) if decision else None,
    }


def _what_happened(stale: Sequence[Comment]) -> str:
    now = current(stale[0])
    by = f" by {now['who']}" if now["who"] else ""
    others = f" {len(stale) - 1} more have changed too." if len(stale) > 1 else ""
    return f"Nothing was changed: a comment is meanwhile {now['state']}{by}.{others}"


def undo(decision_id: str, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> Decision:
    """Take a decision back by a new one. Raises Missing, Refused for a reader's own act, Conflict after a later one."""
    key = opaque.parse_identifier(decision_id)
    if key:
        comments.lock(key[0])
    decision = db.session.get(Decision, key) if key else None
    if decision is None or decision.site_id not in site_ids:
        raise Missing("There is no such decision here.")
    if not {decision.from_state, decision.to_state} <= DECIDABLE:
        raise Refused("What a comment's own reader did cannot be undone.")
    comment = db.session.get(Comment, (decision.article_id, decision.comment_id))
    assert comment is not None
    if comment.version != decision.version:
        raise Conflict("Something happened to this comment since; nothing was undone.", current=[current(comment)])
    return comments.change_state(
        comment,
        decision.from_state,
        who=who.name,
        who_id=who.id,
        action="undo",
        undoes=decision.id,
        now=now,
    )


def undo_all(at: datetime, *, who: Actor, site_ids: Collection[UUID], now: datetime) -> list[Decision]:
    """Take back, all or none, what a person decided in the one call of that moment. Raises as undo does."""
    together = select(Decision.article_id, Decision.id).where(
        Decision.site_id.in_(site_ids), Decision.at == at, Decision.who_id == who.id
    )
    keys = db.session.execute(together.order_by(Decision.article_id, Decision.id)).all()
    if not keys:
        raise Missing("There is no such decision here.")
    return [undo(opaque.identifier(*key), who=who, site_ids=site_ids, now=now) for key in keys]


def purge(
    choice: Choice, *, who: Actor, site_ids: Collection[UUID], now: datetime, reason: str | None = None
) -> Comment:
    """Erase a comment's text, name and reader for good, for an administrator; the decisions stay without them.

    Raises Missing, Conflict where the comment has changed since it was looked at.
    """
    [comment] = _locked([choice.id], site_ids)
    if comment.state is State.ERASED:
        raise Missing("This comment has been erased already.")
    if comment.version != choice.version:
        raise Conflict(_what_happened([comment]), current=[current(comment)])
    comments.erase(comment, who=who.name, who_id=who.id, reason=reason, now=now)
    return comment


def history(comment_id: str, site_ids: Collection[UUID]) -> list[Decision]:
    """Return all decisions on a comment, oldest first. Raises Missing."""
    row = _find(comment_id, site_ids)
    return list(db.session.execute(_decisions_on(row).order_by(Decision.at, Decision.id)).scalars())


def recent(site_ids: Collection[UUID], *, after: str | None = None, limit: int = DEFAULT_PAGE) -> Recent:
    """Return a page of the decisions on these sites, newest first, each with its comment. Raises Malformed."""
    query = (
        select(Decision, Comment)
        .join(Comment, and_(Comment.article_id == Decision.article_id, Comment.id == Decision.comment_id))
        .where(Decision.site_id.in_(site_ids))
    )
    place = opaque.parse_cursor(after, datetime, UUID)
    if place:
        query = query.where(tuple_(Decision.at, Decision.id) < comments.row_value(*place))
    rows = list(db.session.execute(query.order_by(Decision.at.desc(), Decision.id.desc()).limit(limit + 1)))
    shown = tuple((row.Decision, row.Comment) for row in rows[:limit])
    more = len(rows) > limit
    return Recent(shown, opaque.cursor(shown[-1][0].at, shown[-1][0].id) if more else None)


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
        "action": decision.action,
        "reason": decision.reason,
        "note": decision.note,
        "at": rfc3339(decision.at),
    }
