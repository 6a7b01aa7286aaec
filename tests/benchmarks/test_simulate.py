"""A year of three journeys simulated, in CPU seconds of one run, beside the same through the engine.

RETENTION_BENCH_CUSTOMERS sets the size (default 10,000 customers; the published figures: 100000). Each has 1.25 orders in
the year and as many in the year before, one order in eight comes back; journeys after an order (two letters), around a
return (three) and for sleepers (two, a tenth of the customers in the control group). The engine works on a storage in
memory and writes no letters either, and gets a tenth of the customers: divide before you compare.
"""

from __future__ import annotations

import os
import resource
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from retention import _hashing, letters, messages
from retention.engine import Engine
from retention.facts import ConsentChanged, OrderPlaced, ProfileChanged, ReturnChanged
from retention.journey import After, Before, Delay, Exists, Exit, Facts, Journey, On, Step
from retention.people import Shop
from retention.playbooks import win_back
from retention.senders.memory import MemorySender
from retention.simulate import simulate
from retention.storage.memory import MemoryStorage

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "10000"))
SMALLER = 10
BEGIN, START, END = datetime(2024, 1, 1, tzinfo=UTC), date(2025, 1, 1), date(2025, 12, 31)
SHOP = Shop(
    name="Tea & Co",
    sender="tea@shop.example",
    timezone="Europe/London",
    currency="EUR",
    base_url="https://shop.example",
    secret="only for benchmarks",
)
JOURNEYS = [
    Journey(
        name="bought",
        trigger=Facts("order"),
        steps=(
            Step(id="thanks", moment=After("entry", Delay(days=2)), template="t", hour=10, promotional=False),
            Step(id="more", moment=After("thanks", Delay(days=14)), template="t", hour=10),
        ),
        exits=(Exit("ordered_again", Exists("order", since="basis")),),
    ),
    Journey(
        name="returned",
        trigger=Facts("return", "requested"),
        steps=(
            Step(id="asked", moment=On((Facts("return", "requested"),)), template="t", promotional=False),
            Step(
                id="hurry", moment=Before(Facts("return"), "deadline", Delay(days=2)), template="t", promotional=False
            ),
            Step(id="money", moment=On((Facts("return", "refunded"),), Delay(days=1)), template="t", promotional=False),
        ),
        priority=10,
    ),
    win_back(),
]

pytestmark = pytest.mark.benchmark(timer=time.process_time)


def history(customers):
    """Who the customers are, what they order and what they send back, in two years."""
    rng = np.random.default_rng(5)
    found = []
    for row in range(customers):
        who, orders = f"c{row}", int(rng.geometric(0.4))
        found.append(ProfileChanged(id=who, customer_id=who, at=BEGIN, email=f"{who}@example.org"))
        if rng.random() < 0.8:
            found.append(ConsentChanged(id=who, customer_id=who, at=BEGIN, granted=True))
        for n, minute in enumerate(rng.integers(0, 731 * 1440, orders).tolist()):
            at, name = BEGIN + timedelta(minutes=minute), f"{who}-{n}"
            found.append(OrderPlaced(id=name, customer_id=who, at=at, total="30", currency="EUR"))
            if rng.random() < 0.125:
                found += returned(name, who, at + timedelta(days=6))
    return found


def returned(name, who, at):
    """The three stages of one return."""
    for status, days in (("requested", 0), ("received", 7), ("refunded", 10)):
        deadline = at + timedelta(days=14) if status == "requested" else None
        yield ReturnChanged(
            id=f"{name}-{status}",
            customer_id=who,
            at=at + timedelta(days=days),
            return_id=name,
            status=status,
            deadline=deadline,
        )


@pytest.mark.benchmark(group=f"a year of {CUSTOMERS} customers")
def test_simulate(benchmark):
    """The simulation; also the most memory that this process ever had, history included."""
    facts = history(CUSTOMERS)
    found = benchmark.pedantic(simulate, (JOURNEYS, facts, START, END), {"shop": SHOP}, rounds=1)
    benchmark.extra_info["facts"], benchmark.extra_info["letters"] = len(facts), found.sent
    benchmark.extra_info["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    assert found.sent > CUSTOMERS
    assert found.unplanned == 0


@pytest.mark.benchmark(group=f"a year of {CUSTOMERS // SMALLER} customers")
def test_simulate_a_tenth(benchmark):
    """The simulation of as many customers as the engine gets."""
    facts = history(CUSTOMERS // SMALLER)
    assert benchmark.pedantic(simulate, (JOURNEYS, facts, START, END), {"shop": SHOP}, rounds=1).sent


@pytest.mark.benchmark(group=f"a year of {CUSTOMERS // SMALLER} customers")
def test_engine_a_tenth(benchmark, monkeypatch):
    """Every day recorded and run by an engine whose letters are all one text."""
    monkeypatch.setattr(letters.Letters, "check", lambda *_, **_more: None)
    monkeypatch.setattr(letters.Letters, "write", written)
    facts = sorted(history(CUSTOMERS // SMALLER), key=lambda fact: fact.at)
    now = BEGIN
    engine = Engine(MemoryStorage(), MemorySender(), journeys=JOURNEYS, shop=SHOP, clock=lambda: now)

    def year():
        nonlocal now
        coming = iter([*facts, None])
        fact = next(coming)
        for day in range((END - START).days + 1):
            now = datetime(2025, 1, 1, 10, tzinfo=UTC) + timedelta(days=day)
            known = []
            while fact is not None and fact.at <= now:
                known.append(fact)
                fact = next(coming)
            engine.record(known)
            engine.run()

    benchmark.pedantic(year, rounds=1)


def written(_letters, customer, row, known, *, at, **_more):
    """A letter that costs nothing to write."""
    return messages.Message(
        key=_hashing.digest(customer.id, *row.key),
        to="a@shop.example",
        sender="tea@shop.example",
        sender_name="Tea",
        subject="s",
        html="h",
        text="t",
        at=at,
        promotional=row.promotional,
        unsubscribe_url="https://shop.example/u",
    )
