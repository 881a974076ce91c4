"""Where the bars stand: what the drawing says is what the votes say, and no name runs over another."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback import chart
from feedback.chart import Count, Mark

MONDAY = date(2026, 5, 4)

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@st.composite
def series(draw: st.DrawFn, step: int = 1) -> list[Count]:
    """Days with at least one vote each, with gaps between them."""
    places = sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=60)))
    votes = st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)).filter(any)
    return [Count(MONDAY + timedelta(days=step * place), *draw(votes)) for place in places]


def test_nothing_is_drawn_without_votes():
    assert chart.draw([], [Mark(MONDAY, "a")], step=1) is None


@given(st.sampled_from([1, 7]).flatmap(lambda step: st.tuples(st.just(step), series(step))))
def test_bars_are_as_long_as_their_votes_and_stay_in_the_picture(given_series):
    step, counts = given_series
    drawn = chart.draw(counts, [], step=step)
    assert drawn is not None
    unit = (drawn.bottom - drawn.top) / max(
        1, max(bar.count.yes for bar in drawn.bars) + max(bar.count.no for bar in drawn.bars)
    )
    for bar in drawn.bars:
        assert bar.yes_height == pytest.approx(bar.count.yes * unit)
        assert bar.no_height == pytest.approx(bar.count.no * unit)
        assert drawn.top - 0.01 <= drawn.zero - bar.yes_height
        assert drawn.zero + bar.no_height <= drawn.bottom + 0.01
        assert chart.LEFT <= bar.x <= bar.x + bar.width <= 100.01


@given(series())
def test_bars_stand_side_by_side_in_the_order_of_days(counts):
    drawn = chart.draw(counts, [], step=1)
    assert drawn is not None
    assert all(left.x + left.width <= right.x + 0.02 for left, right in pairwise(drawn.bars))
    assert [bar.count for bar in drawn.bars] == counts[-len(drawn.bars) :]


@given(series())
def test_only_the_newest_days_are_drawn_and_a_chart_says_when_it_leaves_some_out(counts):
    drawn = chart.draw(counts, [], step=1)
    assert drawn is not None
    days = (counts[-1].day - counts[0].day).days + 1
    assert drawn.cut == (days > chart.MOST_SLOTS)
    assert drawn.cut or len(drawn.bars) == len(counts)


@given(series(), st.sets(st.integers(-20, 320), max_size=12))
def test_names_of_revisions_never_run_over_each_other(counts, places):
    marks = [Mark(MONDAY + timedelta(days=place), f"revision {place} with a long name") for place in sorted(places)]
    drawn = chart.draw(counts, marks, step=1)
    assert drawn is not None
    assert len(drawn.marks) <= chart.MOST_MARKS
    spans = [
        (mark.y, mark.x - chart.MARK_WIDTH, mark.x)
        if mark.anchor == "end"
        else (mark.y, mark.x, mark.x + chart.MARK_WIDTH)
        for mark in drawn.marks
    ]
    for row in {y for y, _, _ in spans}:
        within = sorted((start, end) for y, start, end in spans if y == row)
        assert all(end <= start + 0.02 for (_, end), (start, _) in pairwise(within))
    assert all(start >= 0 and end <= 100.01 for _, start, end in spans)
    assert all(mark.y < drawn.top for mark in drawn.marks)


def test_a_mark_stands_where_its_day_begins_within_a_week():
    counts = [Count(MONDAY + timedelta(weeks=week), 1, 1) for week in range(10)]
    drawn = chart.draw(counts, [Mark(MONDAY + timedelta(days=10), "b")], step=7)
    assert drawn is not None
    (mark,) = drawn.marks
    assert mark.x == pytest.approx(chart.LEFT + (100 - chart.LEFT) * 10 / 70, abs=0.01)


@pytest.mark.parametrize("step", [1, 7])
def test_a_revision_after_the_last_vote_is_in_sight_as_long_as_the_votes_are(step):
    counts = [Count(MONDAY, 1, 0)]
    within = MONDAY + timedelta(days=step * chart.MOST_SLOTS - 1)
    drawn = chart.draw(counts, [Mark(within, "later")], step=step)
    assert [mark.mark.name for mark in drawn.marks] == ["later"]
    assert drawn.bars[0].x >= chart.LEFT and drawn.marks[0].x <= 100
    drawn = chart.draw(counts, [Mark(within + timedelta(days=1), "much later")], step=step)
    assert drawn.marks == drawn.happened == [] and len(drawn.bars) == 1
    near = Mark(MONDAY + timedelta(days=step), "near")
    assert chart.draw(counts, [near, Mark(within + timedelta(days=1), "much later")], step=step).happened == [near]


def test_a_revision_after_the_last_vote_takes_no_bar_away():
    counts = [Count(MONDAY + timedelta(days=place), 1, 1) for place in range(60)]
    for days in range(60, 200):
        drawn = chart.draw(counts, [Mark(MONDAY + timedelta(days=days), "later")], step=1)
        assert (len(drawn.bars), drawn.cut) == (60, False)
        assert len(drawn.marks) == (1 if days < chart.MOST_SLOTS else 0)


def test_a_chart_says_how_many_revisions_have_no_room_for_a_line():
    marks = [Mark(MONDAY + timedelta(days=place), f"{place}") for place in range(chart.MOST_MARKS + 2)]
    drawn = chart.draw(
        [
            Count(MONDAY + timedelta(days=20), 1, 0),
        ],
        marks,
        step=1,
    )
    assert drawn.unmarked == 0 == len(drawn.happened)
    drawn = chart.draw([Count(MONDAY, 1, 0)], marks, step=1)
    assert (len(drawn.marks), drawn.unmarked, len(drawn.happened)) == (chart.MOST_MARKS, 2, chart.MOST_MARKS + 2)


@pytest.mark.parametrize(
    ("least", "step"), [(0.25, 1), (1, 1), (1.5, 2), (3, 5), (5.5, 10), (11, 20), (30, 50), (501, 1000)]
)
def test_lines_stand_at_round_numbers(least, step):
    assert chart.round_step(least) == step


@given(series())
def test_few_lines_and_days_are_named_and_no_day_twice(counts):
    drawn = chart.draw(counts, [], step=1)
    assert drawn is not None
    assert 1 <= len(drawn.lines) <= chart.LINES + 2
    assert {line.number for line in drawn.lines} >= {0}
    days = [named.day for named in drawn.days]
    assert 2 <= len(days) <= chart.NAMED_DAYS
    assert days == sorted(set(days))
    assert days[-1] == counts[-1].day


def test_the_first_vote_of_an_article_does_not_shout():
    drawn = chart.draw([Count(MONDAY, 1, 0)], [], step=1)
    assert drawn is not None
    assert drawn.bars[0].yes_height < chart.PLOT / 4
    assert drawn.bars[0].width < 20
