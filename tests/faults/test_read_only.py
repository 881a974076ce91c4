"""A database that cannot be written is still read, and takes writes again as soon as it can be written."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from feedback.db import dispose
from tests.conftest import migrate
from tests.faults.conftest import Serve, ready, seconds_until
from tests.faults.disks import Disk, as_root, ext4_disk, memory_disk
from tests.faults.drills import Drill
from tests.faults.ledger import assert_kept
from tests.faults.load import Attempt, Traffic, compare_reads, reads, traffic, vote_or_comment
from tests.postgres import Postgres
from tests.server import free_port, until


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """The disk on which the SQLite file lies: `ext4`, which can have a fault, or memory, which can be remounted."""
    ext4 = request.param == "ext4"
    folder = tmp_path / "disk"
    with ext4_disk(folder, tmp_path / "image") if ext4 else memory_disk(folder, 32) as disk:
        yield disk


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if engine == "sqlite":
        template, folder = request.getfixturevalue("sqlite_template"), request.getfixturevalue("disk").folder
        yield f"sqlite:///{shutil.copy(template, folder / 'feedback.sqlite3')}"
        return
    with Postgres() as server:
        server.sql("CREATE DATABASE drill")
        migrate(tmp_path, server.url("drill"))
        request.node.postgres = server
        yield server.url("drill")


@pytest.mark.parametrize("disk", ["ext4"], indirect=True)
def test_a_disk_that_turns_read_only_is_read_on(
    serve: Serve, app: Flask, disk: Disk, drill: Drill, tmp_path: Path
) -> None:
    port = free_port()
    server = serve("--no-worker", port=port)
    as_root("sync", "--file-system", str(disk.folder))  # the copied file; what is acknowledged is for SQLite to sync
    with traffic(port, 2, reads) as readers, traffic(port, 4, vote_or_comment) as writers:
        before = _while_all_is_well(drill, readers, writers)
        disk.fault()
        turned = time.monotonic()
        time.sleep(drill.times(long=10, short=2))
        ended = time.monotonic()
        _report(drill, before, readers, writers, turned, ended)
        # Such a disk takes no writes before it was looked over, and that takes the service down.
        dispose(app)
        server.stop()
        disk.repair(tmp_path / "image")
        serve("--no-worker", port=port)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))


@pytest.mark.parametrize("disk", ["memory"], indirect=True)
def test_a_server_that_starts_on_a_read_only_disk_reads_and_recovers(
    serve: Serve, app: Flask, disk: Disk, drill: Drill
) -> None:
    port = free_port()
    server = serve("--no-worker", port=port)
    with traffic(port, 2, reads) as readers, traffic(port, 4, vote_or_comment) as earlier:
        before = _while_all_is_well(drill, readers, earlier)
    # Killed while it alone has the file open: its write-ahead log stays there, without which SQLite cannot read.
    dispose(app)
    server.stop()
    disk.remount("ro")
    serve("--no-worker", port=port)
    with traffic(port, 2, reads) as readers, traffic(port, 4, vote_or_comment) as writers:
        turned = time.monotonic()
        time.sleep(drill.times(long=10, short=2))
        ended = time.monotonic()
        _report(drill, before, readers, writers, turned, ended)
        disk.remount("rw")
        drill.measured("written again after, s", seconds_until(lambda: writers.acknowledged), at_most=5)
    kept = assert_kept(app, [*earlier.acknowledged, *writers.acknowledged])
    drill.measured("writes acknowledged, all kept once", kept)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_postgresql_that_turns_read_only_is_read_on(
    serve: Serve, app: Flask, drill: Drill, request: pytest.FixtureRequest
) -> None:
    port = serve("--no-worker").port
    turn = _switch(request.node.postgres)
    with traffic(port, 2, reads) as readers, traffic(port, 4, vote_or_comment) as writers:
        before = _while_all_is_well(drill, readers, writers)
        turn("on")
        until(lambda: writers.refused)
        turned = time.monotonic()
        time.sleep(drill.times(long=10, short=2))
        ended = time.monotonic()
        _report(drill, before, readers, writers, turned, ended)
        turn("off")
        drill.measured("written again after, s", seconds_until(lambda: writers.attempts[-1].acknowledged), at_most=5)
    drill.measured("writes acknowledged, all kept once", assert_kept(app, writers.acknowledged))


def _switch(postgres: Postgres) -> Callable[[str], None]:
    def turn(value: str) -> None:
        postgres.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        postgres.sql("SELECT pg_reload_conf()")

    return turn


def _while_all_is_well(drill: Drill, readers: Traffic, writers: Traffic) -> list[Attempt]:
    """Return the reads of a while in which readers and writers have what they want."""
    until(lambda: len(writers.acknowledged) > 20)
    began = time.monotonic()
    time.sleep(drill.times(long=5, short=1))
    return readers.since(began)


def _report(
    drill: Drill, before: list[Attempt], readers: Traffic, writers: Traffic, turned: float, ended: float
) -> None:
    def meanwhile(traffic: Traffic) -> list[Attempt]:
        return [attempt for attempt in traffic.since(turned) if attempt.ended < ended]

    refused = meanwhile(writers)
    assert {(attempt.status, attempt.retry_after) for attempt in refused} == {(503, "2")}
    assert {attempt.status for attempt in [*before, *meanwhile(readers)]} == {200}
    assert ready(readers.port)
    drill.measured("writes refused while read-only", len(refused))
    drill.measured("slowest refusal, s", max(attempt.took for attempt in refused), at_most=6)
    compare_reads(drill, before, meanwhile(readers))
