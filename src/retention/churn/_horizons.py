"""Days and horizons as this room's functions take them."""

from __future__ import annotations

import numpy as np

from retention import _checks
from retention.errors import InvalidInput

__all__ = ["days_of", "last_day"]

_DAYS_PER_UNIT = {"D": 1, "W": 7}
_LONGEST = 3_650
_FIRST_DAY = np.datetime64("0100-01-01")
"""Two of the longest horizons before it there are still dates."""


def days_of(horizon: object, unit: str) -> int:
    """The horizon in whole days, 1 to 3650.

    >>> days_of(0.2, "W")
    Traceback (most recent call last):
    retention.errors.InvalidInput: horizon: 0.2 W is no whole number of days: give 1 to 3650 days
    """
    if unit not in _DAYS_PER_UNIT:
        raise InvalidInput(f"unit: {unit!r} is unknown: say 'D' or 'W'")
    if isinstance(horizon, bool) or not isinstance(horizon, int | float | np.integer | np.floating):
        raise InvalidInput(f"horizon: {horizon!r} is no number: give how many {'days' if unit == 'D' else 'weeks'}")
    days = float(horizon) * _DAYS_PER_UNIT[unit]
    # `not (...)` catches NaN as well.
    if not 1 <= days <= _LONGEST or abs(days - round(days)) > 1e-9:
        raise InvalidInput(f"horizon: {horizon!r} {unit} is no whole number of days: give 1 to {_LONGEST} days")
    return round(days)


def last_day(at: object) -> int:
    """The day, in days since 1970-01-01, on whose evening something is looked at."""
    times = _checks.instants("at", [at])
    day = times.at.astype("datetime64[D]")
    if times.aware or day[0] != times.at[0]:
        raise InvalidInput(f"at: {at} is a time: give the last day that counts, such as '1997-09-30'")
    if day[0] < _FIRST_DAY:
        raise InvalidInput(f"at: {day[0]} is before {_FIRST_DAY}: give a later day")
    return int(day.view(np.int64)[0])
