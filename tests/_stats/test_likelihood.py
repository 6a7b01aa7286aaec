"""Estimates come with a verdict that looks at them."""

from __future__ import annotations

import numpy as np
import pytest

from retention._stats.likelihood import Parameter, estimate

BOTH = (Parameter("p", 0.1, 100, "p is nothing", "p is all"), Parameter("q", 0.1, 100, "q is nothing", "q is all"))


def hill(*top, width=0.1):
    """The log likelihood of two parameters that are log-normal around these."""

    def likelihood(x):
        off = np.log(x) - np.log(top)
        gradient = -off / width**2 / x
        return -float(off @ off) / 2 / width**2, gradient, np.diag((off - 1) / width**2 / x**2)

    return likelihood


def fit(*likelihoods):
    return estimate(BOTH, likelihoods, [np.array([1.0, 1.0]), np.array([9.0, 9.0])])


def test_inside():
    """Between the limits: the estimate, its standard errors, converged."""
    found = fit(hill(3, 20))
    assert found.parameters == pytest.approx([3, 20], rel=1e-6)
    assert found.standard_errors(np.array([1, 10])) == pytest.approx([0.3, 20], rel=1e-4)
    assert (found.converged, found.verdict) == (True, "converged")


def test_the_last_likelihood_decides():
    """A sample's maximum is only where the search goes on."""
    assert fit(hill(3, 20), hill(4, 15)).parameters == pytest.approx([4, 15], rel=1e-6)


def test_at_the_limits():
    """Run into limits: no standard errors, and both limits named with what they mean."""
    found = fit(hill(0.01, 1e5))
    assert found.parameters.tolist() == [0.1, 100]
    assert found.standard_errors(np.ones(2)) == ()
    assert found.verdict == "p ran to its lower limit: p is nothing; q ran to its upper limit: q is all"
    assert not found.converged


def test_vague():
    """A standard error larger than the estimate is no estimate."""
    found = fit(hill(3, 20, width=1.5))
    assert (
        found.verdict
        == "not determined: the standard error of p is 1.5 times and of q is 1.5 times as large as the estimate"
    )
    assert not found.converged


def test_flat():
    """A direction in which nothing changes is not determined at all."""
    found = fit(
        lambda x: (
            -(np.log(x[0]) ** 2),
            np.array([-2 * np.log(x[0]) / x[0], 0]),
            np.diag([2 * (np.log(x[0]) - 1) / x[0] ** 2, 0]),
        )
    )
    assert found.covariance is None
    assert found.verdict.startswith("not determined: other parameters fit these data as well")


def test_not_converged():
    """A likelihood that contradicts its derivatives leads nowhere, and the verdict says so."""
    found = fit(lambda x: (-float(np.abs(np.log(x)).sum()), 1 / x, -2 * np.diag(1 / x**2)))
    assert found.verdict.startswith("not converged: ")
    assert not found.converged
