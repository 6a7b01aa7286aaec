"""Everything that the report shows, gathered from one engine: read once, worked out by the rooms that know how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from attrs import frozen

from retention import _wall_time, churn, experiments, monitoring, orders, returns
from retention._stats.intervals import wilson
from retention.engine import Engine, Results
from retention.engine.copies import worked_at
from retention.engine.goods import Goods
from retention.engine.results import NEEDED as FOR_RESULTS
from retention.engine.results import JourneyResult, tally
from retention.engine.risks import lines
from retention.engine.sleepers import Sleepers, batches
from retention.errors import InvalidInput
from retention.journey import CONTROL, CustomerFile, Needs
from retention.reasons import Reason
from retention.report.funnel import NEEDED, Counted

__all__ = ["Gathered", "Looked", "gather", "score"]

_BATCH = 500
_HORIZON = 91
_PERIOD = 180
_FOLLOW = 60
_CLICKS = "clicked"


@frozen
class Looked:
    """A look at the whole shop: numbers where data suffice, else one sentence why not."""

    drifts: Mapping[str, monitoring.Drift]
    calibration: churn.Backtest | str
    returned: returns.Report | str


@frozen
class Gathered:
    """What the page shows. `margin`: the share of revenue that stays with the shop."""

    shop: str
    currency: str
    at: datetime
    margin: float
    results: Results
    counted: Counted
    weak: tuple[monitoring.WeakSpot, ...]
    looked: Looked
    power: Mapping[str, str]


def gather(engine: Engine, *, margin: float = 0.35) -> Gathered:
    """Read the storage once for the letters and once for the shop; looking moves no clock.

    Raises `InvalidInput` for a margin outside 0 to 1.
    """
    if not 0 <= margin <= 1:
        raise InvalidInput(f"margin: {margin!r} is no share of revenue; give 0 to 1")
    now = worked_at(engine.storage) or engine.present()
    counted = Counted.of(engine.book, now)
    results = tally(counted.passing(_files(engine)), engine.book, now)
    return Gathered(
        engine.shop.name,
        engine.shop.currency,
        now,
        margin,
        results,
        counted,
        _weak(counted),
        _look(engine, now),
        {one.journey: _power(one) for one in results.journeys},
    )


def _files(engine: Engine) -> Iterator[CustomerFile]:
    needed = Needs((FOR_RESULTS.kinds or frozenset()) | NEEDED)
    for ids in batches(engine.storage, _BATCH):
        yield from engine.storage.load(ids, needed)


def _weak(counted: Counted) -> tuple[monitoring.WeakSpot, ...]:
    steps = sorted(counted.by_step().items())
    heard = any(counts["delivered"] or counts[_CLICKS] for _, counts in steps)
    if not steps or not heard:  # nobody reports: silence would say nothing
        return ()

    def column(what: str) -> list[int]:
        return [min(counts[what], counts["sent"]) for _, counts in steps]

    names = [f"{journey}/{step}" for (journey, step), _ in steps]
    sent = column("sent")
    return monitoring.weak_spots(names, sent, column("complained"), column("unsubscribed"), column(_CLICKS))


def _power(one: JourneyResult) -> str:
    """How long the journey's test still takes to see two points, by what its control group does."""
    arms = {arm.arm: arm for arm in one.arms}
    control = arms.get(CONTROL)
    people = sum(arm.customers for arm in one.arms)
    if control is None or not control.decided or not people:
        return "no control group with a window that is over, so nothing to plan with"
    base = min(max(control.returned / control.decided, 0.005), 0.97)
    share = min(max(control.customers / people, 0.01), 0.99)
    return experiments.weeks_to_power(base, 0.02, max(people / 52, 0.1), control=share).sentence


def _look(engine: Engine, now: datetime) -> Looked:
    zone = ZoneInfo(engine.shop.timezone)
    sleepers = Sleepers(engine.shop.timezone)
    sleepers.read(engine.storage, now)
    log, today = sleepers.log(), _wall_time.local_date(now, zone)
    if not len(log):
        return Looked({}, "no orders yet", "no orders yet")
    return Looked(_drifts(log, today), _calibration(log, today), _returned(engine, now, zone))


def _drifts(log: orders.OrderLog, today: date) -> dict[str, monitoring.Drift]:
    """The rhythm and the three columns of RFM, half a year ago and now."""
    middle, first = today - timedelta(days=_PERIOD), today - timedelta(days=2 * _PERIOD)
    later = (middle + timedelta(days=1), today - timedelta(days=_FOLLOW))
    earlier = (first, middle - timedelta(days=_FOLLOW))
    found = {"gaps": monitoring.gap_drift(log, before=earlier, after=later, at=today, follow=_FOLLOW)}
    try:
        then, now = (orders.summarize(log, at=day) for day in (middle, today))
    except InvalidInput:  # nobody had ordered half a year ago
        return found
    for name in ("days_since_last", "orders", "revenue"):
        found[name] = monitoring.drift(getattr(then, name), getattr(now, name), what=name.replace("_", " "))
    return found


def _calibration(log: orders.OrderLog, today: date) -> churn.Backtest | str:
    try:
        cut = today - timedelta(days=_HORIZON)
        return churn.backtest(log, at=cut, horizon=_HORIZON, unit="D", until=today, resamples=200)
    except InvalidInput as error:
        return str(error)


def _returned(engine: Engine, now: datetime, zone: ZoneInfo) -> returns.Report | str:
    bought = [order for order in Goods().orders(engine.storage, now) if order.pieces]
    back = [order.back.get(place) for order in bought for place in range(len(order.pieces))]
    if not any(back):
        return "nothing came back yet"
    known = set(Reason)
    reasons = [one.reason if one and one.reason in known else "" for one in back]
    return returns.report(lines(bought, zone), np.array([one is not None for one in back], dtype=float), reasons)


def score(counted: Counted) -> tuple[float, float, float, int] | None:
    """The share of 4 and 5 among answers about the service, with its interval; None without any."""
    told = counted.answers.get("service")
    if not told:
        return None
    good, n = told["5"] + told["4"], told.total()
    lower, upper = wilson(good, n)
    return good / n, float(lower), float(upper), n
