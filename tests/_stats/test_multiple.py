"""Adjusted p-values agree with their definitions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats.multiple import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(np.array)


@given(p_values, st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_rejects(p: np.ndarray, alpha: float) -> None:
    """Going up from the smallest, each is held against alpha over those left; the first that fails ends it."""
    rejected, order = np.zeros(len(p), bool), np.argsort(p, kind="stable")
    for rank, place in enumerate(order):
        if (len(p) - rank) * p[place] > alpha:
            break
        rejected[place] = True
    assert np.array_equal(holm(p) <= alpha, rejected)


@given(p_values)
def test_benjamini_hochberg_is_scipys(p: np.ndarray) -> None:
    """The same numbers as an independent implementation."""
    assert np.allclose(benjamini_hochberg(p), stats.false_discovery_control(p), atol=1e-12)


@given(p_values)
def test_adjusting_only_raises(p: np.ndarray) -> None:
    """Plain <= Benjamini-Hochberg <= Holm <= 1, and the order is kept."""
    q, strict = benjamini_hochberg(p), holm(p)
    assert (p <= q + 1e-15).all()
    assert (q <= strict + 1e-12).all()
    assert (strict <= 1).all()
    assert (np.diff(strict[np.argsort(p)]) >= 0).all()
