"""A database that somebody else keeps locked is still read, as fast as ever, and writers are not kept waiting."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from flask import Flask
from sqlalchemy import text

from feedback.db import db
from tests.faults.conftest import Serve, seconds_until
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import Attempt, Caller, compare_reads, reads, traffic, vote, vote_or_comment

WRITERS, READERS = 16, 4


@contextmanager
def locked(app: Flask) -> Iterator[None]:
    """Let somebody who does not queue with us hold what every write needs."""
    with app.app_context():
        if db.engine.dialect.name == "postgresql":
            with db.engine.begin() as outsider:
                outsider.execute(text("LOCK TABLE standing IN EXCLUSIVE MODE"))
                yield
            return
        path = db.engine.url.database
    assert path
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        yield


def test_a_locked_database_is_read_as_fast_as_ever(serve: Serve, app: Flask, drill: Drill) -> None:
    port = serve("--no-worker").port
    caller = Caller(port)
    assert caller.send(vote()).acknowledged  # what a process makes once is made
    with traffic(port, READERS, reads) as readers:
        began = time.monotonic()
        time.sleep(drill.times(long=10, short=1))
        with traffic(port, WRITERS, vote_or_comment, pause=1) as writers:
            with locked(app):
                held = time.monotonic()
                time.sleep(drill.times(long=10, short=3))
                freed = time.monotonic()
            writers.ended.set()
        again = seconds_until(lambda: caller.send(vote()).acknowledged)
    caller.close()
    before = [attempt for attempt in readers.attempts if began < attempt.ended < held]
    during = [attempt for attempt in readers.attempts if held < attempt.ended < freed]
    refused = [attempt for attempt in writers.attempts if held < attempt.began and attempt.ended < freed]
    assert set(readers.statuses()) == {200}
    assert refused and not [write for write in refused if write.acknowledged]
    _report(drill, before, during, refused)
    drill.measured("written again after, s", again, at_most=6)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))


def _report(drill: Drill, before: list[Attempt], during: list[Attempt], refused: list[Attempt]) -> None:
    assert {attempt.status for attempt in refused} == {503}
    assert {attempt.retry_after for attempt in refused} == {"2"}
    drill.measured("writes refused", len(refused))
    drill.measured("slowest refusal, s", max(attempt.took for attempt in refused), at_most=6)
    compare_reads(drill, before, during)
