"""Making a backup of the database while the service runs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url

from feedback import schema
from feedback.backup import archive, ledger, postgresql, sqlite
from feedback.backup.archive import CHUNK, Manifest, Progress
from feedback.backup.workshop import sync, workshop
from feedback.clock import rfc3339
from feedback.db import db, scrub
from feedback.errors import Conflict, Refused

SQLITE = "feedback.sqlite3"


@dataclass(frozen=True)
class Taken:
    """A backup that was made."""

    path: Path
    bytes: int
    manifest: Manifest


def backup(url: str, folder: Path, *, now: datetime, progress: Progress) -> Taken:
    """Copy all that is stored, as of one moment after this was called, into a new file in a folder.

    Raises Refused where it cannot be done; what was begun is removed then.
    """
    path = folder / f"feedback-{now:%Y%m%dT%H%M%SZ}.zip"
    ledger.bring_up_to_date(folder)
    with workshop(folder) as room:
        if path.exists():
            raise Conflict(f"{path} is there already.")
        unfinished = room / path.name
        with archive.writer(unfinished, progress) as into:
            copy = _of_sqlite if make_url(url).get_backend_name() == "sqlite" else _of_postgresql
            manifest = copy(url, room, into, now)
            into.finish(manifest)
        unfinished.rename(path)
        sync(folder)
    # Those that were made meanwhile; the copy may still have what they erased.
    ledger.bring_up_to_date(folder)
    return Taken(path, path.stat().st_size, manifest)


def _of_sqlite(url: str, room: Path, into: archive.Writer, now: datetime) -> Manifest:
    copy = room / SQLITE
    sqlite.snapshot(sqlite_path(url), copy, into.progress)
    # What was erased meanwhile could not leave the write-ahead log while this held it.
    scrub()
    sqlite.forget_networks(copy, _with_networks())
    into.progress("Checking the copy", 0, None)
    sqlite.check(copy)
    rows = sqlite.counts(copy, db.metadata.tables)
    with into.part(SQLITE, "Packing", copy.stat().st_size) as write, copy.open("rb") as file:
        while chunk := file.read(CHUNK):
            write(chunk)
    return Manifest("sqlite", str(schema.current()), rfc3339(now), rows)


def _with_networks() -> list[str]:
    """Name the tables that hold a hash of a network beside what is kept."""
    return [table.name for table in db.metadata.sorted_tables if "network" in table.c]


def sqlite_path(url: str) -> Path:
    """Return the file of a SQLite database. Raises Refused for one that lives in memory."""
    name = make_url(url).database
    if not name or name == ":memory:":
        raise Refused("A database in memory has no file to copy or to replace.")
    return Path(name)


def _of_postgresql(url: str, _: Path, into: archive.Writer, now: datetime) -> Manifest:
    with postgresql.connected(url) as connection:
        namespace = postgresql.namespace(connection)
        with postgresql.snapshot(connection) as shared:
            rows = postgresql.counts(connection, namespace, db.metadata.tables)
            rows |= {"network_key": 0, "ban": postgresql.banned_readers(connection, namespace)}
            postgresql.dump(connection, namespace, shared, _with_networks(), into)
    return Manifest("postgresql", str(schema.current()), rfc3339(now), rows, namespace)
