"""The boundaries spend exactly what they may, as every path counted one by one shows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats.spending import boundaries, spent


def test_spent_is_the_published_function() -> None:
    """Lan and DeMets: 2 - 2 Phi(z / sqrt t), all of alpha at the end."""
    fraction = np.array([0.1, 0.25, 0.5, 1.0])
    z = stats.norm.isf(0.0125)
    assert spent(fraction, 0.025) == pytest.approx(2 * stats.norm.sf(z / np.sqrt(fraction)), rel=1e-9)
    assert spent(fraction, 0.025)[-1] == pytest.approx(0.025)


looks = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=4)


@given(looks, st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(0.05, 0.3))
def test_errors_by_all_paths(counts: list[tuple[int, int]], w_one: float, w_other: float, alpha: float) -> None:
    """The chance to stop at either boundary up to each look is at most what may be spent, and one step more is too much."""
    n, w = np.array(counts), np.tile([w_one, w_other], (len(counts), 1))
    allowed = spent(np.arange(1, len(n) + 1) / len(n), alpha)
    few, many = boundaries(n, w, allowed)
    below, above = stopped(n, w, few, many)
    assert (below <= allowed + 1e-12).all()
    assert (above <= allowed + 1e-12).all()
    for look in range(len(n)):
        wider = many.copy()
        wider[look] -= 1
        assert stopped(n, w, few, wider)[1][look] > allowed[look] - 1e-12 or wider[look] <= few[look]


def stopped(n, w, few, many) -> tuple[np.ndarray, np.ndarray]:
    """The chance to have stopped for too few and for too many by each look, from all paths."""
    below, above = np.zeros(len(n)), np.zeros(len(n))
    steps = [look_chances(*row, *share) for row, share in zip(n.tolist(), w.tolist(), strict=True)]
    for path in itertools.product(*(range(len(step)) for step in steps)):
        chance, total = 1.0, 0
        for look, more in enumerate(path):
            chance, total = chance * steps[look][more], total + more
            side = below if total <= few[look] else above if total >= many[look] else None
            if side is not None:
                rest = path[look + 1 :]
                side[look:] += chance if not any(rest) else 0.0  # each continuation once
                break
    return below, above


def look_chances(one: int, other: int, w_one: float, w_other: float) -> np.ndarray:
    return np.convolve(stats.binom.pmf(range(one + 1), one, w_one), stats.binom.pmf(range(other + 1), other, w_other))


def test_one_look_is_the_exact_binomial_test() -> None:
    """With a single look the boundaries are those of the one-sided exact tests."""
    few, many = boundaries(np.array([[400]]), np.array([[0.9]]), np.array([0.025]))
    assert stats.binom.cdf(few[0], 400, 0.9) <= 0.025 < stats.binom.cdf(few[0] + 1, 400, 0.9)
    assert stats.binom.sf(many[0] - 1, 400, 0.9) <= 0.025 < stats.binom.sf(many[0] - 2, 400, 0.9)


def test_unlikely_states_are_dropped_without_harm() -> None:
    """Ten thousand returners over ninety looks: the last boundary differs from the single look's by a hair."""
    n = np.full((90, 1), 111)
    few, many = boundaries(n, np.full((90, 1), 0.9), spent(np.arange(1, 91) / 90, 0.025))
    once = stats.binom.isf(0.025, 9_990, 0.9)
    assert once <= many[-1] <= once + 12
    assert (few < many).all()
