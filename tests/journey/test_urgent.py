"""Closed days of the week, and letters that cannot wait for them, for quiet hours or for a cap."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidJourney
from retention.journey import Cap, ContactPolicy, QuietHours, Wait
from retention.journey.contact_policy import OPEN_DEFECT, earliest, to_json

STRICT = ContactPolicy(
    quiet_hours=QuietHours("18:00", "12:00"), caps=[Cap(1, 7)], holds=[OPEN_DEFECT], closed_days=(6,)
)
LONDON = ZoneInfo("Europe/London")


def two(life, **more):
    """A letter that uses the cap up, and another two hours later, on Sunday 2026-03-01 from 01:00 on."""
    return life.journey(life.step("a", urgent=True), life.step("b", life.after("entry", hours=2), **more))


@pytest.fixture
def sunday(life):
    """A life that begins on a closed day, in quiet hours."""

    class Sunday(life):
        @staticmethod
        def after(anchor, **delay):
            from retention.journey import After, Delay

            return After(anchor, Delay(**delay))

    def make(**more):
        return Sunday(two(Sunday, **more), policy=STRICT, facts=[Sunday.asleep("2026-03-01T01:00")])

    return make


def test_an_urgent_letter_goes_at_once(sunday):
    """F16: neither the hour, nor the day, nor the cap that the first one filled holds the second back."""
    one = sunday(urgent=True)
    assert one.words(one.plan("2026-03-01T01:00")) == ["enter", "send a"]
    rows = one.plan("2026-03-01T03:00")
    assert one.words(rows) == ["send b", "exit completed"]
    assert one.recheck(rows[0], "2026-03-01T03:00") is None


def test_any_other_letter_waits(sunday):
    """F16: the urgent one counts for the cap of the others."""
    one = sunday()
    one.plan("2026-03-01T01:00")
    assert one.words(one.plan("2026-03-01T03:00")) == ["skip b cap", "exit completed"]


def test_an_urgent_letter_needs_consent_and_waits_for_holds(sunday, life):
    """Consent, and goods we have to mend, bind it like any other."""
    one = sunday(urgent=True)
    one.plan("2026-03-01T01:00")
    one.knows(life.ret("requested", "2026-03-01T02:00", reason="DEFECTIVE"))
    assert one.words(one.plan("2026-03-01T03:00")) == ["defer b open_defect_return"]
    sent = one.last("a")
    assert isinstance(one.recheck(sent, "2026-03-01T03:00"), Wait)
    other = sunday(urgent=True)
    other.plan("2026-03-01T01:00")
    other.knows(life.consent("2026-03-01T02:00", granted=False))
    assert other.words(other.plan("2026-03-01T03:00"))[0] == "skip b no_consent"


def test_closed_days_move_a_letter_to_the_next_open_one(life):
    """F2: Sunday of the customer, not of UTC; the ledger says why."""
    policy = ContactPolicy(quiet_hours=None, caps=(), holds=(), closed_days=(5, 6))
    one = life(
        life.journey(life.step("a")), policy=policy, facts=[life.asleep("2026-02-28T10:00")], timezone="Asia/Tokyo"
    )
    assert one.words(one.plan("2026-02-28T10:00")) == ["enter", "defer a closed_day"]
    assert one.last("a").until == life.at("2026-03-01T15:00")  # Monday in Tokyo
    assert one.words(one.until("2026-03-01T15:00")) == ["send a", "exit completed"]


@given(st.integers(0, 14), st.frozensets(st.integers(0, 6), max_size=6), st.lists(st.integers(-3, 3), max_size=4))
def test_the_earliest_day_is_the_first_that_both_allow(day, closed, sent):
    """Against a search day by day."""
    policy = ContactPolicy(quiet_hours=None, caps=[Cap(1, 2)], holds=(), closed_days=sorted(closed))
    now = datetime(2026, 3, 2, 12, tzinfo=LONDON) + timedelta(days=day)
    letters = [now.date() + timedelta(days=shift) for shift in sent]
    wanted = now.date()
    while wanted.weekday() in closed or any(wanted - timedelta(days=2) < one <= wanted for one in letters):
        wanted += timedelta(days=1)
    found, reason = earliest(policy, now, LONDON, letters)
    assert found.astimezone(LONDON).date() == wanted
    assert (reason == "") == (wanted == now.date())


def test_what_cannot_work_is_refused(life):
    """A week without an open day, days that are none, and urgency where nothing binds."""
    for days, message in (((0, 1, 2, 3, 4, 5, 6), "all seven"), ((7,), "7 is no day"), ((True,), "True is no day")):
        with pytest.raises(InvalidJourney, match=f"closed_days: .*{message}|closed_days: {message}"):
            ContactPolicy(closed_days=days)
    with pytest.raises(InvalidJourney, match="urgent is for promotional letters"):
        life.step("a", urgent=True, promotional=False)


def test_a_policy_as_before_is_written_as_before():
    """What has no closed days keeps its JSON, and so its fingerprint."""
    assert "closed_days" not in to_json(ContactPolicy())
    assert to_json(ContactPolicy(closed_days=[6]))["closed_days"] == [6]
    assert date(2026, 3, 1).weekday() == 6
