"""Every figure an author sees: worked values to the digits shown, and properties that hold for all counts."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from feedback import statistics
from feedback.statistics import Count, Interval, Prior
from tests.bench import alerts

# The machine that runs the tests may be busy: no example is judged by its time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

MANY = 100_000
SITE = Prior(mean=0.7, strength=20)


@st.composite
def counts(draw: st.DrawFn, least: int = 0, most: int = MANY) -> Count:
    votes = draw(st.integers(least, most))
    return Count(draw(st.integers(0, votes)), votes)


def mirrored(count: Count) -> Count:
    return Count(count.no, count.votes)


def with_yes(count: Count) -> Count:
    return Count(count.yes + 1, count.votes + 1)


def with_no(count: Count) -> Count:
    return Count(count.yes, count.votes + 1)


# Intervals


@pytest.mark.parametrize(
    ("yes", "votes", "low", "high"),
    [
        (0, 0, 0, 1),
        (0, 1, 0, 0.793451),
        (1, 1, 0.206549, 1),
        (2, 2, 0.342380, 1),
        (1, 3, 0.061492, 0.792340),
        (0, 5, 0, 0.434482),
        (5, 5, 0.565518, 1),
        (8, 10, 0.490162, 0.943318),
        (7, 20, 0.181192, 0.567146),
        (45, 60, 0.627679, 0.842235),
        (30, 100, 0.218949, 0.395849),
        (80, 100, 0.711171, 0.866633),
        (100, 101, 0.946033, 0.998250),
        (400, 1000, 0.370075, 0.430691),
        (600, 1000, 0.569309, 0.629925),
        (5500, 10000, 0.540232, 0.559730),
    ],
)
def test_wilson_gives_the_worked_values(yes, votes, low, high):
    assert statistics.wilson(yes, votes) == pytest.approx((low, high), abs=5e-7)


@given(counts(least=1))
def test_an_interval_contains_the_share_and_stays_between_0_and_1(count):
    low, high = statistics.wilson(*count)
    assert 0 <= low <= count.share <= high <= 1


@given(counts())
def test_an_interval_of_no_mirrors_that_of_yes(count):
    low, high = statistics.wilson(*count)
    assert statistics.wilson(*mirrored(count)) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(counts())
def test_every_vote_moves_the_interval_its_way(count):
    low, high = statistics.wilson(*count)
    more, less = statistics.wilson(*with_yes(count)), statistics.wilson(*with_no(count))
    assert more.low >= low - 1e-12 and more.high >= high - 1e-12
    assert less.low <= low + 1e-12 and less.high <= high + 1e-12


@given(counts(least=1, most=10_000), st.integers(2, 10))
def test_an_interval_shrinks_with_votes(count, times):
    few = statistics.wilson(*count)
    many = statistics.wilson(count.yes * times, count.votes * times)
    assert many.high - many.low < few.high - few.low


@given(counts())
def test_an_interval_without_a_single_yes_begins_at_zero_exactly(count):
    assert statistics.wilson(0, count.votes).low == 0
    assert statistics.wilson(count.votes, count.votes).high == 1


# Wording


@pytest.mark.parametrize(
    ("yes", "votes", "words"),
    [
        (0, 0, "no votes yet"),
        (1, 1, "1 of the 1 reader who voted"),
        (0, 1, "0 of the 1 reader who voted"),
        (3, 4, "3 of the 4 readers who voted"),
        (5, 5, "early: 100 % of the 5 readers who voted (57–100 %)"),
        (8, 13, "early: 62 % of the 13 readers who voted (36–82 %)"),
        (19, 19, "early: 100 % of the 19 readers who voted (83–100 %)"),
        (7, 20, "35 % of the 20 readers who voted (18–57 %)"),
        (157, 212, "74 % of the 212 readers who voted (68–79 %)"),
    ],
)
def test_words_say_no_more_than_the_votes_do(yes, votes, words):
    assert statistics.wording(yes, votes) == words


@given(counts())
def test_every_wording_says_how_many_voted_and_a_handful_has_no_percentage(count):
    words = statistics.wording(*count)
    assert ("%" in words) == (count.votes >= statistics.FEW)
    assert words.startswith("early") == (statistics.FEW <= count.votes < statistics.ENOUGH)
    assert count.votes == 0 or f"of the {count.votes} reader" in words


@pytest.mark.parametrize(("yes", "votes", "percent"), [(1, 8, 13), (3, 8, 38), (1, 200, 1), (57, 200, 29), (1, 3, 33)])
def test_halves_of_a_percent_are_rounded_up(yes, votes, percent):
    assert statistics.percent_of(yes, votes) == percent


@given(counts(least=1))
def test_a_percentage_is_within_half_a_point_of_its_share(count):
    assert abs(Fraction(statistics.percent_of(*count), 100) - Fraction(*count)) <= Fraction(1, 200)


def test_an_interval_is_said_in_whole_percent():
    assert statistics.span(Interval(0.685, 0.795)) == "69–80 %"


# Ranking


def test_most_helpful_begins_with_a_long_good_record_and_not_with_a_short_perfect_one():
    records = [(1, 1), (7, 20), (2, 2), (80, 100), (8, 10), (100, 101)]
    ranked = sorted(records, key=lambda record: statistics.wilson(*record).low, reverse=True)
    assert ranked == [(100, 101), (80, 100), (8, 10), (2, 2), (1, 1), (7, 20)]


def test_needs_work_begins_with_a_long_bad_record_and_not_with_a_single_no():
    records = [(0, 1), (1, 3), (7, 20), (400, 1000), (30, 100)]
    assert sorted(records, key=lambda record: statistics.wilson(*record).high) == records[::-1]
    assert min(records, key=lambda record: statistics.wilson(*record).low) == (0, 1)


@pytest.mark.parametrize(
    ("yes", "votes", "expected"),
    [(0, 0, 0.7), (1, 1, 0.714286), (0, 3, 0.608696), (8, 10, 0.733333), (80, 100, 0.783333)],
)
def test_a_share_is_shrunk_to_the_worked_values(yes, votes, expected):
    assert statistics.shrunk(yes, votes, SITE) == pytest.approx(expected, abs=5e-7)


def test_readers_failed_are_votes_times_the_shortfall():
    assert statistics.readers_failed(30, 100, SITE) == pytest.approx(100 * (0.7 - 44 / 120))
    assert statistics.readers_failed(80, 100, SITE) == 0


def test_a_single_no_fails_fewer_readers_than_a_long_record_of_them():
    assert statistics.readers_failed(0, 1, SITE) < statistics.readers_failed(50, 100, SITE)


@given(counts(), st.floats(0, 1), st.floats(2, 200))
def test_a_shrunk_share_lies_between_the_site_and_the_record(count, mean, strength):
    shrunk = statistics.shrunk(*count, Prior(mean, strength))
    ends = sorted([mean, count.share if count.votes else mean])
    assert ends[0] - 1e-12 <= shrunk <= ends[1] + 1e-12


@given(counts(), st.floats(0, 1), st.floats(2, 200))
def test_every_vote_moves_a_shrunk_share_its_way(count, mean, strength):
    prior = Prior(mean, strength)
    there = statistics.shrunk(*count, prior)
    assert statistics.shrunk(*with_no(count), prior) <= there + 1e-12
    assert statistics.shrunk(*with_yes(count), prior) >= there - 1e-12
    assert statistics.shrunk(*count, Prior(mean / 2, strength)) <= there + 1e-12


@given(counts(), st.floats(0, 1), st.floats(2, 200), st.floats(0, 200))
def test_a_stronger_prior_draws_a_share_to_the_mean(count, mean, strength, more):
    there = statistics.shrunk(*count, Prior(mean, strength)) - mean
    drawn = statistics.shrunk(*count, Prior(mean, strength + more)) - mean
    assert min(there, 0) - 1e-12 <= drawn <= max(there, 0) + 1e-12


@given(counts(least=1), st.floats(0, 1), st.floats(2, 200))
def test_a_yes_instead_of_a_no_never_fails_more_readers(count, mean, strength):
    prior = Prior(mean, strength)
    worse = statistics.readers_failed(max(0, count.yes - 1), count.votes, prior)
    assert 0 <= statistics.readers_failed(*count, prior) <= worse


# One more Yes is left out: it is also one more vote, and where the prior outweighs the votes that is what counts.
@given(counts(), st.floats(0, 1), st.floats(2, 200))
def test_one_more_no_a_higher_mean_and_a_weaker_prior_never_fail_fewer_readers(count, mean, strength):
    there = statistics.readers_failed(*count, Prior(mean, strength)) - 1e-9
    assert statistics.readers_failed(*with_no(count), Prior(mean, strength)) >= there
    assert statistics.readers_failed(*count, Prior((1 + mean) / 2, strength)) >= there
    assert statistics.readers_failed(*count, Prior(mean, strength / 2)) >= there


@given(counts(most=10_000), st.integers(2, 10), st.floats(0, 1), st.floats(2, 200))
def test_a_longer_record_of_the_same_share_fails_more_readers_in_proportion_or_more(count, times, mean, strength):
    prior = Prior(mean, strength)
    longer = statistics.readers_failed(count.yes * times, count.votes * times, prior)
    assert longer >= times * statistics.readers_failed(*count, prior) - 1e-9


@pytest.mark.parametrize(("mean", "strength"), [(0.7, 5), (0.8, 20), (0.4, 60)])
def test_the_prior_of_a_site_is_found_again_from_its_votes(mean, strength):
    dice = random.Random(20)
    articles = []
    for _ in range(4_000):
        share = dice.betavariate(mean * strength, (1 - mean) * strength)
        votes = dice.randint(1, 60)
        articles.append((sum(dice.random() < share for _ in range(votes)), votes))
    fitted = statistics.fit_prior(articles)
    assert fitted.mean == pytest.approx(mean, abs=0.02)
    assert fitted.strength == pytest.approx(strength, rel=0.2)


@pytest.mark.parametrize(
    ("articles", "prior"),
    [
        ([], statistics.USUAL_PRIOR),
        ([(0, 0), (0, 0)], statistics.USUAL_PRIOR),
        ([(6, 10)], Prior(0.6, 20)),
        ([(10, 10), (5, 5)], Prior(1, 20)),
        ([(1, 1), (0, 1), (1, 1), (0, 1)], Prior(0.5, 20)),
        ([(500, 1000), (500, 1000)], Prior(0.5, statistics.MAX_STRENGTH)),
        ([(0, 1000), (1000, 1000)], Prior(0.5, statistics.MIN_STRENGTH)),
    ],
)
def test_a_prior_stays_in_its_bounds_and_has_a_value_where_votes_cannot_tell(articles, prior):
    assert statistics.fit_prior(articles) == pytest.approx(prior)


@given(st.lists(counts()))
def test_every_site_has_a_prior_within_bounds(articles):
    mean, strength = statistics.fit_prior(articles)
    assert 0 <= mean <= 1
    assert statistics.MIN_STRENGTH <= strength <= statistics.MAX_STRENGTH


# Before and after an edit

COMPARED = [
    ((45, 100), (60, 100), 0.15, 0.0117, 0.2804, 0.98285),
    ((8, 20), (15, 20), 0.35, 0.0444, 0.5778, 0.98611),
    ((48, 80), (56, 70), 0.20, 0.0524, 0.3339, 0.99593),
    ((30, 50), (20, 40), -0.10, -0.2930, 0.1025, None),
    ((3, 5), (5, 5), 0.40, -0.1182, 0.7693, 0.90909),
    ((700, 1000), (735, 1000), 0.035, -0.0045, 0.0743, 0.95884),
]


@pytest.mark.parametrize(("before", "after", "gap", "low", "high", "probability"), COMPARED)
def test_a_comparison_gives_the_worked_values(before, after, gap, low, high, probability):
    compared = statistics.compare(Count(*before), Count(*after))
    assert compared[:3] == pytest.approx((gap, low, high), abs=5e-5)
    if probability is not None:
        assert compared.probability == pytest.approx(probability, abs=5e-6)


def better_exactly(before: Count, after: Count) -> Fraction:
    """P(after > before) by exact integration: before's density times the binomial tail of after's."""
    n, k = after.votes + 1, after.yes + 1
    density = (before.votes + 1) * math.comb(before.votes, before.yes)
    total = Fraction(0)
    for j in range(k):  # 1 - F(x) of a beta variable is the chance of fewer than k successes
        a, b = before.yes + j, before.no + n - j
        total += Fraction(math.comb(n, j), (a + b + 1) * math.comb(a + b, a))
    return density * total


@given(counts(most=60), counts(most=60))
def test_the_probability_agrees_with_exact_integration(before, after):
    exact = better_exactly(before, after)
    assert statistics.probability_better(before, after) == pytest.approx(float(exact), rel=1e-9, abs=1e-13)


@given(counts(), counts())
@example(Count(88_891, 100_000), Count(83_399, 94_004))
def test_the_probabilities_of_better_and_of_worse_add_up_to_one(a, b):
    there, back = statistics.probability_better(a, b), statistics.probability_better(b, a)
    assert 0 <= there <= 1
    assert there + back == pytest.approx(1, abs=1e-10)


@given(counts(), counts())
def test_the_probability_is_the_same_in_the_mirror(a, b):
    assert statistics.probability_better(mirrored(b), mirrored(a)) == pytest.approx(
        statistics.probability_better(a, b), abs=1e-9
    )


@given(counts())
def test_a_record_is_as_likely_better_as_worse_than_itself(count):
    assert statistics.probability_better(count, count) == pytest.approx(0.5, abs=1e-9)


@given(counts(), counts())
def test_every_vote_moves_the_probability_its_way(before, after):
    there = statistics.probability_better(before, after)
    assert statistics.probability_better(before, with_yes(after)) >= there - 1e-9
    assert statistics.probability_better(before, with_no(after)) <= there + 1e-9
    assert statistics.probability_better(with_yes(before), after) <= there + 1e-9
    assert statistics.probability_better(with_no(before), after) >= there - 1e-9


@given(counts(least=1), counts(least=1))
def test_a_difference_lies_in_its_interval_and_turns_round_with_the_order(a, b):
    there, back = statistics.difference(a, b), statistics.difference(b, a)
    assert -1 <= there.low <= there.difference <= there.high <= 1
    assert (back.difference, back.low, back.high) == pytest.approx(
        (-there.difference, -there.high, -there.low), abs=1e-12
    )


@given(counts(least=1), counts(least=1))
def test_a_yes_instead_of_a_no_moves_the_whole_difference_its_way(before, after):
    assume(before.no and after.no)
    there = statistics.difference(before, after)
    better = statistics.difference(before, Count(after.yes + 1, after.votes))
    worse = statistics.difference(Count(before.yes + 1, before.votes), after)
    assert all(one >= other - 1e-12 for one, other in zip(better, there, strict=True))
    assert all(one <= other + 1e-12 for one, other in zip(worse, there, strict=True))


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((45, 100), (60, 100), "likely better"),
        ((60, 100), (45, 100), "likely worse"),
        ((8, 20), (15, 20), "likely better"),
        ((0, 19), (19, 19), "not enough votes to tell; about 55 more would show a 10-point change"),
        ((3, 5), (5, 5), "not enough votes to tell; about 383 more would show a 10-point change"),
        ((14, 20), (13, 20), "not enough votes to tell; about 336 more would show a 10-point change"),
        (
            (700, 1000),
            (735, 1000),
            "not enough votes to tell so small a change; a 10-point change would most likely have shown",
        ),
    ],
)
def test_a_verdict_is_hedged_unless_votes_probability_and_interval_agree(before, after, verdict):
    assert statistics.compare(Count(*before), Count(*after)).verdict == verdict


@given(counts(least=1, most=2_000), counts(least=1, most=2_000))
def test_nothing_is_called_likely_without_all_three_reasons(before, after):
    compared = statistics.compare(before, after)
    sure = min(before.votes, after.votes) >= 20 and not compared.low <= 0 <= compared.high
    better, worse = compared.verdict == "likely better", compared.verdict == "likely worse"
    assert better == (sure and compared.probability >= 0.95)
    assert worse == (sure and compared.probability <= 1 - 0.95)


@pytest.mark.parametrize(("share", "votes"), [(0.7, 356), (0.5, 388), (0.3, 356), (1.0, 74)])
def test_the_size_that_shows_ten_points_is_the_usual_one(share, votes):
    assert statistics.sample_size(share) == votes


# Drops


@pytest.mark.parametrize(
    ("yes", "votes", "expected", "digits"),
    [
        (14, 20, 0.1954, 4),
        (10, 20, 2.149, 3),
        (8, 20, 17.584, 3),
        (7, 20, 66.80, 2),
        (6, 20, 311.9, 1),
        (20, 40, 9.053, 3),
        (17, 40, 179.3, 1),
        (0, 5, 97.91, 2),
    ],
)
def test_the_evidence_of_a_drop_gives_the_worked_values(yes, votes, expected, digits):
    assert statistics.drop_evidence(yes, votes, 0.7) == pytest.approx(expected, abs=0.5 * 10**-digits)


@pytest.mark.parametrize(
    ("yes", "votes", "alarm"),
    [(7, 20, False), (6, 20, True), (17, 40, True), (0, 5, False), (0, 9, False), (0, 10, True)],
)
def test_a_drop_is_an_alarm_from_evidence_100_and_10_votes_on(yes, votes, alarm):
    assert statistics.dropped(yes, votes, 0.7) is alarm


def evidence_exactly(yes: int, votes: int, usual: Fraction) -> Fraction:
    """The e-value with the integral written as a binomial tail, in exact fractions."""
    n, k = votes + 1, yes + 1
    tail = sum(math.comb(n, j) * usual**j * (1 - usual) ** (n - j) for j in range(k, n + 1))
    beta = Fraction(1, (votes + 1) * math.comb(votes, yes))
    return tail * beta / (usual ** (yes + 1) * (1 - usual) ** (votes - yes))


@given(counts(most=80), st.integers(1, 99))
def test_the_evidence_agrees_with_exact_fractions(count, percent):
    exact = evidence_exactly(*count, Fraction(percent, 100))
    assert statistics.drop_evidence(*count, percent / 100) == pytest.approx(float(exact), rel=1e-9)


@given(st.floats(0.001, 0.999))
def test_an_empty_record_is_no_evidence(usual):
    assert statistics.drop_evidence(0, 0, usual) == pytest.approx(1, rel=1e-12)


@given(counts(least=1, most=3_000), st.floats(0.01, 0.99))
def test_a_yes_instead_of_a_no_never_adds_evidence_of_a_drop(count, usual):
    worse = statistics.drop_evidence(max(0, count.yes - 1), count.votes, usual)
    assert statistics.drop_evidence(*count, usual) <= worse * (1 + 1e-9)


@given(counts(most=20_000), st.floats(0.001, 0.999))
def test_every_vote_and_a_higher_mark_move_the_evidence_their_way(count, usual):
    there = statistics.drop_evidence(*count, usual)
    assert statistics.drop_evidence(*with_yes(count), usual) <= there * (1 + 1e-9)
    assert statistics.drop_evidence(*with_no(count), usual) >= there * (1 - 1e-9)
    assert statistics.drop_evidence(*count, (1 + usual) / 2) >= there * (1 - 1e-9)


@given(counts(most=1_000_000), st.floats(0.001, 0.999))
def test_evidence_is_always_a_number(count, usual):
    assert 0 < statistics.drop_evidence(*count, usual) < math.inf


def test_readers_as_content_as_before_rarely_raise_the_alarm():
    # Each of 500 votes is looked at; the baseline is as small as it may be, and as large as it gets.
    for baseline in alerts.BASELINE_LEAST, alerts.BASELINE_VOTES:
        assert alerts.percent_told(alerts.delays(baseline, before=0.6, after=0.6, articles=2_000)) < 2


def test_a_fall_from_four_in_five_to_half_is_told_soon():
    waited = alerts.delays(alerts.BASELINE_VOTES, before=0.8, after=0.5, articles=2_000)
    assert median(waited) <= 50
    assert alerts.percent_told(waited) > 99


# Bursts


@pytest.mark.parametrize(
    ("past", "today", "expected", "digits", "flagged"),
    [
        (56, 9, 3.62e-4, 6, False),
        (56, 10, 8.00e-5, 7, True),
        (3, 4, 3.09e-5, 7, True),
        (0, 3, 1.30e-5, 7, True),
        (280, 25, 6.98e-5, 7, True),
    ],
)
def test_the_tail_of_a_days_volume_gives_the_worked_values(past, today, expected, digits, flagged):
    assert statistics.volume_tail(today, past, 28) == pytest.approx(expected, abs=0.5 * 10**-digits)
    assert statistics.burst(today, past, 28) is flagged


def test_a_new_article_has_no_bursts():
    assert not statistics.burst(500, 0, statistics.BURST_MIN_DAYS - 1)
    assert statistics.burst(500, 0, statistics.BURST_MIN_DAYS)


def volume_by_summing(today: int, past: int, days: int) -> float:
    size, stay = past + 0.5, 1 / (days + 1)
    terms = (
        math.exp(
            math.lgamma(size + k)
            - math.lgamma(size)
            - math.lgamma(k + 1)
            + size * math.log1p(-stay)
            + k * math.log(stay)
        )
        for k in range(today)
    )
    return 1 - math.fsum(terms)


@given(st.integers(0, 60), st.integers(0, 600), st.integers(1, 28))
def test_the_volume_tail_agrees_with_summing_the_negative_binomial(today, past, days):
    assert statistics.volume_tail(today, past, days) == pytest.approx(volume_by_summing(today, past, days), abs=1e-9)


@given(st.integers(1, 2_000), st.integers(0, 10_000), st.integers(1, 28))
def test_more_votes_on_a_day_are_never_more_usual(today, past, days):
    fewer = statistics.volume_tail(today - 1, past, days)
    assert 0 <= statistics.volume_tail(today, past, days) <= fewer * (1 + 1e-9)


@given(st.integers(1, 2_000), st.integers(0, 10_000), st.integers(1, 28))
def test_a_busier_past_makes_a_day_more_usual(today, past, days):
    tail = statistics.volume_tail(today, past, days)
    assert statistics.volume_tail(today, past + 1, days) >= tail * (1 - 1e-9)
    assert statistics.volume_tail(today, past, days + 1) <= tail * (1 + 1e-9)


def composition_exactly(today: Count, past: Count) -> Fraction:
    alpha, beta = past.yes + 1, past.no + 1

    def chance(yes: int) -> Fraction:
        a, b = alpha + yes, beta + today.votes - yes
        return Fraction(
            math.comb(today.votes, yes) * (alpha + beta - 1) * math.comb(alpha + beta - 2, alpha - 1),
            (a + b - 1) * math.comb(a + b - 2, a - 1),
        )

    above = today.yes * (alpha + beta) > today.votes * alpha
    return sum(map(chance, range(today.yes, today.votes + 1) if above else range(today.yes + 1)))


@given(counts(most=50), counts(most=60))
def test_the_composition_tail_agrees_with_exact_fractions(today, past):
    exact = composition_exactly(today, past)
    assert statistics.composition_tail(today, past) == pytest.approx(float(exact), rel=1e-9)


@given(counts(least=1, most=2_000), counts())
def test_a_composition_further_out_is_never_more_usual(today, past):
    # At the mean the two sides meet; only counts on one side of it are held against each other.
    yes = min(today.yes, today.votes * (past.yes + 1) // (past.votes + 2))
    assume(yes)
    further = statistics.composition_tail(Count(yes - 1, today.votes), past)
    assert further <= statistics.composition_tail(Count(yes, today.votes), past) * (1 + 1e-9)


@given(counts(least=1, most=2_000), counts())
def test_a_past_further_away_makes_a_composition_less_usual(today, past):
    # On its side of the mean: a Yes of the past takes the mean up, a No down, and more on either side is no rule.
    below = today.yes * (past.votes + 2) <= today.votes * (past.yes + 1)
    further = statistics.composition_tail(today, with_yes(past) if below else with_no(past))
    assert further <= statistics.composition_tail(today, past) * (1 + 1e-9)


@given(counts())
def test_a_day_without_votes_is_as_usual_as_can_be(past):
    assert statistics.composition_tail(Count(0, 0), past) == pytest.approx(1)
    assert statistics.volume_tail(0, past.votes, 28) == 1


def test_a_crowd_of_no_on_a_liked_article_is_unlikely_and_a_usual_crowd_is_not():
    liked = Count(180, 200)
    assert statistics.composition_tail(Count(2, 30), liked) < statistics.UNLIKELY
    assert statistics.composition_tail(Count(27, 30), liked) > 0.1


@given(counts(), counts())
def test_a_composition_tail_is_a_probability(today, past):
    assert 0 <= statistics.composition_tail(today, past) <= 1
