"""Votes as the rules have them: what each request is answered, and what then stands. Pure, and cheap to copy."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

REASONS = ("unclear", "outdated")
UNKNOWN_REASON = "boring"
# As typed, and as kept.
NOTES = {"Which dose?": "Which dose?", "Write to rae@example.org.": "Write to [removed].", "": None}
KEY_LIFE = timedelta(days=2)


@dataclass(frozen=True)
class Ballot:
    """One request: who answers what about which article. What is None is left out."""

    reader: int
    article: str
    value: str
    revision: str | None = None
    reason: str | None = None
    section: str | None = None
    note: str | None = None
    network: int | None = None

    def fields(self) -> dict[str, str]:
        sent = {name: getattr(self, name) for name in ("value", "revision", "reason", "section", "note")}
        return {name: value for name, value in sent.items() if value is not None}


@dataclass(frozen=True)
class Mark:
    """A vote as it stands."""

    value: str
    revision: str
    day: date
    reason: str | None
    section: str | None
    note: str | None
    counted: bool
    network: int | None
    created: datetime
    updated: datetime
    burst_day: date | None = None  # that it was set aside with

    def public(self) -> dict[str, str | None]:
        shown = {name: getattr(self, name) for name in ("value", "reason", "section", "note")}
        return shown | {"revision": self.revision or None}

    @property
    def column(self) -> str:
        return self.value if self.counted else f"quarantined_{self.value}"


@dataclass(frozen=True)
class Seen:
    """A revision: when it was first voted on, and the votes of the days before that."""

    first_seen: datetime
    baseline_yes: int
    baseline_votes: int


@dataclass
class Ballots:
    """All votes of a site."""

    marks: dict[tuple[str, int], Mark] = field(default_factory=dict)
    revisions: dict[tuple[str, str], Seen] = field(default_factory=dict)
    quarantine: int = 30

    def copy(self) -> "Ballots":
        return replace(self, marks=dict(self.marks), revisions=dict(self.revisions))

    def cast(self, ballot: Ballot, now: datetime) -> tuple[int, Any]:
        """Return status and answer of a vote; a refusal's answer is the fields it names."""
        wrong = self._wrong(ballot)
        if wrong:
            return 422, wrong
        place = ballot.article, ballot.reader
        before = self.marks.get(place)
        if ballot.value == "none":
            self.marks.pop(place, None)
            return 200, self._answer(ballot)
        after = self._changed(ballot, before, now) if before else self._first(ballot, now)
        if before is None or before.revision != after.revision:
            self._see(ballot.article, after.revision, now)
        self.marks[place] = after
        return 200, self._answer(ballot)

    def erase(self, reader: int) -> int:
        """Forget a reader; return how many votes of theirs are gone."""
        mine = [place for place in self.marks if place[1] == reader]
        for place in mine:
            del self.marks[place]
        return len(mine)

    def set_aside(self, article: str, day: date) -> int:
        """Take the counted votes of a day out; return how many they were."""
        return self._shift(lambda mark: mark.counted and mark.day == day, article, counted=False, burst_day=day)

    def count_again(self, article: str, day: date) -> int:
        """Count what was set aside with a day, wherever it lies now; return how many that were."""
        return self._shift(lambda mark: mark.burst_day == day, article, counted=True, burst_day=None)

    def _shift(self, which: Callable[[Mark], bool], article: str, **changed: Any) -> int:
        chosen = {place: mark for place, mark in self.marks.items() if place[0] == article and which(mark)}
        self.marks |= {place: replace(mark, **changed) for place, mark in chosen.items()}
        return len(chosen)

    def forget_networks(self, now: datetime) -> None:
        """Drop what a key of two days ago or more has hashed."""
        for place, mark in self.marks.items():
            if mark.day <= now.date() - KEY_LIFE:
                self.marks[place] = replace(mark, network=None)

    def on(self, article: str) -> list[Mark]:
        return [mark for (key, _), mark in self.marks.items() if key == article]

    def count(self, article: str) -> dict[str, int]:
        counted = Counter(mark.value for mark in self.on(article) if mark.counted)
        return {"yes": counted["yes"], "no": counted["no"], "total": counted.total()}

    def cells(self) -> Counter[Any]:
        """Count the votes by (article, revision, day, column)."""
        return Counter((article, mark.revision, mark.day, mark.column) for (article, _), mark in self.marks.items())

    def named(self) -> Counter[Any]:
        """Count what those who said No named, by (article, revision, day, kind, code)."""
        return Counter(
            (article, mark.revision, mark.day, kind, code)
            for (article, _), mark in self.marks.items()
            for kind, code in (("reason", mark.reason), ("section", mark.section))
            if mark.counted and code
        )

    def _wrong(self, ballot: Ballot) -> set[str]:
        beside_yes = {name for name in ("reason", "section") if ballot.value == "yes" and getattr(ballot, name)}
        return beside_yes or ({"reason"} if ballot.reason == UNKNOWN_REASON else set())

    def _answer(self, ballot: Ballot) -> dict[str, Any]:
        mark = self.marks.get((ballot.article, ballot.reader))
        return {"votes": self.count(ballot.article), "yours": mark and mark.public()}

    def _first(self, ballot: Ballot, now: datetime) -> Mark:
        return Mark(
            value=ballot.value,
            revision=ballot.revision or "",
            day=now.date(),
            reason=ballot.reason or None,
            section=ballot.section or None,
            note=NOTES[ballot.note or ""],
            counted=ballot.network is None or self._crowd(ballot, now.date()) < self.quarantine,
            network=ballot.network,
            created=now,
            updated=now,
        )

    def _crowd(self, ballot: Ballot, today: date) -> int:
        """Count the counted votes that stand on the article today and come from the same network."""
        return sum(
            mark.counted and mark.day == today and mark.network == ballot.network for mark in self.on(ballot.article)
        )

    def _changed(self, ballot: Ballot, before: Mark, now: datetime) -> Mark:
        # What is left out is kept, what is empty is cleared, and another value clears all three.
        kept = before if ballot.value == before.value else replace(before, reason=None, section=None, note=None)
        after = replace(
            kept,
            value=ballot.value,
            revision=before.revision if ballot.revision is None else ballot.revision,
            reason=kept.reason if ballot.reason is None else ballot.reason or None,
            section=kept.section if ballot.section is None else ballot.section or None,
            note=kept.note if ballot.note is None else NOTES[ballot.note],
        )
        if (after.value, after.revision) != (before.value, before.revision):
            after = replace(after, day=now.date())
        if after == before:
            return before
        # A vote belongs to the network it came from on its day; changing a note elsewhere makes no room for others.
        network = before.network if after.day == before.day else ballot.network
        return replace(after, network=network, updated=now)

    def _see(self, article: str, revision: str, now: datetime) -> None:
        if (article, revision) not in self.revisions:
            earlier = [mark.value for mark in self.on(article) if mark.counted and mark.day < now.date()]
            self.revisions[article, revision] = Seen(now, earlier.count("yes"), len(earlier))


Lane = list[tuple[Ballot, datetime, tuple[int, Any]]]


def explained(start: Ballots, lanes: list[Lane], end: Mapping[tuple[str, int], Any], *, strict: bool) -> bool:
    """Whether some order of what was done at once, one after the other, gives the same answers and the same end.

    Not strictly, a ballot that takes back what was not there may tell of votes that came just after it.
    """
    return any(_orders(start, [0] * len(lanes), lanes, end, strict))


def _orders(
    state: Ballots, done: list[int], lanes: list[Lane], end: Mapping[tuple[str, int], Any], strict: bool
) -> Iterator[bool]:
    if all(place == len(lane) for place, lane in zip(done, lanes, strict=True)):
        yield {place: plain(mark) for place, mark in state.marks.items()} == end
        return
    for number, lane in enumerate(lanes):
        if done[number] < len(lane):
            ballot, now, answer = lane[done[number]]
            after = state.copy()
            if _agree(after.cast(ballot, now), answer, strict or (ballot.article, ballot.reader) in state.marks):
                further = [place + (number == other) for other, place in enumerate(done)]
                yield from _orders(after, further, lanes, end, strict)


def _agree(expected: tuple[int, Any], answer: tuple[int, Any], strict: bool) -> bool:
    if strict or expected[0] != 200 or expected[1]["yours"]:
        return expected == answer
    return bool(answer[0] == 200 and answer[1]["yours"] is None)


def plain(mark: Mark) -> dict[str, Any]:
    """Return what of a vote does not depend on when its request came."""
    return {name: value for name, value in asdict(mark).items() if name not in ("network", "created", "updated")}
