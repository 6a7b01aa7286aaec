"""Shops that break other libraries: a sane fit, or a named error with a remedy; never NaN, never a silent wrong answer."""

from __future__ import annotations

import numpy as np
import pytest

from retention import churn
from retention.errors import InvalidInput

MODELS = ({"model": "bg/nbd"}, {"model": "mbg/nbd"}, {"model": "pareto/nbd"}, {"model": "mbg/cnbd-k", "k": 3})
BETA_GEOMETRIC = [options for options in MODELS if options["model"] != "pareto/nbd"]


def shop(n, *, scale=1.0, r=0.6, alpha=50.0, a=0.8, b=1.6, seed=3):
    """Customers of the MBG/NBD model in whole days, all times multiplied."""
    rng = np.random.default_rng(seed)
    T = rng.integers(1, 700, n).astype(float)
    rate, p = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    left = np.flatnonzero(rng.random(n) >= p)
    x, t_x, at = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    while len(left):
        with np.errstate(over="ignore", divide="ignore"):
            at[left] += rng.exponential(1, len(left)) / rate[left]
        left = left[np.ceil(at[left]) <= T[left]]
        new = left[np.ceil(at[left]) > t_x[left]]
        x[new] += 1
        t_x[new] = np.ceil(at[new])
        left = left[rng.random(len(left)) >= p[left]]
    return x, t_x * scale, T * scale


def alike(n, mean, T=39.0):
    """Customers who all order at the same rate and never leave: Nelder-Mead runs to r = 3e16 on them."""
    rng = np.random.default_rng(5)
    x = rng.poisson(mean, n)
    return x, np.where(x > 0, T * rng.random(n) ** (1 / np.maximum(x, 1)), 0), np.full(n, T)


def one_with_10_000_orders():
    x, t_x, T = shop(1_000)
    x[0], t_x[0], T[0] = 10_000, 700, 700
    return x, t_x, T


def rows_of(*rows, times=1):
    return [np.repeat(np.array(column, dtype=float), times) for column in zip(*rows, strict=True)]


def no_one_timers():
    x, t_x, T = shop(1_000)
    return x[x > 0], t_x[x > 0], T[x > 0]


def times_on_no_grid():
    x, t_x, T = shop(700)
    return x, t_x * np.random.default_rng(1).uniform(0.5, 1, 700), T


SHOPS = {
    **{f"{n} rows, times x {scale}": (shop, n, scale) for n in (50, 200, 2_000) for scale in (0.01, 1, 7, 1000)},
    "times in seconds": (shop, 2_000, 86_400),
    "times on no grid": (times_on_no_grid,),
    "no one-timers": (no_one_timers,),
    "one customer with 10,000 orders": (one_with_10_000_orders,),
    "all identical": (lambda: rows_of((3, 20, 30), times=500),),
    "all identical, one repeat": (lambda: rows_of((1, 20, 30), times=500),),
    "all alike, few orders": (alike, 1_000, 3),
    "all alike, many orders": (alike, 1_000, 30),
    "all ordered today": (lambda: rows_of((2, 40, 40), (5, 40, 40), (9, 40, 40), times=100),),
    "all ordered at once, then never": (lambda: rows_of((1, 0.5, 900), (2, 1, 900), (3, 1, 900), times=100),),
    "a recency of next to nothing": (lambda: rows_of((1, 1e-12, 40), (0, 0, 40), (3, 4, 40), times=50),),
    "absurdly many orders": (lambda: rows_of((1e9, 30, 40), (0, 0, 40), (3, 4, 40), times=5),),
    "all leave": (lambda: shop(1_000, a=50, b=1),),
    "nobody leaves": (lambda: shop(1_000, a=0.001, b=100),),
    "first days": (lambda: rows_of((0, 0, 0), (0, 0, 0), (1, 1, 1), (0, 0, 1), times=10),),
    "five repeat buyers in 10,000": (
        lambda: [
            np.concatenate(c) for c in zip(rows_of((0, 0, 50), times=9_995), rows_of((1, 3, 50), times=5), strict=True)
        ],
    ),
}
TOO_FEW = {
    "all one-timers": rows_of((0, 0, 30), (0, 0, 200), times=500),
    "one repeat buyer": rows_of(*[(0, 0, 30)] * 50, (1, 3, 50)),
    "one row": rows_of((2, 5, 9)),
}


def assert_sane(m, x, t_x, T):
    """Chances are chances, orders finite; if it converged, the fit expects about as many orders as there were."""
    horizon = max(float(np.median(T)) / 3, 1e-3)
    alive, near, far = (
        churn.p_alive(m, x, t_x, T),
        churn.p_active(m, x, t_x, T, horizon=horizon),
        churn.p_active(m, x, t_x, T, horizon=2 * horizon),
    )
    orders = churn.expected_orders(m, x, t_x, T, horizon=horizon)
    for chance in (alive, near, far):
        assert ((chance >= 0) & (chance <= 1)).all()
    assert (near <= far + 1e-11).all()
    assert (near <= alive + 1e-9).all()
    assert (near <= orders * (1 + 1e-9) + 1e-11).all()
    assert np.isfinite(orders).all()
    assert np.isfinite([*m.parameters.values(), m.log_likelihood, *m.standard_errors]).all()
    assert np.isfinite(churn.expected_orders_new(m, [0, horizon, 100 * horizon])).all()
    assert m.converged == (m.verdict == "converged")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", MODELS, ids=lambda options: options["model"])
@pytest.mark.parametrize("name", SHOPS)
def test_sane(name, options):
    """Every shop is fitted by every model, in silence, and what comes out makes sense."""
    make, *arguments = SHOPS[name]
    x, t_x, T = (
        make(*arguments[:1], **({"scale": arguments[1]} if make is shop else {}))
        if make is not alike
        else alike(*arguments)
    )
    m = churn.fit(x, t_x, T, **options)
    assert_sane(m, x, t_x, T)


@pytest.mark.parametrize("options", MODELS, ids=lambda options: options["model"])
@pytest.mark.parametrize("name", TOO_FEW)
def test_too_few_to_learn_from(name, options):
    """Fewer than five repeat buyers: an error that names the numbers and what to do instead."""
    with pytest.raises(InvalidInput, match=r"frequency: \d of \d+ customers ordered on a second day, .*: use rhythm"):
        churn.fit(*TOO_FEW[name], **options)


@pytest.mark.parametrize("options", MODELS, ids=lambda options: options["model"])
def test_parameters_at_infinity_are_called_so(options):
    """Customers who do not differ: the optimiser is content, the verdict is not, the forecasts are those of one rate."""
    x, t_x, T = rows_of((3, 20, 30), times=500)
    m = churn.fit(x, t_x, T, **options)
    assert not m.converged
    assert m.standard_errors == ()
    assert (
        "r ran to its upper limit: customers do not differ in how often they order, as far as can be told" in m.verdict
    )
    assert m.r == 10_000


@pytest.mark.parametrize("options", BETA_GEOMETRIC[:2], ids=lambda options: options["model"])
def test_one_rate_for_all_is_forecast_well(options):
    """Where parameters run to infinity the probabilities still hold: a Poisson shop is forecast as one."""
    x, t_x, T = alike(5_000, 3)
    m = churn.fit(x, t_x, T, **options)
    assert not m.converged
    assert churn.p_active(m, x, t_x, T, horizon=13).mean() == pytest.approx(1 - np.exp(-1), abs=0.02)
    assert churn.expected_orders(m, x, t_x, T, horizon=39).sum() == pytest.approx(3 * 5_000, rel=0.03)


def test_hardly_determined_is_called_so():
    """Fifty customers do not determine four parameters, and the verdict says which."""
    m = churn.fit(*shop(50, seed=9), model="mbg/nbd")
    assert not m.converged
    assert "limit" in m.verdict or "the standard error of" in m.verdict


@pytest.mark.simulation
@pytest.mark.parametrize("options", MODELS, ids=lambda options: options["model"])
@pytest.mark.parametrize("scale", [0.01, 1, 1000])
def test_a_million(scale, options):
    """The same for 1,000,000 rows; the truth is found, order days being nearly all orders."""
    x, t_x, T = shop(1_000_000, scale=scale)
    m = churn.fit(x, t_x, T, **options)
    assert_sane(m, x, t_x, T)
    assert m.converged
