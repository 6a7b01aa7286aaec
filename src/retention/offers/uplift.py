"""What each offer changes for each customer, learned from a test in which chance decided who got what.

The rules of the room:

- *Linear learners.* On Hillstrom's test they rank as well as boosted trees or better, and a fit takes milliseconds. An
  outcome of zeros and ones is fitted by logistic regression, any other (revenue, margin) by ridge regression.
- *All learners end alike*: coefficients per arm and their covariance, so one function predicts for all of them.
- *No number without its error.* Standard errors are robust: of the best model of this shape, not of the truth.

T: one regression per arm. S: one for all, with an interaction of every column with every offer, so that arms share what
they have in common. DR: the doubly robust scores of Kennedy (Electronic Journal of Statistics 17, 2023, 3008-3049),
regressed on the columns; it needs the chance of each arm to be known, not that the outcome's model is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.logistic import sigmoid
from retention._stats.regression import regress, with_intercept
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.offers._tables import inside, table

__all__ = ["Predicted", "UpliftModel", "cross_fitted", "fit_uplift", "predict_uplift"]

_LEAST = 20
_FOLDS = 5
_BLOCK = 1 << 14


@frozen(eq=False)
class UpliftModel:
    """What the arms' outcomes go by; made by `fit_uplift`.

    `offers`: the arms other than the control, sorted, as text. `control`, `learner`: as given. `logistic`: whether the
    outcome was 0 or 1 and a regression of its log odds explains it. `centre`, `scale`: of the columns, (d,).
    `coefficient`: of the control and the offers, intercept first, (1 + offers, d + 1). `covariance`: of the
    coefficients of any two arms, (1 + offers, 1 + offers, d + 1, d + 1).
    """

    offers: tuple[str, ...]
    control: str
    learner: str
    logistic: bool
    centre: FloatArray
    scale: FloatArray
    coefficient: FloatArray
    covariance: FloatArray


@frozen(eq=False)
class Predicted:
    """What each offer adds to a customer's expected outcome, in its unit (for 0 and 1: a difference of chances).

    `uplift`, `standard_error`: shape (n, offers). `lower`: what the uplift exceeds with the chance `level`, one-sided;
    an offer that costs something should be judged by it.
    """

    uplift: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    level: float


def fit_uplift(
    X: Any,
    arm: ArrayLike,
    outcome: ArrayLike,
    *,
    control: object = "control",
    learner: str = "t",
    propensity: ArrayLike | None = None,
    rng: int | np.random.Generator = 0,
) -> UpliftModel:
    """Learn from a randomised test what every offer changes, and for whom.

    ``X``: what was known before the draw, finite numbers, (n, d). ``arm``: whole numbers or text, (n,), ``control``
    the one without an offer. ``outcome``: 0 and 1, or amounts, (n,). ``learner``: "t", "s" or "dr". Only "dr" takes
    ``propensity``, the chance with which each row was given the arm it has, above 0, (n,); without it the shares of
    the arms, and ``rng``, a generator or seed that deals the rows into five folds. Raises `InvalidInput` naming
    column and row, and where an arm has fewer than 20 rows.

    >>> rng = np.random.default_rng(1)
    >>> X, arm = rng.normal(size=(4000, 2)), rng.integers(0, 2, 4000)
    >>> model = fit_uplift(X, arm, X[:, 1] + arm * (1 + X[:, 0]), control=0)
    >>> predict_uplift(model, [[0, 0], [1, 0]]).uplift.round(1).tolist()
    [[1.0], [2.0]]
    """
    columns = table("X", X)
    values = _checks.floats("outcome", outcome)
    names, code = _arms(arm, str(control))
    _checks.same_length(X=columns, arm=code, outcome=values)
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(scale > 1e-12 * (1 + np.abs(centre)), scale, 1.0)
    columns = (columns - centre) / scale
    logistic = learner != "dr" and _is_binary(values)
    if learner == "dr":
        chance = _chances(propensity, code)
        found = _dr(columns, code, values, chance, np.random.default_rng(rng))
    elif propensity is not None:
        raise InvalidInput(f"propensity: learner {learner!r} has no use for it: leave it out or use 'dr'")
    elif learner in ("t", "s"):
        found = (_t if learner == "t" else _s)(columns, code, values, logistic=logistic)
    else:
        raise InvalidInput(f"learner: {learner!r} is unknown; use one of t, s, dr")
    return UpliftModel(names[1:], names[0], learner, logistic, centre, scale, *found)


def predict_uplift(model: UpliftModel, X: Any, *, level: float = 0.9) -> Predicted:
    """The uplift of every offer for every row of ``X``, (n, d), with what it exceeds with the chance ``level``.

    Raises `InvalidInput` naming column and row.
    """
    z = NormalDist().inv_cdf(inside("level", level))
    columns = table("X", X, columns=len(model.centre))
    uplift = np.empty((len(columns), len(model.offers)))
    error = np.empty_like(uplift)
    for start in range(0, len(columns), _BLOCK):
        rows = slice(start, start + _BLOCK)
        design = with_intercept((columns[rows] - model.centre) / model.scale)
        uplift[rows], error[rows] = _predicted(model, design)
    return Predicted(uplift, error, uplift - z * error, level)


def _predicted(model: UpliftModel, design: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Uplift and standard error of some rows, by the delta method."""
    expected = design @ model.coefficient.T
    slope = np.ones_like(expected)
    if model.logistic:
        expected = sigmoid(expected)
        slope = expected * (1 - expected)
    variance = np.empty((len(design), len(model.offers)))
    own = slope[:, 0] ** 2 * _quadratic(design, model.covariance[0, 0])
    for j in range(1, len(model.coefficient)):
        both = slope[:, j] * slope[:, 0] * _quadratic(design, model.covariance[0, j])
        variance[:, j - 1] = own + slope[:, j] ** 2 * _quadratic(design, model.covariance[j, j]) - 2 * both
    return expected[:, 1:] - expected[:, :1], np.sqrt(np.maximum(variance, 0.0))


def _quadratic(design: FloatArray, matrix: FloatArray) -> FloatArray:
    result: FloatArray = np.einsum("ij,ij->i", design @ matrix, design)
    return result


# ---------------------------------------------------------------- the door


def _arms(arm: ArrayLike, control: str) -> tuple[tuple[str, ...], IntArray]:
    """The arms' names, the control first, and each row's place among them."""
    values, code = _checks.distinct(_checks.ids("arm", arm))
    names = [str(value) for value in values.tolist()]
    if control not in names or len(names) < 2:
        raise InvalidInput(f"arm: has {', '.join(names[:9])}: the control {control!r} and another arm must be there")
    for name, count in zip(names, np.bincount(code).tolist(), strict=True):
        if count < _LEAST:
            raise InvalidInput(f"arm: {name!r} has {count} rows, {_LEAST} are needed: leave it out or wait")
    order = [names.index(control), *(i for i, name in enumerate(names) if name != control)]
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return tuple(names[i] for i in order), place[code]


def _chances(propensity: ArrayLike | None, code: IntArray) -> FloatArray:
    if propensity is None:
        share: FloatArray = (np.bincount(code) / len(code))[code]
        return share
    chance = _checks.floats("propensity", propensity, at_most=1)
    _checks.refuse("propensity", chance, chance <= 0, "not above 0: who could not get the arm says nothing about it")
    _checks.same_length(arm=code, propensity=chance)
    return chance


def _is_binary(values: FloatArray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


# ---------------------------------------------------------------- learners: coefficients and covariance of all arms


def _t(columns: FloatArray, code: IntArray, outcome: FloatArray, *, logistic: bool) -> tuple[FloatArray, FloatArray]:
    arms = [regress(columns[code == a], outcome[code == a], logistic=logistic) for a in range(int(code.max()) + 1)]
    covariance = np.zeros((len(arms), len(arms), *arms[0].covariance.shape))
    for a, found in enumerate(arms):
        covariance[a, a] = found.covariance
    return np.array([found.beta for found in arms]), covariance


def _s(columns: FloatArray, code: IntArray, outcome: FloatArray, *, logistic: bool) -> tuple[FloatArray, FloatArray]:
    """One regression with an interaction of every column with every offer; arm a has the common part and its own."""
    design, arms = with_intercept(columns), int(code.max()) + 1
    own = [design * (code == a)[:, None] for a in range(1, arms)]
    found = regress(np.column_stack([columns, *own]), outcome, logistic=logistic)
    width = design.shape[1]
    part = np.eye(arms)
    part[:, 0] = 1.0
    into = np.kron(part, np.eye(width))  # from common and own parts to the arms' coefficients
    covariance = (into @ found.covariance @ into.T).reshape(arms, width, arms, width)
    return (into @ found.beta).reshape(arms, width), covariance.transpose(0, 2, 1, 3)


def _dr(
    columns: FloatArray, code: IntArray, outcome: FloatArray, chance: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Offer by offer, the scores regressed on the columns; the control is what they are compared with, so it is 0."""
    expected = cross_fitted(columns, code, outcome, int(code.max()) + 1, rng)
    missed = (outcome - expected[np.arange(len(code)), code]) / chance
    width, arms = columns.shape[1] + 1, expected.shape[1]
    beta, covariance = np.zeros((arms, width)), np.zeros((arms, arms, width, width))
    for a in range(1, arms):
        sign = (code == a).astype(np.float64) - (code == 0)
        found = regress(columns, expected[:, a] - expected[:, 0] + sign * missed, logistic=False)
        beta[a], covariance[a, a] = found.beta, found.covariance
    return beta, covariance


def cross_fitted(
    columns: FloatArray, code: IntArray, outcome: FloatArray, arms: int, rng: np.random.Generator
) -> FloatArray:
    """What each row could expect in each arm, (n, arms), from regressions on the other folds; of clean arrays.

    An arm that the other folds do not have is expected to bring what all rows there brought on average.
    """
    expected = np.empty((len(code), arms))
    logistic = _is_binary(outcome)
    for fold in _folds(len(code), rng):
        for a in range(arms):
            others = ~fold & (code == a)
            others = others if others.any() else ~fold
            beta = regress(columns[others], outcome[others], logistic=logistic).beta
            mean = with_intercept(columns[fold]) @ beta
            expected[fold, a] = sigmoid(mean) if logistic else mean
    return expected


def _folds(rows: int, rng: np.random.Generator) -> Iterator[Any]:
    """Which rows belong to each fold, the folds of about equal size."""
    fold = rng.permutation(np.arange(rows) % _FOLDS)
    return (fold == f for f in range(_FOLDS))
