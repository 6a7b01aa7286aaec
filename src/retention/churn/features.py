"""What was known about each customer at the end of one day, as columns for a regression.

Fixed transformations, the same for every shop; none was chosen by looking at a test period. Times and counts are taken
as logarithms, because a shop's customers differ by factors, not by amounts:

- ``gap``, ``gap_root``: log(1 + days of silence), and its square root, which tells long silences apart;
- ``overdue``: log of the silence in usual gaps (`churn.rhythm`), a day added;
- ``orders``: log of the order days; ``tenure``: log(1 + days since the first order);
- ``spend``: log of the revenue of an order day against the shop's mean, each plus a tenth of the mean;
- ``spend_trend``: last order day against the mean one, (last - mean) / (last + mean), -1 to 1;
- ``last_visit``, ``last_click``, ``last_open``: 1 for today, falling with the log of the days to 0 at the *reach* and
  beyond, and for never;
- ``visits``: log(1 + visits in the last 30 days); ``unsubscribed``: 0 or 1;
- ``returns``: returns for each order, up to 1.

The reach is how far back a sort of event was recorded on the day of the training, at most a year: a shop that began to
record visits last spring must not take everybody who came before that for somebody who never came.

Chosen on nine windows that end by the cuts of the published backtests (CDNOW by 1997-12-31, Online Retail by
2011-09-09; horizons of 4 to 13 weeks): mean log loss .4204 without ``gap_root``, .4142 with it; a further column for
the orders of the last 13 weeks (.4147) did not help and was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from attrs import frozen

from retention._types import AnyArray, FloatArray, IntArray
from retention.churn.activity import Matched
from retention.churn.rhythm import Rhythm, rhythm
from retention.orders import CustomerSummary, OrderLog, summarize

__all__ = ["Features", "Snapshot", "features", "ordered_within", "reach", "take"]

BROWSING_DAYS = 30
_LONGEST_REACH = 365
_LATEST = {"last_visit": "visits", "last_click": "clicks", "last_open": "opens"}
_NEVER = -1


@frozen(eq=False)
class Snapshot:
    """The log on one evening: summary, rhythm, activity, and each row's place in the log's ids (n,)."""

    log: OrderLog
    summary: CustomerSummary
    rhythm: Rhythm
    activity: Matched
    day: int
    place: IntArray


@frozen(eq=False)
class Features:
    """Columns for a regression and the plain numbers behind them.

    `names`: of the columns, k. `columns`: (n, k). `plain`: what the words are made of, each (n,); days of latest events
    are -1 for never.
    """

    names: tuple[str, ...]
    columns: FloatArray
    plain: Mapping[str, AnyArray]


def take(log: OrderLog, activity: Matched, day: int, unit: Any) -> Snapshot:
    """The snapshot at the end of a day."""
    summary = summarize(log, at=day_of(day), unit=unit)
    everybody = len(summary) == len(log.ids)
    place = np.arange(len(log.ids)) if everybody else np.searchsorted(log.ids, summary.customer_id)
    return Snapshot(log, summary, rhythm(summary), activity, day, place)


def day_of(day: int) -> date:
    """The date of a day number."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + day)


def ordered_within(snapshot: Snapshot, days: int) -> FloatArray:
    """Whether each customer ordered in the days after the snapshot, 0 or 1, shape (n,)."""
    log = snapshot.log
    counts = (log.day > snapshot.day) & (log.day <= snapshot.day + days) & (log.amount >= 0)
    did = np.zeros(len(log.ids))
    did[log.customer[counts]] = 1
    return did[snapshot.place]


def reach(activity: Matched, day: int) -> dict[str, int]:
    """How many days back from a day each sort of event was recorded, at most a year; under 30 it is left out."""
    found = {name: day - int(days.min()) for name, (_, days) in activity.events.items()}
    # Consent given only undoes consent withdrawn; alone it makes no column.
    return {
        name: min(back, _LONGEST_REACH)
        for name, back in found.items()
        if back >= BROWSING_DAYS and name != "subscribed"
    }


def features(snapshot: Snapshot, reach: Mapping[str, int]) -> Features:
    """The features of a snapshot, with those of every sort of event in `reach`."""
    columns, plain = _of_orders(snapshot)
    for name, sort in _LATEST.items():
        if sort in reach:
            plain[name] = _days_since(snapshot, sort, reach[sort])
            columns[name] = _freshness(plain[name], reach[sort])
    if "visits" in reach:
        plain["visits"] = _count(snapshot, "visits", BROWSING_DAYS)
        columns["visits"] = np.log1p(plain["visits"])
    if "unsubscribed" in reach:
        plain["unsubscribed"] = _unsubscribed(snapshot)
        columns["unsubscribed"] = plain["unsubscribed"].astype(np.float64)
    if "returns" in reach:
        plain["returns"] = _count(snapshot, "returns", None)
        columns["returns"] = np.minimum(plain["returns"] / snapshot.summary.orders, 1)
    return Features(tuple(columns), np.column_stack(list(columns.values())), plain)


def _of_orders(snapshot: Snapshot) -> tuple[dict[str, FloatArray], dict[str, AnyArray]]:
    s, found = snapshot.summary, snapshot.rhythm
    silence = s.days_since_last.astype(np.float64)
    tenure = silence + (s.last_ordered_at - s.first_ordered_at).astype(np.int64)
    orders = s.frequency + 1.0
    spend = np.maximum(s.revenue, 0) / orders
    usual = float(spend.mean()) or 1.0  # a shop of free orders: everybody spends the same
    last = _last_spend(snapshot)
    both = last + spend
    columns = {
        "gap": np.log1p(silence),
        "gap_root": np.sqrt(silence),
        "overdue": np.log((silence + 1) / found.usual_gap),
        "orders": np.log(orders),
        "tenure": np.log1p(tenure),
        "spend": np.log((spend + usual / 10) / (usual * 1.1)),
        "spend_trend": np.divide(last - spend, both, out=np.zeros_like(both), where=both > 0),
    }
    plain = {
        "gap": s.days_since_last,
        "orders": s.frequency + 1,
        "tenure": tenure.astype(np.int64),
        "spend": spend / usual,
    }
    return columns, plain


def _last_spend(snapshot: Snapshot) -> FloatArray:
    """What each customer paid on their last order day."""
    log = snapshot.log
    last = np.full(len(log.ids), np.iinfo(np.int64).max)
    last[snapshot.place] = snapshot.summary.last_ordered_at.view(np.int64)
    counts = (log.day == last[log.customer]) & (log.amount >= 0)
    paid: FloatArray = np.bincount(log.customer[counts], log.amount[counts], minlength=len(log.ids)).astype(np.float64)
    return paid[snapshot.place]


def _days_since(snapshot: Snapshot, sort: str, reach: int) -> IntArray:
    """Days since the latest event, -1 if it is longer ago than the reach."""
    place, day = snapshot.activity.until(sort, snapshot.day, after=snapshot.day - reach - 1)
    latest = np.full(len(snapshot.log.ids), snapshot.day + 1)  # a day too late says never: 1 day in the future is -1
    order = np.argsort(day, kind="stable")
    latest[place[order]] = day[order]
    since: IntArray = snapshot.day - latest[snapshot.place]
    return since


def _freshness(days: IntArray, reach: int) -> FloatArray:
    return np.where(days == _NEVER, 0.0, 1 - np.log1p(np.maximum(days, 0)) / np.log1p(reach))


def _count(snapshot: Snapshot, sort: str, days: int | None) -> IntArray:
    after = None if days is None else snapshot.day - days
    place, _ = snapshot.activity.until(sort, snapshot.day, after=after)
    count: IntArray = np.bincount(place, minlength=len(snapshot.log.ids)).astype(np.int64)[snapshot.place]
    return count


def _unsubscribed(snapshot: Snapshot) -> IntArray:
    """Whether consent was withdrawn and not given since; on one day withdrawal counts."""
    latest = np.full((2, len(snapshot.log.ids)), -np.inf)
    for row, sort in enumerate(("unsubscribed", "subscribed")):
        if sort in snapshot.activity.events:
            place, day = snapshot.activity.until(sort, snapshot.day)
            np.maximum.at(latest[row], place, day.astype(np.float64))
    gone: IntArray = ((latest[0] >= latest[1]) & np.isfinite(latest[0])).astype(np.int64)
    return gone[snapshot.place]
