"""The article summary, answered in front of Flask: kept as encoded bytes for as long as nothing in it has changed.

Whether it has is asked at each request, in one look-up by key: the site's stamp, the article's stamp and the two
counts. So an answer is never older than the database, in any number of processes and on any number of machines.
"""

import gzip
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import brotli
from flask import Flask
from sqlalchemy import Engine, bindparam, select
from werkzeug.sansio.utils import host_is_trusted

from feedback import articles, delivery, summary
from feedback.db import connect, db
from feedback.errors import Refused
from feedback.models import Article, Site, Standing
from feedback.views.desk import HSTS
from feedback.views.lookout import Lookout
from feedback.views.widget import CACHEABLE

PREFIX, SUFFIX = "/api/v1/", "/feedback"
MAX_KEPT = 512  # summaries a process keeps: about 10 MB with all encodings
MAX_KEPT_BYTES = 16 * 1024 * 1024  # of them, where long comments make them large
BROTLI_QUALITY = 5  # a third of a millisecond for a page of comments; 11 takes fifty times that

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Stamps = tuple[Any, ...]

STAMPS = (
    select(Site.id, Site.stamp, Article.id, Standing.stamp, Standing.yes, Standing.no)
    .select_from(Site)
    .outerjoin(Article, (Article.site_id == Site.id) & (Article.key == bindparam("key")))
    .outerjoin(Standing, Standing.article_id == Article.id)
    .where(Site.slug == bindparam("slug"))
)


class Kept:
    """One summary in every encoding asked for so far."""

    def __init__(self, slug: str, key: str, stamps: Stamps, answer: dict[str, Any]) -> None:
        self.slug, self.key = slug, key
        before, after = ("article",), ("comments", "settings")
        self.head = _json({name: answer[name] for name in before})[:-1] + b',"votes":'
        self.tail = b"," + _json({name: answer[name] for name in after})[1:]
        self.recount(stamps)

    def recount(self, stamps: Stamps) -> None:
        """Put the counts that were looked at into what else is the same."""
        yes, no = stamps[-2] or 0, stamps[-1] or 0
        plain = self.head + _json({"yes": yes, "no": no, "total": yes + no}) + self.tail
        etag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
        # One assignment, so that another thread sees an answer and what it stands for as one.
        self.now: tuple[Stamps, str, dict[str, bytes]] = (stamps, etag, {"": plain})

    @property
    def size(self) -> int:
        return len(self.head) + len(self.tail)


def _article_key(query: str) -> str | None:
    """Return the key a query asks for; None for one that says anything else, which Flask answers."""
    try:
        [(name, value)] = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="strict")
        return articles.key(value) if name == "article" else None
    except ValueError:
        return None


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def init_app(app: Flask) -> None:
    front = Front(app)
    app.wsgi_app = front  # type: ignore[method-assign]
    app.extensions["front"] = front


class Front:
    """A WSGI layer that answers summaries and passes everything else on to Flask."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.flask = app.wsgi_app
        self.kept: dict[tuple[str, str], Kept] = {}
        self.looks = Looks(app)
        self.lookout = Lookout(app)
        self.notify = delivery.can_notify(app.config["SETTINGS"])
        self.headers = [
            ("Content-Type", "application/json"),
            ("Cache-Control", CACHEABLE),
            ("Access-Control-Allow-Origin", "*"),
            ("Cross-Origin-Resource-Policy", "cross-origin"),
            ("X-Content-Type-Options", "nosniff"),
            ("Vary", "Accept-Encoding"),
        ]
        if app.config["SETTINGS"].https:
            self.headers.append(("Strict-Transport-Security", HSTS))
        trusted = tuple(app.config["TRUSTED_HOSTS"])
        self.is_trusted = lru_cache(256)(lambda host: host_is_trusted(host, list(trusted)))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        origin = environ.get("HTTP_ORIGIN")
        if origin and path.startswith(PREFIX):
            self.lookout.see(path[len(PREFIX) :].partition("/")[0], origin, environ.get("HTTP_HOST", ""))
        if environ["REQUEST_METHOD"] == "GET" and path.endswith(SUFFIX) and path.startswith(PREFIX):
            kept = self._current(path, environ)
            if kept is not None:
                return self._answer(kept, environ, start_response)
        return self.flask(environ, start_response)

    def _current(self, path: str, environ: Environ) -> Kept | None:
        """Return the summary as it is now; None for whatever Flask should answer (refusals, faults, other pages)."""
        query = environ.get("QUERY_STRING", "")
        if not self.is_trusted(environ.get("HTTP_HOST", "")):
            return None
        try:
            kept = self.kept.get((path, query))
            if kept is None:
                return self._keep(path, query)
            stamps = self.looks.at(kept.slug, kept.key)
            known = kept.now[0]
            if stamps == known:
                return kept
            if stamps is not None and stamps[:-2] == known[:-2]:
                kept.recount(stamps)
                return kept
            return self._keep(path, query)
        except Exception:
            # Whatever is wrong, Flask meets it too and has the words for it.
            self.kept.pop((path, query), None)
            self.looks.forget()
            return None

    def _keep(self, path: str, query: str) -> Kept | None:
        self.kept.pop((path, query), None)
        slug, key = path[len(PREFIX) : -len(SUFFIX)], _article_key(query)
        if key is None:
            return None
        # Looked at before the summary is made: a change in between makes it stale, never wrongly fresh.
        stamps = self.looks.at(slug, key)
        if stamps is None:
            return None
        try:
            with self.app.app_context():
                answer = summary.of(articles.site(slug), key, notify=self.notify)
        except Refused:
            return None
        kept = Kept(slug, key, stamps, answer)
        while len(self.kept) >= MAX_KEPT or sum(each.size for each in [*self.kept.values()]) > MAX_KEPT_BYTES:
            self.kept.pop(next(iter(self.kept)), None)
        self.kept[(path, query)] = kept
        return kept

    def _answer(self, kept: Kept, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _, etag, bodies = kept.now
        headers = [*self.headers, ("ETag", etag), ("X-Request-ID", os.urandom(8).hex())]
        # Compared weakly, as RFC 9110 says: with or without W/ it is the same, and * is whatever there is.
        known = environ.get("HTTP_IF_NONE_MATCH", "")
        if etag.removeprefix("W/") in known or known.strip() == "*":
            start_response("304 NOT MODIFIED", headers[1:])
            return []
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        if "q=0" in accepted:
            # Somebody is particular; what nobody refuses is the plain answer.
            accepted = ""
        encoding = "br" if "br" in accepted else "gzip" if "gzip" in accepted else ""
        body = bodies.get(encoding)
        if body is None:
            body = bodies[encoding] = ENCODERS[encoding](bodies[""])
        if encoding:
            headers.append(("Content-Encoding", encoding))
        headers.append(("Content-Length", str(len(body))))
        start_response("200 OK", headers)
        return [body]

    def close(self) -> None:
        self.lookout.close()
        self.looks.close()


def _brotli(plain: bytes) -> bytes:
    return bytes(brotli.compress(plain, quality=BROTLI_QUALITY))


ENCODERS: dict[str, Callable[[bytes], bytes]] = {"br": _brotli, "gzip": lambda plain: gzip.compress(plain, 6, mtime=0)}


class Looks:
    """Reads the stamps over one driver connection a thread; SQLAlchemy's layers would cost ten times that."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            self.engine: Engine = db.engine
        compiled = STAMPS.compile(self.engine)
        self.sql, self.places = str(compiled), compiled.positiontup
        self.own = threading.local()
        self.open: list[Look] = []

    def at(self, slug: str, key: str) -> Stamps | None:
        """Return the stamps of a site's article, its counts last; None but for the site's for one never seen."""
        values: Any = {"slug": slug, "key": key}
        if self.places is not None:
            values = [values[name] for name in self.places]
        look = self._look()
        # A connection that another thread closes in the middle of a statement would end the process.
        with look.lock:
            row = look.cursor.execute(self.sql, values).fetchone()
        return None if row is None else tuple(row)

    def _look(self) -> "Look":
        own = self.own
        # A process forked after this was made must not use its parent's connection.
        if getattr(own, "pid", None) != os.getpid():
            sqlite = self.engine.dialect.name == "sqlite"
            reading = {"isolation_level": None, "check_same_thread": False} if sqlite else {"autocommit": True}
            own.look = Look(connect(self.app, self.engine, **reading))
            own.pid = os.getpid()
            self.open.append(own.look)
        found: Look = own.look
        return found

    def forget(self) -> None:
        """Close this thread's connection; the next look opens another."""
        own = self.own
        if getattr(own, "pid", None) == os.getpid():
            own.pid = None
            with suppress(ValueError):  # where another thread closes all
                self.open.remove(own.look)
            own.look.close()

    def close(self) -> None:
        """Close every connection, those of other threads between two looks."""
        self.own = threading.local()
        while self.open:
            self.open.pop().close()


class Look:
    """A driver connection that looks at one thing."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.cursor = connection, connection.cursor()
        self.lock = threading.Lock()

    def close(self) -> None:
        with self.lock:
            self.connection.close()
