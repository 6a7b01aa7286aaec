"""Special functions keep their digits where the textbook formula loses them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats.special import log_rising, softplus


@given(st.floats(-2, 9), st.integers(0, 60))
def test_log_rising_is_a_sum(exponent, n):
    """The sum of log c, log(c + 1), ... and its derivatives, to twelve digits, from c = .01 to 1e9."""
    c = 10**exponent
    terms = c + np.arange(n)
    value, first, second = (float(column[0]) for column in log_rising(c, np.array([float(n)])))
    assert value == pytest.approx(np.log(terms).sum(), rel=1e-12, abs=1e-13)
    assert first == pytest.approx((1 / terms).sum(), rel=1e-12, abs=1e-25)
    assert second == pytest.approx(-(1 / terms**2).sum(), rel=1e-12, abs=1e-25)


def test_log_rising_meets_itself():
    """Where the series takes over nothing jumps."""
    n = np.array([1.0, 7, 1e4])
    for below, above in zip(log_rising(30.0, n), log_rising(30.0 + 1e-9, n), strict=True):
        assert above == pytest.approx(below, rel=1e-9)


@given(st.floats(-1e6, 1e6))
def test_softplus(x):
    """log(1 + e^x) and the logistic function, without overflow."""
    value, share = softplus(np.array([x]))
    assert value[0] == pytest.approx(np.logaddexp(0, x), rel=1e-14)
    assert share[0] == pytest.approx(np.exp(-np.logaddexp(0, -x)), rel=1e-14)
