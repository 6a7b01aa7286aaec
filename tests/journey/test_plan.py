"""Planning: what is decided, deferred, fixed and pinned; the rules of the planner one by one (1 to 9).

`conftest.Life.plan` checks besides what must hold at every plan.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from retention.journey import (
    After,
    Choice,
    ContactPolicy,
    Delay,
    Exists,
    Exit,
    Facts,
    Last,
    Not,
    On,
    Once,
    QuietHours,
)

ORDERED = Exit("ordered", Exists("order", since="basis"))
RETURN = Facts("return", "requested")
HOLDING = ContactPolicy(quiet_hours=None, caps=())
NIGHT = ContactPolicy(quiet_hours=QuietHours("21:00", "09:00"), caps=())
MONDAY = "2026-03-02T10:00"


# Rule 1


def test_a_replay_after_the_commit_yields_nothing(life: Any) -> None:
    """Rule 1: entering and sending happen once, however often the same moment, or a later one, is planned."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    assert life.words(one.plan(MONDAY)) == ["enter", "send a"]
    assert one.plan(MONDAY) == ()
    assert one.plan("2026-03-05T10:00") == ()
    assert life.words(one.until("2027-01-01")) == ["send b", "exit completed"]
    assert one.plan("2027-01-01") == ()
    assert one.wake is None


def test_deferrals_are_numbered_beside_the_key(life: Any) -> None:
    """Rule 1: deferrals of one key count 1, 2, …; what owns the key has 0."""
    one = life(life.journey(life.step()), facts=[life.asleep("2026-03-02T22:00")], policy=NIGHT)
    one.plan("2026-03-02T22:00")
    one.knows(life.ret("requested", "2026-03-03T05:00", reason="DEFECTIVE")).edit(
        *one.book.current, policy=evolve(NIGHT, holds=HOLDING.holds)
    )
    one.plan("2026-03-03T09:00")
    one.knows(life.ret("refunded", "2026-03-03T11:00")).plan("2026-03-03T11:00")
    assert [(r.kind, r.reason, r.n) for r in one.file.ledger if r.step] == [
        ("defer", "quiet_hours", 1),
        ("defer", "open_defect_return", 2),
        ("send", "", 0),
    ]


# Rule 2


def test_a_deferral_for_time_binds(life: Any) -> None:
    """Rule 2: what waits for the morning is not judged again before it, whatever happens in the night."""
    step = life.step(cancel=Exists("return"))
    one = life(life.journey(step), facts=[life.asleep("2026-03-02T22:00")], policy=NIGHT)
    assert life.words(one.plan("2026-03-02T22:00")) == ["enter", "defer a quiet_hours"]
    assert one.wake == life.at("2026-03-03T09:00")
    assert one.knows(life.ret("requested", "2026-03-03T03:00")).plan("2026-03-03T03:00") == ()
    assert one.edit(*one.book.current, policy=life.FREE).plan("2026-03-03T04:00") == ()
    assert life.words(one.plan("2026-03-03T09:00")) == ["skip a cancelled", "exit completed"]


def test_a_hold_is_judged_again_at_every_fact(life: Any) -> None:
    """Rule 2: the letter leaves at once when the return is settled, though the deferral's end is days away."""
    facts = [life.asleep(MONDAY), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(life.step()), facts=facts, policy=HOLDING)
    assert life.words(one.plan(MONDAY)) == ["enter", "defer a open_defect_return"]
    assert one.knows(life.ret("in_transit", "2026-03-03")).plan("2026-03-03T00:00") == ()
    one.knows(life.ret("refunded", "2026-03-03T08:30"))
    assert life.words(one.plan("2026-03-03T08:30")) == ["send a", "exit completed"]


def test_a_hold_that_never_ends_is_judged_at_valid_until(life: Any) -> None:
    """Rule 2, F15, F16: deferrals are bounded; the skip gives the hold as its reason."""
    facts = [life.asleep(MONDAY), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(life.step(valid_for=Delay(days=3))), facts=facts, policy=HOLDING)
    one.plan(MONDAY)
    assert one.wake == life.at("2026-03-05T10:00") == one.last("a").until
    assert life.words(one.until("2026-04-01")) == ["skip a open_defect_return", "exit completed"]


def test_a_hold_that_the_shop_gave_up_binds_no_more(life: Any) -> None:
    """Rule 2: a deferral whose hold is no longer in the policy is judged at the next plan."""
    facts = [life.asleep(MONDAY), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(life.step()), facts=facts, policy=HOLDING)
    one.plan(MONDAY)
    one.edit(*one.book.current, policy=life.FREE)
    assert life.words(one.plan("2026-03-02T11:00")) == ["send a", "exit completed"]


def test_what_cannot_leave_in_time_is_skipped_now_with_the_real_reason(life: Any) -> None:
    """Rule 2: a letter worth sending for 2 hours at 22:00 is not put off until 09:00 to be late then."""
    step = life.step(valid_for=Delay(hours=2))
    one = life(life.journey(step), facts=[life.asleep("2026-03-02T22:00")], policy=NIGHT)
    assert life.words(one.plan("2026-03-02T22:00")) == ["enter", "skip a quiet_hours", "exit completed"]


@pytest.mark.parametrize("hours, kind", [(11, "skip"), (12, "defer")])
def test_the_end_of_the_night_must_be_before_the_letters(life: Any, hours: int, kind: str) -> None:
    """Rule 2: `until` equal to `valid_until` is too late already."""
    step = life.step(valid_for=Delay(hours=hours))
    one = life(life.journey(step), facts=[life.asleep("2026-03-02T22:00")], policy=NIGHT)
    one.plan("2026-03-02T22:00")
    assert one.last("a").kind == kind


def test_a_hold_that_ends_at_night_becomes_a_deferral_that_binds(life: Any) -> None:
    """Rule 2: of two deferrals of one key the one with the higher number counts, wherever it stands in the file."""
    facts = [life.asleep("2026-03-02T20:00"), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(life.step()), facts=facts, policy=evolve(NIGHT, holds=HOLDING.holds))
    assert life.words(one.plan("2026-03-02T20:00")) == ["enter", "defer a open_defect_return"]
    one.knows(life.ret("refunded", "2026-03-02T22:00"))
    assert life.words(one.plan("2026-03-02T22:00")) == ["defer a quiet_hours"]
    assert one.plan("2026-03-02T23:00") == ()
    assert life.words(one.plan("2026-03-03T09:00")) == ["send a", "exit completed"]


def test_a_new_row_only_when_the_reason_changes_or_the_end_grows(life: Any) -> None:
    """Rule 2: a hold that is found again and again is one row; a later deadline of the letter makes a second."""
    step = life.step(moment=After("entry"), hour=10, valid_for=Delay(days=2))
    facts = [life.asleep(MONDAY), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(step), facts=facts, policy=HOLDING)
    one.plan(MONDAY)
    for hour in (11, 12, 13):
        assert one.knows(life.ret("information", f"2026-03-02T{hour}:00")).plan(f"2026-03-02T{hour}:00") == ()
    one.knows(life.profile("2026-03-02T14:00", timezone="America/New_York"))
    assert life.words(one.plan("2026-03-02T15:00")) == ["defer a open_defect_return"]
    assert [r.n for r in one.file.ledger if r.kind == "defer"] == [1, 2]
    assert life.words(one.until("2026-04-01")) == ["skip a open_defect_return", "exit completed"]


def test_a_new_timezone_moves_the_end_of_a_hold(life: Any) -> None:
    """`wake_at` follows what is still undecided: with the zone the letter's end moved to before that of the old row."""
    step = life.step(moment=After("entry"), hour=23, valid_for=Delay(days=2))
    facts = [life.asleep("2026-03-02T03:00"), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(step), facts=facts, policy=HOLDING)
    one.plan("2026-03-02T03:00")
    one.until("2026-03-02T23:00")
    one.knows(life.profile("2026-03-03T03:00", timezone="Asia/Tokyo")).plan("2026-03-03T03:00")
    assert one.wake == life.at("2026-03-04T14:00")
    assert life.words(one.until("2026-04-01")) == ["skip a open_defect_return", "exit completed"]


def test_a_new_timezone_moves_a_held_letter_ahead(life: Any) -> None:
    """`wake_at` is the new due time of a letter that was held, and is not due any more since the customer moved."""
    step = life.step(hour=20, valid_for=Delay(days=2))
    facts = [life.asleep("2026-03-02T03:00"), life.ret("requested", "2026-03-01", reason="DEFECTIVE")]
    one = life(life.journey(step), facts=facts, policy=HOLDING, timezone="Asia/Tokyo")
    one.plan("2026-03-02T03:00")
    assert life.words(one.until("2026-03-02T11:00")) == ["defer a open_defect_return"]
    one.knows(life.profile("2026-03-02T12:00", timezone="Europe/London"), life.ret("refunded", "2026-03-02T12:00"))
    assert one.plan("2026-03-02T12:00") == ()
    assert one.wake == life.at("2026-03-02T20:00")


# Rule 3


def test_a_branch_is_fixed_when_the_letter_is_sent(life: Any) -> None:
    """Rule 3: the first choice that holds, else the step itself, in the Send row for good."""
    big = Choice(Last("order", "total", ">=", "100"), "t/big", offer="gift")
    small = Choice(Exists("order"), "t/small")
    step = life.step(choose=(big, small), offer="ten")
    for total, template, offer in (("100", "t/big", "gift"), ("99.99", "t/small", "ten"), (None, "t/a", "ten")):
        one = life(life.journey(step), facts=[life.asleep(MONDAY)])
        one.knows(*([life.order("o", "2025-12-01", total)] if total else []))
        one.plan(MONDAY)
        one.knows(life.order("later", "2026-03-02T11:00", "1000")).plan("2026-03-02T12:00")
        assert (one.last("a").template, one.last("a").offer) == (template, offer)


# Rule 4


def test_people_are_pinned_to_the_version_they_entered(life: Any) -> None:
    """Rule 4: an edit changes nothing for those inside; who enters later gets the new one."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.edit(life.two_letters(version=2, exits=(ORDERED, Exit("returned", Exists("return")))))
    one.knows(life.ret("requested", "2026-03-03"), life.asleep("2026-03-03", order="o2"))
    assert life.words(one.plan("2026-03-03")) == ["refuse returned"]
    assert life.words(one.until("2026-04-01")) == ["send b", "exit completed"]


@pytest.mark.parametrize("rename", [True, False])
def test_an_edit_never_resends(life: Any, rename: bool) -> None:
    """F11, rule 4: even where the old version is lost, what was sent is known, under former names too."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    name = "hello" if rename else "a"
    first = life.step(name, formerly=("a",) if rename else ())
    edited = life.journey(first, life.step("b", After(name, Delay(days=1))), version=2)
    one.edit(edited, keep=False)
    assert life.words(one.plan("2026-03-03T10:00")) == ["send b", "exit completed"]


def test_a_deferral_under_a_former_name_still_binds(life: Any) -> None:
    """Rule 4: a renamed step inherits the deferral, and its number."""
    one = life(life.journey(life.step()), facts=[life.asleep("2026-03-02T22:00")], policy=NIGHT)
    one.plan("2026-03-02T22:00")
    one.edit(life.journey(life.step("hello", formerly=("a",)), version=2), keep=False)
    assert one.plan("2026-03-02T23:00") == ()
    assert life.words(one.plan("2026-03-03T09:00")) == ["send hello", "exit completed"]


def test_a_journey_that_is_gone_is_left_alone(life: Any) -> None:
    """A run whose journey the book does not know is neither planned nor forgotten."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.edit(life.journey(life.step(), name="other", trigger=RETURN), keep=False)
    assert one.plan("2026-03-09T10:00") == ()


def test_a_journey_switched_off_lets_people_finish(life: Any) -> None:
    """F10: an earlier version that takes nobody in any more still owes its letters, and ends."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.edit()
    one.knows(life.asleep("2026-03-03", order="o2"))
    assert one.plan("2026-03-03") == ()
    assert life.words(one.until("2026-04-01")) == ["send b", "exit completed"]


# Rule 5


def test_an_order_recorded_late_still_ends_the_run(life: Any) -> None:
    """Rule 5: exits look after the basis, not after the entry; the last known order itself is no exit."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY), life.order("o1", "2026-01-01")])
    assert life.words(one.plan(MONDAY)) == ["enter", "send a"]
    one.knows(life.order("late", "2026-02-20"))
    assert life.words(one.plan("2026-03-03")) == ["skip b ordered", "exit ordered"]


def test_what_is_over_when_it_begins_is_refused(life: Any) -> None:
    """Rule 5: an exit that holds at the door refuses, with its own reason."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY), life.order("o2", "2026-03-01")])
    assert life.words(one.plan(MONDAY)) == ["refuse ordered"]
    assert one.file.entries == ()


# Rule 6


def test_a_late_fact_for_a_closed_run_is_a_skip(life: Any) -> None:
    """Rule 6: never silence: each occurrence that comes after the end has a row."""
    step = life.step("r", On((Facts("return", "refunded"),), Delay(days=1), "any", "fact"), promotional=False)
    one = life(life.journey(step, trigger=RETURN, lasts=Delay(days=2)), facts=[life.ret("requested", MONDAY)])
    one.plan(MONDAY)
    assert life.words(one.until("2026-03-05")) == ["skip r lapsed", "exit lapsed"]
    one.knows(life.ret("refunded", "2026-03-06"))
    assert one.plan("2026-03-06") == ()
    assert life.words(one.until("2026-03-20")) == ["skip r closed"]


# Rule 7


def test_when_that_is_false_is_final(life: Any) -> None:
    """Rule 7: an order a day later does not bring back the letter that wanted one."""
    one = life(life.journey(life.step(when=Exists("order")), life.step("b", After("a", Delay(days=2)))))
    one.knows(life.asleep(MONDAY))
    assert life.words(one.plan(MONDAY)) == ["enter", "skip a condition"]
    one.knows(life.order("o", "2026-03-03"))
    assert one.plan("2026-03-03") == ()


def test_facts_to_wait_for_belong_into_the_moment(life: Any) -> None:
    """Rule 7: `On(all)` is due after the last of its facts, whichever comes first, and no "refunded" before the money."""
    both = On((Facts("return", "received"), Facts("return", "refunded")), Delay(hours=1))
    journey = life.journey(life.step("r", both, promotional=False), trigger=RETURN)
    for first, second in (("received", "refunded"), ("refunded", "received")):
        one = life(journey, facts=[life.ret("requested", MONDAY)])
        one.plan(MONDAY)
        assert one.knows(life.ret(first, "2026-03-04")).plan("2026-03-04") == ()
        one.knows(life.ret(second, "2026-03-05")).plan("2026-03-05")
        assert life.words(one.until("2026-03-06")) == ["send r", "exit completed"]
        assert one.last("r").due == life.at("2026-03-05T01:00")


def test_any_of_several_facts_is_enough(life: Any) -> None:
    """Rule 7: `On(any)` is due after the first of them."""
    either = On((Facts("return", "rejected"), Facts("return", "refunded")), need="any")
    one = life(
        life.journey(life.step("r", either, promotional=False), trigger=RETURN), facts=[life.ret("requested", MONDAY)]
    )
    one.plan(MONDAY)
    one.knows(life.ret("refunded", "2026-03-05"), life.ret("rejected", "2026-03-04T23:00"))
    assert life.words(one.plan("2026-03-05")) == ["send r", "exit completed"]
    assert one.last("r").due == life.at("2026-03-04T23:00")


def test_facts_of_any_key_count_only_after_the_basis(life: Any) -> None:
    """Rules 5 and 7: the order that a sleeper made before falling asleep is not the one that is waited for."""
    step = life.step("thanks", On((Facts("order", key="any"),)))
    one = life(life.journey(step), facts=[life.asleep(MONDAY), life.order("o1", "2026-01-01")])
    assert life.words(one.plan(MONDAY)) == ["enter"]
    one.knows(life.order("o2", "2026-03-05"))
    assert life.words(one.plan("2026-03-05")) == ["send thanks", "exit completed"]


# Rule 8


def test_what_was_decided_stays(life: Any) -> None:
    """Rule 8: a fact that would have changed a decision, heard of after it, changes nothing."""
    one = life(life.journey(life.step(when=Not(Exists("return")))), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    before = one.file.ledger
    one.knows(life.ret("requested", "2026-02-01")).plan("2026-03-03")
    assert one.file.ledger == before


def test_two_triggers_in_one_batch_enter_by_their_own_times(life: Any) -> None:
    """Rule 8: of two triggers heard of together the earlier enters, wherever they stand in the batch."""
    early, late = life.asleep("2026-03-01T10:00", order="x"), life.asleep("2026-03-01T12:00", order="b")
    for batch in ((early, late), (late, early)):
        one = life(life.journey(life.step(), reentry=Once()), facts=batch)
        one.plan(MONDAY)
        assert [entry.key for entry in one.file.entries] == ["x"]


# Rule 9


def test_facts_dated_ahead_are_invisible_until_then(life: Any) -> None:
    """Rule 9: they join `wake_at`, and act at their own time."""
    one = life(life.two_letters(), facts=[life.asleep("2026-03-03T10:00")])
    assert one.plan(MONDAY) == ()
    assert one.wake == life.at("2026-03-03T10:00")
    one.knows(life.order("ahead", "2026-03-05"))
    assert life.words(one.plan("2026-03-03T10:00")) == ["enter", "send a"]
    assert one.wake == life.at("2026-03-05")
    assert life.words(one.until("2026-04-01")) == ["skip b ordered", "exit ordered"]
