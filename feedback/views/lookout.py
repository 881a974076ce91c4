"""Notes from which origins pages ask, without holding up any answer.

A request costs one look into a dictionary. What is new within a minute is written a moment later, by a thread, in one
transaction; a sighting that cannot be written is dropped, since the next page brings another.
"""

import logging
import threading
import time

from flask import Flask

from feedback import articles, clock, sightings
from feedback.db import transact

AGAIN = 60.0  # seconds until the same origin is noted again by the same process
GATHER = 0.5  # seconds in which sightings come together for one transaction
MOST = 500  # origins a process remembers at once; anybody can send any

log = logging.getLogger(__name__)

Sight = tuple[str, str]


class Lookout:
    """What one process has seen lately, by (site's slug, origin)."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.known_until: dict[Sight, float] = {}
        self.fresh: set[Sight] = set()
        self.lock = threading.Lock()
        self.timer: threading.Timer | None = None

    def see(self, slug: str, origin: str, host: str) -> None:
        """Note that a page of this origin asked the service, at that host, something about the site."""
        if self.known_until.get((slug, origin), 0.0) < time.monotonic():
            self._note((slug, origin), host)

    def _note(self, sight: Sight, host: str) -> None:
        # What is no slug or no origin would only take the room of what is, and can be as long as a header.
        if not (articles.SLUG.fullmatch(sight[0]) and sightings.sane(sight[1])):
            return
        now = time.monotonic()
        with self.lock:
            if len(self.known_until) >= MOST:
                self.known_until = {known: until for known, until in self.known_until.items() if until >= now}
            # The service's own pages are no pages of the site.
            if len(self.known_until) >= MOST or sight[1].partition("://")[2] == host:
                return
            self.known_until[sight] = now + AGAIN
            self.fresh.add(sight)
            # A timer started before a fork is not alive after it.
            if self.timer is None or not self.timer.is_alive():
                self.timer = threading.Timer(GATHER, self.write)
                self.timer.daemon = True
                self.timer.start()

    def write(self) -> None:
        """Write what was seen since the last time."""
        while fresh := self._take():
            try:
                with self.app.app_context():
                    transact(sightings.record, sorted(fresh), now=clock.now())
            except Exception as error:
                log.warning("where pages asked from could not be noted (%s)", type(error).__name__)

    def _take(self) -> set[Sight]:
        with self.lock:
            fresh, self.fresh = self.fresh, set()
            if not fresh:
                self.timer = None
            return fresh

    def close(self) -> None:
        """Forget everything, and wait for a writing that has begun."""
        with self.lock:
            timer, self.timer = self.timer, None
            self.fresh.clear()
            self.known_until.clear()
        if timer is not None:
            timer.cancel()
            timer.join()
