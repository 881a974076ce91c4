"""The beta function, whole and incomplete, without a loss of digits where its parameters are large."""

import math

_HALF_LOG_2PI = math.log(2 * math.pi) / 2
_STIRLING = (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)  # B₂ₖ/(2k(2k−1)), the last one first


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for 0 < x < 1 and positive a, b.

    By the continued fraction of DLMF 8.17.22 on the side where it converges fast; small tails keep their digits.
    """
    front = a * math.log(x) + b * math.log1p(-x) - log_beta(a, b)
    if x < (a + 1) / (a + b + 2):
        return math.exp(front) * beta_fraction(x, a, b) / a
    return 1 - math.exp(front) * beta_fraction(1 - x, b, a) / b


def log_beta(a: float, b: float) -> float:
    """ln B(a, b) for positive a and b, to about 1e-11 where they add up to 100,000.

    Three values of lgamma() would leave hardly nine digits there, since each of them is a million; with Stirling's
    formula (DLMF 5.11.1) put in, what is large in them cancels before anything is computed.
    """
    rest = _beyond_stirling(a) + _beyond_stirling(b) - _beyond_stirling(a + b)
    return _HALF_LOG_2PI - a * math.log1p(b / a) - b * math.log1p(a / b) + math.log(1 / a + 1 / b) / 2 + rest


def _beyond_stirling(x: float) -> float:
    """ln Γ(x) − ((x − ½)·ln x − x + ½·ln 2π), by its series where that has all digits of a double."""
    if x < 10:
        return math.lgamma(x) - ((x - 0.5) * math.log(x) - x + _HALF_LOG_2PI)
    square = 1 / (x * x)
    series = 0.0
    for coefficient in _STIRLING:
        series = series * square + coefficient
    return series / x


def beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b), by the modified Lentz method (Thompson and Barnett 1986)."""
    c, d = 1.0, _inverse(1 - (a + b) * x / (a + 1))
    value = d
    # It needs about √max(a, b) rounds; the bound only keeps a mistake from running for ever.
    for m in range(1, 200 + 20 * math.isqrt(int(max(a, b)) + 1)):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = _inverse(1 + even * d), _nonzero(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = _inverse(1 + odd * d), _nonzero(1 + odd / c)
        value *= d * c
        if abs(d * c - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at x={x}, a={a}, b={b}")


def _nonzero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300


def _inverse(value: float) -> float:
    return 1 / _nonzero(value)
