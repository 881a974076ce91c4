"""Addresses as browsers read them, so that a page gets here the key under which the element votes on it."""

import re
from urllib.parse import quote, urlsplit

_AROUND = "".join(map(chr, range(0x21)))  # stripped from both ends
_WITHIN = str.maketrans("", "", "\t\n\r")
# What an address holds as it stands; browsers escape the rest (WHATWG URL, path and query percent-encode sets; in a
# path Chromium escapes the bar, too).
_PATH = "!$%&'()*+,-./:;=@[\\]_~"
_QUERY = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile("[A-Za-z0-9_.~-]")


def join(base: str, reference: str) -> str | None:
    """Return the http(s) address that a link leads to from a page at `base`, without its fragment; None for others."""
    try:
        here, there = urlsplit(base), urlsplit(_forward(reference))
    except ValueError:
        return None
    if there.scheme not in ("", "http", "https") or (there.scheme and not there.netloc):
        return None
    host, path, query = there.netloc or here.netloc, there.path, there.query
    if not there.netloc and not path.startswith("/"):
        query = query if path or "?" in reference else here.query
        path = here.path.rpartition("/")[0] + "/" + path if path else here.path
    asked = f"?{quote(query, safe=_QUERY)}" if query else ""
    return f"{there.scheme or here.scheme}://{host}{quote(_without_dots(path), safe=_PATH)}{asked}"


def _forward(reference: str) -> str:
    """Clean an address as browsers do, and turn the slashes before its query forward."""
    bare = reference.strip(_AROUND).translate(_WITHIN).partition("#")[0]
    path, mark, query = bare.partition("?")
    return path.replace("\\", "/") + mark + query


def _without_dots(path: str) -> str:
    kept: list[str] = []
    *folders, last = path.removeprefix("/").split("/")
    for segment in folders:
        if _dots(segment) == "..":
            del kept[-1:]
        elif _dots(segment) != ".":
            kept.append(segment)
    if _dots(last) == "..":
        del kept[-1:]
    kept.append("" if _dots(last) in (".", "..") else last)
    return "/" + "/".join(kept)


def _dots(segment: str) -> str:
    return re.sub("%2e", ".", segment, flags=re.IGNORECASE)


def key_of(url: str) -> str:
    """Return the key of the page at an address: path and query, escapes written the one way that RFC 3986 prefers.

    The same rule as `keyOfPage` in widget.js; a table of the tests holds both to it.
    """
    parts = urlsplit(url)
    return _ESCAPE.sub(_preferred, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")


def _preferred(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()
