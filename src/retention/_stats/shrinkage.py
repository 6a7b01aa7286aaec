"""Empirical Bayes: the mean of few observations leans on what the other groups are like.

The model, normal in both steps, group i with the mean y_i of x_i observations::

    y_i | m_i ~ Normal(m_i, within / x_i)        m_i ~ Normal(centre, between)

Only the ratio ``weight = within / between`` matters for shrinking: the centre counts as much as ``weight`` observations
of the group's own. It is estimated from how the spread of the y_i falls as x_i grows, so the observations themselves
are not needed. Nothing iterates: the marginal likelihood is looked at on a grid, `centre` and `between` profiled out.

The prior on the weight, log-normal around 3 with standard deviation 1, decides where the data cannot: one group, one
value of x, no spread at all. It is worth little from a hundred groups on. The 3 lies between the two shops that were
looked at: in the logarithms of their gaps between orders the weight is 5.0 (CDNOW to 1997-09-30) and 1.3 (Online Retail
to 2011-09-09).
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention._types import FloatArray, IntArray

__all__ = ["Shrinkage", "fit_shrinkage", "shrink"]

_WEIGHTS = np.geomspace(1 / 8, 128, 61)
_USUAL_WEIGHT = 3.0
# One more group, half a unit (of the log scale, in its use for gaps) from the centre: no spread is never exactly zero.
_SOME_SPREAD = 0.25


@frozen
class Shrinkage:
    """`centre`: of the groups' means. `weight`: how many of its own observations it weighs as much as, 1/8 to 128."""

    centre: float
    weight: float


def fit_shrinkage(means: FloatArray, counts: IntArray) -> Shrinkage:
    """Centre and weight from the ``means`` of at least one group, each of ``counts`` >= 1 observations; shapes (n,).

    The centre moves with the means (a constant added to all is added to it); the weight does not.
    """
    origin = float(means.mean())
    x, n, total, squares = _by_count(means - origin, counts)
    spread = 1 + _WEIGHTS[:, None] / x  # variance of a group's mean, in units of `between`; shape (weights, counts)
    centre = (total / spread).sum(axis=1) / (n / spread).sum(axis=1)
    residual = ((squares - 2 * centre[:, None] * total + n * centre[:, None] ** 2) / spread).sum(axis=1)
    likelihood = -((n.sum() + 1) * np.log(residual + _SOME_SPREAD) + (n * np.log(spread)).sum(axis=1)) / 2
    posterior = likelihood - np.log(_WEIGHTS / _USUAL_WEIGHT) ** 2 / 2
    chance = np.exp(posterior - posterior.max())
    weight = float(np.exp(np.average(np.log(_WEIGHTS), weights=chance)))
    return Shrinkage(centre=origin + float(np.average(total / n, weights=n / (1 + weight / x))), weight=weight)


def shrink(fitted: Shrinkage, means: FloatArray, counts: IntArray) -> FloatArray:
    """Each group's mean drawn to the centre, shape (n,): between the two, the nearer to its own the more it counts."""
    return (counts * means + fitted.weight * fitted.centre) / (counts + fitted.weight)


def _by_count(y: FloatArray, counts: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The groups of equal count taken together: the count, how many groups, sum and sum of squares of their means."""
    groups, total, squares = (np.bincount(counts, weights).astype(np.float64) for weights in (np.ones_like(y), y, y**2))
    x = np.flatnonzero(groups)
    return x.astype(np.float64), groups[x], total[x], squares[x]
