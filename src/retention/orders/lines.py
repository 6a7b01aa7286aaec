"""Order lines: what each order was made of; the product side of the shop's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._types import AnyArray, ArrayLike, FloatArray, IntArray
from retention.orders.log import OrderLog, order_days, sealed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OrderLines"]


@frozen(eq=False, repr=False)
class OrderLines:
    """Lines of a shop's orders, one row per product of an order; made by `of`, every column has shape (n,).

    `customer_id`, `order_id`, `product_id`: int64 or text.
    `quantity`: pieces, negative if they came back. `price`: of one piece, at least 0.
    `day`: the line's day in the shop's zone, in days since 1970-01-01.
    """

    customer_id: AnyArray = field(converter=sealed)
    order_id: AnyArray = field(converter=sealed)
    product_id: AnyArray = field(converter=sealed)
    quantity: FloatArray = field(converter=sealed)
    price: FloatArray = field(converter=sealed)
    day: IntArray = field(converter=sealed)

    @classmethod
    def of(
        cls,
        customer_id: ArrayLike,
        order_id: ArrayLike,
        product_id: ArrayLike,
        quantity: ArrayLike,
        price: ArrayLike,
        ordered_at: ArrayLike,
        *,
        timezone: str | None = None,
        day_first: bool | None = None,
    ) -> OrderLines:
        """The lines of six columns of one length; `ordered_at`, `timezone` and `day_first` as in `OrderLog.of`.

        >>> OrderLines.of([7, 7], ["A1", "A1"], ["mug", "jug"], [2, 1], [3.5, 12.0], ["2011-05-01", "2011-05-01"])
        OrderLines(2 lines, 2011-05-01 to 2011-05-01)
        """
        columns = {
            "customer_id": _checks.ids("customer_id", customer_id),
            "order_id": _checks.ids("order_id", order_id),
            "product_id": _checks.ids("product_id", product_id),
            "quantity": _checks.floats("quantity", quantity),
            "price": _checks.floats("price", price, at_least=0),
            "ordered_at": order_days("ordered_at", ordered_at, timezone=timezone, day_first=day_first),
        }
        _checks.same_length(**columns)
        return cls(*columns.values())

    @property
    def ordered_on(self) -> NDArray[np.datetime64]:
        """The lines' days as datetime64[D], shape (n,)."""
        return self.day.view("datetime64[D]")

    def orders(self) -> OrderLog:
        """One order per order id: the sum of its lines, on its first line's day; a sum below 0 is a refund.

        Raises InvalidInput if an order id occurs with two customers.

        >>> OrderLines.of([7, 7], ["A1", "A1"], ["mug", "jug"], [2, 1], [3.5, 12.0], ["2011-05-01"] * 2).orders().amount
        array([19.])
        """
        order_ids, order = _checks.distinct(self.order_id)
        ids, customer = _checks.distinct(self.customer_id)
        # Written backwards, so that the first line of each order is the one that stays.
        first = np.empty(len(order_ids), dtype=np.int64)
        first[order[::-1]] = np.arange(len(order))[::-1]
        owner = customer[first]
        other = owner[order] != customer
        _checks.refuse("order_id", self.order_id, other, "an order of two customers: make order ids unique")
        day = np.full(len(order_ids), np.iinfo(np.int64).max)
        np.minimum.at(day, order, self.day)
        amount = np.bincount(order, self.quantity * self.price, minlength=len(order_ids))
        return OrderLog(ids, owner, day, amount)

    def __len__(self) -> int:
        return len(self.order_id)

    def __repr__(self) -> str:
        span = f", {self.ordered_on.min()} to {self.ordered_on.max()}" if len(self) else ""
        return f"OrderLines({len(self)} lines{span})"
