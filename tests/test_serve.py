"""`feedback serve`, as a process of its own: it starts, answers, ends its work before it ends, and leaves nothing."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy import select as sql

from feedback import clock as real_clock
from feedback.db import db, transact
from feedback.models import NetworkKey, Vote
from tests.cast import KEY, SLUG
from tests.conftest import SECRET
from tests.server import PATIENCE, Server, free_port, until


def test_it_says_where_it_serves_and_answers_there(start):
    assert start().asks("GET", "/readyz")[0] == 200


def test_a_vote_over_the_wire_is_in_the_table(start, article, rows):
    assert start().votes() == 200
    assert len(rows(sql(Vote))) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(start, number):
    server = start()
    assert server.asks("GET", "/healthz")[0] == 200
    server.process.send_signal(number)
    assert server.process.wait(PATIENCE) == 0, server.said
    until(lambda: not server.everybody())


def test_ctrl_c_which_reaches_every_process_ends_it_well(start):
    server = start()
    assert server.asks("GET", "/healthz")[0] == 200
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.process.wait(PATIENCE) == 0, server.said
    assert "Traceback" not in server.said
    assert "ERROR" not in server.said


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("told", ["the first process", "every process", "every process, twice"])
def test_a_request_in_flight_is_answered_before_it_ends(start, article, rows, tmp_path, told):
    server = start()
    assert server.port
    answers: list[int] = []
    with (tmp_path / "feedback.sqlite3.writer").open("a") as place:
        # Somebody else writes, so that the vote waits for its turn while the server is told to stop.
        fcntl.flock(place, fcntl.LOCK_EX)
        voting = threading.Thread(target=lambda: answers.append(server.votes()))
        voting.start()
        time.sleep(1)
        for _ in range(2 if told.endswith("twice") else 1):
            # As systemd does: its SIGTERM goes to all processes of a service.
            (os.kill if told == "the first process" else os.killpg)(server.process.pid, signal.SIGTERM)
            time.sleep(0.5)
        assert server.process.poll() is None
    voting.join(PATIENCE)
    assert answers == [200]
    assert server.process.wait(PATIENCE) == 0
    assert len(rows(sql(Vote))) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_killed_server_leaves_nobody_behind(start, article):
    server = start()
    port = server.port
    server.process.kill()
    until(lambda: not server.everybody())
    assert start(port=port).votes() == 200


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_process_that_died_is_replaced(start):
    server = start("--workers", "1", "--no-worker")
    assert server.asks("GET", "/healthz")[0] == 200
    (process,) = [pid for pid in server.everybody() if pid != server.process.pid]
    os.kill(process, signal.SIGKILL)
    until(lambda: set(server.everybody()) - {server.process.pid, process})
    until(lambda: _answers(server))


def _answers(server: Server) -> bool:
    try:
        return server.asks("GET", "/healthz")[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_second_server_on_the_same_port_is_refused(start):
    port = start().port
    second = start(port=port)
    assert second.process.wait(PATIENCE) == 1
    assert second.said.count("\n") == 1
    assert "in use" in second.said


def test_an_old_database_is_refused_with_the_command_that_mends_it(start, empty_database_url):
    server = start(FEEDBACK_DATABASE_URL=empty_database_url)
    assert server.process.wait(PATIENCE) == 1
    assert server.said.count("\n") == 1
    assert "feedback db upgrade" in server.said


@pytest.mark.parametrize("engine", ["sqlite"])
def test_it_warns_where_the_limits_are_off(start):
    server = start(FEEDBACK_LIMITS="off")
    assert server.port
    assert "FEEDBACK_LIMITS is off" in server.said


@pytest.mark.parametrize("engine", ["sqlite"])
def test_no_log_line_tells_of_a_visitor(start, article):
    server = start(FEEDBACK_TRUSTED_PROXIES="1")
    traces = {"User-Agent": "Tell-Tale/1.0", "X-Forwarded-For": "203.0.113.77", "Cookie": "trace=me"}
    for path in ("/healthz", f"/api/v1/{SLUG}/feedback?article={KEY}", "/nowhere?email=rae@example.org", "/%0a%0d"):
        server.asks("GET", path, **traces)
    server.asks("POST", f"/api/v1/{SLUG}/vote", {"value": "no" * 5000}, **traces)
    server.process.terminate()
    server.process.wait(PATIENCE)
    for trace in ("Tell-Tale", "203.0.113", "rae@example.org", "trace=me"):
        assert trace not in server.said


def _remember_an_old_network(app: Flask) -> Callable[[], int]:
    day = (real_clock.now() - timedelta(days=3)).date()
    with app.app_context():
        transact(lambda: db.session.execute(insert(NetworkKey).values(day=day, key=b"k" * 32)))

    def left() -> int:
        with app.app_context():
            return len(db.session.execute(sql(NetworkKey).where(NetworkKey.day == day)).all())

    return left


def test_the_worker_runs_beside_it(start, app):
    left = _remember_an_old_network(app)
    assert start().port
    until(lambda: left() == 0)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_worker_that_was_killed_is_started_again(start, app):
    server = start("--workers", "1")
    assert server.port
    left = _remember_an_old_network(app)
    # The worker is forked before the server's processes, so that it is the first child.
    (worker, _serving) = sorted(set(server.everybody()) - {server.process.pid})
    os.kill(worker, signal.SIGKILL)
    until(lambda: left() == 0)
    assert "The worker ended" in server.said
    server.process.terminate()
    assert server.process.wait(PATIENCE) == 0, server.said
    until(lambda: not server.everybody())


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_worker_stays_away_where_it_is_told_to(start, app):
    left = _remember_an_old_network(app)
    assert start("--no-worker").asks("GET", "/healthz")[0] == 200
    time.sleep(1)
    assert left() == 1


ECHO = """
import sys
from feedback import create_app, serve
app = create_app()
app.wsgi_app = lambda environ, start: start("200 OK", []) or [repr(environ).encode()]
serve.run(app, host="127.0.0.1", port=int(sys.argv[1]), processes=1, with_worker=False,
          announce=lambda: print(f"Serving on http://127.0.0.1:{sys.argv[1]}", flush=True))
"""


def test_no_request_is_handed_the_secrets(tmp_path):
    environ = {"PATH": os.environ["PATH"], "FEEDBACK_HOME": str(tmp_path), "FEEDBACK_SECRET_KEY": SECRET}
    server = Server([sys.executable, "-c", ECHO, str(free_port())], environ, tmp_path / "echo.log")
    try:
        status, body = server.asks("GET", "/")
        assert status == 200
        assert b"REQUEST_METHOD" in body
        assert SECRET.encode() not in body
    finally:
        server.stop()
