"""Commands that add, list, change and remove: sites, articles, people, tokens."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import click

from feedback.cli.base import ROLES, Commands, example, service, table
from feedback.cli.running import hashed, password_in, snippet

if TYPE_CHECKING:
    from feedback.articles import Byline, Registration
    from feedback.models import Article, Site, User
    from feedback.sync import Report

site = Commands("site", help="The sites whose articles ask their readers.")
article = Commands("article", help="The articles of a site, and who wrote and reviewed them.")
user = Commands("user", help="Staff accounts and what each may do on which site.")
token = Commands("token", help="Bearer tokens for machines; each belongs to one site and has one role.")

ROLE = click.Choice(ROLES)
PEOPLE: dict[str, Any] = {"metavar": "NAME[:EMAIL]", "multiple": True}
PASSWORD: dict[str, Any] = {
    "metavar": "F",
    "type": click.File(),
    "help": "File with the password; - reads standard input.",
}


def _site(slug: str) -> Site:
    from feedback import articles
    from feedback.errors import Missing

    found = articles.find_site(slug)
    if found is None:
        raise Missing(f"There is no site called “{slug}”. `feedback site list` names all.")
    return found


def _user(email: str) -> User:
    from feedback import staff
    from feedback.errors import Missing

    found = staff.find_user(email)
    if found is None:
        raise Missing(f"There is no account of {email}. `feedback user list` names all.")
    return found


def _article(of: Site, key: str) -> Article:
    from feedback import articles
    from feedback.errors import Missing

    found = articles.get(of.id, key)
    if found is None:
        raise Missing(f"There is no article “{key}” on “{of.slug}”. `feedback article list {of.slug}` names all.")
    return found


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else moment.strftime("%Y-%m-%d")


# Sites


def _settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read NAME=VALUE; a value is JSON where it can be read as such, text otherwise, and nothing for the default."""
    from feedback.articles import SETTINGS

    read: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in SETTINGS:
            raise click.UsageError(f"--set {pair}: write it as NAME=VALUE, NAME being one of {', '.join(SETTINGS)}.")
        try:
            read[name] = json.loads(value) if value else None
        except ValueError:
            read[name] = value
    return read


@site.command("add")
@click.argument("slug")
@click.option("--origin", "origins", metavar="URL", multiple=True, required=True, help="Where pages come from; repeat.")
@click.option("--name", default="", help="Name that people read; the slug otherwise.")
@click.option("--set", "pairs", metavar="NAME=VALUE", multiple=True, help="A setting of the site, as in the README.")
@example("feedback site add health --origin https://www.example.org")
def add_site(slug: str, origins: tuple[str, ...], name: str, pairs: tuple[str, ...]) -> None:
    """Add a site, and print the two lines its pages need."""
    from feedback import articles, clock
    from feedback.db import transact

    with service() as app:
        transact(articles.add_site, slug, origins=origins, name=name, now=clock.now(), **_settings(pairs))
        click.echo(snippet(app.config["SETTINGS"], slug))


@site.command("list")
@example("feedback site list")
def list_sites() -> None:
    """List every site with its name and origins."""
    from feedback import articles

    with service():
        rows = [(each.slug, each.name, " ".join(each.origins)) for each in articles.sites()]
    table([("SLUG", "NAME", "ORIGINS"), *rows])


@site.command("change")
@click.argument("slug")
@click.option("--name", help="Name that people read.")
@click.option("--origin", "origins", metavar="URL", multiple=True, help="Replaces all origins; repeat for several.")
@click.option("--set", "pairs", metavar="NAME=VALUE", multiple=True, help="A setting of the site; NAME= unsets it.")
@example("feedback site change health --set moderation=post")
def change_site(slug: str, name: str | None, origins: tuple[str, ...], pairs: tuple[str, ...]) -> None:
    """Change a site's name, origins or settings."""
    from feedback import articles
    from feedback.db import transact

    with service():
        transact(articles.change_site, slug, name=name, origins=origins or None, **_settings(pairs))
    click.echo(f"Changed {slug}.")


@site.command("remove")
@click.argument("slug")
@example("feedback site remove old-site")
def remove_site(slug: str) -> None:
    """Remove a site that has no articles, with its roles and tokens."""
    from feedback import removal
    from feedback.db import transact

    with service():
        transact(removal.remove_site, slug)
    click.echo(f"Removed {slug}.")


# Articles


def _people(authors: tuple[str, ...], reviewers: tuple[str, ...]) -> list[dict[str, str]]:
    named = [("author", each) for each in authors] + [("reviewer", each) for each in reviewers]
    return [_person(role, each) for role, each in named]


def _person(role: str, given: str) -> dict[str, str]:
    name, colon, email = given.rpartition(":")
    return {"role": role, "name": name, "email": email} if colon and "@" in email else {"role": role, "name": given}


def _registration(**given: Any) -> Registration:
    """Check what was given as the API checks it."""
    from feedback import forms
    from feedback.articles import Registration

    values = forms.read(forms.ARTICLE, given)
    return Registration(**{**values, "contributors": values["contributors"] or ()})


@article.command("add")
@click.argument("site_slug", metavar="SITE")
@click.argument("key")
@click.option("--title", required=True, help="As the page has it.")
@click.option("--url", required=True, help="Address of the page.")
@click.option("--author", "authors", help="Who wrote it; the address links an account. Repeatable.", **PEOPLE)
@click.option("--reviewer", "reviewers", help="Who reviewed it. Repeatable.", **PEOPLE)
@click.option("--revision", help="Label of the text as it is now, such as its date.")
@click.option("--note", help="What changed in this revision.")
@example(
    'feedback article add health neck-pain --title "Neck pain" --url https://www.example.org/neck-pain \\',
    '    --author "Ann Hollis:ann@example.org" --reviewer "Rex Adeyemi"',
)
def add_article(site_slug: str, authors: tuple[str, ...], reviewers: tuple[str, ...], **given: Any) -> None:
    """Register an article, or bring one up to date that is known already."""
    from feedback import articles, clock
    from feedback.db import transact

    with service():
        registration = _registration(contributors=_people(authors, reviewers), **given)
        _, created = transact(articles.register, _site(site_slug).id, registration, now=clock.now())
    click.echo(f"{'Registered' if created else 'Brought up to date:'} {registration.key}.")


@article.command("list")
@click.argument("site_slug", metavar="SITE")
@example("feedback article list health")
def list_articles(site_slug: str) -> None:
    """List a site's articles with their votes and published comments."""
    from feedback import articles

    with service():
        rows = [
            (row.key, row.title or "", str(row.votes), str(row.comments), row.accepts.value)
            for row in articles.listing(_site(site_slug).id)
        ]
    table([("KEY", "TITLE", "VOTES", "COMMENTS", "TAKES"), *rows])


@article.command("change")
@click.argument("site_slug", metavar="SITE")
@click.argument("key")
@click.option("--title", help="As the page has it.")
@click.option("--url", help="Address of the page.")
@click.option("--author", "authors", help="Replaces all authors. Repeatable.", **PEOPLE)
@click.option("--reviewer", "reviewers", help="Replaces all reviewers. Repeatable.", **PEOPLE)
@click.option("--revision", help="Label of the text as it is now.")
@click.option("--note", help="What changed in this revision.")
@click.option("--comments", type=click.Choice(["open", "closed", "hidden"]), help="Take, only show, or hide comments.")
@example("feedback article change health neck-pain --comments closed")
def change_article(
    site_slug: str,
    key: str,
    authors: tuple[str, ...],
    reviewers: tuple[str, ...],
    comments: str | None,
    **given: str | None,
) -> None:
    """Change what is registered of an article; what is not given stays."""
    from feedback import articles, clock
    from feedback.db import transact
    from feedback.models import Accepts

    with service():
        of = _site(site_slug)
        before = _article(of, key)
        kept = articles.registered(before)
        registration = _registration(
            key=before.key,
            title=given["title"] or kept.title,
            url=given["url"] or kept.url,
            revision=given["revision"],
            note=given["note"],
            contributors=[
                *_unless(authors, kept.contributors, "author"),
                *_unless(reviewers, kept.contributors, "reviewer"),
                *_people(authors, reviewers),
            ],
        )
        transact(articles.register, of.id, registration, now=clock.now())
        if comments:
            transact(articles.set_accepts, of.id, before.key, Accepts(comments))
    click.echo(f"Changed {before.key}.")


@article.command("sync")
@click.argument("site_slug", metavar="SITE")
@click.argument("url", metavar="SITEMAP-URL")
@click.option("--pause", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Seconds between requests.")
@click.option("--all", "unchanged_too", is_flag=True, help="Read also pages that the sitemap says are unchanged.")
@example("feedback article sync health https://www.example.org/sitemap.xml")
def sync_articles(site_slug: str, url: str, pause: float, unchanged_too: bool) -> None:
    """Register the articles that a sitemap lists, by what each page says.

    Title, authors, reviewers and revision are those of the page's linked data (schema.org) or its head, and its
    headings become the outline. Only pages on SITE's own origins are read, and only what robots.txt allows. Ctrl-C
    leaves what is done.
    """
    from feedback import articles, sync
    from feedback.cli.keeping import progress
    from feedback.logs import escaped

    def tell(line: str) -> None:
        shown.close()
        click.echo(escaped(line), err=True)

    with service() as app, progress() as shown:
        report, of = sync.Report(tell), articles.site(site_slug)
        visitor = sync.Visitor(pause=pause, allow=app.config["SETTINGS"].allow_networks)
        try:
            sync.sync(of, url, visitor, report, shown, unchanged_too=unchanged_too)
        except KeyboardInterrupt:
            shown.close()
            click.echo(_synced(report))
            raise
    click.echo(_synced(report))


def _synced(report: Report) -> str:
    """Say what became of the pages of a sitemap; what did not occur is left out."""
    done = f"{report.new:,} new, {report.known:,} brought up to date, {report.unchanged:,} unchanged"
    others = {
        "could not be read": report.failed,
        "kept out by robots.txt": report.closed,
        "on origins that are not the site’s": report.elsewhere,
        "left out": report.left_out,
    }
    told = [f"{number:,} {what}" for what, number in others.items() if number]
    return f"{', '.join([done, *told])}."


@article.command("link")
@click.argument("site_slug", metavar="SITE")
@click.argument("name")
@click.argument("email")
@example('feedback article link health "Ann Hollis" ann@example.org')
def link_bylines(site_slug: str, name: str, email: str) -> None:
    """Say whose NAME is: every byline of it on SITE that leads to nobody leads to the account of EMAIL from now on.

    Or waits for it, where there is none yet. A byline that leads to somebody stays as it is.
    """
    from feedback import forms
    from feedback.cli.keeping import progress
    from feedback.db import transact
    from feedback.sync import people

    with service(), progress() as shown:
        address = forms.read((forms.Field("email", forms.email, required=True),), {"email": email})["email"]
        bylines, linked = people.unlinked(_site(site_slug).id, name), 0
        for chunk in people.chunks(bylines):
            shown("Linking bylines", linked, len(bylines))
            linked += transact(people.link, chunk, address)
    click.echo(f"{linked:,} {'byline' if linked == 1 else 'bylines'} of {name} linked to {address}.")


def _unless(replaced: tuple[str, ...], people: tuple[Byline, ...], role: str) -> list[dict[str, str]]:
    """Return those of a role, unless they are replaced."""
    kept = [] if replaced else [person for person in people if person.role == role]
    return [{"role": role, "name": person.name, "email": person.email or ""} for person in kept]


@article.command("remove")
@click.argument("site_slug", metavar="SITE")
@click.argument("key")
@example("feedback article remove health mistyped-key")
def remove_article(site_slug: str, key: str) -> None:
    """Remove an article that nobody has voted or commented on."""
    from feedback import removal
    from feedback.db import transact

    with service():
        transact(removal.remove_article, _site(site_slug).id, key)
    click.echo(f"Removed {key}.")


# People


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
        where, password_hash = _site(slug), hashed(password_in(password_file, email, name, slug))
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
        for row in staff.people(_site(slug).id if slug else None):
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
            transact(staff.join, person, _site(slug), Role(role))
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
            transact(staff.leave, person, _site(slug), Role(role))
        else:
            transact(staff.dismiss, person.id)
    click.echo(f"{person.email} is no {role} of {slug} any more." if role else f"Removed {person.email}.")


# Tokens


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
        where = _site(site_slug)
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
            for row in staff.tokens(_site(site_slug).id)
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
