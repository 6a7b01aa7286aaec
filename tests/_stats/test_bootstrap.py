"""The bootstrap of grouped cases: counts as if each case were drawn, percentiles by column."""

from __future__ import annotations

import numpy as np
import pytest

from retention._stats.bootstrap import percentile_interval, resample


def test_groups_are_drawn_as_their_cases_would_be():
    """A group of m cases is drawn m times on average with variance m, and never if there is nobody in it."""
    drawn = resample(np.array([[0, 4], [100, 1]]), 4_000, np.random.default_rng(2))
    assert drawn.shape == (4_000, 2, 2)
    assert drawn.mean(axis=0) == pytest.approx(np.array([[0, 4], [100, 1]]), rel=0.05)
    assert drawn.var(axis=0) == pytest.approx(np.array([[0, 4], [100, 1]]), rel=0.1)


def test_the_generator_decides():
    """The same seed draws the same."""
    one, other = (resample(np.array([3, 5]), 10, np.random.default_rng(9)) for _ in range(2))
    assert (one == other).all()


def test_percentiles():
    """Each column has its own limits."""
    lower, upper = percentile_interval(np.column_stack([np.arange(101.0), np.arange(101.0) * 2]), level=0.8)
    assert lower == pytest.approx([10, 20])
    assert upper == pytest.approx([90, 180])
