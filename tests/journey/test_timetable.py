"""Planning: when a step is due, how often, and how a run ends (rules 10, 11 and 14 of the planner)."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from retention.journey import (
    CONTROL,
    After,
    Before,
    Cap,
    ContactPolicy,
    Delay,
    Exists,
    Exit,
    Facts,
    On,
    QuietHours,
    Variant,
)

ORDERED = Exit("ordered", Exists("order", since="basis"))
RETURN = Facts("return", "requested")
HOLDING = ContactPolicy(quiet_hours=None, caps=())
NIGHT = ContactPolicy(quiet_hours=QuietHours("21:00", "09:00"), caps=())
MONDAY = "2026-03-02T10:00"


# Rule 10


def test_a_step_hangs_on_its_predecessors_due_time(life: Any) -> None:
    """Rule 10: a planner that ran two days late does not shift the timetable."""
    one = life(life.journey(life.step("a", After("entry", Delay(days=1))), life.step("b", After("a", Delay(days=3)))))
    one.knows(life.asleep(MONDAY)).plan(MONDAY)
    assert life.words(one.plan("2026-03-05T10:00")) == ["send a"]
    assert one.last("a").slot == life.at("2026-03-03T10:00")
    assert one.wake == life.at("2026-03-06T10:00")


def test_a_step_hangs_on_the_decision_if_that_was_deferred(life: Any) -> None:
    """Rule 10: a relative step without an hour counts from when the deferred letter really was decided."""
    one = life(life.journey(life.step("a"), life.step("b", After("a", Delay(hours=30)))), policy=NIGHT)
    one.knows(life.asleep("2026-03-02T22:00")).plan("2026-03-02T22:00")
    one.plan("2026-03-03T09:20")
    assert one.last("a").slot == life.at("2026-03-03T09:20")
    assert one.last("a").due == life.at("2026-03-02T22:00")
    assert one.wake == life.at("2026-03-04T15:20")


@pytest.mark.parametrize("if_skipped, end", [("continue", "send b"), ("drop", "skip b anchor_skipped")])
def test_after_a_skip_the_slot_is_its_due_time(life: Any, if_skipped: str, end: str) -> None:
    """Rule 10: `if_skipped` says whether the next letter goes on without this one."""
    second = life.step("b", After("a", Delay(days=2), if_skipped))
    one = life(life.journey(life.step("a", when=Exists("order")), second), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    assert one.wake == life.at("2026-03-04T10:00")
    assert life.words(one.until("2026-04-01")) == [end, "exit completed"]


def test_a_letter_that_was_sent_drops_nothing(life: Any) -> None:
    """Rule 10: `if_skipped` is about skips alone."""
    one = life(
        life.journey(life.step("a"), life.step("b", After("a", Delay(days=2), "drop"))), facts=[life.asleep(MONDAY)]
    )
    one.plan(MONDAY)
    assert life.words(one.until("2026-04-01")) == ["send b", "exit completed"]


def test_days_later_at_an_hour_is_the_local_date_plus_days(life: Any) -> None:
    """Rule 10, F1: 09:00 stays 09:00 over the clock change; "7 days later" is not 168 hours."""
    zone = {"timezone": "Europe/London"}
    one = life(life.journey(life.step("a"), life.step("b", After("a", Delay(days=7)), hour=9)), **zone)
    one.knows(life.asleep("2026-03-24T17:00")).plan("2026-03-24T17:00")
    assert one.wake == life.at("2026-03-31T09:00+01:00")


def test_an_hour_is_never_before_its_anchor(life: Any) -> None:
    """Rule 10: at ten, asked for at five in the afternoon, is tomorrow at ten."""
    one = life(life.journey(life.step("a", hour=10)), facts=[life.asleep("2026-03-02T17:00")])
    one.plan("2026-03-02T17:00")
    assert one.wake == life.at("2026-03-03T10:00")


def test_a_weekday_is_the_customers(life: Any) -> None:
    """F2: Thursday in Tokyo, where the UTC instant is still Wednesday."""
    one = life(life.journey(life.step("a", hour=8, weekday=3)), facts=[life.asleep(MONDAY)], timezone="Asia/Tokyo")
    one.plan(MONDAY)
    assert one.wake == life.at("2026-03-04T23:00")


def test_a_month_later_is_clamped(life: Any) -> None:
    """F24: a month after Jan 31 is Feb 28."""
    one = life(life.journey(life.step("a", After("entry", Delay(months=1)))), facts=[life.asleep("2026-01-31T10:00")])
    one.plan("2026-01-31T10:00")
    assert one.wake == life.at("2026-02-28T10:00")


def test_a_withheld_letter_counts_like_a_sent_one_and_uses_no_cap(life: Any) -> None:
    """Rule 10: control customers have the same rows with withhold for send, and keep their cap for other journeys."""
    policy = ContactPolicy(quiet_hours=QuietHours(), caps=(Cap(1, 1),))
    journey = life.two_letters(arms={CONTROL: 0.5, "letters": 0.5})
    ledgers = []
    for arm in ("letters", CONTROL):
        one = life(journey, facts=[life.asleep("2026-03-02T22:00")], policy=policy, arm=arm)
        one.plan("2026-03-02T22:00")
        one.until("2026-05-01")
        same = [
            evolve(r, kind="send", reason="", arm="") if r.kind in ("send", "withhold") else evolve(r, arm="")
            for r in one.file.ledger
        ]
        ledgers.append(same)
    assert ledgers[0] == ledgers[1]
    assert [r.kind for r in one.file.ledger if r.step == "b"] == ["withhold"]
    other = life.journey(life.step("x"), name="other", trigger=RETURN)
    both = life(life.journey(life.step(), arms=journey.arms), other, policy=policy, arm=CONTROL)
    both.file = evolve(both.file, arms={"back": (CONTROL, 0.5), "other": ("letters", 1.0)})
    both.knows(life.asleep(MONDAY), life.ret("requested", MONDAY))
    assert life.words(both.plan(MONDAY)).count("withhold a control") == 1
    assert [r.kind for r in both.file.ledger if r.step == "x"] == ["send"]


def test_an_arm_gets_its_own_letter(life: Any) -> None:
    """A variant changes template, offer, delay and hour for its arm alone."""
    variant = Variant(template="t/b", offer="ten", delay=Delay(days=2), hour=12)
    journey = life.journey(life.step("a", offer="five", variants={"b": variant}), arms={"letters": 0.5, "b": 0.5})
    for arm, row in (("letters", ("t/a", "five", "2026-03-02T10:00")), ("b", ("t/b", "ten", "2026-03-04T12:00"))):
        one = life(journey, facts=[life.asleep(MONDAY)], arm=arm)
        one.plan(MONDAY)
        one.until("2026-03-10")
        assert (one.last("a").template, one.last("a").offer, one.last("a").due) == (*row[:2], life.at(row[2]))


# Rule 11


def test_once_is_once(life: Any) -> None:
    """Rule 11: a second refund is no second letter where the step says once."""
    one = refunds(life, On((Facts("return", "refunded"),)))
    assert life.words(one.file.ledger)[1:] == ["send r"]


def test_once_per_fact(life: Any) -> None:
    """Rule 11: partial refunds have a letter each, and each letter its own key."""
    one = refunds(life, On((Facts("return", "refunded"),), need="any", once="fact"))
    assert life.words(one.file.ledger)[1:] == ["send r", "send r"]
    assert [r.occurrence for r in one.file.ledger if r.step] == ["return/one", "return/two"]


def refunds(life: Any, moment: Any) -> Any:
    later = life.step("z", After("entry", Delay(days=300)))
    one = life(life.journey(life.step("r", moment, promotional=False), later, trigger=RETURN))
    one.knows(life.ret("requested", MONDAY)).plan(MONDAY)
    one.knows(life.ret("refunded", "2026-03-03", id="one")).plan("2026-03-03")
    one.knows(life.ret("refunded", "2026-03-04", id="two")).plan("2026-03-04")
    return one


def test_two_kinds_may_share_an_id(life: Any) -> None:
    """Rule 11: an order and a return with one id are two facts."""
    step = life.step("r", On((Facts("order", key="any"), Facts("return", "refunded")), need="any", once="fact"))
    one = life(life.journey(step, trigger=RETURN), facts=[life.ret("requested", MONDAY)])
    one.plan(MONDAY)
    one.knows(life.order("7", "2026-03-03"), life.ret("refunded", "2026-03-03", id="7"))
    assert life.words(one.plan("2026-03-03")) == ["send r", "send r"]


def test_once_per_value(life: Any) -> None:
    """Rule 11: a deadline told twice is one letter, a moved one another; no deadline none."""
    step = life.step("d", On((Facts("return"),), need="any", once="value", attribute="deadline"), promotional=False)
    one = life(
        life.journey(step, trigger=RETURN), facts=[life.ret("requested", MONDAY, deadline="2026-03-20T00:00:00Z")]
    )
    one.plan(MONDAY)
    one.knows(life.ret("information", "2026-03-03", deadline="2026-03-20T00:00:00Z")).plan("2026-03-03")
    one.knows(life.ret("approved", "2026-03-04")).plan("2026-03-04")
    one.knows(life.ret("in_transit", "2026-03-05", deadline="2026-03-25T00:00:00Z")).plan("2026-03-05")
    assert [r.at for r in one.file.ledger if r.step] == [life.at(MONDAY), life.at("2026-03-05")]


def reminder(life: Any, **more: Any) -> Any:
    moment = Before(Facts("return"), "deadline", Delay(days=2))
    return life.journey(life.step("d", moment, promotional=False, **more), trigger=RETURN, lasts=Delay(days=9))


def test_before_a_deadline(life: Any) -> None:
    """Rule 11: due so long before what the last fact says; a moved deadline moves it, told again it is not sent again."""
    one = life(reminder(life), facts=[life.ret("requested", MONDAY, deadline="2026-03-10T12:00:00Z")])
    one.plan(MONDAY)
    assert one.wake == life.at("2026-03-08T12:00")
    one.knows(life.ret("approved", "2026-03-03", deadline="2026-03-12T12:00:00Z")).plan("2026-03-03")
    assert one.wake == life.at("2026-03-10T12:00")
    assert life.words(one.plan("2026-03-10T12:00")) == ["send d"]
    one.knows(
        life.ret("information", "2026-03-11", deadline="2026-03-12T12:00:00Z"), life.ret("received", "2026-03-11")
    )
    assert life.words(one.plan("2026-03-11")) == []
    assert life.words(one.until("2026-05-01")) == ["exit lapsed"]


def test_a_reminder_keeps_its_hour(life: Any) -> None:
    """A step may fix a local hour whatever its moment is, also before a deadline."""
    one = life(reminder(life, hour=9), facts=[life.ret("requested", MONDAY, deadline="2026-03-10T12:00:00Z")])
    one.plan(MONDAY)
    assert one.wake == life.at("2026-03-08T09:00")


def test_a_deadline_heard_of_late_is_reminded_of_at_once(life: Any) -> None:
    """Never before its anchor: with two days' notice wanted and one left, the letter is due when the fact happened."""
    step = reminder(life, valid_for=Delay(hours=6))
    one = life(step, facts=[life.ret("requested", MONDAY, deadline="2026-03-03T12:00:00Z")])
    assert life.words(one.plan(MONDAY)) == ["enter", "send d"]
    assert one.last("d").due == life.at(MONDAY)


def test_a_reminder_never_comes_after_its_deadline(life: Any) -> None:
    """F12: told of a deadline too late, or planned too late, the reminder is skipped, whatever `valid_for` says."""
    step = reminder(life, valid_for=Delay(days=30))
    one = life(step, facts=[life.ret("requested", MONDAY, deadline="2026-03-10T12:00:00Z")])
    one.plan(MONDAY)
    assert life.words(one.plan("2026-03-10T12:00")) == ["skip d late"]
    assert one.last("d").valid_until == life.at("2026-03-10T12:00")


def test_a_deferred_reminder_whose_deadline_moved_is_accounted_for(life: Any) -> None:
    """Rule 14: the deferral of a deadline that nobody speaks of any more gets its skip when the run ends."""
    moment = Before(Facts("return"), "deadline", Delay(days=2))
    one = life(life.journey(life.step("d", moment), trigger=RETURN, lasts=Delay(days=9)), policy=HOLDING)
    one.knows(life.ret("requested", MONDAY, reason="DEFECTIVE", deadline="2026-03-03T12:00:00Z"))
    assert life.words(one.plan(MONDAY)) == ["enter", "defer d open_defect_return"]
    one.knows(life.ret("refunded", "2026-03-02T12:00", deadline="2026-03-22T12:00:00Z")).plan("2026-03-02T12:00")
    assert life.words(one.until("2026-05-01")) == ["send d", "skip d lapsed", "exit lapsed"]


# Rule 14


def test_a_run_lapses_after_its_last_activity(life: Any) -> None:
    """Rule 14: letters and facts about the subject count as activity; a wait for something that never comes ends."""
    step = life.step("r", On((Facts("return", "refunded"),)), promotional=False)
    one = life(life.journey(step, trigger=RETURN, lasts=Delay(days=5)), facts=[life.ret("requested", MONDAY)])
    one.plan(MONDAY)
    assert one.wake == life.at("2026-03-07T10:00")
    one.knows(life.ret("received", "2026-03-06"), life.order("o9", "2026-03-07")).plan("2026-03-07")
    assert one.wake == life.at("2026-03-11")
    assert life.words(one.until("2026-04-01")) == ["skip r lapsed", "exit lapsed"]


def test_a_run_is_concluded_when_what_it_is_about_is_over(life: Any) -> None:
    """Rule 14: so long after the facts of `ends` it is over, though steps never came up; what is due is waited for."""
    thanks = life.step("t", On((Facts("return", "refunded"),), Delay(days=3)), promotional=False)
    never = life.step("x", On((Facts("return", "exchanged"),)), promotional=False)
    ends = On((Facts("return", "refunded"), Facts("return", "exchanged")), Delay(days=2), need="any")
    one = life(life.journey(thanks, never, trigger=RETURN, lasts=Delay(days=60), ends=ends))
    one.knows(life.ret("requested", MONDAY)).plan(MONDAY)
    one.knows(life.ret("refunded", "2026-03-04")).plan("2026-03-04")
    assert one.wake == life.at("2026-03-07")
    assert life.words(one.until("2026-05-01")) == ["send t", "skip x concluded", "exit concluded"]
    assert one.last("t").at == life.at("2026-03-07")


def test_a_run_lapses_where_its_end_is_later(life: Any) -> None:
    """Rule 14: whichever comes first, and the run is looked at again when it may end by itself."""
    never = life.step("x", On((Facts("return", "exchanged"),)), promotional=False)
    ends = On((Facts("return", "refunded"),), Delay(days=9))
    one = life(life.journey(never, trigger=RETURN, lasts=Delay(days=5), ends=ends))
    one.knows(life.ret("requested", MONDAY)).plan(MONDAY)
    one.knows(life.ret("refunded", "2026-03-04")).plan("2026-03-04")
    assert life.words(one.until("2026-05-01")) == ["skip x lapsed", "exit lapsed"]
    sooner = life(life.journey(never, trigger=RETURN, lasts=Delay(days=50), ends=ends))
    sooner.knows(life.ret("requested", MONDAY), life.ret("refunded", "2026-03-04")).plan("2026-03-04")
    assert sooner.wake == life.at("2026-03-13")


def test_only_facts_that_the_journey_looks_at_are_activity(life: Any) -> None:
    """`needs` is all that is read: a parcel of the same order does not keep a journey open that never asks for parcels."""
    step = life.step("again", On((Facts("return", key="any"),)))
    one = life(life.journey(step, trigger=Facts("order"), lasts=Delay(days=5)), facts=[life.order("o7", MONDAY)])
    one.plan(MONDAY)
    one.knows(life.parcel("o7", "2026-03-06"))
    assert life.words(one.until("2026-03-08")) == ["skip again lapsed", "exit lapsed"]


def test_a_run_does_not_lapse_while_something_is_due(life: Any) -> None:
    """Rule 14: a delay longer than `lasts` keeps the run open until its letter is decided."""
    one = life(life.journey(life.step("a", After("entry", Delay(days=20))), lasts=Delay(days=1)))
    one.knows(life.asleep(MONDAY)).plan(MONDAY)
    assert life.words(one.until("2026-04-01")) == ["send a", "exit completed"]


def test_an_exit_accounts_for_every_step(life: Any) -> None:
    """Rule 14, F10: leaving is an explicit row, and every step that had no row gets one with the reason."""
    steps = (
        life.step("a"),
        life.step("b", After("a", Delay(days=7))),
        life.step("c", After("b", Delay(days=7))),
        life.step("d", On((Facts("return", "refunded", key="any"),), need="any", once="fact")),
        life.step("e", Before(Facts("return", key="any"), "deadline")),
    )
    one = life(life.journey(*steps, exits=(ORDERED,)), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.knows(life.order("o2", "2026-03-04"))
    rows = [*(f"skip {name} ordered" for name in "bcde"), "exit ordered"]
    assert life.words(one.plan("2026-03-04")) == rows


def test_cancel_ends_one_step_alone(life: Any) -> None:
    """Rule 14: a closed return keeps its survey."""
    done = Exists("return", "refunded", key="run")
    steps = (
        life.step("post", After("entry", Delay(days=5)), cancel=done),
        life.step("survey", After("entry", Delay(days=6))),
    )
    one = life(life.journey(*steps, trigger=RETURN), facts=[life.ret("requested", MONDAY)])
    one.plan(MONDAY)
    one.knows(life.ret("refunded", "2026-03-04")).plan("2026-03-04")
    assert life.words(one.until("2026-04-01")) == ["skip post cancelled", "send survey", "exit completed"]


# Late, paused, resumed


def test_after_an_outage_late_letters_are_skipped(life: Any) -> None:
    """F12: what was worth sending for three days is not sent after four, and says so."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    assert life.words(one.plan("2026-03-12T10:00")) == ["skip b late", "exit completed"]


def test_a_letter_deferred_for_the_night_and_found_days_later_is_late(life: Any) -> None:
    """F12, F26: the real reason is the outage, not the quiet hours that ended long ago."""
    one = life(life.journey(life.step()), facts=[life.asleep("2026-03-02T22:00")], policy=NIGHT)
    one.plan("2026-03-02T22:00")
    assert life.words(one.plan("2026-03-09T10:00")) == ["skip a late", "exit completed"]


def test_a_resume_is_a_replay(life: Any) -> None:
    """F7: a pause of three days and five resumes send each letter once."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    rows = [word for _ in range(5) for word in life.words(one.plan("2026-03-05T10:00"))]
    assert rows == ["enter", "send a"]


def test_a_moment_waits_for_what_is_stated(life: Any) -> None:
    """Rule 7: the status alone does not start the step, a later fact that states the money does, at its own time."""
    step = life.step("a", On([Facts("return", "refunded", attribute="refund")]))
    one = life(life.journey(step, trigger=Facts("return", "requested"), exits=()))
    one.knows(life.ret("requested", "2026-03-02"), life.ret("refunded", "2026-03-03"))
    assert life.words(one.plan("2026-03-04")) == ["enter"]
    one.knows(life.ret("refunded", "2026-03-05", refund="10", currency="EUR"))
    assert life.words(one.plan("2026-03-05")) == ["send a", "exit completed"]


def test_a_deadline_of_what_is_stated(life: Any) -> None:
    """Only the deadline of a fact with that reason counts, whatever other facts say later."""
    moment = Before(Facts("return", attribute="reason", values=("STYLE",)), "deadline", Delay(days=1))
    one = life(life.journey(life.step("a", moment), trigger=Facts("return", "requested"), exits=()))
    one.knows(
        life.ret("requested", "2026-03-02", reason="STYLE", deadline=life.at("2026-03-10")),
        life.ret("approved", "2026-03-02", deadline=life.at("2026-03-20")),
    )
    one.plan("2026-03-02")
    assert one.wake == life.at("2026-03-09")


def test_any_order_counts_by_what_it_states(life: Any) -> None:
    """With key "any" as well."""
    step = life.step("a", On([Facts("order", key="any", attribute="currency", values=("USD",))]))
    one = life(life.journey(step, exits=()), facts=[life.asleep("2026-03-02"), life.order("o2", "2026-03-02")])
    assert life.words(one.plan("2026-03-03")) == ["enter"]
