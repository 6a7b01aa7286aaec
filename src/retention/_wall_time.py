"""Local wall time of single instants, right across clock changes.

A wall time that a clock change skips stands for the first instant after the gap; one that comes twice stands for the
first. Columns of times are the business of `_calendar`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

__all__ = ["at", "first", "inside", "local_date", "next_day", "next_open", "on", "shift"]

_SECOND, _HOUR, _DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day that people in the zone write at this instant."""
    return instant.astimezone(zone).date()


def at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which clocks in the zone show `wall` on `day`."""
    offset = _steady(day, zone)
    if offset is not None:
        return datetime.combine(day, wall, UTC) - offset
    shown = datetime.combine(day, wall.replace(fold=0), zone)
    instant = shown.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return instant
    return _change(shown.replace(fold=1).astimezone(UTC), instant, zone)


@lru_cache(maxsize=4096)
def _steady(day: date, zone: ZoneInfo) -> timedelta | None:
    """The offset from UTC all through a local day; None when clocks may change on it."""
    noon = datetime.combine(day, time(12), UTC)
    if any(_changes(day + days * _DAY, zone) for days in (-1, 0, 1)):
        return None
    return noon.astimezone(zone).utcoffset()


@lru_cache(maxsize=4096)
def _changes(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The clock changes of one UTC day, its first instant left out and its end included.

    Looked for hour by hour: no zone has changed its clocks twice within an hour since 1970.
    """
    hours = [datetime.combine(day, time(0), UTC) + i * _HOUR for i in range(25)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return tuple(_change(hours[i], hours[i + 1], zone) for i in range(24) if offsets[i] != offsets[i + 1])


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the offset of `after`, not that of `before`; clocks change on whole seconds."""
    offset = after.astimezone(zone).utcoffset()
    start = before.replace(microsecond=0)
    same, other = 0, math.ceil((after - start) / _SECOND)
    while other - same > 1:
        middle = (same + other) // 2
        if (start + middle * _SECOND).astimezone(zone).utcoffset() == offset:
            other = middle
        else:
            same = middle
    return start + other * _SECOND


def shift(
    instant: datetime, zone: ZoneInfo, *, months: int = 0, days: int = 0, hours: int = 0, minutes: int = 0
) -> datetime:
    """Months and days move the local date at the same wall time (clamped to the month's end); the rest elapses."""
    if months or days:
        shown = instant.astimezone(zone)
        day = shown.date() + relativedelta(months=months) if months else shown.date()
        instant = at(day + timedelta(days=days), shown.time(), zone)
    return instant + timedelta(hours=hours, minutes=minutes) if hours or minutes else instant


def on(instant: datetime, zone: ZoneInfo, *, hour: int | None, weekday: int | None, earliest: datetime) -> datetime:
    """The instant moved to a local hour on its own day, then on to a weekday (0 Monday), never before `earliest`."""
    if hour is None and weekday is None:
        return max(instant, earliest)
    shown = instant.astimezone(zone)
    if hour is None and shown.weekday() == weekday and instant >= earliest:
        return instant  # at() would lose which of two equal wall times it is
    day, wall = shown.date(), shown.time() if hour is None else time(hour)
    while True:
        if weekday in (None, day.weekday()):
            result = at(day, wall, zone)
            # Where a clock change skipped the whole day, its weekday is another week's.
            if result >= earliest and (weekday is None or local_date(result, zone) == day):
                return result
        day += timedelta(days=1)


def next_open(instant: datetime, zone: ZoneInfo, start: time, end: time) -> datetime:
    """The first instant from this one on at which the wall clock is outside [start, end), a window on a circle."""
    return first(instant, zone, lambda shown: not inside(shown.time(), start, end), (end,))


def next_day(instant: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after this one at which people write another day: yesterday's, where a clock is set back."""
    day = local_date(instant, zone)
    return first(instant, zone, lambda shown: shown.date() != day, (time(0),))


def inside(wall: time, start: time, end: time) -> bool:
    """Whether the time of day lies in [start, end), which may span midnight; equal ends: never."""
    return start <= wall < end if start <= end else wall >= start or wall < end


def first(instant: datetime, zone: ZoneInfo, allowed: Callable[[datetime], bool], edges: Iterable[time]) -> datetime:
    """The first instant from this one on whose wall clock is allowed.

    `edges`: the times of day at which the wall clock may become allowed. A changed clock may lead there as well, and it
    need not be the only change on the way.
    """
    while not allowed(shown := instant.astimezone(zone).replace(tzinfo=None)):
        edge = instant + min(_until(shown, wall) for wall in edges)
        instant = next(_changes_within(instant, edge, zone), edge)
    return instant


def _until(shown: datetime, wall: time) -> timedelta:
    """How long a steady clock takes to show the time of day again, more than 0 and up to a day."""
    left = datetime.combine(shown.date(), wall) - shown
    return left if left > timedelta() else left + _DAY


def _changes_within(instant: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = instant.astimezone(UTC).date() - _DAY  # a change on midnight counts to the day before
    while day <= end.astimezone(UTC).date():
        yield from (change for change in _changes(day, zone) if instant < change <= end)
        day += _DAY
