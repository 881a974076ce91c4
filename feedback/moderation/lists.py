"""The queue: which comments wait, or stand in another list, a page at a time, each in its context."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, func, literal, or_, select, tuple_, union_all

from feedback import comments, opaque, triage
from feedback.clock import rfc3339
from feedback.db import Moment, db, has_words
from feedback.errors import Missing
from feedback.models import Article, Comment, Flag, Standing, State

MAX_PAGE = 200
DEFAULT_PAGE = 50
LISTS = ("pending", "flagged", "approved", "rejected", "spam", "withdrawn", "all")
SORTS = ("oldest", "newest", "riskiest")


@dataclass(frozen=True)
class Filter:
    """Which comments of which sites.

    `held` is a code, `q` a part of the text or name, `score` the least, `before` the latest moment of sending.
    """

    site_ids: tuple[UUID, ...]
    state: str = "pending"
    article: str | None = None
    held: str | None = None
    q: str | None = None
    score: float | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Record:
    """What became of everything else that a reader's token has written on this site."""

    approved: int = 0
    rejected: int = 0
    spam: int = 0

    def without(self, state: State) -> "Record":
        """Return the record without a comment in that state."""
        return replace(self, **{state.value: getattr(self, state.value) - 1}) if state.value in JUDGED else self


JUDGED = frozenset(item.name for item in fields(Record))


@dataclass(frozen=True)
class Item:
    """A comment in its context."""

    comment: Comment
    article: Article
    parent: Comment | None
    record: Record
    flags: tuple[Flag, ...] = ()

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
            **({"pinned": True} if comment.pinned else {}),
            **({"closed": True} if comment.closed else {}),
            **({"staff": comment.staff.value} if comment.staff else {}),
            **({"original": comment.original} if comment.original is not None else {}),
            **({"record": asdict(self.record)} if self.record != Record() else {}),
            **({"explanation": told} if (told := triage.explanation(comment)) else {}),
        }


@dataclass(frozen=True)
class Page:
    total: int
    items: tuple[Item, ...]
    next: str | None


def queue(chosen: Filter, *, sort: str = "oldest", after: str | None = None, limit: int = DEFAULT_PAGE) -> Page:
    """Return a page of the queue, and how many comments match in all. Raises Malformed for a foreign cursor."""
    items, following = _page(chosen, sort, after, limit)
    return Page(count(chosen), items, following)


def _page(chosen: Filter, sort: str, after: str | None, limit: int) -> tuple[tuple[Item, ...], str | None]:
    keys = keys_of(chosen, sort=sort, after=after, limit=limit + 1)
    # Not as pairs: SQLite would read all comments to find them. An id alone is unique already.
    found = (Comment.article_id.in_({key[0] for key in keys}), Comment.id.in_([key[1] for key in keys]))
    rows = list(db.session.execute(select(Comment).where(*found).order_by(*ORDER[sort])).scalars())
    shown = rows[:limit]
    return tuple(_in_context(shown)), _cursor(shown[-1], sort) if len(rows) > limit else None


def keys_of(chosen: Filter, *, sort: str = "oldest", after: str | None, limit: int) -> list[tuple[UUID, UUID]]:
    """Return (article id, id) of the first comments that match, from a cursor on."""
    # Each list of each site has an index in its order: a look into each, and the best of what they find.
    looks = [_after(query, sort, after).order_by(*ORDER[sort]).limit(limit).subquery() for query in _lists(chosen)]
    keys = union_all(*map(select, looks)).subquery()
    place = [keys.c.created, keys.c.id] if sort != "riskiest" else [keys.c.risk, keys.c.created, keys.c.id]
    order = place if sort == "oldest" else [column.desc() for column in place]
    rows = db.session.execute(select(keys.c.article_id, keys.c.id).order_by(*order).limit(limit))
    return [(row.article_id, row.id) for row in rows]


def _lists(chosen: Filter) -> Iterator[Any]:
    """Give one query for each site and state that a filter is about, or for each site's flagged comments."""
    query = select(Comment.article_id, Comment.id, Comment.created, Comment.risk).where(*narrowing(chosen))
    states = [Comment.state == state for state in states_of(chosen.state)]
    for site_id, which in product(chosen.site_ids, [Comment.flags > 0] if chosen.state == "flagged" else states):
        yield query.where(Comment.site_id == site_id, which)


def states_of(name: str) -> tuple[State, ...]:
    """Return the states that a list of that name shows."""
    if name == "flagged":
        return (State.PENDING, State.APPROVED)
    return tuple(state for state in State if state is not State.ERASED) if name == "all" else (State(name),)


def narrowing(chosen: Filter) -> list[Any]:
    """Return the conditions of a filter beside site and state."""
    rules: list[Any] = []
    if chosen.article:
        of_key = select(Article.id).where(Article.site_id.in_(chosen.site_ids), Article.key == chosen.article)
        rules.append(Comment.article_id.in_(of_key))
    if chosen.held:
        rules.append(Comment.held_for.cast(Text).contains(f" {chosen.held} ", autoescape=True))
    if chosen.q:
        rules.append(or_(*(has_words(column, chosen.q) for column in (Comment.source, Comment.name))))
    if chosen.score is not None:
        rules.append(Comment.score >= chosen.score)
    if chosen.before is not None:
        rules.append(Comment.created <= chosen.before)
    return rules


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


def count(chosen: Filter) -> int:
    """Return how many comments match; of a whole list, that is known without counting them."""
    if not narrowing(chosen):
        return totals(chosen.site_ids)[chosen.state]
    looks = union_all(*(query.with_only_columns(func.count().label("found")) for query in _lists(chosen))).subquery()
    total: int = db.session.execute(select(func.sum(looks.c.found))).scalar_one()
    return int(total)


def totals(site_ids: Collection[UUID]) -> dict[str, int]:
    """Return how many comments of these sites are in each list. Adds up one row an article, not the comments."""
    names = {"approved": "comments"} | {name: name for name in LISTS if name not in ("approved", "all")}
    sums = [func.coalesce(func.sum(getattr(Standing, column)), 0).label(name) for name, column in names.items()]
    row = db.session.execute(select(*sums).where(Standing.site_id.in_(site_ids))).one()
    found: dict[str, int] = dict(row._mapping)
    return found | {"all": sum(number for name, number in found.items() if name != "flagged")}


ORDER: dict[str, tuple[Any, ...]] = {
    "oldest": (Comment.created, Comment.id),
    "newest": comments.NEWEST,
    "riskiest": (Comment.risk.desc(), *comments.NEWEST),
}


def _after(query: Select[Any], sort: str, after: str | None) -> Select[Any]:
    kinds = (float, datetime, UUID) if sort == "riskiest" else (datetime, UUID)
    place = opaque.parse_cursor(after, *kinds)
    if place is None:
        return query
    if sort == "riskiest":
        here = tuple_(Comment.risk, Comment.created, Comment.id)
        return query.where(here < tuple_(literal(place[0]), literal(place[1], Moment()), literal(place[2], Uuid())))
    mark = comments.row_value(*place)
    return query.where(comments.here < mark if sort == "newest" else comments.here > mark)


def _cursor(row: Comment, sort: str) -> str:
    place = (row.created, row.id)
    return opaque.cursor(*((row.risk, *place) if sort == "riskiest" else place))


def _in_context(rows: Sequence[Comment]) -> list[Item]:
    articles = {
        article.id: article
        for article in db.session.execute(
            select(Article).where(Article.id.in_({row.article_id for row in rows}))
        ).scalars()
    }
    parents = _parents(rows)
    records = _records(rows)
    flags = _flags(rows)
    return [
        Item(
            row,
            articles[row.article_id],
            parents.get(row.parent_id) if row.parent_id else None,
            records.get((row.site_id, row.reader), Record()).without(row.state) if row.reader else Record(),
            tuple(flags.get(row.id, ())),
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


def _flags(rows: Sequence[Comment]) -> dict[UUID, list[Flag]]:
    """Return what readers said about comments that they flagged, oldest first."""
    flagged = [row for row in rows if row.flags]
    if not flagged:
        return {}
    query = select(Flag).where(
        Flag.article_id.in_({row.article_id for row in flagged}),
        Flag.comment_id.in_([row.id for row in flagged]),
        Flag.resolved.is_(None),
    )
    found: dict[UUID, list[Flag]] = {}
    for flag in db.session.execute(query.order_by(Flag.created)).scalars():
        found.setdefault(flag.comment_id, []).append(flag)
    return found


def _records(rows: Sequence[Comment]) -> dict[tuple[UUID, bytes | None], Record]:
    readers = {row.reader for row in rows if row.reader}
    if not readers:
        return {}
    found = db.session.execute(
        select(Comment.site_id, Comment.reader, Comment.state, func.count())
        .where(Comment.reader.in_(readers), Comment.state.in_([State(name) for name in JUDGED]))
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
