"""A SQLite file that could not be written for a time is written again, without a restart."""

import gc
import math
import os
import sqlite3
import threading
import time
import weakref

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

REOPEN_SECONDS = 0.4  # in which a process opens none, so that the last of its connections to a file can go
REOPEN_AGAIN = 1.0  # seconds until that is tried again, so that readers seldom wait for it


class Reopening:
    """Closes every connection of the process to a SQLite file that could not be written for a time.

    They share what the first of them found of the file, until the last of them is gone. So for a moment none is opened.
    """

    def __init__(self, app: Flask) -> None:
        # Weakly: the engine that calls this is kept for as long as its app is there.
        self.app = weakref.ref(app)
        self.began = -math.inf

    def look(self, context: ExceptionContext) -> None:
        """Let no connection stay read-only where its file can be written by now."""
        code = getattr(context.original_exception, "sqlite_errorcode", 0)
        if code & 0xFF != sqlite3.SQLITE_READONLY or context.engine is None:
            return
        context.is_disconnect = True
        if os.access(str(context.engine.url.database), os.W_OK) and time.monotonic() > self.began + REOPEN_AGAIN:
            self.began = time.monotonic()
            # A moment later, because whoever met the fault has a connection, too.
            threading.Timer(REOPEN_SECONDS / 4, self.close, [context.engine]).start()

    def close(self, engine: Engine) -> None:
        """Close all that is not in use; what is in use is closed when it comes back."""
        if app := self.app():
            app.extensions["front"].looks.close()
        engine.pool.dispose()
        # A fault leaves circles of references behind, and in them cursors, which hold even a closed connection open.
        gc.collect()

    def drop(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """Keep no connection that was in use when the others were closed."""
        if time.monotonic() < self.began + REOPEN_SECONDS:
            record.invalidate()

    def wait(self, *_: object) -> None:
        """Wait until connections may be opened again."""
        time.sleep(max(0.0, self.began + REOPEN_SECONDS - time.monotonic()))
