"""Early warnings: customers who do clearly less than they used to, before their silence says so.

Each customer is compared with nobody but themselves: so many days with a visit before, so many lately. If nothing had
changed, each of these days would have fallen into the recent window with a chance equal to the window's share of the
time; how probable it then is that so few did is the binomial's lower tail (the conditional test of two Poisson rates,
Przyborowski and Wilenski 1940). A customer is named if that is at most `at_most` and the rate is less than half of what
it was. So somebody with three visits a year is never named, whatever they do: there is not enough to go by.

What falls for everybody is no customer's warning: the shop's own fall, a season or a tracker that broke, is taken off
first. A rise is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.drift import binomial_tail
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.facts import ActivityFell
from retention.monitoring.drift import whole
from retention.orders.log import order_days

if TYPE_CHECKING:
    from datetime import date

    Day: TypeAlias = str | date | np.datetime64

__all__ = ["Activity", "EarlyWarning", "EarlyWarnings", "active_days", "as_facts", "early_warnings"]

_FALL = 0.5
_LONGEST = 3_660
_SENTENCES = {
    "orders_fell": "ordered on {recent} of the last {chances} days, as a rule on {usual:.1f}",
    "visits_fell": "visited on {recent} of the last {chances} days, as a rule on {usual:.1f}",
    "opens_stopped": "opened none of the last {chances} letters, as a rule {usual:.1f} (opens are unreliable)",
}


@frozen(eq=False)
class Activity:
    """How often each customer did one thing, lately and before; made by `of` or `active_days`, columns of shape (n,).

    `before`, `recent`: on how many occasions. `chances_before`, `chances_recent`: of how many: days, letters.
    """

    before: IntArray
    recent: IntArray
    chances_before: IntArray
    chances_recent: IntArray

    @classmethod
    def of(
        cls, before: ArrayLike, recent: ArrayLike, *, chances_before: ArrayLike, chances_recent: ArrayLike
    ) -> Activity:
        """The activity of four columns of whole numbers, at least 0; raises `InvalidInput` with column and row.

        For opens: of the letters of the earlier and the recent time those opened, and all.

        >>> Activity.of([12, 9], [0, 4], chances_before=[20, 20], chances_recent=[8, 8]).recent
        array([0, 4])
        """
        given = {
            "before": before,
            "recent": recent,
            "chances_before": chances_before,
            "chances_recent": chances_recent,
        }
        columns = {name: _checks.integers(name, values, at_least=0) for name, values in given.items()}
        _checks.same_length(**columns)
        for name in ("before", "recent"):
            most = columns[f"chances_{name}"]
            _checks.refuse(name, columns[name], columns[name] > most, f"more than chances_{name}")
        return cls(**columns)


def active_days(
    customer_id: ArrayLike,
    happened_at: ArrayLike,
    *,
    ids: ArrayLike,
    since: ArrayLike,
    at: Day,
    recent: int = 30,
    usual: int = 180,
    timezone: str | None = None,
) -> Activity:
    """On how many days each of ``ids`` did something, in the last days up to and including ``at`` and before.

    ``customer_id``, ``happened_at``: one row per visit or order, in any order, times as in `orders.OrderLog.of`.
    ``ids``: the customers looked at, each once, shape (n,); rows of others are left out. ``since``: the day each is
    known from, their first order say, shape (n,): what happened on it or earlier does not count, it is how the customer
    came in. ``recent``, ``usual``: days of the recent window, and of the time before it that shows what is usual.
    Raises `InvalidInput` with column and row.

    >>> active_days(
    ...     ["ann", "ann", "ann", "bob"],
    ...     ["2026-01-10", "2026-01-10", "2026-03-01", "2026-02-27"],
    ...     ids=["ann", "bob"],
    ...     since=["2025-12-01", "2026-02-20"],
    ...     at="2026-03-05",
    ... )
    Activity(before=array([1, 0]), recent=array([1, 1]), chances_before=array([64,  0]), chances_recent=array([30, 13]))
    """
    whole("recent", recent, 1, _LONGEST)
    whole("usual", usual, 1, _LONGEST)
    keys, wanted = _checks.text_ids("customer_id", customer_id), _checks.text_ids("ids", ids)
    day, known_from = (
        order_days(name, times, timezone=timezone, day_first=None)
        for name, times in (("happened_at", happened_at), ("since", since))
    )
    _checks.same_length(customer_id=keys, happened_at=day)
    _checks.same_length(ids=wanted, since=known_from)
    end = int(order_days("at", np.array([at]), timezone=None, day_first=None)[0])
    owner, age = _rows(wanted, keys), end - day
    counts = (owner >= 0) & (age >= 0) & (age < recent + usual)
    counts[counts] = day[counts] > known_from[owner[counts]]
    one = np.unique(owner[counts] * (recent + usual) + age[counts])  # several of one day are one
    owner, age = np.divmod(one, recent + usual)
    known = end - known_from
    return Activity(
        before=np.bincount(owner[age >= recent], minlength=len(wanted)),
        recent=np.bincount(owner[age < recent], minlength=len(wanted)),
        chances_before=np.clip(known - recent, 0, usual),
        chances_recent=np.clip(known, 0, recent),
    )


def _rows(ids: AnyArray, keys: AnyArray) -> IntArray:
    """For each key its row in `ids`, -1 for a customer who is not there."""
    _, code = _checks.distinct(np.concatenate([ids, keys]))
    mine, theirs = code[: len(ids)], code[len(ids) :]
    row = np.full(int(code.max(initial=-1)) + 1, -1)
    row[mine] = np.arange(len(ids))
    _checks.refuse("ids", ids, row[mine] != np.arange(len(ids)), "there twice: give each customer once")
    return row[theirs]


@frozen
class EarlyWarning:
    """One customer does less of one thing: `status`, how probable that is by `chance` alone (0 to 1), and `why`."""

    customer_id: str
    order_id: str
    status: str
    chance: float
    why: str


@frozen
class EarlyWarnings:
    """What `early_warnings` found. `not_enough`: for each kind of activity that could not be judged, why."""

    found: tuple[EarlyWarning, ...]
    not_enough: Mapping[str, str]


def early_warnings(
    customer_id: ArrayLike,
    order_id: ArrayLike,
    *,
    orders: Activity | None = None,
    visits: Activity | None = None,
    opens: Activity | None = None,
    at_most: float = 0.05,
    needed: int = 100,
) -> EarlyWarnings:
    """Who orders or visits less than half as often as they used to, or stopped opening letters, beyond chance.

    ``customer_id``, ``order_id``: the customers and the last order of each, shape (n,). ``orders``, ``visits``,
    ``opens``: what they did, rows in the same order; what the shop does not know is left out. ``at_most``: the share of
    customers without any change who are named all the same, at most, in each kind of activity and at each look.
    ``needed``: customers active before, without whom nothing is said. Raises `InvalidInput` with column and row.

    A customer known for less than twice the recent window is not looked at.

    >>> ids = [f"c{number}" for number in range(200)]
    >>> visits = Activity.of([60] * 200, [10] * 199 + [1], chances_before=[180] * 200, chances_recent=[30] * 200)
    >>> [warning] = early_warnings(ids, ids, visits=visits).found
    >>> warning.customer_id, warning.status, warning.why
    ('c199', 'visits_fell', 'visited on 1 of the last 30 days, as a rule on 10.0')
    >>> early_warnings(ids, ids, visits=visits, needed=500).not_enough
    {'visits_fell': 'not enough data: 200 customers were active before, 500 needed'}
    """
    customers, order = _checks.text_ids("customer_id", customer_id), _checks.text_ids("order_id", order_id)
    _checks.same_length(customer_id=customers, order_id=order)
    whole("needed", needed, 1, 10**9)
    if not 0 < _checks.probability("at_most", at_most) < 1:
        raise InvalidInput(f"at_most: {at_most!r}: give a share between 0 and 1, .05 for example")
    given = {"orders_fell": orders, "visits_fell": visits, "opens_stopped": opens}
    found: list[EarlyWarning] = []
    not_enough: dict[str, str] = {}
    for status, activity in given.items():
        if activity is None:
            continue
        _checks.same_length(customer_id=customers, **{status.partition("_")[0]: activity.before})
        usable = (activity.chances_before >= activity.chances_recent) & (activity.chances_recent > 0)
        reason = _too_few(activity, usable, needed)
        if reason:
            not_enough[status] = reason
        else:
            found += _find(status, activity, usable, at_most, customers, order)
    return EarlyWarnings(tuple(found), not_enough)


def as_facts(warnings: Iterable[EarlyWarning], *, at: datetime) -> tuple[ActivityFell, ...]:
    """The warnings as facts found at an instant (aware), for `Engine.record` and journeys on kind "warning".

    The id is made of status and last order: until the customer orders again the same warning is the same fact, and the
    first one recorded stays.

    >>> from datetime import UTC, datetime
    >>> warning = EarlyWarning("bob", "A-2", "visits_fell", 0.001, "visited on 1 of the last 30 days")
    >>> [fact] = as_facts([warning], at=datetime(2026, 3, 5, tzinfo=UTC))
    >>> fact.kind, fact.status, fact.id, fact.key
    ('warning', 'visits_fell', 'visits_fell/A-2', 'A-2')
    """
    return tuple(
        ActivityFell(
            id=f"{found.status}/{found.order_id}",
            customer_id=found.customer_id,
            at=at,
            status=found.status,
            order_id=found.order_id,
            chance=found.chance,
            why=found.why,
        )
        for found in warnings
    )


def _too_few(activity: Activity, usable: BoolArray, needed: int) -> str:
    active = np.count_nonzero(usable & (activity.before > 0))
    if active < needed:
        return f"not enough data: {active} customers were active before, {needed} needed"
    if not activity.recent[usable].any():
        return "not enough data: nobody was active lately, so perhaps it was not recorded"
    return ""


def _fallen(activity: Activity, usable: BoolArray) -> tuple[FloatArray, BoolArray]:
    """How probable so little is if the customer only fell as the shop did, and whose rate is below half of that."""
    rates = [
        done[usable].sum() / chances[usable].sum()
        for done, chances in ((activity.recent, activity.chances_recent), (activity.before, activity.chances_before))
    ]
    exposure = activity.chances_recent * min(1.0, rates[0] / rates[1])
    usual = np.divide(activity.before, activity.chances_before, out=np.zeros(len(usable)), where=usable)
    share = np.divide(exposure, exposure + activity.chances_before, out=np.ones(len(usable)), where=usable)
    chance = binomial_tail(activity.recent, activity.recent + activity.before, share)
    return chance, usable & (activity.recent < _FALL * usual * exposure)


def _find(
    status: str, activity: Activity, usable: BoolArray, at_most: float, customers: AnyArray, order: AnyArray
) -> Iterator[EarlyWarning]:
    chance, fell = _fallen(activity, usable)
    fell &= chance <= at_most
    if status == "opens_stopped":
        fell &= activity.recent == 0
    for row in np.flatnonzero(fell).tolist():
        why = _why(status, activity, row)
        yield EarlyWarning(str(customers[row]), str(order[row]), status, float(chance[row]), why)


def _why(status: str, activity: Activity, row: int) -> str:
    chances = int(activity.chances_recent[row])
    usual = chances * activity.before[row] / activity.chances_before[row]
    return _SENTENCES[status].format(recent=activity.recent[row], chances=chances, usual=usual)
