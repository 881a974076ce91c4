"""What a figure is asked for: filters, one of a few orders, one of two steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

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


@dataclass(frozen=True)
class Asked:
    """What an article's figures and notes are narrowed to; None narrows nothing, and "" is the unnamed revision."""

    period: Period = EVER
    revision: str | None = None
    reason: str | None = None
    section: str | None = None


EVERYTHING = Asked()


def asked(given: Mapping[str, Any]) -> Asked:
    """Return what the fields of `forms.NARROWED` ask for. Raises Invalid as `period`."""
    return Asked(
        period(given["from"], given["to"]), given["revision"], given["reason"] or None, given["section"] or None
    )


def pair(given: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the two revisions that are to be compared; None where none is named. Raises Invalid for one alone."""
    missing = [name for name in ("compare", "with") if given[name] is None]
    if len(missing) == 1:
        raise Invalid({missing[0]: ["Name two revisions to compare."]})
    return None if missing else (given["compare"], given["with"])
