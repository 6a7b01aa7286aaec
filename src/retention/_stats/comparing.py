"""Textbook comparisons for a time fixed beforehand: two shares, two means, many counts.

Arrays of equal shape or scalars in; nothing is NaN where there is at least one customer in each arm.
"""

from __future__ import annotations

from math import erfc, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from attrs import frozen

from retention._stats.mover import t_quantile
from retention._types import FloatArray

__all__ = ["Welch", "chi_square", "ratio_limits", "two_sided", "welch", "z_of_shares"]

_HALVINGS = 40
_FAR = 30.0  # a log ratio nobody observes


def z_of_shares(x1: Any, n1: Any, x0: Any, n0: Any) -> FloatArray:
    """The score statistic of x1/n1 - x0/n0, the variance pooled; 0 where nobody or everybody succeeded."""
    p = np.add(x1, x0) / np.add(n1, n0)
    sd = np.sqrt(p * (1 - p) * (1 / np.asarray(n1) + 1 / np.asarray(n0)))
    z: FloatArray = (np.divide(x1, n1) - np.divide(x0, n0)) / np.where(sd > 0, sd, 1.0)
    return np.where(sd > 0, z, 0.0)


def two_sided(z: FloatArray) -> FloatArray:
    """The chance of a normal as far from 0 on either side; tiny ones keep their digits."""
    return np.array([erfc(abs(one) / sqrt(2)) for one in z.ravel().tolist()]).reshape(z.shape)


def ratio_limits(x1: Any, n1: Any, x0: Any, n0: Any, *, level: float) -> tuple[FloatArray, FloatArray]:
    """Koopman's score interval of (x1/n1) / (x0/n0) (Biometrics 40, 1984, 513-517): lower and upper limit.

    The lower limit is 0 where x1 is 0, the upper infinite where x0 is 0.
    """
    counts = tuple(np.asarray(value, np.float64) for value in (x1, n1, x0, n0))
    critical = NormalDist().inv_cdf((1 + level) / 2) ** 2
    # Where a share is 0 the search starts from what half a success would give; the statistic is 0 there or near.
    middle = np.log((counts[0] + 0.5) / (counts[1] + 0.5)) - np.log((counts[2] + 0.5) / (counts[3] + 0.5))
    low, high = (_edge(counts, middle, middle + side * _FAR, critical) for side in (-1, 1))
    return np.where(counts[0] == 0, 0.0, np.exp(low)), np.where(counts[2] == 0, np.inf, np.exp(high))


def _edge(counts: tuple[FloatArray, ...], inside: FloatArray, outside: FloatArray, critical: float) -> FloatArray:
    """Where on the way outwards the statistic passes the critical value."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        fits = _score(counts, np.exp(middle)) <= critical
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return outside


def _score(counts: tuple[FloatArray, ...], ratio: FloatArray) -> FloatArray:
    """Koopman's chi-square of a ratio: the two shares most likely under it, and how far the counts are from these."""
    x1, n1, x0, n0 = counts
    a, b, c = (n1 + n0) * ratio, -(ratio * (n1 + x0) + x1 + n0), x1 + x0
    p0 = (-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))) / (2 * a)
    p1 = np.clip(p0 * ratio, 0.0, 1.0)
    return _distance(x1, n1, p1) + _distance(x0, n0, p0)


def _distance(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    variance = n * p * (1 - p)
    return np.where(variance > 0, (x - n * p) ** 2 / np.where(variance > 0, variance, 1.0), 0.0)


@frozen
class Welch:
    """A difference of two means: `estimate`, the interval's ends, Student's `t`, its `df` and two-sided `p_value`."""

    estimate: float
    lower: float
    upper: float
    t: float
    df: float
    p_value: float


def welch(treated: FloatArray, control: FloatArray, *, level: float) -> Welch:
    """Means of unequal variances (Biometrika 34, 1947, 28-35); at least two values in each arm, not all equal."""
    from scipy.special import stdtr

    parts = [float(values.var(ddof=1)) / len(values) for values in (treated, control)]
    estimate, variance = float(treated.mean() - control.mean()), sum(parts)
    df = variance**2 / sum(part**2 / (len(v) - 1) for part, v in zip(parts, (treated, control), strict=True))
    t, half = estimate / sqrt(variance), float(t_quantile(df, level)) * sqrt(variance)
    return Welch(estimate, estimate - half, estimate + half, t, df, 2 * float(stdtr(df, -abs(t))))


def chi_square(counts: Any, weights: Any) -> tuple[FloatArray, FloatArray]:
    """Pearson's statistic and p-value of counts (..., arms) against the weights of the arms; 0 and 1 without counts."""
    from scipy.special import chdtrc

    expected = counts.sum(axis=-1, keepdims=True) * weights
    statistic = ((counts - expected) ** 2 / np.where(expected > 0, expected, 1.0)).sum(axis=-1)
    return statistic, chdtrc(max(counts.shape[-1] - 1, 1), statistic)  # one arm alone has the statistic 0
