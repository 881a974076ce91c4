"""The queue and what is decided in it: all or nothing, never on a text that changed, every decision a row."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count, permutations
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from feedback import articles, comments, moderation, opaque
from feedback.db import db, uuid7
from feedback.models import Article, Comment, Decision, Role, State
from tests.cast import Reader, registration, together
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ITEM = {"id", "article", "parent", "name", "html", "source", "state", "held_for", "score"}
ITEM |= {"flags", "likes", "created", "version"}
_numbers = count(1)


@pytest.fixture
def waiting(rae: Reader, article: Article, clock: Any) -> Callable[..., dict[str, Any]]:
    """Let a new reader comment, a minute later each time: `waiting()`, `waiting("Text", article=other)`."""

    def write(body: str = "", on: Any = article, by: Reader | None = None, **more: str) -> dict[str, Any]:
        number = next(_numbers)
        clock.forward(minutes=1)
        reader = by or replace(rae, token=f"{number:022d}")
        answer = reader.comments(on, body or f"Comment {number}", **more)
        assert answer.status_code == 202, answer.text
        return dict(answer.json["comment"])

    return write


def choice(comment: dict[str, Any], version: int | None = None) -> dict[str, Any]:
    return {"id": comment["id"], "version": version or comment["version"]}


def decides(staff: Any, comment: dict[str, Any], action: str, version: int | None = None, **more: Any) -> Any:
    chosen = choice(comment, version)
    return staff.posts("/decisions", comment=chosen["id"], version=chosen["version"], action=action, **more)


def listed(staff: Any, **query: Any) -> list[str]:
    """Return the texts of a page of the queue."""
    answer = staff.gets("/queue", **query)
    assert answer.status_code == 200, answer.text
    return [item["source"] for item in answer.json["items"]]


# Decisions


OUTCOME = {"approve": "approved", "reject": "rejected", "spam": "spam", "hold": "pending"}


@sqlite_only
def test_every_action_leads_to_its_state_and_from_there_to_every_other(mo, waiting):
    assert decides(mo, waiting(), "hold").status_code == 409
    for first, second in permutations(OUTCOME, 2):
        if first != "hold":
            comment = waiting()
            (decision,) = decides(mo, comment, first).json["decisions"]
            assert (decision["from"], decision["to"]) == ("pending", OUTCOME[first])
            (decision,) = decides(mo, comment, second, version=2).json["decisions"]
            assert (decision["from"], decision["to"]) == (OUTCOME[first], OUTCOME[second])
            assert decides(mo, comment, second, version=3).status_code == 409


def test_a_decision_is_one_row_that_says_who_and_why(mo, waiting, rows, clock):
    comment = waiting("Take twice the dose!")
    answer = decides(mo, comment, "reject", reason="Unsafe advice")
    assert set(answer.json) == {"decisions"}
    assert set(answer.json["decisions"][0]) == {"id", "comment", "from", "to"}
    (row,) = rows(select(Decision))
    assert (row.action, row.reason, row.from_state, row.to_state) == ("reject", "Unsafe advice", "pending", "rejected")
    assert (row.who, row.at, row.version) == ("moderator token", clock(), 2)
    (stored,) = rows(select(Comment))
    assert (stored.state, stored.version, stored.decided) == (State.REJECTED, 2, clock())
    assert row.text_hash == stored.text_hash


def test_many_are_decided_at_once_in_the_order_asked_for(mo, site, article, waiting, do, clock):
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    chosen = [waiting(on=on) for on in (other, article, other, article)]
    answer = mo.posts("/decisions", comments=[choice(comment) for comment in chosen], action="approve", reason="Good")
    assert [decision["comment"] for decision in answer.json["decisions"]] == [comment["id"] for comment in chosen]
    assert listed(mo) == []
    assert len(listed(mo, state="approved")) == 4


def test_one_stale_choice_stops_them_all(app, mo, waiting, rows):
    chosen = [waiting() for _ in range(4)]
    decides(mo, chosen[1], "spam")
    before = rows(select(Decision))
    answer = mo.posts("/decisions", comments=[choice(comment) for comment in chosen], action="approve")
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    (now,) = answer.json["current"]
    assert now == {
        "id": chosen[1]["id"],
        "state": "spam",
        "version": 2,
        "who": "moderator token",
        "action": "spam",
        "at": now["at"],
    }
    assert "moderator token" in answer.json["detail"]
    assert len(rows(select(Decision))) == len(before) == 1
    assert sorted(row.state for row in rows(select(Comment))) == ["pending", "pending", "pending", "spam"]
    assert_counted(app)


@sqlite_only
def test_what_cannot_be_decided_on_changes_nothing(mo, rae, waiting, rows):
    comment = waiting()
    for body, status in (
        ({"comments": [choice(comment), {"id": "A" * 43, "version": 1}]}, 404),
        ({"comments": [choice(comment), {"id": "nonsense", "version": 1}]}, 404),
        ({"comments": [choice(comment), choice(comment)]}, 422),
        ({"comments": []}, 422),
        ({"comments": [choice(comment)] * 201}, 422),
        ({"comments": [choice(comment), {"id": comment["id"]}]}, 422),
        ({"comments": [comment["id"]]}, 422),
        ({"comment": comment["id"]}, 422),
        ({"version": 1}, 422),
        ({"comment": comment["id"], "version": 1, "action": "delete"}, 422),
        ({"comment": comment["id"], "version": 1, "reason": "x" * 301}, 422),
        ({"comment": comment["id"], "version": 0}, 422),
        ({"comment": comment["id"], "version": 2}, 409),
    ):
        answer = mo.posts("/decisions", **({"action": "approve"} | body))
        assert answer.status_code == status, body
    assert rows(select(Decision)) == []
    assert [row.state for row in rows(select(Comment))] == [State.PENDING]


def test_two_hundred_can_be_decided_at_once(app, mo, waiting, do, rows, article, site):
    first = waiting("One of many")

    def copies() -> None:
        (row,) = db.session.execute(select(Comment)).scalars()
        kept = {column.key: getattr(row, column.key) for column in Comment.__table__.columns}
        for number in range(199):
            copy = kept | {"id": uuid7(), "reader": number.to_bytes(32, "big")}
            comments.add(Comment(**copy))

    do(copies)
    ids = [opaque.identifier(row.article_id, row.id) for row in rows(select(Comment))]
    assert first["id"] in ids
    answer = mo.posts("/decisions", comments=[{"id": each, "version": 1} for each in ids], action="approve")
    assert (answer.status_code, len(answer.json["decisions"])) == (200, 200)
    assert_counted(app)


@sqlite_only
def test_what_its_reader_withdrew_is_out_of_reach(mo, rae, article, waiting, rows):
    comment = waiting(by=rae)
    rae.posts(f"/comments/{comment['id']}/withdraw")
    for version in (1, 2):
        answer = decides(mo, comment, "approve", version=version)
        assert answer.status_code == 409
        (now,) = answer.json["current"]
        assert (now["state"], now["who"], now["version"]) == ("withdrawn", "reader", 2)
    assert [row.state for row in rows(select(Comment))] == [State.WITHDRAWN]


# Undo and history


def test_every_decision_can_be_undone(app, mo, waiting, rows):
    comment = waiting()
    (decision,) = decides(mo, comment, "approve").json["decisions"]
    answer = mo.posts(f"/decisions/{decision['id']}/undo")
    assert answer.status_code == 200
    (back,) = answer.json["decisions"]
    assert (back["comment"], back["from"], back["to"]) == (comment["id"], "approved", "pending")
    (again,) = mo.posts(f"/decisions/{back['id']}/undo").json["decisions"]
    assert (again["from"], again["to"]) == ("pending", "approved")
    history = mo.gets("/history", comment=comment["id"]).json["decisions"]
    assert [entry["action"] for entry in history] == ["approve", "undo", "undo"]
    assert [row.version for row in rows(select(Comment))] == [4]
    assert_counted(app)


@sqlite_only
def test_nothing_is_undone_after_something_else_happened(mo, rae, waiting, rows):
    comment = waiting(by=rae)
    (first,) = decides(mo, comment, "reject").json["decisions"]
    decides(mo, comment, "approve", version=2)
    answer = mo.posts(f"/decisions/{first['id']}/undo")
    assert answer.status_code == 409
    assert answer.json["current"][0]["state"] == "approved"
    rae.posts(f"/comments/{comment['id']}/withdraw")
    (own,) = rows(select(Decision).where(Decision.who == "reader"))
    assert mo.posts(f"/decisions/{opaque.identifier(own.article_id, own.id)}/undo").status_code == 403
    assert len(rows(select(Decision))) == 3
    for unknown in ("A" * 43, "nonsense", comment["id"]):
        assert mo.posts(f"/decisions/{unknown}/undo").status_code == 404


def test_what_was_decided_together_is_taken_back_together_or_not_at_all(app, mo, ada, waiting, rows):
    chosen = [waiting() for _ in range(3)]
    made = mo.posts("/decisions", comments=[choice(comment) for comment in chosen], action="spam").json["decisions"]
    ids = [decision["id"] for decision in made]
    decides(ada, chosen[1], "approve", version=2)
    refused = mo.posts("/undo", decisions=ids)
    assert (refused.status_code, refused.json["current"][0]["id"]) == (409, chosen[1]["id"])
    assert len(listed(mo, state="spam")) == 2
    for several in ([], "nonsense", [1], ids * 67, [ids[0], "nonsense"], [ids[0], ids[0]]):
        assert mo.posts("/undo", decisions=several).status_code in (404, 409, 422)
    assert len(rows(select(Decision))) == 4
    back = mo.posts("/undo", decisions=[ids[0], ids[2]]).json["decisions"]
    assert [(each["comment"], each["to"]) for each in back] == [(chosen[n]["id"], "pending") for n in (0, 2)]
    assert_counted(app)


@sqlite_only
def test_the_history_tells_all_oldest_first(mo, ada, rae, waiting, clock):
    comment = waiting(by=rae)
    decides(mo, comment, "reject", reason="Off topic")
    clock.forward(hours=1)
    decides(ada, comment, "approve", version=2)
    clock.forward(hours=1)
    rae.posts(f"/comments/{comment['id']}/withdraw")
    entries = mo.gets("/history", comment=comment["id"]).json["decisions"]
    fields = {"id", "comment", "who", "by", "action", "from", "to", "reason", "note", "at"}
    assert all(set(entry) == fields for entry in entries)
    assert [(entry["who"], entry["action"], entry["reason"]) for entry in entries] == [
        ("moderator token", "reject", "Off topic"),
        ("administrator token", "approve", None),
        ("reader", "withdraw", None),
    ]
    assert entries[0]["at"] == "2026-05-04T09:01:00.000000Z"
    assert mo.gets("/history", comment="A" * 43).status_code == 404
    assert mo.gets("/history").status_code == 422


@sqlite_only
def test_another_sites_comment_is_not_there(mo, site, waiting, do, clock, new_hire, app, connect, password_hash):
    from tests.cast import hire

    second = do(articles.add_site, "second", origins=["http://second.test"], now=clock())
    stranger = hire(app, connect, second, "Zoe", Role.MODERATOR, password_hash)
    comment = waiting()
    (decision,) = decides(mo, comment, "approve").json["decisions"]
    assert decides(stranger, comment, "reject", version=2).status_code == 404
    assert stranger.posts(f"/decisions/{decision['id']}/undo").status_code == 404
    assert stranger.gets("/history", comment=comment["id"]).status_code == 404
    assert stranger.gets("/queue", state="all").json == {"total": 0, "next": None, "items": []}


# The queue


def test_the_queue_shows_what_waits_oldest_first(mo, article, waiting):
    first, second = waiting("**First**", name="Rae"), waiting("Second")
    answer = mo.gets("/queue")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert (answer.json["total"], answer.json["next"]) == (2, None)
    one, two = answer.json["items"]
    assert set(one) == ITEM
    assert (one["id"], two["id"]) == (first["id"], second["id"])
    assert one["article"] == {"key": article.key, "title": article.title}
    assert (one["name"], one["source"], one["html"]) == ("Rae", "**First**", "<p><strong>First</strong></p>")
    assert (one["state"], one["held_for"], one["version"]) == ("pending", ["premoderation", "first_comment"], 1)
    assert (one["score"], one["flags"], one["likes"], one["parent"]) == (None, 0, 0, None)
    assert one["created"] == first["created"]


def test_the_queue_is_filtered_by_all_that_is_asked(mo, rae, site, article, waiting, do, clock):
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    kept = {name: waiting(name, on=on) for name, on in (("approved", article), ("rejected", other), ("spam", other))}
    for name, action in (("approved", "approve"), ("rejected", "reject"), ("spam", "spam")):
        decides(mo, kept[name], action)
    waiting("Call 030 1234567-89 about links", name="Łukasz 100%")
    waiting("fast", on=other, opened="5")
    withdrawn = waiting("withdrawn", by=rae)
    rae.posts(f"/comments/{withdrawn['id']}/withdraw")
    for query, expected in (
        ({"state": "approved"}, ["approved"]),
        ({"state": "rejected"}, ["rejected"]),
        ({"state": "spam"}, ["spam"]),
        ({"state": "withdrawn"}, ["withdrawn"]),
        ({"state": "flagged"}, []),
        ({"article": "other"}, ["fast"]),
        ({"article": "unknown"}, []),
        ({"held": "fast"}, ["fast"]),
        ({"held": "fas"}, []),
        ({"held": "links"}, []),
        ({"held": "%"}, []),
        ({"state": "all", "article": "other", "q": "SPA"}, ["spam"]),
        ({"q": "%"}, ["Call 030 1234567-89 about links"]),
        ({"q": "100%", "held": "personal"}, ["Call 030 1234567-89 about links"]),
        ({"q": "_all"}, []),
    ):
        assert listed(mo, **query) == expected, query
    assert len(listed(mo, state="all")) == 6
    for wrong in ({"state": "erased"}, {"sort": "best"}, {"limit": 0}, {"limit": 201}, {"limit": "x"}):
        assert mo.gets("/queue", **wrong).status_code == 422, wrong


def test_a_search_finds_words_as_they_were_written(mo, waiting):
    waiting("Die Ärztin sprach von Übelkeit.", name="Øyvind")
    for q in ("Ärztin", "Übelkeit", "SPRACH", "Øyvind", "yvin"):
        assert len(listed(mo, q=q)) == 1, q
    assert listed(mo, q="Arztin") == []


@sqlite_only
def test_flagged_comments_are_a_list_of_their_own(mo, waiting, do):
    comment = waiting("Flagged")
    waiting("Not flagged")
    key = opaque.parse_identifier(comment["id"])
    assert key
    do(lambda: db.session.execute(update(Comment).where(Comment.id == key[1]).values(flags=2)))
    assert listed(mo, state="flagged") == ["Flagged"]
    decides(mo, comment, "reject")
    assert listed(mo, state="flagged") == []


def test_pages_of_the_queue_lose_and_double_nothing(mo, waiting, do, rows):
    for number in range(1, 8):
        waiting(str(number), name="\u0410dmin" if number % 3 == 0 else "", opened="1" if number == 5 else "9000")
    expected = {"oldest": "1234567", "newest": "7654321"}

    def walk(sort: str) -> str:
        found, query = "", {"sort": sort, "limit": 2}
        while True:
            page = mo.gets("/queue", **query).json
            assert page["total"] == 7
            found += "".join(item["source"] for item in page["items"])
            if page["next"] is None:
                return found
            assert len(page["items"]) == 2
            query["cursor"] = page["next"]

    assert {sort: walk(sort) for sort in expected} == expected
    assert walk("riskiest") == "6537421"

    def score() -> None:
        for row in db.session.execute(select(Comment)).scalars():
            row.score = row.risk = {"2": 0.123456789012345, "6": 0.9}.get(row.source or "", 0.1)

    do(score)
    assert walk("riskiest") == "6275431"


@sqlite_only
def test_a_cursor_of_another_list_is_refused(mo, waiting):
    for _ in range(3):
        waiting()
    following = mo.gets("/queue", limit=1).json["next"]
    assert mo.gets("/queue", cursor=following, sort="riskiest").status_code == 400
    assert mo.gets("/queue", cursor="nonsense").status_code == 400


def test_a_comment_is_shown_with_what_it_answers_and_its_readers_record(mo, rae, site, article, waiting, ask):
    earlier = [waiting(f"Earlier {number}", by=rae) for number in range(6)]
    for comment, action in zip(earlier, ["approve"] * 4 + ["reject", "spam"], strict=True):
        decides(mo, comment, action)
    reply = waiting("An answer", by=rae, parent=earlier[0]["id"])
    page = ask(moderation.queue, moderation.Filter((site.id,)))
    (item,) = page.items
    assert (item.id, item.parent.source) == (reply["id"], "Earlier 0")
    assert item.record == moderation.Record(approved=4, rejected=1, spam=1)
    (told,) = mo.gets("/queue").json["items"]
    assert (told["parent"], told["record"]) == (earlier[0]["id"], {"approved": 4, "rejected": 1, "spam": 1})


@sqlite_only
def test_the_totals_are_of_the_asked_sites_only(mo, site, waiting, ask):
    decides(mo, waiting(), "approve")
    waiting()
    nothing = dict.fromkeys(moderation.LISTS, 0)
    assert ask(moderation.totals, [site.id]) == nothing | {"approved": 1, "pending": 1, "all": 2}
    assert ask(moderation.totals, []) == nothing


@sqlite_only
def test_the_figures_of_the_queue_are_told_to_machines(mo, ada, site, waiting, do, clock):
    nothing = mo.gets("/queue/figures").json
    assert (nothing["oldest"], nothing["usual_seconds"], nothing["score"]) == (None, None, None)
    do(articles.change_site, site.slug, promise_hours=24, rejections=["Off the topic"])
    comments = [waiting() for _ in range(4)]
    clock.forward(hours=1)
    decides(mo, comments[0], "approve")
    decides(mo, comments[1], "reject")
    decides(ada, comments[2], "spam")
    figures = mo.gets("/queue/figures").json
    assert figures["lists"] == {
        "pending": 1, "flagged": 0, "approved": 1, "rejected": 1, "spam": 1, "withdrawn": 0, "all": 4,
    }  # fmt: skip
    assert (figures["oldest"], figures["usual_seconds"]) == (comments[3]["created"], 3_600 + 2 * 60)
    assert figures["today"] == {"mine": 2, "all": 3}
    assert (figures["promise_hours"], figures["rejections"]) == (24, ["Off the topic"])


# Two at once


def test_of_two_moderators_one_wins_and_one_sees_a_conflict(app, mo, ada, waiting, rows):
    chosen = [waiting() for _ in range(10)]
    assert mo.token != ada.token
    for comment in chosen:
        both, sides = Barrier(2), iter([(mo, "approve"), (ada, "reject")])

        def decide(both: Barrier = both, sides: Any = sides, comment: Any = comment) -> Any:
            staff, action = next(sides)
            both.wait()
            return decides(staff, comment, action)

        won, lost = sorted(together(decide, times=2), key=lambda answer: int(answer.status_code))
        assert (won.status_code, lost.status_code) == (200, 409)
        (now,) = lost.json["current"]
        assert (now["id"], now["state"]) == (comment["id"], won.json["decisions"][0]["to"])
    assert len(rows(select(Decision))) == 10
    assert {row.version for row in rows(select(Comment))} == {2}
    assert_counted(app)


def test_two_selections_that_overlap_do_not_wait_for_each_other_for_ever(
    app, mo, ada, site, article, waiting, do, clock
):
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    chosen = [waiting(on=on) for on in (article, other) * 5]
    orders = iter([(mo, chosen), (ada, chosen[::-1])])

    def decide() -> Any:
        staff, order = next(orders)
        return staff.posts("/decisions", comments=[choice(comment) for comment in order], action="approve")

    assert sorted(answer.status_code for answer in together(decide, times=2)) == [200, 409]
    assert_counted(app)
