"""A load from another process: wrk where it is installed, otherwise a plain Python client; the result says which."""

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

CONNECTIONS = 16
SCRIPTS = Path(__file__).parent
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Load:
    """What a run of requests gave: requests a second, p99 in milliseconds, answers other than 2xx and 3xx."""

    per_second: float
    p99_ms: float
    refused: int
    tool: str


def drive(url: str, *, seconds: int, script: str | None = None) -> Load:
    """Send requests over CONNECTIONS connections for so many seconds."""
    if shutil.which("wrk") is None:
        return _python(url, seconds, script)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    if script:
        command[1:1] = ["-s", str(SCRIPTS / script)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Load(
        float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        float(number) * UNITS[unit],
        int(refused[1]) if refused else 0,
        "wrk",
    )


def _python(url: str, seconds: int, script: str | None) -> Load:
    """Run `python -m tests.bench.load` as the client, so that it does not share this process's lock."""
    command = [sys.executable, "-m", "tests.bench.load", url, str(seconds), script or ""]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return Load(found["per_second"], found["p99_ms"], found["refused"], "python (wrk is not installed)")


def _client(url: str, until: float, script: str, times: list[float], refused: list[int]) -> None:
    from tests.bench.bodies import body

    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host)
    while time.perf_counter() < until:
        began = time.perf_counter()
        if script:
            route, data, headers = body(script)
            connection.request("POST", route, data, headers)
        else:
            connection.request("GET", "/" + path)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        refused[0] += answer.status >= 400
    connection.close()


def main() -> None:
    url, seconds, script = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    times: list[float] = []
    refused = [0]
    until = time.perf_counter() + seconds
    clients = [Thread(target=_client, args=(url, until, script, times, refused)) for _ in range(CONNECTIONS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    p99 = sorted(times)[int(len(times) * 0.99)] * 1000
    print(json.dumps({"per_second": len(times) / seconds, "p99_ms": p99, "refused": refused[0]}))


if __name__ == "__main__":
    main()
