"""Planning: who enters, who is refused, who comes back, and what merging two customers means (rules 12 and 17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from retention.errors import InvalidInput
from retention.journey import (
    CONTROL,
    After,
    AfterExit,
    Book,
    ContactPolicy,
    CustomerFile,
    Delay,
    Entry,
    Facts,
    Once,
    plan,
)

RETURN = Facts("return", "requested")
HOLDING = ContactPolicy(quiet_hours=None, caps=())
MONDAY = "2026-03-02T10:00"


# Rule 12


def test_an_old_trigger_is_counted_and_not_acted_on(life: Any) -> None:
    """Rule 12: `accept_for` bounds how late a trigger may be; the refusal is a row, once."""
    for days, words in ((7, ["enter", "send a"]), (8, ["refuse stale"])):
        one = life(life.two_letters(accept_for=Delay(days=7)), facts=[life.asleep(MONDAY)])
        assert life.words(one.plan(life.at(MONDAY) + timedelta(days=days))) == words
        assert one.plan(life.at(MONDAY) + timedelta(days=days + 1)) == ()


def test_a_refusal_is_for_good(life: Any) -> None:
    """Rule 12: consent given a day later does not bring back a trigger that was refused; the next one enters."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)], known=False)
    assert life.words(one.plan(MONDAY)) == ["refuse no_consent"]
    one.knows(life.consent("2026-03-03"), life.profile("2026-03-03"))
    assert one.plan("2026-03-03") == ()
    one.knows(life.asleep("2026-03-04", order="o2"))
    assert life.words(one.plan("2026-03-04")) == ["enter", "send a"]


def test_nobody_enters_without_an_arm(life: Any) -> None:
    """A file without a drawn arm is the caller's mistake and says so in one line."""
    book = Book.of([life.two_letters()])
    with pytest.raises(InvalidInput, match=r"^arms: customer '1' has none drawn for journey back$"):
        plan(book, CustomerFile(customer_id="1", facts=(life.asleep(MONDAY),)), life.at(MONDAY))


def test_now_must_be_aware(life: Any) -> None:
    """A naive `now` is refused, and another zone's `now` gives rows in UTC."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    with pytest.raises(InvalidInput, match=r"^now: 2026-03-02T10:00:00 has no timezone"):
        plan(one.book, one.file, life.at(MONDAY).replace(tzinfo=None))
    rows = plan(one.book, one.file, life.at("2026-03-02T13:00+03:00")).decisions
    assert [row.at.isoformat() for row in rows] == ["2026-03-02T10:00:00+00:00"] * 2


# Who may be written to


def test_without_consent_promotion_stops_at_the_door(life: Any) -> None:
    """No consent, no address, a complaint: refused with that reason, and nobody is inside."""
    facts = [life.asleep(MONDAY)]
    nobody, address = (
        life(life.two_letters(), facts=facts, known=False),
        life(life.two_letters(), facts=facts, known=False),
    )
    assert life.words(nobody.plan(MONDAY)) == ["refuse no_consent"]
    assert life.words(address.knows(life.consent("2026-01-01")).plan(MONDAY)) == ["refuse no_address"]
    angry = life(life.two_letters(), facts=[*facts, life.mail("complained", "2026-02-01")])
    assert life.words(angry.plan(MONDAY)) == ["refuse suppressed"]


def test_transactional_steps_need_no_consent(life: Any) -> None:
    """F18: the return's status letter goes to who never agreed to promotion, its coupon does not."""
    steps = (life.step("status", promotional=False), life.step("coupon"))
    one = life(
        life.journey(*steps, trigger=RETURN),
        facts=[life.profile("2026-01-01"), life.ret("requested", MONDAY)],
        known=False,
    )
    assert life.words(one.plan(MONDAY)) == ["enter", "skip coupon no_consent", "send status", "exit completed"]


def test_consent_is_by_topic(life: Any) -> None:
    """F18: leaving the newsletter says nothing about size advice."""
    facts = [life.asleep(MONDAY), life.consent("2026-02-01", granted=False), life.consent("2026-02-01", topic="sizes")]
    assert life.words(life(life.two_letters(topic="sizes"), facts=facts).plan(MONDAY)) == ["enter", "send a"]
    assert life.words(life(life.two_letters(), facts=facts).plan(MONDAY)) == ["refuse no_consent"]


def test_consent_taken_back_between_two_letters(life: Any) -> None:
    """F18: the second letter is skipped; the run goes on to its end."""
    one = life(life.two_letters(), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.knows(life.consent("2026-03-05", granted=False)).plan("2026-03-05")
    assert life.words(one.until("2026-04-01")) == ["skip b no_consent", "exit completed"]


# Coming back


def test_re_entry_once(life: Any) -> None:
    """F9: a customer enters once in a lifetime."""
    one = life(life.two_letters(reentry=Once()), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.until("2026-06-01")
    assert life.words(one.knows(life.asleep("2026-06-01", order="o2")).plan("2026-06-01")) == ["refuse once"]


def test_re_entry_after_exit_and_cool_down(life: Any) -> None:
    """F9: not while inside, not before the cool-down is over, then again."""
    one = life(life.two_letters(reentry=AfterExit(Delay(days=60))), facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    one.until("2026-03-05")
    assert life.words(one.knows(life.asleep("2026-03-05", order="o2")).plan("2026-03-05")) == ["refuse already_inside"]
    one.until("2026-05-01")
    assert one.file.ledger[-1].at == life.at("2026-03-09T10:00")
    for day, order, words in (("2026-05-08T09:59", "o3", "refuse cooling_down"), ("2026-05-08T10:00", "o4", "enter")):
        assert life.words(one.knows(life.asleep(day, order=order)).plan(day))[0] == words


def test_re_entry_per_key(life: Any) -> None:
    """F9, F5: every return has its own run, side by side, and one return never two."""
    journey = life.journey(life.step("a", promotional=False), life.step("b", After("a", Delay(days=9))), trigger=RETURN)
    one = life(journey, facts=[life.ret("requested", MONDAY), life.ret("requested", MONDAY, name="r2")])
    assert life.words(one.plan(MONDAY)) == ["enter", "enter", "send a", "send a"]
    one.until("2026-04-01")
    assert one.knows(life.ret("requested", "2026-04-01", id="again")).plan("2026-04-01") == ()


def test_the_arm_stays_on_re_entry(life: Any) -> None:
    """F20: whatever the file draws later, the first arm is kept with its propensity, unless the journey dropped it."""
    arms = {CONTROL: 0.1, "letters": 0.9}
    one = life(life.two_letters(arms=arms), facts=[life.asleep(MONDAY)], arm=CONTROL)
    one.plan(MONDAY)
    one.file = evolve(one.file, arms={"back": ("letters", 0.9)})
    one.knows(life.asleep("2026-03-03", order="o2")).plan("2026-03-03")
    assert [(e.arm, e.propensity) for e in one.file.entries] == [(CONTROL, 1.0)] * 2
    one.edit(life.two_letters(version=2, arms={"letters": 1.0}))
    one.knows(life.asleep("2026-03-04", order="o3")).plan("2026-03-04")
    assert one.file.entries[-1].arm == "letters"


# Rule 17


def test_merging_two_customers_unites_their_ledgers(life: Any) -> None:
    """Rule 17: nothing is sent again for either, both runs go on, caps count both, the earliest arm is drawn on."""
    journey = life.two_letters(arms={CONTROL: 0.1, "letters": 0.9})
    one, two = (
        life(journey, facts=[life.asleep(MONDAY, order="x")], arm=CONTROL),
        life(journey, facts=[life.asleep("2026-03-03", order="y")]),
    )
    one.plan(MONDAY)
    two.plan("2026-03-03")
    united = merged(two, one)
    assert united.plan("2026-03-03") == ()
    united.knows(life.asleep("2026-03-04", order="w")).plan("2026-03-04")
    assert [(e.key, e.arm) for e in united.file.entries][-1] == ("w", CONTROL)
    united.until("2026-06-01")
    rows = [(r.entry_key, r.kind, r.step) for r in united.file.ledger if r.step]
    assert sorted(rows) == [
        *(("w", "withhold", step) for step in "ab"),
        *(("x", "withhold", step) for step in "ab"),
        *(("y", "send", step) for step in "ab"),
    ]


def test_merging_two_runs_of_one_key_keeps_the_earlier(life: Any) -> None:
    """Rule 17: the key is owned once, so two customers who were inside for one return are one run."""
    journey = life.journey(life.step("a", promotional=False), life.step("b", After("a", Delay(days=3))), trigger=RETURN)
    one, two = (
        life(journey, facts=[life.ret("requested", MONDAY)]),
        life(journey, facts=[life.ret("requested", MONDAY)]),
    )
    one.plan(MONDAY)
    two.plan("2026-03-03")
    two.file = evolve(two.file, ledger=two.file.ledger[:1])
    united = merged(two, one)
    assert united.plan("2026-03-03T12:00") == ()
    assert life.words(united.until("2026-04-01")) == ["send b", "exit completed"]


def merged(into: Any, other: Any) -> Any:
    a, b = into.file, other.file
    into.file = evolve(
        a,
        facts=tuple({(f.kind, f.id): f for f in (*a.facts, *b.facts)}.values()),
        entries=a.entries + b.entries,
        ledger=a.ledger + b.ledger,
    )
    into.wake = min(filter(None, (into.wake, other.wake)))
    return into


# Files from elsewhere


def test_an_unknown_arm_gets_the_steps_as_written(life: Any) -> None:
    """An entry whose arm the journey does not have any more is planned without variants."""
    one = life(life.two_letters())
    entry = Entry(journey="back", version=1, key="o1", entered_at=life.at(MONDAY), basis=life.at(MONDAY), arm="gone")
    one.file = evolve(one.file, entries=(entry,))
    assert life.words(one.plan(MONDAY)) == ["send a"]


def test_a_trigger_by_what_is_stated(life: Any) -> None:
    """One of several statuses starts the run, and a fact that is none of them neither starts nor refuses it."""
    trigger = Facts("return", attribute="status", values=("refunded", "exchanged"))
    one = life(life.journey(life.step("a"), trigger=trigger, exits=()))
    one.knows(life.ret("requested", "2026-03-02"))
    assert one.plan("2026-03-02") == ()
    one.knows(life.ret("exchanged", "2026-03-04"))
    assert life.words(one.plan("2026-03-04")) == ["enter", "send a", "exit completed"]
