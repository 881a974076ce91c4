"""What a figure is asked for: a period, one of a few choices. Whatever else is asked is refused by name."""

import re
from datetime import date
from enum import StrEnum
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression, true

from feedback.errors import Invalid

ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

E = TypeVar("E", bound=StrEnum)


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


def read_period(start: str | None, end: str | None) -> Period:
    """Read two days as YYYY-MM-DD; empty is open. Raises Invalid, naming `from` or `to`."""
    errors: dict[str, list[str]] = {}
    period = Period(day_of("from", start, errors), day_of("to", end, errors))
    if period.start and period.end and period.start > period.end:
        errors["to"] = ["The last day should not be before the first."]
    if errors:
        raise Invalid(errors)
    return period


def day_of(field: str, value: str | None, errors: dict[str, list[str]]) -> date | None:
    if not value:
        return None
    try:
        # Python also reads 20260503 and 2026-W18-7, which the contract does not know.
        if ISO_DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    errors[field] = ["This should be a day, written like 2026-05-03."]
    return None


def read_choice(field: str, kind: type[E], value: str | None, default: E) -> E:
    """Read one of an enum's values; empty is the default. Raises Invalid, naming what there is."""
    if not value:
        return default
    try:
        return kind(value)
    except ValueError:
        raise Invalid({field: [f"This should be one of {', '.join(kind)}."]}) from None
