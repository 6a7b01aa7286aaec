"""The customers' lives, drawn before the first day: when each orders without any letter, and all moods they will have.

A mood is what a customer would do on a day if they ordered, or if a letter came: which basket, whether it goes back,
how the letter is taken. It is drawn for every customer and every day, needed or not, so what happens to one customer
cannot change the draws of another, and worlds that differ only in what letters do have the same customers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from retention._types import BoolArray, FloatArray, IntArray
from retention.demo_shop import catalogue
from retention.demo_shop.worlds import World
from retention.facts import Line

__all__ = ["DAY", "Lives", "draw", "earned"]

DAY = 86_400
"""Seconds of a day; the simulation counts seconds from the midnight, UTC, with which the history begins."""


@frozen(eq=False)
class Lives:
    """What chance has in store; n customers, d days from the beginning of the history on.

    `unaided`: for each customer the rising seconds of the orders that they place without any letter, from the first
    on up to `World.forward_days` after the end. `lapsed` (n,): whose last order of all came before the end. `gap` (n,):
    each one's mean days between orders. `favourite`
    (n,): each one's category, a place in `CATEGORIES`. Uniform draws from 0 to 1: `person` (n, 6); by day (d, n)
    `basket` and `fate` of an order, `response` to a letter. `pause` (d, n): seconds from a letter to the order it wins.
    """

    unaided: Sequence[Sequence[int]]
    lapsed: BoolArray
    gap: FloatArray
    favourite: IntArray
    person: FloatArray
    basket: FloatArray
    fate: FloatArray
    response: FloatArray
    pause: FloatArray

    def next_order(self, customer: int, after: int) -> int | None:
        """When the customer orders next without any letter, after a second; None if not again."""
        times = self.unaided[customer]
        place = bisect_right(times, after)
        return times[place] if place < len(times) else None

    def orders_between(self, customer: int, after: int, until: int) -> bool:
        """Whether the customer orders without any letter in seconds (after, until]."""
        found = self.next_order(customer, after)
        return found is not None and found <= until

    def basket_of(self, customer: int, day: int) -> tuple[Line, ...]:
        """What the customer buys if they order on a day."""
        return catalogue.pick(catalogue.BASKETS[self.favourite[customer]], self.basket[day, customer])

    def goes_back(self, customer: int, day: int, world: World) -> bool:
        """Whether an order of that day is returned."""
        return bool(self.fate[day, customer] < world.sent_back)

    def earns(self, customer: int, day: int, world: World) -> float:
        """What an order of that day earns, without any offer, money."""
        if self.goes_back(customer, day, world):
            return 0.0
        return world.margin * catalogue.worth(self.basket_of(customer, day))


def earned(world: World, lives: Lives, after: int, until: int) -> float:
    """What all orders placed without any letter in seconds (after, until] earn, money."""
    return sum(
        lives.earns(customer, at // DAY, world)
        for customer, times in enumerate(lives.unaided)
        for at in times
        if after < at <= until
    )


def draw(world: World, seed: int) -> Lives:
    """The lives of a world's customers; each sort of draw has a stream of its own."""
    rhythm, people, baskets, fates, responses, pauses = map(
        np.random.default_rng, np.random.SeedSequence(seed).spawn(6)
    )
    shape = (world.history_days + world.days, world.customers)
    unaided, lapsed, gap = _unaided(world, rhythm)
    return Lives(
        unaided=unaided,
        lapsed=lapsed,
        gap=gap,
        favourite=people.integers(len(catalogue.CATEGORIES), size=world.customers),
        person=people.random((world.customers, 6)),
        basket=baskets.random(shape),
        fate=fates.random(shape),
        response=responses.random(shape),
        pause=pauses.exponential(world.decision_days * DAY, shape),
    )


def _unaided(world: World, rng: np.random.Generator) -> tuple[list[list[int]], BoolArray, FloatArray]:
    """A renewal process for each customer, stopped where they lapse: round by round, everybody's next order."""
    n, end = world.customers, world.history_days + world.days
    gap = world.usual_gap * np.exp(world.gap_spread * rng.standard_normal(n))
    day = rng.uniform(0, world.arrival_days, n)
    here, lapsed = day < end, np.zeros(n, dtype=np.bool_)
    lives: list[list[int]] = [[] for _ in range(n)]
    while here.any():
        for customer in np.flatnonzero(here).tolist():
            lives[customer].append(int(day[customer] * DAY))
        stays = rng.random(n) >= world.lapses
        lapsed |= here & ~stays & (day < end)
        day += gap * rng.gamma(world.regularity, 1 / world.regularity, n)
        here &= stays & (day < end + max(world.anyway_days, world.forward_days))
    return lives, lapsed, gap
