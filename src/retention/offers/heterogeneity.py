"""Treat all, target, or nobody: whether an offer does more for some customers than for others, and whether it pays.

The test is that of Chernozhukov, Demirer, Duflo and Fernandez-Val (Econometrica 93, 2025, 1121-1164): the outcome is
regressed on the offer and on the offer times the predicted uplift, in a randomised test that the prediction has not
seen. The second slope is 1 for a prediction that is right and 0 for one that says nothing.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from attrs import frozen

from retention import _checks
from retention._types import ArrayLike, BoolArray, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.offers._tables import inside, marks
from retention.offers.ranking import Estimate

__all__ = ["Heterogeneity", "heterogeneity"]

_LEAST = 100
_FIFTH = 0.2
_TINY = 1e-300


@frozen
class Heterogeneity:
    """What `heterogeneity` found.

    `verdict`: "treat all", "target" or "nobody"; `why`: in a sentence. `effect`: of the offer on all, in the unit of
    the outcome; `slope`: by how much more where the prediction is 1 higher. `top`, `bottom`: the effect among the
    fifths with the highest and the lowest prediction. `p_value`: one-sided, of no difference that the prediction sees.
    """

    verdict: str
    why: str
    effect: Estimate
    slope: Estimate
    top: Estimate
    bottom: Estimate
    p_value: float


def heterogeneity(
    uplift: ArrayLike, treated: ArrayLike, outcome: ArrayLike, *, worth: float = 0.0, level: float = 0.95
) -> Heterogeneity:
    """Whether to send an offer to all, to those with a high ``uplift``, or to nobody.

    ``uplift``: predicted by a model that was fitted to other customers, (n,). ``treated``: 0 or 1, drawn with the same
    chance for all, (n,). ``outcome``: (n,). ``worth``: what the offer must bring to pay, in the unit of the outcome.
    Raises `InvalidInput` naming column and row, and where an arm has fewer than 100 customers or all have the same
    prediction.

    "target" needs a prediction that tells customers apart, its best fifth shown to gain more than ``worth`` and its
    worst fifth not; "treat all" that all together, or even the worst fifth, are shown to; else it is "nobody".

    >>> rng = np.random.default_rng(1)
    >>> score, treated = rng.normal(size=4000), rng.integers(0, 2, 4000)
    >>> heterogeneity(score, treated, rng.normal(size=4000) + treated * score).verdict
    'target'
    >>> heterogeneity(score, treated, rng.normal(size=4000) + treated).verdict
    'treat all'
    """
    score, arm, y = _checks.floats("uplift", uplift), marks("treated", treated), _checks.floats("outcome", outcome)
    n = _checks.same_length(uplift=score, treated=arm, outcome=y)
    z = NormalDist().inv_cdf((1 + inside("level", level)) / 2)
    (worth,) = _checks.floats("worth", [worth]).tolist()
    least = min(int(arm.sum()), n - int(arm.sum()))
    if least < _LEAST or score.min() == score.max():
        few = f"treated: an arm has {least} customers, {_LEAST} are needed"
        raise InvalidInput(few if least < _LEAST else "uplift: is the same for all: there is nothing to target by")
    effect, slope, statistic = _slopes(score, arm, y, z)
    low, high = np.quantile(score, [_FIFTH, 1 - _FIFTH])
    top, bottom = _effect(score >= high, arm, y, z), _effect(score <= low, arm, y, z)
    differs = slope.lower > 0
    verdict = _verdict((effect, top, bottom), worth, differs=differs)
    why = f"{_REASONS[verdict, differs]}; effect on all {effect}, on the best fifth {top}, on the worst {bottom}"
    return Heterogeneity(verdict, why, effect, slope, top, bottom, 1 - NormalDist().cdf(statistic))


_REASONS = {
    ("treat all", True): "customers differ, but even the least promising fifth gains more than the offer costs",
    ("treat all", False): "the offer pays and is not shown to do more for some than for others",
    ("target", True): "the offer is shown to do more for some than for others, and to pay for the most promising fifth",
    (
        "nobody",
        True,
    ): "customers differ, but not even the most promising fifth is shown to gain more than the offer costs",
    ("nobody", False): "the offer is not shown to pay, nor to do more for some than for others",
}


def _verdict(estimates: tuple[Estimate, Estimate, Estimate], worth: float, *, differs: bool) -> str:
    effect, top, bottom = estimates
    if not differs:
        return "treat all" if effect.lower > worth else "nobody"
    if bottom.lower > worth:
        return "treat all"
    return "target" if top.lower > worth else "nobody"


def _slopes(score: FloatArray, arm: IntArray, y: FloatArray, z: float) -> tuple[Estimate, Estimate, float]:
    """Effect and slope of the best linear predictor, by least squares with robust errors; the slope's z."""
    deviation, drawn = score - score.mean(), arm - arm.mean()
    scale = deviation.std()
    deviation = deviation / scale
    design = np.column_stack([np.ones(len(y)), deviation, drawn, drawn * deviation])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    spread = design * (y - design @ beta)[:, None]
    error = np.sqrt(np.diag(inverse @ spread.T @ spread @ inverse))
    effect = _around(float(beta[2]), float(error[2]), z)
    slope = _around(float(beta[3] / scale), float(error[3] / scale), z)
    return effect, slope, float(beta[3] / max(error[3], _TINY))


def _effect(rows: BoolArray, arm: IntArray, y: FloatArray, z: float) -> Estimate:
    """The difference of the arms' means among some rows; where an arm is missing nothing is known."""
    groups = [y[rows & (arm == a)] for a in (0, 1)]
    if min(map(len, groups)) < 2:
        return Estimate(float("nan"), float("-inf"), float("inf"))
    (m0, v0), (m1, v1) = ((float(g.mean()), float(g.var(ddof=1)) / len(g)) for g in groups)
    return _around(m1 - m0, float(np.sqrt(v0 + v1)), z)


def _around(value: float, error: float, z: float) -> Estimate:
    return Estimate(value, value - z * error, value + z * error)
