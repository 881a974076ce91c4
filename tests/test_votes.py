"""One vote per reader per article; the tallies always equal the rows."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from feedback import articles, votes
from feedback.models import Article, Revision, Tally, Value, Vote
from tests.cast import KEY, Reader, registration, together
from tests.recount import assert_counted

sqlite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _counted(app: Any) -> Iterator[None]:
    """Whatever a test did: afterwards every tally equals its rows."""
    yield
    assert_counted(app)


@pytest.fixture
def standing_vote(rows: Callable[..., list[Any]]) -> Callable[[], Vote]:
    """Return the one vote there is."""

    def one() -> Vote:
        (vote,) = rows(select(Vote))
        return vote

    return one


def crowd(reader: Reader) -> Iterator[Reader]:
    """Other readers of the same network."""
    return (replace(reader, token=f"{number:022d}") for number in count(1))


def test_a_vote_is_counted_and_answered(rae, article):
    answer = rae.votes(article, "yes", revision="2026-04")
    assert answer.status_code == 200
    assert answer.json == {
        "votes": {"yes": 1, "no": 0, "total": 1},
        "yours": {"value": "yes", "reason": None, "section": None, "note": None, "revision": "2026-04"},
    }


def test_voting_again_changes_the_vote(rae, article, stan):
    stan.votes(article, "yes")
    rae.votes(article, "yes")
    answer = rae.votes(article, "no")
    assert answer.json["votes"] == {"yes": 1, "no": 1, "total": 2}
    assert answer.json["yours"]["value"] == "no"


@sqlite_only
def test_the_same_vote_twice_is_one_vote(rae, article, standing_vote, clock):
    first = rae.votes(article, "no", reason="unclear", revision="a").json
    before = standing_vote()
    clock.forward(days=2)
    assert rae.votes(article, "no", reason="unclear", revision="a").json == first
    after = standing_vote()
    assert (after.updated, after.day) == (before.updated, before.day)


def test_none_takes_the_vote_back(rae, article, rows):
    rae.votes(article, "no", reason="unclear", section="dose", note="Which dose?")
    answer = rae.votes(article, "none")
    assert answer.json == {"votes": {"yes": 0, "no": 0, "total": 0}, "yours": None}
    assert rows(select(Vote)) == []
    assert rae.votes(article, "none").json == answer.json


@sqlite_only
def test_taking_back_what_was_never_given_makes_no_article(rae, rows):
    answer = rae.votes("never-seen", "none")
    assert answer.status_code == 200
    assert answer.json == {"votes": {"yes": 0, "no": 0, "total": 0}, "yours": None}
    assert rows(select(Article)) == []


def test_a_first_vote_makes_the_article_known(rae, rows):
    url = f"{rae.origin}/new?page=2"
    assert rae.votes("new", "yes", title="  New\tpage ", url=url).status_code == 200
    (made,) = rows(select(Article))
    assert (made.key, made.title, made.url, made.registered) == ("new", "New page", url, False)


@sqlite_only
def test_what_is_left_out_is_kept(rae, article):
    rae.votes(article, "no", reason="unclear", section="dose", note="Which dose?", revision="a")
    yours = rae.votes(article, "no").json["yours"]
    assert yours == {"value": "no", "reason": "unclear", "section": "dose", "note": "Which dose?", "revision": "a"}
    assert rae.votes(article, "no", note="Which one?").json["yours"] == yours | {"note": "Which one?"}


@sqlite_only
def test_what_is_empty_is_cleared(rae, article):
    given = {"reason": "unclear", "section": "dose", "note": "Which dose?"}
    for field in given:
        rae.votes(article, "no", **given)
        yours = rae.votes(article, "no", **{field: ""}).json["yours"]
        assert yours == {"value": "no", "revision": None} | given | {field: None}


@sqlite_only
def test_a_change_of_value_clears_reason_section_and_note_but_not_the_revision(rae, article):
    rae.votes(article, "no", reason="unclear", section="dose", note="Which dose?", revision="a")
    cleared = {"reason": None, "section": None, "note": None, "revision": "a"}
    assert rae.votes(article, "yes").json["yours"] == {"value": "yes"} | cleared
    assert rae.votes(article, "no").json["yours"] == {"value": "no"} | cleared


@sqlite_only
def test_a_change_of_value_may_bring_a_new_note(rae, article):
    rae.votes(article, "no", note="Which dose?")
    assert rae.votes(article, "yes", note="Found it.").json["yours"]["note"] == "Found it."


@pytest.mark.parametrize("field", ["reason", "section"])
@sqlite_only
def test_reason_and_section_go_with_no_only(rae, article, field, rows):
    answer = rae.votes(article, "yes", **{field: "unclear"})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    rae.votes(article, "no", **{field: "unclear"})
    assert rae.votes(article, "yes", **{field: "unclear"}).status_code == 422
    assert [vote.value for vote in rows(select(Vote))] == [Value.NO]


@sqlite_only
def test_a_reason_is_one_that_the_site_offers(rae, site, article, do):
    assert rae.votes(article, "no", reason="boring").status_code == 422
    do(articles.change_site, site.slug, reasons=[{"code": "boring", "label": "Bored me"}])
    assert rae.votes(article, "no", reason="boring").json["yours"]["reason"] == "boring"
    assert rae.votes(article, "no", reason="unclear").status_code == 422


@sqlite_only
def test_anything_but_yes_no_none_is_refused(rae, article, rows):
    for value in ("maybe", "", "YES", "1"):
        answer = rae.votes(article, value)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["value"]), value
    assert rows(select(Vote)) == []


@sqlite_only
def test_a_note_is_private_to_its_reader_and_the_authors(rae, stan, article):
    rae.votes(article, "no", note="I take it with alcohol.")
    assert "alcohol" not in stan.reads(article).text + stan.mine(article).text + stan.votes(article, "yes").text
    assert rae.mine(article).json["vote"]["note"] == "I take it with alcohol."


# The cell a vote stands in


def cells(rows: Any) -> dict[tuple[str, date], tuple[int, int]]:
    return {(cell.revision, cell.day): (cell.yes, cell.no) for cell in rows(select(Tally)) if cell.yes or cell.no}


def test_a_vote_moves_to_today_only_with_its_value_or_revision(rae, article, clock, rows):
    monday, tuesday, wednesday = (date(2026, 5, day) for day in (4, 5, 6))
    clock.forward(hours=14, minutes=59)
    rae.votes(article, "no", revision="a", reason="unclear")
    assert cells(rows) == {("a", monday): (0, 1)}

    clock.forward(minutes=2)
    rae.votes(article, "no", revision="a", reason="other", section="dose", note="Late thought.")
    assert cells(rows) == {("a", monday): (0, 1)}
    assert [vote.updated.day for vote in rows(select(Vote))] == [5]

    rae.votes(article, "yes")
    assert cells(rows) == {("a", tuesday): (1, 0)}

    clock.forward(days=1)
    rae.votes(article, "yes", revision="b")
    assert cells(rows) == {("b", wednesday): (1, 0)}


def test_a_revision_is_seen_once_with_its_first_vote(rae, stan, article, clock, rows):
    rae.votes(article, "yes", revision="a")
    first = clock()
    clock.forward(days=1)
    stan.votes(article, "yes", revision="a")
    seen = rows(select(Revision).where(Revision.label == "a"))
    assert [(row.first_seen, row.registered) for row in seen] == [(first, False)]


@sqlite_only
def test_every_article_has_votes_of_its_own(rae, site, article, do, clock):
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    rae.votes(article, "yes")
    assert rae.votes(other, "no").json["votes"] == {"yes": 0, "no": 1, "total": 1}
    assert rae.mine(article).json["vote"]["value"] == "yes"


# Quarantine


def test_votes_of_a_crowded_network_are_quarantined(rae, stan, site, article, do, limited_app, rows):
    do(articles.change_site, site.slug, quarantine_limit=3)
    readers = crowd(rae.at(limited_app))
    answers = [next(readers).votes(article, "no", reason="unclear") for _ in range(5)]
    assert [answer.json["votes"]["no"] for answer in answers] == [1, 2, 3, 3, 3]
    assert answers[-1].json["yours"]["value"] == "no"
    assert sorted(vote.counted for vote in rows(select(Vote))) == [False, False, True, True, True]
    assert stan.at(limited_app).votes(article, "yes").json["votes"] == {"yes": 1, "no": 3, "total": 4}


def test_a_quarantined_vote_may_be_changed_and_taken_back(rae, site, article, do, limited_app, rows):
    do(articles.change_site, site.slug, quarantine_limit=1)
    readers = crowd(rae.at(limited_app))
    next(readers).votes(article, "yes")
    held = next(readers)
    held.votes(article, "yes")
    assert held.votes(article, "no", reason="other").json["votes"] == {"yes": 1, "no": 0, "total": 1}
    assert [(cell.quarantined_yes, cell.quarantined_no) for cell in rows(select(Tally))] == [(0, 1)]
    assert held.votes(article, "none").json == {"votes": {"yes": 1, "no": 0, "total": 1}, "yours": None}


def test_changing_a_vote_from_another_network_makes_no_room_in_the_crowd(rae, site, article, do, limited_app, rows):
    do(articles.change_site, site.slug, quarantine_limit=1)
    readers = crowd(rae.at(limited_app))
    first, second = next(readers), next(readers)
    first.votes(article, "yes")
    for elsewhere in ({"value": "yes", "note": "Thanks."}, {"value": "no"}):
        replace(first, address="203.0.113.7").votes(article, **elsewhere)
    second.votes(article, "yes")
    assert sorted(vote.counted for vote in rows(select(Vote))) == [False, True]


@sqlite_only
def test_the_crowd_is_counted_anew_each_day_and_on_each_article(rae, site, article, do, clock, limited_app, rows):
    do(articles.change_site, site.slug, quarantine_limit=1)
    other, _ = do(articles.register, site.id, registration(site, "other"), now=clock())
    readers = crowd(rae.at(limited_app))
    next(readers).votes(article, "yes")
    next(readers).votes(other, "yes")
    clock.forward(days=1)
    next(readers).votes(article, "yes")
    assert all(vote.counted for vote in rows(select(Vote)))


@sqlite_only
def test_without_limits_no_crowd_is_quarantined(rae, site, article, do, rows):
    do(articles.change_site, site.slug, quarantine_limit=1)
    readers = crowd(rae)
    assert [next(readers).votes(article, "yes").json["votes"]["yes"] for _ in range(4)] == [1, 2, 3, 4]


# Many at once


def patiently(send: Callable[[], Any]) -> Any:
    """Send again what is refused because others hold the place: on a busy machine they may hold it for long."""
    while (answer := send()).status_code == 503:
        assert answer.headers["Retry-After"]
    return answer


def test_the_same_first_vote_two_hundred_times_is_one(rae, article, rows):
    def ten_times() -> list[Any]:
        return [patiently(lambda: rae.votes(article, "yes", revision="a")) for _ in range(10)]

    answers = [answer for ten in together(ten_times, times=20) for answer in ten]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json["votes"]["total"] for answer in answers} == {1}
    assert len(rows(select(Vote))) == 1


def test_the_first_votes_of_many_make_one_article_and_all_count(rae, site, rows):
    readers = crowd(rae)

    def votes_and_changes() -> list[int]:
        reader = next(readers)
        steps = [("yes", "a"), ("no", "b"), ("yes", "b"), ("no", "a"), ("none", "a"), ("yes", "b")]
        return [
            patiently(partial(reader.votes, KEY, value, revision=revision)).status_code for value, revision in steps
        ]

    assert {status for statuses in together(votes_and_changes, times=8) for status in statuses} == {200}
    assert len(rows(select(Article))) == 1
    assert rae.reads(KEY).json["votes"] == {"yes": 8, "no": 0, "total": 8}


def test_a_vote_cast_and_taken_back_at_once_leaves_nothing_half_done(rae, article, rows):
    values = iter(["yes", "none", "no", "none"] * 10)

    def acts() -> int:
        return int(patiently(partial(rae.votes, article, next(values))).status_code)

    assert set(together(acts, times=40)) == {200}
    assert rows(select(func.count()).select_from(Vote))[0] in (0, 1)


# A long way through everything


@pytest.mark.parametrize("seed", [2026, 8])
def test_tallies_equal_rows_on_a_long_random_way(app, do, ask, site, clock, seed):
    chance = random.Random(seed)
    do(articles.change_site, site.slug, quarantine_limit=2)
    view = ask(articles.site, site.slug)
    expected: dict[tuple[str, int], str] = {}

    def optional(*choices: str) -> str | None:
        return chance.choice([None, "", *choices])

    for step in range(1, 151):
        key, reader, value = chance.choice("ab"), chance.randrange(5), chance.choice(["yes", "no", "no", "none"])
        ballot = votes.Ballot(
            articles.Page(view, key),
            bytes([reader]) * 32,
            votes.Choice(value),
            revision=optional("r1", "r2"),
            reason=optional("unclear", "outdated") if value == "no" else None,
            section=optional("dose", "effects") if value == "no" else None,
            note=optional("Why?", "Because."),
            network=bytes([reader % 2]) * 32,
        )
        clock.forward(hours=chance.choice([0, 0, 1, 9]))
        yours = do(votes.cast, ballot, now=clock()).yours
        assert (yours and yours.value.value) == (None if value == "none" else value)
        expected.pop((key, reader), None)
        expected |= {} if value == "none" else {(key, reader): value}
        if step % 15 == 0:
            assert_counted(app)
    assert sorted(expected.values()) == sorted(ask(_values))


def _values() -> list[str]:
    return [row.value.value for row in votes.run(select(Vote.value))]
