"""Whether what is added up equals the rows it was added up from. Reads everything once; changes nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, and_, case, func, literal, or_, select, union_all

from feedback import statistics
from feedback.db import db
from feedback.models import Comment, Kind, Like, ReasonTally, Site, Standing, State, Tally, Value, Vote

COUNTERS = {
    "comments": State.APPROVED,
    **{state.value: state for state in (State.PENDING, State.REJECTED, State.SPAM, State.WITHDRAWN)},
}
CLOSE = 1e-9  # figures worked out again may differ in their last digits


@dataclass(frozen=True)
class Differences:
    """How many cells, articles or comments do not add up."""

    tallies: int
    reasons: int
    standings: int
    likes: int

    @property
    def any(self) -> bool:
        return bool(self.tallies or self.reasons or self.standings or self.likes)


def differences() -> Differences:
    """Count what does not add up: tallies against votes, reasons against votes, standings against both, likes."""
    standings = _off(_totals()) + _off(_comments()) + _stale()
    return Differences(_off(_tallies()), _off(_reasons()), standings, _off(_likes()))


def _off(cells: Any) -> int:
    return db.session.execute(select(func.count()).select_from(cells.subquery())).scalar_one()


def _unequal(keys: Sequence[str], sums: Sequence[str], *sides: Any) -> Select[Any]:
    """Return the keys whose rows, those of one side positive and those of the other negative, do not add up to zero."""
    both = union_all(*sides).subquery()
    totals = [func.sum(both.c[name]) for name in sums]
    columns = [both.c[name] for name in keys]
    return select(*columns).group_by(*columns).having(or_(*(total != 0 for total in totals)))


def _tallies() -> Select[Any]:
    keys, sums = ("article_id", "revision", "day"), ("yes", "no", "quarantined_yes", "quarantined_no")
    counted = [
        case((and_(Vote.value == value, Vote.counted.is_(is_counted)), 1), else_=0).label(name)
        for name, value, is_counted in zip(sums, (Value.YES, Value.NO) * 2, (True, True, False, False), strict=True)
    ]
    rows = select(Vote.article_id, Vote.revision, Vote.day, *counted)
    cells = select(Tally.article_id, Tally.revision, Tally.day, *((-getattr(Tally, name)).label(name) for name in sums))
    return _unequal(keys, sums, rows, cells)


def _reasons() -> Select[Any]:
    named = {Kind.REASON: Vote.reason, Kind.SECTION: Vote.section}
    rows = [
        select(
            Vote.article_id,
            Vote.revision,
            Vote.day,
            literal(kind.value).label("kind"),
            column.label("code"),
            literal(1, Integer).label("votes"),
        ).where(column.is_not(None), Vote.counted)
        for kind, column in named.items()
    ]
    table = ReasonTally.__table__.c
    cells = select(
        table.article_id,
        table.revision,
        table.day,
        func.lower(table.kind).label("kind"),
        table.code,
        (-table.votes).label("votes"),
    )
    return _unequal(("article_id", "revision", "day", "kind", "code"), ("votes",), *rows, cells)


def _totals() -> Select[Any]:
    sums = ("yes", "no", "quarantined")
    cells = select(
        Tally.article_id, Tally.yes, Tally.no, (Tally.quarantined_yes + Tally.quarantined_no).label("quarantined")
    )
    totals = select(Standing.article_id, *((-getattr(Standing, name)).label(name) for name in sums))
    return _unequal(("article_id",), sums, cells, totals)


def _comments() -> Select[Any]:
    one = {name: Comment.state == state for name, state in COUNTERS.items()}
    one["flagged"] = Comment.flags > 0
    rows = select(Comment.article_id, *(case((which, 1), else_=0).label(name) for name, which in one.items()))
    totals = select(Standing.article_id, *((-getattr(Standing, name)).label(name) for name in one))
    return _unequal(("article_id",), tuple(one), rows, totals)


def _likes() -> Select[Any]:
    keys = ("article_id", "comment_id")
    rows = select(Like.article_id, Like.comment_id, literal(1, Integer).label("likes"))
    counted = select(Comment.article_id, Comment.id.label("comment_id"), (-Comment.likes).label("likes"))
    return _unequal(keys, ("likes",), rows, counted.where(Comment.likes != 0))


def _stale() -> int:
    """Count the articles whose interval or readers failed are not those of their votes and the site's prior."""
    priors = {
        row.id: statistics.Prior(row.prior_mean, row.prior_weight)
        for row in db.session.execute(select(Site.id, Site.prior_mean, Site.prior_weight))
    }
    figures = select(Standing.site_id, Standing.yes, Standing.votes, Standing.low, Standing.high, Standing.fails)
    stale = 0
    for row in db.session.execute(figures.where(Standing.votes > 0).execution_options(yield_per=1_000)):
        interval = statistics.wilson(row.yes, row.votes)
        fails = statistics.readers_failed(row.yes, row.votes, priors[row.site_id])
        pairs = ((row.low, interval.low), (row.high, interval.high), (row.fails, fails))
        stale += not all(math.isclose(kept, due, abs_tol=CLOSE) for kept, due in pairs)
    return stale
