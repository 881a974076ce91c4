"""Real servers for the benchmarks, in processes of their own."""

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROCESSES = 2
SECRET = secrets.token_hex(32)
REPOSITORY = Path(__file__).parents[2]


@contextmanager
def serving(home: Path, url: str, port: int, *options: str) -> Iterator[tuple[int, float]]:
    """Serve a database; yields (process id, seconds until the first answer)."""
    environ = {
        "FEEDBACK_HOME": str(home),
        "FEEDBACK_SECRET_KEY": SECRET,
        "FEEDBACK_DATABASE_URL": url,
        "FEEDBACK_TRUSTED_PROXIES": "1",
    }
    command = [sys.executable, "-m", "feedback.cli", "serve", "--port", str(port), "--workers", str(PROCESSES)]
    with server([*command, *options], port, "/healthz", environ) as running:
        yield running


@contextmanager
def server(command: list[str], port: int, path: str, environ: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Run a server; yields (process id, seconds until its first answer)."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).read()
                break
            except OSError:
                assert process.poll() is None, "the server ended; what it said stands above"
                time.sleep(0.01)
        yield process.pid, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
