"""Who the customers of a round of offers are: state, segment and usual basket, as columns in the order of the requests.

Everything comes from the order log of the scan, by the day; who has no order in it is "new".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from attrs import frozen

from retention import churn, orders, rfm
from retention._types import AnyArray, ArrayLike, FloatArray, IntArray

__all__ = ["COLUMNS", "Base", "Standing", "nobody"]

COLUMNS = ("journey", "state", "segment", "basket", "orders", "days_since_last")
"""What the conditions of an offer may name."""
_NEW, _LONG_AGO = "new", 100_000


@frozen(eq=False)
class Standing:
    """Columns of shape (n,). `basket`: the mean order, the shop's for who has none, 0 where nobody has ordered."""

    state: AnyArray
    segment: AnyArray
    basket: FloatArray
    orders: IntArray
    days_since_last: IntArray

    def columns(self, journey: Sequence[str]) -> dict[str, ArrayLike]:
        """What conditions look at; `journey`: which one each customer's offer is for."""
        return {name: np.asarray(journey) if name == "journey" else getattr(self, name) for name in COLUMNS}


class Base:
    """All customers with an order, on one day."""

    def __init__(self, log: orders.OrderLog, today: date) -> None:
        s = orders.summarize(log, at=today)
        self._ids = np.asarray(s.customer_id)
        self._found = Standing(
            churn.rhythm(s).state,
            rfm.segment(rfm.score(rfm.fit(*_columns(s)), *_columns(s))),
            np.maximum(s.revenue, 0.0) / s.orders,
            s.orders,
            s.days_since_last,
        )
        self._basket = float(self._found.basket.mean())

    def of(self, ids: IntArray) -> Standing:
        """The customers with these ids of the log, (n,); -1 for one that is not in it."""
        place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        known = self._ids[place] == ids
        found = self._found
        return Standing(
            np.where(known, found.state[place], _NEW),
            np.where(known, found.segment[place], ""),
            np.where(known & (found.basket[place] > 0), found.basket[place], self._basket),
            np.where(known, found.orders[place], 0),
            np.where(known, found.days_since_last[place], _LONG_AGO),
        )


def _columns(s: orders.CustomerSummary) -> tuple[ArrayLike, ArrayLike, ArrayLike]:
    return s.days_since_last, s.orders, s.revenue


def nobody(n: int) -> Standing:
    """So many customers of a shop without orders."""
    zeros = np.zeros(n, dtype=np.int64)
    return Standing(np.full(n, _NEW), np.full(n, ""), np.zeros(n), zeros, zeros + _LONG_AGO)
