"""PostgreSQL is restarted, crashes and hangs under load: nothing acknowledged is lost, and the errors end with it."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from feedback.db import dispose
from tests.conftest import migrate
from tests.faults.conftest import Serve, status
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import Attempt, Traffic, reads, traffic, vote_or_comment
from tests.postgres import Postgres
from tests.server import until


@pytest.fixture
def engine() -> str:
    return "postgresql"


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server of these drills alone, which keeps what it acknowledged, as people run it."""
    with Postgres(synchronous_commit="on") as server:
        yield server


@pytest.fixture
def database_url(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    own_postgres.sql("CREATE DATABASE drill")
    migrate(tmp_path_factory.mktemp("drill"), own_postgres.url("drill"))
    yield own_postgres.url("drill")
    own_postgres.sql("DROP DATABASE drill WITH (FORCE)")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_is_stopped_and_started_under_load(
    serve: Serve, app: Flask, drill: Drill, own_postgres: Postgres, mode: str
) -> None:
    port = serve("--no-worker").port
    last_error = 0.0
    with traffic(port, 6, vote_or_comment) as writers, traffic(port, 2, reads) as readers:
        for _ in range(drill.times(long=5, short=1)):
            until(_more(writers))
            own_postgres.stop(mode)
            time.sleep(drill.times(long=3, short=1))
            own_postgres.start()
            back = time.monotonic()
            time.sleep(drill.times(long=7, short=1))
            until(_more(writers))
            last_error = max(last_error, _last_error(back, writers, readers))
    dispose(app)
    assert set(writers.statuses()) <= {200, 202, 503}
    assert set(readers.statuses()) <= {200, 503}
    drill.measured("refused while it was away", len(writers.refused) + len(readers.refused))
    drill.measured("last error after its return, s", last_error, at_most=5)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))


def test_postgresql_hangs_under_load(serve: Serve, app: Flask, drill: Drill, own_postgres: Postgres) -> None:
    port = serve("--no-worker").port
    with traffic(port, 6, vote_or_comment) as writers, traffic(port, 2, reads) as readers:
        until(_more(writers))
        processes = own_postgres.processes()
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            time.sleep(drill.times(long=20, short=7))
            alive = time.monotonic()
            assert status(port, "/healthz") == 200
            alive = time.monotonic() - alive
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        back = time.monotonic()
        time.sleep(drill.times(long=7, short=1))
        until(_more(writers))
        last_error = _last_error(back, writers, readers)
    meanwhile = [each for each in writers.attempts + readers.attempts if stopped < each.ended < back]
    assert {attempt.status for attempt in meanwhile if attempt.began > stopped} <= {503}
    drill.measured("answered while it hung", len(meanwhile))
    drill.measured("slowest answer while it hung, s", max(attempt.took for attempt in meanwhile), at_most=15)
    drill.measured("/healthz while it hung, s", alive, at_most=10)
    drill.measured("last error after its return, s", last_error, at_most=5)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))


def _more(writers: Traffic) -> Callable[[], bool]:
    before = len(writers.acknowledged)
    return lambda: len(writers.acknowledged) >= before + 20


def _last_error(back: float, *traffics: Traffic) -> float:
    """Return how many seconds after a moment the last request that was refused ended; 0 for none."""
    refused: list[Attempt] = [attempt for each in traffics for attempt in each.refused]
    return max([0.0, *(attempt.ended - back for attempt in refused)])
