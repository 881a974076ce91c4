"""Never a number that says more than the votes do: intervals, hedged comparisons and alarms as pure functions.

Counts are whole numbers with 0 <= yes <= votes, shares and probabilities lie between 0 and 1. Every figure is good to
nine decimals, those of tails and evidence to nine digits, up to a hundred thousand votes. Nothing here knows a
database, a clock or an article.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from feedback.beta import beta_cdf, beta_fraction, log_beta

Z = 1.959963984540054  # the normal quantile of a two-sided 95 % interval
Z_POWER = 0.8416212335729143  # the normal quantile of 80 % power

FEW = 5  # under this many votes a percentage would say more than the votes do
ENOUGH = 20  # from here on a percentage stands without "early", and a revision can be compared
SURE = 0.95  # the probability from which a change is called likely
CHANGE = 0.1  # the change, ten points, that a hedge names a number of votes for

MIN_STRENGTH = 2.0  # a prior never weighs less than two readers,
MAX_STRENGTH = 200.0  # nor more than two hundred

ALARM = 100.0  # an e-value of 100 is wrong at most once in a hundred articles, however often one looks
ALARM_VOTES = 10  # fewer readers than this never raise an alarm
UNLIKELY = 1e-4  # the tail under which a day's volume, or its composition, is flagged
BURST_DAYS = 28  # how far back a usual day is learned from
BURST_MIN_DAYS = 7  # with less than a week behind it, an article has no usual day

_NEGLIGIBLE = 1e-17  # what is left out of a sum is below the last digit of a double
_LARGEST_LOG = 700.0  # exp() of more overflows


class Interval(NamedTuple):
    low: float
    high: float


class Count(NamedTuple):
    """How many of how many readers said Yes."""

    yes: int
    votes: int

    @property
    def share(self) -> float:
        return self.yes / self.votes

    @property
    def no(self) -> int:
        return self.votes - self.yes


class Prior(NamedTuple):
    """What is known of an article before its first vote: the site's mean share, worth `strength` votes."""

    mean: float
    strength: float


class Difference(NamedTuple):
    """How much larger the second share is, between -1 and 1, with its 95 % interval."""

    difference: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Two revisions held against each other; `probability` is that the second is the better one."""

    difference: float
    low: float
    high: float
    probability: float
    verdict: str


USUAL_PRIOR = Prior(0.7, 20.0)  # until a site has votes to fit one to


# Intervals and their wording


def wilson(yes: int, votes: int) -> Interval:
    """The 95 % score interval of a share; 0 to 1 without votes (Wilson 1927).

    centre = (p + z²/2n)/(1 + z²/n), half = z·√(p(1−p)/n + z²/4n²)/(1 + z²/n).
    """
    if votes == 0:
        return Interval(0.0, 1.0)
    share, slack = yes / votes, Z * Z / votes
    centre = (share + slack / 2) / (1 + slack)
    half = Z * math.sqrt(share * (1 - share) / votes + slack / votes / 4) / (1 + slack)
    # At 0 and 1 the bound is the share itself; rounding must not move it to the other side.
    low = 0.0 if yes == 0 else min(centre - half, share)
    high = 1.0 if yes == votes else max(centre + half, share)
    return Interval(low, high)


def whole(number: float) -> int:
    """The nearest whole number, halves rounded up."""
    return math.floor(number + 0.5)


def percent(share: float) -> int:
    """A share as whole per cent, halves rounded up."""
    return whole(share * 100)


def percent_of(yes: int, votes: int) -> int:
    """The share of `yes` in `votes` as whole per cent, halves rounded up, free of binary rounding."""
    return (200 * yes + votes) // (2 * votes)


def span(interval: Interval) -> str:
    """An interval in words: "68–80 %"."""
    return f"{percent(interval.low)}–{percent(interval.high)} %"


def readers(votes: int) -> str:
    """Whom a figure speaks of: "the 212 readers who voted"."""
    return f"the {votes} {'reader' if votes == 1 else 'readers'} who voted"


def wording(yes: int, votes: int) -> str:
    """The share as carefully as the votes allow: a count under 5 votes, "early" under 20, then a percentage."""
    if votes == 0:
        return "no votes yet"
    if votes < FEW:
        return f"{yes} of {readers(votes)}"
    careful = f"{percent_of(yes, votes)} % of {readers(votes)} ({span(wilson(yes, votes))})"
    return careful if votes >= ENOUGH else f"early: {careful}"


# Ranking


def shrunk(yes: int, votes: int, prior: Prior) -> float:
    """The share an article is expected to settle at, between the site's mean and its own.

    (mμ + yes)/(m + votes), the mean of the beta posterior under the site's prior Beta(mμ, m(1−μ)) (Efron and
    Morris 1977 tell why it is the better guess).
    """
    return (prior.strength * prior.mean + yes) / (prior.strength + votes)


def readers_failed(yes: int, votes: int, prior: Prior) -> float:
    """How many readers an article fails beyond the site's usual, from 0 to votes: votes × max(0, μ − shrunk share)."""
    return votes * max(0.0, prior.mean - shrunk(yes, votes, prior))


def fit_prior(counts: Iterable[tuple[int, int]]) -> Prior:
    """The prior of a site from (yes, votes) of its articles; `strength` is kept between 2 and 200.

    Method of moments of the beta-binomial (Kleinman 1973, weights = votes): with v = μ(1−μ),
    N = Σn, k articles, S = Σn(p−μ)², E[S] = v·((k−1)(1−ρ) + ρ(N − Σn²/N)); m = 1/ρ − 1. Where the
    articles cannot tell (fewer than two, all votes alike, one vote each), the usual strength stands in.
    """
    articles = total = yeses = squares = 0
    ratios = 0.0
    for yes, votes in counts:
        if votes:
            articles, total, yeses = articles + 1, total + votes, yeses + yes
            squares, ratios = squares + votes * votes, ratios + yes * yes / votes
    if total == 0:
        return USUAL_PRIOR
    mean = yeses / total
    variance = mean * (1 - mean)
    room = total - squares / total - (articles - 1)
    if variance == 0 or room <= 0:
        return Prior(mean, USUAL_PRIOR.strength)
    alike = ((ratios - yeses * mean) / variance - (articles - 1)) / room
    return Prior(mean, _strength(alike))


def _strength(alike: float) -> float:
    """m of a correlation ρ within articles, kept in its bounds; ρ <= 0 means articles do not differ."""
    if alike <= 0:
        return MAX_STRENGTH
    return min(MAX_STRENGTH, max(MIN_STRENGTH, 1 / alike - 1))


# Before and after an edit


def difference(before: Count, after: Count) -> Difference:
    """after − before with its 95 % interval (Newcombe 1998, method 10); both must have votes.

    d − √((p₂−l₂)² + (u₁−p₁)²) to d + √((u₂−p₂)² + (p₁−l₁)²), l and u from Wilson.
    """
    first, second = wilson(*before), wilson(*after)
    gap = after.share - before.share
    down = math.hypot(after.share - second.low, first.high - before.share)
    up = math.hypot(second.high - after.share, before.share - first.low)
    return Difference(gap, max(-1.0, gap - down), min(1.0, gap + up))


def probability_better(before: Count, after: Count) -> float:
    """P(after's share > before's), each with a uniform prior; 0.5 where neither has votes.

    Closed form: a sum of beta functions over one of the four parameters (Miller 2010); mirroring shares and
    swapping the two makes it a sum over the smallest, and only terms that matter are added.
    """
    a, b = _beta(before), _beta(after)
    smallest = min(*a, *b)
    if b[0] == smallest:
        chance = _chance_larger(a, b)
    elif a[0] == smallest:
        chance = 1 - _chance_larger(b, a)
    elif a[1] == smallest:
        chance = _chance_larger(b[::-1], a[::-1])
    else:
        chance = 1 - _chance_larger(a[::-1], b[::-1])
    return min(1.0, max(0.0, chance))


def _beta(count: Count) -> tuple[int, int]:
    """The parameters of a share's beta posterior under a uniform prior."""
    return count.yes + 1, count.no + 1


def _chance_larger(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """P(B > A) of two beta variables: Σ over i < α_B of Be(α_A+i, β_A+β_B) / ((β_B+i)·Be(1+i, β_B)·Be(α_A, β_A)).

    The terms rise to one peak and fall from it, so that the sum starts there and walks both ways.
    """
    (alpha_a, beta_a), (terms, beta_b) = a, b
    top = (alpha_a * beta_b - alpha_a - beta_a - beta_b) // (1 + beta_a) + 1
    peak = min(terms - 1, max(0, top))
    height = math.exp(
        log_beta(alpha_a + peak, beta_a + beta_b)
        - math.log(beta_b + peak)
        - log_beta(1 + peak, beta_b)
        - log_beta(alpha_a, beta_a)
    )

    def ratio(i: int) -> float:
        """The term of i + 1 over the term of i."""
        return (alpha_a + i) * (beta_b + i) / ((alpha_a + beta_a + beta_b + i) * (i + 1))

    rising = _falling_sum((1 / ratio(i) for i in range(peak - 1, -1, -1)), peak)
    falling = _falling_sum((ratio(i) for i in range(peak, terms - 1)), terms - 1 - peak)
    return height * (1 + rising + falling)


def _falling_sum(ratios: Iterable[float], count: int) -> float:
    """Σ of the running products of ratios <= 1, ended where all that is left cannot move the last digit."""
    term, total = 1.0, 0.0
    for done, ratio in enumerate(ratios, start=1):
        term *= ratio
        total += term
        if term * (count - done) < _NEGLIGIBLE * (1 + total):
            break
    return total


def sample_size(share: float) -> int:
    """Votes per revision that show a 10-point change of `share` with 80 % power at 95 %: 356 for .7 to .6.

    (z·√(2p̄q̄) + z₈₀·√(p₁q₁ + p₂q₂))² / (p₁ − p₂)², the usual size for two proportions (Fleiss 1981), rounded up:
    from 74 at 0 and 1 to 388 at one half. The change is taken towards one half, where it is the harder to see.
    """
    changed = share - CHANGE if share >= 0.5 else share + CHANGE
    middle = (share + changed) / 2
    spread = share * (1 - share) + changed * (1 - changed)
    root = Z * math.sqrt(2 * middle * (1 - middle)) + Z_POWER * math.sqrt(spread)
    return math.ceil((root / CHANGE) ** 2)


def compare(before: Count, after: Count) -> Comparison:
    """Whether an edit helped: difference, interval, probability and a verdict; both must have votes."""
    gap, probability = difference(before, after), probability_better(before, after)
    return Comparison(*gap, probability, _verdict(before, after, gap, probability))


def _verdict(before: Count, after: Count, gap: Difference, probability: float) -> str:
    """ "likely better" or "likely worse" with 20 votes each, 95 % and an interval without 0; else a hedge."""
    fewer = min(before.votes, after.votes)
    if fewer >= ENOUGH and probability >= SURE and gap.low > 0:
        return "likely better"
    if fewer >= ENOUGH and probability <= 1 - SURE and gap.high < 0:
        return "likely worse"
    missing = sample_size(before.share) - fewer
    if missing > 0:
        return f"not enough votes to tell; about {missing} more would show a 10-point change"
    return "not enough votes to tell so small a change; a 10-point change would most likely have shown"


# Alerts


def drop_evidence(yes: int, votes: int, usual: float) -> float:
    """The e-value of a drop below `usual` (0 < usual < 1): above 0, 1 without votes, an alarm from 100 on.

    E = ∫₀^p₀ pᵏ(1−p)ⁿ⁻ᵏ dp / (p₀ · p₀ᵏ(1−p₀)ⁿ⁻ᵏ): how much better all lower shares, each as likely as the
    other, explain the votes than p₀ does. While the share is p₀ or more, no vote is expected to raise it, so that it
    may be looked at after every one: it reaches 100 at most once in a hundred articles (Ville 1939). Kept below
    1e305, so that it is always a number.
    """
    a, b = yes + 1, votes - yes + 1
    # Both parts carry the denominator, which cancels all powers of the continued fraction.
    if usual < (a + 1) / (a + b + 2):
        return (1 - usual) * beta_fraction(usual, a, b) / a
    whole = log_beta(a, b) - a * math.log(usual) - (b - 1) * math.log1p(-usual)
    rest = (1 - usual) * beta_fraction(1 - usual, b, a) / b
    return math.exp(min(whole, _LARGEST_LOG)) - rest


def dropped(yes: int, votes: int, usual: float) -> bool:
    """Whether readers have raised the alarm that an article fell below its usual share."""
    return votes >= ALARM_VOTES and drop_evidence(yes, votes, usual) >= ALARM


def volume_tail(today: int, past: int, days: int) -> float:
    """P(at least `today` votes on a day) after `past` votes in `days` days (T >= 1); 1 for none.

    The tail of NegBin(S + ½, T/(T+1)), which is I_x(today, S + ½) at x = 1/(T+1): the Poisson rate of a usual day
    with Jeffreys' prior, predicted for one more day (Gelman et al. 2013, 2.6 and 2.8).
    """
    if today <= 0:
        return 1.0
    return beta_cdf(1 / (days + 1), today, past + 0.5)


def burst(today: int, past: int, days: int) -> bool:
    """Whether a day's volume stands out; never with less than a week behind the article."""
    return days >= BURST_MIN_DAYS and volume_tail(today, past, days) < UNLIKELY


def composition_tail(today: Count, past: Count) -> float:
    """P(a share of Yes at least as far out as today's, on its side), as the past lets one expect; 1 without votes.

    The tail of the beta-binomial C(n,k)·B(k+α, n−k+β)/B(α, β), its α and β those of the past share under a uniform
    prior: yes + 1 and no + 1 (Skellam 1948).
    """
    alpha, beta = _beta(past)
    few, many = (today.yes, today.no), (alpha, beta)
    if today.yes * (alpha + beta) > today.votes * alpha:
        few, many = few[::-1], many[::-1]
    return _beta_binomial_lower_tail(few[0], today.votes, *many)


def _beta_binomial_lower_tail(yes: int, votes: int, alpha: int, beta: int) -> float:
    """P(X <= yes), for a count at or below its mean, where the terms fall towards 0."""
    no = votes - yes
    height = math.exp(
        -math.log(votes + 1) - log_beta(yes + 1, no + 1) + log_beta(alpha + yes, beta + no) - log_beta(alpha, beta)
    )
    down = (
        i * (beta + votes - i) / ((votes - i + 1) * (alpha + i - 1))  # the term of i - 1 over the term of i
        for i in range(yes, 0, -1)
    )
    return min(1.0, height * (1 + _falling_sum(down, yes)))
