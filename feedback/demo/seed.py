"""Two months of readers, made by the same rules that serve them, on a clock that walks from the first day to now.

The same seed and the same `now` give the same rows, apart from what is random by nature (row keys, network keys,
password salts) and what is made from it.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from flask import Flask

from feedback import articles, changes, outline, readers, staff, stats, sync
from feedback.changes import By, Kind, Subject
from feedback.db import transact
from feedback.models import Role
from feedback.staff import Actor
from feedback.stats import overview

from . import ballots, threads
from .site import MAIN, SITE_NAME, SLUG, Page
from .world import CAST, Event, World, morning

SEED = 2026
SAID = "Readers missed how to stop safely and what alcohol does. Both now have a paragraph under Cautions."
WHAT_CHANGED = "Says how to stop safely and what alcohol does; keeps spasm and spasticity apart."


def seed(
    pages: Sequence[Page],
    *,
    origins: Sequence[str],
    password_hash: str,
    now: datetime,
    number: int = SEED,
    walk: Callable[[list[date]], Iterable[date]] = iter,
) -> None:
    """Fill an empty database with the demo's site, staff, articles, votes and comments, up to `now`.

    `walk` is handed the days to come and yields them again, so that a caller can show how far it is.
    """
    start = morning(min(page.published for page in pages), now)
    site, people = transact(_open, origins, password_hash, start)
    world = World(site, {page.key: page for page in pages}, people, random.Random(number), now)
    days = _by_day([*_editions(world), _announcement(world), *ballots.events(world), *threads.events(world)])
    for day in walk(sorted(days)):
        # The day's network key is a transaction of its own, which cannot begin inside another.
        world.networks.of(None, days[day][0].at)
        transact(_live, days[day])
    transact(readers.expire, now)
    transact(stats.fit, site.id)
    transact(overview.keep, overview.count(now), now)


def _open(origins: Sequence[str], password_hash: str, now: datetime) -> tuple[articles.SiteView, dict[str, Actor]]:
    site = articles.add_site(SLUG, origins=origins, name=SITE_NAME, now=now)
    people = {}
    for account in CAST:
        user = staff.add_user(account.email, password_hash=password_hash, name=account.byline, now=now)
        staff.join(user, site, account.role)
        people[account.name] = Actor(user.name, user.id)
    return articles.site(SLUG), people


def _by_day(events: list[Event]) -> dict[date, list[Event]]:
    days: dict[date, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.at):
        days[event.at.date()].append(event)
    return days


def _live(events: Iterable[Event]) -> None:
    for event in events:
        event.act(event.at)


def _editions(world: World) -> Iterator[Event]:
    for page in world.pages.values():
        first = replace(page, modified=page.published)
        yield _registration(world, first, None)
        if page != first:
            yield _registration(world, page, WHAT_CHANGED)


def _registration(world: World, page: Page, note: str | None) -> Event:
    bylines = (_byline(page.author, Role.AUTHOR), _byline(page.reviewer, Role.REVIEWER))
    revision = page.modified.isoformat()
    given = articles.Registration(page.key, page.title, page.url, bylines, revision=revision, note=note)
    return Event(morning(page.modified, world.now), lambda at: articles.register(world.site.id, given, now=at))


def _announcement(world: World) -> Event:
    """Ann tells readers what their answers led to, on the day of the edit."""
    page = world.pages[MAIN]
    subject = Subject(world.site.id, Kind.ANNOUNCEMENT, {"article": page.key})
    state = {"text": SAID, "on": page.modified.isoformat()}
    by = world.people["Ann"]
    at = morning(page.modified, world.now) + timedelta(hours=2)
    return Event(at, lambda at: changes.make(subject, state, By(by, (), at)))


def outlines(site: Flask, pages: Sequence[Page]) -> None:
    """Read the headings of the articles' pages, as `feedback article sync` does."""
    browser, of = site.test_client(), articles.site(SLUG)
    for page in pages:
        found, read = articles.find(of.id, page.key), sync.page.read(browser.get(f"/{page.key}").data, page.url)
        if found is not None:
            transact(outline.replace, found.id, read.sections)


def _byline(name: str, role: Role) -> articles.Byline:
    emails = {account.byline: account.email for account in CAST}
    return articles.Byline(name, role, emails.get(name))
