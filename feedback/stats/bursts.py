"""Days on which far more readers voted than usual, told with the share that is left without them.

Volume alone is traffic. Where what a day's voters said is as unlikely as their number, an administrator may set the
day aside (`votes.set_aside`); it stays in this list. A burst is judged by all votes of the article: a period only
says which days are told.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, islice
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select

from feedback import statistics
from feedback.db import db
from feedback.models import Article, Tally, Value, Vote
from feedback.statistics import Count
from feedback.stats.ask import EVER, Period
from feedback.stats.figures import Bar
from feedback.stats.shares import Votes

MOST = 10  # bursts that are told beside those set aside; who has more has a busy page
SPREAD = 2.0  # standard deviations: a tail under 1e-4 begins beyond 3.7, so that most days need no closer look


@dataclass(frozen=True)
class Burst:
    """A day that stands out, the days before it, and the article's share with and without it."""

    day: date
    votes: Votes
    before: Count  # the counted votes of the `days` days before
    days: int
    together: Votes
    without: Votes
    aside: bool

    @property
    def composition(self) -> float:
        """How likely a share at least as far out is, as the days before let one expect."""
        return statistics.composition_tail(self.votes.count, self.before)

    @property
    def unlikely(self) -> bool:
        """Whether what the day's voters said is as unlikely as how many they were."""
        return self.composition < statistics.UNLIKELY

    def public(self) -> dict[str, Any]:
        return {
            "kind": "burst",
            "day": self.day.isoformat(),
            "yes": self.votes.yes,
            "no": self.votes.no,
            "before": {"yes": self.before.yes, "votes": self.before.votes, "days": self.days},
            "composition": self.composition,
            "unlikely": self.unlikely,
            "set_aside": self.aside,
            "with": self.together.helpful(),
            "without": self.without.helpful(),
        }


def bursts(article: Article, *, period: Period = EVER) -> list[Burst]:
    """Return every day of a period that was set aside and the newest MOST others that stand out, newest first."""
    history = _History(article.created.date(), _counted(article.id))
    aside = _aside(article.id)
    others = (day for day in reversed(history.days) if day not in aside and _within(day, period))
    standing_out = islice(filter(history.stands_out, others), MOST)
    days = sorted([*standing_out, *(day for day in aside if _within(day, period))], reverse=True)
    return [_burst(history, day, aside.get(day)) for day in days]


def burst(article: Article, day: date) -> Burst | None:
    """Return what is told of a day, or None where it does not stand out."""
    return next(iter(bursts(article, period=Period(day, day))), None)


def _within(day: date, period: Period) -> bool:
    return (period.start or day) <= day <= (period.end or day)


def _burst(history: "_History", day: date, aside: Votes | None) -> Burst:
    before, days = history.before(day)
    total = history.total
    if aside is not None:
        return Burst(day, aside, before, days, _sum(total, aside), total, True)
    votes = history.on(day)
    return Burst(day, votes, before, days, total, Votes(total.yes - votes.yes, total.no - votes.no), False)


def _sum(one: Votes, other: Votes) -> Votes:
    return Votes(one.yes + other.yes, one.no + other.no)


class _History:
    """An article's days with counted votes, and sums over any days before one of them."""

    def __init__(self, first: date, bars: Sequence[Bar]) -> None:
        self.days = [bar.day for bar in bars]
        # Votes may be older than what is known of the article, where they were brought along.
        self.first = min([first, *self.days[:1]])
        self.yes = [0, *accumulate(bar.yes for bar in bars)]
        self.no = [0, *accumulate(bar.no for bar in bars)]

    @property
    def total(self) -> Votes:
        return Votes(self.yes[-1], self.no[-1])

    def on(self, day: date) -> Votes:
        return self._between(day, day + timedelta(days=1))

    def before(self, day: date) -> tuple[Count, int]:
        """Return the votes of the days before a day that say what was usual then, and how many days those are."""
        days = max(0, min(statistics.BURST_DAYS, (day - self.first).days))
        votes = self._between(day - timedelta(days=days), day)
        return votes.count, days

    def stands_out(self, day: date) -> bool:
        today, (past, days) = self.on(day).total, self.before(day)
        if not days or today <= _ordinary(past.votes, days):
            return False
        return statistics.burst(today, past.votes, days)

    def _between(self, start: date, end: date) -> Votes:
        low, high = bisect_left(self.days, start), bisect_left(self.days, end)
        return Votes(self.yes[high] - self.yes[low], self.no[high] - self.no[low])


def _ordinary(past: int, days: int) -> float:
    """How many votes a day may have without standing out, by the mean and variance of what is expected of it."""
    mean = (past + 0.5) / days
    return mean + SPREAD * math.sqrt(mean * (1 + 1 / days))


def _counted(article_id: UUID) -> list[Bar]:
    yes, no = func.sum(Tally.yes), func.sum(Tally.no)
    rows = db.session.execute(
        select(Tally.day, yes, no)
        .where(Tally.article_id == article_id)
        .group_by(Tally.day)
        .having(yes + no > 0)
        .order_by(Tally.day)
    )
    return [Bar(day, int(yes), int(no)) for day, yes, no in rows]


def _aside(article_id: UUID) -> dict[date, Votes]:
    """Return the votes that were set aside with each day, wherever they lie now; their index holds no others."""
    yes = func.sum(case((Vote.value == Value.YES, 1), else_=0))
    rows = db.session.execute(
        select(Vote.burst_day, yes, func.count())
        .where(Vote.article_id == article_id, Vote.burst_day.is_not(None))
        .group_by(Vote.burst_day)
    )
    return dict(_votes(rows))


def _votes(rows: Any) -> Iterator[tuple[date, Votes]]:
    for day, yes, votes in rows:
        yield day, Votes(int(yes), votes - int(yes))
