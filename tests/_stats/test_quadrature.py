"""Integrals are right to ten digits over the whole range of rates and shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats.quadrature import beta_nodes, nodes

shapes = st.floats(-3, 6).map(lambda e: 10**e)


@given(st.floats(-3, 1), st.floats(-3, 1), st.floats(-8, 8))
def test_slow_decay(left, right, shift):
    """exp(left rate * v) on one side, exp(-right rate * v) on the other, however slow."""
    p, q = 10**left, 10**right
    v, weight = nodes(min(shift, 0) - 4, max(shift, 0) + 4, left_rate=p, right_rate=q)
    total = np.sum(weight * np.exp(p * v - (p + q) * np.logaddexp(0, v)))
    from scipy.special import beta

    assert total == pytest.approx(beta(p, q), rel=1e-9)


@given(shapes, shapes, st.floats(0, 1e6))
def test_moments_of_beta(a, b, steepness):
    """Mean and mean square of p, and the mean of 1 - p, for shapes from a thousandth to a million."""
    p, log_q, weight = beta_nodes(a, b, steepness)
    assert weight.sum() == pytest.approx(1, rel=1e-12)
    assert (weight * p).sum() == pytest.approx(a / (a + b), rel=1e-8)
    assert (weight * np.exp(log_q)).sum() == pytest.approx(b / (a + b), rel=1e-8)
    assert (weight * p**2).sum() == pytest.approx(a / (a + b) * (a + 1) / (a + b + 1), rel=1e-8)


@given(shapes, shapes, st.floats(-2, 5).map(lambda e: 10**e))
def test_steep_functions(a, b, z):
    """The mean of 1 / (1 + z p), which falls steeply near 1 / z: 2F1(1, a; a + b; -z) by a fine sum."""
    p, _, weight = beta_nodes(a, b, z)
    centre, spread = np.log(a / b), min(1.0, (1 / a + 1 / b) ** 0.5)
    v = np.linspace(centre - 12 * spread - 60 / a, centre + 12 * spread + 60 / b, 20_001)
    if v[1] - v[0] > 0.2 * spread:  # the fine sum would be the coarse one
        return
    density = np.exp(a * (v - centre) - (a + b) * (np.logaddexp(0, v) - np.logaddexp(0, centre)))
    expected = np.sum(density / (1 + z * np.exp(-np.logaddexp(0, -v)))) / density.sum()
    assert (weight / (1 + z * p)).sum() == pytest.approx(expected, rel=1e-7)


def test_few_nodes():
    """About fifty for a shop like CDNOW: that is what makes the sum cheap."""
    assert 30 < len(beta_nodes(0.9, 2.6, 1.0)[0]) < 70
