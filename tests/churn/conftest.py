"""A shop of invented customers, large enough to choose a score for."""

from __future__ import annotations

import numpy as np
import pytest

from retention.churn import Activity
from retention.orders import OrderLog

START = np.datetime64("2024-01-01")


def invented(customers: int, *, days: int = 500, seed: int = 1, regular: float = 1.3) -> tuple[OrderLog, Activity]:
    """Customers who come to look about every twelve days until they leave, and order with gaps of their own."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, days * 0.6, customers)
    leaves = start + rng.exponential(200, customers)
    gaps = rng.lognormal(3.6, 0.5, customers)[:, None] * rng.gamma(regular, 1 / regular, (customers, 40))
    day = np.column_stack([start, start[:, None] + np.cumsum(gaps, axis=1)])
    day = np.where(day < np.minimum(leaves, days)[:, None], day, -1)
    day[:, 0] = start
    who, _ = np.nonzero(day >= 0)
    end = np.minimum(leaves, days)
    visits = rng.poisson((end - start) / 12)
    visitor = np.repeat(np.arange(customers), visits)
    visited = start[visitor] + rng.random(len(visitor)) * (end - start)[visitor]
    log = OrderLog.of(who, START + day[day >= 0].astype("timedelta64[D]"), rng.gamma(2, 20, len(who)))
    return log, Activity.of(visits=(visitor, START + visited.astype("timedelta64[D]")))


@pytest.fixture(scope="session")
def shop() -> tuple[OrderLog, Activity]:
    """1,500 customers over 500 days from 2024-01-01, and their visits."""
    return invented(1_500)
