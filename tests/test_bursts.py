"""Days that stand out: found by what was usual, told with and without, set aside by administrators, and undone."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select

from feedback import articles, changes, recount, statistics, stats, votes
from feedback.changes import Kind
from feedback.models import Article, Change, ReasonTally, Revision, Standing, Tally, Vote
from feedback.stats.bursts import _ordinary
from tests.recount import assert_counted
from tests.test_authors import text_of

TODAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
FLOOD = date(2026, 5, 30)
NOON = datetime(2026, 5, 30, 12, tzinfo=UTC)
PATH = "/articles/health/bursts"


@pytest.fixture(autouse=True)
def _counted(app: Any, ask: Callable[..., Any]) -> Iterator[None]:
    """Whatever a test did: afterwards every tally equals its rows, for the tests and for `feedback doctor`."""
    yield
    assert_counted(app)
    assert not ask(recount.differences).any


@pytest.fixture
def usual(article: Article, poll: Callable[..., Any], clock: Any) -> Article:
    """Fifty-two votes, three of four Yes, in the article's first week, when no day stands out; it is 1 June then."""
    poll(article, yes=39, no=13, at=datetime(2026, 5, 8, 12, tzinfo=UTC), revision="a")
    clock.moment = TODAY
    return article


@pytest.fixture
def flooded(usual: Article, poll: Callable[..., Any]) -> Article:
    """And a day on which forty readers said No, with reasons."""
    poll(usual, yes=1, no=20, at=NOON, revision="a")
    poll(usual, no=19, at=NOON, revision="a", reason="unclear", section="dose", note="Bad!")
    return usual


def settle(client: Any, article: Article, action: str, day: date = FLOOD, path: str = PATH) -> Any:
    page = client.get("/articles/health", query_string={"article": article.key})
    (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', page.text))
    sent = {"csrf_token": token, "article": article.key, "day": day.isoformat(), "action": action}
    return client.post(path, data=sent | {"back": f"/articles/health?article={article.key}"})


def everything(rows: Callable[..., list[Any]]) -> list[Any]:
    """Votes and all that is added up of them, as plain values, without when it was renewed."""
    found = []
    for model in (Vote, Tally, ReasonTally, Standing):
        leaving_out = ("as_of", "stamp")
        columns = [column.key for column in model.__table__.columns if column.key not in leaving_out]
        kept = [[getattr(row, column) for column in columns] for row in rows(select(model))]
        # A cell that counts nothing says nothing.
        found.append(sorted(repr(row) for row in kept if model in (Vote, Standing) or any(map(_counts, row))))
    return found


def _counts(value: Any) -> bool:
    return isinstance(value, int) and value != 0


# Which days


def test_a_day_is_told_with_what_was_usual_and_both_shares(ask, flooded):
    (burst,) = ask(stats.bursts, flooded)
    assert (burst.day, burst.votes, burst.days) == (FLOOD, stats.Votes(1, 39), 26)
    assert burst.before == (39, 52)
    assert (burst.together, burst.without) == (stats.Votes(40, 52), stats.Votes(39, 13))
    assert burst.unlikely
    assert burst.composition == statistics.composition_tail(burst.votes.count, burst.before)


def test_a_day_of_readers_who_answer_as_usual_is_traffic(ask, usual, poll):
    poll(usual, yes=30, no=10, at=NOON)
    (burst,) = ask(stats.bursts, usual)
    assert not burst.unlikely
    assert "more readers came. That is traffic" in stats.words.burst(burst)


@pytest.mark.parametrize(("today", "told"), [(9, False), (10, True)])
def test_a_usual_day_is_learned_from_four_weeks(ask, article, poll, today, told):
    # 56 votes in 28 days: 9 are 3.62e-4 and not told, 10 are 8.00e-5. What is older does not matter.
    first = datetime(2026, 5, 4, 12, tzinfo=UTC)
    poll(article, yes=500, at=first - timedelta(days=1))
    for days in range(28):
        poll(article, yes=2, at=first + timedelta(days=days))
    poll(article, yes=today, at=first + timedelta(days=28))
    assert [burst.day for burst in ask(stats.bursts, article)] == [date(2026, 6, 1)] * told


@pytest.mark.parametrize(("days", "told"), [(6, False), (7, True)])
def test_an_article_of_less_than_a_week_has_no_usual_day(ask, article, poll, clock, days, told):
    at = clock.forward(days=days)
    poll(article, no=30, at=at)
    assert [burst.days for burst in ask(stats.bursts, article)] == [days] * told


def test_the_newest_ten_of_a_period_are_told(ask, usual, poll):
    for week in range(12):
        poll(usual, yes=40 if week == 0 else 4, at=TODAY + timedelta(days=40 * week))
    days = [burst.day for burst in ask(stats.bursts, usual)]
    assert len(days) == 10
    assert days == sorted(days, reverse=True)
    first = stats.Period(end=TODAY.date())
    assert [burst.day for burst in ask(stats.bursts, usual, period=first)] == [TODAY.date()]
    assert ask(stats.bursts, usual, period=stats.Period(FLOOD, FLOOD)) == []


def test_a_day_that_was_set_aside_is_told_however_many_came_after_it(ask, do, site, flooded, poll):
    do(votes.set_aside, ask(articles.site, site.slug), flooded.id, FLOOD, now=TODAY)
    for week in range(11):
        poll(flooded, yes=40 if week == 0 else 4, at=TODAY + timedelta(days=40 * week))
    told = [(burst.day, burst.aside) for burst in ask(stats.bursts, flooded)]
    assert len(told) == 11
    assert told == sorted(told, reverse=True)
    assert told[-1] == (FLOOD, True)


def test_no_day_that_stands_out_is_taken_for_an_ordinary_one():
    for past, days in product((0, 1, 3, 10, 56, 280, 2_800, 28_000), (7, 14, 28)):
        least = next(n for n in range(past // days, 10_000) if statistics.burst(n, past, days))
        assert least > _ordinary(past, days) > past / days


# Setting aside


def test_an_administrator_sets_a_day_aside_and_every_figure_is_without_it(ada, ann, rae, rows, flooded, ask):
    client = ada.signs_in()
    before = rae.reads(flooded)
    assert before.json["votes"] == {"yes": 40, "no": 52, "total": 92}
    assert settle(client, flooded, "aside").status_code == 303
    after = rae.reads(flooded)
    assert after.json["votes"] == {"yes": 39, "no": 13, "total": 52}
    assert after.headers["ETag"] != before.headers["ETag"]
    figures = ann.gets("/stats", article=flooded.key).json
    assert figures["votes"] == {"yes": 39, "no": 13, "total": 52, "quarantined": 40}
    assert figures["reasons"] == {}
    assert figures["sections"] == []
    assert {vote.burst_day for vote in rows(select(Vote)) if not vote.counted} == {FLOOD}
    (burst,) = ask(stats.bursts, flooded)
    assert (burst.aside, burst.together, burst.without) == (True, stats.Votes(40, 52), stats.Votes(39, 13))
    assert ann.gets("/notes", article=flooded.key).json["items"] == []


def test_a_readers_summary_is_renewed_even_where_the_counts_stay(do, ask, site, flooded, rows):
    stamp = rows(select(Standing.stamp))
    do(votes.set_aside, ask(articles.site, site.slug), flooded.id, date(2020, 1, 1), now=TODAY)
    assert rows(select(Standing.stamp)) == [stamp[0] + 1]


@pytest.mark.parametrize("by", ["the page", "the log"])
def test_undoing_brings_every_vote_back_exactly(ada, flooded, rows, by, site):
    client = ada.signs_in()
    before = everything(rows)
    settle(client, flooded, "aside")
    assert everything(rows) != before
    (change,) = rows(select(Change))
    assert (change.who, change.kind) == ("Ada", "burst")
    assert change.what == f"set aside the votes of 30 May 2026 on “{flooded.title}”"
    if by == "the page":
        settle(client, flooded, "count")
    else:
        answer = settle(client, flooded, "", path=f"/admin/sites/{site.slug}/changes/{change.id}/undo")
        assert answer.headers["Location"] == f"/articles/health?article={flooded.key}#bursts"
    assert everything(rows) == before
    assert any("again" in each.what for each in rows(select(Change)))


def test_votes_of_a_crowded_network_stay_set_aside_when_a_day_is_counted_again(do, ask, site, ada, usual, poll, rows):
    do(articles.change_site, site.slug, quarantine_limit=35)
    view = ask(articles.site, site.slug)
    page = articles.Page(view, usual.key)
    for number in range(40):
        ballot = votes.Ballot(page, bytes([number]) + b"q" * 31, votes.Choice.NO, network=b"n" * 32)
        do(votes.cast, ballot, now=NOON)
    client = ada.signs_in()
    settle(client, usual, "aside")
    assert sum(not vote.counted for vote in rows(select(Vote))) == 40
    (burst,) = ask(stats.bursts, usual)
    assert burst.votes == stats.Votes(0, 35)
    settle(client, usual, "count")
    assert sum(not vote.counted for vote in rows(select(Vote))) == 5


@pytest.mark.parametrize("change", [{"value": votes.Choice.YES}, {"revision": "b"}])
def test_a_set_aside_vote_that_its_reader_changes_moves_to_that_day_and_stays_set_aside(
    do, ask, site, ada, usual, poll, rows, clock, change
):
    reader = poll(usual, no=40, at=NOON, revision="a")[0]
    client = ada.signs_in()
    settle(client, usual, "aside")
    ballot = votes.Ballot(
        articles.Page(ask(articles.site, site.slug), usual.key), reader, **({"value": votes.Choice.NO} | change)
    )
    do(votes.cast, ballot, now=clock())
    (moved,) = rows(select(Vote).where(Vote.reader == reader))
    assert (moved.counted, moved.day, moved.burst_day) == (False, TODAY.date(), FLOOD)
    (burst,) = ask(stats.bursts, usual)
    assert burst.votes.total == 40
    settle(client, usual, "count")
    (moved,) = rows(select(Vote).where(Vote.reader == reader))
    assert (moved.counted, moved.day, moved.burst_day) == (True, TODAY.date(), None)


def test_a_set_aside_vote_that_is_taken_back_is_gone_and_does_not_hinder_the_undo(
    do, ask, site, ada, usual, poll, rows
):
    reader, *_ = poll(usual, no=40, at=NOON)
    client = ada.signs_in()
    settle(client, usual, "aside")
    do(votes.forget, ask(articles.site, site.slug), usual.id, reader, now=TODAY)
    (change,) = rows(select(Change))
    settle(client, usual, "", path=f"/admin/sites/{site.slug}/changes/{change.id}/undo")
    assert [vote.counted for vote in rows(select(Vote).where(Vote.day == FLOOD))] == [True] * 39


def test_a_reader_learns_that_their_vote_was_set_aside(ada, rae, usual, poll, clock):
    poll(usual, no=40, at=NOON)
    clock.moment = NOON
    rae.votes(usual, "no")
    clock.moment = TODAY
    settle(ada.signs_in(), usual, "aside")
    (vote,) = rae.posts("/export").json["votes"]
    assert (vote["counted"], vote["set_aside_with"]) == (False, "2026-05-30")


def test_setting_aside_twice_changes_nothing_the_second_time(ada, flooded, rows):
    client = ada.signs_in()
    settle(client, flooded, "aside")
    page = settle(client, flooded, "aside")
    assert page.status_code == 303
    assert "Nothing was changed" in text_of(client.get(page.headers["Location"].partition("#")[0]))
    assert len(rows(select(Change))) == 1


def test_what_many_votes_take_to_set_aside_does_not_grow_with_them(do, ask, app, site, flooded):
    from sqlalchemy import event

    from feedback.db import db

    statements = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    assert do(votes.set_aside, ask(articles.site, site.slug), flooded.id, FLOOD, now=TODAY) == 40
    assert len(statements) < 20, statements


# Who may


@pytest.mark.parametrize("action", ["aside", "count"])
def test_an_author_or_reviewer_cannot_make_criticism_go_away(ann, rex, ada, flooded, rows, action):
    if action == "count":
        settle(ada.signs_in(), flooded, "aside")
    before = everything(rows)
    for person in (ann, rex):
        client = person.signs_in()
        assert settle(client, flooded, action).status_code == 403
        assert "Set this day aside" not in text_of(client.get(f"/articles/health?article={flooded.key}"))
    assert everything(rows) == before


def test_a_day_that_is_not_unusual_enough_is_not_set_aside(ada, usual, poll, rows):
    poll(usual, yes=30, no=10, at=NOON)
    client = ada.signs_in()
    for day in (FLOOD, date(2026, 5, 20), date(2019, 1, 1)):
        assert settle(client, usual, "aside", day).status_code == 403
    assert all(vote.counted for vote in rows(select(Vote)))


def test_a_day_that_is_not_over_is_not_set_aside_yet(ada, flooded, clock, rows):
    clock.moment = NOON + timedelta(hours=2)
    client = ada.signs_in()
    assert "This day is not over yet" in text_of(client.get(f"/articles/health?article={flooded.key}"))
    assert settle(client, flooded, "aside").status_code == 403
    clock.moment = NOON + timedelta(hours=12)
    assert settle(client, flooded, "aside").status_code == 303


def test_an_administrator_of_another_site_is_none_here(do, ann, flooded, clock, rows):
    from feedback import staff
    from feedback.models import Role

    other = do(articles.add_site, "other", origins=["https://other.test"], now=clock())
    do(lambda: staff.join(staff.find_user(ann.email), other, Role.ADMINISTRATOR))
    assert settle(ann.signs_in(), flooded, "aside").status_code == 403
    assert all(vote.counted for vote in rows(select(Vote)))


@pytest.mark.parametrize("field", ["day", "action"])
def test_a_form_that_cannot_be_read_is_refused(ada, flooded, field):
    client = ada.signs_in()
    sent = {"day": FLOOD.isoformat(), "action": "aside", "article": flooded.key} | {field: "hm"}
    page = client.get(f"/articles/health?article={flooded.key}")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert client.post(PATH, data=sent).status_code == 400
    assert client.post(PATH, data=sent | {"csrf_token": token[1]}).status_code == 422


# What is told


def test_the_page_tells_of_a_burst_in_words_and_offers_administrators_to_set_it_aside(ada, ann, flooded):
    told = text_of(ann.signs_in().get(f"/articles/health?article={flooded.key}"))
    assert (
        "1 of the 40 readers who voted that day said Yes. In the 26 days before, 52 readers voted, about 2 a day. "
        "What they said is as unlikely as how many they were: of the 52 readers who voted then, 39 said Yes." in told
    )
    assert "All votes with that day 43 % of the 92 readers who voted (34–54 %)" in told
    assert "Without it 75 % of the 52 readers who voted (62–85 %)" in told
    assert "Whether these votes count is for an administrator" in told
    client = ada.signs_in()
    told = text_of(client.get(f"/articles/health?article={flooded.key}"))
    assert "The 40 votes of that day will count in no figure" in told
    settle(client, flooded, "aside")
    told = text_of(client.get(f"/articles/health?article={flooded.key}"))
    assert "30 May set aside" in told
    assert "Count them again" in told
    assert "40 more votes were set aside, because too many came from one network on one day or with a whole day" in told


def test_an_article_without_bursts_says_nothing_of_them(ann, usual):
    assert "Days that stand out" not in ann.signs_in().get(f"/articles/health?article={usual.key}").text


def test_the_api_lists_bursts_among_the_alerts(ann, ada, flooded):
    (alert,) = [each for each in ann.gets("/stats", article=flooded.key).json["alerts"] if each["kind"] == "burst"]
    assert (alert["day"], alert["yes"], alert["no"]) == ("2026-05-30", 1, 39)
    assert alert["before"] == {"yes": 39, "votes": 52, "days": 26}
    assert (alert["unlikely"], alert["set_aside"]) == (True, False)
    assert alert["with"]["share"] == 40 / 92
    assert alert["without"]["share"] == 39 / 52
    assert 0 < alert["composition"] < 1e-4
    later = ann.gets("/stats", article=flooded.key, **{"from": "2026-05-31"}).json["alerts"]
    assert [each for each in later if each["kind"] == "burst"] == []


def test_the_csv_has_bursts_with_both_shares(ann, ada, flooded):
    settle(ada.signs_in(), flooded, "aside")
    answer = ann.signs_in().get(f"/articles/health/figures.csv?article={flooded.key}", buffered=True)
    lines = [line.split(",") for line in answer.text.splitlines() if line.startswith("burst")]
    assert [(line[0], line[2], line[3], line[5], line[6]) for line in lines] == [
        ("burst set aside", "2026-05-30", "", "1", "39"),
        ("burst set aside", "2026-05-30", "with", "40", "52"),
        ("burst set aside", "2026-05-30", "without", "39", "13"),
    ]
    assert lines[0][10] == "52 votes in the 26 days before; what they said is unlikely too"


def test_the_state_of_a_day_can_be_read_by_the_log_after_the_article_is_gone(ask, site):
    gone = changes.Subject(site.id, Kind.BURST, {"article": "gone", "day": "2026-05-30"})
    assert ask(changes.state, gone) is False


def test_a_frozen_baseline_is_not_touched(ada, flooded, poll, rows):
    poll(flooded, yes=1, at=TODAY, revision="b")
    query = select(Revision.baseline_votes).where(Revision.label == "b")
    kept = rows(query)
    settle(ada.signs_in(), flooded, "aside")
    assert rows(query) == kept == [92]
