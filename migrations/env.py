"""Runs the migrations on the service's own engine (the stock file calls a deprecated function)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from feedback import models  # noqa: F401  (its tables must be known to the metadata)
from feedback.db import Codes, Moment, db


def plainly(kind: str, item: Any, autogen: object) -> str | Literal[False]:
    """Write our column types as what they are in the database, so that a migration never imports our code."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Codes):
        return "sa.Text()"
    return False


@contextmanager
def unchecked(connection: Connection) -> Iterator[None]:
    """Let SQLite rebuild a table without deleting what refers to it: with foreign keys checked, dropping it would."""
    driver = connection.connection.dbapi_connection if connection.dialect.name == "sqlite" else None
    if driver is None:
        yield
        return
    # Past SQLAlchemy, because the pragma does nothing inside a transaction.
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    with db.engine.connect() as connection, unchecked(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            render_item=plainly,
            # SQLite cannot alter a constraint in place, so that Alembic rebuilds the table.
            render_as_batch=connection.dialect.name == "sqlite",
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
