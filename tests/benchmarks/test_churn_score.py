"""A score for everybody, in CPU seconds of one run; nothing comparable exists in the peers.

RETENTION_BENCH_CUSTOMERS sets the size of the large shop (default 100,000 customers, about five orders each; the
published figures: 1000000). Bounds: 2,000 customers scored anew within .2 s, the large shop within 60 s a million.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pytest

from retention import churn, orders

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "100000"))
START = np.datetime64("2024-01-01")
AT = "2025-12-20"


def shop(customers: int) -> orders.OrderLog:
    """Customers who join within two years, order at a rate of their own and leave some day."""
    rng = np.random.default_rng(1)
    joined = rng.integers(0, 730, customers)
    here = np.minimum(rng.exponential(300, customers), 730 - joined)
    count = 1 + np.minimum(rng.poisson(rng.gamma(1.2, 1 / 60, customers) * here), 60)
    who = np.repeat(np.arange(customers), count)
    day = joined[who] + rng.random(len(who)) * here[who]
    day[np.cumsum(count) - count] = joined
    return orders.OrderLog.of(who, START + day.astype("timedelta64[D]"), rng.gamma(2, 20, len(who)))


@pytest.fixture(autouse=True)
def cpu_time(benchmark: Any) -> None:
    """Other processes of the machine do not count."""
    benchmark._timer = time.process_time


@pytest.mark.benchmark(group="2,000 customers")
def test_score_of_a_small_shop(benchmark: Any) -> None:
    """Choice and score within .2 s."""
    log = shop(2_000)
    benchmark.pedantic(churn.score, (log,), {"at": AT, "horizon": 13}, rounds=5, warmup_rounds=1)
    assert benchmark.stats.stats.min <= 0.2


@pytest.mark.benchmark(group="2,000 customers")
def test_apply_to_a_small_shop(benchmark: Any) -> None:
    """A choice made before, applied within .02 s."""
    log = shop(2_000)
    chosen = churn.choose(log, at=AT, horizon=13)
    benchmark.pedantic(churn.apply, (chosen, log), {"at": AT}, rounds=5, warmup_rounds=1)
    assert benchmark.stats.stats.min <= 0.02


@pytest.mark.benchmark(group=f"{CUSTOMERS} customers")
def test_score_of_a_large_shop(benchmark: Any) -> None:
    """Choice and score within 60 s for a million customers, in proportion for fewer."""
    log = shop(CUSTOMERS)
    benchmark.pedantic(churn.score, (log,), {"at": AT, "horizon": 13}, rounds=1)
    assert benchmark.stats.stats.min <= 60 * CUSTOMERS / 1_000_000
