"""Readers who write and read without a pause, over HTTP, and remember what was acknowledged and how long it took."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlencode

from tests.cast import KEY, ORIGIN, SLUG
from tests.faults.drills import Drill
from tests.server import PATIENCE

PAUSE = 0.05  # seconds before what was refused is sent again
NO_ANSWER = 0  # stands for the status where a connection was refused, cut or kept silent
SUMMARY = f"/api/v1/{SLUG}/feedback?article={KEY}"


@dataclass(frozen=True)
class Request:
    """What a reader sends; `mark` is how its row is found afterwards."""

    path: str = SUMMARY
    fields: dict[str, str] = field(default_factory=dict)
    mark: str = ""


@dataclass(frozen=True)
class Attempt:
    """One request and its answer."""

    request: Request
    began: float
    took: float
    status: int
    retry_after: str | None = None

    @property
    def ended(self) -> float:
        return self.began + self.took

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


class Caller:
    """One client with one connection, which comes from another network at each request unless one is given."""

    def __init__(self, port: int, *, network: str | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.network = network

    def send(self, request: Request) -> Attempt:
        began = time.monotonic()
        status, retry_after = NO_ANSWER, None
        try:
            answer = self._answer(request)
            answer.read()
            status, retry_after = answer.status, answer.getheader("Retry-After")
        except (OSError, http.client.HTTPException):
            self.close()
        return Attempt(request, began, time.monotonic() - began, status, retry_after)

    def _answer(self, request: Request) -> http.client.HTTPResponse:
        kept = self.connection.sock is not None
        try:
            self._ask(request)
            return self.connection.getresponse()
        except ConnectionError:
            # A server may close a connection that was kept, as after a request whose body it did not read; browsers
            # and proxies then open another, and so does this.
            self.close()
            if not kept:
                raise
            self._ask(request)
            return self.connection.getresponse()

    def _ask(self, request: Request) -> None:
        headers = {"Origin": ORIGIN, "X-Forwarded-For": self.network or f"{_part()}.{_part()}.{_part()}.{_part()}"}
        if request.fields:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            self.connection.request("POST", request.path, urlencode(request.fields), headers)
        else:
            self.connection.request("GET", request.path, headers=headers)

    def close(self) -> None:
        self.connection.close()


def _part() -> int:
    return random.randint(1, 223)


_numbers = count(1)


def vote() -> Request:
    """Return the vote of a reader nobody has seen."""
    token = f"{next(_numbers):022d}"
    fields = {"article": KEY, "reader": token, "value": random.choice(["yes", "no"])}
    return Request(f"/api/v1/{SLUG}/vote", fields, mark=token)


def comment() -> Request:
    """Return the comment of a reader nobody has seen, with a text of its own and the name of its submission."""
    token = f"{next(_numbers):022d}"
    fields = {"article": KEY, "reader": token, "body": f"What I read helped me, said {token}.", "submission": token}
    return Request(f"/api/v1/{SLUG}/comments", fields, mark=token)


def vote_or_comment() -> Request:
    return random.choice((vote, vote, comment))()


class Traffic:
    """Some callers at work in the background; each sends a request again until it is acknowledged, if it is a write."""

    def __init__(self, port: int, callers: int, make: Callable[[], Request], pause: float) -> None:
        self.port, self.make, self.pause = port, make, pause
        self.attempts: list[Attempt] = []
        self.ended = threading.Event()
        self.given_up = False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(callers)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let everybody end what they have begun: no write is given up."""
        self.ended.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "A write was not acknowledged in time."

    def give_up(self) -> None:
        """End without sending again what is refused."""
        self.given_up = True
        self.ended.set()

    def _run(self) -> None:
        caller = Caller(self.port)
        while not self.ended.is_set():
            request = self.make()
            deadline = time.monotonic() + PATIENCE
            while not self._sent(caller, request) and request.fields:
                if self.given_up or (self.ended.is_set() and time.monotonic() > deadline):
                    break
                time.sleep(self.pause)
        caller.close()

    def _sent(self, caller: Caller, request: Request) -> bool:
        attempt = caller.send(request)
        self.attempts.append(attempt)
        return attempt.acknowledged

    @property
    def acknowledged(self) -> list[Attempt]:
        return [attempt for attempt in list(self.attempts) if attempt.acknowledged]

    @property
    def refused(self) -> list[Attempt]:
        return [attempt for attempt in list(self.attempts) if not attempt.acknowledged]

    def statuses(self) -> Counter[int]:
        return Counter(attempt.status for attempt in list(self.attempts))

    def since(self, moment: float) -> list[Attempt]:
        return [attempt for attempt in list(self.attempts) if attempt.began >= moment]


@contextmanager
def traffic(port: int, callers: int, make: Callable[[], Request], *, pause: float = PAUSE) -> Iterator[Traffic]:
    """Keep callers at work while the block runs."""
    at_work = Traffic(port, callers, make, pause)
    at_work.start()
    try:
        yield at_work
    finally:
        at_work.stop()


def reads() -> Request:
    return Request()


def percentile(attempts: Sequence[Attempt], part: float) -> float:
    """Return the seconds within which this part (0 to 1) of the attempts was answered."""
    took = sorted(attempt.took for attempt in attempts)
    return took[min(len(took) - 1, int(len(took) * part))]


def compare_reads(drill: Drill, before: Sequence[Attempt], during: Sequence[Attempt]) -> None:
    """Measure how long reads took before a fault and during it, which should be as long."""
    drill.measured("reads before / during", f"{len(before)} / {len(during)}")
    for name, part in (("median", 0.5), ("99th percentile", 0.99), ("slowest", 1.0)):
        took = [1000 * percentile(attempts, part) for attempts in (before, during)]
        drill.measured(f"{name} of reads before / during, ms", " / ".join(f"{each:.1f}" for each in took))
    drill.measured("median of reads, during : before", percentile(during, 0.5) / percentile(before, 0.5), at_most=1.5)
