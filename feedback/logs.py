"""Log lines: each record begins a line of its own, whatever somebody sent; nothing in it can begin another."""

import logging
import logging.config
import re
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

# What moves a terminal's cursor, breaks a line somewhere, turns the order of characters, or is none.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
INDENT = "    "  # of a traceback's lines, which so look like no record

Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Lines(logging.Formatter):
    """Time, level, origin, message on one line, control characters escaped; below it a traceback, without its words."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Fault) -> str:
        return _indented("\n".join(_traced(ei[1])))

    def formatStack(self, stack_info: str) -> str:
        return _indented(stack_info)


def _traced(error: BaseException | None) -> Iterator[str]:
    """Yield the way to an exception and to those before it, without their words: these can repeat what was sent.

    "Key (email)=(…) already exists" is what PostgreSQL says, and `int()` quotes what is no number.
    """
    if error is None:
        return
    if before := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _traced(before)
        yield "and then"
    yield "Traceback (most recent call last):"
    yield from "".join(traceback.format_tb(error.__traceback__)).splitlines()
    yield f"{type(error).__module__}.{type(error).__qualname__}"


def escaped(text: str) -> str:
    """Write unsafe characters as Python does: `\\n`, `\\x1b`, `\\u2028`."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _indented(lines: str) -> str:
    return "\n".join(INDENT + escaped(line) for line in lines.split("\n"))


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": Lines}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {},
}


def begin() -> None:
    """Let everything this process logs, of whatever library, be written this way on standard error."""
    logging.config.dictConfig(CONFIG)
