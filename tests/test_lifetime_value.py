"""What an order is worth: the maximum, sane everywhere, and money that is no money is refused."""

from __future__ import annotations

import json
import re

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import lifetime_value
from retention.errors import InvalidInput
from retention.lifetime_value import GammaGamma, _log_likelihood, _Values, discounted, expected_value, fit


def shop(n, *, p=4.0, q=3.5, v=20.0, seed=1):
    """Customers of the Gamma-Gamma model, a third of them one-time buyers: frequency and mean value."""
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.35, n) - 1
    rate = rng.gamma(q, 1 / v, n)
    spent = rng.gamma(np.maximum(p * x, 1), 1) / rate
    return x, np.where(x > 0, spent / np.maximum(x, 1), 0)


def parameters(g):
    return np.array([g.p, g.q, g.v])


def test_derivatives():
    """First and second derivatives agree with differences of the value."""
    x, m = shop(300)
    function = _log_likelihood(_Values.of(x[x > 0], m[x > 0], np.ones(np.count_nonzero(x))))
    at = np.array([5.0, 3.0, 25.0])
    _, gradient, hessian = function(at)
    for i, step in enumerate(np.diag(at) * 1e-5):
        (up, up_gradient, _), (down, down_gradient, _) = function(at + step), function(at - step)
        assert (up - down) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5, abs=1e-5)
        assert (up_gradient - down_gradient) / (2 * step[i]) == pytest.approx(hessian[i], rel=1e-5, abs=1e-4)


def test_the_truth_is_found():
    """On 50,000 customers of the model the parameters are within four standard errors of those that made them."""
    g = fit(*shop(50_000))
    assert (g.converged, g.verdict) == (True, "converged")
    assert (np.abs(parameters(g) - [4, 3.5, 20]) < 4 * np.array(g.standard_errors)).all()
    assert (np.array(g.standard_errors) < [0.4, 0.1, 2]).all()


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([0.01, 7.0, 1e4]))
def test_order_and_currency_do_not_matter(seed, scale):
    """Rows turned round give the same fit to the last bit; all money multiplied multiplies v."""
    x, m = shop(300, seed=seed)
    g = fit(x, m)
    assert fit(x[::-1], m[::-1]) == g
    other = fit(x, m * scale)
    assert other.log_likelihood + np.count_nonzero(x) * np.log(scale) == pytest.approx(g.log_likelihood, abs=1e-5)
    if g.converged:
        assert parameters(other) == pytest.approx(parameters(g) * [1, 1, scale], rel=1e-4)


def test_weights_are_repetitions():
    """Counted rows give the fit of the rows themselves; one-time buyers and weights of 0 change nothing."""
    x, m = shop(200)
    counts = np.arange(200) % 4
    g = fit(x, m, weights=counts)
    assert g == fit(np.repeat(x, counts), np.repeat(m, counts))
    assert g == fit(x[x > 0], m[x > 0], weights=counts[x > 0])
    assert g.customers == counts[x > 0].sum()


@given(st.floats(0.1, 50), st.floats(1.1, 50), st.floats(0.1, 500), st.integers(1, 300), st.floats(0.01, 1e5))
def test_between_the_customer_and_the_shop(p, q, v, x, m):
    """The expected value lies between the customer's own mean and the shop's; one-time buyers get the shop's."""
    g = GammaGamma(p=p, q=q, v=v)
    shop_mean, value = expected_value(g, [0, x], [0, m])
    assert shop_mean == pytest.approx(p * v / (q - 1))
    low, high = sorted([shop_mean, m])
    assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "x, m, verdict",
    [
        (
            np.full(500, 3),
            np.full(500, 20.0),
            "p ran to its upper limit: the orders of one customer are all worth the same",
        ),
        (np.full(500, 1), np.random.default_rng(1).gamma(4, 5, 500), "ran to|standard error"),
        (
            np.full(400, 2),
            (1 - np.linspace(0, 1, 400, endpoint=False)) ** -1.6,
            "q is .*, not above 1: the mean value of an order is infinite",
        ),
        (np.array([1, 1, 1, 10_000]), np.array([5.0, 9, 20, 1]), "ran to|standard error|infinite"),
    ],
    ids=["all identical", "all alike", "no mean", "one customer with 10,000 orders"],
)
def test_stress(x, m, verdict):
    """Data that determine no model: finite figures and a verdict that says so, in silence."""
    g = fit(x, m)
    assert np.isfinite([*parameters(g), g.log_likelihood]).all()
    assert not g.converged
    assert re.search(verdict, g.verdict)
    assert np.isfinite(expected_value(g, x, m)).all()


def test_no_finite_mean():
    """Where q is at most 1 nothing can be said of who ordered once."""
    g = GammaGamma(p=2, q=0.9, v=10)
    assert expected_value(g, [1], [10]) > 0
    with pytest.raises(InvalidInput, match="frequency: row 1 is 0, too few for a finite mean"):
        expected_value(g, [1, 0], [10, 0])


def test_records_are_values():
    """Equal by value, hashable, through JSON and back; impossible parameters are refused."""
    g = GammaGamma(p=1, q=2, v=3, standard_errors=[1, 2, 3])
    back = GammaGamma(**json.loads(json.dumps(attrs.asdict(g))))
    assert len({g, back}) == 1
    with pytest.raises(InvalidInput, match="q: -1: give a finite number above 0"):
        GammaGamma(p=1, q=-1, v=3)


# ---------------------------------------------------------------- money over time


def test_discounted_by_hand():
    """Two periods at 10 %: 1 / 1.1 + 2 / 1.21 orders, at 100 a piece, of which 20 % stay."""
    assert discounted([[1, 2]], [100], 0.2, 0.1) == pytest.approx([20 * (1 / 1.1 + 2 / 1.21)])
    assert discounted([[1, 2], [0, 1]], [100, 50], [0.2, 0.5], 0).tolist() == [60, 25]


def test_no_customers_no_worth():
    """An empty table is worth nothing to nobody."""
    assert discounted(np.zeros((0, 3)), [], 0.2, 0.1).shape == (0,)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_later_money_is_worth_less(orders, low, high):
    """A higher rate never makes the orders worth more, and rate 0 is the plain sum."""
    low, high = sorted([low, high])
    assert discounted([orders], [1], 1, high) <= discounted([orders], [1], 1, low) + 1e-9
    assert discounted([orders], [1], 1, 0) == pytest.approx([sum(orders)])


# ---------------------------------------------------------------- the door


@pytest.mark.parametrize(
    "x, m, message",
    [
        ([1, 2], [5.0, -1], "monetary_value: row 1 is -1.0, not above 0, though they ordered again: leave such"),
        ([1, 2], [0.0, 5], "monetary_value: row 0 is 0.0, not above 0"),
        ([1, 2], [np.nan, 5], "monetary_value: row 0 is nan, missing"),
        ([1, -2], [5.0, 5], "frequency: row 1 is -2, below 0"),
        ([1], [5.0, 5], "frequency has 1 rows but monetary_value has 2"),
    ],
)
@pytest.mark.parametrize("function", [fit, lambda x, m: expected_value(GammaGamma(p=1, q=2, v=3), x, m)])
def test_bad_rows(function, x, m, message):
    """What is no mean value never reaches the model; the first such row is named."""
    with pytest.raises(InvalidInput) as caught:
        function(x, m)
    assert message in str(caught.value)


def test_too_few():
    """Fewer than four repeat buyers: an error with a remedy."""
    for x in ([0, 0, 0], [0, 1, 2], []):
        with pytest.raises(InvalidInput, match=r"frequency: \d of \d customers ordered .* 4 at least: wait"):
            fit(x, np.array(x, dtype=float) * 10)
    with pytest.raises(InvalidInput, match="weights: row 0 is -1"):
        fit([1], [1], weights=[-1])


@pytest.mark.parametrize(
    "orders, value, margin, rate, message",
    [
        ([1, 2], [1, 1], 0.1, 0.1, "expected_orders_by_period: has shape (2,): give (customers, periods)"),
        ([[1, -2]], [1], 0.1, 0.1, "expected_orders_by_period[:, 1]: row 0 is -2.0, below 0"),
        ([[1, 2]], [1, 1], 0.1, 0.1, "expected_orders_by_period has 1 rows but value has 2"),
        ([[1, 2]], [np.inf], 0.1, 0.1, "value: row 0 is inf"),
        ([[1, 2]], [1], np.nan, 0.1, "margin: row 0 is nan"),
        ([[1, 2]], [1], [0.1, 0.1], 0.1, "margin has 2"),
        ([[1, 2]], [1], 0.1, -0.1, "rate: row 0 is -0.1, below 0"),
    ],
)
def test_bad_prospects(orders, value, margin, rate, message):
    """Shapes and numbers of `discounted` are checked too."""
    with pytest.raises(InvalidInput) as caught:
        lifetime_value.discounted(orders, value, margin, rate)
    assert message in str(caught.value)
