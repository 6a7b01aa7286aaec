"""Logistic regression with a ridge: iteratively reweighted least squares, which is Newton's method, in numpy alone.

The ridge keeps every fit finite: also where a column separates the outcomes, where two columns say the same, where only
one outcome was seen. Its strength is that of one prior observation per standardised column, so from a few hundred rows
on it decides nothing. The intercept is left free but for half a case of either outcome, for the same reason.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention._types import FloatArray

__all__ = ["Logistic", "fit_logistic", "linear", "sigmoid"]

_RIDGE = 1.0
_MOST_STEPS = 50
_SMALL_STEP = 1e-8
_ROUNDING = 1e-12
_BLOCK = 1 << 14
"""Rows handled at a time, so that what is computed on the way stays in the processor's cache."""


@frozen(eq=False)
class Logistic:
    """log odds = intercept + the sum over columns of coefficient * (value - centre) / scale.

    `centre`, `scale`: mean and standard deviation of each column where it was fitted, shape (k,); a column of one value
    has scale 1. `coefficient`: shape (k,). `steps`: of Newton's method. `converged`: whether the last step was small.
    """

    intercept: float
    coefficient: FloatArray
    centre: FloatArray
    scale: FloatArray
    steps: int
    converged: bool


def sigmoid(log_odds: FloatArray) -> FloatArray:
    """The probability of each log odds, never 0 or 1 for log odds within 36 of 0."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))


def linear(fitted: Logistic, columns: FloatArray) -> FloatArray:
    """What each column adds to the log odds of each row, compared with the mean row of the fit; shape (n, k)."""
    return (columns - fitted.centre) * (fitted.coefficient / fitted.scale)


def fit_logistic(columns: FloatArray, outcome: FloatArray) -> Logistic:
    """The fit of ``columns`` (n, k), finite, to ``outcome`` (n,) of zeros and ones; n at least 1.

    >>> found = fit_logistic(np.array([[0.0], [0.0], [1.0], [1.0]] * 50), np.array([0.0, 0.0, 0.0, 1.0] * 50))
    >>> found.converged, (sigmoid(found.intercept + linear(found, np.array([[0.0], [1.0]])).sum(axis=1))).round(2)
    (True, array([0.01, 0.49]))
    """
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(scale > 1e-12 * (1 + np.abs(centre)), scale, 1.0)
    design = np.column_stack([np.ones(len(columns)), (columns - centre) / scale])
    beta = np.zeros(design.shape[1])
    beta[0] = np.log((outcome.sum() + 0.5) / ((1 - outcome).sum() + 0.5))
    loss, slope, curvature = _loss(design, outcome, beta)
    steps = 0
    size = np.inf
    while size >= _SMALL_STEP and steps < _MOST_STEPS:
        steps += 1
        move = np.linalg.solve(curvature, slope)
        tried = _loss(design, outcome, beta + move)
        while tried[0] > loss + _ROUNDING * abs(loss):  # a full step may overshoot where outcomes are nearly separated
            move /= 2
            tried = _loss(design, outcome, beta + move)
        beta = beta + move
        loss, slope, curvature = tried
        size = float(np.abs(move).max())
    return Logistic(float(beta[0]), beta[1:], centre, scale, steps, size < _SMALL_STEP)


def _loss(design: FloatArray, outcome: FloatArray, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Penalised minus log likelihood, the negative of its slope, and its curvature, in blocks of rows."""
    prior = np.full(len(beta), _RIDGE)
    prior[0] = 0.0
    # Half a case of either outcome at the mean row.
    even = 1 / (1 + np.exp(-beta[0]))
    loss = float(prior @ beta**2) / 2 + np.logaddexp(0, beta[0]) - beta[0] / 2
    slope = -prior * beta
    slope[0] += 0.5 - even
    curvature = np.diag(prior)
    curvature[0, 0] += even * (1 - even)
    for start in range(0, len(design), _BLOCK):
        rows, y = design[start : start + _BLOCK], outcome[start : start + _BLOCK]
        log_odds = rows @ beta
        p = sigmoid(log_odds)
        loss += float(np.logaddexp(0, log_odds).sum() - y @ log_odds)
        slope += rows.T @ (y - p)
        curvature += rows.T @ (rows * (p * (1 - p))[:, None])
    return loss, slope, curvature
