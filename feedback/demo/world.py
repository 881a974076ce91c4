"""What the demo's two months consist of: who can sign in, when each text appeared, and events that happen in order."""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from feedback import articles, readers
from feedback.models import Role
from feedback.staff import Actor

from .site import ANN, DESK, HEAT, MAIN, REX, Dates, Page

SPAN = 61  # days
EDITED = 24  # days ago, the main article became what it is now
MORNING = time(6)  # UTC; when a new text goes on the site
TOKEN_CHARS = string.ascii_letters + string.digits + "-_"


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in to the demo."""

    name: str
    byline: str
    role: Role
    task: str

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@quiet-health.example"


CAST = (
    Account("Ann", ANN, Role.AUTHOR, "writes"),
    Account("Rex", REX, Role.REVIEWER, "reviews"),
    Account("Mo", "Mo Castell", Role.MODERATOR, "moderates"),
    Account("Ada", "Ada Lindgren", Role.ADMINISTRATOR, "administers"),
)


def dates(today: date) -> dict[str, Dates]:
    """Return when each article appeared and was last edited, counted back from today."""
    ago = {MAIN: (SPAN, EDITED), HEAT: (58, 58), DESK: (27, 27)}
    return {
        key: Dates(today - timedelta(days=first), today - timedelta(days=last)) for key, (first, last) in ago.items()
    }


def morning(day: date, now: datetime) -> datetime:
    """Return when something published on that day went on the site."""
    return datetime.combine(day, MORNING, now.tzinfo)


@dataclass(frozen=True)
class Event:
    """Something that somebody does at a moment; `act` is handed that moment."""

    at: datetime
    act: Callable[[datetime], Any]


@dataclass(frozen=True)
class World:
    """The places and people that events need. `chance` is drawn from in a fixed order, so that a seed says it all."""

    site: articles.SiteView
    pages: dict[str, Page]
    people: dict[str, Actor]
    chance: random.Random
    now: datetime
    networks: readers.Networks = field(default_factory=readers.Networks)

    def token(self) -> str:
        """Return the token of a new reader."""
        return "".join(self.chance.choices(TOKEN_CHARS, k=22))

    def address(self) -> str:
        """Return an address in a network of its own, of those set aside for documentation."""
        return f"2001:db8:{self.chance.getrandbits(16):x}:{self.chance.getrandbits(16):x}::1"
