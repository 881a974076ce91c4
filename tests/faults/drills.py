"""A pytest plugin: every drill has a short form, which always runs, and a long one, which `--drills` asks for.

The short form proves that nothing is lost, doubled or wrong. Only the long one holds what it measures against the
figures to reach, because a busy machine is slow without a fault; the figures of both are printed at the end.
"""

from collections.abc import Callable
from typing import Any

import pytest

FIGURE = "figure of a drill"


class Drill:
    """How much a drill does, and what it measured."""

    def __init__(self, long: bool, note: Callable[[str, object], None]) -> None:
        self.long = long
        self._note = note

    def times(self, *, long: int, short: int) -> int:
        return long if self.long else short

    def measured(self, what: str, value: float | str, *, at_most: float | None = None) -> None:
        """Keep a figure for the table; in the long form fail where it is beyond its limit."""
        shown = value if isinstance(value, str) else f"{value:,.3f}".rstrip("0").rstrip(".")
        self._note(FIGURE, [what, shown, "" if at_most is None else f"at most {at_most:g}"])
        if self.long and at_most is not None:
            assert isinstance(value, float | int)
            assert value <= at_most, f"{what}: {shown}, at most {at_most:g}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--drills", action="store_true", help="run the fault drills in their long form, about 40 minutes")


@pytest.fixture
def drill(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Drill:
    return Drill(request.config.getoption("--drills"), record_property)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not terminalreporter.config.getoption("--drills"):
        return
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    lines = [
        (report.nodeid.rpartition("::")[2].removeprefix("test_"), *value)
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if not lines:
        return
    terminalreporter.section("figures of the drills")
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for line in lines:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
