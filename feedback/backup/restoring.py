"""Going back to a backup. All is looked through beside the database that is there; that one is set aside at the end."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, inspect, make_url, select
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from feedback import erasures, recount, schema
from feedback.backup import archive, ledger, postgresql, replay, sqlite
from feedback.backup.archive import Damaged, Manifest, Progress
from feedback.backup.taking import SQLITE, sqlite_path
from feedback.backup.workshop import workshop
from feedback.db import db, transact
from feedback.errors import Conflict, Refused
from feedback.models import Change, Comment, Decision, Vote
from feedback.writers import WritersPlace

WHEN = (Vote.updated, Comment.created, Decision.at, Change.at)

# Gives the service's context on a database, for as long as the block lasts.
Opened = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Wish:
    """What is to be restored, where, and what its operator has agreed to.

    `lists` are the folders that may have a list of erasures; `home` has room for what PostgreSQL takes in.
    """

    path: Path
    url: str
    lists: tuple[Path, ...]
    home: Path
    replace: bool = False
    without_erasures: bool = False


@dataclass(frozen=True)
class Restored:
    """What a restore did. `undo` is how to go back; None where nothing was there before."""

    manifest: Manifest
    erased: int
    adds_up: bool
    undo: str | None


@dataclass(frozen=True)
class _Found:
    """What is in the database that would be replaced; `newer` is None where it cannot be read."""

    newer: int | None
    erasures: dict[UUID, bytes]


def restore(wish: Wish, opened: Opened, *, now: datetime, progress: Progress) -> Restored:
    """Put a backup into the place of the database, the erasures made since carried out in it.

    Raises Damaged, Conflict or another Refused before anything is replaced.
    """
    manifest = archive.manifest(wish.path)
    engine = make_url(wish.url).get_backend_name()
    if manifest.engine != engine:
        raise Refused(f"This is a backup of {manifest.engine}, and the database is {engine}.")
    listed = _listed(wish)
    into = (_IntoSqlite if engine == "sqlite" else _IntoPostgresql)(wish, manifest, progress)
    into.require_alone()
    found = into.look(opened)
    _require_consent(wish, manifest, found)
    with workshop(into.folder) as room:
        archive.unpack(wish.path, manifest, room, progress)
        try:
            url = into.prepare(room)
            erased, adds_up = _make_fit(opened, url, manifest, {**listed, **found.erasures}, now, progress)
            undo = into.replace(now)
        finally:
            into.discard()
    return Restored(manifest, erased, adds_up, undo)


def _listed(wish: Wish) -> dict[UUID, bytes]:
    """Return the erasures listed beside the backup and where the worker lists them."""
    lists = [each for each in map(ledger.read, wish.lists) if each is not None]
    if not lists and not wish.without_erasures:
        raise Refused(
            f"There is no {wish.lists[0] / ledger.NAME}, which lists what was erased since: it would come back. Put "
            "the list beside the backup, or add --without-erasures."
        )
    return {row_id: mark for each in lists for row_id, mark in each.items()}


def _require_consent(wish: Wish, manifest: Manifest, found: _Found) -> None:
    if wish.replace or found.newer == 0:
        return
    if found.newer is None:
        raise Conflict("The database that is there cannot be read. Add --replace to set it aside all the same.")
    raise Conflict(
        f"The database holds {found.newer} votes, comments, decisions or changes newer than this backup of "
        f"{manifest.taken[:19]}Z. Add --replace to set it aside all the same."
    )


def _make_fit(
    opened: Opened, url: str, manifest: Manifest, listed: dict[UUID, bytes], now: datetime, progress: Progress
) -> tuple[int, bool]:
    with opened(url):
        if not schema.knows(manifest.schema):
            raise Conflict(f"A newer version of this service made the backup (tables {manifest.schema}). Install that.")
        for step in schema.upgrade():
            progress(f"Bringing tables to {step.revision}", 0, None)
        erased = replay.erase(listed, now=now, progress=progress)
        transact(replay.end_sessions)
        progress("Adding up", 0, None)
        # Told, not refused: what did not add up when the backup was made is still better than nothing.
        adds_up = not recount.differences().any
        db.session.close()
    return erased, adds_up


def _look(manifest: Manifest) -> _Found:
    """Look into the database in whose context this runs."""
    try:
        tables = set(inspect(db.engine).get_table_names())
        taken = datetime.fromisoformat(manifest.taken)
        newer = sum(
            db.session.execute(select(func.count()).where(column > taken)).scalar_one()
            for column in WHEN
            if column.class_.__tablename__ in tables
        )
        known = erasures.recorded() if "erasure" in tables else {}
    except SQLAlchemyError as error:
        if not isinstance(error, DatabaseError):
            raise
        return _Found(None, {})
    finally:
        db.session.close()
    return _Found(newer, known)


def _require_rows(manifest: Manifest, count: Callable[[Iterable[str]], dict[str, int]]) -> None:
    if count(manifest.rows) != manifest.rows:
        raise Damaged("The backup does not hold the rows its manifest names: nothing was changed.")


class _IntoSqlite:
    """Restoring into a file."""

    def __init__(self, wish: Wish, manifest: Manifest, progress: Progress) -> None:
        self.live = sqlite_path(wish.url)
        self.folder = self.live.parent
        self.manifest, self.progress = manifest, progress
        self.url = wish.url

    def require_alone(self) -> None:
        if self.live.exists():
            sqlite.settle(self.live)

    def look(self, opened: Opened) -> _Found:
        # Asking a database that is not there would make one.
        if not self.live.exists():
            return _Found(0, {})
        with opened(self.url):
            return _look(self.manifest)

    def prepare(self, room: Path) -> str:
        self.copy = room / SQLITE
        self.progress("Checking the copy", 0, None)
        sqlite.check(self.copy)
        _require_rows(self.manifest, lambda tables: sqlite.counts(self.copy, tables))
        return f"sqlite:///{self.copy.resolve()}"

    def replace(self, now: datetime) -> str | None:
        sqlite.settle(self.copy)
        with WritersPlace(f"{self.live}.writer").taken():
            self.require_alone()
            aside = sqlite.put_in_place(self.copy, self.live, now)
        # A log that a killed service leaves belongs to the database it wrote, and would destroy another.
        return f"rm -f {self.live}-wal {self.live}-shm && mv {aside} {self.live}" if aside else None

    def discard(self) -> None:
        """Leave it to the workshop."""


class _IntoPostgresql:
    """Restoring into a schema."""

    def __init__(self, wish: Wish, manifest: Manifest, progress: Progress) -> None:
        self.url, self.manifest, self.progress = wish.url, manifest, progress
        self.folder = wish.home

    def require_alone(self) -> None:
        with postgresql.connected(self.url) as connection:
            postgresql.refuse_others(connection)

    def look(self, opened: Opened) -> _Found:
        with opened(self.url):
            return _look(self.manifest)

    def prepare(self, room: Path) -> str:
        self.discard()
        with postgresql.connected(self.url) as connection:
            postgresql.load(connection, str(self.manifest.namespace), room, self.progress)
            _require_rows(self.manifest, lambda tables: postgresql.counts(connection, postgresql.STAGING, tables))
        return postgresql.within(self.url)

    def replace(self, now: datetime) -> str | None:
        with postgresql.connected(self.url) as connection:
            postgresql.analyze(connection)
            live = postgresql.namespace(connection)
            postgresql.refuse_others(connection)
            aside = postgresql.put_in_place(connection, live, now)
        return f"ALTER SCHEMA {live} RENAME TO restored; ALTER SCHEMA {aside} RENAME TO {live};" if aside else None

    def discard(self) -> None:
        with postgresql.connected(self.url) as connection:
            postgresql.discard(connection)
