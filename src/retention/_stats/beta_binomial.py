"""Shares of many groups: each group's own successes and trials, leaning on what the other groups are like.

The model, group i with r_i successes in n_i trials::

    r_i | p_i ~ Binomial(n_i, p_i)        p_i ~ Beta(mean_i * weight, (1 - mean_i) * weight)

`mean` is one number for all groups, or given for each (a parent's share); `weight`, what the others are worth in trials
of the group's own, is the maximum of the marginal likelihood (empirical Bayes; Casella 1985, American Statistician
39, 83-87). Trials may be fractions: a trial half of whose outcome is known counts half.

A prior on the weight, log-normal around 20 trials with standard deviation 1.5, decides where the data cannot (two
groups, no spread at all). It is worth little from a hundred groups on. The 20 lies between the two shops that were
looked at: products of RentTheRunway weigh 8.5, those of Online Retail 56.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention._stats.optimise import Derivatives, maximise
from retention._types import FloatArray, IntArray

__all__ = ["Prior", "counts_within", "fit_prior", "fit_weight", "log_likelihood"]

_LIGHTEST, _HEAVIEST = 1e-2, 1e6
_USUAL, _SPREAD = np.log(20.0), 1.5
_MEAN_BOX = 12.0
"""Log-odds of a mean share: from 6 in a million to all but 6 in a million."""


@frozen(eq=False)
class Prior:
    """What a group is like before its own trials: its `mean` share, (n,) or one for all, worth `weight` trials."""

    mean: FloatArray
    weight: float


def log_likelihood(successes: FloatArray, trials: FloatArray, mean: FloatArray, weight: float) -> float:
    """The logarithm of the marginal likelihood, without the binomial coefficients."""
    from scipy.special import betaln

    a, b = mean * weight, (1 - mean) * weight
    return float((betaln(a + successes, b + trials - successes) - betaln(a, b)).sum())


def fit_prior(successes: FloatArray, trials: FloatArray) -> Prior:
    """One mean for all groups and its weight, the likeliest; shapes (n,).

    Every group has trials above 0; some of them have successes and some have failures.
    """
    share = float(successes.sum() / trials.sum())
    start = np.array([np.log(share / (1 - share)), np.log(10.0)])
    lower = np.array([-_MEAN_BOX, np.log(_LIGHTEST)])
    upper = np.array([_MEAN_BOX, np.log(_HEAVIEST)])
    found = maximise(lambda at: _derivatives(at, successes, trials), start, lower, upper).at
    return Prior(np.asarray(1 / (1 + np.exp(-found[0]))), float(np.exp(found[1])))


def fit_weight(successes: FloatArray, trials: FloatArray, mean: FloatArray) -> Prior:
    """The weight of means that are known for each group, (n,), strictly between 0 and 1."""
    weights = np.geomspace(_LIGHTEST, _HEAVIEST, 161)
    heights = [
        log_likelihood(successes, trials, mean, float(weight)) - ((np.log(weight) - _USUAL) / _SPREAD) ** 2 / 2
        for weight in weights
    ]
    return Prior(mean, float(weights[int(np.argmax(heights))]))


def _derivatives(at: FloatArray, successes: FloatArray, trials: FloatArray) -> Derivatives:
    """Value, gradient and second derivatives by the log-odds of the mean and the logarithm of the weight."""
    from scipy.special import digamma, polygamma

    mean, weight = 1 / (1 + np.exp(-at[0])), np.exp(at[1])
    a, b = mean * weight, (1 - mean) * weight
    failures = trials - successes
    by_a = digamma(a + successes) - digamma(a) - digamma(a + b + trials) + digamma(a + b)
    by_b = digamma(b + failures) - digamma(b) - digamma(a + b + trials) + digamma(a + b)
    both = polygamma(1, a + b) - polygamma(1, a + b + trials)
    by_aa = polygamma(1, a + successes) - polygamma(1, a) + both
    by_bb = polygamma(1, b + failures) - polygamma(1, b) + both
    # a and b by the two variables, and their second derivatives
    slope = np.array([[weight * mean * (1 - mean), a], [-weight * mean * (1 - mean), b]])
    ga, gb = float(by_a.sum()), float(by_b.sum())
    inner = np.array([[by_aa.sum(), both.sum()], [both.sum(), by_bb.sum()]])
    bend = weight * mean * (1 - mean) * np.array([[1 - 2 * mean, 1.0], [1.0, 0.0]])
    hessian = slope.T @ inner @ slope + (ga - gb) * bend + np.array([[0.0, 0.0], [0.0, ga * a + gb * b]])
    odd = (at[1] - _USUAL) / _SPREAD
    value = log_likelihood(successes, trials, np.asarray(mean), float(weight)) - odd**2 / 2
    gradient = slope.T @ np.array([ga, gb]) - np.array([0.0, odd / _SPREAD])
    return value, gradient, hessian - np.diag([0.0, _SPREAD**-2])


def counts_within(a: FloatArray, b: FloatArray, trials: IntArray, level: float) -> tuple[IntArray, IntArray]:
    """Between which counts the successes of so many further trials will lie, shape (n,) each, ends included.

    ``a``, ``b``: what is known of each group's share, a beta distribution. The chance below is at most half of what
    ``level`` leaves, and so is the chance above.
    """
    from scipy.stats import betabinom

    tail = (1 - level) / 2
    lower, upper = (betabinom.ppf(share, trials, a, b).astype(np.int64) for share in (tail, 1 - tail))
    return lower, upper
