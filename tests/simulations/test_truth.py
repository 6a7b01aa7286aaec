"""Hundreds of simulated shops: what the engine estimates beside what really was so, and its margin beside its rivals'.

`nox -s truth` runs it and prints the tables. Every seed is another shop, whose arms are drawn anew; the seeds below
10,000 were never used to choose a number of the worlds or of the journeys.

Win-back alone: 1,200 customers, runs every other day. All four playbooks: 200 customers who send back a quarter of
their orders, half of them in the control groups, 240 days, runs every fourth; the truth takes four more lives.

Eleven lines are looked at, and where every estimate is right one in twenty of them is beyond two standard errors all
the same. So each line is printed with how many standard errors its mean error is from zero, and what is asserted are
the bounds that all lines together keep in nineteen of twenty tables.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import cache
from statistics import mean, median, stdev

import pytest
from attrs import evolve, frozen
from scipy.stats import binom, norm

from retention import demo_shop
from retention.demo_shop import RIVALS, Mailed, mail
from retention.demo_shop.catalogue import OFFERS
from retention.engine.results import Incremental

SEEDS = range(200)
SIZE = {"customers": 1_200, "runs_every": 2}
FOUR = {"customers": 200, "days": 240, "runs_every": 4, "sent_back": 0.25}
FOUR_WORLDS = ("default", "aa")
JOURNEYS = ("win_back", "product_return", "post_purchase", "after_return")
LINES = len(demo_shop.WORLDS) + len(FOUR_WORLDS) * len(JOURNEYS)
LEVEL = 0.95
GIFT = OFFERS[0]
HEAD = (
    "world     journey         seeds  mean truth  mean estimate  mean error  standard error  errors from 0  coverage"
    "  median width  CPU s, median and most"
)
RIVAL_HEAD = (
    "world     rival                    profit of targeted  of the rival  targeted earns more  worst, of the margin"
)
POLICIES = ("nobody", "everyone", "at risk", "sleepers")
"""Whom the rivals write to. Their offer is the gift, the one that the engine grants most often."""
COMPARED = ("nobody", "everyone", "at risk")
"""Those that targeted win-back must beat; all sleepers are reported: no control group, no threshold, no budget."""

pytestmark = pytest.mark.simulation


def each(worlds: tuple[str, ...], group: str) -> pytest.MarkDecorator:
    """The worlds, those of one group and name in the same process, which keeps what it has lived."""
    groups = [pytest.param(name, marks=pytest.mark.xdist_group(f"{group}{name}")) for name in worlds]
    return pytest.mark.parametrize("name", groups)


@frozen
class Shop:
    """One seed: the truth, the estimate and the ends of its interval, in customers; CPU seconds that it took."""

    truth: float
    estimate: float
    lower: float
    upper: float
    seconds: float

    @classmethod
    def of(cls, truth: float, found: Incremental, seconds: float) -> Shop:
        return cls(truth, found.estimate, found.lower, found.upper, seconds)


@frozen
class Row:
    """One line of the table."""

    world: str
    journey: str
    shops: list[Shop]

    @property
    def error(self) -> float:
        return mean(shop.estimate - shop.truth for shop in self.shops)

    @property
    def standard_error(self) -> float:
        return stdev(shop.estimate - shop.truth for shop in self.shops) / math.sqrt(len(self.shops))

    @property
    def covered(self) -> int:
        return sum(shop.lower <= shop.truth <= shop.upper for shop in self.shops)

    def check(self) -> None:
        """The mean error and the coverage lie within what all lines together keep in nineteen of twenty tables."""
        beyond = (1 - LEVEL) / LINES / 2
        assert abs(self.error) <= norm.isf(beyond) * self.standard_error
        fewest, most = binom.ppf([beyond, 1 - beyond], len(self.shops), LEVEL)
        assert fewest <= self.covered <= most

    def __str__(self) -> str:
        truth, estimate = mean(shop.truth for shop in self.shops), mean(shop.estimate for shop in self.shops)
        width = median(shop.upper - shop.lower for shop in self.shops)
        seconds = [shop.seconds for shop in self.shops]
        return (
            f"{self.world:10}{self.journey:16}{len(self.shops):5}{truth:12.1f}{estimate:15.1f}{self.error:12.2f}"
            f"{self.standard_error:16.2f}{self.error / self.standard_error:15.2f}{self.covered / len(self.shops):10.1%}"
            f"{width:14.1f}{median(seconds):12.1f}{max(seconds):6.1f}"
        )


def report(head: str, *lines: object) -> None:
    print(head, *lines, sep="\n")  # noqa: T201 - the session's report


def world(name: str) -> demo_shop.World:
    return evolve(demo_shop.WORLDS[name], **SIZE)


@cache
def simulated(name: str, seed: int, *, may_stop: bool) -> tuple[demo_shop.Simulated, float]:
    """One shop, lived once for both tests; results and truth are kept, the engine is not."""
    start = time.process_time()
    done = demo_shop.simulate(world(name), seed=seed, may_stop=may_stop)
    return evolve(done, engine=None), time.process_time() - start


@each(tuple(demo_shop.WORLDS), "alone ")
def test_estimate_is_unbiased_and_its_interval_covers(name: str) -> None:
    """Win-back alone: the mean error is zero and 95 % of the intervals hold the truth, as far as all seeds can show."""
    row = Row(name, "win_back alone", [estimated(name, seed) for seed in SEEDS])
    report(HEAD, row)
    row.check()


def estimated(name: str, seed: int) -> Shop:
    """What a shop estimates that goes on writing to the end, so that there is something to estimate."""
    done, seconds = simulated(name, seed, may_stop=name != "losing")
    (journey,) = done.results.journeys
    found = journey.incremental
    assert (found.treated, found.control) == (done.truth.treated, done.truth.control)
    return Shop.of(done.truth.incremental, found, seconds)


@each(FOUR_WORLDS, "four ")
def test_estimates_of_all_four_playbooks_are_unbiased_and_their_intervals_cover(name: str) -> None:
    """The same of every playbook in shops where all are at work, each beside the same shop lived without it."""
    shops = [four(name, seed) for seed in SEEDS]
    rows = [Row(name, journey, [shop[journey] for shop in shops if journey in shop]) for journey in JOURNEYS]
    report(HEAD, *rows)
    for row in rows:
        assert len(row.shops) > 0.7 * len(SEEDS)
        row.check()


def four(name: str, seed: int) -> Mapping[str, Shop]:
    """Every journey of one shop whose arms are large enough for an estimate."""
    start = time.process_time()
    done, truth = lived(evolve(demo_shop.WORLDS[name], **FOUR), seed)
    seconds = time.process_time() - start
    found = {one.journey: one.incremental for one in done.results.journeys}
    return {one: Shop.of(truth[one], told, seconds) for one, told in found.items() if told is not None}


def lived(size: demo_shop.World, seed: int) -> tuple[demo_shop.Simulated, Mapping[str, int]]:
    """The shop, and what each journey did; where letters change nobody, nothing."""
    done = demo_shop.simulate(size, seed=seed, journeys=demo_shop.playbooks(control=0.5), may_stop=False)
    effects = () if size.name == "aa" else demo_shop.effects(done)
    return done, {**dict.fromkeys(JOURNEYS, 0), **{one.journey: one.incremental for one in effects}}


@frozen
class Compared:
    """One seed: margins of the shop over the whole time, money; `targeted` and by rival."""

    targeted: float
    rivals: dict[str, Mailed]

    def lead(self, rival: str) -> float:
        """How much more targeted win-back earns than a rival."""
        return self.targeted - self.rivals[rival].margin

    def profit(self, margin: float) -> float:
        """What letters brought or cost."""
        return margin - self.rivals["nobody"].margin


@each(tuple(demo_shop.WORLDS), "alone ")
def test_targeted_win_back_earns_more_than_its_rivals(name: str) -> None:
    """On the same lives: more margin than everyone, nobody and "at risk" in 95 % of the seeds of the default world.

    In the worlds where letters lose or change nobody it loses to none of them by more than 2 % of the shop's margin.
    """
    shops = [compared(name, seed) for seed in SEEDS]
    lines = [line(name, rival, shops) for rival in POLICIES]
    report(RIVAL_HEAD, *lines)
    for rival in COMPARED:
        if name == "default":
            assert mean(shop.lead(rival) > 0 for shop in shops) >= 0.95
        else:
            assert all(shop.lead(rival) > -0.02 * shop.rivals["nobody"].margin for shop in shops)


def compared(name: str, seed: int) -> Compared:
    done, _ = simulated(name, seed, may_stop=True)
    rivals = {rival: mail(world(name), RIVALS[rival], seed=seed, offer=GIFT) for rival in POLICIES}
    assert rivals["nobody"].margin == pytest.approx(done.truth.margin_without)
    return Compared(done.truth.margin, rivals)


def line(name: str, rival: str, shops: list[Compared]) -> str:
    targeted = mean(shop.profit(shop.targeted) for shop in shops)
    theirs = mean(shop.profit(shop.rivals[rival].margin) for shop in shops)
    wins = mean(shop.lead(rival) > 0 for shop in shops)
    worst = min(shop.lead(rival) / shop.rivals["nobody"].margin for shop in shops)
    return f"{name:10}{rival:22}{targeted:21.0f}{theirs:14.0f}{wins:21.1%}{worst:22.2%}"
