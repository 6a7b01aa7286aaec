"""Planning within the contact policy: order, caps, quiet hours, holds and replacements (rule 16 of the planner)."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from retention.journey import (
    After,
    Cap,
    ContactPolicy,
    Delay,
    Facts,
    Hold,
    On,
    Open,
    QuietHours,
    plan,
)

RETURN = Facts("return", "requested")
HOLDING = ContactPolicy(quiet_hours=None, caps=())
NIGHT = ContactPolicy(quiet_hours=QuietHours("21:00", "09:00"), caps=())
CAPPED = ContactPolicy(quiet_hours=None, caps=(Cap(1, 2),))
MONDAY = "2026-03-02T10:00"


def test_the_order_within_one_plan_is_priority_due_key(life: Any) -> None:
    """Rule 16: one free slot goes to the smaller priority, though the other letter was due earlier."""
    low = life.journey(life.step("low", After("entry", Delay(hours=1))), trigger=RETURN, name="a", priority=9)
    high = life.journey(life.step("high", After("entry", Delay(hours=2))), name="z", priority=1)
    one = life(low, high, facts=[life.asleep(MONDAY), life.ret("requested", MONDAY)], policy=CAPPED)
    one.plan(MONDAY)
    assert life.words(one.plan("2026-03-02T12:30")) == ["send high", "defer low cap", "exit completed"]
    assert one.wake == life.at("2026-03-04")
    assert life.words(one.until("2026-03-04")) == ["send low", "exit completed"]


def test_equal_priority_goes_by_due_then_key(life: Any) -> None:
    """Rule 16: the earlier letter first; of two due at once the one whose key sorts first."""
    free = evolve(CAPPED, caps=(Cap(1, 1),))
    steps = (life.step("z", After("entry", Delay(hours=1))), life.step("a", After("entry", Delay(hours=2))))
    one = life(life.journey(*steps), facts=[life.asleep(MONDAY)], policy=free)
    one.plan(MONDAY)
    assert life.words(one.plan("2026-03-02T13:00")) == ["send z", "defer a cap"]
    same = (life.step("z"), life.step("a"))
    assert life.words(life(life.journey(*same), facts=[life.asleep(MONDAY)], policy=free).plan(MONDAY))[1:] == [
        "send a",
        "defer z cap",
    ]


def test_a_cancelled_letter_frees_its_place(life: Any) -> None:
    """Rule 16: the re-check's Cancel is an outcome; the cap counts it no more, the key stays owned."""
    for status, words in (("cancelled", ["send b", "exit completed"]), ("sent", ["defer b cap"])):
        one = life(life.journey(life.step("a"), life.step("b", After("a", Delay(hours=5)))), policy=CAPPED)
        one.knows(life.asleep(MONDAY)).plan(MONDAY)
        one.outcome(one.last("a"), status, "2026-03-02T10:01")
        assert life.words(one.plan("2026-03-02T15:00")) == words


def test_a_cap_of_zero_is_not_no_cap(life: Any) -> None:
    """F16: 0 means no promotional letter at all, no caps mean no limit; transactional letters are exempt."""
    steps = (life.step("a"), life.step("t", promotional=False))
    never = life(life.journey(*steps), facts=[life.asleep(MONDAY)], policy=evolve(life.FREE, caps=(Cap(0, 1),)))
    assert life.words(never.plan(MONDAY)) == ["enter", "skip a cap", "send t", "exit completed"]
    always = life(life.journey(*steps), facts=[life.asleep(MONDAY)])
    assert life.words(always.plan(MONDAY)) == ["enter", "send a", "send t", "exit completed"]


def test_caps_count_the_customers_calendar_days(life: Any) -> None:
    """F16: one a day means a new day in Tokyo at 15:00 UTC; a receipt uses no place."""
    policy = evolve(life.FREE, caps=(Cap(1, 1),))
    steps = (life.step("t", promotional=False), life.step("a"), life.step("b"))
    one = life(life.journey(*steps), facts=[life.asleep(MONDAY)], policy=policy, timezone="Asia/Tokyo")
    assert life.words(one.plan(MONDAY)) == ["enter", "send a", "defer b cap", "send t"]
    assert one.wake == life.at("2026-03-02T15:00")


def test_caps_look_back_over_all_of_their_days(life: Any) -> None:
    """F16: a letter in the first minute of a week counts until its last; the eighth day is free."""
    policy = evolve(life.FREE, caps=(Cap(1, 7),))
    steps = (life.step("a"), life.step("b", After("a", Delay(days=6, hours=23))))
    one = life(life.journey(*steps), facts=[life.asleep("2026-03-02T00:01")], policy=policy)
    one.plan("2026-03-02T00:01")
    assert life.words(one.until("2026-03-08T23:59")) == ["defer b cap"]
    assert one.wake == life.at("2026-03-09")


def test_quiet_hours_bind_promotion_only(life: Any) -> None:
    """F3, F16: 21 to 09 is the night; the return's own letter leaves at once."""
    steps = (life.step("promo"), life.step("status", promotional=False))
    one = life(life.journey(*steps, trigger=RETURN), facts=[life.ret("requested", "2026-03-02T23:00")], policy=NIGHT)
    assert life.words(one.plan("2026-03-02T23:00")) == ["enter", "defer promo quiet_hours", "send status"]
    assert one.wake == life.at("2026-03-03T09:00")


def test_a_later_letter_replaces_an_older_one(life: Any) -> None:
    """`supersedes`: the reminder that leaves takes the deferred first letter with it."""
    steps = (
        life.step("old"),
        life.step("new", On((Facts("return", "approved"),)), promotional=False, supersedes=("old",)),
    )
    one = life(
        life.journey(*steps, trigger=RETURN), facts=[life.ret("requested", MONDAY, reason="DAMAGED")], policy=HOLDING
    )
    assert life.words(one.plan(MONDAY)) == ["enter", "defer old open_defect_return"]
    one.knows(life.ret("approved", "2026-03-03"))
    assert life.words(one.plan("2026-03-03")) == ["send new", "skip old superseded", "exit completed"]


def test_what_was_superseded_within_one_plan_is_not_judged_again(life: Any) -> None:
    """`supersedes` holds inside one plan too: the letter that is due later but goes first by its key wins."""
    steps = (life.step("z"), life.step("a", supersedes=("z",)))
    one = life(life.journey(*steps), facts=[life.asleep(MONDAY)])
    assert life.words(one.plan(MONDAY)) == ["enter", "send a", "skip z superseded", "exit completed"]


def test_only_what_is_named_is_superseded(life: Any) -> None:
    """A letter that is not named stays due."""
    steps = (life.step("z"), life.step("y"), life.step("a", supersedes=("z",)))
    one = life(life.journey(*steps), facts=[life.asleep(MONDAY)])
    assert life.words(one.plan(MONDAY)) == ["enter", "send a", "skip z superseded", "send y", "exit completed"]


def test_a_return_that_says_its_reason_once_holds_to_its_end(life: Any) -> None:
    """The hold for defects looks at the reason that was last stated; a later stage without one lifts nothing."""
    facts = [
        life.asleep(MONDAY),
        life.ret("requested", "2026-03-01", reason="DEFECTIVE"),
        life.ret("in_transit", "2026-03-02"),
    ]
    assert life.words(life(life.journey(life.step()), facts=facts, policy=HOLDING).plan(MONDAY)) == [
        "enter",
        "defer a open_defect_return",
    ]
    changed = [*facts, life.ret("information", "2026-03-02T09:00", reason="STYLE")]
    assert life.words(life(life.journey(life.step()), facts=changed, policy=HOLDING).plan(MONDAY))[1] == "send a"


def test_a_hold_about_the_runs_own_return(life: Any) -> None:
    """Conditions with key "run" look at this run's subject alone: another open return holds nothing back."""
    hold = Hold("own_return", Open("return", ("refunded",), key="run"))
    facts = [
        life.ret("requested", "2026-03-01", name="other"),
        life.ret("requested", MONDAY),
        life.ret("refunded", MONDAY),
    ]
    one = life(life.journey(life.step(), trigger=RETURN), facts=facts, policy=evolve(life.FREE, holds=(hold,)))
    assert life.words(one.plan(MONDAY))[2:] == ["defer a own_return", "send a", "exit completed"]


def test_transactional_letters_reach_the_control_too(life: Any) -> None:
    """The control is an experiment about promotion: whoever waits for money back hears of it in any arm."""
    steps = (life.step("promo"), life.step("status", promotional=False))
    arms = {"control": 0.5, "letters": 0.5}
    one = life(life.journey(*steps, arms=arms), facts=[life.asleep("2026-03-02T10:00")], arm="control")
    assert life.words(one.plan("2026-03-02T10:00"))[1:3] == ["withhold promo control", "send status"]


def test_rule_15_budgets_are_no_business_of_the_planner(life):
    """Rule 15: a plan looks at one customer; what others got, or how much is left for all, changes nothing in it."""
    one = life(life.journey(life.step("a", offer="gift")), facts=[life.asleep("2026-03-02")])
    now = life.at("2026-03-02")
    alone = plan(one.book, one.file, now)
    crowd = [plan(one.book, evolve(one.file, customer_id=str(n)), now) for n in range(50)]
    assert [done.decisions for done in crowd] == [alone.decisions] * 50
    assert [row.offer for row in alone.decisions if row.kind == "send"] == ["gift"]
