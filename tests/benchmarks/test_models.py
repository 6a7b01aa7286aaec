"""Fitting and scoring, beside lifetimes and pymc-marketing, in CPU seconds of one run.

RETENTION_BENCH_CUSTOMERS sets the size (default 100,000; the published figures: 1000000). pymc-marketing takes part where
it is installed. One row per customer is given; `test_summarize.py` makes it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from retention import churn, lifetime_value

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "100000"))
ROUNDS = 3
HORIZON = 13


def group(name):
    return pytest.mark.benchmark(group=f"{name}, {CUSTOMERS} customers", timer=time.process_time)


def customers(n):
    """Customers of the MBG/NBD model over four years, days in weeks: frequency, recency, T and mean value."""
    rng = np.random.default_rng(5)
    T = rng.integers(1, 1_500, n).astype(float)
    rate, p = rng.gamma(0.6, 1 / 50, n), rng.beta(0.8, 1.6, n)
    left = np.flatnonzero(rng.random(n) >= p)
    x, t_x, at = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    while len(left):
        at[left] += rng.exponential(1, len(left)) / rate[left]
        left = left[np.ceil(at[left]) <= T[left]]
        new = left[np.ceil(at[left]) > t_x[left]]
        x[new] += 1
        t_x[new] = np.ceil(at[new])
        left = left[rng.random(len(left)) >= p[left]]
    return x, t_x / 7, T / 7, np.where(x > 0, rng.gamma(6, 1, n) * rng.gamma(4, 1, n), 0)


@pytest.fixture(scope="module")
def table():
    """The customers of this run."""
    return customers(CUSTOMERS)


@pytest.fixture(scope="module")
def model(table):
    """What `retention` fits to them."""
    return churn.fit(*table[:3])


@group("fit bg/nbd, mbg/nbd or pareto/nbd")
@pytest.mark.parametrize("name", ["mbg/nbd", "bg/nbd", "pareto/nbd"])
def test_fit(benchmark, table, name):
    """The fit and its standard errors; scipy is loaded before."""
    assert benchmark.pedantic(churn.fit, table[:3], {"model": name}, rounds=ROUNDS, warmup_rounds=1).converged


@group("fit bg/nbd, mbg/nbd or pareto/nbd")
@pytest.mark.parametrize("name", ["ModifiedBetaGeoFitter", "BetaGeoFitter"])
def test_fit_lifetimes(benchmark, table, name):
    """The same models; without standard errors."""
    lifetimes = pytest.importorskip("lifetimes")
    benchmark.pedantic(lambda: getattr(lifetimes, name)().fit(*table[:3]), rounds=1)


@group("fit bg/nbd, mbg/nbd or pareto/nbd")
def test_fit_pymc_marketing(benchmark, table):
    """BG/NBD, the maximum of the posterior."""
    clv = pytest.importorskip("pymc_marketing.clv")
    pd = pytest.importorskip("pandas")
    columns = dict(zip(("frequency", "recency", "T"), table, strict=False))
    frame = pd.DataFrame({"customer_id": np.arange(CUSTOMERS)} | columns)
    benchmark.pedantic(lambda: clv.BetaGeoModel(data=frame).fit(method="map"), rounds=1)


@group("p_alive")
def test_p_alive(benchmark, table, model):
    """Everybody's chance of being alive."""
    assert len(benchmark.pedantic(churn.p_alive, (model, *table[:3]), rounds=ROUNDS)) == CUSTOMERS


@group("p_active")
def test_p_active(benchmark, table, model):
    """Everybody's chance of an order within 13 weeks; the others have no such function."""
    assert (
        len(benchmark.pedantic(churn.p_active, (model, *table[:3]), {"horizon": HORIZON}, rounds=ROUNDS)) == CUSTOMERS
    )


@group("expected orders")
def test_expected_orders(benchmark, table, model):
    """Everybody's orders to come."""
    found = benchmark.pedantic(churn.expected_orders, (model, *table[:3]), {"horizon": HORIZON}, rounds=ROUNDS)
    assert np.isfinite(found).all()


@group("Gamma-Gamma fit")
def test_gamma_gamma(benchmark, table):
    """The fit of order values."""
    assert benchmark.pedantic(lifetime_value.fit, (table[0], table[3]), rounds=ROUNDS).converged


@group("expected value")
def test_expected_value(benchmark, table):
    """Everybody's mean order value."""
    g = lifetime_value.fit(table[0], table[3])
    assert len(benchmark.pedantic(lifetime_value.expected_value, (g, table[0], table[3]), rounds=ROUNDS)) == CUSTOMERS


@pytest.fixture(scope="module")
def lifetimes_model(model):
    """The same parameters in lifetimes' class, so that both score with one model."""
    lifetimes = pytest.importorskip("lifetimes")
    fitter = lifetimes.ModifiedBetaGeoFitter()
    fitter.params_ = pytest.importorskip("pandas").Series(model.parameters)
    return fitter


@group("p_alive")
def test_p_alive_lifetimes(benchmark, table, model, lifetimes_model):
    """The same figures."""
    found = benchmark.pedantic(lifetimes_model.conditional_probability_alive, table[:3], rounds=ROUNDS)
    assert np.asarray(found) == pytest.approx(churn.p_alive(model, *table[:3]), abs=1e-9)


@group("expected orders")
def test_expected_orders_lifetimes(benchmark, table, model, lifetimes_model):
    """The same figures."""
    function = lifetimes_model.conditional_expected_number_of_purchases_up_to_time
    found = benchmark.pedantic(function, (HORIZON, *table[:3]), rounds=ROUNDS)
    assert np.asarray(found) == pytest.approx(
        churn.expected_orders(model, *table[:3], horizon=HORIZON), rel=1e-6, abs=1e-9
    )


@group("Gamma-Gamma fit")
def test_gamma_gamma_lifetimes(benchmark, table):
    """The same fit."""
    lifetimes = pytest.importorskip("lifetimes")
    some = table[0] > 0
    benchmark.pedantic(lambda: lifetimes.GammaGammaFitter().fit(table[0][some], table[3][some]), rounds=1)


def test_memory():
    """Fit and all scores in a process of their own stay below 1 GB, numpy and scipy included."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here to read the peak from")
    script = rf"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import re, test_models as t
from retention import churn, lifetime_value
x, t_x, T, value = t.customers(t.CUSTOMERS)
m = churn.fit(x, t_x, T); g = lifetime_value.fit(x, value)
churn.p_alive(m, x, t_x, T); churn.p_active(m, x, t_x, T, horizon=13); churn.expected_orders(m, x, t_x, T, horizon=13)
lifetime_value.expected_value(g, x, value)
print(int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    megabytes = int(done.stdout)
    sys.stdout.write(f"\npeak memory: {megabytes} MB for {CUSTOMERS} customers\n")
    assert megabytes < 1_000
