"""What a page must load to show question, comments and form: ours and four others, as their packages ship them.

`python -m tests.bench.weight` alone, or as a part of `python -m tests.bench`. It needs Chromium, npm and pip, and
fetches the packages into a temporary folder. Each is embedded as its manual says, in a page of another origin, and
loaded in Chromium, which tells of every request, preflights included. Ours answers from a real server; the others'
files come from a plain one that answers their questions as for an article without comments. Bytes are those of scripts
and style sheets, each compressed by brotli at its best for everybody alike; answers are counted as requests only. Of
giscus the element alone is measured: what its frame loads comes from giscus' own site and is in no package.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, sync_playwright

from feedback import articles, create_app
from feedback.clock import now
from feedback.config import Settings
from feedback.db import dispose, transact
from tests.bench.serving import SECRET, serving
from tests.browser.conftest import chromium

PORT = 8793
FETCH_SECONDS = 180
SHIPPED = {"isso": "0.14.0", "artalk": "2.9.1", "@waline/client": "3.15.2", "giscus": "1.6.0"}
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"  # nothing leaves this machine
FILES = ("Script", "Stylesheet")  # CDP's names of what counts with its bytes
HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>An article</title><link rel="icon" href="data:,">'

# How each is embedded by its manual; {at} is where its files are, {api} where its questions go.
PAGES = {
    "isso": """<script data-isso="{api}/isso/" src="{at}/isso/js/embed.min.js"></script>
<section id="isso-thread"></section>""",
    "artalk": """<link rel="stylesheet" href="{at}/node_modules/artalk/dist/Artalk.css">
<div id="comments"></div>
<script src="{at}/node_modules/artalk/dist/Artalk.js"></script>
<script>
Artalk.init({{ el: "#comments", pageKey: "/a", pageTitle: "A", server: "{api}/artalk", site: "S" }});
</script>""",
    "@waline/client": """<link rel="stylesheet" href="{at}/node_modules/@waline/client/dist/waline.css">
<div id="waline"></div>
<script type="module">
import {{ init }} from "{at}/node_modules/@waline/client/dist/waline.js";
init({{ el: "#waline", serverURL: "{api}/waline" }});
</script>""",
    "giscus": """<script type="importmap">{{"imports": {{"lit": "{at}/node_modules/lit/index.js",
"lit/": "{at}/node_modules/lit/", "lit-html": "{at}/node_modules/lit-html/lit-html.js",
"lit-html/": "{at}/node_modules/lit-html/", "lit-element/": "{at}/node_modules/lit-element/",
"@lit/reactive-element": "{at}/node_modules/@lit/reactive-element/reactive-element.js",
"@lit/reactive-element/": "{at}/node_modules/@lit/reactive-element/"}}}}</script>
<script type="module" src="{at}/node_modules/giscus/dist/giscus.mjs"></script>
<giscus-widget repo="a/b" repoid="R_1" category="C" categoryid="DIC_1" mapping="pathname"></giscus-widget>""",
}
OURS = '<script async src="{at}/widget.js"></script><article-feedback site="health" article="a"></article-feedback>'

# What the others are told of an article without comments, by the beginning of the address asked for.
NO_PAGE = {
    "code": 0,
    "errno": 0,
    "errmsg": "",
    "data": {"page": 1, "totalPages": 0, "pageSize": 10, "count": 0, "data": []},
}
ARTICLE = {"id": 1, "key": "/a", "url": "/a", "title": "A", "site_name": "S", "vote_up": 0, "vote_down": 0, "pv": 1}
ANSWERS: Mapping[str, Any] = {
    "/isso/config": {"config": {"reply-to-self": False, "avatar": False, "feed": False}},
    "/isso/count": [0],
    "/isso/": {"id": None, "total_replies": 0, "hidden_replies": 0, "replies": [], "config": {}},
    "/artalk/api/v2/conf": {"frontend_conf": {}, "version": {"app": "v2.9.1", "version": "2.9.1", "commit_hash": ""}},
    "/artalk/api/v2/comments": {"comments": [], "count": 0, "roots_count": 0, "page": ARTICLE},
    "/artalk/": {"pv": 1, "is_login": False, "notifies": [], "data": {}},
    "/waline/": NO_PAGE,
}


@dataclass
class Load:
    """What a page asked for of one embed."""

    files: dict[str, bytes] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        raw = sum(map(len, self.files.values()))
        small = sum(len(brotli.compress(body, quality=11)) for body in self.files.values())
        return f"{raw:,} / {small:,} bytes, {len(self.files)} + {len(self.data)} requests"


def figures() -> dict[str, Any]:
    """Return what each embed loads: bytes raw / brotli, requests for files + for data."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        given = chromium()
        browser = playwright.chromium.launch(**given | {"args": [*given["args"], ALONE]})
        found = dict(_ours(browser, Path(folder)))
        try:
            found |= _others(browser, _fetch(Path(folder)))
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            found["the others"] = f"skipped: npm and pip could not fetch their packages ({said[-1] if said else error})"
        browser.close()
    return {f"weight, {name}": str(load) for name, load in found.items()}


def _ours(browser: Browser, folder: Path) -> Iterator[tuple[str, Load]]:
    url = f"sqlite:///{folder / 'feedback.sqlite3'}"
    app = create_app(Settings(home=folder, secret_keys=(SECRET,), database_url=url))
    with _files(folder) as origin:
        with app.app_context():
            upgrade()
            transact(articles.add_site, "health", origins=[origin], name="Health", now=now())
        with serving(folder, url, PORT, "--no-worker"):
            at = f"http://127.0.0.1:{PORT}"
            page = OURS.format(at=at)
            yield "ours, shown", _load(browser, folder, origin, page)
            yield "ours, answered and typed in", _load(browser, folder, origin, page, _answer)
    dispose(app)


def _answer(page: Page) -> None:
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("textbox", name="Your comment").fill("a")
    page.get_by_role("group", name="About your answer").wait_for()


def _others(browser: Browser, folder: Path) -> dict[str, Load]:
    with _files(folder) as origin:
        at = origin.replace("localhost", "127.0.0.1")
        return {
            f"{name} {SHIPPED[name]}": _load(browser, folder, origin, embed.format(at=at, api=at))
            for name, embed in PAGES.items()
        }


def _fetch(folder: Path) -> Path:
    """Fetch the packages by their own tools; raises OSError or SubprocessError where that cannot be."""
    run = partial(subprocess.run, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS, cwd=folder)
    run([sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=isso", f"isso=={SHIPPED['isso']}"])
    (source,) = folder.glob("isso-*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (folder / source.name.removesuffix(".tar.gz") / "isso").rename(folder / "isso")
    packages = [f"{name}@{version}" for name, version in SHIPPED.items() if name != "isso"]
    (folder / "package.json").write_text('{"private": true}')
    run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *packages])
    return folder


@contextmanager
def _files(folder: Path) -> Iterator[str]:
    """Serve the files of a folder to everybody, and the answers; yields its origin, which 127.0.0.1 is another of."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


class _Files(SimpleHTTPRequestHandler):
    # With the encoding, or Chromium would hand out other bytes than it was sent.
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
    }

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Access-Control-Allow-Headers", "content-type, authorization")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        if self._is_file():
            super().do_GET()
        else:
            self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = next((ANSWERS[start] for start in ANSWERS if self.path.startswith(start)), None)
        body = json.dumps(data).encode()
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_file(self) -> bool:
        return Path(self.translate_path(self.path)).is_file()

    def log_message(self, *_: object) -> None:
        pass


def _load(
    browser: Browser, folder: Path, origin: str, embed: str, act: Callable[[Page], None] = lambda page: None
) -> Load:
    """Open a page with the embed and return what it asked for beside itself."""
    (folder / "article.html").write_text(f"{HEAD}<h1>An article</h1>{embed}")
    page = browser.new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    asked: dict[str, tuple[str, str]] = {}
    devtools.on("Network.requestWillBeSent", lambda event: _note(asked, event))
    page.goto(f"{origin}/article.html")
    act(page)
    page.wait_for_load_state("networkidle")
    load = Load()
    for request, (kind, url) in asked.items():
        if kind in FILES:
            load.files[url] = devtools.send("Network.getResponseBody", {"requestId": request})["body"].encode()
        elif kind != "Document":
            load.data.append(url)
    page.close()
    return load


def _note(asked: dict[str, tuple[str, str]], event: dict[str, Any]) -> None:
    url = event["request"]["url"]
    if url.startswith("http"):
        asked[event["requestId"]] = event["type"], url


if __name__ == "__main__":
    for name, value in figures().items():
        print(f"{name:40}  {value}")
