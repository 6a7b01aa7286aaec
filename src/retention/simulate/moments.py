"""When the cron line would have called: the moments at which a shop that had the journeys would have worked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from retention import _values, _wall_time
from retention.errors import InvalidInput

__all__ = ["day", "outage", "runs"]


def day(name: str, value: object) -> date:
    """A calendar day, from a `date` or ISO 8601 text; anything else is `InvalidInput`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(_values.text(name, value))
    except ValueError:
        raise InvalidInput(f"{name}: {value!r} is no day; write 2026-03-01") from None


def outage(value: object) -> tuple[date, date]:
    """The first and the last day of an outage."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InvalidInput(f"outages: {value!r} is no pair of days; give the first and the last day without a run")
    return day("outages", value[0]), day("outages", value[1])


def runs(
    start: date, end: date, zone: ZoneInfo, *, hours: Iterable[int], outages: Iterable[tuple[date, date]]
) -> list[datetime]:
    """The moments of all runs on these days, both included, at these hours of the zone's clocks, in order."""
    wanted = sorted(set(hours))
    if not wanted or not all(type(hour) is int and 0 <= hour <= 23 for hour in wanted):
        raise InvalidInput(f"hours: {wanted} are no hours of the day; give whole numbers from 0 to 23")
    if start > end:
        raise InvalidInput(f"start: {start} is after the end, {end}; give the earlier day first")
    silent = list(outages)
    open_days = (day for day in _days(start, end) if not any(first <= day <= last for first, last in silent))
    # A set: where a clock change skips an hour, two of them are one moment.
    found = sorted({_wall_time.at(day, time(hour), zone) for day in open_days for hour in wanted})
    if not found:
        raise InvalidInput(f"outages: leave no run from {start} to {end}; there is nothing to simulate")
    return found


def _days(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=n) for n in range((end - start).days + 1))
