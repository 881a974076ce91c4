"""Lists of articles, ordered by `standing` and paged by its indexes, and the site's usual that one order needs."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, func, literal, or_, select, true, tuple_, update

from feedback import opaque, statistics
from feedback.db import db, has_words
from feedback.errors import Malformed
from feedback.models import Article, Site, Standing
from feedback.statistics import Prior
from feedback.stats.access import Viewer, theirs
from feedback.stats.ask import Sort
from feedback.stats.shares import Votes

PAGE = 50  # articles on a page of a list
MOST_UNVOTED = 50  # articles without a vote, below it
LARGEST_COUNT = 2**31 - 1  # a column of counts holds no more

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list, and the cursor of what follows; None at its end."""

    items: list[T]
    next: str | None

    def public(self) -> dict[str, Any]:
        return {"items": [item.public() for item in self.items], "next": self.next}  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Line:
    """One article in a list. `rank` is its place among those with enough votes for one, None for the others.

    What a search finds has no rank.
    """

    key: str
    title: str | None
    votes: Votes
    fails: float
    rank: int | None

    def public(self) -> dict[str, Any]:
        return {
            "article": {"key": self.key, "title": self.title},
            "votes": self.votes.public(),
            "helpful": self.votes.helpful(),
            "fails": self.fails,
            "rank": self.rank,
        }


# What each list is ordered by, and whether the largest comes first.
ORDER: dict[Sort, tuple[Any, bool]] = {
    Sort.NEEDS_WORK: (Standing.high, False),
    Sort.MOST_HELPFUL: (Standing.low, True),
    Sort.WHERE_TO_START: (Standing.fails, True),
    Sort.VOTES: (Standing.votes, True),
}


def listing(
    viewer: Viewer, *, sort: Sort = Sort.NEEDS_WORK, words: str | None = None, cursor: str | None = None
) -> Page[Line]:
    """Return a page of the viewer's articles that have a vote, or of those of them whose title or key has these words.

    Raises Refused, and Malformed for a foreign cursor.
    """
    column, falling = ORDER[sort]
    query = _ordered(viewer, sort, words)
    at = opaque.parse_cursor(cursor, str, column.type.python_type, UUID, int)
    ranked = 0
    if at is not None:
        after, ranked = _after(sort, at), at[3]
        key = tuple_(column, Standing.article_id)
        query = query.where(key < after if falling else key > after)
    rows = db.session.execute(query.limit(PAGE + 1)).all()
    lines = list(_lines(rows[:PAGE], ranked, searched=bool(words)))
    if len(rows) <= PAGE:
        return Page(lines, None)
    last = rows[PAGE - 1][2]
    ranked += sum(line.rank is not None for line in lines)
    return Page(lines, opaque.cursor(sort.value, getattr(last, column.key), last.article_id, ranked))


def _ordered(viewer: Viewer, sort: Sort, words: str | None) -> Select[str, str | None, Standing]:
    """Select (key, title, standing) of a list in its order. Raises Refused."""
    column, falling = ORDER[sort]
    order = (column.desc(), Standing.article_id.desc()) if falling else (column, Standing.article_id)
    return (
        select(Article.key, Article.title, Standing)
        .join(Article, Article.id == Standing.article_id)
        # Not `votes > 0`: SQLite would read the index of votes for it and then sort the whole site.
        .where(Standing.site_id == viewer.site_id, Standing.yes + Standing.no > 0)
        .where(theirs(viewer, Standing.article_id), _found(viewer, words))
        .order_by(*order)
    )


def _found(viewer: Viewer, words: str | None) -> ColumnElement[bool]:
    if not words or not viewer.sees_all:
        return _named(words)
    # Found first, whatever their votes: to look up the name of each article that has one costs more with every vote.
    found = select(Article.id).where(Article.site_id == viewer.site_id, _named(words))
    return Standing.article_id.in_(select(found.cte("found").prefix_with("MATERIALIZED").c.id))


def _named(words: str | None) -> ColumnElement[bool]:
    return or_(has_words(Article.title, words), has_words(Article.key, words)) if words else true()


def _after(sort: Sort, at: Sequence[Any]) -> Any:
    """The key of the last row of the page before, as the database compares it."""
    column, _ = ORDER[sort]
    if at[0] != sort or abs(at[1]) > LARGEST_COUNT:
        raise Malformed("This cursor does not belong to this list. Begin again without it.")
    return tuple_(literal(at[1], column.type), literal(at[2], Standing.article_id.type))


def _lines(rows: Iterable[Any], ranked: int, *, searched: bool) -> Iterator[Line]:
    for key, title, standing in rows:
        enough = standing.votes >= statistics.ENOUGH and not searched
        ranked += enough
        votes = Votes(standing.yes, standing.no, standing.quarantined)
        yield Line(key, title, votes, standing.fails, ranked if enough else None)


def whole_listing(viewer: Viewer, *, sort: Sort, words: str | None = None) -> Iterator[Line]:
    """Return what is on all pages of a list, read as it is taken. Raises Refused."""
    rows = db.session.execute(_ordered(viewer, sort, words).execution_options(yield_per=1_000))
    return _lines(rows, 0, searched=bool(words))


def unvoted(viewer: Viewer, *, words: str | None = None, most: int | None = None) -> Sequence[Row[Any]]:
    """Return key and title of the viewer's articles that nobody has voted on yet, newest first. Raises Refused."""
    query = (
        select(Article.key, Article.title)
        .join(Standing, Standing.article_id == Article.id)
        .where(Article.site_id == viewer.site_id, Standing.votes == 0)
        .where(theirs(viewer, Article.id), _named(words))
        .order_by(Article.created.desc(), Article.id)
        .limit(most)
    )
    rows: list[Row[Any]] = list(db.session.execute(query))
    return rows


def fit(site_id: UUID) -> Prior:
    """Fit the site's mean helpfulness and its weight to all its articles, and renew what lists order by with them."""
    prior = _usual(site_id)
    db.session.execute(
        update(Site).where(Site.id == site_id).values(prior_mean=prior.mean, prior_weight=prior.strength)
    )
    # readers_failed() in SQL: ten thousand rows one by one would hold the writer's place for long.
    shrunk = (prior.strength * prior.mean + Standing.yes) / (prior.strength + Standing.votes)
    fails = case((shrunk < prior.mean, Standing.votes * (prior.mean - shrunk)), else_=0.0)
    db.session.execute(
        update(Standing)
        .where(Standing.site_id == site_id, Standing.votes > 0, Standing.fails != fails)
        .values(fails=fails)
        .execution_options(synchronize_session=False)
    )
    return prior


def _usual(site_id: UUID) -> Prior:
    """Return the prior that a site's articles give today; from a handful of votes nothing is usual yet."""
    counts = db.session.execute(
        select(Standing.yes, Standing.votes).where(Standing.site_id == site_id, Standing.votes > 0)
    )
    records = [(yes, votes) for yes, votes in counts]
    if sum(votes for _, votes in records) < statistics.ENOUGH:
        return statistics.USUAL_PRIOR
    return statistics.fit_prior(records)


def unfitted(before: datetime) -> int:
    """Return how many sites have had no vote since then, and are not fitted to those they have."""
    latest = func.max(Standing.as_of)
    quiet = (
        select(Site.id, Site.prior_mean, Site.prior_weight)
        .join(Standing, Standing.site_id == Site.id)
        .where(Standing.votes > 0)
        .group_by(Site.id, Site.prior_mean, Site.prior_weight)
        .having(latest < before)
    )
    return sum(
        not all(map(math.isclose, (row.prior_mean, row.prior_weight), _usual(row.id)))
        for row in db.session.execute(quiet).all()
    )


def fit_sites(_now: datetime) -> None:
    """Fit every site; the worker does it hourly."""
    for site_id in db.session.execute(select(Site.id).order_by(Site.id)).scalars().all():
        fit(site_id)
