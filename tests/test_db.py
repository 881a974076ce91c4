"""Writes take their turn, and storage that does not answer costs nobody more than its own request."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from feedback.db import BUSY_TIMEOUT_MS, db, scrub
from feedback.models import Article, Token
from feedback.views import access
from feedback.writers import ROOM, STANDSTILL
from tests.cast import Reader, Staff, together

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
SLACK = 1.0  # seconds, on a machine that does much else


@contextmanager
def locked_by_others(app: Flask) -> Iterator[None]:
    """Hold SQLite's write lock without queuing for the writer's place, as a shell or a backup does."""
    with app.app_context():
        path = db.engine.url.database
    assert path
    with closing(sqlite3.connect(path, isolation_level=None)) as outsider:
        outsider.execute("BEGIN IMMEDIATE")
        yield


@sqlite_only
def test_one_writer_waits_for_a_locked_database_and_the_others_leave(app: Flask, rae: Reader, article: Article) -> None:
    assert rae.votes(article, "yes").status_code == 200
    app.extensions["writers_place"].room = ROOM
    with locked_by_others(app):
        begun = time.monotonic()
        answers = together(lambda: rae.votes(article, "no"), times=8)
        took = time.monotonic() - begun
    # Without that, each would wait for the one before it: eight times the busy timeout.
    assert took < BUSY_TIMEOUT_MS / 1000 + STANDSTILL + SLACK
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"2"}
    assert rae.votes(article, "no").status_code == 200


def test_a_slow_writer_is_waited_for_by_as_many_as_leave_a_thread_to_readers(
    app: Flask, rae: Reader, article: Article
) -> None:
    place = app.extensions["writers_place"]
    place.room = place.places + 2
    with ExitStack() as slow, ThreadPoolExecutor(4) as pool:
        for _ in range(place.places):
            slow.enter_context(place.taken())
        votes = [pool.submit(rae.votes, article, "yes") for _ in range(4)]
        done, waiting = wait(votes, STANDSTILL + SLACK)
        slow.close()
    assert {vote.result().status_code for vote in done} == {503} and len(done) == 2
    assert {vote.result().status_code for vote in waiting} == {200}


@sqlite_only
def test_a_token_reads_on_while_the_database_is_locked(
    app: Flask, mo: Staff, rows: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mo.token
    with locked_by_others(app):
        assert mo.gets("/queue").status_code == 200
        # That it was used waited for the lock in vain; the next ones do not wait for it again.
        begun = time.monotonic()
        assert {mo.gets("/queue").status_code for _ in range(5)} == {200}
        assert time.monotonic() - begun < BUSY_TIMEOUT_MS / 1000 + SLACK
    assert mo.gets("/queue").status_code == 200
    assert rows(select(Token.last_used)) == [None]
    monkeypatch.setattr(access.time, "monotonic", lambda: begun + access.UNNOTED_SECONDS + 60)
    assert mo.gets("/queue").status_code == 200
    assert rows(select(Token.last_used)) != [None]


@sqlite_only
def test_a_writers_place_that_cannot_be_made_is_no_fault(
    app: Flask, rae: Reader, article: Article, tmp_path: Path
) -> None:
    app.extensions["writers_place"].path = str(tmp_path / "gone" / "feedback.writer")
    app.extensions["writers_place"].file = None
    assert rae.votes(article, "yes").status_code == 503
    assert rae.reads(article).status_code == 200


@sqlite_only
def test_scrubbing_that_must_wait_does_not_fail(app: Flask) -> None:
    with app.app_context(), app.extensions["writers_place"].taken():
        scrub()


@postgresql_only
def test_a_locked_table_is_waited_for_only_so_long(
    make_app: Callable[..., Any], rae: Reader, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.db.LOCK_SECONDS", 0.2)
    app = make_app()
    with app.app_context(), db.engine.begin() as outsider:
        outsider.execute(text("LOCK TABLE vote IN ACCESS EXCLUSIVE MODE"))
        answer = rae.at(app).votes(article, "yes")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert rae.at(app).votes(article, "yes").status_code == 200


@postgresql_only
def test_a_connection_has_its_deadline(app: Flask) -> None:
    with app.app_context():
        assert db.engine.url.query["connect_timeout"] == "4"
