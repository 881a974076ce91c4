"""A full disk refuses writes with a word of when to come again, and nothing else; it recovers without a restart."""

import shutil
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from tests.cast import KEY, SLUG, Staff
from tests.conftest import TEMPLATE
from tests.faults.conftest import Serve, seconds_until, status
from tests.faults.disks import Disk, memory_disk
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import SUMMARY, Attempt, Caller, reads, traffic, vote_or_comment
from tests.postgres import Postgres
from tests.server import until

SIZES = {"sqlite": 4, "postgresql": 24}  # megabytes; an empty PostgreSQL database has eight
PAGES = (SUMMARY, f"/f/{SLUG}?article={KEY}", f"/feeds/{SLUG}.atom", "/readyz")

_numbers = count(1)


@pytest.fixture
def disk(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    # PostgreSQL's own user cannot enter the folders of the tests.
    above = tmp_path if engine == "sqlite" else request.getfixturevalue("postgres").folder
    with memory_disk(above / f"disk{next(_numbers)}", SIZES[engine]) as disk:
        yield disk


@pytest.fixture
def database_url(engine: str, disk: Disk, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database whose rows lie on the small disk."""
    if engine == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), disk.folder / 'feedback.sqlite3')}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    request.getfixturevalue("postgres_template")
    name = disk.folder.name
    if postgres.owner:
        shutil.chown(disk.folder, postgres.owner)
    postgres.sql(f"CREATE TABLESPACE {name} LOCATION '{disk.folder}'")
    postgres.sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} TABLESPACE {name} STRATEGY file_copy")
    yield postgres.url(name)
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")
    postgres.sql(f"DROP TABLESPACE {name}")


def test_a_full_disk_refuses_writes_and_nothing_else(
    serve: Serve, app: Flask, disk: Disk, drill: Drill, mo: Staff
) -> None:
    token = mo.token
    port = serve().port
    with traffic(port, 4, vote_or_comment) as writers, traffic(port, 2, reads) as readers:
        until(lambda: len(writers.acknowledged) > 20)
        disk.fill()
        # What is free inside the files is used up first.
        until(lambda: len(_refused_in_a_row(writers.attempts)) > 20)
        full = time.monotonic()
        assert {path: status(port, path) for path in PAGES} == dict.fromkeys(PAGES, 200)
        assert _queue(port, token) == 200
        time.sleep(drill.times(long=10, short=1))
        refused = [attempt for attempt in writers.since(full) if not attempt.acknowledged]
        disk.drain()
        again = seconds_until(lambda: writers.attempts[-1].acknowledged)
    assert set(writers.statuses()) <= {200, 202, 503}
    assert {attempt.retry_after for attempt in refused} == {"2"}
    assert set(readers.statuses()) == {200}
    drill.measured("writes refused while it was full", len(refused))
    drill.measured("slowest refusal, s", max(attempt.took for attempt in refused), at_most=6)
    drill.measured("reads answered 200", len(readers.attempts))
    drill.measured("written again after, s", again, at_most=5)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))


def _refused_in_a_row(attempts: list[Attempt]) -> list[Attempt]:
    seen = list(attempts)
    last = max((number for number, attempt in enumerate(seen) if attempt.acknowledged), default=0)
    return seen[last + 1 :]


def _queue(port: int, token: str) -> int:
    caller = Caller(port)
    caller.connection.request("GET", f"/api/v1/{SLUG}/queue", headers={"Authorization": f"Bearer {token}"})
    answer = caller.connection.getresponse()
    answer.read()
    caller.close()
    return answer.status
