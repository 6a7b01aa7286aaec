"""Local wall time against a walk minute by minute over some of the strangest clock changes there were."""

from __future__ import annotations

import struct
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from io import BytesIO
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import _wall_time

MINUTE = timedelta(minutes=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 37 * 365 * 86_400).map(lambda seconds: EPOCH + timedelta(seconds=seconds))

CHANGES = {
    "London, an hour forward": ("Europe/London", date(2026, 3, 29)),
    "London, an hour back": ("Europe/London", date(2026, 10, 25)),
    "New York, forward": ("America/New_York", date(2026, 3, 8)),
    "New York, back": ("America/New_York", date(2026, 11, 1)),
    "Lord Howe, half an hour back": ("Australia/Lord_Howe", date(2026, 4, 5)),
    "Lord Howe, half an hour forward": ("Australia/Lord_Howe", date(2026, 10, 4)),
    "Apia, a day that never was": ("Pacific/Apia", date(2011, 12, 30)),
    "Casablanca, back for Ramadan": ("Africa/Casablanca", date(2024, 3, 10)),
    "Casablanca, forward after it": ("Africa/Casablanca", date(2024, 4, 14)),
    "Tehran, no midnight": ("Asia/Tehran", date(2022, 3, 22)),
    "Tehran, midnight twice": ("Asia/Tehran", date(2021, 9, 22)),
    "Sao Paulo, no midnight": ("America/Sao_Paulo", date(2018, 11, 4)),
    "Sao Paulo, an hour before midnight twice": ("America/Sao_Paulo", date(2018, 2, 18)),
    "Moscow 2011, forward for good": ("Europe/Moscow", date(2011, 3, 27)),
    "Moscow 2014, back for good": ("Europe/Moscow", date(2014, 10, 26)),
    "Troll, two hours": ("Antarctica/Troll", date(2024, 3, 31)),
    "Dublin, winter is the exception": ("Europe/Dublin", date(2025, 10, 26)),
}
WINDOWS = [
    ("21:00", "09:00"),
    ("09:00", "21:00"),
    ("00:00", "01:00"),
    ("01:30", "02:30"),
    ("02:00", "03:00"),
    ("02:30", "02:15"),
    ("23:30", "00:30"),
    ("22:00", "01:30"),
    ("00:30", "00:00"),
    ("00:00", "23:59"),
    ("12:00", "12:00"),
]
changes = pytest.mark.parametrize("zone, day", CHANGES.values(), ids=CHANGES)


@cache
def walked(zone: str, day: date) -> tuple[list[datetime], list[datetime]]:
    """Every minute of five days around the change: the instants, and what clocks show at them."""
    start = datetime.combine(day - timedelta(days=2), time(0), UTC)
    instants = [start + i * MINUTE for i in range(5 * 1440)]
    return instants, [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for instant in instants]


@changes
def test_at_is_the_first_instant_that_shows_the_wall_time_or_a_later_one(zone: str, day: date) -> None:
    """F1: what comes twice stands for the first, what never comes for the first instant after the gap."""
    instants, shown = walked(zone, day)
    latest = list(accumulate(shown, max))
    for days in (-1, 0, 1):
        for minutes in range(0, 1440, 15):
            wall = time(minutes // 60, minutes % 60)
            wanted = datetime.combine(day + timedelta(days=days), wall)
            first = bisect_left(latest, wanted)
            found = _wall_time.at(wanted.date(), wall, ZoneInfo(zone))
            assert (found, found.tzinfo) == (instants[first], UTC)


@changes
def test_at_falls_on_the_change_itself_also_between_two_seconds(zone: str, day: date) -> None:
    """A skipped wall time with microseconds is the instant of the change, on its whole second."""
    for minutes in range(0, 1440, 30):
        wall = time(minutes // 60, minutes % 60)
        found = _wall_time.at(day, wall, ZoneInfo(zone))
        odd = _wall_time.at(day, wall.replace(microsecond=123_456), ZoneInfo(zone))
        skipped = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) != datetime.combine(day, wall)
        assert odd == (found if skipped else found + timedelta(microseconds=123_456))


@changes
@pytest.mark.parametrize("start, end", WINDOWS)
def test_next_open_equals_a_walk(zone: str, day: date, start: str, end: str) -> None:
    """F3, F1: windows lie on a circle, and a changed clock may lead in or out of them."""
    begin, close = time.fromisoformat(start), time.fromisoformat(end)
    instants, shown = walked(zone, day)
    inside = [begin <= local.time() < close if begin <= close else not close <= local.time() < begin for local in shown]
    opens: datetime | None = None
    for i in reversed(range(len(instants))):
        opens = opens if inside[i] else instants[i]
        if opens is None or i % 29:
            continue
        assert _wall_time.next_open(instants[i], ZoneInfo(zone), begin, close) == opens
        later = instants[i] + timedelta(seconds=30, microseconds=1)
        assert _wall_time.next_open(later, ZoneInfo(zone), begin, close) == (opens if inside[i] else later)


@changes
def test_days_move_the_date_and_hours_elapse(zone: str, day: date) -> None:
    """F1: a day later is the same wall time on the next date; 24 hours later is 24 hours later."""
    instants, shown = walked(zone, day)
    for i in range(1440, 2 * 1440, 13):
        later = _wall_time.shift(instants[i], ZoneInfo(zone), days=1)
        assert later == _wall_time.at(shown[i].date() + timedelta(days=1), shown[i].time(), ZoneInfo(zone))
        assert _wall_time.shift(instants[i], ZoneInfo(zone), hours=24, minutes=3) - instants[i] == timedelta(
            hours=24.05
        )


@changes
def test_on_is_the_first_such_hour_and_weekday(zone: str, day: date) -> None:
    """F1, F2: the local hour on its own date if that is not too early, else the next date; weekdays are local."""
    instants, shown = walked(zone, day)
    for i in range(1440, 2 * 1440, 97):
        for hour, weekday in ((9, None), (0, None), (2, None), (None, 4), (None, 6), (2, 6), (23, 5)):
            earliest = instants[i] - timedelta(hours=3)
            found = _wall_time.on(instants[i], ZoneInfo(zone), hour=hour, weekday=weekday, earliest=earliest)
            assert found == walk_on(instants[i], shown[i], ZoneInfo(zone), hour, weekday, earliest)


def walk_on(
    instant: datetime, shown: datetime, zone: ZoneInfo, hour: int | None, weekday: int | None, earliest: datetime
) -> datetime:
    if hour is None and weekday == shown.weekday():
        return instant
    wall = shown.time() if hour is None else time(hour)
    for days in range(15):
        day = shown.date() + timedelta(days=days)
        found = _wall_time.at(day, wall, zone)
        if weekday is not None and (day.weekday() != weekday or found.astimezone(zone).date() != day):
            continue
        if found >= earliest:
            return found
    raise AssertionError("two weeks hold every weekday")


def test_a_weekday_that_was_skipped_is_the_next_weeks() -> None:
    """F2: Apia had no Friday 30 December 2011, so "on Friday" is a week later and not on Saturday."""
    apia = ZoneInfo("Pacific/Apia")
    thursday = datetime(2011, 12, 29, 9, tzinfo=apia).astimezone(UTC)
    found = _wall_time.on(thursday, apia, hour=9, weekday=4, earliest=thursday)
    assert found.astimezone(apia) == datetime(2012, 1, 6, 9, tzinfo=apia)


def test_too_early_on_the_right_weekday_is_a_week_later() -> None:
    """Never before `earliest`, and still on the weekday."""
    monday = datetime(2026, 3, 2, 12, tzinfo=UTC)
    found = _wall_time.on(monday, ZoneInfo("UTC"), hour=None, weekday=0, earliest=monday + MINUTE)
    assert found == monday + timedelta(days=7)


def test_without_hour_and_weekday_nothing_moves() -> None:
    """A step without an hour is due exactly when its delay is over, and never before its anchor."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for earliest in (noon - MINUTE, noon + MINUTE):
        found = _wall_time.on(noon, ZoneInfo("UTC"), hour=None, weekday=None, earliest=earliest)
        assert found == max(noon, earliest)


@pytest.mark.parametrize(
    "start, months, end",
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-10-31", 13, "2027-11-30"),
    ],
)
def test_months_are_clamped(start: str, months: int, end: str) -> None:
    """F24: Jan 31 and a month is Feb 28, never March."""
    zone = ZoneInfo("Europe/Berlin")
    noon = _wall_time.at(date.fromisoformat(start), time(12), zone)
    assert _wall_time.shift(noon, zone, months=months) == _wall_time.at(date.fromisoformat(end), time(12), zone)


@given(
    INSTANTS,
    st.sampled_from(sorted({zone for zone, _ in CHANGES.values()})),
    st.integers(0, 400),
)
def test_shift_comes_back(instant: datetime, name: str, days: int) -> None:
    """There and back by days is the same wall clock unless a clock change skipped or doubled it; it never goes back."""
    zone = ZoneInfo(name)
    there = _wall_time.shift(instant, zone, days=days)
    assert there >= instant
    shown, again = instant.astimezone(zone), there.astimezone(zone)
    if shown.time() == again.time():
        assert again.date() - shown.date() == timedelta(days=days)
        back = _wall_time.shift(there, zone, days=-days)
        assert back == instant or shown.fold


@given(INSTANTS)
def test_local_date_is_the_date_people_write(instant: datetime) -> None:
    """F2: the day in Tokyo, not in UTC."""
    assert _wall_time.local_date(instant, ZoneInfo("Asia/Tokyo")) == (instant + timedelta(hours=9)).date()


def made_up(*changes: tuple[str, float]) -> ZoneInfo:
    """A zone that starts at UTC and has these offsets, in hours, from these instants on (a TZif file, RFC 9636)."""
    at = [int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) for text, _ in changes]
    offsets = [0, *(int(hours * 3600) for _, hours in changes)]
    head = struct.pack(">4sc15x6l", b"TZif", b"1", 0, 0, 0, len(at), len(offsets), 2)
    body = struct.pack(f">{len(at)}l", *at) + bytes(range(1, len(offsets)))
    types = b"".join(struct.pack(">lBB", offset, 0, 0) for offset in offsets)
    return ZoneInfo.from_file(BytesIO(head + body + types + b"X\0"), key="made/up")


@pytest.mark.parametrize(
    "changes",
    [
        [("2026-03-01T22:00", 3), ("2026-03-02T00:30", 0)],
        [("2026-03-01T22:00", -3), ("2026-03-02T00:30", 0)],
        [("2026-03-01T23:00", 1.5), ("2026-03-02T00:00", 13), ("2026-03-02T02:00", -9)],
    ],
)
@pytest.mark.parametrize("start, end", WINDOWS)
def test_several_clock_changes_inside_one_window(changes: list[tuple[str, float]], start: str, end: str) -> None:
    """F1, F3: each of them may lead out of the window, also when the offset ends as it began."""
    zone = made_up(*changes)
    begin, close = time.fromisoformat(start), time.fromisoformat(end)
    instants = [datetime(2026, 3, 1, tzinfo=UTC) + i * MINUTE for i in range(4 * 1440)]
    shown = [instant.astimezone(zone).time() for instant in instants]
    opens: datetime | None = None
    for i in reversed(range(len(instants))):
        within = begin <= shown[i] < close if begin <= close else not close <= shown[i] < begin
        opens = opens if within else instants[i]
        if opens is not None and i % 7 == 0:
            assert _wall_time.next_open(instants[i], zone, begin, close) == opens
