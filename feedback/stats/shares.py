"""How many said Yes and No: the share and its interval, in words as careful as the votes are few."""

from dataclasses import dataclass
from typing import Any

from feedback import statistics
from feedback.statistics import Count, Interval


@dataclass(frozen=True)
class Votes:
    """Counted and quarantined votes, and what the counted ones say."""

    yes: int
    no: int
    quarantined: int = 0

    @property
    def total(self) -> int:
        return self.yes + self.no

    @property
    def count(self) -> Count:
        return Count(self.yes, self.total)

    @property
    def interval(self) -> Interval:
        return statistics.wilson(self.yes, self.total)

    @property
    def wording(self) -> str:
        return statistics.wording(self.yes, self.total)

    def public(self) -> dict[str, int]:
        return {"yes": self.yes, "no": self.no, "total": self.total, "quarantined": self.quarantined}

    def helpful(self) -> dict[str, Any]:
        share = self.count.share if self.total else None
        return {"share": share, **self.interval._asdict(), "wording": self.wording}
