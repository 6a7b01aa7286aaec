"""Local wall time in every zone across every clock change of 2000 to 2037, against a walk minute by minute.

The walk knows nothing of the library: it lists every minute around a change with what clocks show then. `nox -s calendars`
takes every change; the default tests take some.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest

from retention import _wall_time
from retention.journey import Cap, ContactPolicy, QuietHours
from retention.journey.contact_policy import earliest

MINUTE, DAY = timedelta(minutes=1), 1440
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
AROUND = 6 * DAY
"""Minutes walked on either side of a change."""
WINDOWS = [
    ("21:00", "09:00"), ("22:00", "06:00"), ("09:00", "21:00"), ("00:00", "01:00"), ("01:30", "02:30"), ("02:00", "03:00"),
    ("02:30", "02:15"), ("23:30", "00:30"), ("22:00", "01:30"), ("00:30", "00:00"), ("00:00", "23:59"), ("23:59", "00:01"),
    ("02:01", "02:59"), ("12:00", "12:00"),
]  # fmt: skip
WEEKDAYS = (None, 0, 3, 6)


def offset(zone: ZoneInfo, at: datetime) -> int:
    """Minutes east of Greenwich; since 2000 no zone has kept seconds."""
    seconds = at.astimezone(zone).utcoffset().total_seconds()
    assert seconds % 60 == 0
    return int(seconds // 60)


def changes(zone: ZoneInfo) -> list[datetime]:
    """Every instant from 2000 to 2037 at which the zone's clocks are set, to the minute; two within six hours are found."""
    found, at, before = [], FIRST, offset(zone, FIRST)
    while at < LAST:
        step = at + timedelta(hours=6)
        if offset(zone, step) != before:
            low, high = at, step
            while high - low > MINUTE:
                middle = low + (high - low) // 2 // MINUTE * MINUTE
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            found.append(high)
            step = high
        at, before = step, offset(zone, step)
    return found


@cache
def every_change() -> list[tuple[str, datetime]]:
    """(zone, change) of all zones, those with the same changes and offsets once."""
    seen, found = set(), []
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        own = changes(zone)
        shape = tuple((at, offset(zone, at - MINUTE), offset(zone, at)) for at in own)
        if own and shape not in seen:
            seen.add(shape)
            found += [(name, at) for at in own]
    return found


class Walk:
    """The minutes around a change: `shown[i]` is what clocks show i minutes after `start`, in minutes since 1970."""

    def __init__(self, name: str, change: datetime) -> None:
        self.zone, self.start = ZoneInfo(name), change - AROUND * MINUTE
        utc = int(self.start.timestamp()) // 60 + np.arange(2 * AROUND + 1)
        offsets = np.full(len(utc), offset(self.zone, self.start))
        for place in range(0, len(utc), 30):  # no change leaves its half hour unseen
            part = slice(place, min(place + 30, len(utc)))
            ends = [offset(self.zone, self.start + i * MINUTE) for i in (part.start, part.stop - 1)]
            offsets[part] = (
                ends[0]
                if ends[0] == ends[1]
                else [offset(self.zone, self.start + i * MINUTE) for i in range(part.start, part.stop)]
            )
        self.shown = utc + offsets
        self.latest = np.maximum.accumulate(self.shown)

    def at(self, i: int) -> datetime:
        return self.start + i * MINUTE

    def first_showing(self, wall: int) -> datetime:
        """When clocks first show this minute, or the first later one after a gap."""
        return self.at(int(np.searchsorted(self.latest, wall)))

    def opens(self, start: int, end: int) -> np.ndarray:
        """For each minute the place of the first one from it on that is outside of the window."""
        of_day = self.shown % DAY
        inside = (start <= of_day) & (of_day < end) if start <= end else (of_day >= start) | (of_day < end)
        places = np.where(inside, len(inside), np.arange(len(inside)))
        return np.minimum.accumulate(places[::-1])[::-1]


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def compare(name: str, change: datetime, rng: np.random.Generator, done: Counter) -> list[str]:
    """What differs from the walk around one change."""
    walk = Walk(name, change)
    wrong = []
    near = [-1500, -1441, -1440, -721, -61, -60, -31, -1, 0, 1, 29, 59, 60, 119, 721, 1440, 1499]
    places = [AROUND + i for i in (*near, *rng.integers(-1500, 1500, 8).tolist())]
    for start, end in WINDOWS:
        opens = walk.opens(minutes(start), minutes(end))
        window = time.fromisoformat(start), time.fromisoformat(end)
        for i in places:
            found = _wall_time.next_open(walk.at(i), walk.zone, *window)
            if found != walk.at(int(opens[i])):
                wrong.append(f"{name} {change} next_open {start}-{end} from {walk.at(i)}: {found}")
        done["next_open"] += len(places)
    today = change.astimezone(walk.zone).date()
    for days in (-1, 0, 1):
        day = today + timedelta(days=days)
        midnight = (day - date(1970, 1, 1)).days * DAY
        for wall in range(0, DAY, 30):
            shown = time(wall // 60, wall % 60)
            if _wall_time.at(day, shown, walk.zone) != walk.first_showing(midnight + wall):
                wrong.append(f"{name} {change} at {day} {shown}")
        done["at"] += DAY // 30
    wrong += compare_on(name, walk, places[:8], rng, done)
    return wrong + compare_policy(name, walk, places[:8], rng, done)


def compare_on(name: str, walk: Walk, places: list[int], rng: np.random.Generator, done: Counter) -> list[str]:
    """A local hour, and then a weekday, not before the earliest."""
    wrong = []
    for i in places:
        hour, weekday = int(rng.integers(0, 24)), WEEKDAYS[int(rng.integers(0, 2))]
        least = walk.at(i) - int(rng.integers(0, 2)) * timedelta(hours=20)
        found = _wall_time.on(walk.at(i), walk.zone, hour=hour, weekday=weekday, earliest=least)
        day = int(walk.shown[i]) // DAY
        while True:
            if day * DAY + hour * 60 > walk.latest[-1]:
                wanted = found  # beyond the walk
                break
            wanted = walk.first_showing(day * DAY + hour * 60)
            there = walk.shown[int((wanted - walk.start) / MINUTE)] // DAY == day
            if wanted >= least and (weekday is None or (there and (day + 3) % 7 == weekday)):
                break
            day += 1
        if found != wanted:
            wrong.append(f"{name} on {hour}:00 weekday {weekday} from {walk.at(i)}: {found}, not {wanted}")
        done["on"] += 1
    return wrong


def compare_policy(name: str, walk: Walk, places: list[int], rng: np.random.Generator, done: Counter) -> list[str]:
    """Quiet hours and a cap by the customer's own days together: the first minute that both allow."""
    wrong = []
    start, end = WINDOWS[int(rng.integers(0, 3))]
    policy = ContactPolicy(quiet_hours=QuietHours(start, end), caps=[Cap(1, 1), Cap(2, 3)], holds=())
    opens = walk.opens(minutes(start), minutes(end))
    for i in places:
        days = (int(walk.shown[i]) // DAY - rng.integers(0, 3, 2)).tolist()
        sent = [date(1970, 1, 1) + timedelta(days=day) for day in days]
        place = int(opens[i])
        while True:
            day = int(walk.shown[place]) // DAY
            free = all(sum(day - span < one <= day for one in days) < count for count, span in ((1, 1), (2, 3)))
            if free and int(opens[place]) == place:
                break
            place = int(opens[place]) if free else place + 1
        found, _ = earliest(policy, walk.at(i), walk.zone, sent)
        if found != walk.at(place):
            wrong.append(f"{name} earliest {start}-{end} sent {sent} from {walk.at(i)}: {found}, not {walk.at(place)}")
        done["earliest"] += 1
    return wrong


def test_some_changes_of_every_sort():
    """F1 F2 F3: quiet hours, hours of letters, weekdays and caps are right around clock changes of all sorts of zones."""
    rng, done = np.random.default_rng(1), Counter()
    names = ["Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran", "America/Sao_Paulo",
             "Pacific/Apia", "Antarctica/Troll", "Asia/Gaza", "America/Caracas"]  # fmt: skip
    wrong = []
    for name in names:
        own = changes(ZoneInfo(name))
        for change in (own[0], own[len(own) // 2], own[-1]):
            wrong += compare(name, change, rng, done)
    assert wrong == []
    assert min(done.values()) > 200


@pytest.mark.calendar
def test_every_change_of_every_zone(capsys):
    """Zero mismatches in every zone of the tz database and every change from 2000 to 2037."""
    rng, done = np.random.default_rng(2), Counter()
    wrong = []
    for name, change in every_change():
        wrong += compare(name, change, rng, done)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len({name for name, _ in every_change()})} zones that differ, {len(every_change()):,} changes, "
            f"{len(WINDOWS)} windows: {done.total():,} comparisons "
            f"({', '.join(f'{what} {count:,}' for what, count in done.items())}), {len(wrong)} mismatches\n"
        )
    assert wrong == []
