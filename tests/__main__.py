"""All checks, in the order of their cost: `python -m tests`. Installs Debian's Chromium and nginx where there are none.

The tests run last, so that their summary ends the output; further arguments go to pytest.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAMS = ("chromium", "nginx")  # each of the package of its name
# By file, so that what a file prepares once is not prepared in every process.
PARALLEL = ("-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile")
CHECKS = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("mypy", ("mypy", "--strict", "feedback")),
)


def main(arguments: Sequence[str]) -> int:
    install_programs()
    failed = [name for name, command in CHECKS if not passes(name, command)]
    tests = run(("pytest", *PARALLEL, *arguments))
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}.", file=sys.stderr, flush=True)
    return tests or len(failed)


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
