"""Opaque strings that clients carry around and hand back: identifiers and cursors."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from feedback.clock import rfc3339
from feedback.errors import Malformed

IDENTIFIER_BYTES = 32
MAX_INTEGER = 2**31 - 1  # of a database column; PostgreSQL refuses to compare with a larger one


def identifier(article_id: UUID, row_id: UUID) -> str:
    """Name a row by its article and itself, so that a look-up needs no second index. 43 URL-safe characters."""
    return _encode(article_id.bytes + row_id.bytes)


def parse_identifier(text: str) -> tuple[UUID, UUID] | None:
    """Return (article id, row id), or None where the text was never an identifier of ours."""
    data = _decode(text)
    if data is None or len(data) != IDENTIFIER_BYTES or _encode(data) != text:
        return None
    return UUID(bytes=data[:16]), UUID(bytes=data[16:])


def cursor(*values: str | int | float | datetime | UUID | None) -> str:
    """Write the key of the last row of a page."""
    return _encode(json.dumps([_plain(value) for value in values], separators=(",", ":")).encode())


def parse_cursor(text: str | None, *kinds: Any) -> list[Any] | None:
    """Return the values a cursor was made of; None without one. Raises Malformed when it is not one of this list's."""
    if not text:
        return None
    try:
        return [_read(kind, value) for kind, value in zip(kinds, json.loads(_decode(text) or b""), strict=True)]
    except (ArithmeticError, TypeError, ValueError) as error:
        raise Malformed("This cursor does not belong to this list. Begin again without it.") from error


def _plain(value: str | int | float | datetime | UUID | None) -> str | int | float | None:
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.hex if isinstance(value, UUID) else value


def _read(kind: Any, value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)
    if kind is UUID:
        return UUID(str(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind or (kind is int and abs(value) > MAX_INTEGER):
        raise ValueError(f"not {kind}")
    return value


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return None
