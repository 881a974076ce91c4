"""What readers submit, what of it is published, in which order, and what they see of their own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, comments, opaque, triage
from feedback.db import uuid7
from feedback.models import Accepts, Article, Comment, Decision, Site, State
from tests.cast import Reader, registration, together
from tests.mailserver import NOWHERE
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
FIELDS = {"id", "parent", "name", "html", "created", "edited", "likes", "pinned", "staff", "replies"}


@pytest.fixture(autouse=True)
def _counted(app: Any) -> Iterator[None]:
    """Whatever a test did: afterwards the published comments are as many as were counted."""
    yield
    assert_counted(app)


@pytest.fixture
def runs(do: Callable[..., Any], site: Site) -> Callable[[str], None]:
    """Settle how the site moderates: `runs("post")`."""
    return lambda moderation: do(articles.change_site, site.slug, moderation=moderation)


@pytest.fixture
def decides(mo: Any) -> Callable[..., Any]:
    """Decide on a comment as Mo: `decides(comment, "approve")`."""

    def decide(comment: dict[str, Any], action: str) -> Any:
        answer = mo.posts("/decisions", comment=comment["id"], version=comment["version"], action=action)
        assert answer.status_code == 200, answer.text
        return answer.json["decisions"][0]

    return decide


@pytest.fixture
def why(rows: Callable[..., list[Any]]) -> Callable[[Any], list[str]]:
    """Return what the comment of an answer is held for."""

    def codes(answer: Any) -> list[str]:
        key = opaque.parse_identifier(written(answer)["id"])
        assert key is not None
        (comment,) = rows(select(Comment).where(Comment.article_id == key[0], Comment.id == key[1]))
        return list(comment.held_for)

    return codes


def written(answer: Any) -> dict[str, Any]:
    """Return the comment of an answer that took it."""
    assert answer.status_code in (201, 202), answer.text
    return dict(answer.json["comment"])


# States by the site's policy


def test_where_everything_is_moderated_a_comment_waits(rae, stan, article, why):
    answer = rae.comments(article, "Helped **a lot**.", name="Rae")
    assert answer.status_code == 202
    comment = answer.json["comment"]
    assert set(comment) == FIELDS | {"state", "source", "version", "editable_until"}
    assert comment["state"] == "pending"
    assert (comment["name"], comment["source"]) == ("Rae", "Helped **a lot**.")
    assert comment["html"] == "<p>Helped <strong>a lot</strong>.</p>"
    assert (comment["version"], comment["parent"], comment["replies"]) == (1, None, [])
    assert why(answer) == ["premoderation", "first_comment"]
    assert rae.mine(article).json["comments"] == [comment]
    assert stan.reads(article).json["comments"]["total"] == 0
    assert stan.reads(article).json["comments"]["items"] == []
    assert stan.mine(article).json["comments"] == []


@sqlite_only
def test_only_a_readers_first_comment_waits_where_the_site_says_so(rae, stan, article, runs, decides, why):
    runs("first")
    first = rae.comments(article, "My first one.")
    assert first.status_code == 202
    assert why(first) == ["first_comment"]
    assert rae.comments(article, "Nothing approved yet.").status_code == 202
    decides(first.json["comment"], "approve")
    assert rae.comments(article, "My third one.").status_code == 201
    assert stan.comments(article, "Of another reader.").status_code == 202


def test_a_comment_is_published_at_once_where_the_site_looks_afterwards(rae, stan, article, runs):
    runs("post")
    comment = written(rae.comments(article, "Thanks."))
    assert comment["state"] == "approved"
    found = stan.reads(article).json["comments"]
    assert (found["total"], found["next"]) == (1, None)
    assert found["items"] == [{name: comment[name] for name in FIELDS}]


@sqlite_only
def test_a_closed_site_takes_no_comments_but_votes(rae, article, runs, rows):
    runs("closed")
    assert rae.comments(article, "Too late?").status_code == 403
    assert rae.reads(article).json["comments"]["open"] is False
    assert rae.votes(article, "yes").status_code == 200
    assert rows(select(Comment)) == []


@pytest.mark.parametrize("accepts", [Accepts.CLOSED, Accepts.HIDDEN])
@sqlite_only
def test_an_article_may_close_or_hide_its_comments(rae, site, article, runs, do, accepts):
    runs("post")
    written(rae.comments(article, "In time."))
    do(articles.set_accepts, site.id, article.key, accepts)
    assert rae.comments(article, "Too late.").status_code == 403
    shown = 0 if accepts is Accepts.HIDDEN else 1
    found = rae.reads(article).json["comments"]
    assert (found["open"], found["total"], len(found["items"])) == (False, shown, shown)
    assert rae.gets("/counts", article=article.key).json[article.key]["comments"] == shown


# Why a comment is held


WRONG = (
    ("honeypot", {"website": "https://spam.example"}),
    ("links", {"body": "https://a.example https://b.example https://c.example"}),
    ("personal", {"body": "Write to jane.doe@example.org, please."}),
    ("personal", {"body": "Call 030 1234567-89."}),
    ("personal", {"name": "jane.doe@example.org"}),
    ("name", {"name": "\u0410dmin"}),
    ("name", {"name": "Ad\u200bmin"}),
    ("fast", {"opened": "2999"}),
)


@sqlite_only
def test_what_looks_wrong_is_held(rae, article, runs, why):
    runs("post")
    for number, (code, fields) in enumerate(WRONG):
        answer = rae.comments(article, **({"body": f"Fine {number}."} | fields))
        assert (answer.status_code, answer.json["comment"]["state"]) == (202, "pending"), fields
        assert why(answer) == [code], fields


RIGHT = (
    {"body": "https://a.example https://b.example"},
    {"body": "20 mg twice, since 3 May 2026, NCT01234567."},
    {"name": "Åsa Müller-Łukasz"},
    {"opened": "3000"},
    {"website": ""},
)


@sqlite_only
def test_what_looks_right_is_published(rae, article, runs):
    runs("post")
    for number, fields in enumerate(RIGHT):
        assert rae.comments(article, **({"body": f"Fine {number}."} | fields)).status_code == 201, fields


def test_the_same_text_within_a_day_is_held(rae, stan, site, article, runs, clock, do, why):
    runs("post")
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    written(rae.comments(article, "Buy the  best pills!"))
    assert why(stan.comments(other, "buy the best\nPILLS!")) == ["repeated"]
    clock.forward(days=1, seconds=1)
    assert stan.comments(other, "Buy the best pills!").status_code == 201


@sqlite_only
def test_every_rule_that_matches_is_shown(rae, article, why):
    body = "jane@example.org https://a.example https://b.example https://c.example"
    answer = rae.comments(article, body, name="\u0410dmin", opened="1", website="x")
    expected = ["honeypot", "premoderation", "first_comment", "links", "personal", "name", "fast"]
    assert why(answer) == expected
    elsewhere = {"repeated", "blocked", "words", "closed_thread", "flags", "score"}
    assert set(expected) | elsewhere == set(triage.SENTENCES)


@sqlite_only
def test_spam_shows_as_pending_to_its_reader(rae, article, rows, decides):
    caught = rae.comments(article, "Cheap pills", website="https://pills.example")
    assert caught.status_code == 202
    assert [row.state for row in rows(select(Comment))] == [State.SPAM]
    marked = written(rae.comments(article, "More pills"))
    decides(marked, "spam")
    mine = rae.mine(article).json["comments"]
    assert [comment["state"] for comment in mine] == ["pending", "pending"]
    assert mine[0] == caught.json["comment"]
    assert "spam" not in rae.mine(article).text


# One submission is one comment


def test_the_same_submission_is_one_comment(rae, stan, site, article, runs, do, clock, rows):
    runs("post")
    first = rae.comments(article, "Sent once.", submission="a-1")
    again = rae.comments(article, "Sent once, and changed.", submission="a-1")
    assert (again.status_code, again.json) == (first.status_code, first.json)
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    assert written(stan.comments(article, "Of another reader.", submission="a-1"))["id"] != first.json["comment"]["id"]
    assert written(rae.comments(other, "On another article.", submission="a-1"))["id"] != first.json["comment"]["id"]
    written(rae.comments(article, "Another one.", submission="a-2"))
    assert len(rows(select(Comment))) == 4


def test_the_same_submission_many_times_at_once_is_one_comment(rae, article, runs, rows):
    runs("post")
    answers = together(lambda: rae.comments(article, "Sent once.", submission="a-1"), times=12)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["comment"]["id"] for answer in answers}) == len(rows(select(Comment))) == 1


@sqlite_only
def test_a_submission_is_answered_again_after_the_article_closed(rae, site, article, do, decides):
    comment = written(rae.comments(article, "Sent in time.", submission="a-1"))
    decides(comment, "approve")
    do(articles.set_accepts, site.id, article.key, Accepts.CLOSED)
    answer = rae.comments(article, "Sent in time.", submission="a-1")
    assert (answer.status_code, answer.json["comment"]["state"]) == (201, "approved")


# Threads


def test_replies_stand_in_two_levels_and_keep_whom_they_answer(rae, stan, article, runs):
    runs("post")
    root = written(rae.comments(article, "A question."))
    reply = written(stan.comments(article, "An answer.", parent=root["id"]))
    deeper = written(rae.comments(article, "Thanks for it.", parent=reply["id"]))
    assert (reply["parent"], deeper["parent"]) == (root["id"], reply["id"])
    found = rae.reads(article).json["comments"]
    assert found["total"] == 3
    (thread,) = found["items"]
    assert [item["id"] for item in thread["replies"]] == [reply["id"], deeper["id"]]
    assert all("replies" not in item and "more" not in item for item in thread["replies"])
    assert "more" not in thread


@sqlite_only
def test_only_a_published_comment_of_the_same_article_can_be_answered(rae, site, article, runs, do, clock, decides):
    waiting = written(rae.comments(article, "Not seen yet."))
    runs("post")
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    elsewhere = written(rae.comments(other, "Elsewhere."))
    refused = written(rae.comments(article, "Soon rejected."))
    decides(refused, "reject")
    for parent in (waiting["id"], elsewhere["id"], refused["id"], "A" * 43, "nonsense", waiting["id"] + "="):
        answer = rae.comments(article, "An answer.", parent=parent)
        assert answer.status_code == 422, parent
        assert list(answer.json["errors"]) == ["parent"]
    decides(waiting, "approve")
    assert rae.comments(article, "An answer.", parent=waiting["id"]).status_code == 201


def test_the_count_follows_every_change_of_state(rae, article, decides):
    def total() -> int:
        published = rae.reads(article).json["comments"]
        assert len(published["items"]) == published["total"]
        assert rae.gets("/counts", article=article.key).json[article.key]["comments"] == published["total"]
        return int(published["total"])

    comment = written(rae.comments(article, "Counted?"))
    assert total() == 0
    for version, (action, expected) in enumerate(
        [("approve", 1), ("reject", 0), ("approve", 1), ("spam", 0), ("reject", 0), ("hold", 0), ("approve", 1)], 1
    ):
        decides(comment | {"version": version}, action)
        assert total() == expected
    assert rae.posts(f"/comments/{comment['id']}/withdraw").status_code == 200
    assert total() == 0


# Order and pages


@pytest.fixture
def publish(do: Callable[..., Any], ask: Callable[..., Any], site: Site, runs: Any) -> Callable[..., list[Comment]]:
    """Publish comments of as many readers, a minute apart: `publish(article, 45, parent=…)`."""
    runs("post")
    numbers = count(1)

    def run(article: Article, many: int, parent: Comment | None = None, likes: int = 0, **more: Any) -> list[Comment]:
        view = ask(articles.site, site.slug)

        def all_of_them() -> list[Comment]:
            return [one(next(numbers)) for _ in range(many)]

        def one(number: int) -> Comment:
            draft = comments.Draft(
                articles.Page(view, article.key),
                reader=number.to_bytes(32, "big"),
                source=f"Comment {number}",
                html=f"<p>Comment {number}</p>",
                text_hash=number.to_bytes(32, "big"),
                parent=comments.public(parent)["id"] if parent else None,
            )
            comment = comments.submit(draft, now=article.created + timedelta(minutes=number))
            for name, value in more.items():
                setattr(comment, name, value)
            for liker in range(likes):
                comments.like(comments.public(comment)["id"], _liker(liker), True, site_id=view.id, now=comment.created)
            return comment

        made: list[Comment] = do(all_of_them)
        do(articles.touch, article.id)
        return made

    return run


def _liker(number: int) -> bytes:
    return number.to_bytes(32, "little")


def pages(reader: Reader, article: Article, **query: str) -> list[dict[str, Any]]:
    """Return every page from the first to the last."""
    found = [reader.reads(article, **query).json["comments"]]
    while found[-1]["next"]:
        found.append(reader.reads(article, **query, cursor=found[-1]["next"]).json["comments"])
        assert len(found) < 20
    return found


def texts(items: list[dict[str, Any]]) -> list[int]:
    return [int(item["html"].removeprefix("<p>Comment ").removesuffix("</p>")) for item in items]


def test_pages_lose_and_double_nothing_in_any_order(rae, article, publish):
    plain, liked, pinned = publish(article, 40), publish(article, 3, likes=7), publish(article, 2, pinned=True)
    oldest = list(range(1, 44))
    expected = {"oldest": oldest, "newest": oldest[::-1], "best": [43, 42, 41, *range(40, 0, -1)]}
    assert len(plain + liked + pinned) == 45
    for sort, order in expected.items():
        found = pages(rae, article, sort=sort)
        assert [len(page["items"]) for page in found] == [20, 20, 5]
        assert {page["total"] for page in found} == {45}
        assert texts([item for page in found for item in page["items"]]) == [45, 44, *order]
    assert rae.reads(article).json == rae.reads(article, sort="best").json


@sqlite_only
def test_the_best_come_first(rae, article, publish):
    publish(article, 2)
    publish(article, 1, likes=2)
    publish(article, 1)
    publish(article, 1, likes=1)
    assert texts(rae.reads(article).json["comments"]["items"]) == [3, 5, 4, 2, 1]


@sqlite_only
def test_twenty_threads_are_one_page(rae, article, publish):
    publish(article, 20)
    assert rae.reads(article).json["comments"]["next"] is None
    publish(article, 1)
    found = pages(rae, article)
    assert [len(page["items"]) for page in found] == [20, 1]


@sqlite_only
def test_a_page_that_pinned_comments_fill_goes_on_with_the_others(rae, article, publish):
    publish(article, 25)
    publish(article, comments.MAX_PINNED, pinned=True)
    found = [item for page in pages(rae, article) for item in page["items"]]
    assert sorted(texts(found)) == list(range(1, 26 + comments.MAX_PINNED))


def test_a_long_thread_shows_three_replies_and_the_way_to_the_rest(rae, article, publish):
    (root,) = publish(article, 1)
    publish(article, 48, parent=root)
    found = rae.reads(article).json["comments"]
    (thread,) = found["items"]
    assert (found["total"], texts(thread["replies"])) == (49, [2, 3, 4])
    seen, cursor = texts(thread["replies"]), thread["more"]
    while cursor:
        more = rae.reads(article, parent=thread["id"], cursor=cursor).json["comments"]
        assert len(more["items"]) <= 20
        seen, cursor = seen + texts(more["items"]), more["next"]
    assert seen == list(range(2, 50))


@sqlite_only
def test_three_replies_are_all_and_a_fourth_is_more(rae, article, publish):
    (root,) = publish(article, 1)
    publish(article, 3, parent=root)
    assert "more" not in rae.reads(article).json["comments"]["items"][0]
    publish(article, 1, parent=root)
    thread = rae.reads(article).json["comments"]["items"][0]
    more = rae.reads(article, parent=thread["id"], cursor=thread["more"]).json["comments"]
    assert (texts(more["items"]), more["next"]) == ([5], None)


@sqlite_only
def test_more_replies_are_asked_for_by_a_thread_of_this_article(rae, site, article, publish, do, clock):
    (elsewhere,) = publish(do(articles.register, site.id, registration(site, "other"), now=clock())[0], 1)
    for parent in (comments.public(elsewhere)["id"], opaque.identifier(article.id, uuid7()), "A" * 43, "nonsense"):
        assert rae.reads(article, parent=parent).status_code == 404
    for cursor in ("nonsense", "W10", "AAAA"):
        assert rae.reads(article, cursor=cursor).status_code == 400


def test_order_holds_when_the_clock_jumps_back(rae, article, runs, clock, rows):
    runs("post")
    first = written(rae.comments(article, "First."))
    clock.forward(hours=-1)
    second = written(rae.comments(article, "Second."))
    third = written(rae.comments(article, "Third."))
    stored = rows(select(Comment).order_by(Comment.created))
    assert [row.source for row in stored] == ["First.", "Second.", "Third."]
    assert stored[1].created - stored[0].created == timedelta(microseconds=1)
    shown = rae.reads(article, sort="oldest").json["comments"]["items"]
    assert [item["id"] for item in shown] == [first["id"], second["id"], third["id"]]
    assert [comment["id"] for comment in rae.mine(article).json["comments"]] == [item["id"] for item in shown]


# Withdrawing one's own


def test_a_reader_withdraws_a_comment_for_good(rae, stan, article, runs, rows, decides):
    runs("post")
    comment = written(rae.comments(article, "Said too much."))
    answer = rae.posts(f"/comments/{comment['id']}/withdraw")
    assert (answer.status_code, answer.json["comment"]["state"]) == (200, "withdrawn")
    assert stan.reads(article).json["comments"]["items"] == []
    assert [item["state"] for item in rae.mine(article).json["comments"]] == ["withdrawn"]
    assert rae.posts(f"/comments/{comment['id']}/withdraw").json == answer.json
    (row,) = rows(select(Decision))
    assert (row.who, row.action, row.from_state, row.to_state) == ("reader", "withdraw", "approved", "withdrawn")


@sqlite_only
def test_a_comment_is_withdrawn_by_its_own_reader_only(rae, stan, article, runs, rows):
    runs("post")
    comment = written(rae.comments(article, "Mine."))
    assert stan.posts(f"/comments/{comment['id']}/withdraw").status_code == 403
    for unknown in ("A" * 43, "nonsense", "%00"):
        assert rae.posts(f"/comments/{unknown}/withdraw").status_code == 404
    assert rae.posts(f"/comments/{comment['id']}/withdraw", reader="").status_code == 422
    assert [row.state for row in rows(select(Comment))] == [State.APPROVED]


@sqlite_only
def test_a_token_is_two_strangers_on_two_sites(rae, article, runs, do, clock):
    runs("post")
    comment = written(rae.comments(article, "Mine here."))
    second = do(articles.add_site, "second", origins=[rae.origin], now=clock())
    there = replace(rae, site=second)
    assert there.posts(f"/comments/{comment['id']}/withdraw").status_code == 404
    assert there.mine(article.key).json == {
        "vote": None,
        "votes": {"yes": 0, "no": 0, "total": 0},
        "comments": [],
        "likes": [],
    }


def test_replies_stay_under_a_withdrawn_comment(rae, stan, article, runs):
    runs("post")
    root = written(rae.comments(article, "Said too much.", name="Rae"))
    reply = written(stan.comments(article, "No, thank you!", parent=root["id"]))
    rae.posts(f"/comments/{root['id']}/withdraw")
    found = stan.reads(article).json["comments"]
    assert found["total"] == 1
    (thread,) = found["items"]
    assert (thread["id"], thread["gone"], thread["html"], thread["name"]) == (root["id"], "withdrawn", None, None)
    assert [item["id"] for item in thread["replies"]] == [reply["id"]]
    stan.posts(f"/comments/{reply['id']}/withdraw")
    assert stan.reads(article).json["comments"]["items"] == []


@pytest.mark.parametrize("action", ["reject", "spam", "hold"])
@sqlite_only
def test_replies_stay_under_a_removed_comment(rae, stan, article, runs, decides, action):
    runs("post")
    root = written(rae.comments(article, "Something harmful.", name="Rae"))
    reply = written(stan.comments(article, "Please do not do that.", parent=root["id"]))
    decides(root, action)
    found = stan.reads(article).json["comments"]
    (thread,) = found["items"]
    assert (found["total"], thread["gone"], thread["html"], thread["name"]) == (1, "removed", None, None)
    assert [item["id"] for item in thread["replies"]] == [reply["id"]]
    assert "gone" not in rae.mine(article).json["comments"][0]
    assert "harmful" not in stan.reads(article).text


@sqlite_only
def test_a_comment_without_words_of_its_own_is_refused(rae, article, rows):
    for body in ("", "   \n\t", "\u200b\u200b"):
        answer = rae.comments(article, body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["body"])
    assert rows(select(Comment)) == []


@sqlite_only
def test_a_site_may_want_shorter_comments(rae, site, article, do):
    do(articles.change_site, site.slug, max_chars=100)
    assert rae.comments(article, "x" * 101).json["errors"] == {"body": ["This is too long: at most 100 characters."]}
    assert rae.comments(article, "x" * 100).status_code == 202


@sqlite_only
def test_an_address_is_kept_only_of_who_asked_for_replies(rae, article, make_app, rows):
    from cryptography.fernet import Fernet

    assert rae.comments(article, "No mail, please.", email="rae@example.org").status_code == 202
    told = rae.comments(article, "Mail, please.", email="rae@example.org", notify="replies")
    assert list(told.json["errors"]) == ["notify"]
    mailing = rae.at(make_app(mail_keys=(Fernet.generate_key().decode(),), **NOWHERE))
    assert list(mailing.comments(article, "Where to?", notify="replies").json["errors"]) == ["email"]
    comment = written(mailing.comments(article, "Mail, please.", email="rae@example.org", notify="replies"))
    kept = {row.source: row.sealed_email for row in rows(select(Comment))}
    assert kept["No mail, please."] is None
    assert b"rae" not in kept["Mail, please."]
    mailing.posts(f"/comments/{comment['id']}/withdraw")
    assert [row.sealed_email for row in rows(select(Comment))] == [None, None]


@sqlite_only
def test_likes_move_a_comment_between_two_pages_only(rae, article, publish, rows):
    publish(article, 25)
    first = rae.reads(article).json["comments"]

    [last] = rows(select(Comment).where(Comment.source == "Comment 1"))
    assert rae.posts(f"/comments/{comments.public(last)['id']}/like", value="yes").json == {"likes": 1}
    second = rae.reads(article, cursor=first["next"]).json["comments"]
    assert texts(first["items"] + second["items"]) == list(range(25, 1, -1))
