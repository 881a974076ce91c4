"""Copying a SQLite database while it is in use, and putting another in its place while it is not."""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from feedback.backup.archive import Progress
from feedback.backup.workshop import sync
from feedback.errors import Conflict, Refused

PAGES = 1_024  # copied at a time, 4 MiB


class InUse(Conflict):
    """Somebody has the database open."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn what SQLite complains of into a refusal."""
    try:
        yield
    except sqlite3.Error as error:
        raise Refused(f"SQLite says: {error}. Nothing was changed.") from error


def snapshot(source: Path, target: Path, progress: Progress) -> None:
    """Copy a database as it is at this moment, however long that takes and whoever writes meanwhile."""
    with reported(), closing(_open(source)) as live, closing(_open(target)) as copy:
        # Without a transaction that holds one state of the write-ahead log, each write by others would make the copy
        # begin again.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        size = live.execute("PRAGMA page_size").fetchone()[0]
        live.backup(
            copy,
            pages=PAGES,
            progress=lambda _, left, total: progress("Copying the database", (total - left) * size, total * size),
        )


def _open(path: Path) -> sqlite3.Connection:
    # Not made where it is missing: an empty copy of nothing is no backup.
    mode = "rw" if path.exists() else "rwc"
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def forget_networks(path: Path, tables: Iterable[str]) -> None:
    """Take the keys of network hashes, and the hashes in these tables, out of a copy, bytes and all."""
    with reported(), closing(_open(path)) as copy:
        known = copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'ban'").fetchone()
        for statement in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA secure_delete=ON",
            "DELETE FROM network_key",
            *(["DELETE FROM ban WHERE kind = 'network'"] if known else []),
            *(f'UPDATE "{name}" SET network = NULL WHERE network IS NOT NULL' for name in tables),
        ):
            copy.execute(statement).close()


def check(path: Path) -> None:
    """Raise Refused where SQLite finds the file damaged."""
    with reported(), closing(_open(path)) as copy:
        found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise Refused(f"SQLite finds the copy damaged: {found}. Nothing was changed.")


def counts(path: Path, tables: Iterable[str]) -> dict[str, int]:
    """Return how many rows each table has."""
    with reported(), closing(_open(path)) as copy:
        return {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def settle(path: Path) -> None:
    """Bring a database into its one file. Raises InUse while somebody else has it open."""
    with reported(), closing(_open(path)) as connection:
        connection.execute("PRAGMA busy_timeout=1000")
        try:
            # Only who has the database alone may leave the write-ahead log.
            connection.execute("PRAGMA journal_mode=DELETE").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise InUse(
                    "The database is in use. Stop `feedback serve` and `feedback worker` first; nothing was changed."
                ) from error
            raise
        except sqlite3.DatabaseError:
            # One that is damaged is taken as it is, its log beside it.
            return


def put_in_place(restored: Path, live: Path, at: datetime) -> Path | None:
    """Put one database into the place of another at once; return where that one is now, None where there was none."""
    aside = live.with_name(f"{live.name}.before-{at:%Y%m%dT%H%M%SZ}")
    there = live.exists()
    _give_to_owner_of(live if there else live.parent, restored)
    if there:
        os.link(live, aside)
    # Left by a database that could not be settled; beside another one they would destroy it.
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{live}{suffix}").rename(f"{aside}{suffix}")
    restored.replace(live)
    sync(live.parent)
    return aside if there else None


def _give_to_owner_of(path: Path, restored: Path) -> None:
    """Where root restores, the service must still be able to open its database."""
    was = path.stat()
    if os.geteuid() == 0:
        shutil.chown(restored, was.st_uid, was.st_gid)
    if path.is_file():
        restored.chmod(was.st_mode & 0o777)
