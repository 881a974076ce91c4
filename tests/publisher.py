"""A publisher's server, for the tests that read one: pages by path, and who came when."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass
class Publisher:
    """`answers[path]` is (status, headers, body); a body may be pieces that take their time. What is missing is 404."""

    host: str
    answers: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    asked: list[tuple[str, float, float]] = field(default_factory=list)  # path, when it came, when it was answered
    names: set[str] = field(default_factory=set)  # of who came

    def __post_init__(self) -> None:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                came = time.monotonic()
                ours.names.add(self.headers["User-Agent"])
                status, headers, body = ours.answers.get(self.path, (404, {}, b"Not here"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    for piece in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(piece)
                ours.asked.append((self.path, came, time.monotonic()))

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((self.host, 0), Handler)
        self.origin = f"http://{self.host}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01])
        self.thread.start()

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def page(self, path: str, html: str | bytes, status: int = 200, **headers: str) -> str:
        body = html.encode() if isinstance(html, str) else html
        self.answers[path] = (status, HTML | headers, body)
        return self.origin + path

    def says(self, path: str, body: Any, status: int = 200, **headers: str) -> str:
        self.answers[path] = (status, headers, body.encode() if isinstance(body, str) else body)
        return self.origin + path

    def sitemap(self, *urls: str | tuple[str, str], path: str = "/sitemap.xml", kind: str = "urlset") -> str:
        """Serve a sitemap of addresses, or of (address, lastmod); an index with kind="sitemapindex"."""
        item = "url" if kind == "urlset" else "sitemap"
        pairs = [(url, "") if isinstance(url, str) else url for url in urls]
        lines = [
            f"<{item}><loc>{url}</loc>{f'<lastmod>{changed}</lastmod>' if changed else ''}</{item}>"
            for url, changed in pairs
        ]
        space = "http://www.sitemaps.org/schemas/sitemap/0.9"
        return self.says(path, f'<?xml version="1.0"?>\n<{kind} xmlns="{space}">{"".join(lines)}</{kind}>')

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def open_publisher() -> Iterator[Callable[..., Publisher]]:
    opened: list[Publisher] = []

    def start(host: str = "127.0.0.1") -> Publisher:
        opened.append(Publisher(host))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def publisher(open_publisher: Callable[..., Publisher]) -> Publisher:
    return open_publisher()
