"""Commands that keep what is stored: a copy of all of it, going back to one, comments by the present rules."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedback.cli.base import Commands, example, service

if TYPE_CHECKING:
    from flask import Flask

    from feedback.config import Settings

comments = Commands("comments", help="What readers wrote.")

FOLDER = click.Path(file_okay=False, path_type=Path)
BACKUP = click.Path(exists=True, dir_okay=False, path_type=Path)
GENTLE = 10  # added to the process's niceness: whom the service answers comes first
EVERY = 0.2  # seconds between two pictures of the progress
WIDTH = 60


class Progress:
    """One line that grows on a terminal; elsewhere a line for each thing that is begun."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.doing, self.shown, self.line = "", 0.0, ""

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        new = doing != self.doing
        if self.live and new:
            self.close()
        if self.live and (new or done == total or time.monotonic() - self.shown >= EVERY):
            self.line, self.shown = _line(doing, done, total), time.monotonic()
            click.echo(f"\r{self.line:<{WIDTH}}", nl=False, err=True)
        elif new:
            click.echo(f"{doing} …", err=True)
        self.doing = doing

    def close(self) -> None:
        if self.line:
            click.echo(err=True)
        self.line = ""


def _line(doing: str, done: int, total: int | None) -> str:
    if total:
        return f"{doing}: {100 * done // total} %"
    return f"{doing}: {_size(done)}" if done else f"{doing} …"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


@contextmanager
def progress() -> Iterator[Progress]:
    """Give the line that shows how far a command is."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.close()


@click.command()
@click.argument("folder", required=False, type=FOLDER)
@click.option("--erasures-only", is_flag=True, help="Only bring the list of erasures there up to date.")
@example("feedback backup /mnt/backups")
def backup(folder: Path | None, erasures_only: bool) -> None:
    """Copy all that is stored into one new file in FOLDER, while the service runs.

    FOLDER is FEEDBACK_BACKUPS unless you name another. Beside the backups lies the list of what was erased since;
    keep it with them. Settings and their secrets are not in a backup.
    """
    from feedback import clock
    from feedback.backup import ledger, taking

    began = time.monotonic()
    with service() as app, progress() as shown:
        settings: Settings = app.config["SETTINGS"]
        into = folder or settings.backup_folder
        if erasures_only:
            click.echo(f"Added {ledger.bring_up_to_date(into)} erasures to the list in {into}.")
            return
        os.nice(GENTLE)
        taken = taking.backup(settings.database_url, into, now=clock.now(), progress=shown)
    rows = sum(taken.manifest.rows.values())
    click.echo(f"{taken.path}: {rows:,} rows, {_size(taken.bytes)}, in {time.monotonic() - began:.1f} s.")


@click.command()
@click.argument("path", metavar="FILE", type=BACKUP)
@click.option("--replace", "over", is_flag=True, help="Set a database aside although it holds something newer.")
@click.option("--without-erasures", is_flag=True, help="Go without the list of erasures, if it is lost.")
@example("feedback restore /mnt/backups/feedback-20260504T090000Z.zip")
def restore(path: Path, over: bool, without_erasures: bool) -> None:
    """Put the backup FILE in the place of the database, once the service is stopped.

    Everything is checked, brought to this version and freed of what was erased since, before anything is replaced. The
    database that was there is set aside, and what brings it back is printed.
    """
    from feedback import clock, config
    from feedback.backup import restoring

    settings = config.load()
    wish = restoring.Wish(
        path,
        settings.database_url,
        lists=(path.parent, settings.backup_folder),
        home=settings.home,
        replace=over,
        without_erasures=without_erasures,
    )

    @contextmanager
    def opened(url: str) -> Iterator[Flask]:
        with service(replace(settings, database_url=url), ready=False) as app:
            yield app

    with progress() as shown:
        done = restoring.restore(wish, opened, now=clock.now(), progress=shown)
    rows = sum(done.manifest.rows.values())
    click.echo(f"Restored {rows:,} rows as of {done.manifest.taken[:19]}Z. Everybody on the staff signs in anew.")
    if done.erased:
        click.echo(f"Erased again: {done.erased} readers or comments.")
    if not done.adds_up:
        click.echo("Some figures do not equal their rows, as they did not then; see `feedback doctor`.", err=True)
    if done.undo:
        click.echo(f"What was there is set aside. To go back, stop the service and run:\n  {done.undo}")
        click.echo("Remove it once you are content: what readers erase from now on is still in it.")


@comments.command("rerender")
@example("feedback comments rerender")
def rerender() -> None:
    """Make the HTML of comments anew that an earlier version made, while the service runs; once after an update.

    The words stay as they were typed. What the present rules would refuse keeps the HTML that it had.
    """
    from feedback.comments import rerendering
    from feedback.db import db, transact

    made = refused = 0
    with service(), progress() as shown:
        total = rerendering.outdated()
        db.session.rollback()
        chunk = transact(rerendering.rerender, None)
        while chunk.last is not None:
            made, refused = made + chunk.made, refused + chunk.refused
            shown("making comments anew", made + refused, total)
            chunk = transact(rerendering.rerender, chunk.last)
    kept = f" {refused:,} would be refused today and stay as they were." if refused else ""
    click.echo(f"Made {made:,} {'comment' if made == 1 else 'comments'} anew.{kept}")
