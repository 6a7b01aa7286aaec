"""The dual's prices and bound: never below an assignment, and at the linear program's optimum where it should be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from retention._stats import knapsack
from retention._stats.knapsack import Limits, Problem, best, solve


def linear_optimum(problem: Problem) -> float:
    """What HiGHS finds for the linear program."""
    n, k = problem.value.shape
    use = np.vstack([problem.cost.ravel(), np.tile(np.eye(k), n)])[problem.limits.binding]
    rows = np.vstack([np.kron(np.eye(n), np.ones(k)), use])
    right = np.append(np.ones(n), problem.limits.right[problem.limits.binding])
    return -linprog(-problem.value.ravel(), A_ub=rows, b_ub=right, bounds=(0, 1), method="highs").fun


@pytest.mark.parametrize("right", [[60, 12, np.inf, 30], [np.inf, 12, 8, np.inf], [25, np.inf, np.inf, np.inf]])
def test_the_bound_is_the_linear_optimum(right: list[float]) -> None:
    """The bound lies hardly above the linear program's optimum, whichever limits there are, and never below."""
    rng = np.random.default_rng(3)
    problem = Problem(rng.normal(2, 2, (200, 3)), rng.uniform(0.2, 2, (200, 3)), Limits(np.array(right, float)))
    most = linear_optimum(problem)
    assert most * (1 - 1e-9) <= solve(problem).bound <= most * (1 + 1e-5)


def test_rows_that_are_alike_share() -> None:
    """A thousand equal rows that may take 300 of one item and 200 of the other do so, to within a few."""
    problem = Problem(np.full((1000, 2), 3.0), np.ones((1000, 2)), Limits(np.array([np.inf, 300, 200])))
    found = solve(problem)
    assert np.abs(np.bincount(found.takes + 1, minlength=3) - [500, 300, 200]).max() <= 3
    assert found.bound == pytest.approx(1500, rel=1e-4)


@pytest.mark.parametrize(
    "value, right, bound",
    [(np.full((3, 2), -np.inf), [1, 1, 1], 0), (np.zeros((3, 2)), [1, 1, 1], 0), (np.ones((3, 2)), [np.inf] * 3, 3)],
)
def test_nothing_to_decide(value: np.ndarray, right: list[float], bound: float) -> None:
    """Nothing of value, or no limit: no prices."""
    found = solve(Problem(value, np.ones((3, 2)), Limits(np.array(right, float))))
    assert (found.bound, found.prices.any()) == (bound, False)


def test_any_prices_give_a_bound() -> None:
    """D at any prices is above what any assignment brings."""
    rng = np.random.default_rng(1)
    problem = Problem(rng.normal(2, 2, (50, 3)), rng.uniform(0.2, 2, (50, 3)), Limits(np.array([20.0, 5, 5, 9])))
    most = linear_optimum(problem)
    assert all(best(problem, rng.exponential(1, 4))[0] >= most for _ in range(50))


def test_cooled_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower temperatures than are needed do no harm."""
    rng = np.random.default_rng(2)
    problem = Problem(rng.normal(2, 2, (300, 2)), rng.uniform(0.2, 2, (300, 2)), Limits(np.array([70.0, 50, 60])))
    monkeypatch.setattr(knapsack, "_BLUR", -1.0)
    monkeypatch.setattr(knapsack, "_LAST_STEPS", 1)
    most = linear_optimum(problem)
    assert most * (1 - 1e-9) <= solve(problem).bound <= most * (1 + 1e-4)


@pytest.mark.parametrize("share", [1.0, 0.1, 0.0])
def test_a_sample_leads_the_way(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started from a sample of the rows that may have anything, few or many or none, the bound is the same."""
    rng = np.random.default_rng(2)
    value = np.where(rng.random((4000, 1)) < share, rng.normal(2, 2, (4000, 2)), -np.inf)
    limits = Limits(share * np.array([900.0, 500, 600]))
    problem = Problem(value, rng.uniform(0.2, 2, (4000, 2)), limits)
    whole = solve(problem)
    monkeypatch.setattr(knapsack, "_SAMPLE", 900)
    assert solve(problem).bound == pytest.approx(whole.bound, rel=1e-3)
