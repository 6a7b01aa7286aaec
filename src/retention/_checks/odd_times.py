"""Text that is neither ISO 8601 nor three numbers: ``Dec 1, 2010 8:26 PM``, the dates of e-mails.

dateutil reads nearly anything because it guesses nearly anything: here it may read, not guess.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from dateutil.parser import parse, parserinfo

__all__ = ["read_odd_time"]

# POSIX and dateutil mean three hours behind Greenwich, browsers three hours ahead.
_NAMED_OFFSET = re.compile(r"(GMT|UTC)\s*[-+]", re.IGNORECASE)


def read_odd_time(text: str, *, day_first: bool | None) -> datetime:
    """What dateutil reads, if neither another default date nor the other order of day and month changes it."""
    # After a year of four digits the month is next, but dateutil would let `dayfirst` turn that round.
    orders = (False, False) if text[:4].isdigit() else (False, True) if day_first is None else (day_first, day_first)
    if _NAMED_OFFSET.search(text):
        raise ValueError("GMT+3 is read both ways: give the offset as +03:00 alone")
    try:
        readings = {
            parse(text, parserinfo=_FourDigitYears(), default=default, dayfirst=order, tzinfos=_offset)
            for default, order in zip((datetime(2000, 1, 1), datetime(2004, 2, 2)), orders, strict=True)  # noqa: DTZ001
        }
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError("no date that can be read: give YYYY-MM-DD or YYYY-MM-DD HH:MM") from error
    if len(readings) > 1:
        raise ValueError("not one full date: give YYYY-MM-DD or YYYY-MM-DD HH:MM")
    return readings.pop()


class _FourDigitYears(parserinfo):
    """dateutil completes a short year from the machine's clock; the same text must mean the same day for ever."""

    def convertyear(self, year: int, century_specified: bool = False) -> int:  # noqa: FBT001, FBT002
        if year < 100 and not century_specified:
            raise ValueError("the year needs four digits")
        return year


def _offset(name: str | None, seconds: int | None) -> timezone | None:
    """An offset in numbers, or UTC; names such as EST mean several zones, and the machine's own must not decide."""
    if name and seconds is None:
        raise ValueError("give the offset from UTC in numbers only")
    return None if seconds is None else timezone(timedelta(seconds=seconds))
