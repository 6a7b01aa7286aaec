"""Cost follows the work: what a tick and a delivery with nothing to do cost in shops of ten thousand to a million.

Enrolled customers have been planned and sleep until next year; settled letters are history. CPU seconds, the least of
five rounds, in one run. Bounds: the largest shop at most three times the smallest (its pages are less often in the
cache), plus 2 ms. `RETENTION_BENCH_ENROLLED` gives other sizes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

import pytest

from retention import facts
from retention.engine import Engine
from retention.journey import After, ContactPolicy, Delay, Facts, Journey, Plan, Step
from retention.people import Shop
from retention.playbooks import win_back
from retention.ports import Change, Storage
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage, _schema

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIZES = [int(size) for size in os.environ.get("RETENTION_BENCH_ENROLLED", "10000,100000,1000000").split(",")]
DUE = 100
LONG = Delay(days=365)
STORM = Journey(
    name="note", trigger=Facts("order"), accept_for=LONG, steps=[Step(id="note", moment=After(), template="win_back/miss_you")]
)  # fmt: skip
MAKERS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda folder: MemoryStorage(),
    "sqlite": lambda folder: SQLiteStorage(folder / "shop.db"),
}


def an_engine(storage: Storage, journey: Journey = STORM) -> Engine:
    shop = Shop(
        name="Tea & Co", sender="tea@shop.example", timezone="UTC", currency="EUR", base_url="https://shop.example",
        secret="known to everybody who reads the tests",
    )  # fmt: skip
    policy = ContactPolicy(quiet_hours=None, caps=())
    return Engine(storage, MemorySender(), journeys=[journey], shop=shop, policy=policy, clock=lambda: NOON)


def chunks(items: Iterator[object], size: int = 10_000) -> Iterator[list[object]]:
    while chunk := list(islice(items, size)):
        yield chunk


def enroll(engine: Engine, n: int) -> None:
    """Customers whose next moment is in a year."""
    plan, fingerprint = Plan((), (), NOON + timedelta(days=365)), engine.book.fingerprint
    for chunk in chunks(Change(f"c{i}", 0, plan, fingerprint) for i in range(n)):
        assert all(engine.storage.commit(chunk))


def settle(storage: SQLiteStorage, n: int) -> None:
    """Letters that were sent last year, put into the table as they would be left there."""
    at = int((NOON - timedelta(days=365)).timestamp() * 1_000_000)
    with storage._writing() as db:
        rows = ((f"c{i}", f"k{i}", "note", f"o{i}", "note", "", at, at, at) for i in range(n))
        db.executemany(_schema.ADD_LETTER, rows)
        db.execute("UPDATE letters SET status = 'sent', attempts = 1")


def orders(numbers: Iterator[int], n: int) -> Iterator[facts.Fact]:
    """An order of each of `n` new customers, who may be written to."""
    for i in islice(numbers, n):
        about = {"customer_id": f"new{i}", "at": NOON - timedelta(hours=1)}
        yield facts.ProfileChanged(id=f"p{i}", email=f"new{i}@example.org", **about)
        yield facts.ConsentChanged(id=f"k{i}", granted=True, **about)
        yield facts.OrderPlaced(id=f"o{i}", total="30", currency="EUR", **about)


def least(function: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """The least CPU time of five rounds, in ms."""
    times = []
    for _ in range(5):
        before()
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times) * 1_000


def grows(name: str, table: dict[int, float], *, by: float = 3) -> None:
    """Print the line and hold it to the bound."""
    print(f"\n| {name} | " + " | ".join(f"{ms:.2f} ms" for ms in table.values()) + " |")  # noqa: T201
    assert table[max(table)] <= by * table[min(table)] + 2


@pytest.mark.parametrize("maker", MAKERS)
def test_a_tick_with_nothing_due(maker, tmp_path):
    """However many are enrolled, a tick that finds nothing due costs the same."""
    table = {}
    for size in SIZES:
        (tmp_path / str(size)).mkdir()
        engine = an_engine(MAKERS[maker](tmp_path / str(size)))
        enroll(engine, size)
        assert engine.tick() == {}
        table[size] = least(engine.tick)
        engine.storage.close()
    grows(f"{maker}: a tick with nothing due", table)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_tick_and_a_delivery_of_a_hundred(maker, tmp_path):
    """A hundred customers due cost what a hundred cost, whoever else is enrolled; so do their letters."""
    ticks, deliveries = {}, {}
    for size in SIZES:
        (tmp_path / str(size)).mkdir()
        engine, numbers = an_engine(MAKERS[maker](tmp_path / str(size))), count()
        enroll(engine, size)
        ticks[size] = least(engine.tick, lambda: engine.record(orders(numbers, DUE)))  # noqa: B023 - called here and now
        assert engine.deliver() == {"sent": 5 * DUE}

        def more() -> None:
            engine.record(orders(numbers, DUE))  # noqa: B023
            engine.tick()  # noqa: B023

        deliveries[size] = least(engine.deliver, more)
        engine.storage.close()
    grows(f"{maker}: a tick with {DUE} due", ticks)
    grows(f"{maker}: {DUE} letters delivered", deliveries)


def test_a_delivery_after_a_long_history(tmp_path):
    """An empty queue is empty at once, however many letters were sent before."""
    table = {}
    for size in SIZES:
        storage = SQLiteStorage(tmp_path / f"{size}.db")
        engine = an_engine(storage)
        settle(storage, size)
        assert engine.deliver() == {}
        table[size] = least(engine.deliver)
        storage.close()
    grows("sqlite: a delivery of nothing after so many letters", table)


def test_a_second_scan_reads_nothing_again():
    """Facts are read once; what a scan costs without new ones is one look at the columns, which do grow."""
    first, second = {}, {}
    for size in SIZES[:2]:
        engine = an_engine(MemoryStorage(), win_back())
        for chunk in chunks(orders(iter(range(size)), size)):
            engine.record(chunk)
        start = time.process_time()
        engine.scan()
        first[size] = (time.process_time() - start) * 1_000
        second[size] = least(engine.scan)
    grows("memory: the first scan", first, by=30)
    grows("memory: a scan without new facts", second, by=30)
    assert second[max(second)] <= first[max(first)] / 2
