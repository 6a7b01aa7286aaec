"""A customer who asked to be forgotten: no letter, no finding and no number brings back what was erased."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retention import experiments, facts
from retention.engine import Scanned
from retention.errors import InvalidInput
from retention.playbooks import win_back


def test_nothing_personal_is_left_to_tell(world):
    """The explanation knows that there was a customer, that letters were decided, and that they were erased."""
    engine = world.engine()
    engine.record([*world.asleep("eve"), world.profile("eve", name="Eve Adams", at=world.clock.at)])
    engine.run()
    world.clock.passes(days=1)
    engine.erase("eve")
    told = str(engine.explain("eve"))
    assert "2026-03-03 15:00  erased" in told
    assert "miss_you" in told
    for personal in ("order", "profile", "consent", "Eve", "30 EUR"):
        assert personal not in told.replace("fell asleep", "")
    assert "@" not in str(world.file("eve"))


def test_a_letter_that_waits_is_cancelled(world):
    """What was decided before does not leave after; the reason is kept."""
    engine = world.engine()
    engine.record(world.asleep("eve", "zoe"))
    engine.scan()
    engine.tick()
    engine.erase("eve")
    assert engine.deliver() == {"sent": 1}
    assert world.fates("eve") == [("miss_you", "cancelled", "erased")]
    assert "(the customer asked to be forgotten)" in str(engine.explain("eve"))


def test_an_erased_customer_is_written_to_no_more(world):
    """The run that was open ends with nothing but rows in the ledger."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    engine.erase("eve")
    for _ in range(20):
        world.clock.passes(days=5)
        engine.run()
        world.engine().run()
    assert len(world.sender.messages) == 1
    assert [fact.kind for fact in world.file("eve").facts] == ["erased"]


def test_the_scan_forgets(world):
    """A scan that has read the orders before finds nobody asleep after; other customers are found as before."""
    engine = world.engine()
    engine.record([*world.asleep("eve", silent=60), *world.asleep("zoe", silent=60)])
    engine.record([facts.Visited(id="v", customer_id="eve", at=world.clock.at)])
    engine.record([world.order("eve", at=world.clock.at + timedelta(days=1))])  # its time has not come
    assert engine.scan() == Scanned()
    engine.erase("eve")
    world.clock.passes(days=20)
    assert engine.scan().asleep == 1
    assert world.engine().scan() == Scanned()
    assert [fact.kind for fact in world.file("eve").facts] == ["erased"]


def test_an_erasure_while_the_scan_computes_leaves_no_trace(world):
    """Another worker erases between scoring and recording: the finding is dropped, and so is one that an order ended."""
    engine, other = world.engine(), world.engine()
    engine.record(world.asleep("eve", "ann", "zoe"))
    asleep = engine._sleepers.asleep

    def slow(*arguments):
        found = asleep(*arguments)
        other.erase("eve")
        other.record([world.order("ann")])
        return found

    engine._sleepers.asleep = slow
    assert engine.scan().asleep == 1
    assert [fact.kind for fact in world.file("eve").facts] == ["erased"]
    assert "asleep" not in {fact.kind for fact in world.file("ann").facts}


@pytest.mark.parametrize("erased", ["guest", "eve"])
@pytest.mark.parametrize("seen", [True, False], ids=["seen before", "not yet seen"])
def test_merged_customers_are_erased_together(world, erased, seen):
    """Under whichever id they ask, all that the ids have done is forgotten, by a scan that knew it as well."""
    engine = world.engine()
    engine.record([*world.asleep("guest"), world.order("eve", silent=80), *world.asleep("zoe")])
    engine.record([facts.CustomersMerged(id="m", customer_id="guest", at=world.clock.at, into="eve")])
    if seen:
        engine._sleepers.read(world.storage, world.clock.at)
    engine.erase(erased)
    assert engine.scan().asleep == 1
    assert {fact.kind for fact in world.file("guest").facts} == {"erased"}


def test_who_comes_back_begins_anew(world):
    """An order after the erasure is the first one that is known: the rhythm knows nothing of the old ones."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.scan()
    engine.erase("eve")
    world.clock.passes(days=1)
    engine.record([*world.reachable("eve"), world.order("eve")])
    assert engine.scan() == Scanned()
    world.clock.passes(days=75)
    assert engine.run()["deliver"] == {"sent": 1}


def test_what_was_erased_does_not_come_back(world):
    """A shop that exports its whole past again tells nothing new of who was erased."""
    engine = world.engine()
    past = world.asleep("eve")
    engine.record(past)
    engine.erase("eve")
    assert engine.record(past).known == 3
    assert engine.scan() == Scanned()


def test_the_erased_do_not_count_among_the_decided(world):
    """Nobody knows what they ordered: the results leave them out of the comparison, and say how many they are."""
    engine = world.engine(win_back(control=0.5))
    engine.record(world.asleep(*range(40)))
    engine.run()
    arms = {str(n): world.file(n).entries[0].arm for n in range(40)}
    gone = [customer for customer, arm in arms.items() if arm == "control"][:2]
    world.clock.passes(days=29)
    engine.now()
    before = {arm.arm: arm for arm in engine.results().journeys[0].arms}
    for customer in gone:
        engine.erase(customer)
    results = engine.results()
    after = {arm.arm: arm for arm in results.journeys[0].arms}
    assert after["letters"] == before["letters"]
    assert after["control"].customers == before["control"].customers
    assert after["control"].decided == before["control"].decided - 2
    assert (
        "2 customers were erased: what they ordered is unknown, so they do not count among the decided" in results.notes
    )


def test_a_run_after_the_erasure_counts(world):
    """Who came back and entered anew is judged by that run, not lost for ever."""
    engine = world.engine()
    engine.erase("eve")
    world.clock.passes(days=1)
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(days=29)
    engine.now()
    ((arm),) = engine.results().journeys[0].arms
    assert (arm.customers, arm.decided) == (1, 1)


@pytest.mark.parametrize("twice", [0, 1])
def test_erasing_again_changes_nothing(world, twice):
    """At the same moment or later; a customer nobody knows is none to complain of."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.erase("eve")
    world.clock.passes(days=twice)
    engine.erase("eve")
    engine.erase(42)
    assert {fact.kind for fact in world.file("eve").facts} == {"erased"}
    with pytest.raises(InvalidInput, match=r"^customer_id: "):
        engine.erase("")


def test_the_arm_is_drawn_by_the_id_that_stays(world):
    """Somebody who comes back after an erasure is in the arm they were in: the draw needs nothing that was erased."""
    engine = world.engine(win_back(control=0.5))
    engine.record(world.asleep("eve"))
    engine.run()
    arm = world.file("eve").entries[0].arm
    assert experiments.assign(engine._tests["win_back"], "eve").arm == arm
