"""Rhythm: how often a customer orders as a rule, and how long the silence has lasted measured by that.

One gap says little about a customer, so each one's usual gap leans on the shop's: on the log scale, the more the fewer
gaps of their own there are (`retention._stats.shrinkage`); who ordered once gets the shop's. How much to lean is learnt
from the shop. Measured on training data alone (CDNOW to 1997-09-30, Online Retail to 2011-09-09), the mean log
likelihood of a gap, exponential with the predicted usual gap, given the gaps before it: of every gap after the first
(14,886 and 5,481 gaps, what all share fitted to all), or of each customer's last gap (5,009 and 1,270, fitted to the
gaps before):

==================================  =========  ==========  ==========  ===========
usual gap                           CDNOW all  Retail all  CDNOW last  Retail last
==================================  =========  ==========  ==========  ===========
the customer's own mean gap            -5.728      -4.653      -6.916       -5.324
the shop's, for everybody              -4.590      -4.495      -5.241       -4.994
shrunk, normal on the log scale        -4.548      -4.290      -5.335       -5.007
shrunk, gamma-exponential              -4.537      -4.280      -5.226       -4.980
==================================  =========  ==========  ==========  ===========

So never the own mean gap alone. The shop's gap for everybody does a little better on the last gap of each, where rare
buyers count as much as frequent ones, and worse where every gap counts. The gamma-exponential model is a little better
in both shops, and wrong in a shop of regular customers: its gaps can vary no less than an exponential's, so it takes
true differences for noise (simulated gaps of shape 12, true usual gaps spread by 40 %: error .37, hardly better than
the shop's gap for everybody at .40; here .17, own mean gap .21). A rhythm must hold there above all: the log scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from retention._stats.shrinkage import fit_shrinkage, shrink
from retention._types import AnyArray, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.orders import CustomerSummary

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rhythm", "rhythm"]

_STATES = np.array(["active", "cooling", "asleep", "lost"])
_MOST = 1000.0


@frozen(eq=False, repr=False)
class Rhythm:
    """What `rhythm` found, one row per customer in the order of the summary; every column has shape (n,).

    `customer_id`: the customer. `orders`: order days so far, at least 1.
    `usual_gap`: days between order days as a rule, between the customer's own mean gap and the shop's; above 0.
    `days_since_last`: days of silence. `overdue`: the same in usual gaps, at least 0.
    `state`: "active", "cooling", "asleep" or "lost", text.
    `asleep_since`: the day on which the silence became, or will become, long enough to count as asleep, datetime64[D].
    `shop_gap`: what counts as usual for who ordered once, days.
    `repeat_buyers`: customers with a gap of their own; with 0 of them `shop_gap` is `default_gap`, an assumption.
    """

    customer_id: AnyArray
    orders: IntArray
    usual_gap: FloatArray
    days_since_last: IntArray
    overdue: FloatArray
    state: NDArray[np.str_]
    asleep_since: NDArray[np.datetime64]
    shop_gap: float
    repeat_buyers: int

    def why(self, row: int) -> str:
        """One sentence for the customer of this row: what is usual for them, and how long they have been silent."""
        days = int(self.days_since_last[row])
        silence = f"silent for {days}" if days else "ordered today"
        if self.orders[row] > 1:
            return f"orders {_every(self.usual_gap[row])} as a rule, {silence}"
        if self.repeat_buyers:
            return f"one order so far; customers here reorder after {_days(self.shop_gap)} as a rule, {silence}"
        return f"one order so far; nobody here has reordered yet, {_days(self.shop_gap)} are assumed, {silence}"

    def __len__(self) -> int:
        return len(self.customer_id)

    def __repr__(self) -> str:
        counts = ", ".join(f"{np.count_nonzero(self.state == name)} {name}" for name in _STATES)
        return f"Rhythm({len(self)} customers: {counts}; shop_gap={self.shop_gap:.1f})"


def rhythm(
    s: CustomerSummary,
    *,
    cooling: float = 1.5,
    asleep: float = 2.5,
    lost: float = 6.0,
    default_gap: float = 30.0,
) -> Rhythm:
    """Each customer's usual gap between orders, how overdue they are, and what that makes them.

    ``s``: a summary in days or weeks. ``cooling``, ``asleep``, ``lost``: from how many usual gaps of silence on a
    customer is called so, rising, above 0 and at most 1000; below ``cooling``, and on the day of an order, they are
    active. ``default_gap``: 1 to 1000 days, taken for the shop's usual gap as long as nobody has ordered on two days.
    Raises `InvalidInput` naming the option.

    What the defaults mean, in shares of customers who ordered again within 13 weeks (CDNOW at 1997-06-30, Online Retail
    at 2011-06-10), and in shares of all gaps that did end which were at least so long:

    ====================================  ======  =======  ======  ====
    customers                             active  cooling  asleep  lost
    ====================================  ======  =======  ======  ====
    CDNOW, all                              .495     .327    .125  .094
    CDNOW, one order                          --       --    .095  .070
    CDNOW, three gaps or more               .687     .493    .431  .250
    Online Retail, all (42 lost)            .596     .397    .299  .381
    Online Retail, three gaps or more       .876     .767    .615    --
    gaps that ended, CDNOW                    --     .305    .173  .011
    gaps that ended, Online Retail            --     .248    .092  .006
    ====================================  ======  =======  ======  ====

    So ``asleep`` calls one gap in six to ten too early, and ``lost`` one in a hundred. The state is a definition with a
    reason, not a forecast: of two customers equally overdue the one with more orders is the likelier to return.

    >>> from retention import orders
    >>> log = orders.OrderLog.of(
    ...     customer_id=[7, 7, 7, 9],
    ...     ordered_at=["2026-01-01", "2026-01-24", "2026-02-16", "2026-04-01"],
    ...     amount=[20, 25, 30, 40],
    ... )
    >>> found = rhythm(orders.summarize(log, at="2026-04-18"))
    >>> found
    Rhythm(2 customers: 1 active, 0 cooling, 1 asleep, 0 lost; shop_gap=23.0)
    >>> found.why(0), found.why(1)[:14], str(found.asleep_since[0])
    ('orders every 23 days as a rule, silent for 61', 'one order so f', '2026-04-15')
    """
    _check_options(cooling=cooling, asleep=asleep, lost=lost, default_gap=default_gap)
    usual_gap, shop_gap = _usual_gaps(s, default_gap)
    first_day = [_first_day(times * usual_gap) for times in (cooling, asleep, lost)]
    reached = np.sum([s.days_since_last >= day for day in first_day], axis=0)
    return Rhythm(
        customer_id=s.customer_id,
        orders=s.frequency + 1,
        usual_gap=usual_gap,
        days_since_last=s.days_since_last,
        overdue=s.days_since_last / usual_gap,
        state=_STATES[reached],
        asleep_since=s.last_ordered_at + first_day[1].view("timedelta64[D]"),
        shop_gap=shop_gap,
        repeat_buyers=int(np.count_nonzero(s.frequency)),
    )


def _usual_gaps(s: CustomerSummary, default_gap: float) -> tuple[FloatArray, float]:
    """Each customer's usual gap and the shop's, in days."""
    repeats = np.flatnonzero(s.frequency)
    if not len(repeats):
        return np.full(len(s), float(default_gap)), float(default_gap)
    log_gap, count = np.log(s.mean_gap[repeats]), s.frequency[repeats]
    fitted = fit_shrinkage(log_gap, count)
    shop_gap = float(np.exp(fitted.centre))
    usual_gap = np.full(len(s), shop_gap)
    usual_gap[repeats] = np.exp(shrink(fitted, log_gap, count))
    return usual_gap, shop_gap


def _first_day(silence: FloatArray) -> IntArray:
    """The first whole day, not that of the order, with this much silence; 21.000000001, a rounding, is 21."""
    return np.maximum(np.ceil(silence - 1e-6), 1).astype(np.int64)


def _check_options(*, default_gap: float, **thresholds: float) -> None:
    # `not (x <= most)` catches NaN as well.
    for name, value in thresholds.items():
        if not 0 < value <= _MOST:
            raise InvalidInput(f"{name}: {value!r}: give a number of usual gaps above 0, at most {_MOST:g}")
    if not 1 <= default_gap <= _MOST:
        raise InvalidInput(f"default_gap: {default_gap!r}: give 1 to {_MOST:g} days")
    if not thresholds["cooling"] < thresholds["asleep"] < thresholds["lost"]:
        shown = ", ".join(f"{name}={value:g}" for name, value in thresholds.items())
        raise InvalidInput(f"{shown}: the states follow one another, so give rising numbers")


def _days(gap: float) -> str:
    days = max(round(gap), 1)
    return "1 day" if days == 1 else f"{days} days"


def _every(gap: float) -> str:
    return f"every {_days(gap)}".replace("every 1 day", "every day")
