"""Do the intervals for a time fixed beforehand hold the truth as often as they say? By enumeration where it can be.

``nox -s simulations -- tests/simulations/test_fixed_horizon.py`` prints the tables; the default tests look at a corner.
"""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
from attrs import frozen
from scipy import stats

from retention._stats.comparing import ratio_limits
from retention._stats.intervals import newcombe
from retention._stats.mover import Arm, mover

Z = NormalDist().inv_cdf(0.975)
CONTROLS = (50, 100, 200, 500, 1_000)
TIMES = (1, 3, 9, 19)
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.2, 0.5)
LIFTS = (-0.5, -0.25, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)


def outcomes(n: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """The counts that make up all but 1e-10 of the chance, and their chances."""
    x = np.arange(int(stats.binom.ppf(5e-11, n, p)), int(stats.binom.isf(5e-11, n, p)) + 1)
    return x, stats.binom.pmf(x, n, p)


def coverage(n_t: int, p_t: float, n_c: int, p_c: float, limits, truth: float) -> float:
    """The chance that the limits hold the truth, added up over all outcomes."""
    (x_t, chance_t), (x_c, chance_c) = outcomes(n_t, p_t), outcomes(n_c, p_c)
    lower, upper = limits(*np.broadcast_arrays(x_t[:, None], n_t, x_c, n_c))
    return float(chance_t @ ((lower <= truth) & (truth <= upper)) @ chance_c)


def wald(x1, n1, x0, n0):
    p1, p0 = x1 / n1, x0 / n0
    half = Z * np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    return p1 - p0 - half, p1 - p0 + half


def agresti_caffo(x1, n1, x0, n0):
    p1, p0 = (x1 + 1) / (n1 + 2), (x0 + 1) / (n0 + 2)
    half = Z * np.sqrt(p1 * (1 - p1) / (n1 + 2) + p0 * (1 - p0) / (n0 + 2))
    return p1 - p0 - half, p1 - p0 + half


def cells(controls: tuple[int, ...]) -> list[tuple[int, float, int, float]]:
    """Those with at least one returner expected in the control, and where not all of the treated return."""
    grid = itertools.product(controls, TIMES, RATES, LIFTS)
    return [(k * n, p * (1 + lift), n, p) for n, k, p, lift in grid if n * p >= 1 and p * (1 + lift) < 1]


def koopman(*counts):
    return ratio_limits(*counts, level=0.95)


def delta(x1, n1, x0, n0):
    """On the plain scale; without a returner in the control it says nothing."""
    p1, p0 = x1 / n1, np.maximum(x0, 1e-9) / n0
    half = Z * p1 / p0 * np.sqrt((1 - p1) / np.maximum(n1 * p1, 1e-9) + (1 - p0) / (n0 * p0))
    return p1 / p0 - half, p1 / p0 + half


def report(title: str, found: dict[str, list[float]]) -> None:
    rows = [f"{name:15}{min(c):9.4f}{np.mean(c):9.4f}{np.mean(np.less(c, 0.94)):13.1%}" for name, c in found.items()]
    print(title, "interval          worst     mean   below .94", *rows, sep="\n")  # noqa: T201 - the session's report


@pytest.mark.parametrize("controls", [(50,), pytest.param(CONTROLS, marks=pytest.mark.simulation)], ids=["few", "many"])
def test_count_interval_by_enumeration(controls: tuple[int, ...]) -> None:
    """Newcombe's interval covers .94 at least wherever a control returner is expected; the plain ones do not."""
    grid, found = cells(controls), {}
    for name, limits in (("Newcombe", newcombe), ("Wald", wald), ("Agresti-Caffo", agresti_caffo)):
        found[name] = [coverage(*cell, limits, cell[1] - cell[3]) for cell in grid]
    report(f"difference of two shares, level .95, {len(grid)} cells, enumerated", found)
    assert min(found["Newcombe"]) >= 0.94
    assert min(found["Wald"]) < 0.9


@pytest.mark.parametrize(
    "controls, step", [((50,), 5), pytest.param(CONTROLS, 4, marks=pytest.mark.simulation)], ids=["few", "many"]
)
def test_ratio_interval_by_enumeration(controls: tuple[int, ...], step: int) -> None:
    """Koopman's interval covers .93 at least wherever a control returner is expected; the delta method does not."""
    grid, found = cells(controls)[::step], {}
    for name, limits in (("Koopman", koopman), ("delta method", delta)):
        found[name] = [coverage(*cell, limits, cell[1] / cell[3]) for cell in grid]
    report(f"ratio of two shares, level .95, {len(grid)} cells, enumerated", found)
    assert min(found["Koopman"]) >= 0.93
    assert min(found["delta method"]) < 0.93


@frozen(eq=False)
class Baskets:
    """A distribution of baskets: its name, its mean and how to draw many."""

    name: str
    mean: float
    draw: object


BASKETS = (
    Baskets("log-normal", math.exp(3.5 + 0.5), lambda rng, size: rng.lognormal(3.5, 1.0, size)),
    Baskets("gamma", 30.0, lambda rng, size: rng.gamma(1.5, 20.0, size)),
    Baskets("Lomax", 25.0, lambda rng, size: 50.0 * rng.pareto(3.0, size)),
    Baskets("margin", 12.0, lambda rng, size: rng.lognormal(3.0, 0.8, size) - math.exp(3.32) + 12.0),
)


def drawn(rng: np.random.Generator, runs: int, n: int, rate: float, baskets: Baskets) -> Arm:
    """What is known of an arm in each run."""
    k = rng.binomial(n, rate, runs)
    values = baskets.draw(rng, (runs, int(k.max())))
    inside = np.arange(values.shape[1]) < k[:, None]
    mean = np.where(inside, values, 0).sum(axis=1) / np.maximum(k, 1)
    squares = np.where(inside, (values - mean[:, None]) ** 2, 0).sum(axis=1)
    return Arm(n, k, mean, np.sqrt(squares / np.maximum(k - 1, 1)))


def part(arm: Arm, rows: np.ndarray) -> Arm:
    return Arm(arm.n, arm.buyers[rows], arm.mean[rows], arm.sd[rows])


def welch_limits(treated: Arm, control: Arm) -> tuple[np.ndarray, np.ndarray]:
    """Welch's interval over all customers, zeros included, for comparison."""
    means, parts = [], []
    for arm in (treated, control):
        mean = arm.buyers * arm.mean / arm.n
        squares = (arm.buyers - 1) * arm.sd**2 + arm.buyers * arm.mean**2 - arm.n * mean**2
        means.append(mean)
        parts.append(squares / (arm.n - 1) / arm.n)
    half = Z * np.sqrt(parts[0] + parts[1])  # of thousands of degrees of freedom
    return means[0] - means[1] - half, means[0] - means[1] + half


@pytest.mark.parametrize("runs", [1_500, pytest.param(20_000, marks=pytest.mark.simulation)], ids=["few", "many"])
def test_value_interval(runs: int) -> None:
    """Revenue per customer with a small control: .93 at least, or the refusal; Welch's interval falls short of it."""
    rng = np.random.default_rng(20260307)
    rows, worst, plain = [], [], []
    for baskets, (n_t, n_c), rate, lift in itertools.product(
        BASKETS, ((9_000, 1_000), (9_500, 500)), (0.01, 0.02, 0.03), (0.0, 0.3)
    ):
        treated, control = (drawn(rng, runs, *arm, baskets) for arm in ((n_t, rate * (1 + lift)), (n_c, rate)))
        enough = (control.buyers >= 5) & (treated.buyers >= 5)
        treated, control, truth = part(treated, enough), part(control, enough), rate * lift * baskets.mean
        hits = [
            float(((low <= truth) & (truth <= high)).mean())
            for low, high in (mover(treated, control, level=0.95), welch_limits(treated, control))
        ]
        worst.append(hits[0])
        plain.append(hits[1])
        rows.append(
            f"{baskets.name:12}{n_t:6}/{n_c:<6}{rate:5.0%}{lift:6.0%}{1 - enough.mean():9.1%}{hits[0]:9.4f}{hits[1]:9.4f}"
        )
    print("basket       customers    rate  lift  refused    MOVER    Welch", *rows, sep="\n")  # noqa: T201 - the report
    assert min(worst) >= 0.93
    assert min(plain) < 0.93
