"""Logistic regression: the maximum where there is one, something finite where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats.logistic import fit_logistic, linear, sigmoid


def drawn(n, beta, seed=1):
    """Columns of very different scales, and outcomes by this truth on the standardised ones."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, len(beta) - 1))
    outcome = (rng.random(n) < sigmoid(beta[0] + z @ beta[1:])).astype(float)
    return z * [1, 1e4, 1e-3][: z.shape[1]] + 5, outcome


def test_the_truth_is_found():
    """With 50,000 rows the coefficients are the true ones up to a few standard errors."""
    columns, outcome = drawn(50_000, np.array([-1.0, 0.8, -0.5, 0.0]))
    found = fit_logistic(columns, outcome)
    assert found.converged
    assert found.steps < 10
    assert [found.intercept, *found.coefficient] == pytest.approx([-1, 0.8, -0.5, 0], abs=0.05)


def test_the_slope_is_zero():
    """At the fit the likelihood has no slope but the ridge's."""
    columns, outcome = drawn(400, np.array([0.5, 1.0, -1.0]))
    found = fit_logistic(columns, outcome)
    z = (columns - found.centre) / found.scale
    missed = outcome - sigmoid(found.intercept + linear(found, columns).sum(axis=1))
    assert z.T @ missed == pytest.approx(found.coefficient, abs=1e-6)


@pytest.mark.parametrize("outcomes", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [1]])
def test_what_has_no_maximum_is_finite(outcomes):
    """One outcome only, separated outcomes and a single row give probabilities strictly between 0 and 1."""
    outcome = np.array(outcomes, dtype=float)
    columns = np.arange(len(outcome), dtype=float)[:, None]
    found = fit_logistic(columns, outcome)
    p = sigmoid(found.intercept + linear(found, columns).sum(axis=1))
    assert found.converged
    assert ((p > 0) & (p < 1)).all()


def test_columns_that_say_the_same_share():
    """Two equal columns get equal coefficients, a column of one value none."""
    columns, outcome = drawn(500, np.array([0.0, 1.0]))
    found = fit_logistic(np.column_stack([columns, columns, np.full(500, 7.0)]), outcome)
    assert found.coefficient[0] == pytest.approx(found.coefficient[1])
    assert found.coefficient[2] == 0
    assert found.scale[2] == 1


def test_far_outliers_do_not_break_it():
    """A column of mostly zeros with a few huge values needs shortened steps and converges."""
    rng = np.random.default_rng(4)
    columns = np.column_stack([rng.normal(size=3_000), np.where(np.arange(3_000) % 997 == 0, 1e6, 0.0)])
    outcome = ((columns[:, 0] + columns[:, 1]) > 2.2).astype(float)
    found = fit_logistic(columns, outcome)
    assert found.converged
    assert np.isfinite(found.coefficient).all()


@given(st.permutations(range(40)))
def test_the_order_of_the_rows_does_not_matter(order):
    """The same rows in another order give the same fit up to rounding."""
    columns, outcome = drawn(40, np.array([0.3, 1.0, -1.0]))
    one, other = fit_logistic(columns, outcome), fit_logistic(columns[order], outcome[order])
    assert other.coefficient == pytest.approx(one.coefficient, rel=1e-9)


def test_sigmoid_at_the_ends():
    """Huge log odds give 0 and 1 without a warning."""
    assert sigmoid(np.array([-1e9, 0.0, 1e9])).tolist() == [pytest.approx(0, abs=1e-300), 0.5, 1.0]
