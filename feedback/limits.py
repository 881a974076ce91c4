"""How often a network and a reader may do a thing. Keys are hashes of networks and readers, never addresses."""

import logging
import math
import threading
import time
from collections import deque
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits import RateLimitItemPerSecond as PerSecond
from limits.errors import StorageError
from limits.storage import RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from feedback.errors import TooMany

log = logging.getLogger(__name__)

SET_BACK = 2.0  # seconds that the machine's clock may be corrected by without more ado
STORE_PAUSE = 5.0  # seconds that local memory counts alone after the shared store failed, so that nobody waits for it
MOST_KEPT = 200_000  # windows counted in memory, 80 MB: readers and networks are as many as somebody makes up
AT_ONCE = 100  # windows of each length that are dropped at most whenever one is counted in: a tenth of a millisecond
SPARED = 5  # uses from which on a window is dropped only when there are twice as many, in 160 MB


@dataclass(frozen=True)
class Limit:
    """How often, and what is said to whoever comes too often."""

    windows: tuple[RateLimitItem, ...]
    sentence: str


def _often(*windows: RateLimitItem, thing: str) -> Limit:
    return Limit(windows, f"That was {thing} in a short time. Please wait a little and try again.")


LIMITS = {
    # A person votes a few times a minute at most; a school or clinic behind one address still fits in the day.
    "vote": _often(RateLimitItemPerMinute(30), RateLimitItemPerDay(200), thing="many votes"),
    # Nobody writes more than three considered comments a minute.
    "comment": _often(RateLimitItemPerMinute(3), RateLimitItemPerDay(30), thing="many comments"),
    # Of one's own, within a quarter of an hour; each puts it before the moderators again.
    "edit": _often(RateLimitItemPerMinute(5), RateLimitItemPerDay(60), thing="many changes"),
    # Whoever reads a page of comments finds a few to flag, not dozens.
    "flag": _often(RateLimitItemPerMinute(10), thing="many flags"),
    # A long page of comments has as many that somebody likes; each one changes what all others are shown first.
    "like": _often(RateLimitItemPerMinute(30), RateLimitItemPerDay(200), thing="many likes"),
    # Comments that name one mail address, on one site: however many there are, it is somebody's who may not have asked.
    "address": _often(RateLimitItemPerDay(5), thing="many comments with this e-mail address"),
    # Whoever looks again after each change of their text; each look costs as much as a comment.
    "preview": _often(RateLimitItemPerMinute(30), thing="many previews"),
    "write": _often(PerSecond(20), thing="many requests"),
    # Articles are not made at will: one network opens few new pages an hour, a site publishes few a day.
    "article": _often(RateLimitItemPerHour(20), thing="many new articles"),
    "site articles": _often(RateLimitItemPerDay(1_000), thing="many new articles"),
    # Sign-in: guesses at one account from one network, at many accounts from one, at one account from many.
    "sign-in": _often(RateLimitItemPerMinute(5, 15), thing="many attempts to sign in"),
    "sign-in network": _often(RateLimitItemPerMinute(20, 15), thing="many attempts to sign in"),
    # Codes of the second factor, each one of a million: whoever tries has the account's password already.
    "second factor": _often(RateLimitItemPerMinute(5, 15), thing="many wrong codes"),
    # A forgotten password: a few links an hour, so that nobody's mailbox is filled by others.
    "reset": _often(RateLimitItemPerHour(5), thing="many requests for a new password"),
    "sign-in account": _often(RateLimitItemPerHour(50), thing="many attempts to sign in"),
}


class Memory(Storage):
    """Counts in this process. What is over goes by and by, so that no use pays for all there is."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.reset()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self.lock:
            self._forget(now)
            count, ends = self.counts.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
                self.queues.setdefault(expiry, deque()).append((ends, key))
            self.counts[key] = (count + amount, ends)
            return count + amount

    def _forget(self, now: float) -> None:
        """Drop a few windows that are over and, where there are too many, the oldest in which little was done."""
        for queue in self.queues.values():
            for _ in range(min(AT_ONCE, len(queue))):
                ends, key = queue[0]
                if ends > now and len(self.counts) < MOST_KEPT:
                    break
                queue.popleft()
                count, last = self.counts.get(key, (0, 0.0))
                if last > now and count >= SPARED and len(self.counts) < 2 * MOST_KEPT:
                    queue.append((ends, key))
                elif last == ends:
                    del self.counts[key]

    def get(self, key: str) -> int:
        count, ends = self.counts.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self.counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> None:
        with self.lock:
            self.counts: dict[str, tuple[int, float]] = {}
            self.queues: dict[float, deque[tuple[float, str]]] = {}  # of each length, when each ends, the first first

    def clear(self, key: str) -> None:
        with self.lock:
            self.counts.pop(key, None)


class Limiter:
    """Counts in the shared store where there is one, else in this process; in memory while the store is down."""

    def __init__(self, url: str | None = None, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self.memory = FixedWindowRateLimiter(Memory())
        self.shared = FixedWindowRateLimiter(_store(url)) if url else None
        self.paused_until = 0.0
        self.latest = 0.0

    def hit(self, kind: str, *keys: bytes | str) -> None:
        """Count one use of `kind` for each of the keys. Raises TooMany, with the seconds to wait, over a limit."""
        if self.enabled:
            for key in keys:
                for window in LIMITS[kind].windows:
                    self._require("hit", kind, window, _name(key))

    def check(self, kind: str, *keys: bytes | str) -> None:
        """Raise TooMany where a limit is already reached; counts nothing."""
        if self.enabled:
            for key in keys:
                for window in LIMITS[kind].windows:
                    self._require("test", kind, window, _name(key))

    def reachable(self) -> bool | None:
        """Whether the shared store answers; None where there is none."""
        return None if self.shared is None else bool(self.shared.storage.check())

    def _require(self, method: str, kind: str, window: RateLimitItem, key: str) -> None:
        if self._ask(method, kind, window, key):
            return
        try:
            reset = self._strategy().get_window_stats(window, kind, key).reset_time
        except StorageError:
            reset = time.time() + window.get_expiry()
        raise TooMany(LIMITS[kind].sentence, retry_after=max(1, math.ceil(reset - time.time())))

    def _ask(self, method: str, kind: str, window: RateLimitItem, key: str) -> bool:
        try:
            return bool(getattr(self._strategy(), method)(window, kind, key))
        except StorageError:
            # Never unlimited: what the shared store cannot count is counted here.
            self.paused_until = time.monotonic() + STORE_PAUSE
            log.warning("the shared limits store does not answer; this process counts alone for now")
            return bool(getattr(self._local(), method)(window, kind, key))

    def _strategy(self) -> FixedWindowRateLimiter:
        if self.shared is None or time.monotonic() < self.paused_until:
            return self._local()
        return self.shared

    def _local(self) -> FixedWindowRateLimiter:
        """Return what counts in memory: by the machine's clock, so that it begins anew where that was put back.

        A minute would else last for as long as the clock was put back, and lock out who has used it up.
        """
        now = time.time()
        if now < self.latest - SET_BACK:
            self.memory.storage.reset()
        self.latest = now
        return self.memory


def _store(url: str) -> RedisStorage:
    return RedisStorage(url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)


def _name(key: bytes | str) -> str:
    return key.hex() if isinstance(key, bytes) else key
