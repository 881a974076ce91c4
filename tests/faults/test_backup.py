"""A backup while readers write: it holds all that was acknowledged before it began, and holds nobody up."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from feedback.db import db, dispose, transact, uuid7
from feedback.models import Article, Comment, Standing, State
from tests.conftest import SECRET
from tests.faults.conftest import Serve
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import Attempt, percentile, reads, traffic, vote_or_comment
from tests.server import Server, until

BEFORE = 50  # writes acknowledged before the backup begins
BATCH = 5_000
PATIENCE = 600.0  # seconds for a command on a large database

Command = Callable[..., str]


@pytest.fixture
def feedback(engine: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Command:
    """Run a command as a process of its own, and return what it says."""
    path = os.environ["PATH"]
    if engine == "postgresql":
        path = f"{request.getfixturevalue('postgres').binaries}:{path}"
    environ = {"PATH": path, "FEEDBACK_HOME": str(tmp_path), "FEEDBACK_SECRET_KEY": SECRET}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "feedback.cli", *arguments], env=environ | {"FEEDBACK_DATABASE_URL": database_url},
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_backup_under_load_holds_what_was_acknowledged_before(
    serve: Serve, app: Flask, article: Article, feedback: Command, drill: Drill, tmp_path: Path
) -> None:
    filled = drill.times(long=200_000, short=2_000)
    fill(app, article, filled)
    server = serve("--no-worker", "--workers", "2")
    with traffic(server.port, 3, vote_or_comment) as writers, traffic(server.port, 1, reads) as readers:
        started = time.monotonic()
        until(lambda: len(writers.acknowledged) >= BEFORE)
        time.sleep(drill.times(long=15, short=0))
        known, began = writers.acknowledged, time.monotonic()
        feedback("backup")
        ended = time.monotonic()
        until(lambda: writers.since(ended) and writers.acknowledged[-1].began > ended)
    assert set(writers.statuses()) <= {200, 202}
    assert set(readers.statuses()) == {200}
    stop(server)
    dispose(app)
    (path,) = (tmp_path / "backups").glob("*.zip")
    restoring = time.monotonic()
    feedback("restore", str(path), "--replace")
    drill.measured("restored in, s", time.monotonic() - restoring)
    drill.measured("writes acknowledged before, all in it", assert_kept(app, known))
    with app.app_context():
        kept = db.session.execute(select(func.count()).where(Comment.source.startswith("Filler "))).scalar_one()
    assert kept == filled
    drill.measured("size, MB", path.stat().st_size / 1e6)
    drill.measured("taken in, s", ended - began)
    for name, attempts in (("writes", writers.attempts), ("reads", readers.attempts)):
        before, during = between(attempts, started, began), between(attempts, began, ended)
        drill.measured(f"{name}/s before", len(before) / (began - started))
        drill.measured(f"{name}/s during", len(during) / (ended - began))
        drill.measured(f"{name}, 99 % within, before, s", percentile(before, 0.99))
        drill.measured(f"{name}, 99 % within, during, s", percentile(during, 0.99), at_most=1)


def fill(app: Flask, article: Article, number: int) -> None:
    """Store so many comments that wait, about 1.5 kB each."""

    def comment(index: int) -> dict[str, object]:
        source = f"Filler {index} " + os.urandom(300).hex()
        return {
            "article_id": article.id, "id": uuid7(), "site_id": article.site_id, "reader": os.urandom(32),
            "source": source, "html": f"<p>{source}</p>", "policy": 1, "text_hash": os.urandom(32),
            "state": State.PENDING, "held_for": ["first"], "created": datetime(2026, 1, 1, tzinfo=UTC),
        }  # fmt: skip

    def store(first: int) -> None:
        rows = [comment(index) for index in range(first, min(first + BATCH, number))]
        db.session.execute(insert(Comment), rows)
        db.session.get_one(Standing, article.id).pending += len(rows)

    with app.app_context():
        for first in range(0, number, BATCH):
            transact(store, first)


def stop(server: Server) -> None:
    """Stop it as an operator does."""
    server.process.terminate()
    server.process.wait(PATIENCE)


def between(attempts: list[Attempt], first: float, last: float) -> list[Attempt]:
    return [attempt for attempt in list(attempts) if first <= attempt.began and attempt.ended <= last]
