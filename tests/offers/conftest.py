"""Shops with offers: values and costs of one row per customer, limits that bind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def shop() -> Callable[..., dict]:
    """The arguments of `choose`; `kind`: "plain", "ties" (whole numbers), "segments" (forty different rows)."""

    def make(n: int, k: int = 8, *, kind: str = "plain", seed: int = 0) -> dict:
        rng = np.random.default_rng(seed)
        p0, margin, price = rng.beta(1.2, 8, n), rng.lognormal(3.2, 0.5, n), rng.uniform(1, 8, k)
        uplift = rng.gamma(1.5, 0.02, (n, k)) * rng.uniform(0.5, 1.5, k)
        cost = price * np.minimum(p0[:, None] + uplift, 1)
        value = margin[:, None] * uplift - cost
        if kind == "ties":
            value, cost = np.round(value), np.round(cost + 0.5)
        if kind == "segments":
            segment = rng.integers(0, 40, n)
            value, cost = value[segment], cost[segment]
        best = value.argmax(axis=1)
        wanted = np.where(value.max(axis=1) > 0, cost[np.arange(n), best], 0).sum()
        stock = [max(1, int(count) // 6) for count in np.bincount(best, minlength=k)[:3]]
        return {"value": value, "cost": cost, "budget": wanted / 4, "stock": stock[:k] + [None] * (k - 3)}

    return make
