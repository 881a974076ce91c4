"""PostgreSQL's own programs: finding those that fit the server, and running them with no password in sight."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from feedback.errors import Refused

# Where distributions keep the versions that are not on the PATH.
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
VERSION = re.compile(rb"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Database:
    """How PostgreSQL's programs reach a database: as libpq writes it, the password apart."""

    dsn: str
    password: str
    major: int

    @property
    def environ(self) -> dict[str, str]:
        # What is in the environment is shown to this user alone, arguments to everybody on the machine.
        given = {"PGPASSWORD": self.password} if self.password else {}
        return {**os.environ, "LC_MESSAGES": "C", "PGOPTIONS": "", **given}


def find(name: str, major: int) -> Path:
    """Return the program that fits a server best: of its own version, else the next newer one. Raises Refused."""
    fitting = [(version, path) for version, path in _versions(name) if version >= major]
    if not fitting:
        raise Refused(
            f"There is no {name} of version {major} or newer on this machine. Install PostgreSQL's client programs "
            f"(Debian: apt install postgresql-client-{major}), or put their folder on the PATH."
        )
    return min(fitting, key=lambda found: found[0])[1]


def _versions(name: str) -> Iterator[tuple[int, Path]]:
    for folder in _folders():
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            said = subprocess.run([path, "--version"], capture_output=True, check=False).stdout
            if match := VERSION.search(said):
                yield int(match[1]), path


def _folders() -> Iterator[Path]:
    yield from (Path(each) for each in os.environ.get("PATH", "").split(os.pathsep) if each)
    for pattern in FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")))


class Run:
    """A running program, one of whose ends we hold. Leaving the block waits for it, or stops it where we failed."""

    def __init__(self, command: list[Any], environ: Mapping[str, str], **pipes: int) -> None:
        self.name = Path(command[0]).name
        self.complaints = TemporaryFile()  # noqa: SIM115  (closed with the block)
        ends = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **pipes}
        self.process = subprocess.Popen(command, env=dict(environ), stderr=self.complaints, **ends)  # type: ignore[call-overload]

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self.complaints:
            if kind is not None and kind is not BrokenPipeError:
                self.process.kill()
            for end in (self.process.stdin, self.process.stdout):
                _close(end)
            self.process.wait()
            if self.process.returncode and (kind is None or kind is BrokenPipeError):
                raise Refused(f"{self.name} failed: {self._said()}. Nothing was changed.")

    def _said(self) -> str:
        self.complaints.seek(0)
        lines = [line.strip() for line in self.complaints.read().decode(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        return (errors or lines or ["it said nothing"])[0].rstrip(".")

    @property
    def input(self) -> IO[bytes]:
        end: IO[bytes] | None = self.process.stdin
        assert end is not None
        return end

    @property
    def output(self) -> IO[bytes]:
        end: IO[bytes] | None = self.process.stdout
        assert end is not None
        return end


def _close(end: IO[bytes] | None) -> None:
    if end is not None:
        try:
            end.close()
        except BrokenPipeError:
            return  # it ended before it had read everything; its exit status says why
