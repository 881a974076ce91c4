"""How often the drop alert cries wolf, looked at after every vote, and how soon it tells of a real fall.

`python -m tests.bench.alerts` alone, or as a part of `python -m tests.bench`. Readers are drawn with a fixed seed. Each
article first gets its baseline, from the same readers as before the edit; then come up to 500 votes on the revision.
"""

import math
import random
from collections.abc import Sequence
from functools import cache
from itertools import product
from statistics import median
from typing import Any

from feedback.revisions import BASELINE_VOTES
from feedback.statistics import dropped, wilson
from feedback.stats.revisions import BASELINE_LEAST

SEED = 20
ARTICLES = 10_000  # each figure is then good to about 0.1 points
LOOKS = 500  # votes on a revision, each of them looked at
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)  # who found an unchanged article helpful
BASELINES = (BASELINE_LEAST, 60, BASELINE_VOTES)  # the fewest votes that say what is usual, some, and enough
BEFORE, AFTER = 0.8, 0.5  # a fall that nobody would want to miss


def figures() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for votes, share in product(BASELINES, SHARES):
        told = percent_told(delays(votes, share, share))
        found[f"drop alert, false alarms in {LOOKS} votes at {share}, baseline {votes}, %"] = told
    found["drop alert, false alarms at worst, %"] = max(found.values())
    for votes in BASELINES:
        waited = delays(votes, BEFORE, AFTER)
        fall = f"drop alert, {BEFORE} to {AFTER}, baseline {votes}"
        found[f"{fall}, median delay, votes"] = median(waited)
        found[f"{fall}, told within {LOOKS} votes, %"] = percent_told(waited)
    return found


def percent_told(waited: Sequence[float]) -> float:
    return 100 * sum(votes <= LOOKS for votes in waited) / len(waited)


def delays(baseline: int, before: float, after: float, articles: int = ARTICLES) -> list[float]:
    """Return for each article how many votes its alarm took, or infinity."""
    dice = random.Random(SEED)
    found = []
    for _ in range(articles):
        usual_yes = sum(dice.random() < before for _ in range(baseline))
        found.append(delay(dice, line(usual_yes, baseline), after))
    return found


def delay(dice: random.Random, alarms: Sequence[int], share: float) -> float:
    yes = 0
    for votes, most in enumerate(alarms, start=1):
        yes += dice.random() < share
        if yes <= most:
            return votes
    return math.inf


@cache
def line(usual_yes: int, baseline: int) -> list[int]:
    """Return for each number of votes the most Yes among them that raise the alarm, or -1.

    One more Yes is less evidence of a drop and one more No is more, so that the line never falls.
    """
    usual = wilson(usual_yes, baseline).low
    found, most = [], -1
    for votes in range(1, LOOKS + 1):
        while usual > 0 and most < votes and dropped(most + 1, votes, usual):
            most += 1
        found.append(most)
    return found


if __name__ == "__main__":
    for name, value in figures().items():
        print(f"{name:66}  {value:,.2f}")
