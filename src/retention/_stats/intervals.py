"""Intervals for shares and for the difference of two shares, finite wherever there is at least one trial.

Counts come in, arrays of equal shape or scalars; no limit is ever NaN, not even with no success or with nothing but
successes.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from retention._types import FloatArray

__all__ = ["newcombe", "wilson"]


def wilson(successes: Any, n: Any, *, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Wilson's score interval of a share (JASA 22, 1927, 209-212): lower and upper limit, within [0, 1].

    ``successes``: 0 to n. ``n``: trials, at least 1. Both of one shape, the limits have it too.

    >>> [round(float(limit), 4) for limit in wilson(81, 263)]  # Newcombe 1998, table I
    [0.2553, 0.3662]
    """
    x, n = np.asarray(successes, np.float64), np.asarray(n, np.float64)
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (x + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(x * (n - x) / n + z * z / 4)
    # At the ends the limit is exactly 0 or 1; rounding must not leave a trace of something else.
    return np.where(x == 0, 0.0, centre - half), np.where(x == n, 1.0, centre + half)


def newcombe(x1: Any, n1: Any, x0: Any, n0: Any, *, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Newcombe's hybrid score interval of x1/n1 - x0/n0 (Statistics in Medicine 17, 1998, 873-890, method 10).

    Lower and upper limit, within [-1, 1]. Counts as in `wilson`; each arm needs at least one trial.

    >>> [round(float(limit), 4) for limit in newcombe(56, 70, 48, 80)]  # table II
    [0.0524, 0.3339]
    """
    (lower1, upper1), (lower0, upper0) = wilson(x1, n1, level=level), wilson(x0, n0, level=level)
    p1, p0 = np.divide(x1, n1), np.divide(x0, n0)
    return p1 - p0 - np.hypot(p1 - lower1, upper0 - p0), p1 - p0 + np.hypot(upper1 - p1, p0 - lower0)
