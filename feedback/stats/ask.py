"""What a figure is asked for: a period, one of a few orders, one of two steps."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, SQLColumnExpression, true

from feedback.errors import Invalid


class Sort(StrEnum):
    NEEDS_WORK = "needs_work"
    MOST_HELPFUL = "most_helpful"
    WHERE_TO_START = "where_to_start"
    VOTES = "votes"


class By(StrEnum):
    DAY = "day"
    WEEK = "week"


class Period(NamedTuple):
    """From the first day to the last, both included; None is open."""

    start: date | None = None
    end: date | None = None

    def covers(self, day: SQLColumnExpression[date]) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = true()
        if self.start is not None:
            condition &= day >= self.start
        if self.end is not None:
            condition &= day <= self.end
        return condition


EVER = Period()


def period(start: date | None, end: date | None) -> Period:
    """Return the period between two days. Raises Invalid where it ends before it begins."""
    if start and end and start > end:
        raise Invalid({"to": ["The last day should not be before the first."]})
    return Period(start, end)
