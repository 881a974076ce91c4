"""The moderators' queue among 100,000 comments, on both engines: a page of it, and a bulk decision while readers read.

A page is what the rules ask of the database for it: the comments in their context, the numbers on the tabs, how long
comments wait. The best of many counts. The bulk decision is made by the worker beside a real server, while one reader
after the other reads an article, and one after the other votes on any of them; so they do for some seconds before it,
to compare with.
"""

import secrets
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask
from sqlalchemy import text, update

from feedback import articles, create_app, moderation
from feedback.clock import now
from feedback.config import Settings
from feedback.db import db, dispose, run, transact
from feedback.models import Comment, Standing, State
from feedback.moderation import Action, Filter, batches
from feedback.staff import Actor
from tests.bench import data
from tests.bench.bodies import HEADERS
from tests.bench.serving import SECRET, serving
from tests.postgres import Postgres

ARTICLES = 1_000
COMMENTS = 100_000
WAITING = (100, 1_000, 10_000)
PORT = 8792
PAGES = 200  # of which the best one counts: other work on the machine comes and goes within some of them
PAUSE = 0.01  # seconds between two requests of the same kind
BEFORE = 5.0  # seconds of reading and voting before the bulk decision
LOOK = 0.1  # seconds between two looks whether it is done


def figures(folder: Path) -> dict[str, Any]:
    """Return what a page costs with more and more waiting, and what readers notice of a bulk decision over 10,000."""
    found = _measured("sqlite", folder / "sqlite", f"sqlite:///{folder / 'queue.sqlite3'}")
    with Postgres(autovacuum="on", shared_buffers="128MB", fsync="on", synchronous_commit="on") as postgres:
        postgres.sql("CREATE DATABASE queue")
        found |= _measured("postgresql", folder / "postgresql", postgres.url("queue"))
    return found


def _measured(engine: str, home: Path, url: str) -> dict[str, Any]:
    from flask_migrate import upgrade

    home.mkdir()
    app = create_app(Settings(home=home, secret_keys=(SECRET,), database_url=url))
    found: dict[str, Any] = {}
    with app.app_context():
        upgrade()
        site = transact(data.site)
        for number in range(ARTICLES):
            transact(data.article, site, f"article-{number}", comments=COMMENTS // ARTICLES, votes=1)
        for size in WAITING:
            transact(_hold, size // ARTICLES or 1, size)
            db.session.execute(text("ANALYZE"))
            db.session.commit()
            found[f"queue page, {size:,} waiting, ms ({engine})"] = 1000 * min(_page(site) for _ in range(PAGES))
        found |= _bulk(app, site, engine, home, url)
    dispose(app)
    least, most = (found[f"queue page, {size:,} waiting, ms ({engine})"] for size in (WAITING[0], WAITING[-1]))
    found[f"queue page, 10,000 waiting / 100 ({engine})"] = most / least
    return found


def _hold(each: int, most: int) -> None:
    """Let the first comments of as many articles as it takes wait, so that so many wait in all."""
    for number in range(most // each):
        article = articles.get(articles.site("health").id, f"article-{number}")
        assert article is not None
        chosen = Comment.article_id == article.id, Comment.created < data.START + each * data.STEP
        run(update(Comment).where(*chosen).values(state=State.PENDING))
        counts = {"pending": each, "comments": COMMENTS // ARTICLES - each}
        run(update(Standing).where(Standing.article_id == article.id).values(counts))


def _page(site: articles.SiteView) -> float:
    db.session.rollback()
    began = time.perf_counter()
    moderation.queue(Filter((site.id,)))
    moderation.totals((site.id,))
    moderation.ageing((site.id,))
    return time.perf_counter() - began


@dataclass
class Served:
    """How long readers of one kind waited for each answer, in seconds, and how many were refused."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    def __str__(self) -> str:
        found = sorted(self.seconds)
        told = (statistics.median(found), found[int(len(found) * 0.99)], found[-1])
        return " / ".join(f"{1000 * each:.1f}" for each in told) + f" of {len(found):,}, {self.refused} refused"


def _bulk(app: Flask, site: articles.SiteView, engine: str, home: Path, url: str) -> dict[str, Any]:
    with serving(home, url, PORT):
        found = _told("before it", engine, _meanwhile(lambda: time.sleep(BEFORE)))
        given = {"before": now(), "reason": None, "who": Actor("Mo"), "now": now()}
        batch = transact(batches.begin, Filter((site.id,)), Action.APPROVE, **given).id
        found |= _until("bulk decision", batch, site, engine)
        transact(batches.undo_batch, batch, who=given["who"], site_ids=(site.id,))
        return found | _until("its undo", batch, site, engine)


def _until(what: str, batch: UUID, site: articles.SiteView, engine: str) -> dict[str, Any]:
    """Wait until the worker has done a batch, or undone it; return what that took, and what readers noticed."""

    def wait() -> None:
        while batches.get(batch, (site.id,)).progress in batches.GOING:
            time.sleep(LOOK)
            # A session keeps what it has read.
            db.session.remove()

    began = time.perf_counter()
    readers = _meanwhile(wait)
    row = batches.get(batch, (site.id,))
    found = {f"{what} over {row.undone or row.decided:,}, s ({engine})": time.perf_counter() - began}
    return found | _told(f"during {what}", engine, readers)


def _told(when: str, engine: str, readers: dict[str, Served]) -> dict[str, Any]:
    return {f"{kind} {when}, median / p99 / worst, ms ({engine})": str(served) for kind, served in readers.items()}


def _meanwhile(wait: Callable[[], None]) -> dict[str, Served]:
    """Let readers read and vote for as long as it takes."""
    over = Event()
    with ThreadPoolExecutor(2) as readers:
        going = {kind: readers.submit(_serve, request, over) for kind, request in (("read", _read), ("vote", _vote))}
        try:
            wait()
        finally:
            over.set()
    return {kind: each.result() for kind, each in going.items()}


def _serve(request: Callable[[], urllib.request.Request], over: Event) -> Served:
    served = Served()
    while not over.wait(PAUSE):
        asked, began = request(), time.perf_counter()
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                answer.read()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            served.refused += 1
        served.seconds.append(time.perf_counter() - began)
    return served


def _read() -> urllib.request.Request:
    return urllib.request.Request(f"http://127.0.0.1:{PORT}/api/v1/health/feedback?article=article-1")


def _vote() -> urllib.request.Request:
    """Return a new reader's vote, from a network of its own."""
    article, reader = f"article-{secrets.randbelow(ARTICLES)}", secrets.token_urlsafe(16)
    network = ".".join(str(secrets.randbelow(223) + 1) for _ in range(4))
    return urllib.request.Request(
        f"http://127.0.0.1:{PORT}/api/v1/health/vote",
        urlencode({"article": article, "reader": reader, "value": "yes"}).encode(),
        HEADERS | {"X-Forwarded-For": network},
    )
