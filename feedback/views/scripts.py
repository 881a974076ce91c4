"""The scripts of article pages, minified and compressed once, at first use; the source stays readable.

The element's words in other languages than English are modules of their own, which it imports where it needs one.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli
from flask import Blueprint, Flask, Response, current_app, request
from rjsmin import jsmin
from werkzeug.exceptions import NotFound

from feedback import languages

bp = Blueprint("scripts", __name__)

NAMES = ("embed.js", "widget.js", "widget-more.js")
CACHEABLE = "public, max-age=300, stale-while-revalidate=86400"  # a fix reaches every page within minutes


@dataclass(frozen=True)
class Script:
    """A script in each encoding a browser may ask for."""

    encodings: dict[str, bytes]
    etag: str


def init_app(app: Flask) -> None:
    folder = Path(app.static_folder or "")
    sources = {name: folder / name for name in NAMES if (folder / name).exists()}
    app.extensions["scripts"] = {name: jsmin(path.read_text("utf-8")) for name, path in sources.items()}
    app.register_blueprint(bp)


@cache  # by the source itself: a process that makes several apps compresses once
def _script(source: str) -> Script:
    plain = source.encode()
    return Script(
        {"br": brotli.compress(plain), "gzip": gzip.compress(plain, mtime=0), "identity": plain},
        hashlib.sha256(plain).hexdigest()[:32],
    )


@bp.get(f"/<any{NAMES}:name>")
def script(name: str) -> Response:
    source = current_app.extensions["scripts"].get(name)
    if source is None:
        raise NotFound
    return _answer(_script(source))


@bp.get("/widget-<string(length=2):language>.js")
def words(language: str) -> Response:
    found = languages.ALL.get(language)
    # English is in the scripts themselves.
    if found is None or found is languages.ENGLISH:
        raise NotFound
    return _answer(_script(_module(language)))


@cache
def _module(code: str) -> str:
    language = languages.ALL[code]
    words = {"dir": language.dir, **{group: language.groups[group] for group in ("widget", "more")}}
    return f"export default {json.dumps(words, ensure_ascii=False, separators=(',', ':'))};"


def _answer(found: Script) -> Response:
    encoding = request.accept_encodings.best_match(list(found.encodings), default="identity")
    answer = Response(found.encodings[encoding], mimetype="text/javascript")
    if encoding != "identity":
        answer.headers["Content-Encoding"] = encoding
    answer.set_etag(found.etag, weak=True)
    answer.headers["Cache-Control"] = CACHEABLE
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.vary.add("Accept-Encoding")
    answer.make_conditional(request)
    return answer
