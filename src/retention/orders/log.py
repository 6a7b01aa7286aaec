"""The order log: who ordered on which day for how much."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._calendar import local_days, zone
from retention._types import AnyArray, ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OrderLog"]


def sealed(column: AnyArray) -> AnyArray:
    """The column without leave to write to it; the caller's own array keeps its leave."""
    view = column.view()
    view.flags.writeable = False
    return view


@frozen(eq=False, repr=False)
class OrderLog:
    """A shop's orders in one currency; made by `of` or `from_frame`, n orders of k customers.

    `ids`: the customers, sorted, shape (k,), int64 or text.
    `customer`: whose order it is, as a place in `ids`, shape (n,).
    `day`: the order's day in the shop's zone, in days since 1970-01-01, shape (n,).
    `amount`: what was paid, negative for a refund, shape (n,).
    """

    ids: AnyArray = field(converter=sealed)
    customer: IntArray = field(converter=sealed)
    day: IntArray = field(converter=sealed)
    amount: FloatArray = field(converter=sealed)

    @classmethod
    def of(
        cls,
        customer_id: ArrayLike,
        ordered_at: ArrayLike,
        amount: ArrayLike,
        *,
        timezone: str | None = None,
        day_first: bool | None = None,
    ) -> OrderLog:
        """The log of three columns of one length: lists, arrays or series.

        `customer_id`: whole numbers or text. `ordered_at`: dates, times or text that says one; dates need no zone.
        Times need `timezone`, the shop's IANA zone: with an offset they are converted to it, without one they are what
        its clock showed. `day_first` says how to read ``1/12/2010``. `amount`: finite numbers, a refund below 0.
        Raises InvalidInput with column, row and remedy.

        >>> OrderLog.of(customer_id=[7, 7, 9], ordered_at=["1997-01-01", "1997-01-18", "1997-01-01"], amount=[5, 6, 7])
        OrderLog(3 orders of 2 customers, 1997-01-01 to 1997-01-18)
        """
        columns = {"customer_id": customer_id, "ordered_at": ordered_at, "amount": amount}
        return _build(columns, timezone=timezone, day_first=day_first)

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        customer_id: str = "customer_id",
        ordered_at: str = "ordered_at",
        amount: str = "amount",
        timezone: str | None = None,
        day_first: bool | None = None,
    ) -> OrderLog:
        """The log of three columns of a data frame of pandas, polars, pyarrow or whatever else narwhals reads.

        The names say which columns; the rest is as in `of`.
        """
        import narwhals as nw

        try:
            frame = nw.from_native(df, eager_only=True)
        except TypeError as error:
            message = f"df: {type(df).__name__} is no data frame held in memory: collect it, or use OrderLog.of"
            raise InvalidInput(message) from error
        columns = {name: _pick(frame, name) for name in (customer_id, ordered_at, amount)}
        return _build(columns, timezone=timezone, day_first=day_first)

    @property
    def ordered_on(self) -> NDArray[np.datetime64]:
        """The orders' days as datetime64[D], shape (n,)."""
        return self.day.view("datetime64[D]")

    def __len__(self) -> int:
        return len(self.day)

    def __repr__(self) -> str:
        span = f", {self.ordered_on.min()} to {self.ordered_on.max()}" if len(self) else ""
        return f"OrderLog({len(self)} orders of {len(self.ids)} customers{span})"


def _build(columns: dict[str, Any], *, timezone: str | None, day_first: bool | None) -> OrderLog:
    (who, customer_id), (when, ordered_at), (paid, amounts) = columns.items()
    keys = _checks.ids(who, customer_id)
    day = order_days(when, ordered_at, timezone=timezone, day_first=day_first)
    amount = _checks.floats(paid, amounts)
    _checks.same_length(**{who: keys, when: day, paid: amount})
    ids, customer = _checks.distinct(keys)
    return OrderLog(ids, customer, day, amount)


def order_days(name: str, values: ArrayLike, *, timezone: str | None, day_first: bool | None) -> IntArray:
    """The shop's day of each time, in days since 1970-01-01, shape (n,)."""
    times = _checks.instants(name, values, day_first=day_first)
    shop = None if timezone is None else zone(timezone)
    if times.aware and shop is None:
        message = f"{name}: the times have an offset, but days are the shop's: say timezone=, its zone"
        raise InvalidInput(message)
    if times.aware and shop is not None:
        return local_days(times.at, shop)
    days = times.at.astype("datetime64[D]", copy=False)
    if shop is None and days is not times.at:
        # Data frames know no dates but midnights; anything else is a time and belongs to a zone.
        _checks.refuse(name, times.at, days != times.at, "a time without a zone: say timezone=, where its clock hung")
    return days.view(np.int64)


def _pick(frame: Any, name: str) -> Any:
    if name in frame.columns:
        return frame[name]
    near = get_close_matches(name, frame.columns, n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, frame.columns))}"
    message = f"{name}: the frame has no such column: {remedy}"
    raise InvalidInput(message)
