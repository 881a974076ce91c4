"""Asking other people's servers politely: one request at a time, a pause between two, and what robots.txt allows."""

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

from feedback import outbound
from feedback.addresses import Barred, Network, Target
from feedback.errors import Refused
from feedback.origins import origin_of
from feedback.outbound import MAX_PAGE_BYTES, MAX_REDIRECTS, NAME, Answer, LookUp, NoAnswer
from feedback.sync import robots
from feedback.sync.robots import Robots

TOO_MANY = 429


class Visitor:
    """Reads pages, as whom `NAME` says, of sites whose rules it has read before."""

    def __init__(
        self,
        *,
        pause: float,
        allow: Sequence[Network] = (),
        seconds: float = outbound.GET_SECONDS,
        look_up: LookUp = outbound.look_up,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.pause, self.sleep = pause, sleep
        self.call = partial(outbound.get, allow=allow, seconds=seconds, look_up=look_up, most=MAX_PAGE_BYTES)
        self.rules: dict[str, Robots] = {}
        self.ended: float | None = None  # when the last request was over

    def may(self, url: str) -> bool:
        """Whether a site's robots.txt lets an address be read. Raises Refused where the site does not say."""
        return self._rules(url).allow(url)

    def get(self, url: str, origins: Collection[str | None]) -> Answer:
        """Return what stands at an address; redirects are followed to these origins, where robots.txt lets them lead.

        Raises Failed, and Refused as `may`.
        """
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._get(url, max(self.pause, self._rules(url).delay), follows=False)
            if answer.onward is None:
                return answer
            url = Target.of(answer.onward).url
            if origin_of(url) not in origins:
                raise Barred("leads to an origin that is not the site's.")
            if not self.may(url):
                raise Barred("leads to a page that robots.txt keeps out.")
        raise NoAnswer(f"leads from one address to the next more than {MAX_REDIRECTS} times.")

    def _rules(self, url: str) -> Robots:
        origin = origin_of(url) or ""
        if origin not in self.rules:
            self.rules[origin] = self._ask(origin)
        return self.rules[origin]

    def _ask(self, origin: str) -> Robots:
        try:
            answer = self._get(f"{origin}/robots.txt", self.pause, follows=True)
        except (Barred, NoAnswer) as error:
            raise Refused(f"What may be read of {origin} cannot be found out: {error}") from error
        if answer.status == 200:
            return robots.read(answer.body.decode("utf-8-sig", "replace"), NAME)
        if 400 <= answer.status < 500 and answer.status != TOO_MANY:
            return Robots()
        raise Refused(
            f"{origin}/robots.txt answers with {answer.status}, so nothing there is read: whether it may be is not "
            "known. Try again later."
        )

    def _get(self, url: str, pause: float, *, follows: bool) -> Answer:
        if self.ended is not None:
            self.sleep(max(0.0, self.ended + pause - time.monotonic()))
        try:
            return self.call(url, follows=follows)
        finally:
            self.ended = time.monotonic()
