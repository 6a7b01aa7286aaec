"""Textbook tests agree with scipy and with published intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats.comparing import chi_square, ratio_limits, two_sided, welch, z_of_shares


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_z_squared_is_pearsons_chi_square(n1: int, n0: int, data) -> None:
    """The score test of two shares is the chi-square test of the two-by-two table; without variance it is 0."""
    x1, x0 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n0))
    z = z_of_shares(x1, n1, x0, n0)
    if x1 + x0 in {0, n1 + n0}:
        assert (z, two_sided(z)) == (0, 1)
    else:
        found = stats.chi2_contingency([[x1, n1 - x1], [x0, n0 - x0]], correction=False)
        assert z**2 == pytest.approx(found.statistic, abs=1e-9)
        assert two_sided(z) == pytest.approx(found.pvalue, abs=1e-9)


def test_published_ratio() -> None:
    """Koopman's example: 36 of 40 against 16 of 80."""
    assert ratio_limits(36, 40, 16, 80, level=0.95) == pytest.approx((2.94, 7.15), abs=0.005)


cells = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(cells, cells)
def test_ratio_limits_mirror(one: tuple[int, int], other: tuple[int, int]) -> None:
    """Exchanged arms give the reciprocals; open sides are 0 and infinity; nothing is NaN."""
    low, high = ratio_limits(*one, *other, level=0.95)
    assert 0 <= low < high
    assert (low == 0) == (one[0] == 0)
    assert (high == np.inf) == (other[0] == 0)
    with np.errstate(divide="ignore"):
        mirrored = np.divide(1, ratio_limits(*other, *one, level=0.95))
    assert np.allclose(mirrored[::-1], [low, high], rtol=1e-6)


@given(cells, cells)
def test_ratio_limits_hold_the_ratio(one: tuple[int, int], other: tuple[int, int]) -> None:
    """Wherever both arms have returners the observed ratio is inside."""
    low, high = ratio_limits(*one, *other, level=0.95)
    if one[0] and other[0]:
        assert low <= one[0] / one[1] / (other[0] / other[1]) <= high


def test_welch_is_scipys() -> None:
    """Statistic, degrees of freedom, p-value and interval."""
    rng = np.random.default_rng(5)
    treated, control = rng.gamma(2, 3, 70), rng.gamma(2, 2, 9)
    found, other = welch(treated, control, level=0.9), stats.ttest_ind(treated, control, equal_var=False)
    assert (found.t, found.df, found.p_value) == pytest.approx((other.statistic, other.df, other.pvalue))
    assert (found.lower, found.upper) == pytest.approx(tuple(other.confidence_interval(0.9)))


def test_chi_square_is_scipys() -> None:
    """Row by row; no counts at all are no evidence."""
    statistic, p = chi_square(np.array([[10, 20, 40], [0, 0, 0]]), np.array([0.2, 0.3, 0.5]))
    other = stats.chisquare([10, 20, 40], [14, 21, 35])
    assert statistic == pytest.approx([other.statistic, 0])
    assert p == pytest.approx([other.pvalue, 1])
