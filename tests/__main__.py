"""All checks, in the order of their cost: `python -m tests`. Installs Debian's Chromium and nginx where there are none.

The tests run last, so that their summary ends the output; further arguments go to pytest. A few that fail are run once
more, one after the other: a browser that gets no turn on a busy machine is not a fault of ours. They are named all the
same, since a test that needs quiet is one to mend.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAMS = ("chromium", "nginx")  # each of the package of its name
# By file, so that what a file prepares once is not prepared in every process; in the order of their names, which puts
# the long ones (browser/, faults/, machines/) first and not at the end, where one process would wait for the other.
PARALLEL = ("-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile", "--no-loadscope-reorder")
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"  # pytest's own list
MOST_AGAIN = 5  # failures that are tried again; more are no accident
CHECKS = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy", ("mypy", "--strict", "feedback")),
)


def main(arguments: Sequence[str]) -> int:
    install_programs()
    failed = [name for name, command in CHECKS if not passes(name, command)]
    FAILED.unlink(missing_ok=True)
    tests = run(("pytest", *PARALLEL, *arguments))
    if tests == 1 and not arguments:
        tests = again()
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}.", file=sys.stderr, flush=True)
    return tests or len(failed)


def again() -> int:
    """Run the tests that failed once more, alone, and return the status of that; 1 where they are too many."""
    listed = json.loads(FAILED.read_text(encoding="utf-8")) if FAILED.exists() else {}
    names = sorted(name for name in listed if "::" in name)
    if not 1 <= len(names) <= MOST_AGAIN:
        return 1
    status = run(("pytest", *names))
    verdict = "passed when they ran alone, and need mending" if status == 0 else "failed again"
    print(f"These failed among the others and {verdict}: {', '.join(names)}.", file=sys.stderr, flush=True)
    return status


def passes(name: str, command: Sequence[str]) -> bool:
    began = time.monotonic()
    status = run(command)
    print(f"{name}: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)
    return status == 0


def run(command: Sequence[str]) -> int:
    """Run a tool of this environment in the checkout, and return its exit status."""
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode


def install_programs() -> None:
    missing = [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if not missing:
        return
    if not shutil.which("apt-get"):
        sys.exit(f"The tests need {' and '.join(missing)} on the PATH.")
    # `env`, because sudo may drop what is set here; in runlevel 1 no package starts its service.
    settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    apt = [*([] if os.geteuid() == 0 else ["sudo"]), "env", *settings, "apt-get", "-qq"]
    began = time.monotonic()
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        subprocess.run([*apt, *step], stdout=subprocess.DEVNULL, check=True)
    print(f"installing {' and '.join(missing)}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
