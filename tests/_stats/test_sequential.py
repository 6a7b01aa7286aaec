"""The evidence is fair under no effect, and its limits are where the likelihood says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from retention._stats import sequential

PRIOR = sequential.half_normals(0.4, 0.8)


def likelihood(at: float, x: int, n: np.ndarray, w: np.ndarray) -> float:
    return float(x * at - (n * np.log(1 - w + w * np.exp(at))).sum())


def test_prior_is_a_distribution() -> None:
    """Weights add up to 1, the helpful side has its share, and the nodes mirror each other."""
    assert PRIOR.weight.sum() == pytest.approx(1)
    assert PRIOR.weight[PRIOR.at > 0].sum() == pytest.approx(0.8)
    assert np.array_equal(PRIOR.at[:24], -PRIOR.at[24:])
    assert len(PRIOR.at) == 48
    assert PRIOR.at.max() < 1.6


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_fair_without_an_effect(one: int, other: int, w_one: float, w_other: float) -> None:
    """Over all outcomes of two groups with their own propensities the mean of E is exactly 1."""
    x, y = np.arange(one + 1)[:, None], np.arange(other + 1)
    chance = stats.binom.pmf(x, one, w_one) * stats.binom.pmf(y, other, w_other)
    n = np.broadcast_to([one, other], (one + 1, other + 1, 2))
    log_e = sequential.log_evidence(x + y, n, np.array([w_one, w_other]), PRIOR)
    assert (chance * np.exp(log_e)).sum() == pytest.approx(1, abs=1e-9)


def test_p_value_never_rises() -> None:
    """It is one over the best evidence so far, and at most 1."""
    p = sequential.running_p_value(np.log([0.5, 4.0, 2.0, 10.0]))
    assert p.tolist() == pytest.approx([1, 0.25, 0.25, 0.1])


cases = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, sum(n)), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
)


@given(cases)
def test_limits_are_where_the_likelihood_meets_the_level(case) -> None:
    """Both limits solve f = log E + log alpha, around the likeliest ratio; at the ends they are infinite."""
    n, x, w_one, w_other = case
    table, w = np.array([n]), np.array([w_one, w_other])
    log_e = sequential.log_evidence(np.array([x]), table, w, PRIOR)
    (low,), (high,) = sequential.confidence_sequence(np.array([x]), table, w, log_e, 0.05)
    (best,) = sequential.most_likely(np.array([x]), table, w)
    assert low < best < high or x in {0, sum(n)}
    assert (low == -np.inf) == (x == 0) == (best == -np.inf)
    assert (high == np.inf) == (x == sum(n)) == (best == np.inf)
    for limit in {low, high} - {-np.inf, np.inf}:
        assert likelihood(limit, x, table[0], w) == pytest.approx(log_e[0] + np.log(0.05), abs=1e-6)


def test_likeliest_ratio_of_one_propensity() -> None:
    """With one propensity it is the odds of the treated returners over those of the draw; with none it is no effect."""
    x, n = np.array([0, 3, 9]), np.array([[0], [4], [12]])
    best = sequential.most_likely(x, n, np.array([0.5]))
    assert best.tolist() == pytest.approx([0, np.log(3), np.log(3)])


def test_likeliest_ratio_of_many_propensities() -> None:
    """It is where a general optimiser finds it too."""
    n, w = np.array([[40, 3, 17]]), np.array([0.95, 0.2, 0.6])
    (best,) = sequential.most_likely(np.array([44]), n, w)
    found = optimize.minimize_scalar(lambda at: -likelihood(at, 44, n[0], w), bounds=(-5, 5), method="bounded")
    assert best == pytest.approx(found.x, abs=1e-5)


def test_steps_that_never_settle_end() -> None:
    """A search that rounding keeps from settling is given up after 60 steps, not never."""
    assert sequential._settled(np.zeros(2), np.ones_like).tolist() == [60, 60]


def test_limits_only_narrow() -> None:
    """Each look intersects all before it; experiments along the first axis do not touch each other."""
    rng = np.random.default_rng(7)
    n = rng.poisson(4, (3, 90, 1))
    x, n = rng.binomial(n[..., 0], 0.9).cumsum(axis=1), n.cumsum(axis=1)
    w = np.array([0.85])
    log_e = sequential.log_evidence(x, n, w, PRIOR)
    low, high = sequential.confidence_sequence(x, n, w, log_e, 0.05)
    assert (low[:, 1:] >= low[:, :-1]).all()
    assert (high[:, 1:] <= high[:, :-1]).all()
    for run in range(3):
        alone = sequential.confidence_sequence(x[run], n[run], w, log_e[run], 0.05)
        assert np.allclose(alone, [low[run], high[run]], atol=1e-9)
