"""What every command shares: one line for each thing that goes wrong, an example in each help, the service itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from flask import Flask

    from feedback.config import Settings
    from feedback.models import Site

F = TypeVar("F", bound=Callable[..., Any])

ROLES = ("administrator", "moderator", "author", "reviewer")
EXAMPLE = "\b\nExample:\n"


class Commands(click.Group):
    """A group whose commands are listed in the order given, and whose failures are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(2)
        except click.UsageError as error:
            fail(f"{error.format_message()}{_help(error.ctx)}", status=2)
        except click.ClickException as error:
            fail(error.format_message())
        except (click.Abort, KeyboardInterrupt):
            fail("Stopped.", status=130)
        except Exception as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            fail(sentence)


def fail(sentence: str, *, status: int = 1) -> NoReturn:
    """Say in one line what went wrong, and end."""
    click.echo(f"feedback: {' '.join(sentence.split())}", err=True)
    sys.exit(status)


def _help(ctx: click.Context | None) -> str:
    return f" See {ctx.command_path} --help." if ctx is not None else ""


def _sentence(error: Exception) -> str | None:
    """Return what to tell of a failure that has words for it; None of one that is a fault in this program."""
    from feedback.config import BadSetting
    from feedback.errors import Invalid, Refused

    if isinstance(error, Invalid):
        return " ".join(f"{name}: {each}" for name, sentences in error.errors.items() for each in sentences)
    if isinstance(error, Refused):
        return error.detail
    if isinstance(error, BadSetting):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}"
    return _of_database(error)


def _of_database(error: Exception) -> str | None:
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, DBAPIError):
        return None
    return f"The database says: {str(error.orig).strip().splitlines()[0]}. `feedback doctor` says more."


def example(*lines: str) -> Callable[[F], F]:
    """Put an example of its use under a command's help."""

    def add(function: F) -> F:
        shown = "\n".join(f"  {line}" for line in lines)
        function.__doc__ = f"{function.__doc__}\n\n{EXAMPLE}{shown}\n"
        return function

    return add


@contextmanager
def service(settings: Settings | None = None, *, ready: bool = True) -> Iterator[Flask]:
    """Give the service's app context, and close its connections at the end. `ready`: only on an up-to-date schema."""
    from feedback import create_app, schema
    from feedback.db import dispose

    app = create_app(settings)
    try:
        with app.app_context():
            if ready:
                require(schema.missing())
            yield app
    finally:
        dispose(app)


def require(missing: list[Any]) -> None:
    """End where migrations are missing, saying the command that applies them."""
    if missing:
        steps = "1 migration is" if len(missing) == 1 else f"{len(missing)} migrations are"
        fail(f"The database is out of date: {steps} missing. Run `feedback db upgrade`.")


def find_site(slug: str) -> Site:
    """Return the row of a site. Raises Missing, saying what names all."""
    from feedback import articles
    from feedback.errors import Missing

    found = articles.find_site(slug)
    if found is None:
        raise Missing(f"There is no site called “{slug}”. `feedback site list` names all.")
    return found


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
