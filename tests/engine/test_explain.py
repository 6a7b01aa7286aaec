"""`explain`: the life of one customer with the shop, in the order of time, with the reason for every decision."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from retention import facts
from retention.engine import Explanation
from retention.errors import InvalidInput
from retention.journey import Needs
from retention.messages import Result


def returned(world, customer, **changes):
    given = {"id": world.id("return"), "customer_id": customer, "at": world.clock.at, "return_id": "R-7"}
    return facts.ReturnChanged(**given | {"status": "requested", "reason": "too_small"} | changes)


WHY = "one order so far; nobody here has reordered yet, 30 days are assumed, silent for 75; 15% likely to order within 91 days"


def test_orders_returns_letters_and_reasons_are_told_in_the_order_of_time(world):
    """One line each, at the shop's local time, oldest first."""
    engine = world.engine()
    engine.record([*world.reachable("eve"), world.order("eve", id="A-1", silent=75, total="19.90")])
    engine.record([returned(world, "eve", at=world.clock.at - timedelta(days=70))])
    refund = {"status": "refunded", "refund": Decimal("5.00"), "currency": "EUR"}
    engine.record([returned(world, "eve", at=world.clock.at - timedelta(days=69), **refund)])
    engine.run()
    world.clock.passes(days=7)
    engine.scan()
    engine.tick()
    engine.record([world.order("eve", id="A-2", total="40")])
    engine.deliver()
    engine.tick()
    told = str(engine.explain("eve")).splitlines()
    assert told == [
        "customer eve",
        "2025-01-26 15:00  profile",
        "2025-12-17 15:00  order A-1 of 19.90 EUR",
        "2025-12-22 15:00  return R-7 requested: too_small",
        "2025-12-23 15:00  return R-7 refunded, 5.00 EUR paid back: too_small",
        "2026-03-02 14:59  consent to marketing by email granted",
        f"2026-03-02 15:00  fell asleep: {WHY}",
        "2026-03-02 15:00  win_back: enters: arm letters",
        "2026-03-02 15:00  win_back/miss_you: letter decided (win_back/miss_you)",
        "2026-03-02 15:00  letter miss_you of win_back is sent",
        "2026-03-09 15:00  order A-2 of 40 EUR",
        "2026-03-09 15:00  win_back/reminder: letter decided (win_back/reminder)",
        "2026-03-09 15:00  win_back: leaves: completed (every letter of the run is decided)",
        "2026-03-09 15:00  letter reminder of win_back is cancelled: ordered",
    ]


def test_the_records_hold_what_the_text_says(world):
    """For programs: each line has its instant, what happened and why."""
    engine = world.engine()
    engine.record([world.order("eve", id="A-1", silent=3)])
    explanation = engine.explain("eve")
    assert isinstance(explanation, Explanation)
    ((line),) = explanation.lines
    assert (line.at, line.what, line.why) == (world.clock.at - timedelta(days=3), "order A-1 of 30 EUR", "")


def test_a_number_and_its_text_are_one_customer(world):
    """42 and "42" are the same."""
    engine = world.engine()
    engine.record([world.order(42)])
    assert engine.explain(42) == engine.explain("42")
    assert len(engine.explain(42).lines) == 1


def test_an_unknown_customer_is_said_to_be_unknown(world):
    """No file is no error, and no row is made for it."""
    engine = world.engine()
    assert str(engine.explain("nobody")) == "customer nobody: nothing is known"
    assert engine.explain("nobody").lines == ()
    assert world.storage.customers("", 9) == []


@pytest.mark.parametrize("nobody", ["", None, 1.5])
def test_what_is_no_customer_id_is_refused(world, nobody):
    """An empty id or a float names nobody."""
    with pytest.raises(InvalidInput, match=r"^customer_id: "):
        world.engine().explain(nobody)


def test_a_merged_customer_is_told_under_every_id(world):
    """Both ids lead to the united history, which says when they became one."""
    engine = world.engine()
    engine.record([world.order("guest", silent=9), world.order("eve", silent=5)])
    engine.record([facts.CustomersMerged(id="m", customer_id="guest", at=world.clock.at, into="eve")])
    told = str(engine.explain("guest"))
    assert told == str(engine.explain("eve"))
    assert told.startswith("customer eve, also guest\n")
    assert told.count(" order ") == 2
    assert "customer guest turned out to be eve" in told


def test_no_address_is_told(world):
    """What a colleague reads over one's shoulder has no address in it."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    assert "@example.org" not in str(engine.explain("eve"))


@pytest.mark.parametrize(
    "status, words",
    [
        ("transient", "is queued: transient (the sender could not take it just then)"),
        ("unknown", "is sending: handed over, not yet answered"),
        (Result("rejected", "550 no such mailbox"), "is failed: 550 no such mailbox"),
    ],
)
def test_what_the_sender_said_is_told(kit, status, words):
    """A letter that did not leave has its reason in words."""
    world = kit.World(sender=kit.Answers(status))
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    assert words in str(engine.explain("eve"))


def test_a_letter_in_doubt_is_told_as_such(kit):
    """Once nobody can tell any more, the line says so in words."""
    world = kit.World(sender=kit.Answers("unknown"))
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(hours=1)
    engine.run()
    assert "is in_doubt: unknown (the sender's answer was lost: it may have left or not)" in str(engine.explain("eve"))


def test_a_letter_put_off_says_until_when(world):
    """In the quiet hours the ledger says when the letter may leave, at the shop's time."""
    world.clock.passes(hours=9)
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    assert "letter put off until 2026-03-03 09:00: quiet_hours" in str(engine.explain("eve"))


def test_a_warning_is_told_with_its_sentence(world):
    """What monitoring noticed stands among the events, and why."""
    engine = world.engine()
    why = "3 visits in 30 days, 40 in the 180 before"
    warning = facts.ActivityFell(
        id="w", customer_id="eve", at=world.clock.at, status="visits_fell", order_id="A-1", why=why
    )
    engine.record([warning])
    assert [(line.what, line.why) for line in engine.explain("eve").lines] == [("warning visits_fell", why)]


def test_what_the_ledger_does_not_account_for_is_told(world):
    """A letter whose decision is gone, and nothing of the kind while all is there."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    assert engine.explain("eve").unaccounted == ()
    (file,) = world.storage.load(["eve"], Needs())
    sent = tuple(row for row in file.ledger if row.kind == "send")

    class Lossy:
        def __getattr__(self, name):
            return getattr(world.storage, name)

        def load(self, ids, needs):
            return [evolve(file, ledger=tuple(row for row in file.ledger if row not in sent))]

    told = world.engine(storage=Lossy()).explain("eve")
    assert [found.key for found in told.unaccounted] == [sent[0].key]
    assert str(told).endswith("\nnot accounted for: win_back/miss_you 1 letters for 0 decisions")
