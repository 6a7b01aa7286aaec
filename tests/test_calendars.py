"""Every clock change of every zone against a walk minute by minute that knows nothing of `zoneinfo`.

The walk reads the zone files of the `tzdata` package itself. `nox -s calendars` goes through all changes and prints a
table of what was compared; the default tests take a sample of them.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from retention import _wall_time
from retention.journey import Cap, ContactPolicy, QuietHours
from retention.journey.contact_policy import earliest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2000, 2038))
BEFORE, AFTER = 2, 9
"""Days of the walk around a change."""

WINDOWS = [
    ("21:00", "09:00"),
    ("09:00", "21:00"),
    ("00:00", "01:00"),
    ("01:30", "02:30"),
    ("02:00", "03:00"),
    ("02:07", "02:41"),
    ("22:13", "01:37"),
    ("23:59", "00:01"),
    ("00:30", "00:29"),
    ("03:00", "02:00"),
    ("00:00", "23:59"),
    ("12:00", "12:00"),
]
POLICIES = [
    (ContactPolicy(caps=(Cap(1, 1),)), (0,)),
    (ContactPolicy(caps=(Cap(1, 1),), quiet_hours=None), (-1,)),
    (ContactPolicy(caps=(Cap(2, 3),), quiet_hours=QuietHours("02:30", "01:30")), (-1, 0, 1)),
    (ContactPolicy(caps=(Cap(1, 2), Cap(3, 4)), quiet_hours=None), (-2, -1, 0)),
    (ContactPolicy(caps=(Cap(1, 2),), quiet_hours=QuietHours("23:00", "01:30"), closed_days=(0, 5, 6)), (0,)),
    (ContactPolicy(caps=(), quiet_hours=QuietHours("23:59", "00:01"), closed_days=(0, 1, 2, 4, 5, 6)), ()),
]
"""What the shop allows itself, and the days around the change on which a letter was sent."""
HOURS = [(9, None), (0, None), (2, None), (None, 4), (2, 6), (23, 5)]


NAME = r"(?:[A-Za-z]+|<[-+\d]+>)"
OFFSET = r"[-+]?[\d:]+"
RULE = re.compile(rf"{NAME}(?P<winter>{OFFSET})(?:{NAME}(?P<summer>{OFFSET})?,(?P<start>[^,]+),(?P<end>[^,]+))?")


def clock(text: str) -> int:
    """The seconds of [+-]hours[:minutes]."""
    hours, _, rest = text.lstrip("+-").partition(":")
    return (int(hours) * 3600 + int(rest or 0) * 60) * (-1 if text.startswith("-") else 1)


def of_year(year: int, rule: str) -> int:
    """The local seconds of a rule Mmonth.week.weekday/time; week 5 is the last, weekday 0 Sunday, time 2 if left out."""
    day, _, wall = rule.partition("/")
    month, week, weekday = map(int, day.removeprefix("M").split("."))
    days = [date(year, month, n) for n in range(1, monthrange(year, month)[1] + 1)]
    fitting = [one for one in days if one.isoweekday() % 7 == weekday]
    chosen = fitting[-1] if week == 5 else fitting[week - 1]
    return (chosen - date(1970, 1, 1)).days * 86_400 + clock(wall or "2")


class Zone:
    """One zone as its file says: when its clocks change, and the offset from UTC, in seconds, from then on."""

    def __init__(self, name: str) -> None:
        raw = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
        self.name, self.zone = name, ZoneInfo.from_file(BytesIO(raw), key=name)
        self.at, self.offsets = self._listed(raw)
        for at, offset in self._by_rule(raw.splitlines()[-1].decode()):
            if at > self.at[-1]:
                self.at.append(at)
                self.offsets.append(offset)

    @staticmethod
    def _listed(raw: bytes) -> tuple[list[int], list[int]]:
        """The part of a TZif file with 64-bit times, RFC 9636; what lies before the first change has its first type."""
        head = struct.Struct(">4s c 15x 6l")
        _, _, utc, std, leap, times, types, chars = head.unpack_from(raw)
        second = head.size + times * 5 + types * 6 + chars + leap * 8 + std + utc
        _, _, _, _, _, times, types, _ = head.unpack_from(raw, second)
        body = second + head.size
        at = struct.unpack_from(f">{times}q", raw, body)
        which = struct.unpack_from(f">{times}B", raw, body + times * 8)
        offsets = [row[0] for row in struct.iter_unpack(">lBB", raw[body + times * 9 : body + times * 9 + types * 6])]
        return [-(2**62), *at], [offsets[i] for i in (0, *which)]

    @staticmethod
    def _by_rule(text: str) -> list[tuple[int, int]]:
        """What the last line says for all years to come, such as GMT0BST,M3.5.0/1,M10.5.0."""
        rule = RULE.fullmatch(text)
        assert rule is not None, text
        if rule["start"] is None:
            return []
        winter = -clock(rule["winter"])
        summer = -clock(rule["summer"]) if rule["summer"] else winter + 3600
        found = []
        for year in range(2000, 2039):
            found.append((of_year(year, rule["start"]) - winter, summer))
            found.append((of_year(year, rule["end"]) - summer, winter))
        return sorted(found)

    def changes(self) -> list[int]:
        """The seconds since 1970, from 2000 to 2037, at which the offset really changes."""
        pairs = zip(self.at[1:], self.offsets, self.offsets[1:], strict=False)
        return [at for at, old, new in pairs if old != new and FIRST <= at < LAST]

    def walk(self, change: int) -> Walk:
        """Every minute around one of its changes."""
        start = change // 86_400 * 86_400 - BEFORE * 86_400
        seconds = start + 60 * np.arange((BEFORE + AFTER) * 1440)
        offsets = np.array(self.offsets)[np.searchsorted(self.at, seconds, side="right") - 1]
        return Walk(self.zone, EPOCH + timedelta(seconds=start), seconds + offsets)


class Walk:
    """Minutes in a row; `shown` is what clocks show at each, as the seconds since 1970 that UTC would call so."""

    def __init__(self, zone: ZoneInfo, start: datetime, shown: NDArray[np.int64]) -> None:
        self.zone, self.start, self.shown = zone, start, shown
        self.wall, self.day = shown // 60 % 1440, shown // 86_400
        self.latest = np.maximum.accumulate(shown)
        self.today = int(self.day[BEFORE * 1440])

    def instant(self, i: int) -> datetime:
        return self.start + i * MINUTE

    def first(self, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """For each minute the next one, itself included, that is allowed; the number of minutes if there is none."""
        own = np.where(allowed, np.arange(len(allowed)), len(allowed))
        found: NDArray[np.int64] = np.minimum.accumulate(own[::-1])[::-1]
        return found

    def outside(self, start: str, end: str) -> NDArray[np.bool_]:
        begin, close = minutes(start), minutes(end)
        after, before = self.wall >= begin, self.wall < close
        found: NDArray[np.bool_] = ~(after & before if begin <= close else after | before)
        return found

    def room(self, policy: ContactPolicy, sent: tuple[int, ...]) -> NDArray[np.bool_]:
        """The minutes of open days on which every cap leaves room."""
        found = ~np.isin((self.day + 3) % 7, policy.closed_days)
        for cap in policy.caps:
            age = self.day[:, None] - (self.today + np.array(sent, dtype=int))
            found &= ((age >= 0) & (age < cap.days)).sum(axis=1) < cap.count
        return found

    def showing(self, seconds: int) -> datetime:
        """The first minute that shows this wall time or, where it never comes, a later one."""
        return self.instant(int(np.searchsorted(self.latest, seconds)))


def minutes(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])


def local(days: int) -> date:
    return date(1970, 1, 1) + days * DAY


def windows(walk: Walk, step: int) -> Iterator[bool]:
    """`next_open` and the walk agree, on whole minutes and between them."""
    for start, end in WINDOWS:
        outside = walk.outside(start, end)
        opens = walk.first(outside)
        for i in range(1440, (BEFORE + 2) * 1440, step):
            found = _wall_time.next_open(walk.instant(i), walk.zone, time.fromisoformat(start), time.fromisoformat(end))
            yield found == walk.instant(int(opens[i]))
            odd = walk.instant(i) + timedelta(seconds=30, microseconds=1)
            found = _wall_time.next_open(odd, walk.zone, time.fromisoformat(start), time.fromisoformat(end))
            yield found == (odd if outside[i] else walk.instant(int(opens[i])))


def wall_times(walk: Walk, step: int) -> Iterator[bool]:
    """`at` and the walk agree on the days around the change."""
    for days in (-1, 0, 1):
        for minute in range(0, 1440, step):
            found = _wall_time.at(local(walk.today + days), time(minute // 60, minute % 60), walk.zone)
            yield found == walk.showing((walk.today + days) * 86_400 + minute * 60)


def hours(walk: Walk, step: int) -> Iterator[bool]:
    """`on` and the walk agree: the hour of its own day if that is not too early, else of the next such day."""
    for i in range(1440, (BEFORE + 1) * 1440, step):
        soonest = walk.instant(i) - timedelta(hours=3)
        for hour, weekday in HOURS:
            found = _wall_time.on(walk.instant(i), walk.zone, hour=hour, weekday=weekday, earliest=soonest)
            yield found == moved(walk, i, hour, weekday, soonest)


def moved(walk: Walk, i: int, hour: int | None, weekday: int | None, soonest: datetime) -> datetime:
    if hour is None and (int(walk.day[i]) + 3) % 7 == weekday:
        return walk.instant(i)
    wall = int(walk.wall[i]) * 60 if hour is None else hour * 3600
    for day in range(int(walk.day[i]), int(walk.day[i]) + 15):
        found = walk.showing(day * 86_400 + wall)
        shown = int(walk.day[(found - walk.start) // MINUTE])
        if found >= soonest and (weekday is None or (shown == day and (day + 3) % 7 == weekday)):
            return found
    raise AssertionError("two weeks hold every weekday")


def policies(walk: Walk, step: int) -> Iterator[bool]:
    """`earliest` and the walk agree on when the policy lets a letter leave."""
    changes = np.flatnonzero(np.diff(walk.shown[: (BEFORE + 2) * 1440]) != 60)
    near = (int(change) + minute for change in changes for minute in range(-75, 76, 15))
    places = [*range(1440, (BEFORE + 2) * 1440, step), *near]
    for policy, sent in POLICIES:
        quiet = policy.quiet_hours or QuietHours("00:00", "00:00")
        opens = walk.first(walk.outside(quiet.start, quiet.end) & walk.room(policy, sent))
        days = [local(walk.today + day) for day in sent]
        for i in places:
            found, reason = earliest(policy, walk.instant(i), walk.zone, days)
            yield found == walk.instant(int(opens[i])) and bool(reason) == (opens[i] > i)


CHECKS = {"next_open": (windows, 211), "at": (wall_times, 15), "on": (hours, 397), "earliest": (policies, 307)}
"""Each comparison, and how many minutes it moves on."""


def zones() -> list[Zone]:
    """The zones of the database, one of each set whose clocks went alike since 2000."""
    names = files("tzdata").joinpath("zones").read_text("utf-8").split()
    unlike: dict[tuple[object, ...], Zone] = {}
    for zone in map(Zone, sorted(names)):
        changes = zone.changes()
        since = bisect_right(zone.at, FIRST) - 1
        unlike.setdefault((zone.offsets[since], *changes, *zone.offsets[since:]), zone)
    return list(unlike.values())


def compared(name: str, zone: Zone, changes: list[int]) -> tuple[int, list[str]]:
    """How many comparisons there were around the changes, and the changes at which one failed."""
    check, step = CHECKS[name]
    total, wrong = 0, []
    for change in changes:
        found = list(check(zone.walk(change), step))
        total += len(found)
        wrong += [f"{name} {zone.name} {EPOCH + timedelta(seconds=change)}"] * found.count(False)
    return total, wrong


SAMPLE = {
    "Europe/Berlin": 2,
    "America/Goose_Bay": 2,
    "America/New_York": 2,
    "America/Sao_Paulo": 1,
    "Africa/Casablanca": 2,
    "Africa/Khartoum": 1,
    "Antarctica/Troll": 2,
    "Antarctica/Casey": 3,
    "Asia/Gaza": 2,
    "Asia/Pyongyang": 2,
    "Asia/Tehran": 2,
    "Australia/Lord_Howe": 2,
    "Pacific/Apia": 5,
}
"""Zones of strange changes, and how many of them the default tests look at."""


@pytest.mark.parametrize("name", CHECKS)
def test_some_clock_changes_of_strange_zones(name: str) -> None:
    """F1, F2, F3: the rules for wall times, windows, weekdays and policies equal a walk minute by minute."""
    for zone, most in SAMPLE.items():
        one = Zone(zone)
        total, wrong = compared(name, one, one.changes()[:most])
        assert total
        assert wrong == []


def test_no_zone_changes_its_clocks_twice_within_an_hour() -> None:
    """Changes are looked for hour by hour; the database reaches the year 2037 here, so all were looked at."""
    found = zones()
    assert max(zone.changes()[-1] for zone in found if zone.changes()) > LAST - 366 * 86_400
    for zone in found:
        assert min(np.diff([at for at in zone.at if at >= 0]), default=3601) > 3600, zone.name


@pytest.mark.calendar
@pytest.mark.parametrize("name", CHECKS)
def test_every_clock_change_of_every_zone(name: str) -> None:
    """F1, F2, F3: nothing differs from the walk at any change from 2000 to 2037 in the whole database."""
    found = zones()
    results = [compared(name, zone, zone.changes()) for zone in found]
    wrong = [line for _, lines in results for line in lines]
    row = {
        "zones": len(found),
        "changes": sum(len(zone.changes()) for zone in found),
        "windows": {"next_open": len(WINDOWS), "earliest": len(POLICIES), "on": len(HOURS), "at": 96}[name],
        "comparisons": sum(total for total, _ in results),
        "mismatches": len(wrong),
    }
    print(f"{name}: " + ", ".join(f"{key} {value:,}" for key, value in row.items()))  # noqa: T201 - the report
    assert wrong == []
