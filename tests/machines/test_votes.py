"""Votes against the model: rows, tallies, standings and answers agree after whatever readers did, on any day."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from feedback import articles, readers, staff, stats
from feedback.models import Role, Site
from tests.cast import ORIGIN, Reader
from tests.machines import budget
from tests.machines.ballots import NOTES, REASONS, UNKNOWN_REASON, Ballot, Ballots
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


def test_votes_are_what_the_model_says_after_any_sequence(bed: Bed, drill: bool) -> None:
    machine = type("Votes", (Votes,), {"bed": bed})
    run_state_machine_as_test(machine, settings=budget(20, drill=drill))
    assert_counted(bed.app)
