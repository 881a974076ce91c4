"""Commands that set the service up, run it and look after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

import click

from feedback.cli.base import Commands, example, fail, require, service, table
from feedback.origins import parse_origin

if TYPE_CHECKING:
    from feedback.config import Settings

LOCAL_URL = "http://127.0.0.1:8000"  # where `serve` answers unless told otherwise


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port of the service; the articles are on the next one.")
@example("feedback demo --port 8000")
def demo(port: int) -> None:
    """Show everything at work, with made-up readers, until Ctrl-C.

    Starts the service on one origin and three article pages on another, in a temporary folder that goes at the end.
    """
    from feedback.demo import run

    run(port)


@click.command()
@click.option("--site", "slug", metavar="SLUG", help="Short name of the first site, as article pages will give it.")
@click.option("--origin", "origins", metavar="URL", multiple=True, help="Where the site's pages come from; repeatable.")
@click.option("--url", metavar="OWN-URL", help="Address readers reach this service at; may be left out.")
@click.option("--email", metavar="E", help="E-mail address of the first administrator.")
@click.option("--password-file", metavar="F", type=click.File(), help="File with the password; - reads standard input.")
@example(
    "feedback init --site health --origin https://www.example.org --url https://feedback.example.org \\",
    "    --email ada@example.org --password-file password.txt",
)
def init(slug: str | None, origins: tuple[str, ...], url: str | None, email: str | None, password_file: Any) -> None:
    """Set the service up: settings with fresh secrets, the database, the first site and its administrator.

    Settings are written to FEEDBACK_HOME (./instance by default), along with those that stand in the environment, so
    that FEEDBACK_DATABASE_URL chooses PostgreSQL. On a terminal it asks for what is not given.
    """
    from feedback import clock, create_app, forms, schema, setup
    from feedback.db import dispose, transact

    if (path := setup.home(os.environ) / "settings.toml").exists():
        fail(f"{path} is there already, and was left as it is. Set up elsewhere with FEEDBACK_HOME.")
    slug = _given(slug, "--site", "Short name of your site (small letters, digits, hyphens)", _slug)
    origin = _given(" ".join(origins), "--origin", "Where its pages come from (https://www.example.org)", _origins)
    email = _given(email, "--email", "Your e-mail address", forms.email)
    password = _password(password_file, email, slug)
    values = setup.fresh(os.environ, url)
    settings = setup.check(values, os.environ)
    with setup.written(values, settings.home) as path:
        app = create_app(settings)
        try:
            with app.app_context():
                for step in schema.upgrade():
                    click.echo(f"Made: {step.title}")
                first = setup.First(slug, tuple(origin.split()), email, hashed(password))
                transact(setup.begin, first, now=clock.now())
        finally:
            dispose(app)
    _welcome(settings, slug, str(path))


def _slug(value: str) -> str:
    from feedback import articles

    if not articles.SLUG.fullmatch(value):
        raise ValueError("A slug has small letters, digits and hyphens, at most 64.")
    return value


def _origins(value: str) -> str:
    return " ".join(parse_origin(each) for each in value.split())


def _given(value: str | None, option: str, question: str, read: Callable[[str], str]) -> str:
    """Return the value of an option, checked, or ask for it on a terminal."""
    if value:
        try:
            return read(value)
        except ValueError as error:
            raise click.UsageError(f"{option}: {error}") from error
    if not sys.stdin.isatty():
        raise click.UsageError(f"{option} is missing, and there is no terminal to ask on.")
    return str(click.prompt(question, value_proc=_asked(read)))


def _asked(read: Callable[[str], str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            return read(value)
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    return check


def _password(file: TextIO | None, *about: str) -> str:
    if file is not None:
        return password_in(file, *about)
    if not sys.stdin.isatty():
        raise click.UsageError("--password-file is missing, and there is no terminal to ask on.")
    return str(
        click.prompt("A password (12 to 128 characters)", hide_input=True, confirmation_prompt=True,
                     value_proc=_asked(lambda value: acceptable(value, *about)))
    )  # fmt: skip


def password_in(file: TextIO, *about: str) -> str:
    """Return the password a file holds. Ends with a sentence where it will not do; `about` says whose it is."""
    try:
        return acceptable(file.read().rstrip("\r\n"), *about)
    except ValueError as error:
        raise click.UsageError(f"--password-file: {error}") from error


def acceptable(password: str, *about: str) -> str:
    """Return the password where it will do; raises ValueError with a sentence."""
    from feedback import passwords

    passwords.check(password, about)
    return password


def hashed(password: str) -> str:
    """Return the hash of a password as sign-in expects it."""
    from flask_security.utils import hash_password

    from feedback.views.account import normal

    return str(hash_password(normal(password)))


def snippet(settings: Settings, slug: str) -> str:
    """Return the two lines that a page needs."""
    from feedback import articles

    return articles.snippet(slug, settings.public_url or LOCAL_URL)


def _welcome(settings: Settings, slug: str, path: str) -> None:
    click.echo(f"\nSettings are in {path}. Keep them: without them nobody stays signed in.\n")
    click.echo("Paste these two lines where readers reach the end of an article:\n")
    click.echo(f"{snippet(settings, slug)}\n")
    start = "feedback serve"
    click.echo(f"Start the service with `{start}` and sign in at {settings.public_url or LOCAL_URL}/account/sign-in.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Server processes; FEEDBACK_WORKERS otherwise.")
@click.option("--no-worker", is_flag=True, help="Leave what is due by itself to a `feedback worker` elsewhere.")
@example("feedback serve --port 8000 --workers 2")
def serve(host: str, port: int, workers: int | None, no_worker: bool) -> None:
    """Run the service, and the worker beside it, until SIGTERM or Ctrl-C.

    Requests in flight are answered before it ends.
    """
    from feedback import schema
    from feedback import serve as server

    with service(ready=False) as app:
        require(schema.missing())
    settings: Settings = app.config["SETTINGS"]
    if not settings.limits:
        click.echo("Warning: FEEDBACK_LIMITS is off. Nothing limits how much anybody sends.", err=True)
    shown = f"[{host}]" if ":" in host else host
    server.run(
        app,
        host=host,
        port=port,
        processes=workers or settings.workers,
        with_worker=not no_worker,
        announce=lambda: click.echo(f"Serving on http://{shown}:{port}"),
    )


@click.command()
@click.option("--once", is_flag=True, help="Do what is due and end, for cron.")
@example("feedback worker --once")
def worker(once: bool) -> None:
    """Do what is due by itself: deliver mail, forget networks after 48 hours, fit what authors' lists are ordered by.

    `feedback serve` runs one beside it, so that you need this only where servers run with --no-worker.
    """
    from feedback import logs
    from feedback import worker as work

    with service() as app:
        if once:
            if not work.once(app):
                fail("Not everything could be done; the lines above say why.")
            return
    logs.begin()
    work.run(app)


database = Commands("db", help="Bring the tables of the database to this version, or back.")


@database.command()
@example("feedback db upgrade")
def upgrade() -> None:
    """Apply the migrations that the database has yet to see."""
    from feedback import schema

    with service(ready=False):
        for step in schema.upgrade():
            click.echo(f"{step.revision}  {step.title}")
        click.echo(f"The database is up to date ({schema.current()}).")


@database.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
@example("feedback db downgrade base")
def downgrade(revision: str, yes: bool) -> None:
    """Take migrations back, down to REVISION; what their tables held is lost.

    REVISION is one that `feedback db check` names, or `base` for none.
    """
    from feedback import schema

    if not yes:
        click.confirm(f"Go down to {revision}, and lose what the tables above it hold?", abort=True)
    with service(ready=False):
        schema.downgrade(revision)
        click.echo(f"The database is at {schema.current() or 'base: it has no tables'}.")


@database.command()
@example("feedback db check")
def check() -> None:
    """Say whether the tables are those of this version."""
    from feedback import schema

    with service(ready=False):
        missing = schema.missing()
        for step in missing:
            click.echo(f"missing  {step.revision}  {step.title}")
        require(missing)
        click.echo(f"The database is up to date ({schema.current()}).")


@click.command()
@example("feedback doctor")
def doctor() -> None:
    """List every setting, look at settings, tables, database and limits store, and say what to mend."""
    from feedback import clock
    from feedback import doctor as look

    with service(ready=False) as app:
        table(list(look.listing(app.config["SETTINGS"], os.environ)))
        click.echo()
        found = list(look.findings(app, now=clock.now()))
    marks = {True: "ok", False: "MEND", None: "note"}
    table([(marks[finding.good], finding.about, finding.sentence) for finding in found])
    if any(finding.good is False for finding in found):
        sys.exit(1)
