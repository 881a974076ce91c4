"""Readers' flags: one a reader, weighed by what became of earlier ones, answered by decisions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, readers
from feedback.models import Comment, Decision, Flag, FlagReason, State
from tests.cast import Reader, together
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
_numbers = count(1)


@pytest.fixture
def somebody(rae: Reader) -> Callable[..., Reader]:
    """A reader nobody has seen before, on a network of their own unless another's address is given."""

    def new(address: str = "") -> Reader:
        number = next(_numbers)
        return replace(rae, token=f"{number:022d}", address=address or f"203.0.{number % 256}.7")

    return new


@pytest.fixture
def published(somebody: Any, mo: Any, article: Any, clock: Any) -> Callable[..., str]:
    """Publish a comment of a new reader, and return its id."""

    def write(body: str = "", by: Reader | None = None) -> str:
        clock.forward(minutes=1)
        body = body or f"Comment {next(_numbers)}"
        comment = (by or somebody()).comments(article, body).json["comment"]
        decide(mo, comment["id"], "approve")
        return str(comment["id"])

    return write


def flag(reader: Reader, comment: str, reason: str = "spam", **more: Any) -> Any:
    return reader.posts(f"/comments/{comment}/flag", reason=reason, **more)


def decide(staff: Any, comment: str, action: str, version: int = 1, status: int = 200) -> Any:
    answer = staff.posts("/decisions", comment=comment, action=action, version=version)
    assert answer.status_code == status, answer.text
    return answer.json


def weights(rows: Any) -> list[int]:
    return list(rows(select(Flag.weight).order_by(Flag.created, Flag.weight)))


# What is taken


def test_a_flag_is_kept_with_its_reason_and_a_note_that_names_nobody(app, rae, published, rows, clock):
    comment = published()
    answer = flag(rae, comment, "unsafe", note="Ask me: rae@example.org")
    assert (answer.status_code, answer.json) == (202, {})
    (row,) = rows(select(Flag))
    assert (row.reason, row.note, row.weight) == (FlagReason.UNSAFE, "Ask me: [removed]", 1)
    assert (row.created, row.resolved) == (clock(), None)
    assert_counted(app)


def test_a_reader_flags_once(app, rae, published, rows):
    comment = published()
    assert flag(rae, comment, "spam").status_code == 202
    assert flag(rae, comment, "abuse").status_code == 202
    assert [(row.reason, row.weight) for row in rows(select(Flag))] == [("spam", 1)]
    together(lambda: flag(replace(rae, token="r" * 22), comment), times=6)
    assert weights(rows) == [1, 1]
    assert_counted(app)


def test_a_note_full_of_addresses_still_fits(rae, published, rows):
    note = ("a@b.cd " * 200)[:1000]
    assert flag(rae, published(), note=note).status_code == 202
    assert rows(select(Flag.note))[0].startswith("[removed] [removed]")


@sqlite_only
def test_what_is_no_flag_is_refused(rae, stan, published, article, mo, rows):
    comment = published(by=stan)
    for fields, status in (
        ({"reason": "boring"}, 422),
        ({"reason": ""}, 422),
        ({"reason": None}, 422),
        ({"note": "x" * 1_001}, 422),
        ({"note": "a\0b"}, 422),
        ({"reader": "short"}, 422),
        ({"reader": None}, 422),
    ):
        assert rae.posts(f"/comments/{comment}/flag", **{"reason": "spam"} | fields).status_code == status, fields
    assert flag(stan, comment).status_code == 403
    for unknown in ("A" * 43, "nonsense"):
        assert flag(rae, unknown).status_code == 404
    waiting = stan.comments(article, "Nobody sees this yet").json["comment"]["id"]
    assert flag(rae, waiting).status_code == 404
    assert rows(select(Flag)) == []


@sqlite_only
def test_a_network_and_a_reader_flag_ten_times_a_minute(limited_app, rae, published):
    ids = [published() for _ in range(11)]
    busy = rae.at(limited_app)
    answers = [flag(busy, comment).status_code for comment in ids]
    assert answers == [202] * 10 + [429]
    assert flag(replace(busy, token="n" * 22), ids[10]).status_code == 429
    assert flag(replace(busy, address="198.51.100.99"), ids[10]).status_code == 429


# What it weighs


def test_a_network_counts_once_a_comment(app, limited_app, somebody, published, rows):
    comment, other = published(), published()
    for address in ("192.0.2.1", "192.0.2.2", "198.51.100.1"):
        flag(somebody(address).at(limited_app), comment)
    flag(somebody("192.0.2.3").at(limited_app), other)
    assert sorted(weights(rows)) == [0, 1, 1, 1]
    assert_counted(app)


def test_a_network_counts_once_over_midnight_too(limited_app, somebody, published, rows, clock):
    comment = published()
    flag(somebody("192.0.2.1").at(limited_app), comment)
    clock.forward(hours=20)
    flag(somebody("192.0.2.2").at(limited_app), comment)
    assert sorted(weights(rows)) == [0, 1]


def test_without_limits_a_network_counts_each_time(somebody, published, rows):
    comment = published()
    for _ in range(2):
        flag(somebody("192.0.2.1"), comment)
    assert weights(rows) == [1, 1]


@pytest.mark.parametrize(("answer", "weighs"), [("reject", 2), ("spam", 2), ("approve", 0)])
def test_after_three_answers_a_readers_flag_weighs_otherwise(app, rae, mo, published, rows, answer, weighs):
    for _ in range(3):
        comment = published()
        assert flag(rae, comment).status_code == 202
        decide(mo, comment, answer, version=2)
    assert weights(rows) == [1, 1, 1]
    flag(rae, published())
    assert weights(rows)[-1] == weighs
    assert_counted(app)


def test_of_as_many_right_as_wrong_flags_the_next_weighs_nothing(rae, mo, published, rows):
    for answer in ["reject", "approve"] * 3:
        comment = published()
        flag(rae, comment)
        decide(mo, comment, answer, version=2)
    flag(rae, published())
    assert weights(rows)[-1] == 0
    comment = published()
    flag(rae, comment)
    decide(mo, comment, "reject", version=2)
    flag(rae, published())
    assert weights(rows)[-1] == 2


# What it does


def test_at_the_limit_a_comment_waits_again_and_the_rules_say_so(app, rae, mo, article, somebody, published, rows):
    comment = published("Buy pills")
    for _ in range(2):
        flag(somebody(), comment)
        assert rae.reads(article).json["comments"]["total"] == 1
    flag(somebody(), comment)
    assert rae.reads(article).json["comments"]["total"] == 0
    (row,) = rows(select(Decision).where(Decision.action == "flag"))
    assert (row.who, row.from_state, row.to_state) == ("rules", State.APPROVED, State.PENDING)
    (item,) = mo.gets("/queue").json["items"]
    assert (item["state"], item["flags"], item["held_for"][-1]) == ("pending", 3, "flags")
    assert [each["id"] for each in mo.gets("/queue", state="flagged").json["items"]] == [comment]
    # Whoever flags just after is answered as those before them.
    assert flag(somebody(), comment).status_code == 202
    assert_counted(app)


def test_what_was_approved_after_flags_is_not_taken_down_again(app, mo, somebody, published, rows):
    comment = published()
    for _ in range(3):
        flag(somebody(), comment)
    decide(mo, comment, "approve", version=3)
    for _ in range(5):
        assert flag(somebody(), comment).status_code == 202
    (stored,) = rows(select(Comment))
    assert (stored.state, stored.flags) == (State.APPROVED, 5)
    assert len(rows(select(Decision).where(Decision.who == "rules"))) == 1
    assert_counted(app)


@pytest.mark.parametrize("limit", [1, 3])
def test_a_text_that_its_reader_changed_after_flags_were_dismissed_can_be_taken_down(
    app, mo, stan, somebody, published, rows, do, site, limit
):
    """With a limit of 1 the first flag took the old text down; with 3 it was dismissed while that was published."""
    do(articles.change_site, site.slug, flag_limit=limit)
    comment = published("It helped me.", by=stan)
    flag(somebody(), comment)
    decide(mo, comment, "approve", version=rows(select(Comment.version))[0])
    assert stan.posts(f"/comments/{comment}/edit", body="Buy pills").status_code == 202
    decide(mo, comment, "approve", version=rows(select(Comment.version))[0])
    for _ in range(limit):
        assert rows(select(Comment.state)) == [State.APPROVED]
        flag(somebody(), comment)
    assert rows(select(Comment.state)) == [State.PENDING]
    assert_counted(app)


def test_approving_what_is_published_dismisses_its_flags(app, mo, somebody, published, rows):
    comment = published()
    decide(mo, comment, "approve", version=2, status=409)
    flag(somebody(), comment)
    (decision,) = decide(mo, comment, "approve", version=2)["decisions"]
    assert (decision["from"], decision["to"]) == ("approved", "approved")
    assert mo.gets("/queue", state="flagged").json["total"] == 0
    decide(mo, comment, "approve", version=3, status=409)
    for _ in range(4):
        flag(somebody(), comment)
    assert [row.state for row in rows(select(Comment))] == [State.APPROVED]
    assert_counted(app)


@pytest.mark.parametrize(("action", "resolved"), [("approve", "dismissed"), ("reject", "upheld"), ("spam", "upheld")])
def test_a_decision_answers_flags_and_undoing_it_opens_them_again(app, mo, somebody, published, rows, action, resolved):
    comment = published()
    for _ in range(2):
        flag(somebody(), comment)
    (decision,) = decide(mo, comment, action, version=2)["decisions"]
    assert [row.resolved for row in rows(select(Flag))] == [resolved] * 2
    assert [row.flags for row in rows(select(Comment))] == [0]
    assert_counted(app)
    assert mo.posts(f"/decisions/{decision['id']}/undo").status_code == 200
    assert [(row.resolved, row.decision_id) for row in rows(select(Flag))] == [(None, None)] * 2
    assert [(row.state, row.flags) for row in rows(select(Comment))] == [(State.APPROVED, 2)]
    assert mo.gets("/queue", state="flagged").json["total"] == 1
    assert_counted(app)


def test_what_is_decided_undone_and_done_again_answers_flags_again(app, mo, somebody, published, rows):
    comment = published()
    flag(somebody(), comment)
    (decision,) = decide(mo, comment, "reject", version=2)["decisions"]
    for expected in (None, "upheld", None, "upheld"):
        (decision,) = mo.posts(f"/decisions/{decision['id']}/undo").json["decisions"]
        assert [row.resolved for row in rows(select(Flag))] == [expected]
        assert_counted(app)


def test_holding_a_flagged_comment_leaves_its_flags_open(app, mo, somebody, published, rows):
    comment = published()
    flag(somebody(), comment)
    decide(mo, comment, "hold", version=2)
    assert [row.resolved for row in rows(select(Flag))] == [None]
    assert mo.gets("/queue", state="flagged").json["total"] == 1
    assert_counted(app)


# What becomes of it


def test_erasing_a_reader_erases_their_flags_and_what_they_weighed(app, rae, stan, published, rows, article):
    comment = published()
    flag(rae, comment, note="secret words")
    flag(stan, comment)
    (exported,) = rae.posts("/export").json["flags"]
    assert (exported["comment"], exported["reason"], exported["note"]) == (comment, "spam", "secret words")
    assert rae.posts("/erase").json["flags"] == 1
    assert len(rows(select(Flag))) == 1
    assert [row.flags for row in rows(select(Comment))] == [1]
    assert_counted(app)


def test_withdrawing_and_erasing_a_flagged_comment_keeps_the_counts(app, rae, stan, somebody, published, rows):
    first, second = published(by=rae), published(by=stan)
    for comment in (first, second):
        flag(somebody(), comment)
    assert rae.posts(f"/comments/{first}/withdraw").status_code == 200
    assert_counted(app)
    assert stan.posts("/erase").status_code == 200
    assert_counted(app)
    assert len(rows(select(Flag))) == 1


def test_the_network_of_a_flag_is_forgotten_after_48_hours(do, rae, published, rows, clock):
    flag(rae, published())
    (before,) = rows(select(Flag.network))
    assert len(before) == 32
    expire(do, clock.forward(days=1))
    assert rows(select(Flag.network)) == [before]
    expire(do, clock.forward(days=1))
    assert rows(select(Flag.network)) == [None]


def expire(do: Any, now: datetime) -> None:
    do(readers.expire, now)


def test_flags_at_once_take_a_comment_down_once(app, somebody, published, rows):
    comment = published()
    waiting = iter([somebody() for _ in range(8)])
    assert {answer.status_code for answer in together(lambda: flag(next(waiting), comment), times=8)} == {202}
    assert len(rows(select(Decision).where(Decision.who == "rules"))) == 1
    assert [row.flags for row in rows(select(Comment))] == [8]
    assert_counted(app)
