"""The manual's table of ASVS 5.0: every requirement of levels 1 and 2 stands there once, every proof exists."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("\n## OWASP ASVS 5.0, level 2\n")[2]
ROWS = [re.split(r"\s*\|\s*", line.strip("| ")) for line in TABLE.splitlines() if re.match(r"\| \d", line)]
# How many requirements of these levels each section of https://github.com/OWASP/ASVS (5.0) has; they count from 1.
REQUIREMENTS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
    "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip


def numbers(cell: str) -> Iterator[str]:
    """Write `1.2.5–7, 1.3.2` one by one."""
    for part in cell.split(", "):
        section, first, last = re.fullmatch(r"(\d+\.\d+)\.(\d+)(?:–(\d+))?", part).groups()
        yield from (f"{section}.{number}" for number in range(int(first), int(last or first) + 1))


def test_every_requirement_stands_there_once():
    listed = list(chain.from_iterable(numbers(row[0]) for row in ROWS))
    wanted = {f"{section}.{number + 1}" for section, many in REQUIREMENTS.items() for number in range(many)}
    assert sum(REQUIREMENTS.values()) == len(wanted) == 253
    assert sorted(listed) == sorted(wanted)


def written() -> set[str]:
    """Return the names of every test, wherever it stands."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    nodes = chain.from_iterable(ast.walk(tree) for tree in trees)
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_it_names_exists():
    named = set(re.findall(r"`(test_\w+)`", TABLE))
    assert len(named) > 80
    assert named - written() == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_met_is_proved_and_what_is_not_has_its_reason(row):
    _, outcome, reason = row
    assert outcome in ("met", "not met", "–")
    parts = [part for part in re.findall(r"\*([A-Z][\w ]+)\*", reason) if f"\n## {part}\n" in README]
    if outcome == "met":
        assert parts or re.search(r"`test_\w+`", reason)
    else:
        assert len(re.sub(r"`test_\w+`", "", reason)) > 15
