"""Exact boundaries for a test that is looked at often and ends at a stated time.

Given how many customers returned at each look, the treated among them are Binomial if the letters change nobody. The
distribution of their sum over the paths that have not stopped yet is carried on look by look, exactly; at each look as
many of its outermost states stop as the error to be spent so far allows. O'Brien and Fleming's boundaries in the
version of Lan and DeMets (Biometrika 70, 1983, 659-663): next to nothing is spent early, so the end costs hardly more
than if nobody had looked.
"""

from __future__ import annotations

from math import erfc, sqrt
from statistics import NormalDist

import numpy as np

from retention._types import FloatArray, IntArray

__all__ = ["boundaries", "spent"]

_NOTHING = 1e-30  # a state less likely than this is dropped: together they are no rounding error


def spent(fraction: FloatArray, alpha: float) -> FloatArray:
    """How much of the one-sided error ``alpha`` may be used up at each fraction (0, 1] of the planned enrolment."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    return np.array([erfc(z / sqrt(2 * share)) for share in fraction])


def boundaries(n: IntArray, w: FloatArray, allowed: FloatArray) -> tuple[IntArray, IntArray]:
    """At each look the largest sum that stops for too few and the smallest that stops for too many: shapes (looks,).

    ``n``, ``w``: new returners and their propensities, shape (looks, groups). ``allowed``: the error on either side
    that may be used up to each look, not falling. Where nothing stops yet a boundary lies just outside of what can
    happen.
    """
    few, many = np.empty(len(n), np.int64), np.empty(len(n), np.int64)
    first, chance = 0, np.ones(1)
    used = [0.0, 0.0]
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n.max(initial=0) + 1)))])
    for look, (new, share) in enumerate(zip(n.tolist(), w.tolist(), strict=True)):
        for trials, p in zip(new, share, strict=True):
            if trials:
                start, steps = _binomial(trials, p, log_factorial)
                first, chance = first + start, np.convolve(chance, steps)
        below, used[0] = _outermost(chance, allowed[look], used[0])
        above, used[1] = _outermost(chance[::-1], allowed[look], used[1])
        few[look], many[look] = first + below - 1, first + len(chance) - above
        first, chance = _kept(first, chance, below, above)
    return few, many


def _binomial(n: int, p: float, log_factorial: FloatArray) -> tuple[int, FloatArray]:
    """The first number of treated that can happen and the chances from there on."""
    k = np.arange(n + 1)
    ways = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
    return _trimmed(0, np.exp(ways + k * np.log(p) + (n - k) * np.log1p(-p)))


def _outermost(chance: FloatArray, allowed: float, used: float) -> tuple[int, float]:
    """How many states from the front may stop, and the error used up by then."""
    sums = used + np.cumsum(chance)
    count = int(np.searchsorted(sums, allowed, side="right"))
    return count, float(sums[count - 1]) if count else used


def _kept(first: int, chance: FloatArray, below: int, above: int) -> tuple[int, FloatArray]:
    return _trimmed(first + below, chance[below : len(chance) - above])


def _trimmed(first: int, chance: FloatArray) -> tuple[int, FloatArray]:
    likely = np.flatnonzero(chance > _NOTHING)
    return first + int(likely[0]), chance[likely[0] : likely[-1] + 1]
