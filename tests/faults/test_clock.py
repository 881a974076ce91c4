"""The machine's clock is put an hour forward and back under a running service: order, limits and sessions hold.

Every clock that Python code of the server's processes reads is moved, by an offset in a file; libfaketime, which moves
the clock of a whole process, does not outlive the server's fork. Time that only passes (the monotonic clock) goes on.
"""

import http.cookiejar
import os
import re
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from feedback.models import Article, Comment, Standing
from tests.cast import CSRF, PASSWORD, SIGN_IN, Staff
from tests.conftest import SECRET
from tests.faults.drills import Drill
from tests.faults.load import Attempt, Caller, Request, comment, vote
from tests.server import Server, free_port, until

HOUR = 3_600
MINUTE = 60


SERVE = """
import sys, time
from datetime import timedelta
from pathlib import Path
from feedback import clock
from feedback.cli import main
offset, seconds, nanoseconds, now = Path(sys.argv.pop(1)), time.time, time.time_ns, clock.now
time.time = lambda: seconds() + int(offset.read_text())
time.time_ns = lambda: nanoseconds() + int(offset.read_text()) * 10**9
clock.now = lambda: now() + timedelta(seconds=int(offset.read_text()))
main()
"""


@pytest.fixture
def moved(database_url: str, article: Article, tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server, and the file that says by how many seconds its clock is wrong."""
    file, port = tmp_path / "clock", free_port()
    file.write_text("0")
    environ = {
        "PATH": os.environ["PATH"],
        "FEEDBACK_HOME": str(tmp_path),
        "FEEDBACK_DATABASE_URL": database_url,
        "FEEDBACK_SECRET_KEY": SECRET,
        "FEEDBACK_TRUSTED_PROXIES": "1",
    }
    command = [sys.executable, "-c", SERVE, str(file), "serve", "--port", str(port), "--no-worker", "--workers", "1"]
    server = Server(command, environ, tmp_path / "moved.log")
    try:
        assert server.port == port
        yield server, file
    finally:
        server.stop()


def test_the_clock_jumps_forward_and_back(
    moved: tuple[Server, Path], drill: Drill, mo: Staff, rows: Callable[..., list[Any]]
) -> None:
    server, file = moved
    browser = signed_in(server.port, mo)
    sent: list[str] = []
    crowd = Crowd(server.port)
    crowd.uses_up("10.1.1.1")
    # An hour forward, back to the right time, an hour back, and right again.
    for number, offset in enumerate((HOUR, 0, -HOUR, 0)):
        file.write_text(str(offset))
        assert crowd.votes(f"10.3.{number}.1").acknowledged
        # By the row, because the server keeps the line `Date` of its answers for as long as the clock was put back.
        (counted,) = rows(select(Standing.as_of))
        assert abs((counted - datetime.now(UTC)).total_seconds() - offset) < MINUTE
        for _ in range(drill.times(long=25, short=3)):
            sent.append(crowd.comments())
        assert browser("/moderation/") == "/moderation/"
        refused = crowd.votes("10.1.1.1")
        assert refused.status in (200, 429)
        assert int(refused.retry_after or 0) <= MINUTE, f"A minute lasts {refused.retry_after} s at {offset:+d} s."
        crowd.uses_up(f"10.2.{number}.1")
    assert rows(select(Comment.source).order_by(Comment.created, Comment.id)) == sent
    drill.measured("comments in the order they were sent", len(sent))
    drill.measured("jumps of the clock through which limits and session held", 4)


class Crowd:
    """Readers of networks of the drill's choice."""

    def __init__(self, port: int) -> None:
        self.port = port

    def votes(self, address: str) -> Attempt:
        return self._send(vote(), address)

    def uses_up(self, address: str) -> None:
        """Vote from a network as often as the limits allow in a minute, and see that the next vote is refused."""
        # Votes of a second are limited, too, and a minute may end meanwhile: then as many go on in the next.
        refused = until(lambda: self._refused_for_longer(address))
        assert isinstance(refused, Attempt) and int(refused.retry_after or 0) <= MINUTE

    def _refused_for_longer(self, address: str) -> Attempt | None:
        attempt = self.votes(address)
        assert attempt.status in (200, 429), attempt
        return attempt if int(attempt.retry_after or 0) > 1 else None

    def comments(self) -> str:
        request = comment()
        assert self._send(request, None).acknowledged
        return request.fields["body"]

    def _send(self, request: Request, address: str | None) -> Attempt:
        caller = Caller(self.port, network=address)
        try:
            return caller.send(request)
        finally:
            caller.close()


def signed_in(port: int, person: Staff) -> Callable[[str], str]:
    """Sign in over the wire; return what opens a page and says where that led."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    base = f"http://127.0.0.1:{port}"

    def opens(path: str, fields: dict[str, str] | None = None) -> str:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        request = urllib.request.Request(base + path, data, {"Referer": base + SIGN_IN})
        with opener.open(request) as answer:
            opens.page = answer.read().decode()  # type: ignore[attr-defined]
            return str(urllib.parse.urlsplit(answer.url).path)

    opens(SIGN_IN)
    token = re.search(CSRF, opens.page)  # type: ignore[attr-defined]
    assert token
    opens(SIGN_IN, {"csrf_token": token[1], "email": person.email, "password": PASSWORD})
    assert opens("/moderation/") == "/moderation/"
    return opens
