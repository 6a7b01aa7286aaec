"""Signals: a regression on all that is known about a customer, which also says in words what speaks for an order.

A discrete-time hazard: one logistic regression for the chance of at least one order within the horizon, on `features`
as they stood one horizon earlier and on what happened since. A sort of event that the shop does not record has no
column; the fit then rests on the orders alone. Ordered log odds make contributions: what each group of columns adds for
this customer compared with the shop's mean customer. They describe the forecast; they are no causes.

Longer silence lowers the chance as a rule, but nothing forces it: gap, its root, the overdue ratio and the tenure all
grow with it, and their coefficients are the shop's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from retention._stats.logistic import Logistic, fit_logistic, linear, sigmoid
from retention._types import AnyArray, FloatArray
from retention.churn._horizons import days_of, last_day
from retention.churn.activity import Activity, matched
from retention.churn.features import BROWSING_DAYS, Features, Snapshot, day_of, features, ordered_within, reach, take
from retention.errors import InvalidInput
from retention.orders import OrderLog

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Reasons", "Signals", "fit_signals", "presence"]

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "silence": ("gap", "gap_root", "overdue"),
    "orders": ("orders", "tenure"),
    "spend": ("spend", "spend_trend"),
    "visits": ("visits", "last_visit"),
    "clicks": ("last_click",),
    "opens": ("last_open",),
    "consent": ("unsubscribed",),
    "returns": ("returns",),
}
_WORTH_SAYING = 0.1
"""Log odds: a chance of 20 % that becomes 18 or 22 %."""
_MOST_REASONS = 2


@frozen(eq=False)
class Signals:
    """The fit: `at`: the last day it knows; `days`: of the horizon; `names`: of its columns; `reach`: see `features`.

    `customers`: how many it was fitted to, `ordered`: how many of them did. `logistic`: the regression.
    """

    at: date
    days: int
    names: tuple[str, ...]
    reach: Mapping[str, int]
    customers: int
    ordered: int
    logistic: Logistic

    def p_active(self, snapshot: Snapshot) -> FloatArray:
        """The chance of at least one order within the horizon, shape (n,)."""
        added = linear(self.logistic, _known(self, snapshot).columns)
        return sigmoid(self.logistic.intercept + added.sum(axis=1))

    def reasons(self, snapshot: Snapshot) -> Reasons:
        """What each group of columns adds, for every customer."""
        found = _known(self, snapshot)
        added = linear(self.logistic, found.columns)
        groups = [group for group, names in _GROUPS.items() if set(names) & set(self.names)]
        columns = [[self.names.index(name) for name in _GROUPS[group] if name in self.names] for group in groups]
        sums = [added[:, places].sum(axis=1) for places in columns]
        return Reasons(tuple(groups), np.column_stack(sums), found.plain)


@frozen(eq=False)
class Reasons:
    """`names`: of the groups, g. `contribution`: log odds that a group adds for a customer, (n, g). `plain`: facts."""

    names: tuple[str, ...]
    contribution: FloatArray
    plain: Mapping[str, AnyArray]

    def words(self, row: int) -> str:
        """What speaks for an order of this row's customer and what against it, the weightiest first; "" if nothing."""
        by_weight = np.argsort(-np.abs(self.contribution[row]), kind="stable").tolist()
        said: dict[bool, list[str]] = {True: [], False: []}
        for place in by_weight:
            weight = self.contribution[row, place]
            if abs(weight) >= _WORTH_SAYING and len(said[bool(weight > 0)]) < _MOST_REASONS:
                said[bool(weight > 0)].append(self._word(self.names[place], row, good=bool(weight > 0)))
        parts = {"for it": said[True], "against it": said[False]}
        return "; ".join(f"{side}: {', '.join(words)}" for side, words in parts.items() if words)

    def _word(self, name: str, row: int, *, good: bool) -> str:
        word = _WORDS[name](self.plain, row)
        return f"only {word}" if name == "silence" and good else word


def fit_signals(
    log: OrderLog,
    *,
    at: str | date | np.datetime64,
    horizon: float,
    unit: str = "W",
    activity: Activity | None = None,
) -> Signals:
    """The regression fitted on what is known on the evening of ``at``; use it with `churn.apply`.

    ``horizon``: above 0, in ``unit``, "D" days or "W" weeks. Trained on the customers known one horizon before ``at``
    and on whether they ordered since. ``activity``: what else they did; each sort is used if it was recorded for 30
    days or more before the training began. Raises `InvalidInput` if nobody is known that early.

    >>> from retention import orders
    >>> log = orders.OrderLog.of([1, 1, 2], ["2026-01-01", "2026-02-20", "2026-01-05"], [20, 25, 30])
    >>> found = fit_signals(log, at="2026-03-01", horizon=4)
    >>> found.customers, found.ordered, found.names
    (2, 1, ('gap', 'gap_root', 'overdue', 'orders', 'tenure', 'spend', 'spend_trend'))
    """
    end, days = last_day(at), days_of(horizon, unit)
    before = take(log, matched(log, activity), end - days, unit)
    if not len(before.summary):
        raise InvalidInput(f"at: nobody had ordered by {day_of(end - days)}, one horizon earlier: wait or shorten it")
    return fit(before, ordered_within(before, days), days)


def fit(before: Snapshot, outcome: FloatArray, days: int) -> Signals:
    """The fit on a snapshot and on what its customers did in the days after it."""
    back = reach(before.activity, before.day)
    found = features(before, back)
    logistic = fit_logistic(found.columns, outcome)
    return Signals(day_of(before.day + days), days, found.names, back, len(outcome), int(outcome.sum()), logistic)


def presence(snapshot: Snapshot) -> NDArray[np.str_]:
    """Of every customer: "buying", or asleep and "browsing", "gone", or "unknown" where no visits are recorded.

    Browsing is who visited or clicked in the last 30 days.
    """
    asleep = np.isin(snapshot.rhythm.state, ["asleep", "lost"])
    sorts = [name for name in ("visits", "clicks") if name in snapshot.activity.events]
    here = np.zeros(len(snapshot.log.ids), dtype=np.bool_)
    for sort in sorts:
        here[snapshot.activity.until(sort, snapshot.day, after=snapshot.day - BROWSING_DAYS)[0]] = True
    silent = np.where(here[snapshot.place], "browsing", "gone" if sorts else "unknown")
    return np.where(asleep, silent, "buying")


def _known(signals: Signals, snapshot: Snapshot) -> Features:
    missing = sorted(set(signals.reach) - set(snapshot.activity.events))
    if missing:
        raise InvalidInput(f"activity: the signals were fitted with {missing[0]}: give them again, or fit without them")
    return features(snapshot, signals.reach)


def _ago(days: int, what: str) -> str:
    if days < 0:
        return f"no {what} on record"
    return f"{what} today" if days == 0 else f"last {what} {_many(days, 'day')} ago"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _visits(plain: Mapping[str, AnyArray], row: int) -> str:
    count = int(plain["visits"][row])
    recent = f"{_many(count, 'visit')} in the last {BROWSING_DAYS} days"
    return recent if count else _ago(int(plain["last_visit"][row]), "visit")


_WORDS: Mapping[str, Callable[[Mapping[str, AnyArray], int], str]] = {
    "silence": lambda plain, row: f"{_many(int(plain['gap'][row]), 'day')} of silence",
    "orders": lambda plain, row: (
        f"{_many(int(plain['orders'][row]), 'order day')} in {_many(int(plain['tenure'][row]), 'day')}"
    ),
    "spend": lambda plain, row: f"spends {plain['spend'][row]:.1f} times the usual per order",
    "visits": _visits,
    "clicks": lambda plain, row: _ago(int(plain["last_click"][row]), "click"),
    "opens": lambda plain, row: _ago(int(plain["last_open"][row]), "open"),
    "consent": lambda plain, row: "unsubscribed" if plain["unsubscribed"][row] else "still subscribed",
    "returns": lambda plain, row: (
        f"{_many(int(plain['returns'][row]), 'return')} of {_many(int(plain['orders'][row]), 'order')}"
    ),
}
