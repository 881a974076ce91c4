"""`python -m tests.bench [--seconds 5] [--json FILE]`: load, queue, authors, texts, score, alerts, memory, weight."""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import brotli
from rjsmin import jsmin

from feedback import create_app
from feedback.config import Settings
from feedback.db import dispose, transact
from tests.bench import alerts, authors, data, floor, queue, texts, triage, weight
from tests.bench.load import drive
from tests.bench.serving import PROCESSES, REPOSITORY, SECRET, server, serving

SIZES = (20, 1_000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of each load")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go")
    options = parser.parse_args()
    figures: dict[str, Any] = {"processes": PROCESSES, "engine": "sqlite, synchronous=FULL", "seconds": options.seconds}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        figures |= served(home, options.seconds) | bare(options.seconds)
        figures["sqlite floor, transactions/s"] = floor.sqlite_votes(home, 2)
        figures |= queue.figures(home) | authors.figures(home)
    figures |= texts.costs() | triage.figures() | alerts.figures() | widget() | weight.figures() | ratios(figures)
    options.json.write_text(json.dumps(figures, indent=2))
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:{width}}  {value:,.3f}" if isinstance(value, float) else f"{name:{width}}  {value}")
    print(f"written to {options.json}")


def settings(home: Path) -> Settings:
    return Settings(home=home, secret_keys=(SECRET,), database_url=f"sqlite:///{home / 'feedback.sqlite3'}")


def prepare(home: Path) -> None:
    """Make the database by its migrations, and articles of three sizes."""
    from flask_migrate import upgrade

    app = create_app(settings(home))
    with app.app_context():
        upgrade()
        site = transact(data.site)
        for size in SIZES:
            transact(data.article, site, f"article-{size}", comments=size, votes=size * 100)
    dispose(app)


def served(home: Path, seconds: int) -> dict[str, Any]:
    """Measure the service: `acknowledged` is an answer in the 200s, and each of those is a committed row."""
    port = 8790
    found: dict[str, Any] = {}
    with serving(home, settings(home).database_url, port, "--no-worker") as (pid, start):
        found["start to first answer, s"] = start
        found["memory idle, PSS MiB"] = memory(pid)
        base = f"http://127.0.0.1:{port}"
        for size in SIZES:
            load = drive(f"{base}/api/v1/health/feedback?article=article-{size}", seconds=seconds)
            found[f"read, {size} comments, /s"] = load.per_second
            found[f"read, {size} comments, p99 ms"] = load.p99_ms
        found["load by"] = load.tool
        found["flask answering a constant, /s"] = drive(f"{base}/healthz", seconds=seconds).per_second
        for what in ("vote", "comment"):
            load = drive(base, seconds=seconds, script=f"{what}.lua")
            found[f"{what}, acknowledged/s"] = load.per_second - load.refused / seconds
            found[f"{what}, p99 ms"] = load.p99_ms
            found[f"{what}, refused"] = load.refused
        found["memory loaded, PSS MiB"] = memory(pid)
    return found


def bare(seconds: int) -> dict[str, Any]:
    """Measure the same server with a callable that does nothing."""
    port = 8791
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", str(PROCESSES)]
    with server([*command, "--no-ws", "tests.bench.floor:application"], port, "/", {}):
        return {"bare WSGI floor, /s": drive(f"http://127.0.0.1:{port}/", seconds=seconds).per_second}


def memory(pid: int) -> float:
    """Return the proportional set size of a process and its children, in MiB."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    total = 0
    for process in (str(pid), *children):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        total += int(re.search(r"Pss:\s+(\d+)", rollup)[1])  # type: ignore[index]
    return total / 1024


def widget() -> dict[str, Any]:
    """Return the bytes of the widget's scripts: as written, minified, and in brotli 11."""
    found: dict[str, Any] = {}
    for name in ("widget.js", "widget-more.js"):
        source = (REPOSITORY / "feedback" / "static" / name).read_text("utf-8")
        small = jsmin(source).encode()
        found[f"{name}, bytes raw / minified / brotli"] = (
            f"{len(source.encode())} / {len(small)} / {len(brotli.compress(small, quality=11))}"
        )
    return found


def ratios(figures: dict[str, Any]) -> dict[str, Any]:
    """Return what is worth comparing between machines, and how costs grow: the exponent over a factor of 500."""
    read = [figures[f"read, {size} comments, /s"] for size in SIZES]
    return {
        "read / bare WSGI floor": read[0] / figures["bare WSGI floor, /s"],
        "read of 10,000 comments / of 20": read[-1] / read[0],
        "read growth exponent": -math.log(read[-1] / read[0]) / math.log(SIZES[-1] / SIZES[0]),
        "vote / sqlite floor": figures["vote, acknowledged/s"] / figures["sqlite floor, transactions/s"],
        "comment / vote": figures["comment, acknowledged/s"] / figures["vote, acknowledged/s"],
    }


if __name__ == "__main__":
    main()
