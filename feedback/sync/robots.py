"""What a site's robots.txt lets this service read (RFC 9309): the longest rule that fits counts, `*` and `$` too."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

MAX_CHARS = 500_000  # of the file; RFC 9309 asks for as many
MAX_RULES = 5_000  # each is held against every address
MAX_DELAY = 30.0  # seconds between two requests; who asks for more is not read any slower
_LINE = re.compile(r"\s*(user-agent|allow|disallow|crawl-delay)\s*:([^#]*)", re.IGNORECASE)
_SAFE = "!$%&'()*+,-./:;=?@[]_~"


@dataclass(frozen=True)
class Robots:
    """The rules for one visitor: (allowed, pattern) and the seconds between two requests."""

    rules: tuple[tuple[bool, str], ...] = ()
    delay: float = 0.0

    def allow(self, url: str) -> bool:
        parts = urlsplit(url)
        path = _written(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        fitting = [(len(pattern), allowed) for allowed, pattern in self.rules if _fits(pattern, path)]
        # Of two equally long ones the one that allows counts.
        return max(fitting, default=(0, True))[1]


def read(text: str, visitor: str) -> Robots:
    """Read a robots.txt for a visitor of that name: the groups that name it, else those for everybody."""
    groups = list(_groups(text[:MAX_CHARS].splitlines()))
    named = [lines for names, lines in groups if visitor in names]
    lines = [line for group in named or [lines for names, lines in groups if "*" in names] for line in group]
    rules = [(field == "allow", _written(value)) for field, value in lines if field != "crawl-delay" and value]
    return Robots(
        tuple(rules[:MAX_RULES]),
        max((_seconds(value) for field, value in lines if field == "crawl-delay"), default=0.0),
    )


def _groups(lines: Iterable[str]) -> Iterable[tuple[set[str], list[tuple[str, str]]]]:
    names: set[str] = set()
    rules: list[tuple[str, str]] = []
    begun = False
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        field, value = found[1].lower(), found[2].strip()
        if field != "user-agent":
            rules.append((field, value))
            begun = True
            continue
        if begun:
            yield names, rules
            names, rules, begun = set(), [], False
        names.add(value.lower())
    yield names, rules


def _seconds(value: str) -> float:
    try:
        return min(MAX_DELAY, max(0.0, float(value)))
    except ValueError:
        return 0.0


def _written(path: str) -> str:
    """Write a path in one way, so that one with its letters escaped is the same as one without."""
    return re.sub("%[0-9A-Fa-f]{2}", lambda escape: escape[0].upper(), quote(path, safe=_SAFE))


def _fits(pattern: str, path: str) -> bool:
    """Whether a rule is about a path; each part is looked for once, so that no pattern takes long."""
    ends = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if ends and not others:
        return at == len(path)
    *between, last = others or [""]
    for part in between:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return path.endswith(last) and len(path) - len(last) >= at if ends else path.find(last, at) >= 0
