"""The demo's votes: who found which revision helpful, who changed their mind, and why the others said No."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from feedback import articles, readers
from feedback.votes import Ballot, Choice, cast

from .site import DESK, HEAT, MAIN
from .voices import AFTER, BEFORE, ELSEWHERE, PLEASED, Complaint
from .world import Event, World, morning

WEEKEND = 0.55  # of a working day's readers
TOOK_BACK = 0.02
CHANGED_MIND = 0.04
WROTE = 0.18  # of those whose complaint has words left to say
CAMPAIGN = 22  # votes that a post somewhere else brought on one day, all but one of them No
CAMPAIGN_AGO = timedelta(days=9)
LATEST = timedelta(minutes=5)  # before now, so that what follows a vote is in the past too
DAY_SECONDS = 24 * 3600
BUSIEST = 15 * 3600  # of the day, in seconds


@dataclass(frozen=True)
class Crowd:
    """The readers who voted on one revision of an article."""

    article: str
    revision: date
    until: date
    size: int
    helped: float  # the share of Yes
    complaints: tuple[Complaint, ...]
    thanks: tuple[str, ...] = ()


def events(world: World) -> Iterator[Event]:
    """Yield every vote and all that follows it."""
    for crowd in _crowds(world):
        yield from _votes(world, crowd)
    yield from _campaign(world)


def _crowds(world: World) -> Iterator[Crowd]:
    today = world.now.date()
    main, heat, desk = (world.pages[key] for key in (MAIN, HEAT, DESK))
    yield Crowd(MAIN, main.published, main.modified - timedelta(days=1), 196, 0.54, BEFORE)
    yield Crowd(MAIN, main.modified, today, 208, 0.77, AFTER, PLEASED)
    yield Crowd(HEAT, heat.modified, today, 14, 0.7, ELSEWHERE)
    yield Crowd(DESK, desk.modified, today, 3, 0.9, ELSEWHERE)


def _votes(world: World, crowd: Crowd) -> Iterator[Event]:
    unsaid = {complaint: list(complaint.notes) for complaint in crowd.complaints}
    thanks = list(crowd.thanks)
    for at in _moments(world, crowd):
        voter = Voter(world, crowd, world.token(), world.address())
        value = Choice.YES if world.chance.random() < crowd.helped else Choice.NO
        yield Event(at, voter.answers(value))
        luck = world.chance.random()
        if luck < TOOK_BACK:
            yield Event(at + timedelta(seconds=9), voter.answers(Choice.NONE))
        elif luck < TOOK_BACK + CHANGED_MIND:
            other = Choice.NO if value is Choice.YES else Choice.YES
            yield Event(at + timedelta(seconds=6), voter.answers(other))
        elif value is Choice.NO:
            yield from _why(world, voter, at, unsaid)
        elif thanks and luck > 1 - TOOK_BACK:
            yield Event(at + timedelta(seconds=50), voter.answers(value, note=thanks.pop(0)))


def _campaign(world: World) -> Iterator[Event]:
    """Yield the votes of a day that stands out, for an administrator to judge."""
    main = world.pages[MAIN]
    # By dice of its own, so that it changes nothing else.
    apart = replace(world, chance=random.Random(CAMPAIGN))
    crowd = Crowd(MAIN, main.modified, world.now.date(), CAMPAIGN, 0, ())
    noon = datetime.combine((world.now - CAMPAIGN_AGO).date(), time(12), world.now.tzinfo)
    for number in range(CAMPAIGN):
        voter = Voter(apart, crowd, apart.token(), apart.address())
        yield Event(noon + timedelta(minutes=4 * number), voter.answers(Choice.NO if number else Choice.YES))


@dataclass(frozen=True)
class Voter:
    """A reader in front of an article."""

    world: World
    crowd: Crowd
    token: str
    address: str

    def answers(self, value: Choice, **more: str | None) -> Callable[[datetime], Any]:
        """Return what casts this vote; the network's hash is only known on the day."""
        site = self.world.site
        return lambda at: cast(
            Ballot(
                page=articles.Page(site, self.crowd.article),
                reader=readers.digest(site.id, self.token),
                value=value,
                revision=self.crowd.revision.isoformat(),
                network=self.world.networks.of(self.address, at),
                **more,
            ),
            now=at,
        )


def _why(world: World, voter: Voter, at: datetime, unsaid: dict[Complaint, list[str]]) -> Iterator[Event]:
    """Name a reason and perhaps a section, then perhaps write, as the widget asks for them one after the other."""
    complaint = world.chance.choices(list(unsaid), [each.weight for each in unsaid])[0]
    if complaint.reason is None:
        return
    named = voter.answers(Choice.NO, reason=complaint.reason, section=complaint.section)
    yield Event(at + timedelta(seconds=world.chance.randint(4, 30)), named)
    if unsaid[complaint] and world.chance.random() < WROTE:
        wrote = voter.answers(Choice.NO, note=unsaid[complaint].pop(0))
        yield Event(at + timedelta(seconds=world.chance.randint(40, 180)), wrote)


def _moments(world: World, crowd: Crowd) -> list[datetime]:
    """Return when a crowd votes: fewer at weekends, more by day than by night, never after now."""
    days = [crowd.revision + timedelta(days=n) for n in range((crowd.until - crowd.revision).days + 1)]
    weights = [WEEKEND if day.weekday() >= 5 else 1.0 for day in days]
    moments: list[datetime] = []
    while len(moments) < crowd.size:
        day = datetime.combine(world.chance.choices(days, weights)[0], time(), world.now.tzinfo)
        at = day + timedelta(seconds=int(world.chance.triangular(0, DAY_SECONDS, BUSIEST)))
        if morning(crowd.revision, world.now) < at < world.now - LATEST:
            moments.append(at)
    return sorted(moments)
