"""Runs the migrations on the service's own engine (the stock file calls a deprecated function)."""

from typing import Any, Literal

from alembic import context

from feedback import models  # noqa: F401  (its tables must be known to the metadata)
from feedback.db import Codes, Moment, db


def plainly(kind: str, item: Any, autogen: object) -> str | Literal[False]:
    """Write our column types as what they are in the database, so that a migration never imports our code."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Codes):
        return "sa.Text()"
    return False


def run() -> None:
    with db.engine.connect() as connection:
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
