"""The ground floor: one database handle, and the one function that begins and commits a write.

SQLite takes one writer at a time. Writers first take their turn (`writers.py`), because SQLite's own busy handler polls
and lets processes starve each other; only then does the transaction begin, with BEGIN IMMEDIATE, since a deferred
read-then-write fails at once under load.
"""

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import UUID

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    URL,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Text,
    TypeDecorator,
    event,
    func,
    make_url,
    or_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from feedback.errors import Unavailable
from feedback.reopening import Reopening
from feedback.writers import ROOM, WritersPlace

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 1_000  # for the rare outsider (sqlite3 shell, backup) that does not queue with us
CONNECT_SECONDS = 4  # until PostgreSQL has taken a connection
LOCK_SECONDS = 2.0  # that a writer waits on PostgreSQL for what another holds; a vote's own locks last milliseconds
ATTEMPTS = 5  # of a transaction that the database asks to run again
RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock
RETRY_PAUSE = 0.01  # seconds, times the attempt, so that two that collided do not collide again


class Base(DeclarativeBase):
    # Named constraints, because a later migration can only change what has a name.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base  # db.Model is made at run time; this is what it is made from.
else:
    Model = db.Model


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, to the microsecond, on every engine."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


class Codes(TypeDecorator[list[str]]):
    """A short list of codes in one text column, ` links name `, so that LIKE '% links %' finds one on every engine."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str:
        return f" {' '.join(value)} " if value else ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str]:
        return (value or "").split()


def uuid7() -> UUID:
    """Return a UUIDv7 (RFC 9562): 48 bits of milliseconds, then random, so that keys grow with time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


def insert(model: Any) -> Any:
    """Return the engine's own INSERT into a table, which knows ON CONFLICT."""
    return (postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert)(model.__table__)


def run(statement: Any, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> CursorResult[Any]:
    """Run a Core statement in the session's transaction, past the session: half the cost, and a row count."""
    # PostgreSQL's driver keeps the row count of an INSERT only where it is asked to.
    return db.session.connection().execute(statement, values, execution_options={"preserve_rowcount": True})


def has_words(column: Any, words: str) -> Any:
    """Return the condition that a column has these words in it, whatever their case."""
    # As typed too: some engines turn only the letters of ASCII into small ones.
    return or_(func.lower(column).contains(words.lower(), autoescape=True), column.contains(words, autoescape=True))


def init_app(app: Flask) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = _address(app.config["SETTINGS"].database_url)
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _keep_private)
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
        app.extensions["reopening"] = Reopening(app)
        event.listen(engine, "handle_error", app.extensions["reopening"].look)
        event.listen(engine, "do_connect", app.extensions["reopening"].wait)
        event.listen(engine, "checkin", app.extensions["reopening"].drop)
        app.extensions["writers_place"] = WritersPlace(f"{engine.url.database}.writer")
    else:
        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "connect", _limit_waiting)
        app.extensions["writers_place"] = WritersPlace(None, places=ROOM)


def connect(app: Flask, engine: Engine, **options: Any) -> Any:
    """Open a driver's connection outside the pool."""
    arguments, given = engine.dialect.create_connect_args(engine.url)
    options = {**given, **options}
    if engine.dialect.name == "postgresql":
        return _connect(engine.dialect, None, arguments, options)
    app.extensions["reopening"].wait()
    return engine.dialect.connect(*arguments, **options)


def _connect(_dialect: Dialect, _record: object, arguments: Any, options: Any) -> Any:
    # Imported here, because SQLite needs no driver of PostgreSQL.
    from feedback import waiting

    return waiting.connect(*arguments, **options)


def bound_waiting(app: Flask) -> None:
    """Let no statement of this process wait for ever for a PostgreSQL that hangs."""
    with app.app_context():
        if db.engine.dialect.name == "postgresql":
            from feedback import waiting

            waiting.bound()


def _address(url: str) -> URL:
    """Return a database's address, for PostgreSQL with the time within which it has to take a connection."""
    parsed = make_url(url)
    settled = parsed.get_backend_name() != "postgresql" or "connect_timeout" in parsed.query
    return parsed if settled else parsed.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})


def _keep_private(_dialect: Dialect, _record: object, arguments: Any, _options: Any) -> None:
    """Make a file that is not there yet one that only its owner may read, as the log beside it then is, too."""
    with suppress(OSError):
        os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions on its own: `_begin` does, in the mode the caller needs.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _limit_waiting(connection: Any, _record: object) -> None:
    # A table that somebody else keeps locked would hold up every thread, and readers with them.
    connection.execute(f"SET lock_timeout = {int(LOCK_SECONDS * 1000)}")
    connection.commit()


def _begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def _place() -> Iterator[None]:
    from flask import current_app

    place = current_app.extensions.get("writers_place")
    if place is None:
        yield
    else:
        with place.taken():
            yield


def transact(rule: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a rule in one write transaction and commit it; run it again where the database asks for that.

    What the caller has loaded before stays readable but detached. Raises whatever the rule raises, after a rollback;
    Unavailable when storage does not answer.
    """
    # A read transaction left open could not be turned into a write on SQLite.
    db.session.close()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _place():
                return _once(rule, *args, **kwargs)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not _may_retry(error):
                raise
            time.sleep(RETRY_PAUSE * attempt)
    raise AssertionError("unreachable")


def _once(rule: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        db.session.connection(execution_options={"immediate": True})
        result = rule(*args, **kwargs)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return result


def _may_retry(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in RETRYABLE


def scrub() -> None:
    """Carry what was erased out of SQLite's write-ahead log too; PostgreSQL reuses its space when it vacuums.

    A reader in the middle of a transaction keeps the log alive; this waits BUSY_TIMEOUT_MS for it. What cannot be
    carried out now is left to the next checkpoint: what was erased is erased, and the answer says so.
    """
    if db.engine.dialect.name != "sqlite":
        return
    db.session.close()
    try:
        with _place(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
    except (DBAPIError, Unavailable) as error:
        log.warning("what was erased stays in the write-ahead log for now (%s)", type(error).__name__)


def dispose(app: Flask) -> None:
    """Close every connection of the app; fixtures and commands call it so that none is left open."""
    app.extensions["front"].close()
    app.extensions["writers_place"].close()
    with app.app_context():
        for engine in db.engines.values():
            _close(engine)


def _close(engine: Engine) -> None:
    db.session.remove()
    engine.dispose()
