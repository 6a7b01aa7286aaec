"""Logistic regression in which many groups at once have an effect each: products, customers, sizes, crossed or nested.

The model, for row i with one level of every factor j::

    logit P(y_i = 1) = intercept + sum_j effect_j[level_ij]        effect_j[l] ~ Normal(0, variance_j)

Fitted by penalised quasi-likelihood (Breslow & Clayton 1993, JASA 88, 9-25): one factor after the other gets a Newton
step for all its levels together, which for one factor are independent, and then the variance that makes its effects and
their uncertainty most likely (the EM step). Nothing is tuned: how much a level with few rows leans on the others is
what the variances say. A pass costs a few sums over the rows for each factor, whatever the number of levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from retention._types import FloatArray, IntArray

__all__ = ["Crossed", "fit_crossed", "linear"]

_PASSES = 60
_SETTLED = 0.01
"""The variances have settled when none changes by more than this share in a pass, those near nothing by less."""
_NOTHING = 0.01
_START = 0.1
_SMALLEST = 1e-4


@frozen(eq=False)
class Crossed:
    """What was fitted: `effects` and `spreads` (their posterior variances) of each factor's levels, and `variances`."""

    intercept: float
    effects: tuple[FloatArray, ...]
    spreads: tuple[FloatArray, ...]
    variances: FloatArray
    passes: int


def fit_crossed(
    levels: Sequence[IntArray], sizes: Sequence[int], outcome: FloatArray, weight: FloatArray | None = None
) -> Crossed:
    """The model of ``outcome`` (0 or 1, both occurring), each row counting ``weight`` times; shapes (n,).

    ``levels``: for each factor the level of each row, from 0 to its size - 1. A factor of size 0 has no effect.
    """
    count = np.ones_like(outcome) if weight is None else weight
    share = float((count * outcome).sum() / count.sum())
    fit = _Fit(levels, sizes, outcome, count, float(np.log(share / (1 - share))))
    used = np.flatnonzero(sizes).tolist()
    passes, change = 0, np.inf
    while passes < _PASSES and change > _SETTLED:
        passes += 1
        before = fit.variances.copy()
        for factor in used:
            fit.improve(factor)
        fit.centre()
        change = float((np.abs(fit.variances - before) / (before + _NOTHING)).max(initial=0))
    return Crossed(fit.intercept, tuple(fit.effects), tuple(fit.spreads), fit.variances, passes)


class _Fit:
    """The fit under way; `logit` is kept in step with the effects."""

    def __init__(
        self, levels: Sequence[IntArray], sizes: Sequence[int], outcome: FloatArray, count: FloatArray, start: float
    ) -> None:
        self.levels, self.sizes, self.outcome, self.count = levels, sizes, outcome, count
        self.intercept = start
        self.effects = [np.zeros(size) for size in sizes]
        self.spreads = [np.full(size, _START) for size in sizes]
        self.variances = np.where(np.array(sizes) > 0, _START, 0.0)
        self.logit = np.full(len(outcome), start)

    def improve(self, factor: int) -> None:
        """A Newton step for the factor's effects, then its variance."""
        level, size, variance = self.levels[factor], self.sizes[factor], float(self.variances[factor])
        slope, curvature = self._derivatives()
        precision = np.bincount(level, curvature, size) + 1 / variance
        old = self.effects[factor]
        step = (np.bincount(level, slope, size) - old / variance) / precision
        self.effects[factor], self.spreads[factor] = old + step, 1 / precision
        self.logit += step[level]
        self.variances[factor] = max(_SMALLEST, float(np.mean(self.effects[factor] ** 2 + self.spreads[factor])))

    def centre(self) -> None:
        """A Newton step for the intercept."""
        slope, curvature = self._derivatives()
        step = float(slope.sum() / curvature.sum())
        self.intercept += step
        self.logit += step

    def _derivatives(self) -> tuple[FloatArray, FloatArray]:
        chance = 1 / (1 + np.exp(-self.logit))
        return self.count * (self.outcome - chance), self.count * chance * (1 - chance)


def linear(model: Crossed, levels: Sequence[IntArray]) -> tuple[FloatArray, FloatArray]:
    """Each factor's part of each row's logit, shape (n, factors), and the variance of the logit, (n,).

    A level of -1 is one that nobody has seen: its part is 0 and its variance the factor's.
    """
    parts = np.zeros((len(levels[0]), len(levels)))
    variance = np.zeros(len(levels[0]))
    for factor, level in enumerate(levels):
        seen = (level >= 0) & (model.variances[factor] > 0)
        parts[seen, factor] = model.effects[factor][level[seen]]
        variance[seen] += model.spreads[factor][level[seen]]
        variance[~seen] += model.variances[factor]
    return parts, variance
