"""What was sold and what came back, in columns: of a million orders a few numbers each are kept, not the orders."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import floor
from zoneinfo import ZoneInfo

import numpy as np

from retention import _calendar, orders, returns
from retention.engine.goods import Bought, Goods
from retention.facts import OrderPlaced, ReturnChanged
from retention.journey import CustomerFile
from retention.reasons import Reason

__all__ = ["Sold"]

_REASONS = frozenset(Reason)
_WORD = f"U{max(map(len, _REASONS))}"
_SOLD = (OrderPlaced, ReturnChanged)


class Sold:
    """All orders until `now`, from the files as they pass; their lines only if `anything_back`."""

    def __init__(self, now: datetime, *, anything_back: bool) -> None:
        self.now, self.anything_back = now, anything_back
        self._customer, self._second, self._amount = array("q"), array("q"), array("d")
        self._lines = _Lines()

    def passing(self, files: Iterable[CustomerFile]) -> Iterator[CustomerFile]:
        """The files, each looked at as it passes."""
        customer, second, amount = self._customer.append, self._second.append, self._amount.append
        for number, file in enumerate(files):
            goods = Goods()
            for fact in file.facts:
                if isinstance(fact, OrderPlaced) and fact.at <= self.now:
                    customer(number)
                    second(floor(fact.at.timestamp()))
                    amount(float(fact.total))
                if self.anything_back and isinstance(fact, _SOLD):
                    goods.take(file.customer_id, fact)
            self._lines.add(goods.bought(self.now))
            yield file

    def log(self, zone: ZoneInfo) -> orders.OrderLog:
        """All orders; customers by the place of their file."""
        days = np.asarray(_calendar.local_days(np.frombuffer(self._second, "datetime64[s]"), zone))
        customer, amount = np.frombuffer(self._customer, np.int64), np.frombuffer(self._amount)
        return orders.OrderLog.of(customer, days.view("datetime64[D]"), amount)

    def returned(self) -> returns.Report | str:
        """What comes back and why, else what is missing."""
        return self._lines.report()

    def __len__(self) -> int:
        return len(self._customer)


class _Lines:
    """The product and the size of every line, and the few lines that came back."""

    def __init__(self) -> None:
        self._product: list[str] = []
        self._size: list[str] = []
        self._back: dict[int, str] = {}

    def add(self, bought: Iterable[Bought]) -> None:
        for order in bought:
            for place, back in order.back.items():
                self._back[len(self._product) + place] = back.reason if back.reason in _REASONS else ""
            for product, size, *_ in order.pieces:
                self._product.append(product)
                self._size.append(size)

    def report(self) -> returns.Report | str:
        if not self._back:
            return "nothing came back yet"
        lines = len(self._product)
        # The report asks neither who bought, nor in which order, nor when: no columns of a million for that.
        nobody, never = np.full(lines, "-"), np.zeros(lines, "datetime64[D]")
        sold = returns.Lines.of(nobody, nobody, self._product, never, size=self._size)
        back, reason = np.zeros(lines), np.zeros(lines, dtype=_WORD)
        back[list(self._back)] = 1
        reason[list(self._back)] = list(self._back.values())
        return returns.report(sold, back, reason.tolist())
