"""Local wall time: which day an instant falls on in a zone, and which instant a wall clock means.

Nothing here reads a clock or the machine's own zone: the zone is always an argument, by its IANA name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from retention._types import IntArray
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["local_days", "resolve", "zone", "zone_name"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    >>> zone("Europe/Lodnon")
    Traceback (most recent call last):
    retention.errors.InvalidInput: timezone: 'Europe/Lodnon' is unknown: did you mean 'Europe/London'?
    """
    return ZoneInfo(zone_name("timezone", name))


def zone_name(field: str, value: object) -> str:
    """The IANA name of a zone that exists here; a converter of `_values.clean`."""
    try:
        return ZoneInfo(value).key  # type: ignore[arg-type]
    except (TypeError, ValueError, OSError, LookupError) as error:
        near = get_close_matches(str(value), sorted(available_timezones()), n=1)
        remedy = f"did you mean {near[0]!r}?" if near else "give an IANA name such as 'Europe/London'"
        raise InvalidInput(f"{field}: {value!r} is unknown: {remedy}") from error


def resolve(
    local: datetime, zone: ZoneInfo, *, on_clock_change: Literal["raise", "earlier", "later"] = "raise"
) -> datetime:
    """The instant, in UTC, at which the wall clock of the zone shows `local` (naive).

    When clocks go forward some times never are, when they go back some are twice. `earlier` and `later` pick among the
    two readings, which differ by the length of the change; `raise` says so instead.

    >>> resolve(datetime(2011, 10, 30, 1, 30), zone("Europe/London"), on_clock_change="earlier")
    datetime.datetime(2011, 10, 30, 0, 30, tzinfo=datetime.timezone.utc)
    """
    readings = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if readings[0] != readings[1] and on_clock_change == "raise":
        exists = readings[0].astimezone(zone).replace(tzinfo=None) == local
        problem = "is twice" if exists else "does not exist"
        message = f"{local} {problem} in {zone.key}, where the clocks change then: choose the earlier or later reading"
        raise InvalidInput(message)
    return readings[on_clock_change == "later"]


def local_days(timestamps: NDArray[np.datetime64], zone: ZoneInfo) -> IntArray:
    """The local day of each instant, in days since 1970-01-01, shape (n,).

    `timestamps`: datetime64 in UTC, of any unit, within the years 1 to 9999. The zone is asked once or twice per
    distinct UTC day, not per row; on a day on which its offset changes, the moment of the change tells rows apart.

    >>> local_days(np.array(["2011-03-26T23:30", "2011-03-27T23:30"], dtype="M8[m]"), zone("Europe/London"))
    array([15059, 15061])
    """
    seconds = timestamps.astype("datetime64[s]").astype(np.int64)
    if not len(seconds):
        return seconds
    days = seconds // _DAY
    first = int(days.min())
    days -= first
    present = np.bincount(days) > 0
    before, after, change = np.zeros((3, len(present)), dtype=np.int64)
    for day in np.flatnonzero(present).tolist():
        before[day], after[day], change[day] = _offsets(first + day, zone)
    seconds += np.where(seconds < change[days], before[days], after[days])
    return seconds // _DAY


def _offsets(day: int, zone: ZoneInfo) -> tuple[int, int, int]:
    """The offset at the beginning and at the end of a UTC day, and the second since 1970 at which it changes."""
    low, high = day * _DAY, (day + 1) * _DAY
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return before, after, low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return before, after, high


def _offset(second: int, zone: ZoneInfo) -> int:
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
