"""Public test data, where it lies beside the checkout or where TEST_CORPORA points.

The tests that read it only add to those with cases of their own: a clone alone proves the same rules.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("TEST_CORPORA") or Path(__file__).parents[2] / "shared" / "corpora")


def corpus(name: str) -> Any:
    """Return what a JSON file of the corpora holds; skip the test where there is none."""
    return json.loads(_present(name).read_text(encoding="utf-8"))


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the corpora; skip the test where there is none."""
    with _present(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _present(name: str) -> Path:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {path}: set TEST_CORPORA to the folder of the public test data")
    return path


def attack(generator: dict[str, Any], length: int) -> str:
    """Return a text of dos_generators.json, repeated to a length; `{i}` in its unit counts."""
    unit = generator["unit"].replace("\\u0000", "\0")
    text = generator["prefix"]
    if "{i}" not in unit:
        return (text + unit * length)[:length]
    parts = [unit.replace("{i}", str(number)) for number in range(length)]
    return (text + "".join(parts))[:length]
