"""What moderators do with a comment beside deciding: pin it, close its thread, answer it, change its text."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from feedback import articles, comments, opaque, staff
from feedback.db import db
from feedback.models import Comment, Decision, Role, State
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
_numbers = count(1)


@pytest.fixture
def published(rae: Any, mo: Any, article: Any, clock: Any) -> Callable[..., str]:
    """Publish a comment of Rae's, a minute later each time, and return its id."""

    def write(body: str = "", **more: str) -> str:
        clock.forward(minutes=1)
        sent = rae.comments(article, body or f"Comment {next(_numbers)}", **more).json["comment"]
        answer = mo.posts("/decisions", comment=sent["id"], version=1, action="approve")
        assert answer.status_code == 200, answer.text
        return str(sent["id"])

    return write


def acts(who: Any, comment: str, act: str, **body: Any) -> Any:
    return who.posts(f"/comments/{comment}/{act}", **body)


def undo(who: Any, answer: Any) -> Any:
    (decision,) = answer.json["decisions"]
    return who.posts(f"/decisions/{decision['id']}/undo")


def shown(rae: Any, article: Any, **query: str) -> list[dict[str, Any]]:
    return list(rae.reads(article, **query).json["comments"]["items"])


def entries(who: Any, comment: str) -> list[tuple[str, str]]:
    found = who.gets("/history", comment=comment).json["decisions"]
    return [(entry["action"], entry["who"]) for entry in found]


# Pins


def test_a_pinned_comment_leads_its_page_until_it_is_unpinned(app, mo, rae, article, published):
    first, second = published("First"), published("Second")
    pinned = acts(mo, first, "pin", pinned=True)
    assert pinned.status_code == 200
    assert [item["id"] for item in shown(rae, article, sort="newest")] == [first, second]
    assert shown(rae, article, sort="newest")[0]["pinned"] is True
    assert acts(mo, first, "pin", pinned=True).json == {"decisions": []}
    assert undo(mo, pinned).status_code == 200
    assert [item["id"] for item in shown(rae, article, sort="newest")] == [second, first]
    assert [action for action, _ in entries(mo, first)] == ["approve", "pin", "undo"]
    assert acts(mo, second, "pin", pinned=True).status_code == 200
    assert acts(mo, second, "pin", pinned=False).status_code == 200
    assert not any(item["pinned"] for item in shown(rae, article))
    assert_counted(app)


@sqlite_only
def test_who_pins_what_another_approved_is_not_said_to_have_decided(mo, ada, rae, article):
    sent = rae.comments(article, "First").json["comment"]["id"]
    assert ada.posts("/decisions", comment=sent, version=1, action="approve").status_code == 200
    assert acts(mo, sent, "pin", pinned=True).status_code == 200
    stale = mo.posts("/decisions", comment=sent, version=1, action="reject")
    assert stale.json["detail"] == "Nothing was changed: a comment is meanwhile approved by administrator token."
    assert [(now["who"], now["action"]) for now in stale.json["current"]] == [("administrator token", "approve")]


@sqlite_only
def test_an_article_has_ten_pins_also_after_an_undo(mo, rae, article, published):
    ids = [published() for _ in range(comments.MAX_PINNED + 1)]
    assert {acts(mo, each, "pin", pinned=True).status_code for each in ids[:-1]} == {200}
    over = acts(mo, ids[-1], "pin", pinned=True)
    assert (over.status_code, "At most 10" in over.json["detail"]) == (403, True)
    unpinned = acts(mo, ids[0], "pin", pinned=False)
    assert acts(mo, ids[-1], "pin", pinned=True).status_code == 200
    again = undo(mo, unpinned)
    assert (again.status_code, "At most 10" in again.json["detail"]) == (403, True)
    assert sum(item["pinned"] for item in shown(rae, article)) == 10


@sqlite_only
def test_what_is_no_longer_published_takes_no_pins_place(mo, rae, article, published):
    ids = [published() for _ in range(comments.MAX_PINNED + 1)]
    for each in ids[:-1]:
        acts(mo, each, "pin", pinned=True)
    assert mo.posts("/decisions", comment=ids[0], version=2, action="reject").status_code == 200
    assert acts(mo, ids[-1], "pin", pinned=True).status_code == 200
    assert mo.posts("/decisions", comment=ids[0], version=3, action="approve").status_code == 200
    assert sum(item["pinned"] for item in shown(rae, article)) == 10
    assert len(shown(rae, article)) == len(ids)


@sqlite_only
def test_only_what_is_seen_and_begins_a_thread_is_pinned(mo, rae, article, published):
    root = published()
    reply = published("An answer", parent=root)
    waiting = rae.comments(article, "Not yet seen").json["comment"]["id"]
    for comment, status in ((reply, 403), (waiting, 403), ("A" * 43, 404), ("nonsense", 404)):
        assert acts(mo, comment, "pin", pinned=True).status_code == status
    for wrong in ("yes", 1, None, [True]):
        assert list(acts(mo, root, "pin", pinned=wrong).json["errors"]) == ["pinned"], wrong


def test_an_erased_comment_keeps_no_pin(app, mo, rae, published, rows):
    acts(mo, published(), "pin", pinned=True)
    rae.posts("/erase")
    assert rows(select(Comment.pinned)) == [False]
    assert_counted(app)


# Closed threads


def test_a_closed_thread_holds_replies_until_it_is_opened_again(mo, rae, stan, site, do, article, published):
    root = published()
    do(articles.change_site, site.slug, moderation="post")
    assert stan.comments(article, "In time", parent=root).status_code == 201
    closed = acts(mo, root, "close", closed=True)
    assert shown(rae, article)[0]["closed"] is True
    late = stan.comments(article, "Too late", parent=root)
    assert late.status_code == 202
    (item,) = mo.gets("/queue").json["items"]
    assert item["held_for"] == ["closed_thread"]
    # Also an answer to an answer stands in the closed thread.
    reply = shown(rae, article)[0]["replies"][0]["id"]
    assert stan.comments(article, "Too late there, too", parent=reply).status_code == 202
    assert undo(mo, closed).status_code == 200
    assert "closed" not in shown(rae, article)[0]
    assert stan.comments(article, "Open again", parent=root).status_code == 201


# Changing a text


def test_an_edit_keeps_the_readers_own_text_beside_it(app, mo, rae, article, published, rows, clock):
    comment = published("Call me: 030 123456789")
    clock.forward(minutes=5)
    answer = acts(mo, comment, "revise", version=2, body="Call me: **removed**")
    assert answer.status_code == 200
    (item,) = shown(rae, article)
    assert item["html"] == "<p>Call me: <strong>removed</strong></p>"
    assert (item["edited_by"], item["edited"]) == ("moderator", "2026-05-04T09:06:00.000000Z")
    (row,) = rows(select(Comment))
    assert (row.source, row.original, row.version) == ("Call me: **removed**", "Call me: 030 123456789", 3)
    (listed,) = mo.gets("/queue", state="approved").json["items"]
    assert listed["original"] == "Call me: 030 123456789"
    (exported,) = rae.posts("/export").json["comments"]
    assert exported["original"] == "Call me: 030 123456789"
    assert_counted(app)


def test_a_second_edit_keeps_the_first_original_and_undo_goes_back_step_by_step(mo, rae, article, published, rows):
    comment = published("One")
    first = acts(mo, comment, "revise", version=2, body="Two")
    second = acts(mo, comment, "revise", version=3, body="Three")
    assert undo(mo, first).status_code == 409
    assert rows(select(Comment.original)) == ["One"]
    assert undo(mo, second).status_code == 200
    assert [(row.source, row.original) for row in rows(select(Comment))] == [("Two", "One")]
    # What was undone can be done again, and undone again.
    third = acts(mo, comment, "revise", version=5, body="One")
    assert third.status_code == 200
    assert undo(mo, third).status_code == 200
    (row,) = rows(select(Comment))
    assert (row.source, row.original) == ("Two", "One")
    assert [entry[0] for entry in entries(mo, comment)] == ["approve", "edit", "edit", "undo", "edit", "undo"]


def test_after_an_edit_is_undone_the_same_text_is_known_again(mo, stan, article, published, rows):
    comment = published("The very same words")
    (before,) = rows(select(Comment.text_hash))
    edited = acts(mo, comment, "revise", version=2, body="Other words")
    assert rows(select(Comment.text_hash)) != [before]
    assert undo(mo, edited).status_code == 200
    assert [(row.text_hash, row.original) for row in rows(select(Comment))] == [(before, None)]
    stan.comments(article, "The very same words")
    assert "repeated" in mo.gets("/queue").json["items"][0]["held_for"]


def test_a_text_that_todays_rules_refuse_does_not_come_back(mo, do, published, rows):
    comment = published("One")
    edited = acts(mo, comment, "revise", version=2, body="Two")
    do(lambda: db.session.execute(update(Decision).where(Decision.action == "edit").values(replaced="*" * 1_100)))
    answer = undo(mo, edited)
    assert (answer.status_code, answer.json["detail"]) == (403, "The earlier text would be refused by today's rules.")
    assert [(row.source, row.version) for row in rows(select(Comment))] == [("Two", 3)]


def test_nobody_changes_a_text_that_has_changed(mo, ada, rae, published, rows):
    comment = published("One")
    assert acts(ada, comment, "revise", version=2, body="Two").status_code == 200
    stale = acts(mo, comment, "revise", version=2, body="Three")
    assert stale.status_code == 409
    (now,) = stale.json["current"]
    assert (now["who"], now["action"], now["version"]) == ("administrator token", "edit", 3)
    assert mo.posts("/decisions", comment=comment, version=2, action="reject").status_code == 409
    assert rows(select(Comment.source)) == ["Two"]


@sqlite_only
def test_what_is_no_edit_is_refused(mo, rae, published, rows):
    comment = published("One")
    for body, field in (
        ({"body": ""}, "body"), ({"body": "One"}, "body"), ({"body": "x" * 5_001}, "body"), ({"body": None}, "body"),
        ({"body": "> " * 200 + "deep"}, "body"), ({"version": 0}, "version"), ({"version": "2"}, "version"),
    ):  # fmt: skip
        answer = acts(mo, comment, "revise", **{"version": 2, "body": "Two"} | body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field]), body
    rae.posts(f"/comments/{comment}/withdraw")
    assert acts(mo, comment, "revise", version=3, body="Two").status_code == 403
    assert rows(select(Comment.source)) == ["One"]


def test_erasing_takes_the_replaced_texts_along(app, mo, rae, published, rows):
    comment = published("My secret")
    answer = acts(mo, comment, "revise", version=2, body="Removed")
    rae.posts("/erase")
    assert undo(mo, answer).status_code == 409
    assert rows(select(Comment.original)) == [None]
    assert set(rows(select(Decision.replaced))) == {None}
    assert_counted(app)


# Answers


def test_an_answer_of_the_staff_is_published_with_a_badge(app, mo, rae, article, published, rows):
    comment = published()
    answer = acts(mo, comment, "reply", version=2, body="Thank you, **corrected**.")
    assert answer.status_code == 201
    reply = answer.json["comment"]
    assert (reply["name"], reply["staff"], reply["parent"]) == ("Mo", "moderator", comment)
    assert shown(rae, article)[0]["replies"] == [reply]
    assert entries(mo, reply["id"]) == [("reply", "moderator token")]
    assert rae.posts(f"/comments/{reply['id']}/withdraw").status_code == 403
    (item,) = [item for item in mo.gets("/queue", state="approved").json["items"] if "staff" in item]
    assert (item["id"], item["staff"]) == (reply["id"], "moderator")
    assert mo.posts("/decisions", comment=reply["id"], version=1, action="reject").status_code == 200
    assert shown(rae, article)[0]["replies"] == []
    assert_counted(app)


def test_a_token_of_nobody_answers_in_the_sites_name(app, mo, site, do, clock, published, connect):
    secret = do(staff.issue_token, site, Role.ADMINISTRATOR, now=clock())
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"/api/v1/{site.slug}/comments/{published()}/reply"
    reply = connect().post(path, json={"version": 2, "body": "Thank you."}, headers=headers).json["comment"]
    assert (reply["name"], reply["staff"]) == ("Quiet Health", "administrator")


def test_answering_can_publish_what_is_answered(app, mo, ada, rae, article, rows):
    waiting = rae.comments(article, "Is it safe?").json["comment"]["id"]
    refused = acts(mo, waiting, "reply", version=1, body="Yes.")
    assert (refused.status_code, "Approve it first" in refused.json["detail"]) == (403, True)
    assert acts(mo, waiting, "reply", version=1, body="Yes.", approve=True).status_code == 201
    (item,) = shown(rae, article)
    assert (item["id"], [reply["name"] for reply in item["replies"]]) == (waiting, ["Mo"])
    assert entries(mo, waiting) == [("approve", "moderator token")]
    # Where it is published already, there is nothing to approve.
    assert acts(ada, waiting, "reply", version=2, body="Certainly.", approve=True).status_code == 201
    assert rows(select(Comment.state)) == [State.APPROVED] * 3
    assert_counted(app)


def test_nobody_answers_a_text_that_has_changed(mo, ada, published, rows):
    comment = published("One")
    acts(ada, comment, "revise", version=2, body="Two")
    for approve in (False, True):
        stale = acts(mo, comment, "reply", version=2, body="Thank you.", approve=approve)
        assert (stale.status_code, stale.json["current"][0]["version"]) == (409, 3)
    assert len(rows(select(Comment))) == 1


@sqlite_only
def test_an_answer_is_not_undone_but_rejected(mo, published, rows):
    acts(mo, published(), "reply", version=2, body="Thank you.")
    (row,) = rows(select(Decision).where(Decision.action == "reply"))
    answer = mo.posts(f"/decisions/{opaque.identifier(row.article_id, row.id)}/undo")
    assert (answer.status_code, "rejecting" in answer.json["detail"]) == (403, True)


# Histories


def test_the_history_of_a_person_is_read_page_by_page(mo, ada, published, clock):
    comment = published()
    clock.forward(minutes=1)
    acts(mo, comment, "pin", pinned=True)
    clock.forward(minutes=1)
    acts(ada, comment, "close", closed=True)
    (approved, pinned, closed) = mo.gets("/history", comment=comment).json["decisions"]
    assert approved["by"] == pinned["by"] != closed["by"]
    mine = mo.gets("/history", by=approved["by"]).json
    assert ([entry["action"] for entry in mine["decisions"]], mine["next"]) == (["pin", "approve"], None)
    assert [entry["action"] for entry in ada.gets("/history", by=closed["by"]).json["decisions"]] == ["close"]
    assert mo.gets("/history", by="nonsense").status_code == 404
    assert mo.gets("/history", by=approved["by"], cursor="nonsense").status_code == 400
    assert list(mo.gets("/history").json["errors"]) == ["comment"]


def test_flags_are_read_without_who_sent_them(mo, stan, published):
    comment = published()
    stan.posts(f"/comments/{comment}/flag", reason="abuse", note="Unkind")
    (flag,) = mo.gets("/flags", comment=comment).json["flags"]
    assert set(flag) == {"reason", "note", "weight", "resolved", "created"}
    assert (flag["reason"], flag["note"], flag["weight"], flag["resolved"]) == ("abuse", "Unkind", 1, None)
    mo.posts("/decisions", comment=comment, version=2, action="reject")
    assert mo.gets("/flags", comment=comment).json["flags"][0]["resolved"] == "upheld"
    assert mo.gets("/flags", comment="A" * 43).status_code == 404


@sqlite_only
def test_the_queue_is_narrowed_by_score_and_by_age(mo, rae, article, do, clock):
    for number in range(3):
        rae.comments(article, f"Comment {number}")
        clock.forward(hours=1)

    def score() -> None:
        for row in db.session.execute(select(Comment)).scalars():
            row.score = {"Comment 0": 0.25, "Comment 1": 0.75}.get(row.source or "")

    do(score)

    def found(**query: Any) -> list[str]:
        return [item["source"] for item in mo.gets("/queue", **query).json["items"]]

    assert found(score="0.5") == ["Comment 1"]
    assert found(score="0") == ["Comment 0", "Comment 1"]
    assert found(older=2) == ["Comment 0", "Comment 1"]
    assert found(older=3, score="0.5") == []
    for wrong in ({"score": "2"}, {"score": "-1"}, {"score": "nan"}, {"score": "x"}, {"older": 0}, {"older": "x"}):
        assert mo.gets("/queue", **wrong).status_code == 422, wrong
