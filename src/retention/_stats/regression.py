"""A regression with a ridge and the robust covariance of its coefficients: logistic for 0 and 1, linear for amounts.

The ridge is that of `retention._stats.logistic`: one prior observation for each standardised column, none for the
intercept. The covariance is the sandwich (White, Econometrica 48, 1980, 817-838), which stays right where the spread of
the outcome or the shape of the curve is not what the model thinks.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention._stats.logistic import fit_logistic, sigmoid
from retention._types import FloatArray

__all__ = ["Regression", "regress", "with_intercept"]

_BLOCK = 1 << 13


@frozen(eq=False)
class Regression:
    """`beta`: intercept first, then one coefficient per column, (d + 1,); `covariance`: of these, (d + 1, d + 1)."""

    beta: FloatArray
    covariance: FloatArray


def with_intercept(columns: FloatArray) -> FloatArray:
    """A column of ones, then the columns."""
    return np.column_stack([np.ones(len(columns)), columns])


def regress(columns: FloatArray, outcome: FloatArray, *, logistic: bool) -> Regression:
    """The fit of ``columns`` (n, d), of about unit size, to ``outcome`` (n,); n at least 1.

    >>> found = regress(np.array([[0.0], [1.0]] * 500), np.array([1.0, 3.0] * 500), logistic=False)
    >>> found.beta.round(2)
    array([1., 2.])
    """
    design = with_intercept(columns)
    scale = columns.std(axis=0)
    ridge: FloatArray = np.diag(np.concatenate([[0.0], np.where(scale > 0, scale, 1.0) ** 2]))
    beta = _logistic(columns, outcome) if logistic else _linear(design, outcome, ridge)
    curvature, squares = _moments(design, outcome, beta, logistic=logistic)
    inverse = np.linalg.inv(curvature + ridge)
    return Regression(beta, inverse @ squares @ inverse)


def _moments(
    design: FloatArray, outcome: FloatArray, beta: FloatArray, *, logistic: bool
) -> tuple[FloatArray, FloatArray]:
    """The curvature of the loss without the ridge, and the sum of squares of its slope, in blocks of rows."""
    curvature: FloatArray = np.zeros((len(beta), len(beta)))
    squares = np.zeros_like(curvature)
    for start in range(0, len(design), _BLOCK):
        rows, y = design[start : start + _BLOCK], outcome[start : start + _BLOCK]
        line: FloatArray = rows @ beta
        expected = sigmoid(line) if logistic else line
        weighted = rows * (expected * (1 - expected))[:, None] if logistic else rows
        curvature += rows.T @ weighted
        missed = rows * (y - expected)[:, None]
        squares += missed.T @ missed
    return curvature, squares


def _linear(design: FloatArray, outcome: FloatArray, ridge: FloatArray) -> FloatArray:
    return np.linalg.solve(design.T @ design + ridge, design.T @ outcome).astype(np.float64, copy=False)


def _logistic(columns: FloatArray, outcome: FloatArray) -> FloatArray:
    found = fit_logistic(columns, outcome)
    slope = found.coefficient / found.scale
    return np.concatenate([[found.intercept - found.centre @ slope], slope])
