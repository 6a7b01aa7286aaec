"""Regressions agree with closed forms, and their errors with how much refits move."""

from __future__ import annotations

import numpy as np
import pytest

from retention._stats.logistic import sigmoid
from retention._stats.regression import regress, with_intercept


def test_linear_is_ridge_least_squares() -> None:
    """The normal equations with one prior observation per column and none for the intercept."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    y = 1 + X @ [2, -1] + rng.normal(size=200)
    design = np.column_stack([np.ones(200), X])
    ridge = np.diag([0, *X.var(axis=0)])
    assert regress(X, y, logistic=False).beta == pytest.approx(np.linalg.solve(design.T @ design + ridge, design.T @ y))


@pytest.mark.parametrize("logistic", [True, False])
def test_the_covariance_is_that_of_refits(logistic: bool) -> None:
    """Over 300 samples the coefficients vary as the mean covariance says, also with a spread that differs by row."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 500, 1))
    line = -0.5 + X[..., 0]
    noise = rng.normal(size=line.shape) * np.exp(X[..., 0] / 2)
    y = (rng.random(line.shape) < sigmoid(line)) if logistic else line + noise
    found = [regress(x, one.astype(float), logistic=logistic) for x, one in zip(X, y, strict=True)]
    seen = np.std([f.beta for f in found], axis=0)
    told = np.sqrt(np.mean([np.diag(f.covariance) for f in found], axis=0))
    assert told == pytest.approx(seen, rel=0.12)


def test_a_constant_column_says_nothing() -> None:
    """Its coefficient is 0 and the rest is as without it."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(100, 1)), rng.normal(size=100)
    both = regress(np.column_stack([X, np.zeros(100)]), y, logistic=False)
    assert both.beta == pytest.approx([*regress(X, y, logistic=False).beta, 0])


def test_with_intercept() -> None:
    """The ones come first, also where there is no column."""
    assert with_intercept(np.zeros((2, 0))).tolist() == [[1.0], [1.0]]
