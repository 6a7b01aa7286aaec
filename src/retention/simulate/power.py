"""How long a journey's experiment would have to run in this shop, by the shop's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from attrs import frozen

from retention import _wall_time, churn, experiments, orders
from retention.facts import Fact, FellAsleep, OrderPlaced
from retention.journey import CONTROL, Journey
from retention.simulate.past import Arrivals

__all__ = ["Power", "power"]

_LOOKED_BACK = timedelta(days=365)
_FEWEST = 10
"""With fewer who came back, or who did not, a share is mostly chance."""


@frozen
class Power:
    """What the experiment needs: one sentence, and the numbers in it; None where there is not enough data.

    `base`: the share of `followed` customers who ordered within the journey's window without its letters, before the
    simulation began. `customers`, of them `control`, must enter, which takes `weeks`.
    """

    sentence: str
    followed: int = 0
    base: float | None = None
    customers: int | None = None
    control: int | None = None
    weeks: int | None = None


def power(
    journey: Journey, lives: Sequence[Arrivals], start: datetime, zone: ZoneInfo, *, per_week: float, lift: float
) -> Power:
    """What it takes to see `lift` when so many customers enter in a week."""
    if CONTROL not in journey.arms:
        return Power("no control group: nobody could say what the letters achieve")
    followed, returned = _base_rate(journey, lives, start, zone)
    if min(returned, followed - returned) < _FEWEST:
        return Power(
            f"not enough data: before the start {followed} customers could be followed, {returned} of whom came back; "
            f"at least {_FEWEST} must have come back, and as many not",
            followed,
        )
    if not per_week:
        return Power("not enough data: nobody entered", followed, returned / followed)
    base = returned / followed
    if base + lift > 1:
        return Power(f"no room for a lift of {100 * lift:g} points: {base:.1%} come back already", followed, base)
    found = experiments.weeks_to_power(base, lift, per_week, control=journey.arms[CONTROL])
    return Power(found.sentence, followed, base, found.customers, found.control, found.weeks)


def _base_rate(journey: Journey, lives: Iterable[Arrivals], start: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """How many could be followed through the journey's window before `start`, and how many of them ordered in it.

    For a journey of sleepers: who was asleep by their rhythm on the day that lies a window before. For others: who had
    what starts the journey in the year before that day, from the first time on.
    """
    window = journey.window
    cut = _wall_time.shift(
        start, zone, months=-window.months, days=-window.days, hours=-window.hours, minutes=-window.minutes
    )
    facts = ([fact for _, fact in arrivals if fact.at < start] for arrivals in lives)
    if journey.trigger.kind == FellAsleep.kind:
        return _sleepers(facts, _wall_time.local_date(cut, zone), _wall_time.local_date(start, zone), zone)
    followed = [_came_back(journey, own, cut, start - cut) for own in facts]
    return sum(back is not None for back in followed), sum(back is True for back in followed)


def _came_back(journey: Journey, facts: list[Fact], cut: datetime, window: timedelta) -> bool | None:
    trigger = journey.trigger
    begins = [
        fact.at
        for fact in trigger.of([f for f in facts if f.kind == trigger.kind and trigger.status in ("", f.status)])
        if cut - _LOOKED_BACK <= fact.at < cut
    ]
    if not begins:
        return None
    first = min(begins)
    return any(isinstance(fact, OrderPlaced) and first < fact.at <= first + window for fact in facts)


def _sleepers(facts: Iterable[list[Fact]], cut: date, start: date, zone: ZoneInfo) -> tuple[int, int]:
    times = [
        (customer, fact.at.timestamp()) for customer, own in enumerate(facts) for fact in own if fact.kind == "order"
    ]
    if not times:
        return 0, 0
    customer, second = (np.array(column, dtype=np.int64) for column in zip(*times, strict=True))
    log = orders.OrderLog.of(customer, second.view("datetime64[s]"), np.ones(len(times)), timezone=zone.key)
    evening = cut - timedelta(days=1)
    rhythm = churn.rhythm(orders.summarize(log, at=evening))
    asleep = rhythm.customer_id[rhythm.state == "asleep"]
    later = orders.summarize(log, at=start - timedelta(days=1)).select(asleep)
    return len(asleep), int(np.count_nonzero(later.last_ordered_at > np.datetime64(evening, "D")))
