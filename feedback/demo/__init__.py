"""`feedback demo`: the whole service with two months of readers in it, until Ctrl-C, and then gone without a trace.

The service runs as in production, on SQLite in a temporary folder. A site of three articles runs on another origin,
so that the widget crosses origins as it does in the world.
"""

import multiprocessing
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask import Flask, url_for

from feedback import clock, create_app, schema, serve
from feedback.config import Settings
from feedback.db import dispose
from feedback.views import desk

from .seed import SEED, outlines, seed
from .site import Page, create_site, pages
from .world import CAST, dates

HOST = "127.0.0.1"
LAST_PORT = 65_534  # the articles take the one after it
PROCESSES = 2
PASSWORD = "quiet health demo"  # opens a database of made-up readers, on this machine alone, until Ctrl-C
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH_SECONDS = 0.5  # between two looks at whether the service is still there


def run(port: int = 8000, *, number: int = SEED) -> None:
    """Seed and serve the demo on `port` and the articles on the next one, until SIGINT, SIGTERM or SIGHUP.

    `number` says which readers it has. Raises ClickException with one line where a port cannot be had.
    """
    if not 1 <= port <= LAST_PORT:
        raise click.ClickException(f"--port should be from 1 to {LAST_PORT}.")
    _listen(port).close()
    with _asked_to_stop() as stop, TemporaryDirectory(prefix="feedback-demo-") as home, _listen(port + 1) as listener:
        app = _service(Path(home))
        articles = _fill(app, port, number, stop)
        if not stop.is_set():
            with _site_beside(create_site(f"http://{HOST}:{port}", articles), listener):
                _serve(app, port, articles, stop)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be used ({os.strerror(error.errno or 0)}). Choose another with --port."
        ) from error


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Note a signal to stop, which is the end of the demo and not a failure, until the server listens for it."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _service(home: Path) -> Flask:
    from cryptography.fernet import Fernet

    settings = Settings(
        home=home,
        secret_keys=(secrets.token_urlsafe(32),),
        mail_keys=(Fernet.generate_key().decode(),),
        database_url=f"sqlite:///{home / 'feedback.sqlite3'}",
        workers=PROCESSES,
    )
    return create_app(settings)


def _fill(app: Flask, port: int, number: int, stop: threading.Event) -> list[Page]:
    """Make the tables and two months of readers, or as many days of them as there is time; return the articles."""
    from flask_security.utils import hash_password

    now = clock.now()
    origins = [f"http://{name}:{port + 1}" for name in (HOST, "localhost")]
    articles = pages(origins[0], dates(now.date()))
    with app.app_context():
        for _step in schema.upgrade():
            pass
        seed(
            articles,
            origins=origins,
            password_hash=hash_password(PASSWORD),
            now=now,
            number=number,
            walk=lambda days: _shown(days, stop),
        )
        outlines(create_site(f"http://{HOST}:{port}", articles), articles)
    dispose(app)
    return articles


def _shown(days: list[date], stop: threading.Event) -> Iterator[date]:
    with click.progressbar(days, label="Two months of readers") as bar:
        yield from takewhile(lambda _: not stop.is_set(), bar)


@contextmanager
def _site_beside(site: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve the articles in a process of their own, which ends with this one however this one ends."""
    process = multiprocessing.get_context("fork").Process(
        target=_serve_site, args=(site, listener, os.getpid()), name="feedback-demo-articles"
    )
    process.start()
    try:
        yield
    finally:
        process.kill()  # it holds nothing, and cannot miss this
        process.join()


def _serve_site(site: Flask, listener: socket.socket, parent: int) -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing: a line a request would bury the addresses."""

    # Ctrl-C reaches every process of a terminal; this one ends with its parent alone.
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    host, port = listener.getsockname()
    server = make_server(host, port, site, threaded=True, request_handler=Quiet, fd=listener.fileno())
    server.timeout = WATCH_SECONDS
    while os.getppid() == parent:
        server.handle_request()


def _serve(app: Flask, port: int, articles: list[Page], stop: threading.Event) -> None:
    welcome = _welcome(app, port, articles)

    def announce() -> None:
        # The server has set handlers of its own; a closed terminal should end the demo rather than reload it.
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        click.echo(welcome)
        if stop.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        serve.run(app, host=HOST, port=port, processes=PROCESSES, with_worker=True, announce=announce)
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used ({error.strerror}).") from error


def _welcome(app: Flask, port: int, articles: list[Page]) -> str:
    """Return where everything is and who can sign in."""
    with app.test_request_context(base_url=f"http://{HOST}:{port}"):
        rooms = {room.name: url_for(room.endpoint, _external=True) for room in desk.ROOMS}
        rooms["Sign in"] = url_for("account.sign_in", _external=True)
    lines = ["", "The demo is running. All of it is made up, and gone when you stop it.", ""]
    lines += [f"  {'Articles':<16}{articles[0].origin}/"]
    lines += [f"  {'':<16}{page.url}" for page in articles]
    lines += [f"  {name:<16}{url}" for name, url in rooms.items()]
    lines += ["", f"  {'Password':<16}{PASSWORD}"]
    lines += [f"  {account.name:<16}{account.email:<28}{account.task}" for account in CAST]
    return "\n".join([*lines, "", "Stop it with Ctrl-C."])
