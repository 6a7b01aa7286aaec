"""A daily look at an experiment that has run for 90 days, within 10 ms of CPU time, one thread.

The dashboard of a shop asks for it for every experiment; all looks are computed anew each time, nothing is kept.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from retention.experiments import Experiment, planned, sample_ratio, watch

DAYS = 90
RNG = np.random.default_rng(1)
TREATED, CONTROL = RNG.poisson(4.0, DAYS), RNG.poisson(0.4, DAYS)
WEEKLY = RNG.uniform(0.5, 0.95, 13)[np.arange(DAYS) // 7]
BOUND = 0.010


@pytest.fixture(autouse=True)
def cpu_time(benchmark: Any) -> None:
    """Other processes of the machine do not count."""
    benchmark._timer = time.process_time


def least(benchmark: Any, function: Any, *arguments: Any, **options: Any) -> float:
    """The least CPU time of ten runs."""
    benchmark.pedantic(function, args=arguments, kwargs=options, rounds=10, warmup_rounds=1)
    return float(benchmark.stats.stats.min)


@pytest.mark.benchmark(group="a look at 90 days")
@pytest.mark.parametrize("propensity", [0.9, WEEKLY, RNG.uniform(0.5, 0.95, DAYS)], ids=["constant", "weekly", "daily"])
def test_watch(benchmark: Any, propensity: Any) -> None:
    """Evidence and limits of all looks, with weights that never change, weekly or every day."""
    assert least(benchmark, watch, TREATED, CONTROL, propensity) <= BOUND


@pytest.mark.benchmark(group="a look at 90 days")
@pytest.mark.parametrize("scale", [1, 25], ids=["400 returners", "10,000 returners"])
def test_planned(benchmark: Any, scale: int) -> None:
    """The exact boundaries of all looks."""
    fraction = np.arange(1, DAYS + 1) / DAYS
    assert least(benchmark, planned, TREATED * scale, CONTROL * scale, 0.9, fraction=fraction) <= BOUND


@pytest.mark.benchmark(group="a look at 90 days")
def test_sample_ratio(benchmark: Any) -> None:
    """Three arms of an experiment."""
    test = Experiment("three", {"control": 0.1, "a": 0.45, "b": 0.45})
    counts = RNG.multinomial(300, [0.1, 0.45, 0.45], DAYS)
    assert least(benchmark, sample_ratio, test, counts) <= BOUND
