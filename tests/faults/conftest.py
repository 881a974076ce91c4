"""What every drill starts from: one article, and a server that takes each write for that of another network."""

import time
from collections.abc import Callable

import pytest

from feedback.models import Article
from tests.faults.load import NO_ANSWER, Caller, Request
from tests.server import Server, Start, until

Serve = Callable[..., Server]


@pytest.fixture
def serve(start: Start, article: Article) -> Serve:
    """Start a server and wait until it is ready: `serve(port=…, FEEDBACK_WORKERS="1")`.

    What is refused is sent again and again here, which the limits would count; drills of these put them on.
    """

    def run(*options: str, port: int | None = None, **environ: str) -> Server:
        server = start(*options, port=port, **({"FEEDBACK_LIMITS": "off", "FEEDBACK_TRUSTED_PROXIES": "1"} | environ))
        assert server.port
        until(lambda: ready(server.port))
        return server

    return run


def ready(port: int) -> bool:
    return status(port, "/readyz") == 200


def status(port: int, path: str) -> int:
    caller = Caller(port)
    try:
        return caller.send(Request(path)).status
    finally:
        caller.close()


def seconds_until(met: Callable[[], object]) -> float:
    began = time.monotonic()
    until(met)
    return time.monotonic() - began


__all__ = ["NO_ANSWER", "Serve", "ready", "seconds_until", "status"]
