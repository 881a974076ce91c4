"""A reader changes their own comment for 15 minutes: it waits again where a new one would, and nobody is fooled."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles
from feedback.models import Comment, Decision, State, TriageModel
from feedback.triage import training
from tests.cast import Reader, together
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
FIRST, SECOND = "It took a week to work.", "It took **two** weeks to work."


@pytest.fixture
def sets(do: Callable[..., Any], site: Any) -> Callable[..., Any]:
    """Change what the site has settled."""
    return lambda **settings: do(articles.change_site, site.slug, **settings)


@pytest.fixture
def written(rae: Reader, article: Any) -> str:
    """A comment of Rae's, waiting or published as the site has it by then."""
    return str(rae.comments(article, FIRST, name="Rae").json["comment"]["id"])


def edit(reader: Reader, comment: str, body: str = SECOND, **more: Any) -> Any:
    return reader.posts(f"/comments/{comment}/edit", body=body, **more)


def decide(staff: Any, comment: str, action: str, version: int) -> Any:
    return staff.posts("/decisions", comment=comment, action=action, version=version)


def history(staff: Any, comment: str) -> list[tuple[str, str, str, str]]:
    found = staff.gets("/history", comment=comment).json["decisions"]
    return [(each["who"], each["action"], each["from"], each["to"]) for each in found]


def only(rows: Any) -> Comment:
    [comment] = rows(select(Comment))
    return comment  # type: ignore[no-any-return]


# What becomes of it


def test_what_waits_goes_on_waiting_with_its_new_text(app, rae, mo, written, rows, clock):
    clock.forward(minutes=5)
    answer = edit(rae, written)
    assert answer.status_code == 202
    comment = answer.json["comment"]
    assert (comment["state"], comment["source"], comment["version"]) == ("pending", SECOND, 2)
    assert comment["html"] == "<p>It took <strong>two</strong> weeks to work.</p>"
    assert comment["edited"] == "2026-05-04T09:05:00.000000Z"
    assert comment["editable_until"] == "2026-05-04T09:15:00.000000Z"
    assert history(mo, written) == [("reader", "amend", "pending", "pending")]
    [decision] = rows(select(Decision))
    assert (decision.replaced, decision.version) == (FIRST, 2)
    assert_counted(app)


def test_a_published_comment_waits_again_where_the_site_moderates(app, rae, mo, article, written, rows):
    decide(mo, written, "approve", 1)
    assert rae.reads(article).json["comments"]["total"] == 1
    assert edit(rae, written).status_code == 202
    assert rae.reads(article).json["comments"] == {"open": True, "total": 0, "next": None, "items": []}
    [item] = mo.gets("/queue", state="pending").json["items"]
    assert (item["source"], item["held_for"]) == (SECOND, ["premoderation", "first_comment"])
    assert history(mo, written)[-1] == ("reader", "amend", "approved", "pending")
    assert decide(mo, written, "approve", 3).status_code == 200
    [shown] = rae.reads(article).json["comments"]["items"]
    assert (shown["html"], shown["edited"]) == (only(rows).html, "2026-05-04T09:00:00.000000Z")
    assert "edited_by" not in shown
    assert_counted(app)


def test_where_nobody_moderates_it_stays_published(app, rae, article, sets, rows):
    sets(moderation="post")
    comment = rae.comments(article, FIRST).json["comment"]["id"]
    before = rae.reads(article).headers["ETag"]
    answer = edit(rae, comment)
    assert (answer.status_code, answer.json["comment"]["state"]) == (200, "approved")
    [shown] = rae.reads(article).json["comments"]["items"]
    assert "two" in shown["html"]
    assert rae.reads(article).headers["ETag"] != before
    assert_counted(app)


@sqlite_only
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("See https://a.example https://b.example https://c.example", "links"),
        ("Write to jane@example.org.", "personal"),
        ("What others wrote already.", "repeated"),
        ("A miracle!", "words"),
    ],
)
def test_what_would_hold_a_new_comment_holds_a_change(rae, stan, mo, article, sets, rows, body, code):
    sets(moderation="post")
    mo.posts("/words", kind="word", effect="watch", pattern="miracle", why="Advertising")
    stan.comments(article, "What others wrote already.")
    comment = rae.comments(article, FIRST).json["comment"]["id"]
    assert edit(rae, comment, body).status_code == 202
    [item] = mo.gets("/queue", state="pending").json["items"]
    assert (item["id"], item["held_for"]) == (comment, [code])


@pytest.mark.parametrize("moderation", ["pre", "post"])
def test_a_change_to_what_is_blocked_is_spam_and_does_not_say_so(app, rae, mo, article, sets, rows, moderation):
    sets(moderation=moderation)
    mo.posts("/words", kind="word", effect="block", pattern="pills", why="Advertising")
    comment = rae.comments(article, FIRST).json["comment"]["id"]
    answer = edit(rae, comment, "Cheap pills!")
    assert (answer.status_code, answer.json["comment"]["state"]) == (202, "pending")
    assert only(rows).state is State.SPAM
    assert "blocked" in only(rows).held_for
    assert rae.reads(article).json["comments"]["total"] == 0
    assert_counted(app)


def test_a_first_comment_cannot_become_another_once_it_is_approved(rae, mo, article, sets):
    sets(moderation="first")
    first = rae.comments(article, FIRST).json["comment"]["id"]
    decide(mo, first, "approve", 1)
    assert edit(rae, first).status_code == 202
    assert mo.gets("/queue", state="pending").json["items"][0]["held_for"] == ["first_comment"]


@sqlite_only
def test_the_second_comment_of_somebody_known_is_changed_at_will(rae, mo, article, sets):
    sets(moderation="first")
    decide(mo, rae.comments(article, "One of mine").json["comment"]["id"], "approve", 1)
    second = rae.comments(article, FIRST).json["comment"]
    assert second["state"] == "approved"
    assert edit(rae, second["id"]).status_code == 200


def test_no_change_publishes_what_waits(rae, stan, mo, article, sets, do, site):
    """Neither what a rule held, nor what flags took down, nor what a moderator put back."""
    sets(moderation="post", flag_limit=1)
    held = rae.comments(article, "Write to jane@example.org.").json["comment"]["id"]
    flagged = rae.comments(article, "Flagged soon").json["comment"]["id"]
    back = rae.comments(article, "Held again soon").json["comment"]["id"]
    stan.posts(f"/comments/{flagged}/flag", reason="abuse")
    decide(mo, back, "hold", 1)
    for comment in (held, flagged, back):
        assert edit(rae, comment, f"Harmless now, {comment}").status_code == 202
    held_for = {item["id"]: item["held_for"] for item in mo.gets("/queue", state="pending").json["items"]}
    assert held_for == {held: [], flagged: ["flags"], back: []}
    [item] = mo.gets("/queue", state="flagged").json["items"]
    assert item["id"] == flagged


def test_spam_behaves_to_its_writer_as_if_it_waited(app, rae, mo, article, rows):
    sent = rae.comments(article, "Buy now", website="https://pills.example").json["comment"]
    answer = edit(rae, sent["id"])
    assert (answer.status_code, answer.json["comment"]["state"]) == (202, "pending")
    assert answer.json["comment"]["editable_until"] == sent["editable_until"]
    assert only(rows).state is State.SPAM
    assert only(rows).held_for[0] == "honeypot"
    assert history(mo, sent["id"]) == [("reader", "amend", "spam", "spam")]
    assert_counted(app)


def test_flags_stay_open_through_a_change(app, rae, stan, mo, article, written):
    decide(mo, written, "approve", 1)
    stan.posts(f"/comments/{written}/flag", reason="unsafe")
    edit(rae, written)
    [item] = mo.gets("/queue", state="flagged").json["items"]
    assert (item["id"], item["flags"]) == (written, 1)
    assert mo.gets("/flags", comment=written).json["flags"][0]["resolved"] is None
    assert_counted(app)


def test_replies_stay_where_they_are(rae, stan, mo, article, written):
    decide(mo, written, "approve", 1)
    reply = stan.comments(article, "So it did with me", parent=written).json["comment"]["id"]
    decide(mo, reply, "approve", 1)
    edit(rae, written)
    [thread] = rae.reads(article).json["comments"]["items"]
    assert (thread["id"], thread["gone"], thread["html"]) == (written, "removed", None)
    assert [each["id"] for each in thread["replies"]] == [reply]


# Who may, and for how long


def test_the_same_text_again_changes_nothing(rae, mo, written, rows):
    assert edit(rae, written).json == edit(rae, written).json
    assert len(history(mo, written)) == 1
    assert edit(rae, written, f"  {SECOND}\r\n").json["comment"]["version"] == 2


def test_a_comment_can_be_changed_for_fifteen_minutes(rae, written, clock):
    clock.forward(minutes=15)
    assert edit(rae, written).status_code == 202
    clock.forward(seconds=1)
    answer = edit(rae, written, "Too late")
    assert (answer.status_code, "15 minutes" in answer.json["detail"]) == (409, True)


def test_nobody_else_changes_it(rae, stan, mo, written, rows):
    assert edit(stan, written).status_code == 403
    for unknown in ("A" * 43, "nonsense"):
        assert edit(rae, unknown).status_code == 404
    assert only(rows).source == FIRST


@sqlite_only
def test_what_is_no_text_is_refused(rae, written, sets):
    for fields, status in (
        ({"body": None}, 422),
        ({"body": ""}, 422),
        ({"body": "\u200b"}, 422),
        ({"body": "x" * 5_001}, 422),
        ({"body": "a\0b"}, 422),
        ({"body": "<" * 51}, 422),
        ({"reader": None}, 422),
    ):
        assert rae.posts(f"/comments/{written}/edit", **{"body": SECOND} | fields).status_code == status, fields
    sets(max_chars=100)
    assert "at most 100" in edit(rae, written, "x" * 101).json["errors"]["body"][0]


@sqlite_only
def test_what_is_no_longer_editable_is_a_conflict(rae, mo, article, sets, do, site):
    gone, rejected, reworded = (rae.comments(article, f"Comment {number}").json["comment"]["id"] for number in range(3))
    rae.posts(f"/comments/{gone}/withdraw")
    decide(mo, rejected, "reject", 1)
    mo.posts(f"/comments/{reworded}/revise", version=1, body="Without the address.")
    for comment in (gone, rejected, reworded):
        assert edit(rae, comment).status_code == 409, comment
    own = {each["id"]: each["editable_until"] for each in rae.mine(article).json["comments"]}
    assert own == {gone: None, rejected: None, reworded: None}
    rae.posts("/erase")
    assert edit(rae, gone).status_code == 404


@sqlite_only
def test_where_comments_are_closed_none_is_changed(rae, article, written, sets, do, site):
    do(articles.set_accepts, site.id, article.key, articles.Accepts.CLOSED)
    assert edit(rae, written).status_code == 409
    do(articles.set_accepts, site.id, article.key, articles.Accepts.OPEN)
    sets(moderation="closed")
    assert edit(rae, written).status_code == 409


@sqlite_only
def test_a_reader_changes_five_times_a_minute(limited_app, rae, written):
    busy = rae.at(limited_app)
    answers = [edit(busy, written, f"Version {number}").status_code for number in range(6)]
    assert answers == [202] * 5 + [429]


def test_changes_at_once_follow_each_other(app, rae, mo, written, rows):
    texts = iter(f"Version {number}" for number in range(6))
    together(lambda: edit(rae, written, next(texts)), times=6)
    found = sorted(rows(select(Decision)), key=lambda row: row.version)
    assert [row.version for row in found] == [2, 3, 4, 5, 6, 7]
    assert found[0].replaced == FIRST
    assert only(rows).version == 7
    assert len({row.replaced for row in found} | {only(rows).source}) == 7
    assert_counted(app)


# What moderators see of it


def test_a_moderator_never_decides_on_a_text_that_was_changed_meanwhile(rae, mo, written):
    edit(rae, written)
    answer = decide(mo, written, "approve", 1)
    assert answer.status_code == 409
    assert (answer.json["current"][0]["who"], answer.json["current"][0]["action"]) == ("reader", "amend")


def test_what_a_reader_changed_is_not_undone_by_others(rae, mo, written):
    decide(mo, written, "approve", 1)
    edit(rae, written)
    approved, amended = mo.gets("/history", comment=written).json["decisions"]
    assert mo.posts(f"/decisions/{amended['id']}/undo").status_code == 403
    assert mo.posts(f"/decisions/{approved['id']}/undo").status_code == 409


@sqlite_only
def test_the_page_of_a_comment_shows_what_stood_there_before(rae, mo, written):
    edit(rae, written)
    page = mo.signs_in().get(f"/moderation/comments/{written}").text
    assert "edited its text" in page
    assert "its reader" in page
    assert FIRST in page


# What is kept


def test_the_text_before_is_exported_and_erased_with_its_reader(rae, written, rows):
    edit(rae, written)
    edit(rae, written, "A third one")
    [comment] = rae.posts("/export").json["comments"]
    assert comment["earlier"] == [FIRST, SECOND]
    assert rae.posts("/erase").json["comments"] == 1
    assert rows(select(Decision.replaced).where(Decision.replaced.is_not(None))) == []
    assert rows(select(Decision.text_hash).where(Decision.text_hash.is_not(None))) == []


def test_nothing_is_learned_of_a_text_that_nobody_decided_on(rae, mo, article, sets, rows, ask, site):
    sets(moderation="post")
    comments = [rae.comments(article, f"Comment {number}").json["comment"]["id"] for number in range(2)]
    for comment in comments:
        decide(mo, comment, "hold", 1)
        decide(mo, comment, "approve", 2)
    edit(rae, comments[0])
    lesson = ask(training._lesson, site.id, None)
    assert [example.sample.source for example in lesson.examples] == ["Comment 1"]
    assert rows(select(TriageModel)) == []


# A look before it is sent


def test_a_preview_is_the_html_of_the_comment_and_stores_nothing(rae, article, rows):
    body = "**Careful**: <b>see</b> https://example.org/a_b and\n- one\n- two"
    answer = rae.posts("/preview", body=body)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert rows(select(Comment)) == []
    assert answer.json == {"html": rae.comments(article, body).json["comment"]["html"]}


@sqlite_only
def test_a_preview_refuses_what_a_comment_would_be_refused_for(rae, sets):
    sets(max_chars=100)
    for body in (None, "", "\u200b", "a\0b", "x" * 101, "<" * 51):
        answer = rae.posts("/preview", body=body)
        assert (answer.status_code, set(answer.json["errors"])) == (422, {"body"}), body


@sqlite_only
def test_a_network_previews_thirty_times_a_minute(limited_app, rae):
    busy = rae.at(limited_app)
    answers = [busy.posts("/preview", body="Hello").status_code for _ in range(31)]
    assert answers[0] == 200
    assert answers[-1] == 429
