"""Three worlds of past mail: the intervals of a rule's value hold the truth as often as they say.

A coin for all (an experiment with three arms), a policy that had favoured some customers (chances from 5 % up), and
revenue: few buyers, log-normal baskets. The models of DR are wrong in all three. ``nox -s simulations --
tests/simulations/test_policy_value.py`` prints the tables; the default tests look at few runs of each.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from retention.offers import policy_value

NAMES = ("ips", "snips", "dr", "gain")
few_and_many = pytest.mark.parametrize(
    "runs, least, most", [(100, 0.89, 1.0), pytest.param(4_000, 0.935, 0.965, marks=pytest.mark.simulation)]
)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def chances(world: str, X: np.ndarray) -> np.ndarray:
    if world == "coin":
        return np.full((len(X), 3), 1 / 3)
    raw = np.exp(X[:, :1] * [0, 1, -1])
    return 0.15 / 3 + 0.85 * raw / raw.sum(axis=1, keepdims=True)


def means(X: np.ndarray) -> np.ndarray:
    """The chance of an order after each offer; not logistic in X."""
    return sigmoid(-1.5 + 0.5 * np.abs(X[:, :1]) + np.column_stack([0 * X[:, 0], X[:, 1], 0.3 * X[:, 0] * X[:, 1]]))


def rule(X: np.ndarray) -> np.ndarray:
    return np.where(X[:, 1] > 0.5, 1, np.where(X[:, 0] > 0, 2, 0))


BASKET = 40 * np.exp(0.32)


def run(world: str, rng: np.random.Generator, n: int = 3_000) -> tuple[dict[str, bool], dict[str, float]]:
    """Which intervals of one past hold the truth, and the estimates."""
    X = rng.normal(size=(n, 2))
    chance = chances(world, X)
    offer = (rng.random((n, 1)) > chance.cumsum(axis=1)[:, :2]).sum(axis=1)
    rows = np.arange(n)
    y = (rng.random(n) < means(X)[rows, offer]).astype(float)
    y = y * rng.lognormal(np.log(40), 0.8, n) if world == "revenue" else y
    found = policy_value(offer, chance[rows, offer], y, rule(X), X=X, rng=rng)
    estimates = {name: getattr(found, name) for name in NAMES}
    held = {name: e.lower <= truths()[world, name] <= e.upper for name, e in estimates.items()}
    return held, {name: e.value for name, e in estimates.items()}


@cache
def truths() -> dict[tuple[str, str], float]:
    """From two million customers, the mean over what chance decides worked out."""
    X = np.random.default_rng(0).normal(size=(2_000_000, 2))
    expected = means(X)
    value = expected[np.arange(len(X)), rule(X)].mean()
    found = {}
    for world in ("coin", "policy", "revenue"):
        unit = BASKET if world == "revenue" else 1.0
        done = (chances(world, X) * expected).sum(axis=1).mean()
        found |= {(world, name): unit * value for name in NAMES} | {(world, "gain"): unit * (value - done)}
    return found


@few_and_many
@pytest.mark.parametrize("world", ["coin", "policy", "revenue"])
def test_coverage(world: str, runs: int, least: float, most: float) -> None:
    """Nominal .95: each estimator between `least` and `most`, and none is biased by more than its noise."""
    held, values = zip(*(run(world, np.random.default_rng([11, i])) for i in range(runs)), strict=True)
    covered = {name: np.mean([one[name] for one in held]) for name in NAMES}
    print(f"\n{world}, {runs} runs: " + ", ".join(f"{name} {share:.4f}" for name, share in covered.items()))  # noqa: T201 - the report
    assert all(least <= share <= most for share in covered.values()), covered
    for name in NAMES:
        found = np.array([one[name] for one in values])
        assert abs(found.mean() - truths()[world, name]) < 4 * found.std() / np.sqrt(runs) + 2e-4 * abs(
            truths()[world, name]
        )
