"""The contact policy: who may be written to, and the first instant at which a letter may leave."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidJourney
from retention.journey import Cap, ContactPolicy, Exists, Hold, QuietHours
from retention.journey.contact_policy import OPEN_DEFECT, earliest, refusal, to_json
from retention.people import Customer

UTC_ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def customer(**more: Any) -> Customer:
    return Customer(
        **{
            "id": "1",
            "timezone": "UTC",
            "language": "en",
            "email": "a@b.example",
            "topics": frozenset({"marketing"}),
            **more,
        }
    )


def test_who_may_be_written_to() -> None:
    """F18: consent by topic; suppression and missing consent stop promotion, a missing address stops all."""
    assert refusal(customer(), "marketing", promotional=True) == ""
    assert refusal(customer(), "sizes", promotional=True) == "no_consent"
    assert refusal(customer(suppressed=True), "marketing", promotional=True) == "suppressed"
    assert refusal(customer(email=""), "marketing", promotional=True) == "no_address"
    assert refusal(customer(topics=frozenset(), suppressed=True), "marketing", promotional=False) == ""
    assert refusal(customer(email=""), "marketing", promotional=False) == "no_address"


def test_the_default_policy() -> None:
    """Quiet from nine to nine, one letter a day and three a week, nothing while a defect is open."""
    policy = ContactPolicy()
    assert (policy.quiet_hours, policy.caps) == (QuietHours("21:00", "09:00"), (Cap(1, 1), Cap(3, 7)))
    assert policy.holds == (OPEN_DEFECT,)
    assert policy.remembers_days == 7
    assert ContactPolicy(caps=()).remembers_days == 0


def test_without_limits_now_is_the_time() -> None:
    """F16: no caps and no quiet hours are no limit at all, however much was sent; equal ends are no quiet hours."""
    for quiet in (None, QuietHours("09:00", "09:00")):
        policy = ContactPolicy(quiet_hours=quiet, caps=())
        assert earliest(policy, NOON, UTC_ZONE, [NOON.date()] * 99) == (NOON, "")


def test_a_cap_of_zero_never_opens() -> None:
    """F16: 0 is a cap; the end of the wait is the end of time, in the zone of `now`."""
    assert earliest(ContactPolicy(caps=(Cap(5, 1), Cap(0, 1))), NOON, UTC_ZONE, []) == (
        datetime.max.replace(tzinfo=UTC),
        "cap",
    )


def test_a_cap_waits_for_its_day_and_then_for_the_morning() -> None:
    """F16: the day that a letter leaves the window of 7 days, from midnight there, or from the end of the quiet hours."""
    sent = [date(2026, 2, 27), date(2026, 3, 1), date(2026, 3, 1)]
    free = ContactPolicy(quiet_hours=None, caps=(Cap(3, 7),))
    assert earliest(free, NOON, ZoneInfo("Asia/Tokyo"), sent) == (datetime(2026, 3, 5, 15, tzinfo=UTC), "cap")
    assert earliest(ContactPolicy(caps=(Cap(3, 7),)), NOON, UTC_ZONE, sent) == (
        datetime(2026, 3, 6, 9, tzinfo=UTC),
        "cap",
    )


def test_the_night_may_lead_into_a_full_day() -> None:
    """What is waited for in the end is the cap, though the night came first."""
    late = datetime(2026, 3, 2, 22, tzinfo=UTC)
    policy = ContactPolicy(caps=(Cap(1, 1),))
    assert earliest(policy, late, UTC_ZONE, []) == (datetime(2026, 3, 3, 9, tzinfo=UTC), "quiet_hours")
    assert earliest(policy, late, UTC_ZONE, [date(2026, 3, 3)]) == (datetime(2026, 3, 4, 9, tzinfo=UTC), "cap")


@given(
    caps=st.lists(st.builds(Cap, st.integers(1, 3), st.integers(1, 9)), max_size=3),
    quiet=st.none() | st.builds(QuietHours, *[st.integers(0, 23).map(lambda hour: f"{hour:02}:00")] * 2),
    sent=st.lists(st.integers(-12, 3).map(lambda days: date(2026, 3, 29) + timedelta(days=days)), max_size=12),
    hour=st.integers(0, 47),
    zone=st.sampled_from(["Europe/London", "Asia/Tokyo", "America/New_York"]),
)
def test_earliest_equals_a_walk(
    caps: list[Cap], quiet: QuietHours | None, sent: list[date], hour: int, zone: str
) -> None:
    """The first hour, over a clock change, that lies outside the quiet hours and fits every cap."""
    start = datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=hour)
    found, reason = earliest(ContactPolicy(caps=caps, quiet_hours=quiet), start, ZoneInfo(zone), sent)
    walk = start
    while not allowed(walk.astimezone(ZoneInfo(zone)), caps, quiet, sent):
        walk += timedelta(hours=1)
    assert found == walk
    assert bool(reason) == (found > start)


def allowed(local: datetime, caps: list[Cap], quiet: QuietHours | None, sent: list[date]) -> bool:
    if quiet is not None:
        start, end, hour = int(quiet.start[:2]), int(quiet.end[:2]), local.hour
        if start <= hour < end or (start > end and not end <= hour < start):
            return False
    return all(sum(0 <= (local.date() - day).days < cap.days for day in sent) < cap.count for cap in caps)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: QuietHours("nine"), r"quiet hours: 'nine' is no time of day; write 21:00"),
        (lambda: QuietHours(end=9), r"quiet hours: 9 is no time of day; write 21:00"),
        (lambda: QuietHours("21:00+03:00"), r"quiet hours: '21:00\+03:00' is no time of day; write 21:00"),
        (lambda: Cap(-1, 1), r"cap: count: -1 is no whole number from 0 up"),
        (lambda: Cap(1, 0), r"cap: days: 0 is no whole number from 1 up"),
        (lambda: Cap(None, 1), r"cap: count: None is no whole number from 0 up"),
        (lambda: Hold("cap", Exists("order")), r"reason: 'cap' is the planner's own; choose another word"),
        (lambda: Hold("", Exists("order")), r"reason: '' is the planner's own; choose another word"),
        (lambda: Hold("mine", None), r"when: None is no condition; .*"),
        (
            lambda: ContactPolicy(quiet_hours=("21:00", "09:00")),
            r"quiet_hours: \('21:00', '09:00'\) is no QuietHours or NoneType",
        ),
        (lambda: ContactPolicy(caps=[3]), r"caps: 3 is no Cap"),
        (lambda: ContactPolicy(holds=[Exists("order")]), r"holds: Exists\(.*\) is no Hold"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(build: Any, message: str) -> None:
    """F25: in one line, when it is built."""
    with pytest.raises(InvalidJourney, match=f"^{message}$"):
        build()


def test_json_tells_policies_apart() -> None:
    """What the fingerprint reads: equal policies give equal JSON, any change another."""
    policies = [
        ContactPolicy(),
        ContactPolicy(quiet_hours=None),
        ContactPolicy(quiet_hours=QuietHours("22:00")),
        ContactPolicy(caps=()),
        ContactPolicy(caps=(Cap(0, 1),)),
        ContactPolicy(holds=()),
        ContactPolicy(holds=(Hold("mine", Exists("order")),)),
    ]
    texts = [str(to_json(policy)) for policy in policies]
    assert len(set(texts)) == len(policies)
    assert str(to_json(ContactPolicy())) == texts[0]


def test_a_day_that_comes_back_at_midnight_has_its_own_caps() -> None:
    """F2: on 26 October 2003 Goose Bay set its clocks back from 00:01 to 23:01, so the 25th went on for an hour."""
    zone, policy = ZoneInfo("America/Goose_Bay"), ContactPolicy(quiet_hours=None, caps=[Cap(1, 1)])
    midnight = datetime(2003, 10, 26, 3, tzinfo=UTC)
    within, full, left = timedelta(minutes=30), [date(2003, 10, 25)], [date(2003, 10, 26)]
    assert earliest(policy, midnight + within, zone, full) == (midnight + timedelta(hours=1), "cap")
    assert earliest(policy, midnight, zone, left) == (midnight + timedelta(minutes=1), "cap")
