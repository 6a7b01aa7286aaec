"""Local wall time: `retention._calendar` agrees with the standard library, row by row."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retention import _calendar
from retention.errors import InvalidInput

# Whole hours, half an hour of daylight saving, a skipped day, offsets with seconds in the past, none at all.
ZONES = ["Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York", "Asia/Kathmandu", "UTC"]
EPOCH = dt.date(1970, 1, 1)


@given(
    st.lists(st.datetimes(dt.datetime(1850, 1, 1), dt.datetime(2100, 1, 1)), max_size=8),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
@example([dt.datetime(2011, 3, 27, 0, 59, 59, 999_999), dt.datetime(2011, 3, 27, 1)], "Europe/London")  # noqa: DTZ001
@example([dt.datetime(2011, 12, 30, 9, 59, 59), dt.datetime(2011, 12, 30, 10)], "Pacific/Apia")  # noqa: DTZ001
def test_local_days_are_what_the_standard_library_says(moments, name):
    """Each row's day is the date of `astimezone`, on days of a change too."""
    zone = _calendar.zone(name)
    expected = [(moment.replace(tzinfo=dt.UTC).astimezone(zone).date() - EPOCH).days for moment in moments]
    assert _calendar.local_days(np.array(moments, dtype="datetime64[us]"), zone).tolist() == expected


@given(
    st.integers(0, 1439),
    st.sampled_from(
        [("Europe/London", 2011, 3, 27), ("Europe/London", 2011, 10, 30), ("Australia/Lord_Howe", 2011, 4, 3)]
    ),
)
def test_local_days_around_a_change(minute, place):
    """Every minute of a day of change falls on its own day."""
    name, *day = place
    zone = ZoneInfo(name)
    moment = dt.datetime(*day, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)
    expected = (moment.astimezone(zone).date() - EPOCH).days
    assert _calendar.local_days(np.array([moment.replace(tzinfo=None)], dtype="datetime64[ns]"), zone).tolist() == [
        expected
    ]


def test_resolve_finds_the_only_reading():
    """Away from clock changes there is nothing to choose."""
    for choice in ("raise", "earlier", "later"):
        found = _calendar.resolve(dt.datetime(2011, 7, 1, 9), ZoneInfo("Europe/London"), on_clock_change=choice)  # noqa: DTZ001
        assert found == dt.datetime(2011, 7, 1, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "local, problem, earlier, later",
    [
        (dt.datetime(2011, 3, 27, 1, 30), "does not exist", (0, 30), (1, 30)),  # noqa: DTZ001
        (dt.datetime(2011, 10, 30, 1, 30), "is twice", (0, 30), (1, 30)),  # noqa: DTZ001
    ],
)
def test_resolve_names_gaps_and_folds(local, problem, earlier, later):
    """A time that never was and one that was twice are refused, or chosen on demand."""
    zone = ZoneInfo("Europe/London")
    with pytest.raises(InvalidInput, match=f"{problem} in Europe/London"):
        _calendar.resolve(local, zone)
    midnight = local.replace(hour=0, minute=0, tzinfo=dt.UTC)
    for choice, (hour, minute) in {"earlier": earlier, "later": later}.items():
        assert _calendar.resolve(local, zone, on_clock_change=choice) == midnight.replace(hour=hour, minute=minute)


@given(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_resolve_is_the_way_back(moment, name):
    """An instant's wall time resolves to that instant, or to the other one of a fold."""
    zone = _calendar.zone(name)
    instant = moment.replace(tzinfo=dt.UTC)
    local = instant.astimezone(zone).replace(tzinfo=None)
    assert instant in {_calendar.resolve(local, zone, on_clock_change=choice) for choice in ("earlier", "later")}


@pytest.mark.parametrize(
    "name",
    ["Europe/Lodnon", "Europe", "", "../etc", "/etc/localtime", "a\x00", "x" * 300, "Nowhere/AtAllOnEarth", None, 3],
)
def test_an_unknown_zone_is_refused(name):
    """Whatever the name, one line with a remedy."""
    with pytest.raises(InvalidInput, match=r"timezone: .* is unknown: (did you mean|give an IANA name)"):
        _calendar.zone(name)
