"""One row per customer: how often, how recently, since when, for how much.

The speed comes from never sorting rows: customer and day are packed into one integer, sorted in place and read off.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.orders.log import OrderLog, sealed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    DayArray: TypeAlias = NDArray[np.datetime64]

__all__ = ["CustomerSummary", "summarize"]

Unit: TypeAlias = Literal["D", "W"]
Refunds: TypeAlias = Literal["net", "ignore", "raise"]

_DAYS_PER_UNIT = {"D": 1, "W": 7}
# A day after all days; days of four bytes let the table that is read at random fit the cache better.
_NEVER = np.iinfo(np.int32).max


@frozen(eq=False, repr=False)
class CustomerSummary:
    """What the models read, one row per customer in the order of their ids; every column has shape (n,).

    `at`: the last day that counts. `unit`: of `recency` and `T`, "D" days or "W" weeks.
    `customer_id`: int64 or text, sorted.
    `frequency`: order days after the first, int64.
    `recency`: age at the last order day, 0 if it is the first; 0 <= recency <= T.
    `T`: age at the end of `at`'s day.
    `monetary_value`: mean value of the order days after the first, 0 if there are none; with netted refunds it may be
    negative, and such customers must be left out of a Gamma-Gamma model.
    `orders`: orders, refunds not counted, int64, at least 1. `revenue`: what they add up to.
    `days_since_last`: days from the last order day to `at`, int64.
    `mean_gap`: mean days between neighbouring order days, NaN if there is only one.
    `first_ordered_at`, `last_ordered_at`: the first and the last order day, datetime64[D].
    """

    at: date
    unit: Unit
    customer_id: AnyArray = field(converter=sealed)
    frequency: IntArray = field(converter=sealed)
    recency: FloatArray = field(converter=sealed)
    T: FloatArray = field(converter=sealed)
    monetary_value: FloatArray = field(converter=sealed)
    orders: IntArray = field(converter=sealed)
    revenue: FloatArray = field(converter=sealed)
    days_since_last: IntArray = field(converter=sealed)
    mean_gap: FloatArray = field(converter=sealed)
    first_ordered_at: DayArray = field(converter=sealed)
    last_ordered_at: DayArray = field(converter=sealed)

    def __len__(self) -> int:
        return len(self.customer_id)

    def __repr__(self) -> str:
        return f"CustomerSummary({len(self)} customers at {self.at}, unit {self.unit!r})"

    def __getitem__(self, rows: slice | BoolArray | IntArray) -> CustomerSummary:
        """The customers of a slice, a mask or row numbers.

        >>> log = OrderLog.of([7, 7, 9], ["1997-01-01", "1997-01-18", "1997-01-01"], [5, 6, 7])
        >>> s = summarize(log, at="1997-09-30")
        >>> s[s.frequency > 0].customer_id
        array([7])
        """
        at, unit, *columns = (getattr(self, field.name) for field in attrs.fields(type(self)))
        return CustomerSummary(at, unit, *(column[rows] for column in columns))

    def select(self, ids: ArrayLike) -> CustomerSummary:
        """The customers of these ids, in their order; InvalidInput for one that is not in the summary."""
        wanted = _checks.ids("ids", ids)
        if not len(self) or wanted.dtype.kind != self.customer_id.dtype.kind:
            _checks.refuse("ids", wanted, np.ones(len(wanted), dtype=np.bool_), "not in the summary")
            return self[:0]
        rows = np.minimum(np.searchsorted(self.customer_id, wanted), len(self) - 1)
        _checks.refuse("ids", wanted, self.customer_id[rows] != wanted, "not in the summary")
        return self[rows]


def summarize(
    log: OrderLog, *, at: str | date | np.datetime64, unit: Unit = "D", refunds: Refunds = "net"
) -> CustomerSummary:
    """The log's customers as of a day: orders up to and including `at` count, later ones are not known yet.

    `unit`: "D" or "W", in which `recency` and `T` are told; ages are whole days first, then weeks.
    `refunds`, that is negative amounts, never are order days and

    - "net": come off the money: of `revenue`, and of the order day before them (`monetary_value` sees a refund only if
      it follows the second order day);
    - "ignore": count for nothing;
    - "raise": are InvalidInput.

    Customers without an order by `at`, or with refunds only, are left out.

    >>> log = OrderLog.of([7, 7, 9], ["1997-01-01", "1997-01-15", "1997-01-01"], [5, 6, 7])
    >>> s = summarize(log, at="1997-01-29", unit="W")
    >>> s.customer_id, s.frequency, s.recency, s.T, s.monetary_value
    (array([7, 9]), array([1, 0]), array([2., 0.]), array([4., 4.]), array([6., 0.]))
    """
    end = _last_day(at)
    per_unit = _choice("unit", unit, _DAYS_PER_UNIT)
    if _choice("refunds", refunds, {"net": False, "ignore": False, "raise": True}):
        refund = (log.amount < 0) & (log.day <= end)
        _checks.refuse("amount", log.amount, refund, "a refund: say refunds='net' or 'ignore'")
    days = _order_days(log, end)
    before, after = _money(log, end, days, ignore=refunds == "ignore")
    before += after
    age_at_last = days.last - days.first
    return CustomerSummary(
        at=np.datetime64(end, "D").item(),
        unit=unit,
        customer_id=log.ids[days.customer],
        frequency=days.frequency,
        recency=age_at_last / per_unit,
        T=(end - days.first) / per_unit,
        monetary_value=_ratio(after, days.frequency, otherwise=0.0),
        orders=days.orders,
        revenue=before,
        days_since_last=end - days.last,
        mean_gap=_ratio(age_at_last, days.frequency, otherwise=np.nan),
        first_ordered_at=days.first.view("datetime64[D]"),
        last_ordered_at=days.last.view("datetime64[D]"),
    )


@frozen(eq=False)
class _OrderDays:
    """Of the customers who have one, in the order of their ids: places in the log's ids, orders, order days."""

    customer: IntArray | slice
    orders: IntArray
    frequency: IntArray
    first: IntArray
    second: IntArray
    last: IntArray


def _order_days(log: OrderLog, end: int) -> _OrderDays:
    if not len(log):
        return _OrderDays(*(np.zeros(0, dtype=np.int64) for _ in range(6)))
    low = int(log.day.min())
    bits = (int(log.day.max()) - low).bit_length()
    packed = _packed(log, end, low, bits)
    packed.sort()
    orders = np.diff(_customer_starts(packed, bits), append=len(packed))
    packed = _without_repeats(packed)
    start = _customer_starts(packed, bits)
    frequency = np.diff(start, append=len(packed))
    frequency -= 1

    def day(place: IntArray) -> IntArray:
        return (packed[place] & ((1 << bits) - 1)).astype(np.int64) + low

    # Where nobody is left out the columns of all ids are the result; picking from them would copy each.
    everybody = len(start) == len(log.ids)
    customer = slice(None) if everybody else (packed[start] >> bits).astype(np.int64)
    second = np.where(frequency > 0, day(np.minimum(start + 1, len(packed) - 1)), _NEVER)
    return _OrderDays(customer, orders, frequency, day(start), second, day(start + frequency))


def _packed(log: OrderLog, end: int, low: int, bits: int) -> AnyArray:
    """Customer and day of every order that counts, in one integer: 32 bits where they suffice sort in half the time."""
    dtype = np.uint32 if len(log.ids) << bits <= 1 << 32 else np.int64
    packed = np.empty(len(log), dtype=dtype)
    filled = 0
    for block in _checks.blocks(len(log)):
        number = (log.customer[block] << bits) | (log.day[block] - low)
        number = number[(log.day[block] <= end) & (log.amount[block] >= 0)]
        packed[filled : filled + len(number)] = number
        filled += len(number)
    return packed[:filled]


def _customer_starts(packed: AnyArray, bits: int) -> IntArray:
    """Where a new customer begins in the sorted column."""
    new = np.ones(len(packed), dtype=np.bool_)
    for block in _checks.blocks(len(packed) - 1):
        here, there = packed[:-1][block], packed[1:][block]
        np.not_equal((here ^ there) >> bits, 0, out=new[1:][block])
    return np.flatnonzero(new)


def _without_repeats(packed: AnyArray) -> AnyArray:
    """The sorted column's distinct values, moved together in its own memory."""
    new = _checks.starts(packed)
    filled = 0
    for block in _checks.blocks(len(packed)):
        kept = packed[block][new[block]]
        packed[filled : filled + len(kept)] = kept
        filled += len(kept)
    return packed[:filled]


def _money(log: OrderLog, end: int, days: _OrderDays, *, ignore: bool) -> FloatArray:
    """Money before the second order day and from it on, shape (2, customers); added apart: a difference would round."""
    second = np.full(len(log.ids), _NEVER, dtype=np.int32)
    second[days.customer] = days.second
    sums = np.zeros((2, len(log.ids)))
    for block in _checks.blocks(len(log)):
        customer, day, amount = log.customer[block], log.day[block], log.amount[block]
        counts = day <= end
        if ignore:
            counts &= amount >= 0
        place = customer + len(log.ids) * (day >= second[customer])
        if not counts.all():
            place, amount = place[counts], amount[counts]
        np.add.at(sums.reshape(-1), place, amount)
    return sums[:, days.customer]


def _ratio(numerator: AnyArray, denominator: IntArray, *, otherwise: float) -> FloatArray:
    result: FloatArray = np.full(len(denominator), otherwise)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _last_day(at: str | date | np.datetime64) -> int:
    times = _checks.instants("at", [at])
    day = times.at.astype("datetime64[D]")
    if times.aware or day[0] != times.at[0]:
        message = f"at: {at} is a time: give the last day that counts, such as '1997-09-30'"
        raise InvalidInput(message)
    return int(day.view(np.int64)[0])


def _choice(name: str, value: str, choices: dict[str, Any]) -> Any:
    if value not in choices:
        message = f"{name}: {value!r} is unknown: say {' or '.join(map(repr, choices))}"
        raise InvalidInput(message)
    return choices[value]
