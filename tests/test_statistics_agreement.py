"""The figures held against scipy and statsmodels, to nine digits, over a grid of counts up to 100,000 votes."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import integrate, special, stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    samplesize_proportions_2indep_onetail,
)

from feedback import statistics
from feedback.statistics import Count

CLOSE = 1e-9
SIZES = (0, 1, 2, 5, 19, 20, 101, 1_000, 9_999, 100_000)
SMALLEST = 1e-290  # below this the reference has no digits left


def counts_of(votes: int) -> list[Count]:
    yes = {0, 1, votes // 100, votes // 3, votes // 2, round(0.7 * votes), round(0.99 * votes), votes - 1, votes}
    return [Count(each, votes) for each in sorted(yes) if 0 <= each <= votes]


GRID = [count for votes in SIZES for count in counts_of(votes)]
SPARSE = [count for votes in (0, 1, 5, 20, 1_000, 100_000) for count in counts_of(votes)[::2]]
VOTED = [count for count in SPARSE if count.votes]


@pytest.mark.parametrize("count", [count for count in GRID if count.votes])
def test_wilson_is_that_of_statsmodels(count):
    reference = proportion_confint(*count, alpha=0.05, method="wilson")
    assert statistics.wilson(*count) == pytest.approx(reference, abs=CLOSE)


def test_the_interval_of_a_difference_is_that_of_statsmodels():
    for before, after in product(VOTED, VOTED):
        reference = confint_proportions_2indep(*after, *before, method="newcomb", compare="diff", alpha=0.05)
        assert statistics.difference(before, after)[1:] == pytest.approx(reference, abs=CLOSE), (before, after)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.45, 0.5, 0.6, 0.7, 0.8, 0.99, 1.0])
def test_the_sample_size_is_that_of_statsmodels(share):
    change = 0.1 if share < 0.5 else -0.1
    reference = samplesize_proportions_2indep_onetail(change, share, 0.8, alpha=0.05)
    assert statistics.sample_size(share) == math.ceil(reference)


def better_by_integration(before: Count, after: Count) -> float:
    """∫ of after's density times before's distribution function, piece by piece between their quantiles."""
    first, second = (stats.beta(count.yes + 1, count.no + 1) for count in (before, after))
    inner = [0.5, 1e-6, 1 - 1e-6]
    ends = np.unique(np.clip([0, *second.ppf([1e-15, *inner]), second.isf(1e-15), *first.ppf(inner), 1], 0, 1))
    return sum(
        integrate.fixed_quad(lambda x: second.pdf(x) * first.cdf(x), low, high, n=60)[0]
        for low, high in zip(ends, ends[1:], strict=False)
    )


def test_the_probability_of_better_is_the_integral_over_the_posteriors():
    for before, after in [*product(SPARSE[::3], SPARSE), (Count(70_000, 100_000), Count(70_300, 100_000))]:
        reference = better_by_integration(before, after)
        assert statistics.probability_better(before, after) == pytest.approx(reference, abs=CLOSE), (before, after)


def log_evidence_by_incomplete_beta(count: Count, usual: float) -> float:
    """ln E by scipy's incomplete beta function; -inf where that has underflowed."""
    a, b = count.yes + 1, count.no + 1
    below = float(special.betainc(a, b, usual))
    if below < SMALLEST:
        return -math.inf
    return math.log(below) + float(special.betaln(a, b)) - a * math.log(usual) - (b - 1) * math.log1p(-usual)


def log_evidence_by_integration(count: Count, usual: float) -> float:
    """ln E by the same integral over t = p/p₀, cut into pieces that narrow towards its peak."""
    peak = min(1.0, count.share / usual) if count.votes else 1.0
    widths = np.geomspace(1e-7, 1, 30)
    ends = np.unique(np.clip([0, 1, peak, *(peak - widths), *(peak + widths)], 0, 1))
    points, weights = np.polynomial.legendre.leggauss(30)
    size = np.diff(ends)[:, None]
    t = ends[:-1, None] + size * (points + 1) / 2
    log_ratio = special.xlogy(count.yes, t) + count.no * (np.log1p(-usual * t) - math.log1p(-usual))
    top = log_ratio.max()
    return float(top + math.log((np.exp(log_ratio - top) * weights * size / 2).sum()))


@pytest.mark.parametrize("usual", [0.01, 0.3, 0.5, 0.7, 0.95, 0.999])
def test_the_evidence_is_the_integral_in_two_ways(usual):
    compared = 0
    for count in GRID:
        ours = math.log(statistics.drop_evidence(*count, usual))
        integral = log_evidence_by_integration(count, usual)
        assert ours == pytest.approx(min(integral, 700), abs=CLOSE), count
        if (closed := log_evidence_by_incomplete_beta(count, usual)) > -math.inf:
            assert ours == pytest.approx(min(closed, 700), abs=CLOSE), count
            compared += 1
    assert compared > len(GRID) / 2


@pytest.mark.parametrize("days", [1, 7, 28])
@pytest.mark.parametrize("past", [0, 1, 3, 56, 280, 3_000, 100_000])
def test_the_tail_of_a_days_volume_is_scipys_negative_binomial(past, days):
    for today in (0, 1, 2, 3, 5, 10, 25, 50, 200, 1_000, 5_000, 100_000):
        reference = stats.nbinom.sf(today - 1, past + 0.5, days / (days + 1))
        ours = statistics.volume_tail(today, past, days)
        assert ours == pytest.approx(reference, abs=CLOSE), today
        if reference > SMALLEST:
            assert ours == pytest.approx(reference, rel=CLOSE), today


@pytest.mark.parametrize("past", SPARSE)
def test_the_tail_of_a_composition_is_scipys_beta_binomial(past):
    alpha, beta = past.yes + 1, past.no + 1
    for votes in SIZES:
        chances = stats.betabinom(votes, alpha, beta).pmf(np.arange(votes + 1))
        for today in counts_of(votes):
            above = today.yes * (alpha + beta) > votes * alpha
            reference = chances[today.yes :].sum() if above else chances[: today.yes + 1].sum()
            assert statistics.composition_tail(today, past) == pytest.approx(reference, rel=CLOSE, abs=SMALLEST), today
