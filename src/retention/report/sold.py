"""What was sold and what came back, in columns: of a million orders a few numbers each are kept, not the orders."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import floor
from zoneinfo import ZoneInfo

import numpy as np

from retention import _calendar, orders, returns
from retention._types import AnyArray
from retention.engine.goods import Bought, Goods
from retention.facts import OrderPlaced, ReturnChanged
from retention.journey import CustomerFile
from retention.reasons import Reason

__all__ = ["Sold"]

_REASONS = frozenset(Reason)
_SOLD = (OrderPlaced, ReturnChanged)


class Sold:
    """All orders until `now`, from the files as they pass; their lines only if `anything_back`."""

    def __init__(self, now: datetime, *, anything_back: bool) -> None:
        self.now, self.anything_back = now, anything_back
        self._customer, self._second, self._amount = array("q"), array("q"), array("d")
        self._lines = _Lines()

    def passing(self, files: Iterable[CustomerFile]) -> Iterator[CustomerFile]:
        """The files, each looked at as it passes."""
        for number, file in enumerate(files):
            goods = Goods()
            for fact in file.facts:
                if isinstance(fact, OrderPlaced) and fact.at <= self.now:
                    self._customer.append(number)
                    self._second.append(floor(fact.at.timestamp()))
                    self._amount.append(float(fact.total))
                if self.anything_back and isinstance(fact, _SOLD):
                    goods.take(file.customer_id, fact)
            self._lines.add(number, goods.bought(self.now))
            yield file

    def log(self, zone: ZoneInfo) -> orders.OrderLog:
        """All orders; customers by the place of their file."""
        amount = np.frombuffer(self._amount)
        return orders.OrderLog.of(np.frombuffer(self._customer, np.int64), _days(self._second, zone), amount)

    def returned(self, zone: ZoneInfo) -> returns.Report | str:
        """What comes back and why, else what is missing."""
        return self._lines.report(zone)

    def __len__(self) -> int:
        return len(self._customer)


class _Lines:
    """Columns by order, with the number of its lines; columns by line; and the few lines that came back."""

    def __init__(self) -> None:
        self._customer, self._second, self._pieces = array("q"), array("q"), array("q")
        self._product: list[str] = []
        self._size: list[str] = []
        self._category: list[str] = []
        self._value = array("d")
        self._back: dict[int, str] = {}

    def add(self, customer: int, bought: Iterable[Bought]) -> None:
        for order in bought:
            for place, back in order.back.items():
                self._back[len(self._product) + place] = back.reason if back.reason in _REASONS else ""
            self._customer.append(customer)
            self._second.append(floor(order.at.timestamp()))
            self._pieces.append(len(order.pieces))
            for product, size, category, value in order.pieces:
                self._product.append(product)
                self._size.append(size)
                self._category.append(category)
                self._value.append(value)

    def report(self, zone: ZoneInfo) -> returns.Report | str:
        if not self._back:
            return "nothing came back yet"
        lines, whole = len(self._product), np.frombuffer(self._pieces, np.int64)
        sold = returns.Lines.of(
            np.repeat(np.frombuffer(self._customer, np.int64), whole),
            np.repeat(np.arange(len(whole)), whole),
            self._product,
            np.repeat(_days(self._second, zone), whole),
            size=self._size,
            category=self._category,
            value=np.frombuffer(self._value),
        )
        back = np.zeros(lines)
        back[list(self._back)] = 1
        return returns.report(sold, back, [self._back.get(line, "") for line in range(lines)])


def _days(seconds: array[int], zone: ZoneInfo) -> AnyArray:
    """The days of the shop's zone."""
    days = _calendar.local_days(np.frombuffer(seconds, "datetime64[s]"), zone)
    return np.asarray(days).view("datetime64[D]")
