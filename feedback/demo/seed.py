"""Two months of readers, made by the same rules that serve them, on a clock that walks from the first day to now.

The same seed and the same `now` give the same rows, apart from what is random by nature (row keys, network keys,
password salts) and what is made from it.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from feedback import articles, readers, staff, stats
from feedback.db import transact
from feedback.models import Role
from feedback.staff import Actor
from feedback.stats import overview

from . import ballots, threads
from .site import SITE_NAME, SLUG, Page
from .world import CAST, Event, World, morning

SEED = 2026
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
    days = _by_day([*_editions(world), *ballots.events(world), *threads.events(world)])
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


def _byline(name: str, role: Role) -> articles.Byline:
    emails = {account.byline: account.email for account in CAST}
    return articles.Byline(name, role, emails.get(name))
