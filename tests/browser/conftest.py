"""A real browser against the real server, across two sites: the service on 127.0.0.1, the articles on localhost.

The article pages come with the strictest policy a publisher may send. Whatever the browser reports (an error in the
console, a violated policy, an exception) fails the test that saw it, unless the test said that it expects it.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from feedback import articles, create_app
from feedback import clock as real_clock
from feedback.db import dispose
from feedback.models import Article, Site
from tests.browser.reading import Place, Visits
from tests.browser.wire import Wire
from tests.cast import KEY, TITLE, Staff
from tests.conftest import SECRET, migrate, settings

READY_SECONDS = 20
PATIENCE = 5_000  # milliseconds that an expectation may take on a busy machine
SHOTS = Path(__file__).parents[2] / "test-results"
PHONE = {"width": 390, "height": 844}
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_slugs = count(1)


# The service


@pytest.fixture
def engine() -> str:
    """The browser cannot tell the engines apart; the tests over HTTP run on both."""
    return "sqlite"


@dataclass(frozen=True)
class Service:
    """A running server, and an app in this process on the same database."""

    url: str
    app: Flask
    home: Path


@pytest.fixture(scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """Start `feedback serve` on a database of its own; environment variables may be given."""
    running: list[tuple[subprocess.Popen[str], Flask]] = []

    def start(**environ: str) -> Service:
        home = tmp_path_factory.mktemp("service")
        url = f"sqlite:///{home / 'feedback.sqlite3'}"
        migrate(home, url)
        server, address = _serve(home, {"FEEDBACK_DATABASE_URL": url, "FEEDBACK_LIMITS": "off"} | environ)
        app = create_app(settings(home, url))
        running.append((server, app))
        return Service(address, app, home)

    yield start
    for server, app in running:
        dispose(app)
        server.terminate()
        server.wait(30)


def _serve(home: Path, environ: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    port = free_port()
    log = home / "serve.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "feedback.cli", "serve", "--port", str(port), "--workers", "1"],
            env=os.environ | {"FEEDBACK_HOME": str(home), "FEEDBACK_SECRET_KEY": SECRET} | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    url = f"http://127.0.0.1:{port}"
    wait = threading.Event()
    for _ in range(READY_SECONDS * 50):
        if url in log.read_text():
            return server, url
        if server.poll() is not None:
            break
        wait.wait(0.02)
    server.kill()
    server.wait()
    raise RuntimeError(f"The server does not answer:\n{log.read_text()}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def service(start_service: Callable[..., Service]) -> Service:
    """The one server of most browser tests; each test has a site of its own on it."""
    return start_service()


@pytest.fixture
def app(service: Service) -> Flask:
    return service.app


@pytest.fixture
def connect(service: Service) -> Callable[[], Any]:
    """Open a client that talks to the server over the wire."""
    return partial(Wire, service.url)


@pytest.fixture
def clock() -> Callable[[], Any]:
    """The server's clock is the real one."""
    return real_clock.now


@pytest.fixture
def site(do: Callable[..., Any], publisher: "Publisher") -> Site:
    """A site that no other test shares, whose articles the publisher serves."""
    slug = f"health-{next(_slugs)}"
    row: Site = do(articles.add_site, slug, origins=[publisher.origin], name="Quiet Health", now=real_clock.now())
    return row


# The publisher


@dataclass
class Publisher:
    """The article site: pages by path, each with the strict policy unless told otherwise."""

    origin: str
    service: str
    pages: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)

    @property
    def policy(self) -> str:
        return (
            f"default-src 'none'; style-src 'self'; script-src {self.service}; connect-src {self.service}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def serves(self, path: str, html: str, **headers: str) -> str:
        """Put a page at a path and return its address. `policy=""` sends no policy."""
        policy = headers.pop("policy", self.policy)
        sent = {"Content-Type": "text/html; charset=utf-8"} | headers
        self.pages[path] = (sent | ({"Content-Security-Policy": policy} if policy else {}), html)
        return self.origin + path

    def writes(self, site: Site, key: str = KEY, *, title: str = TITLE, tag: str = "", **more: str) -> str:
        """Serve an article with the two lines in it; `tag` replaces the element, `head` and `after` add to the page."""
        path = f"/{site.slug}/{key}"
        element = tag or f'<article-feedback site="{site.slug}" article="{key}"></article-feedback>'
        parts = {"head": "", "after": ""} | {name: more.pop(name) for name in ("head", "after") if name in more}
        html = ARTICLE.format(title=title, element=element, service=self.service, **parts)
        return self.serves(path, html, **more)


ARTICLE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/site.css">
{head}
<script async src="{service}/widget.js"></script>
</head>
<body>
<main>
<article>
<h1>{title}</h1>
<p>Sample text for a test; no medical advice.</p>
<h2 id="what-it-is">What it is</h2>
<p>A muscle relaxant.</p>
<h2 id="how-it-acts">How it acts</h2>
<p>It calms the nerves that tense a muscle.</p>
<h2 id="side-effects">Side effects and cautions</h2>
<h3 id="stopping">Stopping</h3>
<p>Nobody should stop it suddenly.</p>
</article>
{element}
{after}
</main>
</body>
</html>
"""
STYLE = "body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; }"


@pytest.fixture(scope="session")
def publisher(service: Service) -> Iterator[Publisher]:
    yield from _publish(service)


def _publish(service: Service) -> Iterator[Publisher]:
    pages: dict[str, tuple[dict[str, str], str]] = {"/site.css": ({"Content-Type": "text/css"}, STYLE)}

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers, body = pages.get(self.path.partition("?")[0], ({}, None))
            data = (body or "Not here.").encode()
            self.send_response(200 if body is not None else 404)
            for name, value in ({"Content-Length": str(len(data))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # A site of its own: two ports of one host would be the same site to a browser.
        yield Publisher(f"http://localhost:{server.server_port}", service.url, pages)
        server.shutdown()


@pytest.fixture
def page_url(publisher: Publisher, site: Site, article: Article) -> str:
    """The registered article on the publisher's site, with the two lines in it."""
    return publisher.writes(site, article.key)


# The browser


def chromium() -> dict[str, Any]:
    """How to start the machine's own browser."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "There is no chromium here: apt-get install chromium"
    return {"executable_path": path, "args": [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium())
        yield browser
        browser.close()


@dataclass
class Problems:
    """What the browser complained about in one test."""

    seen: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Let complaints pass that match the pattern."""
        self.expected.append(re.compile(pattern))

    def left(self) -> list[str]:
        return [each for each in self.seen if not any(pattern.search(each) for pattern in self.expected)]

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"exception: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.seen.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


@pytest.fixture
def problems() -> Iterator[Problems]:
    """Complaints of every page of the test; those that were not expected fail it."""
    found = Problems()
    yield found
    assert found.left() == []


REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.reportViolation(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`), true);
"""


@pytest.fixture
def open_page(browser: Browser, problems: Problems) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser of its own: `open_page(url)`, with Playwright's context options, `viewport=PHONE`."""
    contexts: list[BrowserContext] = []

    def open_one(url: str | None = None, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.expose_binding("reportViolation", lambda _source, text: problems.seen.append(text))
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("page", problems.watch)
        page = context.new_page()
        if url is not None:
            page.goto(url)
        return page

    yield open_one
    for context in contexts:
        with suppress(Exception):
            context.close()


@pytest.fixture
def sign_in(open_page: Callable[..., Page], service: Service) -> Callable[..., Page]:
    """Sign somebody in by the form and return the page that follows: `sign_in(mo)`."""

    def enter(who: Staff, **options: Any) -> Page:
        page = open_page(f"{service.url}/account/sign-in", **options)
        page.get_by_label("E-mail address").fill(who.email)
        page.get_by_label("Password").fill(who.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: not url.endswith("/sign-in"))
        return page

    return enter


def axe(page: Page, within: str | None = None) -> list[str]:
    """Return what axe finds wrong on the page, shadow roots included: rule, element, advice."""
    # Without `preload` axe would fetch the page's style sheets, which a strict policy forbids and reports.
    # Axe leaves the rule of WCAG 2.2 off by itself.
    rules = {"target-size": {"enabled": True}}
    options = {"resultTypes": ["violations"], "preload": False, "rules": rules}
    found = Axe().run(page, context=within, options=options).response["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def shoot(page: Page, name: str) -> Path:
    """Keep a picture of the page in `test-results/`, for people to look at."""
    SHOTS.mkdir(exist_ok=True)
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


# Readers


@pytest.fixture
def place(site: Site, publisher: Publisher, do: Any, rows: Any, connect: Any) -> Place:
    """The test's site as its readers find it."""
    return Place(site, publisher, do, rows, connect)


@pytest.fixture
def visit(open_page: Callable[..., Page]) -> Visits:
    """Open a page as a reader, in a browser of its own, and keep what it asks for and is told."""
    return Visits(open_page)
