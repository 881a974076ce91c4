"""Where the bars of a chart stand: Yes above a line, No below it, so that both can be read without colour.

Places across are per cent of the chart's width and places down are pixels, so that one drawing fits every screen and
its letters keep their size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LEFT = 6.0  # per cent of the width that the numbers at the lines keep for themselves
BAR = 0.72  # of its slot; the rest is air
PLOT = 200.0  # pixels at most for the longest Yes and the longest No together
ROW = 17.0  # pixels of one row of marks above the bars
TOP = 10.0
FOOT = 24.0  # pixels under the bars, for the days
LEAST_SLOTS = 7  # a single day is a bar, not a wall
MOST_SLOTS = 122  # four months of days: a narrower bar cannot be seen on a telephone
MARK_WIDTH = 27.0  # per cent that a mark's name takes on the narrowest screen
MARK_CHARS = 16  # of a mark's name; the whole one is in its title
MOST_MARKS = 4
LEAST_VOTES = 6  # that share the room: the first vote of an article should not shout
LINES = 4  # that a reader can hold on to; about so many are drawn
NAMED_DAYS = 4  # under the bars; more collide on a telephone


@dataclass(frozen=True)
class Count:
    """The votes of a slot, a day or a week that begins on `day`."""

    day: date
    yes: int
    no: int


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day, with its name and what it was."""

    day: date
    name: str
    note: str | None = None


@dataclass(frozen=True)
class DrawnBar:
    x: float
    width: float
    yes_height: float
    no_height: float
    count: Count


@dataclass(frozen=True)
class DrawnMark:
    """A line at `x` and its name in row `y`, beginning or ending there (`anchor`)."""

    x: float
    y: float
    anchor: str
    short: str
    mark: Mark


@dataclass(frozen=True)
class DrawnLine:
    y: float
    number: int


@dataclass(frozen=True)
class DrawnDay:
    x: float
    anchor: str
    day: date


@dataclass(frozen=True)
class Chart:
    bars: list[DrawnBar]
    marks: list[DrawnMark]
    happened: list[Mark]  # all in sight, also those that have no room for a line
    unmarked: int  # how many those are
    lines: list[DrawnLine]
    days: list[DrawnDay]
    top: float  # where the bars' room begins, under the marks
    zero: float  # the line between Yes and No
    bottom: float  # where it ends
    height: float
    cut: bool  # earlier slots are left out


def draw(counts: Sequence[Count], marks: Sequence[Mark], *, step: int) -> Chart | None:
    """Lay out a chart of the last slots of `step` days (1 or 7) in `counts`, oldest first; None without one."""
    if not counts:
        return None
    last = _last(counts, marks, step)
    slots = (last - counts[0].day).days // step + 1
    first = last - timedelta(days=step * (min(MOST_SLOTS, max(LEAST_SLOTS, slots)) - 1))
    shown = [count for count in counts if count.day >= first]
    scale = _Scale(first, (last - first).days // step + 1, step)
    happened = [mark for mark in marks if scale.first <= mark.day < scale.end]
    placed = _marks(scale, happened[-MOST_MARKS:])
    top = TOP + ROW * (1 + max((row for row, _ in placed), default=-1))
    most_yes, most_no = max(count.yes for count in shown), max(count.no for count in shown)
    unit = PLOT / max(LEAST_VOTES, most_yes + most_no)
    zero = top + most_yes * unit
    bottom = zero + most_no * unit
    return Chart(
        bars=[scale.bar(count, unit) for count in shown],
        marks=[_named(mark, scale, ROW * (row + 1) - 4) for row, mark in placed],
        happened=happened,
        unmarked=len(happened) - len(placed),
        lines=_lines(most_yes, most_no, zero, unit),
        days=_days(scale),
        top=top,
        zero=zero,
        bottom=bottom,
        height=bottom + FOOT,
        cut=slots > MOST_SLOTS,
    )


def _last(counts: Sequence[Count], marks: Sequence[Mark], step: int) -> date:
    """Return where the last slot begins: that of the last bar, or of a mark after it which takes no bar's room."""
    bar = counts[-1].day
    room = MOST_SLOTS - 1 - (bar - counts[0].day).days // step
    after = [(mark.day - bar).days // step for mark in marks]
    return bar + timedelta(days=step * max([0, *(slots for slots in after if slots <= room)]))


@dataclass(frozen=True)
class _Scale:
    """Days as per cent of the width."""

    first: date
    slots: int
    step: int

    @property
    def end(self) -> date:
        """The day after the last slot."""
        return self.first + timedelta(days=self.slots * self.step)

    @property
    def slot(self) -> float:
        return (100 - LEFT) / self.slots

    def at(self, day: date) -> float:
        """The middle of a day's slot."""
        return LEFT + ((day - self.first).days // self.step + 0.5) * self.slot

    def edge(self, day: date) -> float:
        """Where a day begins: within its slot, where a slot is a week."""
        return LEFT + (day - self.first).days / self.step * self.slot

    def bar(self, count: Count, unit: float) -> DrawnBar:
        width = self.slot * BAR
        return DrawnBar(_short(self.at(count.day) - width / 2), _short(width), count.yes * unit, count.no * unit, count)


def _short(number: float) -> float:
    """Four digits of a per cent are finer than any screen."""
    return round(number, 2)


def _marks(scale: _Scale, marks: Sequence[Mark]) -> list[tuple[int, Mark]]:
    """Give each mark a row, the lowest in which their names do not collide."""
    taken: list[float] = []  # where the last name of each row ends
    placed = []
    for mark in marks:
        start = scale.edge(mark.day) - (MARK_WIDTH if _turned(scale, mark) else 0)
        row = next((row for row, until in enumerate(taken) if until <= start), len(taken))
        taken[row:] = [start + MARK_WIDTH, *taken[row + 1 :]]
        placed.append((row, mark))
    return placed


def _turned(scale: _Scale, mark: Mark) -> bool:
    """Whether a mark's name stands before its line, because behind it there is no room."""
    return scale.edge(mark.day) > 100 - MARK_WIDTH


def _named(mark: Mark, scale: _Scale, y: float) -> DrawnMark:
    short = mark.name if len(mark.name) <= MARK_CHARS else mark.name[: MARK_CHARS - 1].rstrip() + "…"
    anchor = "end" if _turned(scale, mark) else "start"
    return DrawnMark(_short(scale.edge(mark.day)), y, anchor, short, mark)


def _lines(most_yes: int, most_no: int, zero: float, unit: float) -> list[DrawnLine]:
    """Lines at round numbers of votes, above and below the one at 0."""
    step = round_step((most_yes + most_no) / LINES)
    above = [DrawnLine(zero - number * unit, number) for number in range(0, most_yes + 1, step)]
    return above + [DrawnLine(zero + number * unit, number) for number in range(step, most_no + 1, step)]


def round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … that is at least `least`."""
    power: int = 10 ** max(0, math.floor(math.log10(max(1.0, least))))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least)


def _days(scale: _Scale) -> list[DrawnDay]:
    """The days named under the bars: the first, the last and some between them, evenly."""
    every = max(1, math.ceil((scale.slots - 1) / (NAMED_DAYS - 1)))
    slots = [slot for slot in range(0, scale.slots, every) if slot + every / 2 <= scale.slots - 1]
    named = [scale.first + timedelta(days=scale.step * slot) for slot in [*slots, scale.slots - 1]]
    last = len(named) - 1
    return [
        DrawnDay(_short(scale.at(day)), "end" if place == last else "middle" if place else "start", day)
        for place, day in enumerate(named)
    ]
