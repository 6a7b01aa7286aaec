"""The funnel: each letter counted once, by step and arm, from the very rows that the other results are made of."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from attrs import evolve, fields

from retention import facts
from retention.engine import Ration
from retention.engine.funnel import COUNTED, StepResult
from retention.journey import Delay, Needs
from retention.messages import Result
from retention.playbooks import win_back


def some_rejected(batch):
    """Every tenth mailbox does not exist."""
    return [Result("rejected" if sum(map(ord, batch[0].to)) % 10 == 0 else "accepted", "no such mailbox")]


def fates(n: int) -> list[tuple[str, bool | None]]:
    """What is reported of the letters of the n-th customer: some twice, one sort of report that nobody counts."""
    found: list[tuple[str, bool | None]] = [("delivered", None)] if n % 9 else [("bounced", None)]
    found += [("opened", n % 3 == 0), ("opened", n % 3 == 0)] if n % 2 else []
    found += [("clicked", None), ("clicked", None)] if n % 5 == 0 else []
    found += [("complained", None), ("unsubscribed", None)] if n % 17 == 0 else []
    return [*found, ("deferred", None)]


def live(world, engine):
    """Five weeks of a journey with a control group and two ways to write, reports of every letter, and orders."""
    engine.record(world.asleep(*range(150)))
    for day in range(34):
        if day == 1:
            engine.record(world.order(n) for n in range(0, 150, 7))
        if day in (5, 9, 30):
            engine.record(world.order(n) for n in range(0, 150, 11))
        engine.run()
        if day == 2:
            engine.record(world.consent(n, granted=False, at=world.clock.at) for n in range(3, 60, 8))
        world.clock.passes(days=1)
    for file in world.storage.load(world.storage.customers("", 1_000), Needs()):
        engine.record(report(world, file, outcome, *fate) for outcome in file.outcomes for fate in fates(number(file)))


def number(file) -> int:
    """The customer's number."""
    return int(file.customer_id)


def report(world, file, outcome, status, machine):
    """Something heard of a letter."""
    about = {"customer_id": file.customer_id, "message_key": outcome.message_key, "at": world.clock.at}
    return facts.EmailReported(id=world.id("report"), status=status, machine=machine, **about)


@pytest.fixture(scope="module")
def shop(kit):
    world = kit.World(sender=kit.Answers(some_rejected, max_batch=1))
    journey = evolve(win_back(control=0.4, wait=Delay(days=2)), arms={"control": 0.4, "a": 0.3, "b": 0.3})
    engine = world.engine(journey, ration=Ration(share=1))
    live(world, engine)
    files = world.storage.load(world.storage.customers("", 1_000), Needs())
    return SimpleNamespace(engine=engine, files=files, results=engine.results(), window=journey.window)


def by_hand(shop, step: str, arm: str) -> Counter[str]:
    """The numbers of one row, found by going through every file."""
    found: Counter[str] = Counter(entered=sum(e.arm == arm for file in shop.files for e in file.entries))
    for file in shop.files:
        rows = [row for row in file.ledger if (row.step, row.arm) == (step, arm)]
        found["withheld"] += sum(row.kind == "withhold" for row in rows)
        found["skipped"] += sum(row.kind == "skip" for row in rows)
        sends = {row.key for row in rows if row.kind == "send"}
        for outcome in file.outcomes:
            if outcome.key in sends:
                found[outcome.status] += 1
                found.update(after(shop, file, outcome) if outcome.status == "sent" else ())
    return found


def after(shop, file, outcome) -> set[str]:
    """What came of one letter that left."""
    heard = {"opened_by_robots" if s == "opened" and machine else s for s, machine in fates(number(file))}
    until = outcome.at + timedelta(days=shop.window.days)
    orders = sum(fact.kind == "order" and outcome.at < fact.at <= until for fact in file.facts)
    return heard | {name for least, name in ((1, "ordered_after"), (2, "ordered_again")) if orders >= least}


def test_each_row_is_a_count_by_hand(shop):
    """Every step in every arm: the letters, the reports once each, the orders within the window after the letter."""
    (journey,) = shop.results.journeys
    steps = [row.step for row in journey.funnel]
    assert [(row.step, row.arm) for row in journey.funnel] == [
        (step, arm) for step in dict.fromkeys(steps) for arm in ("a", "b", "control")
    ]
    for row in journey.funnel:
        expected = by_hand(shop, row.step, row.arm)
        assert row.entered == expected["entered"]
        assert {name: getattr(row, name) for name in COUNTED} == {name: expected[name] for name in COUNTED}
        assert sum(row.skipped.values()) == expected["skipped"]
        assert sum(row.cancelled.values()) == expected["cancelled"]


def test_everything_happened(shop):
    """The shop of these tests has every number in it, so that no equality above is one of zeros."""
    rows = shop.results.journeys[0].funnel
    happened = {name for row in rows for name in COUNTED if getattr(row, name)}
    assert set(COUNTED) - happened <= {"queued", "in_doubt"}
    assert any(row.skipped for row in rows)
    assert {row.arm for row in rows if row.sent} == {"a", "b"}


def test_it_adds_up_to_the_other_results(shop):
    """Over the arms to the fates of each step, over the steps to the letters of each arm: there is one count."""
    (journey,) = shop.results.journeys
    for step, told in journey.steps.items():
        summed: Counter[str] = Counter()
        for row in journey.funnel:
            if row.step == step:
                summed.update(
                    {name: getattr(row, name) for name in ("sent", "failed", "queued", "in_doubt", "withheld")}
                )
                summed.update({f"skipped: {reason}": n for reason, n in row.skipped.items()})
                summed.update({f"cancelled: {reason}": n for reason, n in row.cancelled.items()})
        assert summed == told
    for arm in journey.arms:
        rows = [row for row in journey.funnel if row.arm == arm.arm]
        assert {row.entered for row in rows} == {arm.entered}
        assert (sum(row.sent for row in rows), sum(row.withheld for row in rows)) == (arm.sent, arm.withheld)


def test_the_funnel_is_in_the_json(shop):
    """As records, with their reasons."""
    told = shop.results.to_json()["journeys"][0]["funnel"]
    assert len(told) == len(shop.results.journeys[0].funnel)
    assert {"step", "arm", "entered", "skipped", "cancelled", *COUNTED} == set(told[0])


def test_the_columns_are_the_fields_in_their_order():
    """Rows are built by place."""
    assert [a.name for a in fields(StepResult)][-len(COUNTED) :] == list(COUNTED)


def test_an_arm_that_only_the_ledger_knows_is_listed(world):
    """Where entries got lost the letters are in the funnel all the same, so that it still adds up."""
    engine = world.engine(win_back(control=0))
    engine.record(world.asleep("eve"))
    engine.run()
    earlier = win_back(control=0, version=2)
    world.storage._customers["eve"].entries.clear()
    engine = world.engine(evolve(earlier, arms={"other": 1.0}))
    (journey,) = engine.results().journeys
    assert {row.arm: (row.entered, row.sent) for row in journey.funnel if row.step == "miss_you"} == {
        "letters": (0, 1),
        "other": (0, 0),
    }
    assert journey.steps["miss_you"]["sent"] == 1


def test_looking_changes_nothing(shop):
    """Counted twice, the same."""
    assert shop.engine.results() == shop.results
