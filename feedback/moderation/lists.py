"""The queue: which comments wait, or stand in another list, a page at a time, each in its context."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, and_, func, or_, select

from feedback import comments, opaque
from feedback.clock import rfc3339
from feedback.db import db, has_words
from feedback.errors import Missing
from feedback.models import Article, Comment, State

MAX_PAGE = 200
DEFAULT_PAGE = 50
LISTS = ("pending", "flagged", "approved", "rejected", "spam", "withdrawn", "all")
SORTS = ("oldest", "newest", "riskiest")


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
    row = find(comment_id, site_ids)
    return _in_context([row])[0]


def find(comment_id: str, site_ids: Collection[UUID]) -> Comment:
    key = opaque.parse_identifier(comment_id)
    row = db.session.get(Comment, key) if key else None
    if row is None or row.site_id not in site_ids:
        raise Missing("There is no such comment here.")
    return row
