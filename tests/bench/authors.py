"""What authors' pages ask of the database with 10,000 and with 1,000,000 votes on 10,000 articles over two years.

`python -m tests.bench.authors [sqlite|postgresql]` alone, or as a part of `python -m tests.bench`. A page is the rules
behind it; both are looked at by turns, and of many looks the best counts. The article that is looked at has 1,000 votes
both times. The goal is that no page costs more than 1.5 times as much.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from flask_migrate import upgrade
from sqlalchemy import text

from feedback import articles, create_app, staff, stats
from feedback.config import Settings
from feedback.db import db, dispose, transact
from feedback.models import Article, NoteStatus, Role
from feedback.stats import Asked, Period, Sort, Viewer, overview
from tests.bench import data, years
from tests.bench.serving import SECRET
from tests.postgres import Postgres

ARTICLES = 10_000
VOTES = (10_000, 1_000_000)
Found = TypeVar("Found")
LOOKS = 300  # of which the best one counts: other work on the machine comes and goes within some of them
MOST_SECONDS = 10.0  # for the looks at one page, both services together
FILLING, SERVING = -500_000, -2_000  # KiB of SQLite's cache; the second is its own default
ENGINES = ("sqlite", "postgresql")


def figures(folder: Path, engines: tuple[str, ...] = ENGINES) -> dict[str, Any]:
    found: dict[str, Any] = {}
    homes = [folder / "few", folder / "many"]
    if "sqlite" in engines:
        found |= _measured("sqlite", {home: f"sqlite:///{home}.sqlite3" for home in homes})
    if "postgresql" in engines:
        with Postgres(autovacuum="on", shared_buffers="128MB") as postgres:
            for home in homes:
                postgres.sql(f"CREATE DATABASE {home.name}")
            found |= _measured("postgresql", {home: postgres.url(home.name) for home in homes})
    return found


def _measured(engine: str, urls: dict[Path, str]) -> dict[str, Any]:
    """Look at every page with few and with many votes by turns, so that what slows the machine slows both."""
    few, many = (_Service(home, url, votes) for (home, url), votes in zip(urls.items(), VOTES, strict=True))
    costs = {name: _best(few, many, name) for name in few.pages}
    found: dict[str, Any] = {}
    for service in (few, many):
        found[f"adding up a site's days, {service.votes:,} votes, s ({engine})"] = service.do(service.add_up)
        service.end()
    for name, (less, more) in costs.items():
        found[f"{name}, ms at {few.votes:,} / {many.votes:,} votes ({engine})"] = (
            f"{less * 1000:.2f} / {more * 1000:.2f}"
        )
        found[f"{name}, ratio ({engine})"] = more / less
    worst = max(costs, key=lambda name: costs[name][1] / costs[name][0])
    found[f"authors' pages, worst ratio ({engine}): {worst}"] = costs[worst][1] / costs[worst][0]
    return found


class _Service:
    """An app with so many votes, in a context of its own that stays open, so that two can be asked by turns."""

    def __init__(self, home: Path, url: str, votes: int) -> None:
        home.mkdir(exist_ok=True)
        self.votes = votes
        self.app = create_app(Settings(home=home, secret_keys=(SECRET,), database_url=url))
        self._context = copy_context()
        self._pushed = self.app.app_context()
        self.do(self._pushed.push)
        self.pages: dict[str, Callable[[], Any]] = self.do(self._filled)

    def do(self, what: Callable[[], Found]) -> Found:
        return self._context.run(what)

    def _filled(self) -> dict[str, Callable[[], Any]]:
        upgrade()
        site = transact(data.site)
        ann = transact(staff.add_user, "ann@example.org", name="Ann", password_hash="", now=data.START).id
        ids = transact(years.articles_of, site, ARTICLES, ann)
        _cache(FILLING)
        transact(years.fill, site, ids, self.votes)
        _cache(SERVING)
        _settle()
        return _pages(site, ann)

    def add_up(self) -> float:
        began = time.perf_counter()
        overview.count(years.TODAY)
        took = time.perf_counter() - began
        db.session.rollback()
        return took

    def look(self, name: str) -> float:
        """Return how many seconds the page takes."""
        db.session.rollback()
        db.session.expunge_all()
        began = time.perf_counter()
        self.pages[name]()
        return time.perf_counter() - began

    def end(self) -> None:
        self.do(self._pushed.pop)
        dispose(self.app)


def _pages(site: articles.SiteView, ann: Any) -> dict[str, Callable[[], Any]]:
    """Return what each page asks for, by its name."""
    ada = Viewer(site.id, frozenset({Role.ADMINISTRATOR}), None)
    author = Viewer(site.id, frozenset({Role.AUTHOR}), ann)
    pages: dict[str, Callable[[], Any]] = {}
    for name, viewer in (("all articles", ada), ("an author's articles", author)):
        for sort in Sort:
            pages[f"{name}, {sort.value}"] = lambda viewer=viewer, sort=sort: stats.listing(viewer, sort=sort)
        pages[f"{name}, second page"] = lambda viewer=viewer: stats.listing(
            viewer, sort=Sort.VOTES, cursor=stats.listing(viewer, sort=Sort.VOTES).next
        )
        pages[f"{name}, a search"] = lambda viewer=viewer: stats.listing(viewer, words="about 0012")
        pages[f"{name}, a search among those without votes"] = lambda viewer=viewer: stats.unvoted(
            viewer, words="0012", most=stats.MOST_UNVOTED + 1
        )
    pages |= _of_one_article(author)
    pages["overview"] = lambda: overview.overview(ada, today=years.TODAY.date())
    pages["articles without votes"] = lambda: overview.without_votes(ada)
    return pages


def _of_one_article(author: Viewer) -> dict[str, Callable[[], Any]]:
    """Return what the parts of an article's page ask for, all in all and narrowed."""
    first, second = (day.isoformat() for day in years.EDITIONS)
    filters = {
        "in a period": Asked(Period(years.EDITIONS[1], years.EDITIONS[1] + timedelta(days=90))),
        "of a revision": Asked(revision=first),
        "for a reason": Asked(reason=years.REASONS[0]),
        "at a section": Asked(section=years.SECTIONS[0]),
    }

    def opened() -> Article:
        return stats.open_article(author, "page-00000")

    pages: dict[str, Callable[[], Any]] = {
        "one article": lambda: stats.article(opened()),
        "one article, two revisions compared": lambda: stats.article(opened(), pair=(first, second)),
        "one article, days that stand out": lambda: stats.bursts(opened()),
        "one article, comments": lambda: stats.below(opened()),
        "one article, notes": lambda: stats.notes(opened()),
        "one article, notes with a word": lambda: stats.notes(opened(), words="dose"),
        "one article, notes that are done": lambda: stats.notes(opened(), status=NoteStatus.DONE),
    }
    for name, asked in filters.items():
        pages[f"one article {name}"] = lambda asked=asked: stats.article(opened(), asked=asked)
        pages[f"one article, notes {name}"] = lambda asked=asked: stats.notes(opened(), asked=asked)
    return pages


def _cache(size: int) -> None:
    """Set how much SQLite keeps in memory: a million rows in the order in which readers come touch every page."""
    if db.engine.dialect.name == "sqlite":
        db.session.rollback()
        db.session.connection().exec_driver_sql(f"PRAGMA cache_size = {size}")
        db.session.rollback()


def _settle() -> None:
    """Give PostgreSQL's planner the figures that it has in use; SQLite plans without any, as it does there."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _best(few: _Service, many: _Service, name: str) -> tuple[float, float]:
    """Return the seconds of the best look at the page with few and with many votes."""
    less = more = float("inf")
    until = time.monotonic() + MOST_SECONDS
    for _ in range(LOOKS):
        less = min(less, few.do(lambda: few.look(name)))
        more = min(more, many.do(lambda: many.look(name)))
        if time.monotonic() > until:
            break
    return less, more


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, value in figures(Path(folder), tuple(sys.argv[1:]) or ENGINES).items():
            print(f"{name:78}  {value:.3f}" if isinstance(value, float) else f"{name:78}  {value}", flush=True)
