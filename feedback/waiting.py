"""In a server process waiting for PostgreSQL has an end: a server that hangs would hold every thread, readers' too.

PostgreSQL's own timeouts do not run where it does not, and the timeouts of TCP see a machine that lives. So what is
not answered in time is cut off here, and asked again by nobody for a moment. Commands, migrations and the worker wait
for as long as their statements take.
"""

import time
from collections.abc import Generator
from typing import Any, ClassVar

import psycopg

ANSWER_SECONDS = 5.0  # until a statement is answered; the longest of a page takes a fraction of one
SILENCE_SECONDS = 1.0  # after one was not, in which further ones are refused at once


class Silent(psycopg.OperationalError):
    """PostgreSQL does not answer."""


class Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer only so long, in processes that have called `bound`."""

    bounded: ClassVar[bool] = False
    silent_until: ClassVar[float] = 0.0

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        if not self.bounded:
            return super().wait(gen, *args, **kwargs)
        try:
            refuse_in_silence()
            return super().wait(_until(time.monotonic() + ANSWER_SECONDS, gen), *args, **kwargs)
        except Silent:
            # In the middle of an answer it is of no further use.
            self.close()
            raise


def bound() -> None:
    """Let no statement of this process wait for longer than ANSWER_SECONDS."""
    Connection.bounded = True


def connect(*args: Any, **kwargs: Any) -> Connection:
    """Open a connection. Raises psycopg.OperationalError where PostgreSQL does not take one."""
    refuse_in_silence()
    try:
        return Connection.connect(*args, **kwargs)
    except psycopg.errors.ConnectionTimeout:
        _fall_silent()
        raise


def refuse_in_silence() -> None:
    """Raise Silent where a statement was not answered a moment ago."""
    if Connection.bounded and time.monotonic() < Connection.silent_until:
        raise Silent("PostgreSQL did not answer a moment ago.")


def _fall_silent() -> None:
    Connection.silent_until = time.monotonic() + SILENCE_SECONDS


def _until(deadline: float, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Pass on what a driver's generator waits for, until it ends or the deadline does."""
    try:
        wanted = next(gen)
        while True:
            # The driver looks up several times a second, with nothing to report.
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                _fall_silent()
                raise Silent(f"PostgreSQL did not answer within {ANSWER_SECONDS:.0f} s.")
            wanted = gen.send(ready)
    except StopIteration as done:
        return done.value
