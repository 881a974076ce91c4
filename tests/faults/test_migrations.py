"""Each migration after the first goes down and up over full tables; what exists on both sides of it stays the same."""

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, insert, select
from sqlalchemy.types import JSON, Boolean, Date, DateTime, Enum, Float, Integer, LargeBinary, Uuid

from feedback import schema
from feedback.db import Codes, Moment, db
from tests.faults.drills import Drill

START = datetime(2024, 1, 1, tzinfo=UTC)
SMALL = 20  # rows of the tables that do not grow with readers and articles
GROWING = {
    "article", "vote", "tally", "reason_tally", "standing", "comment", "decision", "outbox", "change", "flag", "like",
    "revision", "contributor", "section", "site_day", "subscription", "delivery",
}  # fmt: skip
BATCH = 5_000

Rows = list[dict[str, Any]]


def test_migrations_go_down_and_up_over_full_tables(app: Flask, drill: Drill) -> None:
    size = drill.times(long=100_000, short=900) // len(GROWING)
    with app.app_context():
        rows = sum(fill(table, size if table.name in GROWING else SMALL) for table in db.metadata.sorted_tables)
        ladder = [step.revision for step in schema_steps()]
        slowest = max(
            *(crossed(high, lambda: schema.downgrade("-1")) for high in reversed(ladder[1:])),
            *(crossed(low, lambda: next(iter(schema.upgrade()))) for low in ladder[:-1]),
        )
        assert schema.current() == schema.newest()
    drill.measured("rows", rows)
    drill.measured("migrations crossed down and up", len(ladder) - 1)
    drill.measured("slowest, s", slowest)


def schema_steps() -> list[Any]:
    """Return all migrations, oldest first."""
    from alembic.script import ScriptDirectory

    return [*ScriptDirectory.from_config(schema._config()).walk_revisions()][::-1]


def crossed(at: str, move: Callable[[], Any]) -> float:
    """Cross one migration, hold what is there on both sides against what was there; return the seconds it took."""
    assert schema.current() == at
    before = checksums()
    began = time.monotonic()
    move()
    took = time.monotonic() - began
    after = checksums()
    shared = before.keys() & after.keys()
    assert shared
    for table, column in sorted(shared):
        assert after[table, column] == before[table, column], f"{table}.{column} differs after leaving {at}"
    return took


def checksums() -> dict[tuple[str, str], str]:
    """Return the hash of each column of each table as the database has it now, rows in the order of their keys."""
    found = MetaData()
    found.reflect(db.engine)
    hashes: dict[tuple[str, str], Any] = {}
    with db.engine.connect() as connection:
        for table in found.sorted_tables:
            columns = [column for column in table.columns if table.name != "alembic_version"]
            hashes |= {(table.name, column.name): hashlib.sha256() for column in columns}
            for values in connection.execute(select(*table.columns).order_by(*table.primary_key.columns)):
                for column in columns:
                    hashes[table.name, column.name].update(repr(getattr(values, column.name)).encode())
    return {place: digest.hexdigest() for place, digest in hashes.items()}


# Rows of every kind of value that a table takes

made: dict[str, Rows] = {}


def fill(table: Table, size: int) -> int:
    """Fill a table with rows whose foreign keys lead to rows made before; return how many."""
    made[table.name] = rows = [row(table, number) for number in range(size)]
    with db.engine.begin() as connection:
        for first in range(0, size, BATCH):
            connection.execute(insert(table), rows[first : first + BATCH])
    return size


def row(table: Table, number: int) -> dict[str, Any]:
    values = {column.name: value(column, number) for column in table.columns}
    # The longer ones last: a comment's article is that of the row which names both.
    for constraint in sorted(table.foreign_key_constraints, key=lambda each: len(each.columns)):
        values |= led_to(constraint, number)
    return values


def led_to(constraint: ForeignKeyConstraint, number: int) -> dict[str, Any]:
    optional = [column.name for column in constraint.columns if column.nullable]
    if optional:
        return dict.fromkeys(optional)
    rows = made[constraint.referred_table.name]
    target = rows[number % len(rows)]
    return {element.parent.name: target[element.column.name] for element in constraint.elements}


def value(column: Column[Any], number: int) -> Any:
    if column.nullable and number % 3 == 0:
        return None
    if (column.table.name, column.name) == ("contributor", "role"):
        return ("author", "reviewer")[number % 2]
    for kind, make in KINDS.items():
        if isinstance(column.type, kind):
            return make(column.type, number)
    length = getattr(column.type, "length", None)
    return f"{number} ä {column.name}"[:length]


KINDS: dict[Any, Callable[[Any, int], Any]] = {
    Enum: lambda kind, number: kind.enums[number % len(kind.enums)],
    Codes: lambda kind, number: ["links", "name"][: number % 3],
    Moment: lambda kind, number: START + timedelta(seconds=number, microseconds=number),
    DateTime: lambda kind, number: START + timedelta(seconds=number),
    Date: lambda kind, number: START.date() + timedelta(days=number),
    JSON: lambda kind, number: {"number": number, "text": "ä"},
    LargeBinary: lambda kind, number: secrets.token_bytes(32),
    Uuid: lambda kind, number: uuid4(),
    Boolean: lambda kind, number: number % 2 == 0,
    Integer: lambda kind, number: number % 1_000,
    Float: lambda kind, number: number / 3,
}
