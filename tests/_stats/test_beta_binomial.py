"""Shares of many groups: the published fit, the slope that vanishes, the counts that follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats import beta_binomial as bb

# Efron and Morris (1975), table 1: hits of 18 batters in their first 45 at bats of 1970.
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7], float)


def test_batters_all_but_their_mean():
    """Efron and Morris's batters: a grand mean of 215 in 810 that weighs far more than the 45 trials of each."""
    prior = bb.fit_prior(HITS, np.full(18, 45.0))
    assert float(prior.mean) == pytest.approx(215 / 810, abs=1e-3)
    assert prior.weight > 45


def test_derivatives_are_those_of_the_value():
    """Gradient and second derivatives agree with differences."""
    successes, trials = np.array([1.0, 0, 7.5, 3]), np.array([4.0, 2, 9.5, 30])
    at = np.array([-0.7, 1.3])
    _, gradient, hessian = bb._derivatives(at, successes, trials)
    for i, step in enumerate(np.eye(2) * 1e-5):
        (up, up_gradient, _), (down, down_gradient, _) = (
            bb._derivatives(at + sign * step, successes, trials) for sign in (1, -1)
        )
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-6)
        assert hessian[i] == pytest.approx((up_gradient - down_gradient) / 2e-5, rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=3, max_size=30))
def test_no_weight_and_mean_are_likelier(pairs):
    """What is fitted is at least as likely as anything on a grid around it."""
    trials = np.array([max(pair) for pair in pairs], float)
    successes = np.array([min(pair) for pair in pairs], float)
    if not 0 < successes.sum() < trials.sum():
        return
    prior = bb.fit_prior(successes, trials)

    def height(mean, weight):
        return bb.log_likelihood(successes, trials, mean, weight) - (np.log(weight / 20) / 1.5) ** 2 / 2

    best = height(prior.mean, prior.weight)
    for shift in (-0.5, -0.05, 0.05, 0.5):
        odds = np.log(prior.mean / (1 - prior.mean)) + shift
        for factor in (0.5, 1.0, 2.0):
            weight = float(np.clip(prior.weight * factor, 1e-2, 1e6))
            other = height(1 / (1 + np.exp(-odds)), weight)
            assert best >= other - 1e-4 * (1 + abs(best))


def test_the_weight_of_known_means():
    """Drawn around means that are known, the weight is found again; drawn on the means, it is as heavy as can be."""
    rng = np.random.default_rng(3)
    mean, trials = rng.uniform(0.1, 0.6, 3_000), np.full(3_000, 40.0)
    successes = rng.binomial(40, rng.beta(mean * 25, (1 - mean) * 25)).astype(float)
    assert bb.fit_weight(successes, trials, mean).weight == pytest.approx(25, rel=0.2)
    assert bb.fit_weight(rng.binomial(40, mean).astype(float), trials, mean).weight > 1_000


def test_counts_hold_what_they_promise():
    """The interval of further successes holds at least its level, and less on each side than half the rest."""
    a, b, trials = np.array([2.0, 9.0]), np.array([5.0, 1.0]), np.array([30, 7])
    lower, upper = bb.counts_within(a, b, trials, 0.9)
    rng = np.random.default_rng(0)
    drawn = rng.binomial(trials, rng.beta(a, b, (200_000, 2)))
    assert (((lower <= drawn) & (drawn <= upper)).mean(axis=0) > 0.895).all()
    assert ((drawn < lower).mean(axis=0) < 0.055).all()
    assert ((drawn > upper).mean(axis=0) < 0.055).all()
