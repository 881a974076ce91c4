"""A site's overview: what the worker adds up equals what there is, and only administrators see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from feedback import articles, worker
from feedback.db import run
from feedback.models import Comment, SiteDay, State, Tally
from feedback.stats import overview, words
from feedback.stats.overview import Span
from tests.cast import registration, rows_of
from tests.test_authors import text_of, write  # noqa: F401

DAY = date(2026, 5, 4)


@pytest.fixture
def add_up(ask: Callable[..., Any], clock: Any) -> Callable[[], list[SiteDay]]:
    """Do what the worker does, and return the days that are there."""

    def go() -> list[SiteDay]:
        assert worker.count_days(clock())
        from feedback.db import db

        db.session.expire_all()
        return list(db.session.execute(select(SiteDay).order_by(SiteDay.day)).scalars())

    return lambda: ask(go)


@pytest.fixture
def approved(article: Any, rae: Any, mo: Any, clock: Any) -> Callable[[], None]:
    """Rae comments, and three hours later Mo approves it."""

    def go() -> None:
        comment = rae.comments(article, "Words").json["comment"]
        clock.forward(hours=3)
        mo.posts("/decisions", comment=comment["id"], version=comment["version"], action="approve")

    return go


def told(row: SiteDay) -> tuple[Any, ...]:
    return (row.day, row.yes, row.no, row.comments, row.held, row.decided, row.wait)


def test_days_of_votes_are_added_up_over_all_articles(article, write, cast, add_up, clock):  # noqa: F811
    cast(article, yes=3, no=1, revision="a", at=clock() - timedelta(days=2))
    cast(article, yes=1, revision="b", at=clock() - timedelta(days=2))
    cast(write("knee"), yes=2, no=2, at=clock() - timedelta(days=2))
    cast(write("knee"), no=1, at=clock())
    assert [told(row)[:3] for row in add_up()] == [(DAY - timedelta(days=2), 6, 3), (DAY, 0, 1)]


def test_the_days_of_another_site_are_its_own(article, cast, do, site, add_up, clock, rows):  # noqa: F811
    other = do(articles.add_site, "other", origins=["https://other.test"], now=clock())
    cast(article, yes=3)
    add_up()
    assert {(row.site_id, row.yes) for row in rows(select(SiteDay))} == {(site.id, 3), (other.id, 0)}


def test_votes_that_moved_away_leave_no_day_behind(article, cast, add_up, do, clock):  # noqa: F811
    cast(article, yes=3, at=clock() - timedelta(days=200))
    add_up()
    do(lambda: run(delete(Tally)))
    assert [told(row)[1:3] for row in add_up()] == [(0, 0), (0, 0)]


def test_only_what_changed_is_written(article, cast, add_up, clock):  # noqa: F811
    cast(article, yes=3, at=clock() - timedelta(days=3))
    cast(article, yes=3, at=clock() - timedelta(days=2))
    first = clock()
    add_up()
    cast(article, no=1, at=clock() - timedelta(days=2))
    clock.forward(hours=1)
    assert [row.renewed for row in add_up()] == [first, clock(), clock()]


def test_comments_that_waited_and_how_long_are_counted_on_their_day(article, rae, stan, mo, do, add_up, clock):
    sent = [rae.comments(article, f"Words {number}").json["comment"] for number in range(3)]
    do(articles.change_site, "health", moderation="post")
    stan.comments(article, "At once")
    for comment, hours in zip(sent[:2], (1, 3), strict=True):
        clock.forward(hours=hours)
        decision = {"comment": comment["id"], "version": comment["version"], "action": "approve"}
        assert mo.posts("/decisions", **decision).status_code == 200
    assert [told(row) for row in add_up()] == [(DAY, 0, 0, 4, 3, 2, 9_000)]


def test_a_decision_that_was_taken_back_still_says_when_somebody_looked(article, rae, mo, add_up, clock):
    comment = rae.comments(article, "Words").json["comment"]
    clock.forward(hours=1)
    decision = {"comment": comment["id"], "version": comment["version"], "action": "reject"}
    made = mo.posts("/decisions", **decision).json["decisions"][0]["id"]
    clock.forward(hours=1)
    assert mo.posts(f"/decisions/{made}/undo").status_code == 200
    assert [told(row)[3:] for row in add_up()] == [(1, 1, 1, 3_600)]


def test_neither_flags_nor_a_rule_that_spams_make_a_comment_one_that_waited(article, rae, stan, do, add_up, rows):
    do(articles.change_site, "health", moderation="post")
    for reader in (rae, stan):
        reader.comments(article, f"Words of {reader.token}")
    do(lambda: run(update(Comment).values(held_for=["flags"], flagged_down=True, state=State.PENDING)))
    assert [told(row)[3:5] for row in add_up()] == [(2, 0)]
    do(lambda: run(update(Comment).values(held_for=["word"], flagged_down=False, state=State.SPAM)))
    assert [told(row)[3:5] for row in add_up()] == [(2, 0)]


def test_old_comments_stay_as_they_were_counted(article, rae, add_up, clock, do):
    rae.comments(article, "Words")
    add_up()
    clock.forward(days=90)
    do(lambda: run(delete(Comment)))
    assert [(row.day, row.comments) for row in add_up()] == [(DAY, 1), (DAY + timedelta(days=90), 0)]


def test_a_site_that_goes_while_it_is_counted_is_left_out(site, do, ask, clock):
    from feedback import removal

    found = ask(overview.count, clock())
    do(removal.remove_site, site.slug)
    do(overview.keep, found, clock())
    assert ask(overview.count, clock()) == {}


def test_the_worker_adds_up_in_its_round(app, article, cast, rows, clock):  # noqa: F811
    cast(article, yes=2)
    with app.app_context():
        assert worker.round_of_tasks(clock())
    assert rows(select(SiteDay.yes)) == [2]


def test_a_count_that_fails_is_told_and_does_no_harm(app, monkeypatch, clock):
    monkeypatch.setattr(overview, "count", lambda now: 1 / 0)
    with app.app_context():
        assert not worker.count_days(clock())


def test_reading_holds_no_writer_up(app, site, article, monkeypatch, do, clock):
    counted = overview.count

    def while_somebody_writes(now: datetime) -> Any:
        found = counted(now)
        do(articles.register, site.id, registration(site, "meanwhile"), now=now)
        return found

    monkeypatch.setattr(overview, "count", while_somebody_writes)
    with app.app_context():
        assert worker.count_days(clock())


# What the page says


def span(yes: int = 0, no: int = 0, **more: Any) -> Span:
    return Span(**{"day": DAY, "comments": 0, "held": 0, "decided": 0, "wait": None, **more}, yes=yes, no=no)


@pytest.mark.parametrize(
    ("votes", "sentence"),
    [
        ((0, 0), "no reader voted"),
        ((1, 0), "1 reader voted"),
        ((3, 1), "4 readers voted"),
        ((8, 5), "(early) 62 % of the 13 readers who voted found what they read helpful, 36–82 %"),
        ((157, 55), "74 % of the 212 readers who voted found what they read helpful, 68–79 %"),
    ],
)
def test_a_sites_share_is_told_as_carefully_as_an_articles(votes, sentence):
    assert words.share_of_votes(span(*votes)) == sentence


@pytest.mark.parametrize(
    ("comments", "held", "sentence"),
    [
        (0, 0, "No comment came."),
        (1, 1, "1 comment came, of which 1 waited for a moderator."),
        (40, 12, "40 comments came, of which 12 (30 %) waited for a moderator."),
    ],
)
def test_the_share_of_held_comments_is_told_from_five_on(comments, held, sentence):
    assert words.share_of_held(span(comments=comments, held=held)) == sentence


def test_days_are_added_up_to_weeks_and_their_waits_weighed():
    hours = [timedelta(hours=number) for number in range(10)]
    days = [
        span(1, 1, day=date(2026, 5, 3), comments=1, held=1, decided=1, wait=hours[9]),
        span(2, 0, day=date(2026, 5, 4), comments=4, held=3, decided=3, wait=hours[1]),
        span(0, 2, day=date(2026, 5, 10), comments=2, held=2, decided=1, wait=hours[5]),
    ]
    assert overview.by_week(days) == [
        span(1, 1, day=date(2026, 4, 27), comments=1, held=1, decided=1, wait=hours[9]),
        span(2, 2, day=date(2026, 5, 4), comments=6, held=5, decided=4, wait=hours[1]),
    ]


def test_the_page_says_what_came_and_as_of_when(ada, article, cast, approved, add_up, clock):  # noqa: F811
    cast(article, yes=15, no=5, at=clock() - timedelta(days=2))
    approved()
    add_up()
    answer = ada.signs_in().get("/articles/health/overview")
    told = text_of(answer)
    assert "In the last 30 days 75 % of the 20 readers who voted found what they read helpful, 53–89 %." in told
    assert "1 comment came, of which 1 waited for a moderator." in told
    assert "1 of those was decided on, within about 3 hours." in told
    assert "Added up 4 May at 12:00 UTC. Today is in it up to then;" in told
    assert "4 May 0 0 1 1 1 3 hours 2 May 15 5 0 0 0" in told
    assert answer.text.count('class="chart-yes"') == 1
    assert answer.text.count('class="chart-no"') == 2
    assert re.findall(r'<title id="([\w-]+)">(.*?)</title>', answer.text) == [
        ("chart-title", "Votes by day"), ("comments-title", "Comments by day"),
    ]  # fmt: skip
    assert "None: every article has at least one vote." in told


def test_long_times_are_shown_by_week_unless_days_are_asked_for(ada, article, cast, add_up, clock):  # noqa: F811
    for days in (0, 70, 400):
        cast(article, yes=1, at=clock() - timedelta(days=days))
    add_up()
    client = ada.signs_in()
    assert "Week of" in text_of(client.get("/articles/health/overview"))
    by_day = text_of(client.get("/articles/health/overview?by=day"))
    assert "23 February 1 0" in by_day
    assert "2025" not in by_day


def test_the_days_can_be_taken_away(ada, article, cast, approved, add_up, clock):  # noqa: F811
    cast(article, yes=2, no=1, at=clock() - timedelta(days=1))
    approved()
    add_up()
    client = ada.signs_in()
    page = client.get("/articles/health/overview?by=day").text
    links = re.findall(r'href="([^"]*overview\.(?:csv|json)[^"]*)"', page)
    table, told = (client.get(link.replace("&amp;", "&"), buffered=True) for link in links)
    today = {"day": "2026-05-04", "yes": 0, "no": 0, "comments": 1, "held": 1, "decided": 1, "wait": 10_800}
    before = {"day": "2026-05-03", "yes": 2, "no": 1, "comments": 0, "held": 0, "decided": 0, "wait": None}
    assert told.json == {"as_of": "2026-05-04T12:00:00.000000Z", "days": [before, today]}
    assert rows_of(table) == [
        {name: "" if value is None else str(value) for name, value in day.items()} for day in (before, today)
    ]
    weeks = rows_of(client.get("/articles/health/overview.csv?by=week", buffered=True))
    assert [(week["day"], week["yes"], week["wait"]) for week in weeks] == [
        ("2026-04-27", "2", ""), ("2026-05-04", "0", "10800"),
    ]  # fmt: skip
    assert client.get("/articles/health/overview.json?by=year").status_code == 422


@pytest.mark.parametrize(("days", "cut"), [(121, False), (122, True)])
def test_by_day_the_page_says_when_earlier_days_are_left_out(ada, article, cast, add_up, clock, days, cut):  # noqa: F811
    for before in (0, days):
        cast(article, yes=1, at=clock() - timedelta(days=before))
    add_up()
    client = ada.signs_in()
    answer = client.get("/articles/health/overview?by=day")
    assert answer.text.count('class="chart-yes"') == (1 if cut else 2)
    assert answer.text.count('<th scope="row"') == 2
    assert ("Earlier days are left out of the charts." in text_of(answer)) is cut
    assert "left out" not in text_of(client.get("/articles/health/overview?by=week"))


def test_the_table_has_every_day_of_the_year(ada, article, cast, add_up, clock):  # noqa: F811
    for before in range(130):
        cast(article, yes=1, at=clock() - timedelta(days=before))
    add_up()
    answer = ada.signs_in().get("/articles/health/overview?by=day")
    assert answer.text.count('<th scope="row"') == 130
    assert "Earlier days are left out of the charts." in text_of(answer)


def test_articles_without_a_vote_are_listed_in_pages(ada, article, write, cast, add_up):  # noqa: F811
    cast(article, yes=1)
    for number in range(52):
        write(f"new-{number:02}")
    add_up()
    client = ada.signs_in()
    first = client.get("/articles/health/overview")
    (after,) = re.findall(r'rel="next" href="([^"#]+)', first.text)
    second = client.get(after.replace("&amp;", "&"))
    keys = [key for answer in (first, second) for key in re.findall(r"article=(new-\d+)", answer.text)]
    assert keys == [f"new-{number:02}" for number in reversed(range(52))]


def test_before_anything_is_added_up_the_page_says_who_does(ada, article):
    told = text_of(ada.signs_in().get("/articles/health/overview"))
    assert "Nothing added up yet" in told
    assert article.title in told


@pytest.mark.parametrize("query", ["by=month", "cursor=W10"])
def test_what_cannot_be_shown_is_refused_in_words(ada, article, query):
    assert ada.signs_in().get(f"/articles/health/overview?{query}").status_code in (400, 422)


def test_only_administrators_see_it_and_are_led_to_it(ada, ann, rex, article, cast):  # noqa: F811
    cast(article, yes=1)
    for person, status in ((ada, 200), (ann, 403), (rex, 403)):
        client = person.signs_in()
        assert client.get("/articles/health/overview").status_code == status
        assert ("/articles/health/overview" in client.get("/articles/").text) is (status == 200)
