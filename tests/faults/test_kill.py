"""Processes are killed under write load: no acknowledged write is lost, none doubled when it is sent again."""

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial

from flask import Flask

from tests.faults.conftest import Serve, ready, seconds_until
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import Traffic, traffic, vote_or_comment
from tests.server import Server, free_port, until

ROUND = 20  # writes acknowledged before the next kill


def test_the_whole_service_is_killed_again_and_again(serve: Serve, app: Flask, drill: Drill) -> None:
    port = free_port()
    server = serve("--no-worker", port=port)
    ready_after: list[float] = []
    with traffic(port, 8, vote_or_comment) as writers:
        for _ in range(drill.times(long=20, short=2)):
            until(_more(writers))
            server.stop()
            began = time.monotonic()
            server = serve("--no-worker", port=port)
            ready_after.append(time.monotonic() - began)
        until(_more(writers))
    _report(drill, writers, app, ready_after)


def test_one_process_is_killed_again_and_again(serve: Serve, app: Flask, drill: Drill) -> None:
    server = serve("--no-worker", "--workers", "2")
    ready_after: list[float] = []
    with traffic(server.port, 8, vote_or_comment) as writers:
        for _ in range(drill.times(long=20, short=2)):
            until(_more(writers))
            killed = random.choice(_serving(server))
            os.kill(killed, signal.SIGKILL)
            ready_after.append(seconds_until(partial(_replaced, server, killed)))
        until(_more(writers))
    _report(drill, writers, app, ready_after)


def _more(writers: Traffic) -> Callable[[], bool]:
    before = len(writers.acknowledged)
    return lambda: len(writers.acknowledged) >= before + ROUND


def _serving(server: Server) -> list[int]:
    return [pid for pid in server.everybody() if pid != server.process.pid]


def _replaced(server: Server, killed: int) -> bool:
    return len(set(_serving(server)) - {killed}) == 2 and ready(server.port)


def _report(drill: Drill, writers: Traffic, app: Flask, ready_after: list[float]) -> None:
    assert set(writers.statuses()) <= {0, 200, 202, 503}
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))
    drill.measured("kills", len(ready_after))
    drill.measured("ready again, worst, s", max(ready_after), at_most=5)
