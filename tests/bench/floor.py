"""What nothing can be faster than here: the same server answering a constant, SQLite storing a row a transaction."""

import sqlite3
import time
from pathlib import Path

BODY = b"x" * 9_000  # about a summary with twenty comments


def application(environ, start_response):  # type: ignore[no-untyped-def]
    """A bare WSGI callable."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def sqlite_votes(folder: Path, seconds: float) -> float:
    """Return how many one-row transactions a second one connection commits with synchronous=FULL."""
    connection = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    connection.execute("CREATE TABLE vote (reader BLOB PRIMARY KEY, value TEXT)")
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO vote VALUES (?, 'yes')", (done.to_bytes(32, "big"),))
        connection.execute("COMMIT")
        done += 1
    connection.close()
    return done / (time.perf_counter() - began)
