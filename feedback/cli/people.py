"""Commands about who may do what: accounts with their roles, and the tokens of machines."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import click

from feedback.cli.base import ROLES, Commands, example, find_site, service, table
from feedback.cli.running import hashed, password_in

if TYPE_CHECKING:
    from feedback.models import User

user = Commands("user", help="Staff accounts and what each may do on which site.")
token = Commands("token", help="Bearer tokens for machines; each belongs to one site and has one role.")

ROLE = click.Choice(ROLES)
PASSWORD: dict[str, Any] = {
    "metavar": "F",
    "type": click.File(),
    "help": "File with the password; - reads standard input.",
}


def _user(email: str) -> User:
    from feedback import staff
    from feedback.errors import Missing

    found = staff.find_user(email)
    if found is None:
        raise Missing(f"There is no account of {email}. `feedback user list` names all.")
    return found


@user.command("add")
@click.argument("email")
@click.option("--role", type=ROLE, required=True, help="What the person may do; an administrator may do all.")
@click.option("--site", "slug", metavar="SLUG", required=True, help="Where.")
@click.option("--password-file", required=True, **PASSWORD)
@click.option("--name", default="", help="Name that colleagues see.")
@example("feedback user add mo@example.org --role moderator --site health --password-file password.txt")
def add_user(email: str, role: str, slug: str, password_file: TextIO, name: str) -> None:
    """Add an account with one role on one site; `feedback user change` adds further ones."""
    from feedback import clock, forms, staff
    from feedback.db import transact
    from feedback.models import Role

    with service():
        fields = (forms.Field("email", forms.email, required=True), forms.Field("name", forms.name))
        given = forms.read(fields, {"email": email, "name": name})
        where, password_hash = find_site(slug), hashed(password_in(password_file, email, name, slug))
        transact(
            staff.hire, where, Role(role), email=given["email"], name=given["name"], password_hash=password_hash,
            now=clock.now(),
        )  # fmt: skip
    click.echo(f"Added {given['email']}, {role} of {slug}.")


@user.command("list")
@click.option("--site", "slug", metavar="SLUG", help="Only who has a role there.")
@example("feedback user list --site health")
def list_users(slug: str | None) -> None:
    """List accounts with their roles."""
    from feedback import staff

    with service():
        roles: dict[tuple[str, str, str], list[str]] = {}
        for row in staff.people(find_site(slug).id if slug else None):
            account = (row.email, row.name, "yes" if row.active else "no")
            roles.setdefault(account, []).append(f"{row.role} of {row.slug}" if row.role else "none")
    table([("E-MAIL", "NAME", "ACTIVE", "ROLES"), *[(*account, ", ".join(held)) for account, held in roles.items()]])


@user.command("change")
@click.argument("email")
@click.option("--role", type=ROLE, help="A further role, on the site of --site.")
@click.option("--site", "slug", metavar="SLUG", help="Where the further role holds.")
@click.option("--password-file", **PASSWORD)
@click.option("--active/--inactive", default=None, help="Whether the person may sign in and their tokens work.")
@click.option("--reset-second-factor", "reset", is_flag=True, help="Forget it, for somebody whose phone is gone.")
@example("feedback user change mo@example.org --role author --site health")
def change_user(
    email: str, role: str | None, slug: str | None, password_file: TextIO | None, active: bool | None, reset: bool
) -> None:
    """Give an account a further role, a new password, or put it to sleep. A new password ends its sessions."""
    from feedback import second_factor, staff
    from feedback.db import transact
    from feedback.models import Role

    if bool(role) != bool(slug):
        raise click.UsageError("--role and --site go together.")
    with service():
        person = _user(email)
        password_hash = hashed(password_in(password_file, email)) if password_file else None
        if role and slug:
            transact(staff.join, person, find_site(slug), Role(role))
        if password_hash:
            transact(staff.set_password, person.id, password_hash)
        if reset:
            transact(second_factor.turn_off, person.id)
        if active is not None:
            transact(staff.set_active, person.id, active)
    click.echo(f"Changed {person.email}.")


@user.command("remove")
@click.argument("email")
@click.option("--role", type=ROLE, help="Take only this role, on the site of --site.")
@click.option("--site", "slug", metavar="SLUG", help="Where the role is taken.")
@example("feedback user remove mo@example.org --role author --site health")
def remove_user(email: str, role: str | None, slug: str | None) -> None:
    """Remove an account with its tokens, or take one role from it. The history keeps the person's name."""
    from feedback import staff
    from feedback.db import transact
    from feedback.models import Role

    if bool(role) != bool(slug):
        raise click.UsageError("--role and --site go together.")
    with service():
        person = _user(email)
        if role and slug:
            transact(staff.leave, person, find_site(slug), Role(role))
        else:
            transact(staff.dismiss, person.id)
    click.echo(f"{person.email} is no {role} of {slug} any more." if role else f"Removed {person.email}.")


# Tokens


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else moment.strftime("%Y-%m-%d")


@token.command("add")
@click.argument("site_slug", metavar="SITE")
@click.option("--role", type=ROLE, required=True, help="What the token may do.")
@click.option("--user", "email", metavar="EMAIL", help="Whose articles an author's or reviewer's token sees.")
@click.option("--name", default="", help="What it is for; shown in lists and in the history.")
@example('feedback token add health --role moderator --name "Night shift bot"')
def add_token(site_slug: str, role: str, email: str | None, name: str) -> None:
    """Make a token and print it, alone. It is shown this once."""
    from feedback import clock, forms, staff
    from feedback.db import transact
    from feedback.models import Role

    with service():
        given = forms.read((forms.Field("name", forms.name),), {"name": name})
        person = _user(email) if email else None
        where = find_site(site_slug)
        click.echo(transact(staff.issue_token, where, Role(role), user=person, name=given["name"], now=clock.now()))


@token.command("list")
@click.argument("site_slug", metavar="SITE")
@example("feedback token list health")
def list_tokens(site_slug: str) -> None:
    """List a site's tokens, newest first; what they were is not kept."""
    from feedback import staff

    with service():
        rows = [
            (str(row.id), row.name, row.role.value, _day(row.created), _day(row.last_used), _day(row.revoked))
            for row in staff.tokens(find_site(site_slug).id)
        ]
    table([("ID", "NAME", "ROLE", "MADE", "LAST USED", "REVOKED"), *rows])


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
@example("feedback token revoke 019a2f3e-5c1b-7d2e-8f00-1b2c3d4e5f60")
def revoke_token(token_id: UUID) -> None:
    """Make a token useless from now on. `feedback token list` names the ids."""
    from feedback import clock, staff
    from feedback.db import transact

    with service():
        row = transact(staff.revoke_token, token_id, now=clock.now())
    click.echo(f"Revoked {row.name}.")
