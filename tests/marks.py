"""Marks that a test gives away, and the search for every way they might be written down."""

import base64
import hashlib
import http.client
import json as jsons
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urljoin, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

LARGE = 2**20  # bytes in which hashes are not looked for: the same rows are read as a table, where they are
UNUSED = re.compile(rb"\0{64,}+")
REDIRECTS = (301, 302, 303, 307, 308)


HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
HASHED = "bearer"  # begins what is stored as a hash on purpose: a random token, which no guessing finds


def written(mark: str, *, hashed: bool = True) -> set[bytes]:
    """Return how a mark might be written: as it is, encoded as is usual, and as the hashes that anybody can make."""
    plain = mark.encode()
    hashes = [hashlib.new(name, plain).digest() for name in HASHES if hashed]
    hashes += [hashlib.blake2b(plain, digest_size=32).digest()] if hashed else []
    forms = {form for each in (plain, *hashes) for form in (each, each.hex().encode(), each.hex().upper().encode())}
    forms |= {
        mark.encode("utf-16-le"),
        mark.encode("utf-16-be"),
        quote(mark, safe="").encode(),
        quote_plus(mark).encode(),
    }
    forms |= {jsons.dumps(mark)[1:-1].encode(), mark.encode("unicode_escape")}
    return forms | set(_in_base64(plain))


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """Yield what of it surely stands in the base64 of anything that holds it, at each of the three offsets."""
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + plain).rstrip(b"=")
        inner = coded[(offset * 8 + 5) // 6 : -1]
        yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def found(marks: Mapping[str, str], places: Mapping[str, bytes]) -> list[tuple[str, str, bytes]]:
    """Return (what was marked, where it was found, what stands there) for every mark in every place."""
    hits = []
    for what, mark in marks.items():
        guessable, plain = written(mark, hashed=not what.startswith(HASHED)), written(mark, hashed=False)
        for place, data in places.items():
            hits += [
                (what, place, _around(data, form))
                for form in (guessable if len(data) < LARGE else plain)
                if form in data
            ]
    return hits


def _around(data: bytes, form: bytes) -> bytes:
    at = data.index(form)
    return data[max(0, at - 80) : at + len(form) + 80]


def files(*folders: Path) -> dict[str, bytes]:
    """Return the bytes of every file under some folders."""
    paths = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    # What was set aside and not yet used is long, and nothing.
    return {str(path): UNUSED.sub(bytes(64), path.read_bytes()) for path in paths}


class Wire:
    """Speaks to a server as Flask's test client speaks to an app; sends marked headers along, and keeps cookies."""

    def __init__(self, port: int, headers: Mapping[str, str], cookies: Mapping[str, str] | None = None) -> None:
        self.port, self.headers, self.cookies = port, headers, dict(cookies or {})

    def get(self, url: str, **call: Any) -> Any:
        return self._open("GET", url, **call)

    def post(self, url: str, **call: Any) -> Any:
        return self._open("POST", url, **call)

    def put(self, url: str, **call: Any) -> Any:
        return self._open("PUT", url, **call)

    def _open(
        self,
        method: str,
        url: str,
        *,
        data: Mapping[str, Any] | None = None,
        json: Any = None,
        query_string: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        environ_base: Mapping[str, str] | None = None,  # a test client's; here the connection has its own address
    ) -> Any:
        path = url + ("?" + urlencode(query_string, doseq=True) if query_string else "")
        sent = {**self.headers, **(headers or {})}
        body: bytes | None = None
        if json is not None:
            body, sent["Content-Type"] = jsons.dumps(json).encode(), "application/json"
        elif data is not None:
            body, sent["Content-Type"] = urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._ask(method, path, body, sent)
        if follow_redirects and answer.status_code in REDIRECTS:
            parts = urlsplit(urljoin(path, answer.headers["Location"]))
            return self.get(parts.path + (f"?{parts.query}" if parts.query else ""), follow_redirects=True)
        return answer

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers))
            came = connection.getresponse()
            request: Any = SimpleNamespace(full_path=path, path=path.partition("?")[0])
            answer = TestResponse([came.read()], f"{came.status} {came.reason}", Headers(came.getheaders()), request)
        finally:
            connection.close()
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer


def printed(tables: Iterable[str], connection: Any) -> dict[str, bytes]:
    """Return every row of PostgreSQL's tables, as COPY prints them."""
    dumps = {}
    for table in tables:
        with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
            dumps[f"table {table}"] = b"".join(bytes(block) for block in copy)
    return dumps
