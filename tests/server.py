"""`feedback serve` as a process of its own, for the tests that start, stop and kill it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.cast import KEY, ORIGIN, SLUG
from tests.conftest import SECRET

PATIENCE = 30.0  # seconds, on a machine that does much else
SERVING = re.compile(r"Serving on http://127\.0\.0\.1:(\d+)")

Start = Callable[..., "Server"]


class Server:
    """A server in a session of its own, as a shell or a supervisor starts it."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command, env=environ, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def port(self) -> int:
        found = until(lambda: SERVING.search(self.said) or self.process.poll() is not None)
        assert isinstance(found, re.Match), self.said
        return int(found[1])

    def asks(self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
        try:
            connection.request(method, path, urlencode(fields) if fields else None, kind | headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def votes(self, reader: str = "rae-reads-rae-reads-ra") -> int:
        return self.asks("POST", f"/api/v1/{SLUG}/vote", {"article": KEY, "reader": reader, "value": "yes"})[0]

    def everybody(self) -> list[int]:
        """Return the processes of the session that still run."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it ended meanwhile
                state, _parent, _group, session = path.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    found.append(int(path.parent.name))
        return found

    def stop(self) -> None:
        for pid in self.everybody():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not self.everybody())


def until(met: Callable[[], object]) -> object:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := met():
            return found
        time.sleep(0.02)
    raise AssertionError(f"It did not come true in {PATIENCE:.0f} s.")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Start a server on this test's database: `start("--workers", "1", FEEDBACK_LIMITS="off")`."""
    started: list[Server] = []

    def run(*options: str, port: int | None = None, **environ: str) -> Server:
        command = [sys.executable, "-m", "feedback.cli", "serve", "--port", str(port or free_port()), *options]
        ours = {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_DATABASE_URL": database_url, "FEEDBACK_SECRET_KEY": SECRET}
        started.append(Server(command, {"PATH": os.environ["PATH"]} | ours | environ, tmp_path / f"{len(started)}.log"))
        return started[-1]

    yield run
    for server in started:
        server.stop()
