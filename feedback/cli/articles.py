"""Commands about articles: registering them, one by one or by a sitemap, and whose their bylines are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from feedback.cli.base import Commands, example, find_site, service, table

if TYPE_CHECKING:
    from feedback.articles import Byline, Registration
    from feedback.models import Article, Site
    from feedback.sync import Report

article = Commands("article", help="The articles of a site, and who wrote and reviewed them.")

PEOPLE: dict[str, Any] = {"metavar": "NAME[:EMAIL]", "multiple": True}


def _article(of: Site, key: str) -> Article:
    from feedback import articles
    from feedback.errors import Missing

    found = articles.get(of.id, key)
    if found is None:
        raise Missing(f"There is no article “{key}” on “{of.slug}”. `feedback article list {of.slug}` names all.")
    return found


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
        _, created = transact(articles.register, find_site(site_slug).id, registration, now=clock.now())
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
            for row in articles.listing(find_site(site_slug).id)
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
        of = find_site(site_slug)
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
        bylines, linked = people.unlinked(find_site(site_slug).id, name), 0
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
        transact(removal.remove_article, find_site(site_slug).id, key)
    click.echo(f"Removed {key}.")
