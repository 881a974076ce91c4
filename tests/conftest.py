"""The test bed: real databases made by the real migrations once and copied for each test, and a fixed cast.

Every test that asks for a database runs twice, on SQLite and on PostgreSQL. Only the clock is ever faked.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_security.utils import hash_password

from feedback import articles, create_app, votes
from feedback import clock as real_clock
from feedback.config import Settings
from feedback.db import db, dispose, transact
from feedback.models import Article, Role, Site
from tests import compiled
from tests.cast import ORIGIN, PASSWORD, SLUG, Client, Reader, Staff, hire, registration
from tests.databases import Databases
from tests.postgres import Postgres

pytest_plugins = ["tests.presence", "tests.server", "tests.publisher", "tests.faults.drills"]

SECRET = "only-the-tests-sign-with-this-key"
TEMPLATE = "feedback_template"

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)  # when readers vote where a test does not say

_numbers = count(1)


def settings(home: Path, database_url: str, **changes: Any) -> Settings:
    return Settings(home=home, database_url=database_url, **{"secret_keys": (SECRET,), "limits": False, **changes})


def migrate(home: Path, database_url: str) -> None:
    """Make the tables as `feedback db upgrade` makes them."""
    from flask_migrate import upgrade

    app = create_app(settings(home, database_url))
    with app.app_context():
        upgrade()
    dispose(app)


# Databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    path = folder / "feedback.sqlite3"
    migrate(folder, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    postgres.sql(f"CREATE DATABASE {TEMPLATE}")
    migrate(tmp_path_factory.mktemp("template"), postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def databases(postgres: Postgres, postgres_template: str) -> Databases:
    return Databases(postgres, postgres_template)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of this test's database."""
    return str(request.param)


@pytest.fixture
def empty_database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test alone, without a table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    else:
        yield from fresh_database(request.getfixturevalue("postgres"), "template0")


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test alone, as the migrations make it."""
    if engine == "sqlite":
        path = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "feedback.sqlite3")
        yield f"sqlite:///{path}"
    else:
        with request.getfixturevalue("databases").one() as name:
            yield request.getfixturevalue("postgres").url(name)


def fresh_database(postgres: Postgres, template: str) -> Iterator[str]:
    """Give a database that no test had before, and remove it."""
    name = f"test_{next(_numbers)}"
    postgres.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield postgres.url(name)
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")


# The service


@pytest.fixture
def make_app(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Build an app on this test's database with settings of the test's choice."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        app = create_app(settings(tmp_path, database_url, **changes))
        app.testing = True
        app.extensions["writers_place"].room = 100  # Tests write in more threads than a server has.
        app.test_client_class = Client
        compiled.share(app)
        made.append(app)
        return app

    yield make
    for app in made:
        dispose(app)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The service with the limits off."""
    return make_app()


@pytest.fixture
def limited_app(make_app: Callable[..., Flask]) -> Flask:
    """The service on the same database with the limits on: `rae.at(limited_app)`."""
    return make_app(limits=True)


@pytest.fixture
def connect(app: Flask) -> Callable[[], Any]:
    """Open a client with a cookie jar of its own."""
    return app.test_client


@pytest.fixture
def client(connect: Callable[[], Any]) -> Any:
    return connect()


@pytest.fixture
def do(app: Flask) -> Callable[..., Any]:
    """Run a rule in one write transaction: `do(articles.register, site.id, …, now=…)`."""

    def run(rule: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with app.app_context():
            return transact(rule, *args, **kwargs)

    return run


@pytest.fixture
def ask(app: Flask) -> Callable[..., Any]:
    """Call something that only reads: `ask(articles.site, "health")`."""

    def call(question: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with app.app_context():
            return question(*args, **kwargs)

    return call


@pytest.fixture
def rows(app: Flask) -> Callable[..., list[Any]]:
    """Read the first column of a select, in a transaction of its own: `rows(select(Vote))`."""

    def read(select: Any) -> list[Any]:
        with app.app_context():
            return list(db.session.execute(select).scalars())

    return read


@pytest.fixture
def cast(do: Callable[..., Any], ask: Callable[..., Any], site: Site) -> Callable[..., None]:
    """Cast votes by the rule that serves readers, each of another reader: `cast(article, yes=3, no=1)`."""
    view = ask(articles.site, site.slug)

    def run(article: Article, *, yes: int = 0, no: int = 0, at: datetime = NOON, **more: Any) -> None:
        page = articles.Page(view, article.key, article.title, article.url)

        def all_of_them() -> None:
            for value in [votes.Choice.YES] * yes + [votes.Choice.NO] * no:
                reader = next(_numbers).to_bytes(32, "big")
                votes.cast(votes.Ballot(page, reader, value, **more), now=at)

        do(all_of_them)

    return run


class Clock:
    """The faked clock: it stands still until a test moves it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> datetime:
        """Move on, `clock.forward(hours=1)`, or back with a negative number; return what it shows then."""
        self.moment += timedelta(**by)
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Monday, 4 May 2026, nine in the morning, until the test moves it."""
    faked = Clock(datetime(2026, 5, 4, 9, tzinfo=UTC))
    monkeypatch.setattr(real_clock, "now", faked)
    return faked


# The site, its article, the cast


@pytest.fixture
def site(do: Callable[..., Any], clock: Clock) -> Site:
    row: Site = do(articles.add_site, SLUG, origins=[ORIGIN], name="Quiet Health", now=clock())
    return row


@pytest.fixture
def article(do: Callable[..., Any], site: Site) -> Article:
    """The registered article, by Ann, reviewed by Rex."""
    row, _created = do(articles.register, site.id, registration(site), now=real_clock.now())
    return row  # type: ignore[no-any-return]


@pytest.fixture
def poll(do: Callable[..., Any], ask: Callable[..., Any], site: Site) -> Callable[..., list[bytes]]:
    """Have as many readers vote, by the rule that serves them: `poll(article, yes=3, no=1, at=…, note="Why?")`."""
    view, readers = ask(articles.site, site.slug), count(1)

    def run(article: Article, *, yes: int = 0, no: int = 0, at: datetime | None = None, **more: Any) -> list[bytes]:
        page, cast = articles.Page(view, article.key), [votes.Choice.YES] * yes + [votes.Choice.NO] * no
        ballots = [votes.Ballot(page, next(readers).to_bytes(32, "big"), value, **more) for value in cast]
        now = at or real_clock.now()
        do(lambda: [votes.cast(ballot, now=now) for ballot in ballots])
        return [ballot.reader for ballot in ballots]

    return run


@pytest.fixture
def rae(connect: Callable[[], Any], site: Site) -> Reader:
    return Reader(connect(), site, "rae-reads-rae-reads-ra", "192.0.2.10", site.origins[0])


@pytest.fixture
def stan(connect: Callable[[], Any], site: Site) -> Reader:
    return Reader(connect(), site, "stan-stan-stan-stan-st", "198.51.100.20", site.origins[0])


_hashes: dict[str, str] = {}


@pytest.fixture
def password_hash(app: Flask) -> str:
    """The cast's password, hashed as the service hashes it, once for all tests."""
    if not _hashes:
        with app.app_context():
            _hashes["cast"] = hash_password(PASSWORD)
    return _hashes["cast"]


@pytest.fixture
def new_hire(app: Flask, connect: Callable[[], Any], site: Site, password_hash: str) -> Callable[[str, Role], Staff]:
    """Make an account on the site: `new_hire("Ada", Role.ADMINISTRATOR)`."""
    return lambda name, role: hire(app, connect, site, name, role, password_hash)


@pytest.fixture
def ann(new_hire: Callable[[str, Role], Staff]) -> Staff:
    return new_hire("Ann", Role.AUTHOR)


@pytest.fixture
def rex(new_hire: Callable[[str, Role], Staff]) -> Staff:
    return new_hire("Rex", Role.REVIEWER)


@pytest.fixture
def mo(new_hire: Callable[[str, Role], Staff]) -> Staff:
    return new_hire("Mo", Role.MODERATOR)


@pytest.fixture
def ada(new_hire: Callable[[str, Role], Staff]) -> Staff:
    return new_hire("Ada", Role.ADMINISTRATOR)
