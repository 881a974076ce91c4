"""Origins of pages, as browsers send them."""

import re
from urllib.parse import urlsplit

HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")


def parse_origin(value: str) -> str:
    """Return an origin as browsers send it, `https://example.org`. Raises ValueError with a sentence."""
    try:
        parts = urlsplit(value.strip().rstrip("/"))
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    extra = parts.path or parts.query or parts.fragment or parts.username
    host = _host(parts.hostname or "")
    if parts.scheme not in ("http", "https") or not host or extra:
        raise ValueError(f"“{value[:200]}” is no origin. It should look like https://example.org.")
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default) else "")


def _host(name: str) -> str | None:
    """Return a host as browsers write it, letters beyond ASCII encoded; None for what is none, such as `*.example`."""
    if ":" in name:
        return f"[{name}]"
    try:
        encoded = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return None
    return encoded if HOST.fullmatch(encoded) else None


def origin_of(url: str) -> str | None:
    """Return the origin an http(s) address lies on; None where it is none, or its host none that a browser knows."""
    try:
        parts = urlsplit(url)
        return parse_origin(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    except ValueError:
        return None
