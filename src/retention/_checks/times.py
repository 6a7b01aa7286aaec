"""Times from any container: datetime64, Python's and pandas' objects, zoned columns of data frames, text.

Text is read once per distinct value: ISO 8601 by the standard library, numeric dates such as ``12/13/2010 8:26`` here,
anything odd by dateutil, which is slow and fills gaps by guessing, so its answer counts only where it guessed nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from attrs import frozen

from retention._checks.columns import MISSING, are_missing, column_of, refuse, series_of
from retention._checks.distinct import distinct
from retention._types import AnyArray, BoolArray
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    TextArray: TypeAlias = NDArray[np.str_]
    TimeArray: TypeAlias = NDArray[np.datetime64]

__all__ = ["Instants", "instants", "read_time", "read_times"]

_DAY = "datetime64[D]"
_MICROSECOND = "datetime64[us]"
# A day inside what Python's datetime holds, so that every zone's local time exists in it as well.
_FIRST_DAY, _LAST_DAY = np.datetime64("0001-01-02"), np.datetime64("9999-12-30")

_SLASHED = re.compile(
    r"(?P<first>\d{1,4})(?P<separator>[-/.])(?P<second>\d{1,2})(?P=separator)(?P<third>\d{1,4})(?:[T ]+(?P<time>.+))?"
)
_HOUR_OF_ONE_DIGIT = re.compile(r"[T ]+(?=\d:)")

# Without an offset if the flag is false, else in UTC.
_Moment: TypeAlias = tuple[datetime, bool]


@frozen(eq=False)
class Instants:
    """A column of times. `at`: datetime64 of any unit from days to nanoseconds, shape (n,), no NaT; UTC if `aware`."""

    at: TimeArray
    aware: bool


def instants(name: str, values: object, *, day_first: bool | None = None) -> Instants:
    """Times as datetime64, shape (n,); all with an offset (then UTC) or all without one.

    `day_first` says how to read ``1/12/2010``; without it such a date is refused rather than guessed.

    >>> instants("ordered_at", ["2010-12-01 08:26", "2010-12-02"]).at
    array(['2010-12-01T08:26:00.000000', '2010-12-02T00:00:00.000000'],
          dtype='datetime64[us]')
    >>> instants("ordered_at", ["2010-12-01", "1/12/2010"])
    Traceback (most recent call last):
    retention.errors.InvalidInput: ordered_at: row 1 is '1/12/2010', day or month first? say day_first=True or False
    """
    at, aware = _times(name, values, day_first=day_first)
    refuse(name, at, np.isnat(at), MISSING)
    if len(at) and not _FIRST_DAY <= at.min().astype(_DAY) <= at.max().astype(_DAY) <= _LAST_DAY:
        days = at.astype(_DAY)
        refuse(name, days, (days < _FIRST_DAY) | (days > _LAST_DAY), "outside the years 1 to 9999")
    return Instants(at, aware)


def read_times(texts: TextArray, *, day_first: bool | None = None) -> tuple[TimeArray, BoolArray]:
    """Each text as datetime64[us], shape (n,), NaT where it cannot be read, and whether it states an offset (then UTC).

    For a file whose unreadable rows are set apart one by one; `read_time` says why a text was not read.

    >>> read_times(np.array(["2010-12-01T08:26+01:00", "soon"]))
    (array(['2010-12-01T07:26:00.000000',                        'NaT'],
          dtype='datetime64[us]'), array([ True, False]))
    """
    different, codes = distinct(texts)
    at, aware = _as_columns([_try(value, day_first=day_first) for value in different.tolist()])
    return at[codes], aware[codes]


def read_time(text: str, *, day_first: bool | None = None) -> datetime:
    """One text as a datetime, aware if it states an offset; ValueError says why it cannot be read.

    >>> read_time("12/13/2010 8:26")
    datetime.datetime(2010, 12, 13, 8, 26)
    """
    text = text.strip()
    if not text:
        raise ValueError(MISSING)
    if text.isdigit() and len(text) != 8:
        raise ValueError("a bare number is no time: give YYYY-MM-DD")
    slashed = _SLASHED.fullmatch(text)
    if slashed:
        text = f"{_date_of(slashed, day_first=day_first)} {slashed['time'] or ''}".rstrip()
    try:
        return datetime.fromisoformat(_HOUR_OF_ONE_DIGIT.sub(" 0", text, count=1))
    except ValueError:
        from retention._checks.odd_times import read_odd_time  # dateutil takes longer to load than most files to read

        return read_odd_time(text, day_first=day_first)


# ---------------------------------------------------------------- containers


def _times(name: str, values: object, *, day_first: bool | None) -> tuple[TimeArray, bool]:
    zoned = _zoned(values)
    if zoned is not None:
        return zoned, True
    column = column_of(name, values)
    if column.dtype.kind == "M" and np.datetime_data(column.dtype)[0] not in ("Y", "M", "W", "generic"):
        return column, False
    if column.dtype.kind not in "UO":
        message = f"{name}: {column.dtype} says no day: give dates, times or text such as 2010-12-01"
        raise InvalidInput(message)
    if column.dtype.kind == "O":
        refuse(name, column, are_missing(column), MISSING)
    return _read_column(name, column, day_first=day_first)


def _zoned(values: object) -> TimeArray | None:
    """A data frame's column of one time zone, in UTC."""
    series = series_of(values)
    if series is None or getattr(series.dtype, "time_zone", None) is None:
        return None
    return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()


def _read_column(name: str, column: AnyArray, *, day_first: bool | None) -> tuple[TimeArray, bool]:
    different, codes = distinct(column) if column.dtype.kind == "U" else (column, np.arange(len(column)))
    tried = [_try(value, day_first=day_first) for value in different.tolist()]
    unread = np.array([isinstance(result, ValueError) for result in tried], dtype=np.bool_)
    if unread.any():
        refuse(name, column, unread[codes], str(tried[codes[unread[codes].argmax()]]))
    at, aware = _as_columns(tried)
    some_aware = bool(aware.any())
    if some_aware and not aware.all():
        refuse(name, column, aware[codes], "with an offset, while others have none: give all times in one way")
    return at[codes], some_aware


def _try(value: object, *, day_first: bool | None) -> _Moment | ValueError:
    """What the value says, or why it says nothing: a file may hold thousands of unreadable rows, so no exceptions."""
    try:
        moment = _moment(value, day_first=day_first)
        return (moment, False) if moment.tzinfo is None else (moment.astimezone(UTC).replace(tzinfo=None), True)
    except OverflowError:
        return ValueError("outside the years 1 to 9999")
    except ValueError as error:
        return error


def _moment(value: object, *, day_first: bool | None) -> datetime:
    if isinstance(value, np.datetime64):
        value = value.astype(_MICROSECOND).item()
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, str):
        return read_time(value, day_first=day_first)
    raise ValueError("no time: give dates, times or text such as 2010-12-01")


def _as_columns(tried: list[_Moment | ValueError]) -> tuple[TimeArray, BoolArray]:
    moments = [(None, False) if isinstance(result, ValueError) else result for result in tried]
    at = np.array([moment for moment, _ in moments], dtype=_MICROSECOND)
    return at, np.array([aware for _, aware in moments], dtype=np.bool_)


# ---------------------------------------------------------------- text


def _date_of(slashed: re.Match[str], *, day_first: bool | None) -> date:
    """The date of three numbers; the year has four digits and stands first or last, dots put the day first."""
    first, second, third = (int(slashed[part]) for part in ("first", "second", "third"))
    if len(slashed["first"]) == 4:
        return date(first, second, third)
    if len(slashed["third"]) < 4:
        raise ValueError("the year needs four digits")
    if day_first is None and slashed["separator"] == ".":
        day_first = True
    if day_first is None and first != second and max(first, second) <= 12:
        raise ValueError("day or month first? say day_first=True or False")
    if day_first is None:
        day_first = first > 12
    return date(third, second, first) if day_first else date(third, first, second)
