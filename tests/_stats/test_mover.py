"""Additive MOVER, against its formula written out by hand, and its symmetries."""

from __future__ import annotations

from math import hypot, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats.intervals import wilson
from retention._stats.mover import Arm, mover, t_quantile

arms = st.builds(
    Arm,
    n=st.integers(100, 10_000),
    buyers=st.integers(5, 100),
    mean=st.floats(-50, 50),
    sd=st.floats(0.1, 100),
)


def test_written_out() -> None:
    """One cell, step by step."""
    treated, control = Arm(9_000, 180, 50.0, 40.0), Arm(1_000, 15, 45.0, 60.0)
    pooled = sqrt((179 * 40**2 + 14 * 60**2) / 193)
    q = stats.t.ppf(0.975, 193)
    (a_t, b_t), (a_c, b_c) = wilson(180, 9_000), wilson(15, 1_000)
    p_t, p_c = 0.02, 0.015
    low_t = hypot((p_t - a_t) * 50, p_t * q * max(pooled, 40) / sqrt(180))
    high_t = hypot((b_t - p_t) * 50, p_t * q * max(pooled, 40) / sqrt(180))
    low_c = hypot((p_c - a_c) * 45, p_c * q * max(pooled, 60) / sqrt(15))
    high_c = hypot((b_c - p_c) * 45, p_c * q * max(pooled, 60) / sqrt(15))
    difference = p_t * 50 - p_c * 45
    expected = difference - hypot(low_t, high_c), difference + hypot(high_t, low_c)
    assert mover(treated, control, level=0.95) == pytest.approx(expected, rel=1e-12)


@given(arms, arms)
def test_symmetries(one: Arm, other: Arm) -> None:
    """Exchanged arms turn the interval round, and so does losing what was earned; the estimate is inside."""
    low, high = mover(one, other, level=0.95)
    estimate = one.buyers / one.n * one.mean - other.buyers / other.n * other.mean
    assert low < estimate < high
    assert mover(other, one, level=0.95) == pytest.approx((-high, -low))
    lost = [Arm(arm.n, arm.buyers, -arm.mean, arm.sd) for arm in (one, other)]
    assert mover(*lost, level=0.95) == pytest.approx((-high, -low))


def test_t_quantile() -> None:
    """Student's 97.5 % point."""
    assert t_quantile(10, 0.95) == pytest.approx(2.2281389)
