"""How many customers one core plans in a second: small files, usual ones, long histories and their digests."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from attrs import evolve

from retention.facts import ConsentChanged, FellAsleep, OrderPlaced, ProfileChanged
from retention.journey import Book, CustomerFile, digest, plan
from retention.playbooks import win_back

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BOOK = Book.of([win_back()], timezone="Europe/London")


def asleep(name: str, days: float) -> FellAsleep:
    """A finding so many days ago, about an order eighty days before it."""
    at = NOW - days * DAY
    return FellAsleep(id=name, customer_id="1", at=at, order_id=name, basis=at - 80 * DAY)


def customer(orders: int) -> CustomerFile:
    """Two runs, one over and one whose reminder is due now; `orders` long ago."""
    known = [
        ProfileChanged(id="p", customer_id="1", at=NOW - 900 * DAY, email="a@shop.example", timezone="Europe/Moscow"),
        ConsentChanged(id="c", customer_id="1", at=NOW - 900 * DAY, granted=True),
        *(OrderPlaced(id=f"o{n}", customer_id="1", at=NOW - (300 + n / 50) * DAY, total="3", currency="EUR") for n in range(orders)),
        asleep("first", 200),
        asleep("second", 7),
    ]  # fmt: skip
    file = CustomerFile(customer_id="1", arms={"win_back": ("letters", 0.9)})
    for days in (200, 193, 7):
        file = evolve(file, facts=tuple(f for f in known if f.at <= NOW - days * DAY))
        done = plan(BOOK, file, NOW - days * DAY)
        file = evolve(file, ledger=file.ledger + done.decisions, entries=file.entries + done.entries)
    return evolve(file, facts=tuple(known))


def per_second(file: CustomerFile, seconds: float = 0.5) -> float:
    """Plans in a CPU second; each for a customer of its own."""
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        plan(BOOK, evolve(file, customer_id=str(done)), NOW)
        done += 1
    return done / (time.process_time() - start)


def test_plans_per_second():
    """10,000 on files of 15 facts and two runs with a letter to decide, 20,000 on the smallest."""
    smallest = CustomerFile(customer_id="1", facts=(asleep("a", 0.1),), arms={"win_back": ("letters", 0.9)})
    usual, long = customer(11), customer(9_996)
    assert (len(usual.facts), len(usual.entries)) == (15, 2)
    assert [row.kind for row in plan(BOOK, usual, NOW).decisions] == ["send", "exit"]
    short = digest(BOOK, long, NOW)
    assert plan(BOOK, short, NOW) == plan(BOOK, long, NOW)
    rates = {"1 fact": per_second(smallest), "15 facts": per_second(usual), "10,000 facts": per_second(long)}
    rates |= {f"its digest of {len(short.facts)} facts": per_second(short)}
    sys.stdout.write("\nplans per second: " + ", ".join(f"{what} {rate:,.0f}" for what, rate in rates.items()) + "\n")
    assert rates["1 fact"] > 20_000
    assert rates["15 facts"] > 10_000
