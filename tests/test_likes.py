"""Readers like what others wrote: once each, counted as there are rows, and gone with who liked it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from feedback import articles, doctor, recount
from feedback.db import db
from feedback.models import Accepts, Comment, Flag, Like
from tests.cast import Reader, together
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
_numbers = count(1)


@pytest.fixture
def somebody(rae: Reader) -> Callable[[], Reader]:
    """A reader nobody has seen before, on a network of their own."""

    def new() -> Reader:
        number = next(_numbers)
        return replace(rae, token=f"{number:022d}", address=f"203.0.{number % 256}.7")

    return new


@pytest.fixture
def published(stan: Reader, mo: Any, article: Any, clock: Any) -> Callable[[], str]:
    """Publish a comment of Stan's, and return its id."""

    def write() -> str:
        clock.forward(minutes=1)
        comment = stan.comments(article, f"Comment {next(_numbers)}").json["comment"]["id"]
        decide(mo, comment, "approve", 1)
        return str(comment)

    return write


def decide(staff: Any, comment: str, action: str, version: int) -> None:
    assert staff.posts("/decisions", comment=comment, action=action, version=version).status_code == 200


def like(reader: Reader, comment: str, value: str = "yes") -> Any:
    return reader.posts(f"/comments/{comment}/like", value=value)


def likes(reader: Reader, article: Any) -> dict[str, int]:
    items = reader.reads(article).json["comments"]["items"]
    return {item["id"]: item["likes"] for item in items}


def test_a_reader_likes_a_comment_once_and_takes_it_back(app, rae, somebody, article, published):
    comment = published()
    for value, number in (("yes", 1), ("yes", 1), ("none", 0), ("none", 0), ("yes", 1)):
        answer = like(rae, comment, value)
        assert (answer.status_code, answer.json) == (200, {"likes": number})
        assert likes(rae, article) == {comment: number}
    assert like(somebody(), comment).json == {"likes": 2}
    assert_counted(app)


def test_a_like_is_in_the_summary_at_once_and_in_its_etag(rae, article, published):
    comment = published()
    before = rae.reads(article).headers["ETag"]
    like(rae, comment)
    after = rae.reads(article)
    assert after.json["comments"]["items"][0]["likes"] == 1
    assert after.headers["ETag"] != before
    like(rae, comment)
    assert rae.reads(article).headers["ETag"] == after.headers["ETag"]


def test_the_best_are_those_that_most_like_then_the_newest(rae, somebody, article, published):
    first, second, third = published(), published(), published()
    like(rae, first)
    like(somebody(), first)
    like(rae, second)
    assert list(likes(rae, article)) == [first, second, third]
    like(rae, first, "none")
    assert list(likes(rae, article)) == [second, first, third]


def test_mine_names_what_this_reader_likes_on_the_article(rae, stan, article, published):
    comment, other = published(), published()
    like(rae, comment)
    assert rae.mine(article).json["likes"] == [comment]
    assert stan.mine(article).json["likes"] == []
    assert rae.mine("another").json["likes"] == []
    like(rae, other)
    like(rae, comment, "none")
    assert rae.mine(article).json["likes"] == [other]


@sqlite_only
def test_what_a_hidden_article_has_is_neither_liked_nor_flagged(rae, article, published, do, rows):
    comment = published()
    do(articles.set_accepts, article.site_id, article.key, Accepts.HIDDEN)
    for answer in (like(rae, comment), rae.posts(f"/comments/{comment}/flag", reason="spam")):
        assert (answer.status_code, answer.json["detail"]) == (404, "This comment is not there any more.")
    assert rows(select(Like)) == rows(select(Flag)) == []


@sqlite_only
def test_what_is_no_like_is_refused(rae, stan, mo, article, published, rows):
    comment = published()
    for fields in ({"value": "maybe"}, {"value": ""}, {"value": None}, {"reader": "short"}, {"reader": None}):
        assert rae.posts(f"/comments/{comment}/like", **{"value": "yes"} | fields).status_code == 422, fields
    assert like(stan, comment).status_code == 403, "one's own"
    assert like(stan, comment, "none").status_code == 403
    for unknown in ("A" * 43, "nonsense"):
        assert like(rae, unknown).status_code == 404
    waiting = stan.comments(article, "Nobody sees this yet").json["comment"]["id"]
    assert like(rae, waiting).status_code == 404
    assert like(stan, waiting).status_code == 403
    decide(mo, comment, "reject", 2)
    assert like(rae, comment).status_code == 404
    assert rows(select(Like)) == []


def test_a_comment_that_comes_back_has_its_likes_still(app, rae, mo, article, published):
    comment = published()
    like(rae, comment)
    decide(mo, comment, "hold", 2)
    decide(mo, comment, "approve", 3)
    assert likes(rae, article) == {comment: 1}
    assert_counted(app)


def test_many_at_once_are_counted_each_once(app, rae, somebody, article, published, rows):
    comment = published()
    crowd = [somebody() for _ in range(4)]
    turns = iter(crowd * 4)
    together(lambda: like(next(turns), comment), times=16)
    assert likes(rae, article) == {comment: 4}
    together(lambda: like(crowd[0], comment, "none"), times=6)
    assert likes(rae, article) == {comment: 3}
    assert_counted(app)


def test_erasing_a_reader_takes_their_likes_along(app, rae, somebody, article, published, rows):
    comment, other = published(), published()
    like(rae, comment)
    like(rae, other)
    like(somebody(), comment)
    [exported, _] = rae.posts("/export").json["likes"]
    assert set(exported) == {"comment", "created"}
    assert exported["comment"] == comment
    assert rae.posts("/erase").json["likes"] == 2
    assert rae.posts("/erase").json["likes"] == 0
    assert likes(rae, article) == {comment: 1, other: 0}
    assert rae.posts("/export").json["likes"] == []
    assert_counted(app)


def test_an_erased_comment_has_no_likes(app, rae, stan, article, published, rows):
    comment = published()
    like(rae, comment)
    stan.posts("/erase")
    assert rows(select(Like)) == []
    assert rows(select(Comment.likes)) == [0]
    assert rae.mine(article).json["likes"] == []
    assert comment not in likes(rae, article)
    assert_counted(app)


@sqlite_only
def test_a_reader_likes_thirty_times_a_minute(limited_app, rae, published):
    comment, busy = published(), rae.at(limited_app)
    answers = [like(busy, comment, ("yes", "none")[number % 2]).status_code for number in range(31)]
    assert answers[0] == 200
    assert answers[-1] == 429
    assert set(answers) == {200, 429}


def test_likes_that_do_not_equal_their_rows_are_found(app, rae, published, do, clock):
    comment = published()
    like(rae, comment)
    with app.app_context():
        assert not recount.differences().any
    for off in (update(Comment).values(likes=2), update(Comment).values(likes=0)):
        do(lambda off=off: db.session.execute(off))
        with app.app_context():
            assert recount.differences() == recount.Differences(0, 0, 0, likes=1)
            [finding] = [each for each in doctor.findings(app, now=clock()) if each.about == "figures"]
        assert (finding.good, "1 likes" in finding.sentence) == (False, True)
