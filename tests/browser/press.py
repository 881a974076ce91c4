"""A publisher: article pages on an origin of their own, under the strictest policy one can send."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.serving import WSGIRequestHandler, make_server

SHEET = b"body { margin: 0 auto; max-width: 42rem; font: 18px/1.6 serif } main { padding: 1rem }"
WORDS = "The neck carries the head, and by the evening it says so. " * 6
SECTIONS = ("what-it-is", "How it acts"), ("side-effects", "Side effects"), ("questions", "Questions and answers")


def policy(service: str) -> str:
    """Return the policy that the widget promises to run under."""
    return (
        f"default-src 'none'; style-src 'self'; script-src {service}; connect-src {service}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


class Quiet(WSGIRequestHandler):
    """Keeps connections open, as real servers do, and writes no log."""

    protocol_version = "HTTP/1.1"

    def log(self, *_args: Any) -> None:
        pass


class Serving:
    """A WSGI application on a free port of 127.0.0.1, in threads of this process."""

    def __init__(self, app: Any) -> None:
        self.server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> "Serving":
        self.thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Press:
    """The publisher's pages. `strict=False` leaves the policy out, for tests that put styles or storage in the way."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.origin = ""

    def __call__(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/site.css":
            respond("200 OK", [("Content-Type", "text/css"), ("Content-Length", str(len(SHEET)))])
            return [SHEET]
        if path not in self.pages:
            respond("404 Not Found", [("Content-Length", "0")])
            return []
        html, csp = self.pages[path]
        data = html.encode()
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(data)))]
        respond("200 OK", [*headers, *([("Content-Security-Policy", csp)] if csp else [])])
        return [data]

    def prints(
        self,
        service: str,
        *,
        site: str,
        article: str | None = "neck",
        attributes: str = "",
        head: str = "",
        after: str = "",
        lines: int = 1,
        path: str = "/page",
        strict: bool = True,
    ) -> str:
        """Print an article with the two lines that publishers paste, and return its address."""
        key = f'article="{article}"' if article else ""
        text = "".join(f'<h2 id="{name}">{title}</h2>' + f"<p>{WORDS}</p>" * lines for name, title in SECTIONS)
        self.pages[path] = (
            f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A stiff neck</title>
<link rel="stylesheet" href="/site.css">
{head}
<script async src="{service}/widget.js"></script>
</head>
<body>
<main>
<article><h1>A stiff neck</h1>{text}</article>
<article-feedback site="{site}" {key} {attributes}>
  <a href="{service}/f/{site}?article={quote(article or "")}">Did this article help you?</a>
</article-feedback>
{after}
</main>
</body>
</html>""",
            policy(service) if strict else "",
        )
        return self.origin + path
