"""Where a process lets its writers in: one at a time on SQLite, some on PostgreSQL, nobody beyond a deadline.

On SQLite they queue on a lock of this process and then on a file lock beside the database. PostgreSQL takes many, but a
process has few threads, and one of them is kept for readers.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy.exc import DBAPIError

from feedback.errors import Unavailable

log = logging.getLogger(__name__)

WRITER_DEADLINE = 4.0  # seconds a writer queues for its place; the answer must be out within 6
ROOM = 3  # writers in a process, inside or waiting, that leave a thread to its readers: one less than it has threads
STANDSTILL = 0.5  # seconds without a change of hands after which those beyond that room are refused
POLL_SECONDS = 0.002  # flock has no timeout, so it is polled, by one thread of each process only
LOCK_NOT_AVAILABLE = "55P03"


class WritersPlace:
    """Where a process lets its writers in, with a deadline: one at a time where a file lets in one of the machine.

    Whoever waits holds a thread that readers may need. So as many as leave one to the readers wait for the deadline,
    more only as long as a place changes hands; while somebody else keeps the database locked, those inside wait for it,
    the others are refused.
    """

    def __init__(self, path: str | None, places: int = 1, room: int = ROOM) -> None:
        self.path, self.places, self.room = path, places, room
        self.turn = threading.Condition()
        self.inside = self.waiting = 0
        self.blocked = False  # whoever was here last waited in vain for the database
        self.moved = 0.0  # when a place changed hands
        self.file: int | None = None
        self.owner = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place, or raise Unavailable when none is free within WRITER_DEADLINE seconds."""
        deadline = time.monotonic() + WRITER_DEADLINE
        self._enter(deadline)
        blocked = False
        try:
            with self._file_locked(self.path, deadline) if self.path else nullcontext():
                yield
        except (DBAPIError, Unavailable) as error:
            blocked = isinstance(error, Unavailable) or _is_locked(error)
            raise
        finally:
            self._leave(blocked)

    def _enter(self, deadline: float) -> None:
        with self.turn:
            crowded = self.inside + self.waiting >= self.room
            self.waiting += 1
            try:
                while self.inside >= self.places:
                    hurried = crowded or self.blocked
                    patience = (min(deadline, self.moved + STANDSTILL) if hurried else deadline) - time.monotonic()
                    if patience <= 0:
                        raise Unavailable("Too many writers wait just now. Nothing was stored; please try again.")
                    self.turn.wait(patience)
            finally:
                self.waiting -= 1
            self.inside += 1
            if not self.blocked:
                self.moved = time.monotonic()

    def _leave(self, blocked: bool) -> None:
        with self.turn:
            self.inside -= 1
            self.blocked = blocked
            if not blocked:
                self.moved = time.monotonic()
            # When the database turned out to be locked, everybody has to hear of it.
            (self.turn.notify_all if blocked else self.turn.notify)()

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None and self.owner == os.getpid():
            os.close(self.file)
        self.file = None

    @contextmanager
    def _file_locked(self, path: str, deadline: float) -> Iterator[None]:
        if self.file is None or self.owner != os.getpid():
            # A file opened before a fork would share its lock with the other process.
            self.file, self.owner = _opened(path), os.getpid()
        _lock(self.file, deadline)
        try:
            yield
        finally:
            fcntl.flock(self.file, fcntl.LOCK_UN)


def _lock(file: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable("The database is busy just now. Nothing was stored; please try again.") from None
            time.sleep(POLL_SECONDS)


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.error("the file %s cannot be opened: %s", path, error.strerror)
        raise Unavailable("The service cannot store anything just now. Please try again in a moment.") from error


def _is_locked(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
        return True
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
