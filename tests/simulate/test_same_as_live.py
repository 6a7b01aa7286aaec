"""The promise of time travel: the same decisions as the live engine on the same facts, byte for byte."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.journey import (
    After,
    Before,
    Cap,
    ContactPolicy,
    Delay,
    Exists,
    Exit,
    Facts,
    First,
    Journey,
    Last,
    On,
    Step,
)
from retention.playbooks import win_back

DAY = timedelta(days=1)
START = datetime(2026, 3, 26, tzinfo=UTC)  # London's clocks change on the 29th

seeds = st.integers(0, 2**32)


@settings(max_examples=120)
@given(seed=seeds)
def test_any_journeys_hour_by_hour(life, kit, seed):
    """Whatever the journeys, the policy and the facts, late, doubled, dated ahead, merged: the same entries and rows."""
    kit.random_past(life, random.Random(seed)).agree()


def test_random_lives_decide_something(life, kit):
    """The comparison above is not of empty ledgers."""
    assert sum(kit.random_past(life, random.Random(seed)).agree() for seed in range(20)) > 150


def returned(**changes):
    """Three letters around one return: when it is asked for, before its deadline, and when the money has moved."""
    steps = (
        Step(id="asked", moment=On((Facts("return", "requested"),)), template="t/asked", promotional=False),
        Step(
            id="hurry",
            moment=Before(Facts("return"), "deadline", Delay(days=2)),
            template="t/hurry",
            hour=9,
            promotional=False,
        ),
        Step(
            id="money",
            moment=On((Facts("return", "refunded"),), Delay(days=1)),
            template="t/money",
            when=First("order", "total", ">", "10"),
        ),
    )
    return Journey(name="returned", trigger=Facts("return", "requested"), steps=steps, **changes)


def bought(**changes):
    """Two letters after an order, the second only to who has not ordered again."""
    steps = (
        Step(id="thanks", moment=After("entry", Delay(days=2)), template="t/thanks", hour=10),
        Step(id="again", moment=After("thanks", Delay(days=12)), template="t/again", hour=18),
    )
    exits = (Exit("ordered_again", Exists("order", since="basis")),)
    return Journey(name="bought", trigger=Facts("order"), steps=steps, exits=exits, priority=50, **changes)


def year(life, rng, customers, days):
    """A small shop's facts over so many days: orders in each one's rhythm, returns, consents that come and go."""
    found, begin = [], START - timedelta(days=days)
    for customer in map(str, range(customers)):
        own = [
            life.profile(begin, timezone=rng.choice([None, "Asia/Tokyo"])),
            life.consent(begin, granted=rng.random() < 0.9),
        ]
        gap, when, n = rng.choice([6, 15, 30]), begin + rng.random() * 40 * DAY, 0
        while when < START + timedelta(days=days):
            own.append(life.order(f"{customer}-{n}", when, total=str(rng.randrange(1, 90))))
            if rng.random() < 0.3:
                own += returns(life, rng, f"r{customer}-{n}", when)
            if rng.random() < 0.05:
                own.append(life.consent(when, granted=rng.random() < 0.5))
            if rng.random() < 0.15:
                when += 60 * DAY
            when, n = when + rng.random() * 2 * gap * DAY, n + 1
        found += [
            evolve(fact, customer_id=customer, id=f"{customer}/{fact.id}" if fact.kind != "order" else fact.id)
            for fact in own
        ]
    return found


def returns(life, rng, name, when):
    asked = when + rng.random() * 5 * DAY
    reason, deadline = rng.choice(["", "DEFECTIVE", "STYLE"]), asked + 10 * DAY
    yield life.ret("requested", asked, name=name, reason=reason, deadline=deadline)
    if rng.random() < 0.7:
        yield life.ret("refunded", asked + rng.random() * 20 * DAY, name=name, refund="5", currency="EUR")


def findings(file, *, scored):
    """What the scan found about a customer; without its score unless a journey asked for it."""
    found = [fact for fact in file.facts if fact.kind == "asleep"]
    return found if scored else [evolve(fact, p_active=None, why="") for fact in found]


@pytest.mark.parametrize("seed, scored", [(0, False), (1, False), (2, True)])
def test_a_shop_with_three_journeys_day_by_day(life, kit, seed, scored):
    """Orders, returns and the daily scan with its ration: every finding and every row is the engine's; scores if asked."""
    rng = random.Random(seed)
    sleepers = win_back(control=0.3, hour=10)
    if scored:
        likely = Last("asleep", "p_active", ">", 0.2)
        sleepers = evolve(sleepers, steps=[evolve(step, when=likely) for step in sleepers.steps])
    both = kit.Both(
        [sleepers, returned(), bought(arms={"letters": 0.5, "b": 0.5})],
        year(life, rng, customers=40, days=120),
        date(2026, 3, 26),
        date(2026, 6, 30),
        hours=[(10,), (4, 16)][seed % 2],
        policy=ContactPolicy(caps=(Cap(1, 2), Cap(2, 10))),
        shop=kit.shop(timezone=["Europe/London", "America/New_York"][seed % 2]),
    )
    assert both.agree() > 500
    lived = both.lived()
    for customer, file in both.files.items():
        assert findings(file, scored=scored) == findings(lived[customer], scored=scored)
    assert sum(len(findings(file, scored=True)) for file in both.files.values()) > 20
    if scored:
        assert {row.reason for file in both.files.values() for row in file.ledger if row.journey == "win_back"} >= {
            "condition"
        }
