"""The demo as its own process, on free ports, in a temporary folder of the test's own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60  # a few on a quiet machine


@dataclass
class Demo:
    """A running demo. `said` is all it printed until it answered."""

    process: subprocess.Popen[str]
    port: int
    said: str
    temporary: Path

    @property
    def service(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)


def free_port() -> int:
    """Return a port that is free, and so is the next one."""
    while True:
        with closing(socket.create_server(("127.0.0.1", 0))) as first:
            port: int = first.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
            except (OSError, OverflowError):
                continue
            return port


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "feedback.cli", "demo", "--port", str(port)]


def start(temporary: Path) -> Demo:
    port = free_port()
    process = subprocess.Popen(
        command(port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            return Demo(process, port, said, temporary)
    process.stdout.close()
    raise AssertionError(f"the demo ended early, with {process.wait()}:\n{said}")


@contextmanager
def running(temporary: Path) -> Iterator[Demo]:
    """Run a demo for as long as it takes, and see it leave nothing behind."""
    demo = start(temporary)
    assert demo.process.stdout is not None
    with demo.process.stdout:
        yield demo
        assert demo.stop(signal.SIGINT) == 0
    assert not list(temporary.iterdir())
