"""The service against pure models of it: generated sequences, and generated interleavings of several at once.

What a model says is written down from the rules, not from the code. Hypothesis draws what is done; in the usual run
always the same, within seconds, and with `--drills` something new each time, thirty times as much.
"""

from hypothesis import HealthCheck, Phase, settings

from tests.faults.drills import Drill

LONG = 30  # times as many examples


def budget(examples: int, *, steps: int = 50, drill: Drill) -> settings:
    """Return how many examples are drawn, each of at most so many steps."""
    return settings(
        max_examples=examples * drill.times(long=LONG, short=1),
        stateful_step_count=steps,
        derandomize=not drill.long,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        # A database answers when it does, and an example that cannot be made shorter is a finding all the same.
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
