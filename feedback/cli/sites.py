"""Commands about sites: adding, listing, changing and removing them."""

from __future__ import annotations

import json
from typing import Any

import click

from feedback.cli.base import Commands, example, service, table
from feedback.cli.running import snippet

site = Commands("site", help="The sites whose articles ask their readers.")


def _settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read NAME=VALUE; a value is JSON where it can be read as such, text otherwise, and nothing for the default."""
    from feedback.policy import SETTINGS

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
