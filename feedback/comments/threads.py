"""What of the comments everybody may see: threads by pages, replies, the newest ones, counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import aliased

from feedback import opaque
from feedback.clock import rfc3339
from feedback.db import Moment, db
from feedback.errors import Missing
from feedback.models import Accepts, Article, Comment, Standing, State

PAGE = 20  # threads on a page
MAX_PINNED = 10  # that lead a page; below them there must be room for the others
REPLIES = 3  # of each thread on a page; the rest comes at request
MORE_REPLIES = 20  # of one thread at request
LATEST = 50  # in a feed
SORTS = ("best", "newest", "oldest")


def published(article_id: UUID) -> int:
    """Return how many comments of an article are published, replies included."""
    number = db.session.execute(select(Standing.comments).where(Standing.article_id == article_id)).scalar_one_or_none()
    return number or 0


@dataclass(frozen=True)
class Thread:
    """A comment and the first of its replies; `more` is the cursor of the next ones, if any."""

    comment: Comment
    replies: tuple[Comment, ...]
    more: str | None


@dataclass(frozen=True)
class Page:
    threads: tuple[Thread, ...]
    next: str | None


def published_on(article_id: UUID, *, sort: str = "best", after: str | None = None) -> Page:
    """Return a page of an article's published threads; pinned ones lead it. Raises Malformed for a bad cursor."""
    pinned = [] if after else _roots(_threads(article_id, pinned=True).order_by(*ORDER["newest"]).limit(MAX_PINNED))
    rest = _seek(_threads(article_id, pinned=False), sort, after).order_by(*ORDER[sort])
    rows = _roots(rest.limit(PAGE + 1))
    shown = [*pinned, *rows][:PAGE]
    return _page(article_id, shown, more=len(pinned) + len(rows) > PAGE and not shown[-1].pinned)


def _page(article_id: UUID, shown: Sequence[Comment], *, more: bool) -> Page:
    replies = _first_replies(article_id, [row.id for row in shown])
    threads = tuple(_thread(row, replies.get(row.id, [])) for row in shown)
    return Page(threads, _root_cursor(shown[-1]) if more else None)


def around(article_id: UUID, comment_id: str, *, sort: str = "best") -> Page:
    """Return the page that begins with a comment's thread and has the comment on it. Raises Missing.

    A reply beyond the first ones takes the place of the last of them; `more` goes on before it, so that none is lost.
    """
    target = _published(article_id, comment_id)
    root = db.session.get(Comment, (article_id, target.thread_id)) if target.thread_id else target
    assert root is not None
    if root.pinned:
        page = published_on(article_id, sort=sort)
    else:
        rows = _roots(_from(_threads(article_id, pinned=False), sort, root).order_by(*ORDER[sort]).limit(PAGE + 1))
        page = _page(article_id, rows[:PAGE], more=len(rows) > PAGE)
    return Page(tuple(_showing(thread, target) for thread in page.threads), page.next)


def _showing(thread: Thread, target: Comment) -> Thread:
    if target.thread_id != thread.comment.id or target in thread.replies:
        return thread
    kept = thread.replies[: REPLIES - 1]
    return Thread(thread.comment, (*kept, target), _reply_cursor(kept[-1]))


def _published(article_id: UUID, comment_id: str) -> Comment:
    key = opaque.parse_identifier(comment_id)
    row = db.session.get(Comment, key) if key and key[0] == article_id else None
    if row is None or row.state is not State.APPROVED:
        raise Missing("This comment is not there any more.")
    return row


def _from(query: Select[Comment], sort: str, root: Comment) -> Select[Comment]:
    key, mark = _place(sort, root.likes, root.created, root.id)
    return query.where(key >= mark if sort == "oldest" else key <= mark)


def replies_of(article_id: UUID, thread: str, after: str | None) -> tuple[list[Comment], str | None]:
    """Return more replies of a thread, oldest first, and the cursor of the next ones. Raises Missing, Malformed."""
    key = opaque.parse_identifier(thread)
    root = db.session.get(Comment, key) if key and key[0] == article_id else None
    if root is None:
        raise Missing("This thread is not there any more.")
    query = _replies(article_id, root.id)
    place = opaque.parse_cursor(after, datetime, UUID)
    if place:
        query = query.where(here > row_value(*place))
    rows = list(db.session.execute(query.limit(MORE_REPLIES + 1)).scalars())
    shown = rows[:MORE_REPLIES]
    return shown, _reply_cursor(shown[-1]) if len(rows) > MORE_REPLIES else None


here = tuple_(Comment.created, Comment.id)
NEWEST = (Comment.created.desc(), Comment.id.desc())
# Of threads, by an index. `thread_id` is null for them all, but PostgreSQL knows the order only by all of its columns.
ORDER: dict[str, tuple[Any, ...]] = {
    "best": (Comment.thread_id.desc(), Comment.likes.desc(), *NEWEST),
    "newest": (Comment.thread_id.desc(), *NEWEST),
    "oldest": (Comment.thread_id, Comment.created, Comment.id),
}


def row_value(created: datetime, row_id: UUID) -> Any:
    """Return (created, id) as a row to compare with, so that an index on both finds its place at once."""
    return tuple_(literal(created, Moment()), literal(row_id, Uuid()))


def _roots(query: Select[Comment]) -> list[Comment]:
    return list(db.session.execute(query).scalars())


def _threads(article_id: UUID, *, pinned: bool) -> Select[Comment]:
    # A comment that is gone keeps its place, without its text, as long as published replies stand under it.
    reply = aliased(Comment)
    answered = select(reply.id).where(
        reply.article_id == Comment.article_id, reply.thread_id == Comment.id, reply.state == State.APPROVED
    )
    # OFFSET 0 changes nothing, but keeps PostgreSQL from reading all replies once instead of a few threads' own.
    shown = or_(Comment.state == State.APPROVED, answered.offset(0).exists())
    return select(Comment).where(
        Comment.article_id == article_id, Comment.thread_id.is_(None), Comment.pinned.is_(pinned), shown
    )


def _seek(query: Select[Comment], sort: str, after: str | None) -> Select[Comment]:
    place = opaque.parse_cursor(after, int, datetime, UUID)
    if place is None:
        return query
    key, mark = _place(sort, *place)
    return query.where(key > mark if sort == "oldest" else key < mark)


def _place(sort: str, likes: int, created: datetime, row_id: UUID) -> tuple[Any, Any]:
    """Return what an order compares of each thread, and the same of one of them, as rows that an index finds."""
    if sort != "best":
        return here, row_value(created, row_id)
    key = tuple_(Comment.likes, Comment.created, Comment.id)
    return key, tuple_(literal(likes), literal(created, Moment()), literal(row_id, Uuid()))


def _root_cursor(row: Comment) -> str:
    return opaque.cursor(row.likes, row.created, row.id)


def _reply_cursor(row: Comment) -> str:
    return opaque.cursor(row.created, row.id)


def _replies(article_id: UUID, thread_id: UUID) -> Select[Comment]:
    return (
        select(Comment)
        .where(Comment.article_id == article_id, Comment.thread_id == thread_id, Comment.state == State.APPROVED)
        .order_by(Comment.created, Comment.id)
    )


def _first_replies(article_id: UUID, threads: Sequence[UUID]) -> dict[UUID, list[Comment]]:
    """Return the first replies of each thread, one more than are shown, so that it is known whether there are more."""
    if not threads:
        return {}
    # One short look-up a thread: ranking all replies would cost as much as the threads are long.
    looks = [
        select(_replies(article_id, thread).with_only_columns(Comment.id).limit(REPLIES + 1).subquery().c.id)
        for thread in threads
    ]
    query = select(Comment).where(Comment.article_id == article_id, Comment.id.in_(union_all(*looks)))
    found: dict[UUID, list[Comment]] = {}
    for row in db.session.execute(query.order_by(Comment.created, Comment.id)).scalars():
        assert row.thread_id is not None
        found.setdefault(row.thread_id, []).append(row)
    return found


def _thread(comment: Comment, replies: list[Comment]) -> Thread:
    shown = tuple(replies[:REPLIES])
    return Thread(comment, shown, _reply_cursor(shown[-1]) if len(replies) > REPLIES else None)


@dataclass(frozen=True)
class Latest:
    """A published comment with the title and address of its article."""

    comment: Comment
    title: str
    url: str | None


def latest(site_id: UUID, *, article_id: UUID | None = None, limit: int = LATEST) -> list[Latest]:
    """Return the newest published comments of a site, or of one of its articles."""
    query = (
        select(Comment, Article)
        .join(Article, Article.id == Comment.article_id)
        .where(Comment.site_id == site_id, Comment.state == State.APPROVED, Article.accepts != Accepts.HIDDEN)
    )
    if article_id is not None:
        query = query.where(Comment.article_id == article_id)
    rows = db.session.execute(query.order_by(*NEWEST).limit(limit))
    return [Latest(comment, article.title or article.key, article.url) for comment, article in rows]


def public(comment: Comment) -> dict[str, Any]:
    """Return a comment as everybody may see it; of one that is not published, only its place."""
    gone = comment.state is not State.APPROVED
    return {
        "id": opaque.identifier(comment.article_id, comment.id),
        "parent": opaque.identifier(comment.article_id, comment.parent_id) if comment.parent_id else None,
        "name": None if gone else comment.name,
        "html": None if gone else comment.html,
        "created": rfc3339(comment.created),
        "edited": rfc3339(comment.edited) if comment.edited else None,
        "likes": comment.likes,
        "pinned": comment.pinned,
        "staff": comment.staff.value if comment.staff and not gone else None,
        **({"edited_by": "moderator"} if comment.original is not None and not gone else {}),
    }


def thread(item: Thread) -> dict[str, Any]:
    """Return a thread as everybody may see it."""
    answer = public(item.comment) | {"replies": [public(reply) for reply in item.replies]}
    if item.comment.state is not State.APPROVED:
        answer["gone"] = "withdrawn" if item.comment.state is State.WITHDRAWN else "removed"
    if item.comment.closed:
        answer["closed"] = True
    return answer | ({"more": item.more} if item.more else {})


def counts(site_id: UUID, keys: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return {key: {yes, no, comments}} for every key asked for, zeros where an article is not known."""
    wanted = list(keys)
    rows = db.session.execute(
        select(Article.key, Article.accepts, Standing.yes, Standing.no, Standing.comments)
        .join(Standing, Standing.article_id == Article.id)
        .where(Article.site_id == site_id, Article.key.in_(wanted))
    )
    found = {
        row.key: {"yes": row.yes, "no": row.no, "comments": 0 if row.accepts is Accepts.HIDDEN else row.comments}
        for row in rows
    }
    return {key: found.get(key, {"yes": 0, "no": 0, "comments": 0}) for key in wanted}
