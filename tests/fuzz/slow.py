"""Looks for the texts that cost most: `python -m tests.fuzz.slow [--seconds 60] [--door comment]`.

Hill climbing over texts that repeat a few fragments up to the limit of the door they are sent to. What costs most is
printed, as a multiple of a plain comment's cost, so that it can be added to `tests/bench/bodies.py`.
"""

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from feedback import characters, forms, personal, text
from tests.bench.bodies import BODY_BYTES, PLAIN
from tests.bench.texts import MOST_TYPED, MOST_TYPED_NAME, cost, posted
from tests.fuzz.fragments import ALL

KEPT = 24  # texts that are changed further

DOORS: dict[str, tuple[Callable[[str], Any], int]] = {
    "comment": (posted, text.MAX_CHARS),
    "import": (text.imported_html, text.MAX_HTML_BYTES),
    "body": (posted, MOST_TYPED),
    "line": (text.line, characters.MAX_TYPED),
    "name": (forms.name, MOST_TYPED_NAME),
    "odd name": (text.odd_name, MOST_TYPED_NAME),
    "redact": (personal.redact, 1_000),
    "found": (personal.found, text.MAX_CHARS),
}


@dataclass(frozen=True)
class Recipe:
    """A text: some fragments, some repeated as often as fits, some more."""

    before: tuple[str, ...]
    repeated: tuple[str, ...]
    after: tuple[str, ...]
    share: float  # of the limit that is used
    pieces: int  # that what is repeated is broken into, by line breaks

    def text(self, limit: int) -> str:
        before, unit, after = map("".join, (self.before, self.repeated, self.after))
        room = max(0, int(limit * self.share) - len(before) - len(after) - self.pieces)
        many = (unit * (room // max(1, len(unit)) + 1))[:room]
        size = len(many) // self.pieces + 1
        lines = [many[at : at + size] for at in range(0, len(many), size)]
        made = (before + "\n".join(lines) + after)[:limit]
        return made.encode()[:BODY_BYTES].decode(errors="ignore")

    def changed(self, chance: random.Random) -> "Recipe":
        match chance.randrange(8):
            case 0:
                return replace(self, before=_changed(self.before, chance))
            case 1:
                return replace(self, after=_changed(self.after, chance))
            case 2:
                return replace(self, share=chance.choice([1.0, min(1.0, self.share * chance.uniform(0.5, 1.5))]))
            case 3:
                return replace(self, pieces=max(1, int(self.pieces * chance.uniform(0.3, 3))))
        return replace(self, repeated=_changed(self.repeated, chance) or (chance.choice(ALL),))


def _changed(parts: tuple[str, ...], chance: random.Random) -> tuple[str, ...]:
    made = list(parts)
    at = chance.randrange(len(made) + 1)
    match chance.randrange(4):
        case 0 if made:
            del made[at - 1]
        case 1 if made:
            made[at - 1] = chance.choice(ALL)
        case 2 if made:
            made[at:at] = [made[at - 1]] * chance.choice([1, 2, 5])
        case _:
            made.insert(at, chance.choice(ALL))
    return tuple(made[:40])


def climb(door: str, seconds: float, chance: random.Random) -> list[tuple[float, str]]:
    """Return the costliest texts found for a door, with their seconds."""
    function, limit = DOORS[door]
    best = [(0.0, Recipe((), (chance.choice(ALL),), (), 1.0, 1)) for _ in range(KEPT)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fresh = chance.random() < 0.2
        recipe = Recipe((), tuple(chance.choices(ALL, k=2)), (), 1.0, 1) if fresh else chance.choice(best)[1]
        recipe = recipe.changed(chance)
        source = recipe.text(limit)
        spent = cost(function, source, 1)
        if spent > best[-1][0] and (spent := cost(function, source)) > best[-1][0]:
            # One of a kind, so that variations of the first good find do not crowd out the others.
            kind = set(recipe.repeated)
            if not any(set(other.repeated) == kind and then >= spent for then, other in best):
                best = [each for each in best if set(each[1].repeated) != kind] + [(spent, recipe)]
                best = sorted(best, key=lambda each: -each[0])[:KEPT]
    return [(spent, recipe.text(limit)) for spent, recipe in best if spent]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.slow", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each door")
    parser.add_argument("--door", choices=DOORS, action="append", help="repeatable; all where none is named")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    plain = cost(text.comment_html, PLAIN, 50)
    print(f"a plain comment of {len(PLAIN)} characters costs {plain * 1000:.2f} ms")
    for door in options.door or DOORS:
        print(f"\n{door}: times a plain comment, milliseconds, characters, what was repeated")
        for spent, source in climb(door, options.seconds, random.Random(options.seed))[:8]:
            spent = cost(DOORS[door][0], source, 5)
            print(f"{spent / plain:8.0f} x {spent * 1000:8.1f} ms {len(source):6}  {source[:70]!r} … {source[-30:]!r}")


if __name__ == "__main__":
    main()
