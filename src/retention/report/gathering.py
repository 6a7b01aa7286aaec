"""Everything that the report shows, gathered from one engine: read once, worked out by the rooms that know how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from attrs import frozen

from retention import _wall_time, churn, experiments, monitoring, orders, returns
from retention._stats.bounded import mean_within
from retention._stats.intervals import wilson
from retention.engine import Engine, Results
from retention.engine.copies import worked_at
from retention.engine.funnel import COUNTED
from retention.engine.results import NEEDED as FOR_RESULTS
from retention.engine.results import JourneyResult, tally
from retention.engine.sleepers import batches
from retention.errors import InvalidInput
from retention.facts import ReturnChanged
from retention.journey import CONTROL, CustomerFile, Needs
from retention.report.counting import NEEDED, Counted
from retention.report.sold import Sold

__all__ = ["Gathered", "Looked", "by_step", "gather", "mean_score", "score"]

_BATCH = 500
_HORIZON = 91
"""Days that the score looks ahead, as the engine's does: 13 weeks."""
_PERIOD, _FOLLOW = 180, 60
"""Half a year is compared with the half before; of the last sixty days of each nobody knows yet what followed."""
_LIFT = 0.02
_FEWEST_SENT = 100
_FEWEST_SCORES = 2


@frozen
class Looked:
    """A look at the whole shop: numbers where data suffice, else one sentence why not."""

    drifts: Mapping[str, monitoring.Drift]
    calibration: churn.Backtest | str
    returned: returns.Report | str


@frozen
class Gathered:
    """What the page shows. `margin`: the share of revenue that stays. `judged`: which letters could be, in words."""

    shop: str
    currency: str
    at: datetime
    margin: float
    results: Results
    counted: Counted
    weak: tuple[monitoring.WeakSpot, ...]
    judged: str
    looked: Looked
    power: Mapping[str, str]


def gather(engine: Engine, *, margin: float = 0.35) -> Gathered:
    """Read the storage once for the letters and once for the shop; looking moves no clock.

    Raises `InvalidInput` for a margin outside 0 to 1.
    """
    if not 0 <= margin <= 1:
        raise InvalidInput(f"margin: {margin!r} is no share of revenue; give 0 to 1")
    now = worked_at(engine.storage) or engine.present()
    zone = ZoneInfo(engine.shop.timezone)
    anything_back = bool(engine.storage.facts((ReturnChanged.kind,), 0, 1)[0])
    counted, sold = Counted(now), Sold(now, anything_back=anything_back)
    results = tally(counted.passing(sold.passing(_files(engine))), engine.book, now)
    weak, judged = _weak(results.journeys)
    return Gathered(
        engine.shop.name,
        engine.shop.currency,
        now,
        margin,
        results,
        counted,
        weak,
        judged,
        _look(sold, _wall_time.local_date(now, zone), zone),
        {one.journey: _power(one, counted) for one in results.journeys},
    )


def _files(engine: Engine) -> Iterator[CustomerFile]:
    needed = Needs((FOR_RESULTS.kinds or frozenset()) | NEEDED)
    for ids in batches(engine.storage, _BATCH):
        yield from engine.storage.load(ids, needed)


def by_step(one: JourneyResult) -> dict[str, Counter[str]]:
    """How far the letters of each step came, all arms together."""
    found: dict[str, Counter[str]] = {}
    for row in one.funnel:
        found.setdefault(row.step, Counter()).update({name: getattr(row, name) for name in COUNTED})
    return found


def _weak(found: Sequence[JourneyResult]) -> tuple[tuple[monitoring.WeakSpot, ...], str]:
    """The weak spots, and which letters could be judged, in words."""
    steps = [(one.journey, step, counts) for one in found for step, counts in sorted(by_step(one).items())]
    if not any(_is_reported(counts) for *_, counts in steps):
        return (), "not enough data: no provider reports what became of letters"
    # What became of a letter that nobody reports on is unknown: it counts as not sent, not as one that nobody clicked.
    known = [counts if _is_reported(counts) else Counter[str]() for *_, counts in steps]

    def column(what: str) -> list[int]:
        return [min(counts[what], counts["sent"]) for counts in known]

    names, journeys = [f"{journey}/{step}" for journey, step, _ in steps], [journey for journey, *_ in steps]
    columns = (column("sent"), column("complained"), column("unsubscribed"), column("clicked"))
    spots = monitoring.weak_spots(names, *columns, journeys=journeys, needed=_FEWEST_SENT)
    why = monitoring.unjudged(columns[0], journeys=journeys, needed=_FEWEST_SENT)
    unheard = [counts["sent"] >= _FEWEST_SENT and not _is_reported(counts) for *_, counts in steps]
    return spots, _judged(Counter("not reported on" if un else one for un, one in zip(unheard, why, strict=True)))


def _is_reported(counts: Counter[str]) -> bool:
    return bool(counts["delivered"] or counts["clicked"])


def _judged(why: Counter[str]) -> str:
    """How many letters could be judged, and how many not for which reason; "" is none."""
    told = f"{why['']} of {why.total()} letters could be compared with the other letters of their journey"
    if not why[""]:
        told = f"not enough data: {told}"
    rest = ", ".join(f"{number} {reason}" for reason, number in sorted(why.items()) if reason)
    return f"{told}; not judged: {rest}" if rest else told


def _power(one: JourneyResult, counted: Counted) -> str:
    """How long a test of the journey takes to see two points, by its own pace and what its control group does."""
    control = next((arm for arm in one.arms if arm.arm == CONTROL), None)
    people = sum(arm.customers for arm in one.arms)
    if control is None or not control.decided or not people:
        return "no control group with a window that is over, so nothing to plan with"
    weeks = max((counted.now - counted.began[one.journey]) / timedelta(weeks=1), 1.0)
    base = min(max(control.returned / control.decided, 0.005), 0.97)
    share = min(max(control.customers / people, 0.01), 0.99)
    per_week = float(f"{people / weeks:.3g}")
    return experiments.weeks_to_power(base, _LIFT, per_week, control=share).sentence


def _look(sold: Sold, today: date, zone: ZoneInfo) -> Looked:
    if not len(sold):
        return Looked({}, "no orders yet", "no orders yet")
    log = sold.log(zone)
    return Looked(_drifts(log, today), _calibration(log, today), sold.returned())


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


def score(counted: Counted) -> tuple[float, float, float, int] | None:
    """The share of 4 and 5 among answers about the service, with its interval; None without any."""
    told = counted.answers.get("service")
    if not told:
        return None
    good, n = told["5"] + told["4"], told.total()
    lower, upper = wilson(good, n)
    return good / n, float(lower), float(upper), n


def mean_score(counted: Counted) -> tuple[float, float, float, int] | str:
    """The mean answer about the service, 1 to 5, with its interval and the number of answers; else what is missing."""
    told = counted.answers.get("service", Counter[str]())
    n = told.total()
    if n < _FEWEST_SCORES:
        return f"not enough data: {n} answer{'' if n == 1 else 's'}, {_FEWEST_SCORES} needed"
    scores = np.array([float(value) for value in told.elements()])
    # Few answers, often all alike, on a scale with ends: no interval by their own scatter (see `_stats.bounded`).
    return *mean_within(scores, low=1, high=5), n
