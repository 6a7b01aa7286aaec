"""Integrals over a whole axis, accurate to about eleven digits with some fifty nodes.

The trapezoidal rule on the whole axis converges exponentially for a smooth integrand that dies out on both sides. Where
it dies out slowly, like exp(-rate * |v|), the axis is stretched doubly exponentially (Takahasi, Mori 1974; Trefethen,
Weideman, SIAM Review 56, 2014).
"""

from __future__ import annotations

from math import ceil, log

import numpy as np

from retention._types import FloatArray

__all__ = ["beta_nodes", "nodes"]

# With steps of .35 a strip without poles of half-width pi / 2 leaves an error of exp(-pi**2 / .35), 6e-13 (relative).
_STEP = 0.35
# exp(-37) is the smallest share that a sum of doubles notices.
_NOTHING = 37.0
_MARGIN = 4.0
# Below this logit nothing changes any more, and quotients by p stay what they are.
_LOWEST = -460.0


def nodes(low: float, high: float, *, left_rate: float, right_rate: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for an integrand that is lively between ``low`` and ``high`` and dies out at these rates.

    >>> v, weight = nodes(-6, 4, left_rate=1, right_rate=1)  # the logistic density
    >>> float(round(np.sum(weight / (4 * np.cosh(v / 2) ** 2)), 11))
    1.0
    """
    start = low - log(1 + _NOTHING / left_rate)
    end = high + log(1 + _NOTHING / right_rate)
    count = ceil((end - start) / _STEP) + 1
    t = np.linspace(start, end, count)
    left, right = np.exp(low - t), np.exp(t - high)
    return t - left + right, (1 + left + right) * (t[1] - t[0])


def beta_nodes(a: float, b: float, steepness: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nodes p, log(1 - p) and weights for the mean of f(p), p beta distributed; f may change at p near 1 / steepness.

    f is bounded; the weights add up to 1.

    >>> p, _, weight = beta_nodes(0.8, 1.6, steepness=10.0)
    >>> float(round(np.sum(weight * p), 10)) == round(0.8 / 2.4, 10)
    True
    """
    centre = log(a / b)
    scale = min(1.0, (1 / a + 1 / b) ** 0.5)  # about the standard deviation of logit(p), where that is small
    # To the left f may still change, to the right 1 - p does; neither matters where the density is gone.
    left = min(max(0.0, centre + np.log1p(steepness)), 9 * scale + _NOTHING / a) / scale
    right = min(max(0.0, -centre), 9 * scale + _NOTHING / b) / scale
    v, weight = nodes(-left - _MARGIN, right + _MARGIN, left_rate=a * scale, right_rate=b * scale)
    v = centre + scale * v
    log_density = a * v - (a + b) * np.logaddexp(0, v)
    weight *= np.exp(log_density - log_density.max())
    v = np.maximum(v, _LOWEST)
    return np.exp(-np.logaddexp(0, -v)), -np.logaddexp(0, v), weight / weight.sum()
