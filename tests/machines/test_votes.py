"""Votes against the model: rows, tallies, standings and answers agree after whatever readers did, on any day."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from feedback import articles, readers, staff, stats, votes
from feedback.db import transact
from feedback.errors import Invalid
from feedback.models import Role, Site
from tests.cast import ORIGIN, Reader
from tests.faults.drills import Drill
from tests.machines import budget
from tests.machines.ballots import NOTES, REASONS, UNKNOWN_REASON, Ballot, Ballots, Lane, explained, plain
from tests.machines.lanes import Lanes, switching
from tests.machines.records import Stored, assert_added_up, stored
from tests.recount import assert_counted

READERS = range(6)
ARTICLES = ("dose", "diet", "sleep")
ADDRESSES = ("192.0.2.10", "198.51.100.20")
LABELS = ("", "r1", "r2")
BEGIN = datetime(2026, 5, 4, 21, tzinfo=UTC)
SECTIONS = ("", "effects", "dose")
TICK = timedelta(microseconds=1)
BALLOTS = st.builds(
    Ballot,
    reader=st.sampled_from(READERS),
    article=st.sampled_from(ARTICLES),
    value=st.sampled_from(("yes", "no", "no", "none")),
    revision=st.none() | st.sampled_from(LABELS),
    reason=st.none() | st.sampled_from(("", *REASONS, UNKNOWN_REASON)),
    section=st.none() | st.sampled_from(SECTIONS),
    note=st.none() | st.sampled_from(sorted(NOTES)),
    network=st.sampled_from(range(len(ADDRESSES))),
)

_slugs = count(1)


@dataclass
class Bed:
    """What one test's machines stand on: a service, its database, its clock. Each example has a site of its own."""

    app: Flask
    do: Callable[..., Any]
    clock: Any

    def new_site(self) -> Site:
        made: Site = self.do(articles.add_site, f"site-{next(_slugs)}", origins=[ORIGIN], now=self.clock())
        return made

    def token(self, site: Site, role: Role) -> str:
        return str(self.do(staff.issue_token, site, role, now=self.clock()))

    def forgives(self) -> None:
        """Forget who came how often: what is refused for coming too often is another test's."""
        self.app.extensions["limiter"].memory.storage.reset()


def token_of(reader: int) -> str:
    return f"{reader:022d}"


class Votes(RuleBasedStateMachine):
    """Some readers of a few articles, from two networks, over some days."""

    bed: Bed

    @initialize()
    def open(self) -> None:
        self.bed.clock.moment = BEGIN
        self.site = self.bed.new_site()
        self.bearer = self.bed.token(self.site, Role.ADMINISTRATOR)
        self.http = self.bed.app.test_client()
        self.model = Ballots()
        self.known: set[str] = set()
        self.hashes: dict[Any, bytes] = {}  # by network and day
        self.digests = {readers.digest(self.site.id, token_of(reader)): reader for reader in READERS}

    def reader(self, number: int, network: int = 0) -> Reader:
        self.bed.forgives()
        return Reader(self.http, self.site, token_of(number), ADDRESSES[network])

    # What readers do

    @rule(ballots=st.lists(BALLOTS, min_size=1, max_size=5))
    def readers_answer(self, ballots: list[Ballot]) -> None:
        for ballot in ballots:
            self.answer(ballot)

    @precondition(lambda self: self.model.marks)
    @rule(ballot=BALLOTS, data=st.data())
    def a_reader_answers_again(self, ballot: Ballot, data: Any) -> None:
        article, reader = data.draw(st.sampled_from(sorted(self.model.marks)))
        self.answer(replace(ballot, article=article, reader=reader))

    def answer(self, ballot: Ballot) -> None:
        assert ballot.network is not None
        now, address = self.bed.clock(), ADDRESSES[ballot.network]
        sent = {"article": ballot.article, **ballot.fields()}
        answer = self.reader(ballot.reader, ballot.network).posts("/vote", **sent)
        self.hashes[ballot.network, now.date()] = self.bed.app.extensions["networks"].of(address, now)
        status, expected = self.model.cast(ballot, now)
        assert answer.status_code == status, answer.text
        assert (answer.json if status == 200 else set(answer.json["errors"])) == expected
        self.known |= {ballot.article} if status == 200 and ballot.value != "none" else set()

    @rule(reader=st.sampled_from(READERS))
    def erase(self, reader: int) -> None:
        assert self.reader(reader).posts("/erase").json["votes"] == self.model.erase(reader)

    # What time does

    @rule(hours=st.sampled_from((-30, -3, 1, 5, 24, 49)))
    def time_passes_or_is_put_back(self, hours: int) -> None:
        self.bed.clock.forward(hours=hours)

    @rule(ballots=st.lists(BALLOTS, min_size=2, max_size=4))
    def readers_answer_over_midnight(self, ballots: list[Ballot]) -> None:
        now = self.bed.clock()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.bed.clock.moment = midnight - len(ballots) // 2 * TICK
        for ballot in ballots:
            self.answer(ballot)
            self.bed.clock.moment += TICK

    # What the service and its people do

    @rule()
    def networks_are_forgotten(self) -> None:
        self.bed.do(readers.expire, self.bed.clock())
        self.model.forget_networks(self.bed.clock())

    @rule()
    def the_usual_is_fitted(self) -> None:
        self.bed.do(stats.fit, self.site.id)

    @rule(limit=st.sampled_from((1, 2, 30)))
    def the_site_sets_its_quarantine(self, limit: int) -> None:
        self.bed.do(articles.change_site, self.site.slug, quarantine_limit=limit)
        self.model.quarantine = limit

    @precondition(lambda self: self.model.marks)
    @rule(data=st.data())
    def a_day_is_set_aside(self, data: Any) -> None:
        article, day = self.a_day(data, "day")
        assert self.shift(votes.set_aside, article, day) == self.model.set_aside(article, day)

    @precondition(lambda self: any(mark.burst_day for mark in self.model.marks.values()))
    @rule(data=st.data())
    def a_day_is_counted_again(self, data: Any) -> None:
        article, day = self.a_day(data, "burst_day")
        assert self.shift(votes.count_again, article, day) == self.model.count_again(article, day)

    def a_day(self, data: Any, column: str) -> tuple[str, date]:
        days = {(article, getattr(mark, column)) for (article, _), mark in self.model.marks.items()}
        found: tuple[str, date] = data.draw(st.sampled_from(sorted(each for each in days if each[1])))
        return found

    def shift(self, act: Callable[..., int], article: str, day: date) -> int:
        def settle() -> int:
            row = articles.get(self.site.id, article)
            assert row is not None
            return act(articles.site(self.site.slug), row.id, day, now=self.bed.clock())

        return int(self.bed.do(settle))

    # What is shown

    @rule(reader=st.sampled_from(READERS), article=st.sampled_from(ARTICLES))
    def a_reader_looks(self, reader: int, article: str) -> None:
        rae, mark = self.reader(reader), self.model.marks.get((article, reader))
        assert rae.reads(article).json["votes"] == self.model.count(article)
        mine = rae.mine(article).json
        assert (mine["vote"], mine["votes"]) == (mark and mark.public(), self.model.count(article))
        counts = rae.gets("/counts", article=list(ARTICLES)).json
        assert counts == {key: {**_yes_no(self.model.count(key)), "comments": 0} for key in ARTICLES}

    @rule(reader=st.sampled_from(READERS))
    def a_reader_asks_what_is_kept(self, reader: int) -> None:
        kept = {vote["article"]["key"]: vote for vote in self.reader(reader).posts("/export").json["votes"]}
        mine = {article: mark for (article, other), mark in self.model.marks.items() if other == reader}
        assert {key: (vote["value"], vote["day"], vote["counted"]) for key, vote in kept.items()} == {
            key: (mark.value, mark.day.isoformat(), mark.counted) for key, mark in mine.items()
        }
        assert {key for key, vote in kept.items() if vote["network_hash_kept"]} == {
            key for key, mark in mine.items() if mark.network is not None
        }

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def an_administrator_looks(self, data: Any) -> None:
        article = data.draw(st.sampled_from(sorted(self.known)))
        headers = {"Authorization": f"Bearer {self.bearer}"}
        path = f"/api/v1/{self.site.slug}/stats"
        shown = self.http.get(path, query_string={"article": article}, headers=headers).json
        marks = self.model.on(article)
        quarantined = sum(not mark.counted for mark in marks)
        assert shown["votes"] == {**self.model.count(article), "quarantined": quarantined}
        named = [cell[3:] for cell in self.model.named().elements() if cell[0] == article]
        assert shown["reasons"] == {code: named.count(("reason", code)) for kind, code in named if kind == "reason"}
        assert {row["id"]: row["no"] for row in shown["sections"]} == {
            code: named.count(("section", code)) for kind, code in named if kind == "section"
        }
        days = [(mark.day.isoformat(), mark.value) for mark in marks if mark.counted]
        assert shown["series"] == [
            {"day": day, "yes": days.count((day, "yes")), "no": days.count((day, "no"))}
            for day in sorted({day for day, _ in days})
        ]

    @invariant()
    def everything_agrees(self) -> None:
        found = stored(self.bed.app, self.site.id)
        assert_added_up(found)
        assert set(found.standings) == self.known
        self.assert_rows(found)

    def assert_rows(self, found: Stored) -> None:
        rows = {(article, self.digests[reader]): mark for (article, reader), mark in found.votes.marks.items()}
        expected = {
            place: replace(mark, network=None if mark.network is None else self.hashes[mark.network, mark.day])
            for place, mark in self.model.marks.items()
        }
        assert rows == expected
        assert found.votes.revisions == self.model.revisions


def _yes_no(votes: dict[str, int]) -> dict[str, int]:
    return {name: votes[name] for name in ("yes", "no")}


@pytest.fixture
def bed(limited_app: Flask, do: Callable[..., Any], clock: Any) -> Bed:
    return Bed(limited_app, do, clock)


def test_votes_are_what_the_model_says_after_any_sequence(bed: Bed, drill: Drill) -> None:
    machine = type("Votes", (Votes,), {"bed": bed})
    run_state_machine_as_test(machine, settings=budget(20, drill=drill))
    assert_counted(bed.app)


# Several at once. Nobody knows in which order the database took them; but some order must explain everything.

FEW = 4  # readers: so few that they meet each other
ONE_BALLOT = st.builds(
    Ballot,
    reader=st.sampled_from(range(FEW)),
    article=st.sampled_from(("dose", "dose", "dose", "diet")),
    value=st.sampled_from(("yes", "no", "yes", "no", "none")),
    revision=st.sampled_from((None, *LABELS)),
    reason=st.sampled_from((None, None, None, "", *REASONS)),
    section=st.sampled_from((None, None, None, *SECTIONS)),
    note=st.sampled_from((None, *NOTES)),
)
MOMENTS = st.sampled_from((0, 2, 4)).map(lambda hours: BEGIN + timedelta(hours=hours))  # before and after midnight
FIRST = st.lists(st.tuples(ONE_BALLOT, MOMENTS), min_size=1, max_size=3)
BATCH = st.lists(st.tuples(ONE_BALLOT, MOMENTS), min_size=5, max_size=8)
# Of who comes next. Not drawn one by one: how often there is a choice depends on who waits for whom.
SEEDS = st.integers(0, 2**32)
Batch = list[tuple[Ballot, datetime]]


def fields(site: Site, ballot: Ballot) -> dict[str, str]:
    return {"article": ballot.article, "reader": token_of(ballot.reader), **ballot.fields()}


class Clerk:
    """A process that casts."""

    def __init__(self, database_url: str, home: Path) -> None:
        command = [sys.executable, "-m", "tests.machines.clerk", database_url, str(home)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def prepare(self, site: Site, batch: Batch) -> None:
        ballots = [{"fields": fields(site, ballot), "now": now.isoformat()} for ballot, now in batch]
        self._tell(json.dumps({"site": site.slug, "ballots": ballots}))
        assert self._hear() == "ready"

    def begin(self) -> None:
        self._tell("go")

    def answers(self) -> list[tuple[int, Any]]:
        return [_told(status, answer) for status, answer in self._hear()]

    def leave(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def _tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _hear(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


def _told(status: int, answer: Any) -> tuple[int, Any]:
    """Return what the model returns: of a refusal only the fields it names."""
    return (status, answer) if status == 200 else (status, set(answer.get("errors", ())))


@pytest.fixture
def clerks(database_url: str, tmp_path: Path) -> Iterator[tuple[Clerk, Clerk]]:
    both = Clerk(database_url, tmp_path), Clerk(database_url, tmp_path)
    yield both
    for clerk in both:
        clerk.leave()


def assert_explained(bed: Bed, site: Site, start: Ballots, lanes: list[Lane]) -> None:
    found = stored(bed.app, site.id)
    assert_added_up(found)
    numbers = {readers.digest(site.id, token_of(reader)): reader for reader in range(FEW)}
    end = {(article, numbers[reader]): plain(mark) for (article, reader), mark in found.votes.marks.items()}
    strict = bed.app.config["SETTINGS"].database_url.startswith("sqlite")
    assert explained(start, lanes, end, strict=strict), (lanes, end)


def begun(bed: Bed, site: Site, batch: Batch) -> Ballots:
    """Cast what stands before several come at once."""
    model, http = Ballots(), bed.app.test_client()
    for ballot, now in batch:
        bed.clock.moment = now
        bed.forgives()
        answer = http.post(f"/api/v1/{site.slug}/vote", data=fields(site, ballot), headers={"Origin": ORIGIN})
        assert _told(answer.status_code, answer.json) == model.cast(ballot, now)
    return model


def test_some_order_explains_what_two_processes_did_at_once(
    clerks: tuple[Clerk, Clerk], bed: Bed, drill: Drill
) -> None:
    @budget(40, drill=drill)
    @given(before=FIRST, batches=st.tuples(BATCH, BATCH))
    def run(before: Batch, batches: tuple[Batch, Batch]) -> None:
        site = bed.new_site()
        start = begun(bed, site, before)
        for clerk, batch in zip(clerks, batches, strict=True):
            clerk.prepare(site, batch)
        for clerk in clerks:
            clerk.begin()
        answers = [clerk.answers() for clerk in clerks]
        lanes = [
            [(*each, answer) for each, answer in zip(*pair, strict=True)] for pair in zip(batches, answers, strict=True)
        ]
        assert_explained(bed, site, start, lanes)

    run()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_some_order_explains_any_interleaving_of_statements(app: Flask, bed: Bed, drill: Drill) -> None:
    """SQLite needs none of this: there is one writer's place, and a transaction has it from its first statement on."""
    bed = replace(bed, app=app)
    waited = Counter[bool]()

    @budget(200, drill=drill)
    @given(before=FIRST, ballots=st.lists(ONE_BALLOT, min_size=2, max_size=3), now=MOMENTS, seed=SEEDS)
    def run(before: Batch, ballots: list[Ballot], now: datetime, seed: int) -> None:
        site = bed.new_site()
        start = Ballots()
        for ballot, then in before:
            assert casts(app, site, ballot, then) == start.cast(ballot, then)
        acts = [partial(casts, app, site, ballot, now) for ballot in ballots]
        answers = running.run(acts, switching(seed))
        waited[running.waited > 0] += 1
        running.waited = 0
        assert_explained(
            bed, site, start, [[(ballot, now, answer)] for ballot, answer in zip(ballots, answers, strict=True)]
        )

    with closing(Lanes(app)) as running:
        run()
    assert waited[True] > 5, "hardly ever did one wait for another: nothing was tried"


def casts(app: Flask, site: Site, ballot: Ballot, now: datetime) -> tuple[int, Any]:
    """Cast by the rule itself: whatever else the doors write would want turns too."""
    with app.app_context():
        page = articles.Page(articles.site(site.slug), ballot.article)
        value, reader = votes.Choice(ballot.value), readers.digest(site.id, token_of(ballot.reader))
        more = {name: getattr(ballot, name) for name in ("revision", "section", "reason", "note")}
        try:
            return 200, transact(votes.cast, votes.Ballot(page, reader, value, **more), now=now).public()
        except Invalid as invalid:
            return 422, set(invalid.errors)
