"""The scan: who is found asleep, on which day, and how many of an existing base may enter at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

import pytest

from retention import experiments, facts
from retention.engine import Ration, Scanned
from retention.errors import InvalidInput
from retention.journey import After, Facts, Journey, Step
from retention.playbooks import win_back
from retention.storage.memory import MemoryStorage


def found(world, *customers):
    """The customers in whose files the scan recorded a silence."""
    return [c for c in customers if any(fact.kind == "asleep" for fact in world.file(c).facts)]


def silence(world, customer):
    """The last silence recorded about a customer."""
    return [fact for fact in world.file(customer).facts if fact.kind == "asleep"][-1]


# ---------------------------------------------------------------- the ration


def test_an_existing_base_is_let_in_by_a_ration(world):
    """Of 1,000 who sleep already at most 5 % of those waiting enter a day, however often the scan runs, and all in the end."""
    engine = world.engine()
    engine.record(world.order(n, silent=100) for n in range(1_000))
    waiting, entered = 1_000, 0
    for day in range(12):
        for again in range(3):
            scanned = engine.scan()
            assert scanned.asleep == (ceil(0.05 * waiting) if again == 0 else 0), (day, again)
            entered += scanned.asleep
            assert scanned.waiting == 1_000 - entered
            world.clock.passes(hours=3)
        waiting = 1_000 - entered
        world.clock.passes(hours=15)


def test_everybody_who_waits_enters_or_is_lost(world):
    """Nobody waits for ever: in the end each one was let in, or has been silent for so long that they count as lost."""
    engine = world.engine()
    customers = [str(n) for n in range(60)]
    engine.record(world.order(n, silent=90 + int(n) % 50) for n in customers)
    waiting = 60
    while waiting:
        waiting = engine.scan().waiting
        world.clock.passes(days=1)
    let_in = found(world, *customers)
    assert 30 < len(let_in) <= 60
    assert {silence(world, c).silent_for < 180 for c in let_in} == {True}
    assert engine.scan() == Scanned()


def test_who_fell_asleep_last_goes_in_first(world):
    """The most recent sleepers are the likeliest to come back; equals go by their id."""
    engine = world.engine(ration=Ration(share=0.3))
    engine.record(
        [
            world.order(c, silent=days)
            for c, days in zip("abcdefghij", [90, 95, 85, 100, 86, 120, 110, 101, 102, 86], strict=True)
        ]
    )
    assert engine.scan() == Scanned(asleep=3, waiting=7)
    assert found(world, *"abcdefghij") == ["c", "e", "j"]


def test_fresh_sleepers_enter_at_once(world):
    """Who fell asleep within the last days is not rationed, and takes nobody's place."""
    engine = world.engine()
    engine.record(world.order(n, silent=100) for n in range(40))
    engine.record(world.order(f"fresh-{n}", silent=75 + n) for n in range(8))
    assert engine.scan() == Scanned(asleep=8 + 2, waiting=38)
    assert silence(world, "fresh-7").waited is False
    engine.record([world.order("late", silent=76)])
    assert engine.scan() == Scanned(asleep=1, waiting=38)


def test_the_ration_is_of_the_shops_local_day(world):
    """Midnight in Moscow, 21:00 in UTC, begins another day of entries."""
    engine = world.engine()
    engine.record(world.order(n, silent=100) for n in range(40))
    world.clock.at = datetime(2026, 3, 2, 20, 59, tzinfo=UTC)
    assert engine.scan().asleep == 2
    world.clock.passes(seconds=30)
    assert engine.scan().asleep == 0
    world.clock.passes(minutes=1)
    assert engine.scan().asleep == 2


def test_the_ration_holds_for_a_new_process_and_for_two(world):
    """What was let in today is read from the storage: a second engine adds nothing to the day."""
    first, second = world.engine(), world.engine()
    first.record(world.order(n, silent=100) for n in range(40))
    assert second.scan().asleep == 2
    assert first.scan().asleep == 0
    assert world.engine().scan().asleep == 0


def test_two_scans_that_overlap_choose_the_same_customers(world):
    """Two processes read the same state and pick the same sleepers, a moment apart: each is recorded once."""
    first, second = world.engine(), world.engine()
    first.record(world.order(n, silent=100) for n in range(40))
    read = world.storage.record

    class Overtaken:
        def __getattr__(self, name):
            return getattr(world.storage, name)

        def record(self, batch):
            world.clock.passes(seconds=5)
            assert second.scan() == Scanned(asleep=2, waiting=38)
            return read(batch)

    first.storage = Overtaken()
    assert first.scan().asleep == 0
    assert len(found(world, *map(str, range(40)))) == 2


def test_a_share_is_counted_exactly(world):
    """5 % of 140 is 7, not 8 because of the last bit of a float."""
    engine = world.engine()
    engine.record(world.order(n, silent=100) for n in range(140))
    assert engine.scan() == Scanned(asleep=7, waiting=133)


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan"), "a lot", True])
def test_a_share_that_is_none_is_refused(share):
    """`share` is within (0, 1]."""
    with pytest.raises(InvalidInput, match=r"^share: "):
        Ration(share=share)


@pytest.mark.parametrize("days", [-1, 1.5, "7", None])
def test_fresh_days_that_are_none_are_refused(days):
    """`fresh_days` is a whole number from 0 up."""
    with pytest.raises(InvalidInput, match=r"^fresh_days: "):
        Ration(fresh_days=days)


def test_the_widest_ration_lets_everybody_in(world):
    """A share of 1 is no ration."""
    engine = world.engine(ration=Ration(share=1, fresh_days=0))
    engine.record(world.order(n, silent=100) for n in range(40))
    assert engine.scan() == Scanned(asleep=40, waiting=0)


# ---------------------------------------------------------------- who is asleep


def test_without_a_journey_that_wants_to_know_nothing_is_recorded(world):
    """Who fell asleep before the journey was switched on waits for it, unrecorded."""
    thanks = Journey(
        name="thanks", trigger=Facts("order"), steps=[Step(id="x", moment=After(), template="win_back/miss_you")]
    )
    engine = world.engine(thanks)
    engine.record([world.order("eve", silent=75)])
    assert engine.scan() == Scanned()
    assert found(world, "eve") == []
    assert world.engine().scan().asleep == 1


def test_an_empty_shop_has_no_sleepers(world):
    """No fact, or no order: nothing to scan."""
    engine = world.engine()
    assert engine.scan() == Scanned()
    engine.record(world.reachable("eve"))
    engine.record([facts.CustomersMerged(id="m", customer_id="a", at=world.clock.at, into="b")])
    assert engine.scan() == Scanned()


def test_a_silence_is_recorded_once_for_each_last_order(world):
    """The same silence is not found again, by this engine or the next; after another order a new one can be."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    assert engine.scan().asleep == 1
    first = silence(world, "eve")
    assert (first.id, first.order_id, first.silent_for) == ("order-3", "order-3", 75)
    world.clock.passes(days=1)
    assert engine.scan().asleep == world.engine().scan().asleep == 0
    engine.record([world.order("eve")])
    world.clock.passes(days=200)
    assert engine.scan().asleep == 1
    assert silence(world, "eve").order_id == "order-4"


def test_an_order_that_is_recorded_late_is_the_last_one(world):
    """An order of last month that arrives today ends the silence found without it."""
    engine = world.engine()
    engine.record(world.asleep("eve", silent=74))
    engine.scan()
    engine.record([world.order("eve", silent=5)])
    world.clock.passes(days=1)
    assert engine.scan().asleep == 0


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=1), timedelta(days=30_000)])
def test_an_order_dated_ahead_is_not_known_yet(world, ahead):
    """A shop with a wrong clock: the silence is that after the last order that has happened."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.record([world.order("eve", id="ahead", at=world.clock.at + ahead)])
    assert engine.scan().asleep == 1
    assert silence(world, "eve").order_id == "order-3"
    engine.tick()
    assert world.ledger("eve")[0] == ("enter", "", "")


def test_an_order_dated_ahead_counts_when_its_time_comes(world):
    """A pre-order for next week ends the silence next week."""
    engine = world.engine()
    engine.record([world.order("eve", silent=70), world.order("eve", at=world.clock.at + timedelta(days=3))])
    engine.scan()
    world.clock.passes(days=6)
    assert engine.scan().asleep == 0
    world.clock.passes(days=-6)


def test_orders_of_other_processes_are_seen(world):
    """What another engine records is known to this one's next scan."""
    engine, other = world.engine(), world.engine()
    engine.record([world.order("eve", silent=75)])
    engine.scan()
    other.record([world.order("zoe", silent=75), world.order("ann", silent=3)])
    assert engine.scan().asleep == 1
    assert found(world, "ann", "eve", "zoe") == ["eve", "zoe"]


def test_facts_nobody_asked_for_are_passed_over(world):
    """A storage that gives more kinds than it was asked for does not disturb the scan."""

    class Generous(MemoryStorage):
        def facts(self, kinds, after, limit):
            return super().facts(facts.KINDS, after, limit)

    world.storage = Generous()
    engine = world.engine()
    engine.record(world.asleep("eve"))
    assert engine.scan().asleep == 1


def test_days_are_the_shops(world):
    """An order at 23:30 in Moscow and one at 00:30 are 75 and 74 days old at noon."""
    engine = world.engine()
    midnight = datetime(2025, 12, 17, 21, tzinfo=UTC)  # 75 days before 3 March in Moscow
    engine.record(
        [
            world.order("early", at=midnight - timedelta(minutes=30)),
            world.order("late", at=midnight + timedelta(minutes=30)),
        ]
    )
    assert engine.scan().asleep == 1
    assert found(world, "early", "late") == ["early"]
    assert silence(world, "early").silent_for == 75


# ---------------------------------------------------------------- customers merged


def merged(world, customer, into):
    return facts.CustomersMerged(id=world.id("merge"), customer_id=customer, at=world.clock.at, into=into)


def test_merged_customers_have_one_rhythm(world):
    """Asleep under one id, awake under the other: awake. The scan goes on with the united history."""
    engine = world.engine()
    engine.record([world.order("guest", silent=75), world.order("eve", silent=5)])
    engine.record([merged(world, "guest", "eve")])
    assert engine.scan() == Scanned()
    world.clock.passes(days=300)
    engine.scan()
    assert len(world.storage.customers("", 9)) == 1


@pytest.mark.parametrize("cached", [True, False], ids=["seen before the merge", "not yet seen"])
@pytest.mark.parametrize(
    "merges",
    [
        [("a", "b"), ("b", "c")],
        [("b", "c"), ("a", "b")],
        [("a", "b"), ("a", "c")],
        [("a", "c"), ("b", "a")],
        [("b", "a"), ("a", "c"), ("c", "a")],
        [("guest", "b"), ("guest", "c"), ("a", "guest")],
    ],
    ids=str,
)
def test_chains_of_merges_end_at_one_customer(world, merges, cached):
    """Whatever the order of merging, the scan knows the customer whom the storage knows: with the last order of all."""
    engine = world.engine()
    engine.record([world.order(customer, silent=75 + 5 * n) for n, customer in enumerate("abc")])
    if cached:
        engine._sleepers.read(world.storage, world.clock.at)
    for customer, into in merges:
        engine.record([merged(world, customer, into)])
        if cached:
            engine._sleepers.read(world.storage, world.clock.at)
    engine.record([world.order("a", silent=2)])
    assert engine.scan() == Scanned()
    assert world.engine().scan() == Scanned()
    assert world.storage.customers("", 9) == ["c"] or merges[0] == ("b", "a")


def test_merged_customers_do_not_enter_twice(world):
    """Both were asleep and had entered: the ledgers unite, and no third letter comes of it."""
    engine = world.engine()
    engine.record([*world.asleep("ann", "eve")])
    engine.run()
    assert len(world.sender.messages) == 2
    engine.record([merged(world, "ann", "eve")])
    for _ in range(6):
        engine.run()
        world.clock.passes(days=1)
    assert len(world.sender.messages) == 2
    assert len(world.file("eve").entries) == 2
    assert world.file("ann") == world.file("eve")
    assert [row[0] for row in world.ledger("eve")] == ["enter", "send", "enter", "send"]


def test_the_earliest_arm_stays(world):
    """Who was in the control group under one id stays there after the merge, whatever the other id would draw."""
    journey = win_back(control=0.5, cool_down=win_back().lasts)
    engine = world.engine(journey)
    engine.record(world.asleep(*range(30)))
    engine.run()
    arms = {str(n): world.file(n).entries[0].arm for n in range(30)}
    control = next(c for c, arm in arms.items() if arm == "control")
    fresh = next(str(n) for n in range(30, 90) if draws(engine, n) == "letters")
    engine.record([*world.reachable(fresh), merged(world, control, fresh)])
    engine.record([world.order(fresh)])
    for _ in range(30):
        engine.run()
        world.clock.passes(days=9)
    entries = world.file(fresh).entries
    assert len(entries) >= 2
    assert {entry.arm for entry in entries} == {"control"}


def draws(engine, customer):
    return experiments.assign(engine._tests["win_back"], customer).arm


def test_a_merge_between_two_scans_keeps_the_ration(world):
    """Merging somebody who waits with somebody who entered today opens no other place."""
    engine = world.engine()
    engine.record(world.order(n, silent=100) for n in range(40))
    engine.scan()
    entered, waits = found(world, *map(str, range(40))), [str(n) for n in range(40)]
    waits = next(c for c in waits if c not in entered)
    engine.record([merged(world, waits, entered[0])])
    assert engine.scan().asleep == 0


def test_a_merge_that_brings_a_later_order_is_a_new_silence(world):
    """Who was found asleep and turns out to have ordered since is found again when that order is long ago, too."""
    engine = world.engine()
    first, later = world.order("a", silent=80), world.order("b", silent=58)
    engine.record([first, later])
    assert [engine.scan().asleep for _ in range(2)] == [1, 0]
    engine.record([facts.CustomersMerged(id="m", customer_id="b", at=world.clock.at, into="a")])
    assert engine.scan().asleep == 1
    assert silence(world, "a").order_id == later.id
