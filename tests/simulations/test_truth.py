"""Hundreds of simulated shops: what the engine estimates beside what really was so.

`nox -s simulations` runs it and prints the table; every seed is another shop of full size whose arms are drawn anew.
"""

from __future__ import annotations

import math
from statistics import mean, median, stdev

import pytest
from attrs import frozen

from retention import demo_shop

SEEDS = range(200)
HEAD = "world     seeds  mean truth  mean estimate  mean error  standard error  coverage  median width"

pytestmark = pytest.mark.simulation


@frozen
class Shop:
    """One seed: the truth, the estimate and the ends of its interval, in customers."""

    truth: float
    estimate: float
    lower: float
    upper: float


@frozen
class Row:
    """One world's line of the table."""

    world: str
    shops: list[Shop]

    @property
    def error(self) -> float:
        return mean(shop.estimate - shop.truth for shop in self.shops)

    @property
    def standard_error(self) -> float:
        return stdev(shop.estimate - shop.truth for shop in self.shops) / math.sqrt(len(self.shops))

    @property
    def coverage(self) -> float:
        return mean(shop.lower <= shop.truth <= shop.upper for shop in self.shops)

    def __str__(self) -> str:
        truth, estimate = mean(shop.truth for shop in self.shops), mean(shop.estimate for shop in self.shops)
        width = median(shop.upper - shop.lower for shop in self.shops)
        return (
            f"{self.world:8}{len(self.shops):7}{truth:12.1f}{estimate:15.1f}{self.error:12.2f}"
            f"{self.standard_error:16.2f}{self.coverage:10.1%}{width:14.1f}"
        )


def live(world: demo_shop.World, seed: int) -> Shop:
    done = demo_shop.simulate(world, seed=seed)
    (journey,) = done.results.journeys
    found = journey.incremental
    assert (found.treated, found.control) == (done.truth.treated, done.truth.control)
    return Shop(done.truth.incremental, found.estimate, found.lower, found.upper)


@pytest.mark.parametrize("world", demo_shop.WORLDS.values(), ids=lambda world: world.name)
def test_estimate_is_unbiased_and_its_interval_covers(world: demo_shop.World) -> None:
    """Over all seeds the mean error lies within two standard errors of zero, and 92 to 98 % of the intervals hold the truth."""
    row = Row(world.name, [live(world, seed) for seed in SEEDS])
    print(HEAD, row, sep="\n")  # noqa: T201 - the session's report
    assert abs(row.error) <= 2 * row.standard_error
    assert 0.92 <= row.coverage <= 0.98
