"""The moderators' queue among 100,000 comments, on both engines: a page of it, and a bulk decision while readers read.

A page is what the rules ask of the database for it: the comments in their context, the numbers on the tabs, how long
comments wait. The best of twenty counts. The bulk decision is made by the worker beside a real server.
"""

import statistics
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text, update

from feedback import articles, create_app, moderation
from feedback.clock import now
from feedback.config import Settings
from feedback.db import db, dispose, run, transact
from feedback.models import Comment, Progress, Standing, State
from feedback.moderation import Action, Filter, batches
from feedback.staff import Actor
from tests.bench import data
from tests.bench.serving import SECRET, serving
from tests.postgres import Postgres

ARTICLES = 1_000
COMMENTS = 100_000
WAITING = (100, 1_000, 10_000)
PORT = 8792
PAUSE = 0.01  # seconds between two reads while the bulk decision is made
BEFORE = 200  # reads before it, to compare with


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
            found[f"queue page, {size:,} waiting, ms ({engine})"] = 1000 * min(_page(site) for _ in range(20))
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


def _bulk(app: Flask, site: articles.SiteView, engine: str, home: Path, url: str) -> dict[str, Any]:
    read = f"http://127.0.0.1:{PORT}/api/v1/health/feedback?article=article-1"
    with serving(home, url, PORT):
        quiet = [_seconds(read) for _ in range(BEFORE)]
        given = {"before": now(), "reason": None, "who": Actor("Mo"), "now": now()}
        began = time.perf_counter()
        row = transact(batches.begin, Filter((site.id,)), Action.APPROVE, **given)
        busy = list(_until_done(read, row.id, site))
        took = time.perf_counter() - began
    decided = batches.get(row.id, (site.id,)).decided
    return {
        f"bulk decision over {decided:,}, s ({engine})": took,
        f"read before it, median / worst of {len(quiet)}, ms ({engine})": _told(quiet),
        f"read during it, median / worst of {len(busy)}, ms ({engine})": _told(busy),
    }


def _until_done(read: str, batch_id: Any, site: articles.SiteView) -> Iterator[float]:
    while True:
        yield _seconds(read)
        time.sleep(PAUSE)
        db.session.rollback()
        if batches.get(batch_id, (site.id,)).progress is Progress.DONE:
            return


def _seconds(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=10) as answer:
        answer.read()
    return time.perf_counter() - began


def _told(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.1f} / {1000 * max(seconds):.1f}"
