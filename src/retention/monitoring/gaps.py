"""Drift of the time between orders.

A gap that has ended is a short one by selection: a log of three months holds no gap of four, and customers who were won
last month have no long gaps yet. So gaps are taken where they *begin*, and every one is watched for equally long: each
order day of a period, and the days from it to the customer's next, at most `follow`. That depends neither on how long
the log is nor on how old its customers are; the price is that a period can be judged `follow` days after its end only.

The gaps of one customer resemble each other, and customers order in both periods: the interval counts customers, not
gaps.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from attrs import frozen

from retention._stats.bins import cut_offs
from retention._stats.drift import clustered_difference, effective
from retention._types import FloatArray, IntArray
from retention.errors import InvalidInput
from retention.monitoring.drift import Drift, compare_shapes, decide, options, shape_in_words, too_few, whole
from retention.orders import OrderLog
from retention.orders.log import order_days

if TYPE_CHECKING:
    from datetime import date

    Day: TypeAlias = str | date | np.datetime64
    Period: TypeAlias = tuple[Day, Day]

__all__ = ["gap_drift"]

_LONGEST = 3_660


@frozen(eq=False)
class _Gaps:
    """Of the order days of a period: whose each is, and the days to the next one, at most `follow`; shapes (n,)."""

    customer: IntArray
    days: FloatArray

    @property
    def customers(self) -> int:
        return len(np.unique(self.customer))

    @property
    def usual(self) -> float:
        return exp(float(np.log(self.days).mean()))


def gap_drift(
    log: OrderLog,
    *,
    before: Period,
    after: Period,
    at: Day | None = None,
    follow: int = 90,
    bins: int = 5,
    tolerance: float = 0.1,
    needed: int = 100,
    level: float = 0.95,
) -> Drift:
    """How the days from one order to the next changed from one period to another.

    ``before``, ``after``: first and last day of each period, the earlier one ends before the later begins. ``at``: the
    last day that the log covers, else the day of its last order. ``follow``: days for which each order is watched, 2 to
    3660. ``bins``: groups for PSI, 2 to 100. ``needed``: customers with an order in each period, at least 2.
    Raises `InvalidInput` naming the option.

    `Drift.estimate` is the ratio of the geometric mean gaps, a silence of `follow` days or more counting as `follow`; 1
    is no change, 1.2 is a fifth longer, ``tolerance`` is .1 for a tenth. Compare equal seasons where seasons matter.
    The verdict is "not enough data" also where the log ends before a period's last order was watched for `follow` days.

    >>> rows = [
    ...     (customer, day)
    ...     for customer in range(300)
    ...     for first, usual in ((0, 15), (200, 22))
    ...     for day in range(first, first + 200, usual + customer % 10)
    ... ]
    >>> customer_id, days = np.transpose(rows)
    >>> shop = OrderLog.of(customer_id, np.datetime64("2025-01-01") + days.astype("timedelta64[D]"), np.ones(len(rows)))
    >>> found = gap_drift(shop, before=("2025-01-01", "2025-06-01"), after=("2025-08-01", "2025-10-31"), follow=60)
    >>> found.verdict, found.cuts_before, found.cuts_after
    ('moved', (16.0, 17.0, 19.0, 22.0), (23.0, 24.0, 26.0, 29.0))
    >>> found.why
    'gaps: 26.0 days, 18.9 before, 38 % longer (37 % longer to 38 % longer), PSI 4.67 (by chance 0.06)'
    >>> gap_drift(shop, before=("2025-01-01", "2025-06-01"), after=("2025-08-01", "2026-01-01")).why
    'gaps: not enough data: the log ends 33 days after 2026-01-01, 90 needed'
    """
    options(needed=needed, level=level, bins=bins, tolerance=tolerance, most=1.0)
    whole("follow", follow, 2, _LONGEST)
    spans = _spans(before, after)
    end = _end(log, at)
    if end - spans[-1] < follow:
        last = np.datetime64(spans[-1], "D")
        beyond = f"the log ends {max(end - spans[-1], 0)} days after {last}, {follow} needed"
        return Drift(verdict="not enough data", why=f"gaps: not enough data: {beyond}")
    earlier, later = _gaps(log, spans[:2], end, follow), _gaps(log, spans[2:], end, follow)
    few = too_few("gaps", earlier.customers, later.customers, needed)
    if few:
        return Drift(verdict="not enough data", why=few)
    return _compare(earlier, later, bins=bins, tolerance=tolerance, level=level)


def _compare(earlier: _Gaps, later: _Gaps, *, bins: int, tolerance: float, level: float) -> Drift:
    samples = [(np.log(gaps.days), gaps.customer) for gaps in (earlier, later)]
    difference, lower, upper = clustered_difference(*samples, level=level)
    edges = cut_offs(earlier.days, bins)
    rows = (effective(earlier.customer), effective(later.customer))
    shape = compare_shapes(earlier.days, later.days, edges, rows, level=level)
    unmoved = log(1 + tolerance)
    ratio = (exp(difference), exp(lower), exp(upper))
    change = f"{_change(ratio[0])} ({_change(ratio[1])} to {_change(ratio[2])})"
    return Drift(
        verdict=decide((difference, lower, upper), (-unmoved, 0.0, unmoved), shape),
        why=f"gaps: {later.usual:.1f} days, {earlier.usual:.1f} before, {change}, {shape_in_words(shape)}",
        estimate=ratio[0],
        lower=ratio[1],
        upper=ratio[2],
        psi=shape[0],
        psi_by_chance=shape[1],
        cuts_before=tuple(edges.tolist()),
        cuts_after=tuple(cut_offs(later.days, bins).tolist()),
    )


def _change(ratio: float) -> str:
    return f"{abs(100 * (ratio - 1)):.0f} % {'longer' if ratio >= 1 else 'shorter'}"


def _gaps(log: OrderLog, span: list[int], end: int, follow: int) -> _Gaps:
    counts = (log.amount >= 0) & (log.day <= end) & (log.day >= span[0])
    width = end - span[0] + 1
    packed = np.unique(log.customer[counts] * width + (log.day[counts] - span[0]))  # of a day, all orders are one
    customer, day = np.divmod(packed, width)
    days = np.full(len(day), float(follow))
    same = customer[1:] == customer[:-1]
    days[:-1][same] = np.minimum(np.diff(day)[same], follow)
    inside = day <= span[1] - span[0]
    return _Gaps(customer[inside], days[inside])


def _spans(before: Period, after: Period) -> list[int]:
    """First and last day of both periods, in days since 1970-01-01."""
    days = [_day(name, day) for name, period in (("before", before), ("after", after)) for day in _pair(name, period)]
    if not days[0] <= days[1] < days[2] <= days[3]:
        shown = ", ".join(str(np.datetime64(day, "D")) for day in days)
        raise InvalidInput(f"before, after: {shown} do not follow one another: give first and last day of each period")
    return days


def _pair(name: str, period: object) -> Period:
    if not isinstance(period, list | tuple) or len(period) != 2:
        raise InvalidInput(f"{name}: {period!r} is no period: give its first and its last day")
    return period[0], period[1]


def _end(log: OrderLog, at: Day | None) -> int:
    if at is not None:
        return _day("at", at)
    if not len(log):
        raise InvalidInput("log: no orders: say at=, the last day that it covers")
    return int(log.day.max())


def _day(name: str, day: Day) -> int:
    return int(order_days(name, np.array([day]), timezone=None, day_first=None)[0])
