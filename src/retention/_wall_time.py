"""Local wall time of single instants, right across clock changes.

A wall time that a clock change skips stands for the first instant after the gap; one that comes twice stands for the
first. Columns of times are the business of `_calendar`.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

__all__ = ["at", "local_date", "next_open", "on", "shift"]

_SECOND = timedelta(seconds=1)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day that people in the zone write at this instant."""
    return instant.astimezone(zone).date()


def at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which clocks in the zone show `wall` on `day`."""
    shown = datetime.combine(day, wall.replace(fold=0), zone)
    instant = shown.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return instant
    return _change(shown.replace(fold=1).astimezone(UTC), instant, zone)


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
    while _inside(instant, zone, start, end):
        closing = _next_showing(instant, zone, end)
        # A clock set back can lead out of the window before it ends.
        if closing.astimezone(zone).utcoffset() != instant.astimezone(zone).utcoffset():
            change = _change(instant, closing, zone)
            closing = closing if _inside(change, zone, start, end) else min(change, closing)
        instant = closing
    return instant


def _inside(instant: datetime, zone: ZoneInfo, start: time, end: time) -> bool:
    wall = instant.astimezone(zone).time()
    return start <= wall < end if start <= end else wall >= start or wall < end


def _next_showing(instant: datetime, zone: ZoneInfo, wall: time) -> datetime:
    day = local_date(instant, zone) - timedelta(days=1)  # a clock set back past midnight shows yesterday again
    while True:
        for result in (at(day, wall, zone), datetime.combine(day, wall.replace(fold=1), zone).astimezone(UTC)):
            if result > instant:
                return result
        day += timedelta(days=1)
