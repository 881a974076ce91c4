"""Copying a PostgreSQL database by pg_dump while it is in use, and putting a restored one in its place.

One snapshot is shared by pg_dump and by this module, which copies the tables that hold hashes of networks itself,
without them. A backup is loaded into a schema of its own, beside the one that is served, and takes its name at last.
"""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from feedback.backup import programs
from feedback.backup.archive import CHUNK, Progress, Writer
from feedback.db import db
from feedback.errors import Conflict, Refused

DUMP = "database.dump"
STAGING = "feedback_restoring"  # where a backup is loaded
PARKED = "feedback_parked"  # what the schema is called that a dump came from, while it is loaded
OF_READERS = sql.SQL("WHERE kind <> 'network'")  # of bans: those that go on when the keys of networks are gone
LOCK_MS = 10_000  # that pg_dump waits where somebody changes the tables


class InUse(Conflict):
    """Somebody is connected to the database."""


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection of our own, outside the pool; what PostgreSQL complains of becomes a refusal."""
    parsed = make_url(url)
    arguments, options = parsed.get_dialect()().create_connect_args(parsed)
    try:
        with psycopg.connect(*arguments, **options, autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Refused(f"PostgreSQL says: {said}. Nothing was changed.") from error


def database(connection: psycopg.Connection[Any]) -> programs.Database:
    """Return how PostgreSQL's programs reach the same database."""
    info = connection.info
    return programs.Database(info.dsn, info.password, info.server_version // 10_000)


def namespace(connection: psycopg.Connection[Any]) -> str:
    """Return the schema in which the service finds its tables."""
    (name,) = connection.execute("SELECT current_schema()").fetchone() or (None,)
    if name is None:
        raise Refused("The database has no schema for this service's tables.")
    return str(name)


# Copying


@contextmanager
def snapshot(connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Hold one state of the database for as long as the block lasts, and give the name others can share it by."""
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        (name,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        yield str(name)


def counts(connection: psycopg.Connection[Any], schema: str, tables: Iterable[str]) -> dict[str, int]:
    """Return how many rows each table has."""
    found = {}
    for name in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
        (found[name],) = connection.execute(query).fetchone() or (0,)
    return found


def banned_readers(connection: psycopg.Connection[Any], schema: str) -> int:
    """Return how many bans are about readers, not networks."""
    query = sql.SQL("SELECT count(*) FROM {} {}").format(sql.Identifier(schema, "ban"), OF_READERS)
    (found,) = connection.execute(query).fetchone() or (0,)
    return int(found)


def dump(connection: psycopg.Connection[Any], schema: str, shared: str, bare: Iterable[str], into: Writer) -> None:
    """Write the snapshot into a backup, the tables of `bare` without their networks, and no ban of a network."""
    here = database(connection)
    bare = [*bare, *_existing(connection, schema, "ban")]
    left_out = ("network_key", *bare)
    command = [
        programs.find("pg_dump", here.major),
        *("--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--lock-wait-timeout={LOCK_MS}"),
        *(f"--snapshot={shared}", f"--schema={_quoted(schema)}", f"--dbname={here.dsn}"),
        *(f"--exclude-table-data={_quoted(schema)}.{name}" for name in left_out),
    ]
    with (
        programs.Run(command, here.environ, stdout=subprocess.PIPE) as running,
        into.part(DUMP, "Copying the database") as write,
    ):
        while chunk := running.output.read(CHUNK):
            write(chunk)
    for name in bare:
        _dump_table(connection, schema, name, into)


def _existing(connection: psycopg.Connection[Any], schema: str, name: str) -> list[str]:
    return [name] if _columns(connection, schema, name) else []


def _columns(connection: psycopg.Connection[Any], schema: str, name: str) -> list[str]:
    query = (
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
    )
    return [column for (column,) in connection.execute(query, (schema, name))]


def _dump_table(connection: psycopg.Connection[Any], schema: str, name: str, into: Writer) -> None:
    """Write a table, without its networks, as the lines that psql takes."""
    # As they are, since the tables may be those of an older version.
    columns = [column for column in _columns(connection, schema, name) if column != "network"]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    table = sql.Identifier(schema, name)
    taking = sql.SQL("COPY {} ({}) FROM stdin;\n").format(table, names)
    which = OF_READERS if name == "ban" else sql.SQL("")
    giving = sql.SQL("COPY (SELECT {} FROM {} {}) TO STDOUT").format(names, table, which)
    with into.part(f"{name}.sql", f"Copying the table {name}") as write, connection.cursor() as cursor:
        write(taking.as_bytes(connection))
        gathered = bytearray()
        with cursor.copy(giving) as rows:
            for row in rows:
                gathered += row
                if len(gathered) >= CHUNK:
                    write(bytes(gathered))
                    gathered.clear()
        write(bytes(gathered) + b"\\.\n")


def _quoted(name: str) -> str:
    # In pg_dump's patterns, too, quotes keep letters as they are.
    return '"' + name.replace('"', '""') + '"'


# Putting in place


def refuse_others(connection: psycopg.Connection[Any]) -> None:
    """Raise InUse while anybody else is connected to the database."""
    (others,) = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    ).fetchone() or (0,)
    if others:
        raise InUse(
            f"The database is in use ({others} connections). Stop every `feedback serve` and `feedback worker` first, "
            "on every machine; nothing was changed."
        )


def load(connection: psycopg.Connection[Any], dumped: str, folder: Path, progress: Progress) -> None:
    """Load an unpacked backup into a schema of its own, in one transaction that leaves all else as it was.

    A dump names the schema it came from. So that one is renamed while the transaction lasts, unseen by anybody else.
    """
    here = database(connection)
    restore, psql = (programs.find(name, here.major) for name in ("pg_restore", "psql"))
    (there,) = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [dumped]).fetchone() or (0,)
    aside = [_rename(dumped, PARKED)] if there else []
    back = [_rename(dumped, STAGING), *([_rename(PARKED, dumped)] if there else [])]
    command = [psql, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-", here.dsn]
    total = sum(path.stat().st_size for path in _parts(folder))
    loading = _Loading(progress, total)
    with programs.Run(command, here.environ, stdin=subprocess.PIPE) as running:
        loading.into = running.input
        loading.feed("".join(aside).encode())
        loading.section(restore, folder, "pre-data", here)
        loading.section(restore, folder, "data", here)
        for path in sorted(folder.glob("*.sql")):
            loading.file(path)
        loading.section(restore, folder, "post-data", here)
        loading.feed("".join(back).encode())


def _parts(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file())


def _rename(name: str, other: str) -> str:
    return f"ALTER SCHEMA {_quoted(name)} RENAME TO {_quoted(other)};\n"


class _Loading:
    """What goes into psql, and how far it is."""

    into: Any

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def feed(self, chunk: bytes) -> None:
        self.into.write(chunk)
        self.done += len(chunk)
        # Scripts are a little longer than what they are made from.
        self.progress("Loading", min(self.done, self.total), self.total)

    def file(self, path: Path) -> None:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self.feed(chunk)

    def section(self, restore: Path, folder: Path, name: str, here: programs.Database) -> None:
        command = [restore, f"--section={name}", "--no-owner", "--no-privileges", "--file=-", folder / DUMP]
        with programs.Run(command, here.environ, stdout=subprocess.PIPE) as running:
            while chunk := running.output.read(CHUNK):
                self.feed(chunk)


def within(url: str, schema: str = STAGING) -> str:
    """Return the address by which the service finds its tables in another schema."""
    parsed: URL = make_url(url)
    before = parsed.query.get("options", "")
    options = f"{before if isinstance(before, str) else ' '.join(before)} -csearch_path={schema}".strip()
    changed = parsed.update_query_dict({"options": options})
    return changed.render_as_string(hide_password=False)


def analyze(connection: psycopg.Connection[Any]) -> None:
    """Let the planner know what was loaded."""
    for name in db.metadata.tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(STAGING, name)))


def put_in_place(connection: psycopg.Connection[Any], live: str, at: datetime) -> str | None:
    """Give one schema the name of another, at once; return that one's name now, None where it was empty and went."""
    aside = f"before_{at:%Y%m%dt%H%M%Sz}"
    (held,) = connection.execute(
        "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %s", [live]
    ).fetchone() or (0,)
    with connection.transaction():
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}" if held else "DROP SCHEMA {}").format(
                *map(sql.Identifier, (live, aside) if held else (live,))
            )
        )
        connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(*map(sql.Identifier, (STAGING, live))))
    return aside if held else None


def discard(connection: psycopg.Connection[Any]) -> None:
    """Remove what was loaded and will not be used."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(STAGING)))
