"""Registering the articles that a sitemap lists, each by what its own page says. What is done stays done.

Only pages on the site's own origins are read, and none twice that the sitemap says is unchanged. One page that cannot
be read keeps no other from being read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from feedback import articles, clock, outline
from feedback.addresses import Failed
from feedback.articles import Byline, Registration, SiteView
from feedback.db import db, transact
from feedback.errors import Refused
from feedback.models import Article, Revision, Role
from feedback.origins import origin_of
from feedback.sync import page, people, sitemap
from feedback.sync.address import key_of
from feedback.sync.page import Page
from feedback.sync.sitemap import Entry, Sitemap
from feedback.sync.visitor import Visitor

__all__ = ["Report", "Visitor", "sync"]

MAX_SITEMAPS = 100  # of an index; as many as fill a site of five million pages
MAX_ADDRESSES = 50_000  # of all sitemaps together: at one a second, 14 hours
HTML = ("text/html", "application/xhtml+xml", "")

Progress = Callable[[str, int, int | None], None]


@dataclass
class Report:
    """What became of the pages that a sitemap lists, counted; `tell` hears of each that could not be read."""

    tell: Callable[[str], None]
    new: int = 0
    known: int = 0
    unchanged: int = 0
    elsewhere: int = 0  # on an origin that is not the site's
    closed: int = 0  # that robots.txt keeps out
    failed: int = 0
    left_out: int = 0  # no addresses, or more than are read

    def fails(self, url: str, why: object) -> None:
        self.failed += 1
        self.tell(f"{url}: {why}")


@dataclass
class _Listed:
    """The pages that all sitemaps together list, each once."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, found: Sitemap, report: Report) -> None:
        report.left_out += found.left_out
        for entry in found.entries:
            if entry.url not in self.entries and len(self.entries) == MAX_ADDRESSES:
                report.left_out += 1
            else:
                self.entries[entry.url] = entry


def sync(
    site: SiteView, url: str, visitor: Visitor, report: Report, progress: Progress, *, unchanged_too: bool = False
) -> None:
    """Register every article of a sitemap, a transaction for each.

    `unchanged_too` reads also what the sitemap says is as it was. Raises Refused where the sitemap cannot be read, or
    a site's server does not say what it lets be read.
    """
    _hold_nothing()
    listed = _listed(site, url, visitor, report, progress)
    theirs = [entry for entry in listed if origin_of(entry.url) in site.origins]
    report.elsewhere += len(listed) - len(theirs)
    newest, addresses = {} if unchanged_too else _newest(site.id), people.addresses(site.id)
    _hold_nothing()
    for number, entry in enumerate(theirs):
        progress("Reading pages", number, len(theirs))
        known = newest.get(key_of(entry.url))
        if known is not None and entry.unchanged(*known):
            report.unchanged += 1
        elif not visitor.may(entry.url):
            report.closed += 1
        else:
            _read(site, entry.url, visitor, report, addresses)
    progress("Reading pages", len(theirs), len(theirs))


def _listed(site: SiteView, url: str, visitor: Visitor, report: Report, progress: Progress) -> list[Entry]:
    """Return the pages of a sitemap, or of all the sitemaps in an index."""
    near = {*site.origins, origin_of(url)}
    if None in near:
        raise Refused(f"“{url}” is no address of a sitemap. It should begin with http:// or https://.")
    progress("Reading the sitemap", 0, None)
    try:
        first = _sitemap(url, visitor, near)
    except (Failed, sitemap.Unreadable) as error:
        raise Refused(f"{url}: {error}") from error
    listed = _Listed()
    if not first.is_index:
        listed.add(first, report)
        return list(listed.entries.values())
    inner = [entry.url for entry in first.entries if origin_of(entry.url) in near]
    report.elsewhere += len(first.entries) - len(inner)
    report.left_out += first.left_out + len(inner[MAX_SITEMAPS:])
    for number, each in enumerate(inner[:MAX_SITEMAPS]):
        progress("Reading the sitemaps", number, len(inner))
        try:
            found = _sitemap(each, visitor, near)
            if found.is_index:
                raise sitemap.Unreadable("is an index within an index, which is not followed.")
            listed.add(found, report)
        except (Failed, sitemap.Unreadable) as error:
            report.fails(each, error)
    return list(listed.entries.values())


def _sitemap(url: str, visitor: Visitor, origins: Collection[str | None]) -> Sitemap:
    if not visitor.may(url):
        raise sitemap.Unreadable("robots.txt does not let it be read.")
    answer = visitor.get(url, origins)
    if answer.status != 200:
        raise sitemap.Unreadable(f"answers with {answer.status}.")
    return sitemap.read(answer.body)


def _newest(site_id: UUID) -> dict[str, tuple[str, datetime]]:
    """Return (label, first seen) of the newest registered revision of each registered article, by the article's key."""
    query = (
        select(Article.key, Revision.label, Revision.first_seen)
        .join(Revision, Revision.article_id == Article.id)
        .where(Article.site_id == site_id, Article.registered, Revision.registered)
        .order_by(Revision.first_seen)
    )
    return {key: (label, seen) for key, label, seen in db.session.execute(query)}


def _hold_nothing() -> None:
    """End what reading began: hours may pass until the next statement, and no transaction should be open so long."""
    db.session.rollback()


def _read(site: SiteView, url: str, visitor: Visitor, report: Report, addresses: Mapping[str, str]) -> None:
    try:
        found = _page(site, url, visitor)
        created = transact(store, site.id, found, addresses, now=clock.now())
    except (Failed, page.Unreadable) as error:
        report.fails(url, error)
        return
    report.new, report.known = report.new + created, report.known + (not created)


def _page(site: SiteView, url: str, visitor: Visitor) -> Page:
    answer = visitor.get(url, site.origins)
    if answer.status != 200:
        raise page.Unreadable(f"answers with {answer.status}.")
    if answer.media_type not in HTML:
        raise page.Unreadable(f"is no page but {answer.media_type}.")
    charset = answer.headers.get("Content-Type", "").lower().partition("charset=")[2]
    return page.read(answer.body, answer.url, charset=charset.partition(";")[0].strip(), origins=site.origins)


def store(site_id: UUID, found: Page, addresses: Mapping[str, str], *, now: datetime) -> bool:
    """Register an article as its page has it. Returns whether it was not known before.

    Who was linked to an account or an address stays so, by their name however it is spelt now, and who was to nobody,
    too; who is new here gets the address of their name. A role of which the page names nobody stays.
    """
    before = articles.get(site_id, found.key)
    known = articles.registered(before).contributors if before else ()
    given = Registration(found.key, found.title, found.url, tuple(_bylines(found, known, addresses)), found.revision)
    article, created = articles.register(site_id, replace(given, keeps_contributors=True), now=now)
    outline.replace(article.id, found.sections)
    return created


def _bylines(found: Page, known: tuple[Byline, ...], addresses: Mapping[str, str]) -> Iterator[Byline]:
    spelt = {person: people.spelling(person.name) for person in known}
    here = dict.fromkeys(spelt.values()) | {spelt[person]: person.email for person in known if person.email}
    linked = {(person.role, spelt[person]): person.email for person in known if person.email}
    for role in (Role.AUTHOR, Role.REVIEWER):
        named = [name for of, name in found.people if of is role]
        if not named:
            yield from (person for person in known if person.role is role)
        for name in named:
            one = people.spelling(name)
            email = here[one] if one in here else addresses.get(one)
            yield Byline(name, role, linked.get((role, one), email))
