"""Clients that begin a request and never end it keep nobody waiting: behind the proxy as the manual sets it up."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cast import KEY, ORIGIN, SLUG
from tests.faults.conftest import Serve, seconds_until
from tests.faults.drills import Drill
from tests.faults.load import SUMMARY, vote
from tests.mailserver import certificate
from tests.server import PATIENCE, free_port

README = Path(__file__).parents[2] / "README.md"
CLIENTS = 200
HOST = "feedback.example.org"  # the name in the manual's configuration
HEADERS = f"POST /api/v1/{SLUG}/vote HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {ORIGIN}\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
HALVES = {
    "headers": HEADERS,
    "bodies": f"{HEADERS}{FORM}Content-Length: 300\r\n\r\narticle={KEY}&",
}

Connect = Callable[[], socket.socket]


@pytest.fixture
def engine() -> str:
    """SQLite alone: the database plays no part here."""
    return "sqlite"


def shipped_configuration() -> str:
    """Return the manual's configuration of nginx."""
    (found,) = re.findall(r"```nginx\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return str(found)


def put_in_place(configuration: str, places: dict[str, str]) -> str:
    """Return the configuration with other addresses and folders, and nothing else changed."""
    for shipped, ours in places.items():
        assert configuration.count(shipped) == 1, f"{shipped} stands {configuration.count(shipped)} times in the manual"
        configuration = configuration.replace(shipped, ours)
    return configuration


@contextmanager
def nginx(folder: Path, service: int) -> Iterator[Connect]:
    """Run nginx as the manual sets it up in front of the service; yields how to connect to it."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert program, "This drill needs nginx; `python -m tests` installs it."
    both = certificate(folder, HOST)
    port = free_port()
    places = {
        "127.0.0.1:8000": f"127.0.0.1:{service}",
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(both),
        f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(both),
        "/var/cache/nginx/feedback": str(folder / "cache"),
    }
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""  # who else may not enter the folders of the tests
    wrapped = f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n{temporary}"
    file = folder / "nginx.conf"
    file.write_text(wrapped + put_in_place(shipped_configuration(), places) + "}\n")
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")])
    trust = ssl.create_default_context(cafile=str(both))

    def connect() -> socket.socket:
        return trust.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE), server_hostname=HOST)

    try:
        seconds_until(lambda: _listens(port))
        yield connect
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("half", ["headers", "bodies"])
def test_half_a_request_keeps_nobody_waiting_behind_nginx(
    serve: Serve, drill: Drill, tmp_path: Path, half: str
) -> None:
    server = serve("--no-worker", FEEDBACK_PUBLIC_URL=f"https://{HOST}")
    with nginx(tmp_path, server.port) as connect:
        _drill(drill, connect, HALVES[half])


def test_half_a_head_keeps_nobody_waiting_without_a_proxy(serve: Serve, drill: Drill) -> None:
    server = serve("--no-worker", FEEDBACK_PUBLIC_URL=f"https://{HOST}")
    _drill(drill, lambda: socket.create_connection(("127.0.0.1", server.port), PATIENCE), HALVES["headers"])


def _drill(drill: Drill, connect: Connect, half: str) -> None:
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(connect()).sendall(half.encode())
        time.sleep(drill.times(long=3, short=1))
        took = [_served(connect) for _ in range(drill.times(long=20, short=3))]
    drill.measured("half-open clients", CLIENTS)
    drill.measured("slowest of the others, read and vote, s", max(took), at_most=1)


def _served(connect: Connect) -> float:
    """Read and vote like any other client; return the seconds of the slower one."""
    request = vote()
    form = "&".join(f"{name}={value}" for name, value in request.fields.items())
    read = f"GET {SUMMARY} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    write = f"{HEADERS}{FORM}Connection: close\r\nContent-Length: {len(form)}\r\n\r\n{form}"
    slowest = 0.0
    for sent in (read, write):
        began = time.monotonic()
        with connect() as client:
            client.sendall(sent.encode())
            answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        slowest = max(slowest, time.monotonic() - began)
    return slowest
