"""Every rule that holds a comment: alone, with its code in the queue and its sentence on the page."""

from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from feedback import articles, triage
from feedback.models import State
from tests.cast import Reader

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
PATIENT = "9000"  # ms, as long as people take


@pytest.fixture
def settles(do: Any, site: Any) -> Callable[..., None]:
    return lambda **policy: do(articles.change_site, site.slug, **policy)


@pytest.fixture
def known(settles: Any, rae: Reader, mo: Any, article: Any, clock: Any) -> Reader:
    """Rae, of whom something was approved, on a site that publishes at once: nothing holds what she sends by itself."""
    first = rae.comments(article, "The first of mine").json["comment"]
    assert mo.posts("/decisions", comment=first["id"], version=1, action="approve").status_code == 200
    settles(moderation="post")
    clock.forward(minutes=1)
    return rae


@pytest.fixture
def held(mo: Any) -> Callable[..., None]:
    """Assert that one comment is held, for exactly these codes, and that the page says why."""

    def check(answer: Any, *codes: str, says: str, state: str = "pending") -> None:
        # Also of what goes to spam its reader is told that it waits.
        assert (answer.status_code, answer.json["comment"]["state"]) == (202, "pending"), answer.text
        (item,) = mo.gets("/queue", state=state).json["items"]
        assert tuple(item["held_for"]) == codes
        assert says in unescape(mo.signs_in().get(f"/moderation/?state={state}").text)

    return check


def test_by_itself_nothing_is_held(known, article):
    assert known.comments(article, "Quite harmless", opened=PATIENT).status_code == 201
    assert known.comments(article, "Without a time", name="Rae").status_code == 201


def test_a_filled_honeypot_is_spam(known, article, held):
    sent = known.comments(article, "Hello", website="https://spam.example", opened=PATIENT)
    held(sent, "honeypot", says="a hidden field that people do not see was filled", state="spam")


def test_what_is_blocked_is_spam(known, article, mo, held):
    mo.posts("/words", kind="word", effect="block", pattern="casino", why="Advertising")
    held(
        known.comments(article, "The best casino"),
        "blocked",
        says="a blocked word, link, name or reader",
        state="spam",
    )


def test_where_everything_is_moderated_everything_waits(known, settles, article, held):
    settles(moderation="pre")
    held(known.comments(article, "Hello"), "premoderation", says="every comment waits on this site")


@pytest.mark.parametrize("moderation", ["pre", "first"])
def test_a_readers_first_comment_waits_until_one_was_approved(settles, stan, article, mo, held, moderation):
    settles(moderation=moderation)
    codes = ("premoderation", "first_comment") if moderation == "pre" else ("first_comment",)
    sent = stan.comments(article, "Hello")
    held(sent, *codes, says="first comment of this reader")
    if moderation == "first":
        mo.posts("/decisions", comment=sent.json["comment"]["id"], version=1, action="approve")
        assert stan.comments(article, "Hello again").status_code == 201


def test_a_site_that_publishes_at_once_holds_no_first_comment(settles, stan, article):
    settles(moderation="post")
    assert stan.comments(article, "Hello").status_code == 201


def test_more_links_than_allowed_wait(known, article, settles, held):
    links = [f"[{number}](https://example.org/{number})" for number in range(3)]
    assert known.comments(article, " ".join(links[:2])).status_code == 201
    held(known.comments(article, " ".join(links)), "links", says="contains 3 links")
    settles(max_links=5)
    assert known.comments(article, " and ".join(links)).status_code == 201


def test_a_watched_word_waits(known, article, mo, held):
    mo.posts("/words", kind="word", effect="watch", pattern="cure*", why="Mostly promises")
    held(known.comments(article, "It cures everything"), "words", says="a watched word, link or name")


def test_the_same_text_waits_within_a_day(known, stan, article, clock, held):
    assert known.comments(article, "Try THIS  page").status_code == 201
    clock.forward(hours=23)
    held(stan.comments(article, "try this\npage"), "repeated", says="the same text was sent within a day")
    clock.forward(hours=25)
    assert stan.comments(article, "Try this page").status_code == 201


@pytest.mark.parametrize(("body", "name"), [
    ("Write to rae@example.org", ""), ("Call 030 123456789", ""), ("Call +49 30 1234567", "Rae"),
    ("Hello", "rae@example.org"), ("Write to _rae@example.org_", ""), ("Call 030 **1234**56789", ""),
])  # fmt: skip
def test_personal_details_wait(known, article, held, body, name):
    held(known.comments(article, body, name=name), "personal", says="contains an e-mail address or phone number")


@pytest.mark.parametrize("name", ["R\u0430e", "Ra\u200be", "\u0391nn"])
def test_a_name_that_can_pass_for_another_waits(known, article, held, name):
    held(known.comments(article, "Hello", name=name), "name", says="the name mixes scripts or has invisible characters")


def test_what_is_sent_at_once_waits(known, article, held):
    assert known.comments(article, "After three seconds", opened="3000").status_code == 201
    held(known.comments(article, "Sooner", opened="2999"), "fast", says="sent within 3 seconds of opening the form")


def test_a_reply_waits_where_its_thread_was_closed_meanwhile(known, article, mo, held):
    root = known.comments(article, "A thread").json["comment"]["id"]
    mo.posts(f"/comments/{root}/close", closed=True)
    held(known.comments(article, "A reply", parent=root), "closed_thread", says="its thread was closed meanwhile")


def test_what_readers_flag_waits_again(known, settles, article, stan, mo, held):
    settles(moderation="post", flag_limit=2)
    sent = known.comments(article, "Unkind")
    for token in "ab":
        replace(stan, token=token * 22).posts(f"/comments/{sent.json['comment']['id']}/flag", reason="abuse")
    (item,) = mo.gets("/queue").json["items"]
    assert (item["held_for"], item["state"]) == (["flags"], "pending")
    assert "readers flagged it" in mo.signs_in().get("/moderation/").text


def test_a_score_over_the_limit_waits():
    calm = triage.Evidence("Hello", "<p>Hello</p>", "", "", False, None, False, False)
    at_limit, over = replace(calm, score=0.8), replace(calm, score=0.8001)
    assert triage.judge(at_limit, moderation="post", max_links=2, score_limit=80).state is State.APPROVED
    verdict = triage.judge(over, moderation="post", max_links=2, score_limit=80)
    assert (verdict.state, verdict.held_for) == (State.PENDING, ("score",))


def test_all_that_match_are_recorded_and_said(settles, stan, article, mo, held):
    settles(moderation="pre")
    mo.posts("/words", kind="word", effect="watch", pattern="offer", why="Advertising")
    body = "An offer: " + " ".join(f"<https://example.org/{number}>" for number in range(3)) + " or stan@example.org"
    sent = stan.comments(article, body, name="St\u0430n", opened="10")
    codes = ("premoderation", "first_comment", "links", "words", "personal", "name", "fast")
    held(sent, *codes, says="first comment of this reader, contains 3 links, a watched word")


def test_a_closed_site_takes_nothing(known, settles, article):
    settles(moderation="closed")
    assert known.comments(article, "Hello").status_code == 403


def test_every_code_has_its_sentence():
    table = {"honeypot", "blocked", "premoderation", "first_comment", "links", "words", "repeated", "personal", "name"}
    assert set(triage.SENTENCES) == table | {"fast", "closed_thread", "flags", "score"}
    assert len(set(triage.SENTENCES.values())) == len(triage.SENTENCES)
