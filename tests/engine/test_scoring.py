"""The score of sleepers: chosen once for a stretch of days, kept in the storage, told with every silence."""

from __future__ import annotations

import pytest

from retention import churn, facts
from retention.engine import scoring
from retention.engine.sleepers import Ration, Sleepers


@pytest.fixture
def choices(monkeypatch):
    """The days on which a way of scoring was chosen."""
    days, choose = [], churn.choose

    def counted(*arguments, **options):
        days.append(options["at"])
        return choose(*arguments, **options)

    monkeypatch.setattr(churn, "choose", counted)
    return days


def asleep(world, customer):
    """What was recorded when the customer fell asleep."""
    return next(fact for fact in world.file(customer).facts if fact.kind == "asleep")


def test_a_silence_tells_the_score(world):
    """The fact holds the chance of an order and the sentence names it."""
    engine = world.engine()
    engine.record([world.order("ann", silent=75)])
    engine.scan()
    fact = asleep(world, "ann")
    assert 0 < fact.p_active < 1
    assert fact.why.endswith(f"{fact.p_active:.0%} likely to order within 91 days")


def test_choices_are_kept_for_all_workers(world, choices):
    """Two engines on one storage, and two scans of one engine, choose once within the stretch of days."""
    for customer in ("ann", "bob", "eve"):
        engine = world.engine()
        engine.record([world.order(customer, silent=75)])
        assert engine.scan().asleep == 1
    assert len(choices) == 1


def test_choices_are_made_anew(world, choices):
    """After the stretch of days what foretells best is looked at again."""
    engine = world.engine()
    engine.record([world.order("ann", silent=75)])
    engine.scan()
    world.clock.passes(days=91)
    engine.record([world.order("bob", silent=75)])
    engine.scan()
    assert len(choices) == 2


def test_another_version_of_the_library_chooses_anew(world, choices, monkeypatch):
    """A choice that another version kept, and that may be unreadable, stops no scan."""
    world.storage.remember(
        f"churn/0.0.1/{scoring.HORIZON}/{world.clock.at.date().toordinal() // scoring.HORIZON}", "{}"
    )
    engine = world.engine()
    engine.record([world.order("ann", silent=75)])
    assert engine.scan().asleep == 1
    monkeypatch.setattr(scoring, "__version__", "99.0")
    engine.record([world.order("bob", silent=75)])
    assert engine.scan().asleep == 1
    assert len(choices) == 2


def test_without_sleepers_nothing_is_scored(world, choices):
    """A scan that finds nobody asleep compares no models."""
    engine = world.engine()
    engine.record([world.order("ann", silent=3)])
    engine.scan()
    assert choices == []


def test_what_customers_do_besides_ordering_counts(world):
    """Visits, letters, consents and returns of merged customers too reach the score, a return once."""
    engine = world.engine()
    day = {"at": world.clock.at}
    engine.record([world.order("ann", silent=75)])
    engine.record(
        [
            facts.Visited(id="v", customer_id="ann", **day),
            facts.Visited(id="w", customer_id="guest", **day),
            facts.EmailReported(id="c", customer_id="ann", message_key="k", status="clicked", **day),
            facts.EmailReported(id="d", customer_id="ann", message_key="k", status="delivered", **day),
            facts.ReturnChanged(id="r1", customer_id="ann", return_id="r", status="requested", **day),
            facts.ReturnChanged(id="r2", customer_id="ann", return_id="r", status="received", **day),
            facts.CustomersMerged(id="m", customer_id="guest", into="ann", **day),
        ]
    )
    seen = []
    sleepers = Sleepers("UTC")
    sleepers.read(world.storage, world.clock.at)

    def score(log, activity, today):
        seen.append(activity)
        return churn.score(log, at=today, horizon=91, unit="D", activity=activity)

    (found,), _ = sleepers.asleep(world.clock.at, Ration(fresh_days=90), score)
    assert "browses but does not buy" in found.why
    (activity,) = seen
    assert [len(activity.visits), len(activity.clicks), len(activity.returns)] == [2, 1, 1]
    assert set(activity.visits.customer_id.tolist()) == set(activity.returns.customer_id.tolist())
    assert activity.opens is None
