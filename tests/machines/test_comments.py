"""Comments against the model: only the transitions of the table, a row for each, and shown to whom they may be."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count, permutations
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
from sqlalchemy import select

from feedback import articles, opaque, readers, staff
from feedback.db import db
from feedback.errors import Missing
from feedback.models import Accepts, Article, Comment, Decision, Flag, Like, Role, Site, Standing
from tests.cast import ORIGIN
from tests.faults.drills import Drill
from tests.machines import budget, talk
from tests.machines.lanes import Lanes, switching
from tests.machines.talk import (
    ADMINISTRATOR,
    BEGINNINGS,
    FLAG_LIMIT,
    LEADS_TO,
    MODERATOR,
    READER,
    RULES,
    STATES,
    TEXTS,
    TRANSITIONS,
    Remark,
    Talk,
)
from tests.recount import assert_counted

READERS = range(3)
FLAGGERS = range(6)  # more than write: a comment is flagged again after somebody has decided on flags
ARTICLES = ("dose", "diet")
BEGIN = datetime(2026, 5, 4, 21, tzinfo=UTC)
ACTIONS = st.sampled_from(sorted(LEADS_TO))
REASONS = st.sampled_from((None, "Off the topic"))

_slugs = count(1)


def token_of(reader: int) -> str:
    return f"{reader:022d}"


@dataclass
class Doors:
    """The requests of the model, each made to the service. What the service calls a comment is kept by its key."""

    app: Flask
    site: Site
    bearers: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)

    def submit(
        self,
        key: str,
        submission: str,
        article: str,
        reader: int,
        text: str,
        parent: str | None,
        trap: bool,
        now: datetime,
    ) -> int:
        fields = {"article": article, "reader": token_of(reader), "submission": submission, "body": text}
        fields |= {"parent": self.ids[parent]} if parent else {}
        fields |= {"website": "https://pills.example"} if trap else {}
        status, answer = self.ask("/comments", data=fields)
        if status < 300 and answer["comment"]["id"] not in self.ids.values():
            self.ids[key] = answer["comment"]["id"]
        return status

    def withdraw(self, key: str, reader: int) -> int:
        return self.ask(f"/comments/{self.ids[key]}/withdraw", data={"reader": token_of(reader)})[0]

    def amend(self, key: str, reader: int, text: str) -> int:
        return self.ask(f"/comments/{self.ids[key]}/edit", data={"reader": token_of(reader), "body": text})[0]

    def like(self, key: str, reader: int, value: str) -> int:
        return self.ask(f"/comments/{self.ids[key]}/like", data={"reader": token_of(reader), "value": value})[0]

    def flag(self, key: str, reader: int) -> int:
        given = {"reader": token_of(reader), "reason": "other"}
        return self.ask(f"/comments/{self.ids[key]}/flag", data=given)[0]

    def erase(self, reader: int) -> int:
        return self.ask("/erase", data={"reader": token_of(reader)})[0]

    def decide(self, choices: list[tuple[str, int]], action: str, reason: str | None = None) -> int:
        chosen = [{"id": self.ids[key], "version": version} for key, version in choices]
        return self.ask("/decisions", MODERATOR, json={"comments": chosen, "action": action, "reason": reason})[0]

    def decide_all(self, listed: str, action: str) -> int:
        chosen = {"filter": {"state": listed}, "before": "2099-01-01T00:00:00Z", "action": action}
        status, answer = self.ask("/decisions", MODERATOR, json=chosen)
        if status == 202:
            batch = self.shows(f"/batches/{answer['batch']}")["batch"]
            assert (batch["state"], batch["decided"] <= batch["total"]) == ("done", True)
        return status

    def undo(self, key: str, number: int) -> int:
        decision = self.history(key)[number]["id"]
        return self.ask(f"/decisions/{decision}/undo", MODERATOR, json={})[0]

    def revise(self, key: str, version: int, text: str) -> int:
        return self.ask(f"/comments/{self.ids[key]}/revise", MODERATOR, json={"version": version, "body": text})[0]

    def purge(self, key: str, version: int, by: str = ADMINISTRATOR) -> int:
        return self.ask(f"/comments/{self.ids[key]}/purge", by, json={"version": version})[0]

    def history(self, key: str) -> list[dict[str, Any]]:
        return list(self.shows("/history", comment=self.ids[key])["decisions"])

    def shows(self, path: str, by: str = MODERATOR, **query: Any) -> Any:
        answer = self.app.test_client().get(self._address(path), query_string=query, headers=self._as(by))
        assert answer.status_code == 200, answer.text
        return answer.json

    def ask(self, path: str, by: str = MODERATOR, **body: Any) -> tuple[int, Any]:
        # Readers' calls carry a token too, not an origin: where pages ask from would be written down beside them.
        answer = self.app.test_client().post(self._address(path), headers=self._as(by), **body)
        return answer.status_code, answer.json

    def _address(self, path: str) -> str:
        return f"/api/v1/{self.site.slug}{path}"

    def _as(self, by: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.bearers[by]}"}


@dataclass
class Bed:
    """What one test's machines stand on. Each example has a site of its own."""

    app: Flask
    do: Callable[..., Any]
    clock: Any

    def new_site(self) -> Doors:
        self.clock.moment = BEGIN
        site = self.do(articles.add_site, f"site-{next(_slugs)}", origins=[ORIGIN], now=BEGIN)
        bearers = {
            f"{role} token": self.do(staff.issue_token, site, role, now=BEGIN)
            for role in (Role.MODERATOR, Role.ADMINISTRATOR)
        }
        doors = Doors(self.app, site, bearers)
        for by in bearers:
            # Their first use is written down; done now, it gets in nobody's way later.
            doors.shows("/queue", by)
        return doors

    def sets(self, site: Site, **settings: Any) -> None:
        self.do(articles.change_site, site.slug, **settings)

    def accept(self, site: Site, article: str, accepts: str) -> bool:
        """Close, hide or open an article's comments; False for one that nobody has commented on yet."""
        try:
            self.do(articles.set_accepts, site.id, article, Accepts(accepts))
        except Missing:
            return False
        return True


class Comments(RuleBasedStateMachine):
    """Some readers, a moderator and an administrator, over some days."""

    bed: Bed

    @initialize()
    def open(self) -> None:
        self.doors = self.bed.new_site()
        self.site = self.doors.site
        self.bed.sets(self.site, flag_limit=FLAG_LIMIT)
        self.model = Talk()
        self.numbers = count(1)
        self.digests = {readers.digest(self.site.id, token_of(reader)): reader for reader in FLAGGERS}

    def act(self, name: str, *given: Any) -> int:
        """Do one thing on both sides, and hold what is answered against what should be."""
        self.model.now = self.bed.clock()
        expected = getattr(self.model, name)(*given)
        status = getattr(self.doors, name)(*given)
        assert status == expected, (name, given)
        return int(status)

    def any_key(self, data: Any) -> str:
        return str(data.draw(st.sampled_from(sorted(self.model.remarks)), label="comment"))

    # What readers do

    @rule(
        article=st.sampled_from(ARTICLES),
        reader=st.sampled_from(READERS),
        texts=st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, max_size=3),
        trap=st.sampled_from((False, False, False, True)),
    )
    def readers_comment(self, article: str, reader: int, texts: list[str], trap: bool) -> None:
        for text in texts:
            self.submits(article, reader, text, trap=trap)

    @precondition(lambda self: self.model.remarks)
    @rule(reader=st.sampled_from(READERS), data=st.data(), text=st.sampled_from(sorted(TEXTS)))
    def a_reader_replies(self, reader: int, data: Any, text: str) -> None:
        parent = self.any_key(data)
        self.submits(self.model.remarks[parent].article, reader, text, parent=parent)

    @precondition(lambda self: self.model.remarks)
    @rule(data=st.data())
    def a_reader_sends_it_again(self, data: Any) -> None:
        remark = self.model.remarks[self.any_key(data)]
        if remark.reader is not None:
            self.submits(remark.article, remark.reader, "It helped me.", submission=remark.submission)

    def submits(
        self, article: str, reader: int, text: str, *, parent: str | None = None, trap: bool = False, **more: Any
    ) -> None:
        key = f"c{next(self.numbers)}"
        submission = more.get("submission") or key
        self.act("submit", key, submission, article, reader, text, parent, trap, self.bed.clock())

    @precondition(lambda self: self.model.remarks)
    @rule(data=st.data(), reader=st.none() | st.sampled_from(READERS))
    def a_reader_withdraws(self, data: Any, reader: int | None) -> None:
        key = self.any_key(data)
        owner = self.model.remarks[key].reader
        self.act("withdraw", key, reader if reader is not None else owner or 0)

    @precondition(lambda self: self.model.remarks)
    @rule(data=st.data(), text=st.sampled_from(sorted(TEXTS)), minutes=st.sampled_from((0, 0, 1, 10, 16)))
    def a_reader_changes_their_text(self, data: Any, text: str, minutes: int) -> None:
        """Mostly what was sent just now, and can still be changed; now and then somebody else's."""
        newest = max(self.model.remarks, key=lambda key: self.model.remarks[key].created)
        key = data.draw(st.sampled_from([newest, newest, self.any_key(data)]), label="changed")
        reader = data.draw(st.sampled_from([self.model.remarks[key].reader or 0] * 3 + [0]), label="who")
        self.bed.clock.moment = max(self.bed.clock(), self.model.remarks[newest].created)
        self.bed.clock.forward(minutes=minutes)
        self.act("amend", key, reader, text)

    @precondition(lambda self: any(remark.state == "approved" for remark in self.model.remarks.values()))
    @rule(
        data=st.data(),
        likers=st.lists(st.sampled_from(FLAGGERS), min_size=1),
        value=st.sampled_from(("yes", "yes", "none")),
    )
    def readers_like(self, data: Any, likers: list[int], value: str) -> None:
        published = [key for key, remark in self.model.remarks.items() if remark.state == "approved"]
        key = data.draw(st.sampled_from(sorted(published * 3 + list(self.model.remarks))), label="comment")
        for reader in likers:
            self.act("like", key, reader, value)

    @rule(reader=st.sampled_from(READERS))
    def a_reader_erases(self, reader: int) -> None:
        self.act("erase", reader)

    @precondition(lambda self: any(remark.state == "approved" for remark in self.model.remarks.values()))
    @rule(data=st.data(), flaggers=st.lists(st.sampled_from(FLAGGERS), min_size=1, unique=True))
    def readers_flag(self, data: Any, flaggers: list[int]) -> None:
        """Mostly what they can see, now and then what is there no more."""
        published = [key for key, remark in self.model.remarks.items() if remark.state == "approved"]
        key = data.draw(st.sampled_from(sorted(published * 3 + list(self.model.remarks))), label="comment")
        for reader in flaggers:
            self.act("flag", key, reader)

    # What staff do

    @precondition(lambda self: self.model.remarks)
    @rule(data=st.data(), text=st.sampled_from(sorted(TEXTS)), step=st.sampled_from((0, 0, 0, 1)))
    def a_moderator_changes_a_text(self, data: Any, text: str, step: int) -> None:
        key = self.any_key(data)
        self.act("revise", key, self.model.remarks[key].version + step, text)

    @precondition(lambda self: self.model.flags)
    @rule(action=ACTIONS)
    def a_moderator_answers_the_flags(self, action: str) -> None:
        flagged = sorted({key for key, _ in self.model.flags})
        self.act("decide", [(flagged[0], self.model.remarks[flagged[0]].version)], action)

    @precondition(lambda self: self.model.remarks)
    @rule(data=st.data(), action=ACTIONS, reason=REASONS)
    def a_moderator_decides(self, data: Any, action: str, reason: str | None) -> None:
        """One or more at once, now and then on a version that is no more."""
        keys = data.draw(st.lists(st.sampled_from(sorted(self.model.remarks)), min_size=1, max_size=4, unique=True))
        choices = [
            (key, max(1, self.model.remarks[key].version - data.draw(st.sampled_from((0, 0, 0, 0, 1, -1)))))
            for key in keys
        ]
        self.act("decide", choices, action, reason)

    @precondition(lambda self: any(remark.state == "pending" for remark in self.model.remarks.values()))
    @rule(action=ACTIONS)
    def a_moderator_clears_the_queue(self, action: str) -> None:
        waiting = [(key, each.version) for key, each in self.model.remarks.items() if each.state == "pending"]
        self.act("decide", waiting, action)

    @rule(listed=st.sampled_from(("pending", "pending", "flagged", "approved", "spam", "all")), action=ACTIONS)
    def a_moderator_decides_on_a_whole_list(self, listed: str, action: str) -> None:
        self.act("decide_all", listed, action)

    @precondition(lambda self: any(remark.decisions for remark in self.model.remarks.values()))
    @rule(data=st.data())
    def a_moderator_undoes(self, data: Any) -> None:
        decided = {key: remark.decisions for key, remark in self.model.remarks.items() if remark.decisions}
        key = data.draw(st.sampled_from(sorted(decided)))
        back = data.draw(st.sampled_from((1, 1, 1, 2)))
        self.act("undo", key, max(0, len(decided[key]) - back))

    @precondition(lambda self: self.model.remarks)
    @rule(
        data=st.data(), by=st.sampled_from((ADMINISTRATOR, ADMINISTRATOR, MODERATOR)), step=st.sampled_from((0, 0, 1))
    )
    def somebody_purges(self, data: Any, by: str, step: int) -> None:
        key = self.any_key(data)
        self.act("purge", key, self.model.remarks[key].version + step, by)

    @rule(policy=st.sampled_from(("pre", "first", "post", "post", "closed")))
    def the_site_sets_its_policy(self, policy: str) -> None:
        self.bed.sets(self.site, moderation=policy)
        self.model.policy = policy

    @rule(article=st.sampled_from(ARTICLES), accepts=st.sampled_from(("open", "open", "closed", "hidden")))
    def an_article_closes_or_opens(self, article: str, accepts: str) -> None:
        if self.bed.accept(self.site, article, accepts):
            self.model.accepts[article] = accepts

    # What time does

    @rule(hours=st.sampled_from((-5, 1, 23, 25)))
    def time_passes_or_is_put_back(self, hours: int) -> None:
        self.bed.clock.forward(hours=hours)

    # What is shown

    @rule(article=st.sampled_from(ARTICLES), sort=st.sampled_from(("oldest", "newest", "best")))
    def everybody_reads(self, article: str, sort: str) -> None:
        first, items = self.all_threads(article, sort)
        hidden = self.model.accepts.get(article) == "hidden"
        expected = {} if hidden else self.model.threads(article)
        keys = {identifier: key for key, identifier in self.doors.ids.items()}
        seen = {keys[item["id"]]: [keys[reply["id"]] for reply in self.all_replies(article, item)] for item in items}
        assert len(seen) == len(items)
        ordered = list(expected.items()) if sort == "oldest" else list(expected.items())[::-1]
        if sort == "best":
            ordered.sort(key=lambda thread: -self.model.liked(thread[0]))
        assert list(seen.items()) == ordered
        assert all(item["likes"] == self.model.liked(keys[item["id"]]) for item in items)
        published = sum(each.state == "approved" for each in self.model.on(article))
        assert first["total"] == (0 if hidden else published)
        for item in items:
            state = self.model.remarks[keys[item["id"]]].state
            assert (item["html"] is None, item["name"]) == (state != "approved", None)
            assert item.get("gone") == {"approved": None, "withdrawn": "withdrawn"}.get(state, "removed")

    def all_threads(self, article: str, sort: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        page = first = self.doors.shows("/feedback", article=article, sort=sort)["comments"]
        items = list(page["items"])
        while page["next"]:
            page = self.doors.shows("/feedback", article=article, sort=sort, cursor=page["next"])["comments"]
            items += page["items"]
        return first, items

    def all_replies(self, article: str, item: dict[str, Any]) -> list[dict[str, Any]]:
        replies, more = list(item["replies"]), item.get("more")
        while more:
            page = self.doors.shows("/feedback", article=article, parent=item["id"], cursor=more)["comments"]
            replies, more = replies + page["items"], page["next"]
        return replies

    @rule(article=st.sampled_from(ARTICLES), reader=st.sampled_from(READERS))
    def a_reader_sees_their_own(self, article: str, reader: int) -> None:
        _, mine = self.doors.ask("/mine", data={"article": article, "reader": token_of(reader)})
        own = {self.doors.ids[key]: each for key, each in self.model.remarks.items() if each.reader == reader}
        assert {each["id"]: (each["state"], each["version"], each["source"]) for each in mine["comments"]} == {
            identifier: ("pending" if each.state == "spam" else each.state, each.version, each.text)
            for identifier, each in own.items()
            if each.article == article
        }
        liked = {key for key, who in self.model.likes if who == reader and self.model.remarks[key].article == article}
        assert sorted(mine["likes"]) == sorted(self.doors.ids[key] for key in liked)

    @rule(state=st.sampled_from((*STATES[:5], "all", "flagged")))
    def a_moderator_lists(self, state: str) -> None:
        page = self.doors.shows("/queue", state=state, limit=200)
        listed = {"all": STATES[:5], "flagged": ("pending", "approved")}.get(state, (state,))
        expected = {
            self.doors.ids[key]: (each.article, each.state, each.version, list(each.held_for))
            for key, each in self.model.remarks.items()
            if each.state in listed and (state != "flagged" or self.model.open_weight(key))
        }
        assert page["total"] == len(page["items"]) == len(expected)
        assert {
            item["id"]: (item["article"]["key"], item["state"], item["version"], item["held_for"])
            for item in page["items"]
        } == expected

    @invariant()
    def everything_agrees(self) -> None:
        keys = {identifier: key for key, identifier in self.doors.ids.items()}
        assert stored(self.bed.app, self.site, keys, self.digests) == self.model.remarks
        assert flags_of(self.bed.app, self.site, keys, self.digests) == self.model.flags
        assert likes_of(self.bed.app, self.site, keys, self.digests) == self.model.likes


def flags_of(
    app: Flask, site: Site, keys: dict[str, str], digests: dict[bytes, int]
) -> dict[tuple[str, int], talk.Flag]:
    """Read a site's flags as the model has them."""
    with app.app_context():
        rows = list(db.session.execute(select(Flag).where(Flag.site_id == site.id)).scalars())
    assert all((row.resolved is None) == (row.decision_id is None) for row in rows)
    return {
        (_key(keys, row.article_id, row.comment_id), digests[row.reader]): talk.Flag(
            row.weight, row.resolved.value if row.resolved else None
        )
        for row in rows
    }


def likes_of(app: Flask, site: Site, keys: dict[str, str], digests: dict[bytes, int]) -> set[tuple[str, int]]:
    """Read who likes what on a site."""
    with app.app_context():
        rows = list(db.session.execute(select(Like).where(Like.site_id == site.id)).scalars())
    return {(_key(keys, row.article_id, row.comment_id), digests[row.reader]) for row in rows}


def stored(app: Flask, site: Site, keys: dict[str, str], digests: dict[bytes, int]) -> dict[str, Remark]:
    """Read a site's comments and decisions as the model has them, and hold each against the table."""
    with app.app_context():
        names = {row.id: row.key for row in db.session.execute(select(Article).filter_by(site_id=site.id)).scalars()}
        comments = list(db.session.execute(select(Comment).where(Comment.article_id.in_(names))).scalars())
        rows = list(db.session.execute(select(Decision).where(Decision.article_id.in_(names))).scalars())
        standings = list(db.session.execute(select(Standing).where(Standing.article_id.in_(names))).scalars())
    decisions: dict[Any, list[Decision]] = {}
    for row in sorted(rows, key=lambda row: row.version):
        assert row.text_hash is None or row.to_state != "erased"
        decisions.setdefault((row.article_id, row.comment_id), []).append(row)
    published = Counter(comment.article_id for comment in comments if comment.state == "approved")
    assert {row.article_id: row.comments for row in standings} == {key: published[key] for key in names}
    found = {}
    for comment in comments:
        history = decisions.pop((comment.article_id, comment.id), [])
        assert_legal(comment, history)
        key = partial(_key, keys, comment.article_id)
        found[key(comment.id)] = Remark(
            names[comment.article_id],
            digests[comment.reader] if comment.reader else None,
            comment.source,
            comment.submission,
            key(comment.parent_id),
            key(comment.thread_id),
            comment.state.value,
            tuple(comment.held_for),
            comment.created,
            comment.version,
            tuple(_decision(row) for row in history),
            comment.original,
        )
    assert not decisions, "decisions on comments that are not there"
    return found


def _key(keys: dict[str, str], article_id: Any, comment_id: Any) -> Any:
    return keys[opaque.identifier(article_id, comment_id)] if comment_id else None


def _decision(row: Decision) -> talk.Decision:
    return talk.Decision(row.who, row.action, row.from_state.value, row.to_state.value, row.version, row.reason)


def assert_legal(comment: Comment, history: list[Decision]) -> None:
    """Fail where the history of a comment is not one unbroken way through the table, ending where the comment is."""
    states = [row.from_state.value for row in history] + [comment.state.value]
    assert states[0] in BEGINNINGS
    assert [row.to_state.value for row in history] == states[1:]
    assert {(row.from_state.value, row.to_state.value, row.who) for row in history} <= TRANSITIONS
    assert [row.version for row in history] == list(range(2, comment.version + 1))
    for row in history:
        assert (row.who_id is None) == (row.who in (READER, RULES))
        assert (row.text_hash is None) == (comment.state == "erased")
    if comment.state == "erased":
        gone = (
            "source",
            "original",
            "html",
            "name",
            "reader",
            "network",
            "sealed_email",
            "text_hash",
            "submission",
            "score",
        )
        assert [getattr(comment, name) for name in gone] == [None] * len(gone)


@pytest.fixture
def bed(app: Flask, do: Callable[..., Any], clock: Any) -> Bed:
    return Bed(app, do, clock)


def test_comments_are_what_the_model_says_after_any_sequence(bed: Bed, drill: Drill) -> None:
    machine = type("Comments", (Comments,), {"bed": bed})
    run_state_machine_as_test(machine, settings=budget(20, steps=40, drill=drill))
    assert_counted(bed.app)


# A few comments, on which much is done

HELD = ("c1", "c2", "c3")  # one of reader 0 and one of reader 1 on an article, one of reader 0 on another
SEEDS = st.integers(0, 2**32)  # of who comes next: how often there is a choice depends on who waits for whom
Act = tuple[str, tuple[Any, ...]]


def any_turn(model: Talk, chance: random.Random) -> Act:
    """What a reader of the few comments may do next, and now and then a moderator."""
    key, reader = chance.choice(HELD), chance.choice(READERS)
    version = model.remarks[key].version
    return chance.choice(
        [
            ("amend", (key, model.remarks[key].reader or 0, chance.choice(sorted(TEXTS)))),
            ("amend", (key, reader, chance.choice(sorted(TEXTS)))),
            ("like", (key, reader, chance.choice(("yes", "yes", "none")))),
            ("flag", (key, chance.choice(FLAGGERS))),
            ("decide", ([(key, version)], chance.choice(("approve", "approve", "hold", "reject", "spam")))),
            ("undo", (key, len(model.remarks[key].decisions) - 1)) if model.remarks[key].decisions else ("erase", (2,)),
            ("revise", (key, version, chance.choice(sorted(TEXTS)))) if reader == 0 else ("like", (key, reader, "yes")),
        ]
    )


def test_a_few_comments_are_what_the_model_says_whatever_is_done_to_them(bed: Bed, drill: Drill) -> None:
    """Few comments and many acts on each, so that changes, likes, flags and decisions meet."""
    answers = Counter[Any]()

    @budget(12, drill=drill)
    @given(seed=SEEDS, policy=st.sampled_from(("post", "first", "pre")))
    def run(seed: int, policy: str) -> None:
        chance = random.Random(seed)
        doors, model = begin(bed, policy)
        for _ in range(12):
            model.now = bed.clock.forward(minutes=chance.choice((0, 0, 0, 1, 4)))
            name, sent = any_turn(model, chance)
            status = getattr(doors, name)(*sent)
            assert status == getattr(model, name)(*sent), (name, sent)
            answers[name, status] += 1
        keys = {identifier: key for key, identifier in doors.ids.items()}
        digests = {readers.digest(doors.site.id, token_of(reader)): reader for reader in FLAGGERS}
        assert stored(bed.app, doors.site, keys, digests) == model.remarks
        assert likes_of(bed.app, doors.site, keys, digests) == model.likes

    run()
    assert_counted(bed.app)
    tried = {("amend", status) for status in (200, 202, 403)} | {("like", status) for status in (200, 403, 404)}
    assert tried <= set(answers), "hardly anything was changed or liked: nothing was tried"


# Several at once, by one statement at a time. Nobody knows the order; but some order must explain everything.


def begin(bed: Bed, policy: str) -> tuple[Doors, Talk]:
    """Make a site on which two readers have commented, and one has voted."""
    doors, model = bed.new_site(), Talk(policy=policy)
    model.now = bed.clock()
    bed.sets(doors.site, moderation=policy, flag_limit=FLAG_LIMIT)
    for key, article, reader in zip(HELD, ("dose", "dose", "diet"), (0, 1, 0), strict=True):
        given = (key, key, article, reader, "It helped me.", None, False, bed.clock())
        assert doors.submit(*given) == model.submit(*given)
    assert doors.ask("/vote", data={"article": "diet", "reader": token_of(0), "value": "no"})[0] == 200
    return doors, model


def any_act(model: Talk, now: datetime, number: int) -> st.SearchStrategy[Act]:
    """What somebody who sees the comments as they are may try; `number` tells those apart who act at once."""
    choices = [(key, model.remarks[key].version) for key in HELD]
    some = st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique=True)
    texts, values = st.sampled_from(sorted(TEXTS)), st.sampled_from(("yes", "none"))
    kinds: list[st.SearchStrategy[Act]] = [
        st.tuples(st.just("decide"), st.tuples(some, ACTIONS)),
        st.tuples(st.just("decide"), st.tuples(some, ACTIONS)),
        st.tuples(st.just("withdraw"), st.sampled_from([("c1", 0), ("c2", 1), ("c3", 0)])),
        st.tuples(st.just("amend"), st.tuples(st.sampled_from(("c1", "c2")), st.sampled_from((0, 1)), texts)),
        st.tuples(st.just("like"), st.tuples(st.sampled_from(HELD), st.sampled_from((0, 1, 2)), values)),
        st.tuples(st.just("purge"), st.sampled_from(choices)),
        st.tuples(st.just("erase"), st.sampled_from([(0,), (1,)])),
    ]
    replies = [
        (f"r{number}", f"r{number}", "dose", reader, "It did not help me.", parent, False, now)
        for reader in (0, 1)
        for parent in (None, "c1", "c2")
    ]
    kinds.append(st.tuples(st.just("submit"), st.sampled_from(replies)))
    decided = [(key, len(model.remarks[key].decisions) - 1) for key in HELD if model.remarks[key].decisions]
    if decided:
        kinds.append(st.tuples(st.just("undo"), st.sampled_from(decided)))
    return st.one_of(kinds)


def explained(start: Talk, acts: list[Act], statuses: list[int], end: dict[str, Remark]) -> bool:
    """Whether the acts, one after the other in some order, are answered so and end so."""
    for order in permutations(range(len(acts))):
        model = start.copy()
        if all(getattr(model, acts[one][0])(*acts[one][1]) == statuses[one] for one in order) and model.remarks == end:
            return True
    return False


def assert_explained(bed: Bed, doors: Doors, start: Talk, acts: list[Act], running: Lanes, seed: int) -> None:
    """Do everything at once, and fail where no order explains it."""
    answers = running.run([partial(getattr(doors, name), *sent) for name, sent in acts], switching(seed))
    keys = {identifier: key for key, identifier in doors.ids.items()}
    digests = {readers.digest(doors.site.id, token_of(reader)): reader for reader in READERS}
    end = stored(bed.app, doors.site, keys, digests)
    assert explained(start, acts, answers, end), (acts, answers, end)


postgresql_only = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@postgresql_only
def test_some_order_explains_any_interleaving_of_statements(bed: Bed, drill: Drill) -> None:
    """SQLite needs none of this: there is one writer's place, and a transaction has it from its first statement on."""
    waited = Counter[bool]()

    @budget(60, drill=drill)
    @given(policy=st.sampled_from(("pre", "post")), seed=SEEDS, data=st.data())
    def run(policy: str, seed: int, data: Any) -> None:
        doors, model = begin(bed, policy)
        for number in range(data.draw(st.integers(0, 2), label="acts before")):
            name, sent = data.draw(any_act(model, bed.clock(), number), label="before")
            assert getattr(doors, name)(*sent) == getattr(model, name)(*sent)
        acts = [data.draw(any_act(model, bed.clock(), number), label="at once") for number in range(5, 7 + seed % 2)]
        running.waited = 0
        assert_explained(bed, doors, model, acts, running, seed)
        waited[running.waited > 0] += 1

    with closing(Lanes(bed.app)) as running:
        run()
    assert_counted(bed.app)
    assert waited[True] > 10, "hardly ever did one wait for another: nothing was tried"


@postgresql_only
def test_a_comment_that_is_purged_while_its_reader_erases_is_erased_once(bed: Bed) -> None:
    with closing(Lanes(bed.app)) as running:
        for seed in range(20):
            doors, model = begin(bed, "post")
            assert_explained(bed, doors, model, [("purge", ("c1", 1)), ("erase", (0,))], running, seed)


@postgresql_only
def test_an_erasure_and_a_decision_on_the_same_articles_never_wait_for_each_other(bed: Bed) -> None:
    with closing(Lanes(bed.app)) as running:
        for seed in range(20):
            doors, model = begin(bed, "pre")
            both: Act = ("decide", ([("c3", 1), ("c2", 1)], "approve"))
            assert_explained(bed, doors, model, [both, ("erase", (0,))], running, seed)
        assert running.deadlocks == 0
