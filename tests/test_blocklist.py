"""Whom and what a site does not want: words, links and names; readers and networks."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, blocklist, opaque, readers
from feedback.models import Ban, Comment, Role, State, Word
from tests.cast import Reader, hire, together

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
_numbers = count(1)


@pytest.fixture
def writes(rae: Reader, article: Any, rows: Any) -> Callable[..., Comment]:
    """Let a new reader send a comment; return the row it made."""

    def write(body: str, name: str = "", by: Reader | None = None) -> Comment:
        reader = by or replace(rae, token=f"{next(_numbers):022d}")
        answer = reader.comments(article, f"{body} ", name=name)
        assert (answer.status_code, answer.json["comment"]["state"]) == (202, "pending"), answer.text
        row: Comment = rows(select(Comment).order_by(Comment.created.desc(), Comment.id.desc()))[0]
        return row

    return write


def lists(staff: Any, pattern: str, kind: str = "word", effect: str = "watch", **more: Any) -> Any:
    return staff.posts("/words", kind=kind, effect=effect, pattern=pattern, why="Seen too often", **more)


def bans(staff: Any, comment: str, kind: str = "reader", **more: Any) -> Any:
    return staff.posts(f"/comments/{comment}/ban", **{"kind": kind, "days": 30, "why": "Advertises"} | more)


# Words


@sqlite_only
@pytest.mark.parametrize(
    ("pattern", "found", "passed"),
    [
        ("cure", "A CURE for all", "Obscure curely cured"),
        ("cure*", "It cures, truly", "Obscure"),
        ("miracle cure", "The miracle\n  cure!", "A miracle and a cure"),
        ("viagra", "ｖｉａｇｒａ", "via gra"),
        ("viagra", "𝐯𝐢𝐚𝐠𝐫𝐚", "viagras"),
        ("viagra", "vіаgrа in Cyrillic", "niagara"),
        ("viagra", "vi\u200bag\u00adra", "v-i-a-g-r-a"),
        ("viagra", "Buy _viagra_", "Buy vi *agra*"),
        ("viagra", "Buy vi*ag*ra", "vi\n\nagra"),
        ("miracle cure", "The miracle **cure**", "A *miracle*, no cure"),
        ("казино", "Лучшее КАЗИНО", "казиношный"),
        ("Straße", "in der STRASSE", "Strassen"),
        ("İstanbul", "i̇stanbul", "stanbul"),
        ("c++", "I like c++.", "cc++"),
        ("赌场", "最好的赌场在这里", "赌 场"),
        ("カジノ", "オンラインｶｼﾞﾉです", "カジ"),
        ("คาสิโน", "เล่นคาสิโนออนไลน์", "คาสิ"),
        ("카지노", "온라인카지노추천", "카지"),
    ],
)
def test_a_listed_word_is_found_as_a_whole_word_in_any_spelling(mo, writes, pattern, found, passed):
    assert lists(mo, pattern).status_code == 201
    assert "words" in writes(found).held_for
    assert "words" not in writes(passed).held_for


@sqlite_only
@pytest.mark.parametrize(
    ("pattern", "found", "passed"),
    [
        ("spam.example", "https://spam.example/x", "https://notspam.example/"),
        ("spam.example", "https://shop.SPAM.example", "https://spam.example.org"),
        ("https://www.spam.example/", "http://spam.example", "https://example/spam.example"),
        ("spam.example", "https://spam.example.:8080/a?b#c", "https://good.example/?u=spam.example"),
        ("spam.example/shop", "https://spam.example/shop/pills", "https://spam.example/shopping"),
        ("spam.example/shop", "https://spam.example/Shop", "https://spam.example/"),
        ("spam.example/größe", "https://spam.example/gr%C3%B6%C3%9Fe", "https://spam.example/groesse"),
        ("bücher.example", "https://xn--bcher-kva.example/", "https://bucher.example"),
        ("xn--bcher-kva.example", "https://bücher.example/", "https://xn--bcher.example"),
        ("straße.example", "https://straße.example/", "https://strase.example/"),
    ],
)
def test_a_listed_link_covers_its_subdomains_and_its_paths(mo, writes, pattern, found, passed):
    assert lists(mo, pattern, kind="link").status_code == 201
    assert "words" in writes(f"See [here]({found}) now").held_for
    assert "words" not in writes(f"See [here]({passed}) now").held_for
    assert "words" not in writes("See spam.example or bücher.example in words").held_for


@sqlite_only
def test_a_listed_name_is_looked_for_in_names_alone(mo, writes):
    assert lists(mo, "Dr. Fraud", kind="name").status_code == 201
    assert "words" in writes("Hello", name="dr. FRAUD").held_for
    assert "words" not in writes("Dr. Fraud said so", name="Dr. Frauds").held_for


def test_what_is_blocked_goes_to_spam_and_is_answered_as_if_it_waited(mo, writes):
    assert lists(mo, "casino", effect="block").status_code == 201
    row = writes("The best casino")
    assert (row.state, "blocked" in row.held_for) == (State.SPAM, True)
    assert writes("The best theatre").state is State.PENDING


def test_a_word_holds_until_its_time(mo, writes, clock):
    until = "2026-05-06T09:00:00Z"
    word = lists(mo, "offer", until=until).json["word"]
    assert (word["until"], word["who"], word["why"]) == (
        "2026-05-06T09:00:00.000000Z",
        "moderator token",
        "Seen too often",
    )
    assert "words" in writes("An offer").held_for
    clock.forward(days=2)
    assert "words" not in writes("Another offer").held_for


def test_a_word_is_listed_once_and_can_be_removed(mo, writes, rows):
    first = lists(mo, "Offer").json["word"]
    again = lists(mo, " oFFER ", effect="block")
    assert (again.status_code, "“offer” is listed already" in again.json["detail"]) == (409, True)
    assert lists(mo, "offer", kind="name").status_code == 201
    assert [word["pattern"] for word in mo.gets("/words").json["words"]] == ["offer", "offer"]
    assert mo.posts(f"/words/{first['id']}/remove").json["word"] == first
    assert mo.posts(f"/words/{first['id']}/remove").status_code == 404
    assert "words" not in writes("An offer").held_for
    assert [word.kind for word in rows(select(Word))] == ["name"]


def test_the_same_word_listed_by_many_at_once_is_one(mo, rows):
    assert mo.token
    answers = sorted(answer.status_code for answer in together(lambda: lists(mo, "offer"), times=6))
    assert answers == [201] + [409] * 5
    assert len(rows(select(Word))) == 1


@sqlite_only
def test_what_would_match_nothing_or_everything_is_not_listed(mo, rows):
    for kind, pattern in (
        ("word", "*"), ("word", "..."), ("word", "a*b"), ("word", ""), ("word", "\u200b"), ("word", "x" * 201),
        ("link", "spam"), ("link", "https://"), ("link", "https://[::1"), ("link", "/path"), ("link", "."),
    ):  # fmt: skip
        answer = lists(mo, pattern, kind=kind)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["pattern"]), (kind, pattern)
    for field, value in (
        ("kind", "text"), ("effect", "allow"), ("why", ""), ("why", "x" * 301), ("until", "tomorrow"),
        ("until", "2026-05-06"), ("until", "2020-01-01T00:00:00Z"), ("until", "0001-01-01T00:00:00+23:00"),
    ):  # fmt: skip
        body = {"kind": "word", "effect": "watch", "pattern": "offer", "why": "x"} | {field: value}
        assert list(mo.posts("/words", **body).json["errors"]) == [field], (field, value)
    assert rows(select(Word)) == []


@sqlite_only
def test_a_site_lists_so_many_words_and_no_more(mo, monkeypatch):
    monkeypatch.setattr(blocklist, "MAX_WORDS", 2)
    assert [lists(mo, word).status_code for word in ("one", "two", "three")] == [201, 201, 403]


# Bans


def test_what_a_banned_reader_sends_is_spam_and_is_answered_as_if_it_waited(mo, rae, stan, writes, clock):
    first = writes("Buy my pills", by=rae)
    ban = bans(mo, identifier(first), days=7).json["ban"]
    assert (ban["kind"], ban["why"], ban["until"]) == ("reader", "Advertises", "2026-05-11T09:00:00.000000Z")
    row = writes("Buy more of my pills", by=rae)
    assert (row.state, row.held_for[0]) == (State.SPAM, "blocked")
    assert writes("I do not sell", by=stan).state is State.PENDING
    clock.forward(days=7)
    assert writes("I am back", by=rae).state is State.PENDING


def identifier(row: Comment) -> str:
    return opaque.identifier(row.article_id, row.id)


def test_a_banned_network_is_banned_until_its_key_goes(do, mo, rae, writes, rows, clock):
    clock.forward(hours=10)
    neighbour = replace(rae, token="n" * 22, address="192.0.2.77")
    first = writes("Buy my pills", by=rae)
    ban = bans(mo, identifier(first), "network", days=None).json["ban"]
    assert (ban["kind"], ban["until"]) == ("network", "2026-05-06T00:00:00.000000Z")
    assert writes("From next door", by=neighbour).state is State.SPAM
    clock.forward(days=1)
    assert writes("The day after", by=neighbour).state is State.SPAM
    assert writes("From elsewhere", by=replace(neighbour, address="198.51.100.1")).state is State.PENDING
    clock.forward(hours=5)
    assert writes("Its key is gone", by=neighbour).state is State.PENDING
    do(readers.expire, clock())
    assert rows(select(Ban)) == []
    late = bans(mo, identifier(first), "network", days=None)
    assert (late.status_code, "forgotten" in late.json["detail"]) == (403, True)


def test_a_ban_is_lifted_by_lifting_it(mo, rae, writes, rows):
    first = writes("Buy my pills", by=rae)
    bans(mo, identifier(first))
    ban = bans(mo, identifier(first), days=1, why="Again").json["ban"]
    assert mo.gets("/bans").json == {"bans": [ban]}
    assert mo.posts(f"/bans/{ban['id']}/lift").json == {"ban": ban}
    assert mo.posts(f"/bans/{ban['id']}/lift").status_code == 404
    assert mo.posts("/bans/nonsense/lift").status_code == 404
    assert writes("Better now", by=rae).state is State.PENDING
    assert rows(select(Ban)) == []


def test_a_ban_and_its_end_stand_in_the_history_of_the_comment_and_of_who_did_it(mo, ada, rae, writes, clock):
    comment = identifier(writes("Buy my pills", by=rae))
    writes("Another of mine", by=rae)
    for kind, why in (("reader", "Advertises"), ("network", "Many of them")):
        made = bans(mo, comment, kind, why=why).json["ban"]
        clock.forward(minutes=1)
        assert ada.posts(f"/bans/{made['id']}/lift").status_code == 200
        clock.forward(minutes=1)
    told = mo.gets("/history", comment=comment).json["decisions"]
    assert [(each["who"], each["action"], each["reason"], each["from"], each["to"]) for each in told] == [
        ("moderator token", "ban", "Advertises", "pending", "pending"),
        ("administrator token", "lift", None, "pending", "pending"),
        ("moderator token", "ban_network", "Many of them", "pending", "pending"),
        ("administrator token", "lift", None, "pending", "pending"),
    ]
    assert [each["action"] for each in mo.gets("/history", by=told[0]["by"]).json["decisions"]] == [
        "ban_network",
        "ban",
    ]
    for each in told:
        refused = mo.posts(f"/decisions/{each['id']}/undo")
        assert (refused.status_code, "lifted in the list" in refused.json["detail"]) == (403, True)
    page = mo.signs_in().get(f"/moderation/comments/{comment}").text
    assert "banned its reader: Advertises" in page and "lifted the ban" in page
    # It says nothing to the reader, and stands in no decision's way.
    assert "Advertises" not in rae.posts("/export").text
    assert mo.posts("/decisions", comment=comment, version=1, action="spam").status_code == 200


@sqlite_only
def test_a_ban_is_lifted_also_when_nothing_is_left_of_what_it_was_for(mo, rae, writes, clock):
    ban = bans(mo, identifier(writes("Buy my pills", by=rae)), "network").json["ban"]
    assert rae.posts("/erase").status_code == 200
    assert mo.posts(f"/bans/{ban['id']}/lift").status_code == 200


@sqlite_only
def test_who_erases_everything_leaves_no_ban_behind(mo, rae, stan, writes, rows):
    for reader in (rae, stan):
        bans(mo, identifier(writes("Buy my pills", by=reader)))
    assert rae.posts("/erase").status_code == 200
    assert rows(select(Ban.subject)) == [readers.digest(stan.site.id, stan.token)]


def test_a_flag_of_the_banned_weighs_nothing(mo, rae, stan, writes, rows):
    published = writes("A quiet word", by=stan)
    bans(mo, identifier(writes("Buy my pills", by=rae)))
    mo.posts("/decisions", comment=identifier(published), version=1, action="approve")
    assert rae.posts(f"/comments/{identifier(published)}/flag", reason="spam").status_code == 202
    assert rows(select(Comment.flags).where(Comment.id == published.id)) == [0]


@sqlite_only
def test_nobody_is_banned_who_is_not_known(mo, rae, writes):
    row = writes("Mine", by=rae)
    for body, field in (({"days": None}, "days"), ({"days": 0}, "days"), ({"days": 366}, "days"), ({"why": ""}, "why")):
        assert list(bans(mo, identifier(row), **body).json["errors"]) == [field]
    assert bans(mo, identifier(row), "country").status_code == 422
    assert bans(mo, "A" * 43).status_code == 404
    rae.posts("/erase")
    gone = bans(mo, identifier(row))
    assert gone.status_code in (403, 404)


@sqlite_only
def test_another_site_has_a_list_of_its_own(app, connect, mo, rae, writes, do, clock, password_hash):
    second = do(articles.add_site, "second", origins=["http://second.test"], now=clock())
    stranger = hire(app, connect, second, "Zoe", Role.MODERATOR, password_hash)
    word, ban = lists(mo, "offer").json["word"], bans(mo, identifier(writes("Pills", by=rae))).json["ban"]
    assert stranger.gets("/words").json == {"words": []}
    assert stranger.gets("/bans").json == {"bans": []}
    assert stranger.posts(f"/words/{word['id']}/remove").status_code == 404
    assert stranger.posts(f"/bans/{ban['id']}/lift").status_code == 404
    assert lists(stranger, "offer").status_code == 201
