"""Two samples: the statistics are what their sources say, and their intervals cover."""

from __future__ import annotations

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats.drift import binomial_tail, clustered_difference, effective, psi, psi_by_chance, superiority

counts = st.lists(st.integers(0, 500), min_size=4, max_size=4).map(np.array)
columns = st.lists(st.integers(-5, 5), min_size=1, max_size=12).map(lambda rows: np.array(rows, dtype=np.float64))


def test_psi_of_a_table() -> None:
    """The sum of (q - p) ln(q / p), half a row added to each group."""
    p, q = (60.5 / 101, 40.5 / 101), (30.5 / 101, 70.5 / 101)
    expected = sum((b - a) * log(b / a) for a, b in zip(p, q, strict=True))
    assert psi(np.array([60, 40]), np.array([30, 70])) == pytest.approx(expected)


@given(counts, counts)
def test_psi_is_a_distance(before: np.ndarray, after: np.ndarray) -> None:
    """Finite, never below 0, the same both ways, 0 between equal counts."""
    assert 0 <= psi(before, after) < 100
    assert psi(before, after) == pytest.approx(psi(after, before))
    assert psi(before, before) == 0


def test_psi_by_chance_holds() -> None:
    """Of samples of one distribution one in twenty is beyond it, as it says; one group cannot drift."""
    rng = np.random.default_rng(3)
    shares = [0.5, 0.2, 0.2, 0.1]
    limit = psi_by_chance(400, 900, 4, level=0.95)
    beyond = [psi(rng.multinomial(400, shares), rng.multinomial(900, shares)) > limit for _ in range(2_000)]
    assert 0.035 < np.mean(beyond) < 0.065
    assert psi_by_chance(400, 900, 1, level=0.95) == 0


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_effective_rows(owner: list[int]) -> None:
    """At least 1, at most the number of owners, which is reached where all have equally many."""
    found = effective(np.array(owner))
    assert 1 <= found <= len(set(owner)) + 1e-9
    assert effective(np.array(sorted(set(owner)) * 3)) == pytest.approx(len(set(owner)))


@given(columns, columns)
def test_superiority_counts_pairs(before: np.ndarray, after: np.ndarray) -> None:
    """The share of pairs in which the later value is higher, ties half; the interval holds it and stays in [0, 1]."""
    estimate, lower, upper = superiority(before, after, level=0.95)
    pairs = after[:, None] - before[None, :]
    assert estimate == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)
    assert 0 <= lower <= estimate + 1e-12
    assert estimate - 1e-12 <= upper <= 1
    assert superiority(after, before, level=0.95)[0] == pytest.approx(1 - estimate)


def test_superiority_is_mann_whitney() -> None:
    """The estimate is Mann and Whitney's U over the number of pairs."""
    rng = np.random.default_rng(4)
    before, after = rng.gamma(2, 1, 80).round(1), rng.gamma(3, 1, 60).round(1)
    u = stats.mannwhitneyu(after, before).statistic
    assert superiority(before, after, level=0.95)[0] == pytest.approx(u / (80 * 60))


def test_superiority_covers() -> None:
    """Of 95 % intervals at least 93 % hold the truth, exact for two exponentials: r / (1 + r)."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(600):
        _, lower, upper = superiority(rng.exponential(1, 60), rng.exponential(3, 90), level=0.95)
        inside += lower <= 0.75 <= upper
    assert inside / 600 > 0.93


def test_no_overlap_keeps_a_width() -> None:
    """Samples without overlap do not make the interval a point."""
    estimate, lower, upper = superiority(np.arange(50.0), np.arange(100.0, 150), level=0.95)
    assert (estimate, upper) == (1, 1)
    assert 0.9 < lower < 0.95


def test_difference_covers_with_owners_in_both_samples() -> None:
    """Rows of one owner resemble each other, in both samples: the interval of the means still covers, at 95 %."""
    rng = np.random.default_rng(6)
    inside, narrower = 0, 0
    for _ in range(600):
        level_of = rng.normal(0, 1, 60)
        owners = [np.repeat(np.arange(60), rng.integers(1, 8, 60)) for _ in range(2)]
        before, after = ((level_of[owner] + rng.normal(0, 0.5, len(owner)), owner) for owner in owners)
        estimate, lower, upper = clustered_difference(before, after, level=0.95)
        assert estimate == pytest.approx(after[0].mean() - before[0].mean())
        inside += lower <= 0 <= upper
        narrower += upper - lower < 2 * 1.96 * np.sqrt(1.25 / len(before[0]) + 1.25 / len(after[0]))
    assert 0.92 < inside / 600 < 0.98
    assert 0 < narrower < 600  # neither the width of independent rows nor always wider: owners meet themselves


def test_difference_of_one_owner() -> None:
    """One owner gives a point and no error of division."""
    one = (np.array([1.0, 2.0]), np.array([0, 0]))
    assert clustered_difference(one, one, level=0.95) == (0, 0, 0)


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_binomial_tail(successes: int, more: int, share: float) -> None:
    """The sum of the binomial's probabilities up to so many successes."""
    trials = successes + more
    expected = sum(comb(trials, i) * share**i * (1 - share) ** (trials - i) for i in range(successes + 1))
    found = binomial_tail(np.array([successes]), np.array([trials]), np.array([share]))
    assert found[0] == pytest.approx(expected)
