"""The last look before a letter leaves, on a fresh file (F22)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from retention.journey import (
    After,
    Cancel,
    Cap,
    ContactPolicy,
    Delay,
    Exists,
    Exit,
    Facts,
    Last,
    Not,
    QuietHours,
    Wait,
)

MONDAY = "2026-03-02T10:00"
TEN = "2026-03-02T10:05"


def decided(life: Any, *, step: Any = None, policy: Any = None, **more: Any) -> tuple[Any, Any]:
    """A life whose first letter was just decided, and the row of the letter."""
    step = step or life.step(valid_for=Delay(hours=20))
    journey = life.journey(
        step,
        life.step("later", After("entry", Delay(days=9))),
        exits=(Exit("ordered", Exists("order", since="basis")),),
        **more,
    )
    one = life(journey, facts=[life.asleep(MONDAY)], policy=policy or life.FREE)
    one.plan(MONDAY)
    return one, one.last("a")


def test_nothing_new_lets_the_letter_go(life: Any) -> None:
    """None means: send it."""
    one, row = decided(life)
    assert one.recheck(row, TEN) is None


def test_an_order_just_before_stops_the_letter(life: Any) -> None:
    """F22: who has bought already gets no "we miss you"."""
    one, row = decided(life)
    one.knows(life.order("o2", "2026-03-02T10:03"))
    assert one.recheck(row, TEN) == Cancel("ordered")


def test_what_cancels_the_step_cancels_the_letter(life: Any) -> None:
    """A step's own `cancel` is looked at again, what does not hold lets it go."""
    one, row = decided(life, step=life.step(cancel=Exists("return")))
    assert one.recheck(row, TEN) is None
    assert one.knows(life.ret("requested", TEN)).recheck(row, TEN) == Cancel("cancelled")


def test_what_was_fixed_when_decided_is_not_asked_again(life: Any) -> None:
    """`when` was judged once; the decision stands."""
    one, row = decided(life, step=life.step(when=Not(Exists("return"))))
    assert one.knows(life.ret("requested", TEN)).recheck(row, TEN) is None


def test_consent_taken_back_in_the_last_minute(life: Any) -> None:
    """F18, F22: by the journey's own topic; suppression and a dead address count too."""
    one, row = decided(life)
    assert one.knows(life.consent(TEN, granted=False)).recheck(row, TEN) == Cancel("no_consent")
    one, row = decided(life)
    assert one.knows(life.mail("complained", TEN)).recheck(row, TEN) == Cancel("suppressed")
    one, row = decided(life)
    assert one.knows(life.mail("bounced", TEN, bounce_class="hard")).recheck(row, TEN) == Cancel("no_address")
    one, row = decided(life)
    assert one.knows(life.consent(TEN, granted=False, topic="sizes")).recheck(row, TEN) is None


def test_too_late_is_too_late(life: Any) -> None:
    """F12: from `valid_until` on, the letter does not leave; a row without one never ages."""
    one, row = decided(life)
    assert one.recheck(row, "2026-03-03T05:59") is None
    assert one.recheck(row, "2026-03-03T06:00") == Cancel("late")
    assert one.recheck(evolve(row, valid_until=None), "2026-03-03T06:00") is None


def test_an_open_defect_makes_the_letter_wait(life: Any) -> None:
    """F22: a return opened after the decision; settled, the letter goes; transactional letters never wait."""
    policy = ContactPolicy(quiet_hours=None, caps=())
    one, row = decided(life, policy=policy)
    one.knows(life.ret("requested", TEN, reason="DEFECTIVE"))
    assert one.recheck(row, TEN) == Wait(life.at(TEN) + timedelta(hours=6), "open_defect_return")
    assert one.recheck(evolve(row, promotional=False), TEN) is None
    assert one.knows(life.ret("refunded", TEN)).recheck(row, TEN) is None


def test_the_night_is_respected_again(life: Any) -> None:
    """A letter that was queued over the evening waits for the morning if that is in time, else it is cancelled."""
    policy = ContactPolicy(caps=())
    for hours, expected in ((30, Wait(life.at("2026-03-03T09:00"), "quiet_hours")), (23, Cancel("quiet_hours"))):
        one, row = decided(life, policy=policy, step=life.step(valid_for=Delay(hours=hours)))
        assert one.recheck(row, "2026-03-02T22:00") == expected
        assert one.recheck(evolve(row, promotional=False), "2026-03-02T22:00") is None
    assert one.recheck(evolve(row, valid_until=None), "2026-03-02T22:00") == Wait(
        life.at("2026-03-03T09:00"), "quiet_hours"
    )


def test_caps_are_not_judged_again(life: Any) -> None:
    """Rule 16: the letter holds its own place among the sent ones; only a cap of 0 stops what is queued."""
    one, row = decided(life, policy=ContactPolicy(quiet_hours=None, caps=(Cap(1, 7),)))
    assert one.recheck(row, TEN) is None
    one.edit(*one.book.current, policy=ContactPolicy(quiet_hours=QuietHours(), caps=(Cap(0, 1),)))
    assert one.recheck(row, TEN) == Cancel("cap")


def test_a_letter_that_cannot_be_checked_does_not_leave(life: Any) -> None:
    """Its journey is not known any more, so nobody can say which consent it needs or what ends it."""
    one, row = decided(life)
    one.edit(life.journey(life.step(), name="other", trigger=Facts("return", "requested")), keep=False)
    assert one.recheck(row, TEN) == Cancel("unknown_journey")


@pytest.mark.parametrize("formerly", [("a",), ()])
def test_a_renamed_step_is_found_again(life: Any, formerly: tuple[str, ...]) -> None:
    """`formerly`: the letter's step is looked up under its old names; a step that is gone cancels nothing itself."""
    one, row = decided(life)
    edited = life.journey(
        life.step("hello", formerly=formerly, cancel=Last("consent", "granted", "==", value=True)), version=2
    )
    one.edit(edited, keep=False)
    assert one.recheck(row, TEN) == (Cancel("cancelled") if formerly else None)
