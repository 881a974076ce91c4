"""The tables of the database against the migrations of this version: which of them are applied, and applying them."""

from collections.abc import Iterator
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from feedback.db import db
from feedback.errors import Conflict


@dataclass(frozen=True)
class Step:
    """One migration."""

    revision: str
    title: str


def current() -> str | None:
    """Return the newest migration the database has seen; None for a database without one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return the newest migration of this version."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this version has a migration of that name."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def missing() -> list[Step]:
    """Return the migrations that the database has yet to see, oldest first. Raises Conflict for a newer database."""
    scripts, seen = ScriptDirectory.from_config(_config()), current()
    known = {script.revision for script in scripts.walk_revisions()}
    if seen is not None and seen not in known:
        raise Conflict(f"The database is at {seen}, which this version does not know: a newer one has made it.")
    steps = scripts.iterate_revisions("head", seen or "base")
    return [Step(script.revision, script.doc) for script in steps][::-1]


def upgrade() -> Iterator[Step]:
    """Apply what is missing, one migration at a time; each is yielded once it is done."""
    for step in missing():
        command.upgrade(_config(), step.revision)
        yield step


def downgrade(revision: str) -> None:
    """Take migrations back, down to a revision, `base` or a number of steps such as `-1`."""
    command.downgrade(_config(), revision)


def _config() -> Config:
    config: Config = current_app.extensions["migrate"].migrate.get_config(None)
    return config
