"""Letters a second of CPU time, one thread: tick and deliver with SQLite and a sink, beside the bare loop.

The bare loop does what no way around it avoids, for the very same letters: render the compiled templates with Jinja2,
insert the bytes into a table of SQLite, build the MIME. All the rest is what the engine's promises cost: files and
plans, the ledger, the queue, a second look, marks before and after.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from retention import facts
from retention.engine import Engine
from retention.letters import Letters, context, links, parts
from retention.messages import Message, Result, as_bytes
from retention.people import Customer, Shop
from retention.playbooks import win_back
from retention.ports import Capabilities
from retention.storage.sqlite import SQLiteStorage

LETTERS = 5_000
ROUNDS = 3
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHOP = Shop(
    name="Tea & Co",
    sender="tea@shop.example",
    timezone="Europe/Moscow",
    currency="EUR",
    base_url="https://shop.example",
    secret="not shown to anybody",
)


class Sink:
    """Takes everything, as bytes."""

    capabilities = Capabilities(max_batch=500)

    def send(self, messages: Any) -> list[Result]:
        for message in messages:
            as_bytes(message)
        return [Result("accepted")] * len(messages)


def language(n: int) -> str:
    return "ru" if n % 2 else "en"


def life(n: int) -> Iterator[facts.Fact]:
    """What is known of a customer: who they are, that they agreed, two orders, and that they fell asleep."""
    who = {"customer_id": n}
    email, name = f"customer{n}@example.org", f"Name {n % 50}"
    at = NOW - timedelta(days=400)
    yield facts.ProfileChanged(id=n, at=at, email=email, name=name, language=language(n), **who)
    yield facts.ConsentChanged(id=n, at=at, granted=True, **who)
    yield from orders(n)
    last = NOW - timedelta(days=75)
    yield facts.FellAsleep(id=f"{n}/0", at=NOW, order_id=f"{n}/0", basis=last, usual_gap=30, silent_for=75, **who)


def orders(n: int) -> Iterator[facts.OrderPlaced]:
    for order in range(2):
        product = (n + order) % 40
        line = {"product_id": product, "name": f"Tea number {product}", "category": "tea", "price": "9.90"}
        at = NOW - timedelta(days=75 + 30 * order)
        yield facts.OrderPlaced(id=f"{n}/{order}", customer_id=n, at=at, currency="EUR", lines=[line])


def bare_loop(folder: Path) -> float:
    """CPU seconds for all letters, from what the templates may say of each customer."""
    letters = Letters(SHOP)
    known = []
    for n in range(LETTERS):
        customer = Customer(id=n, timezone=SHOP.timezone, language=language(n), name=f"Name {n % 50}")
        link = links.unsubscribe_url(SHOP, customer.id, "marketing")
        known.append(context.build(SHOP, customer, list(orders(n)), NOW, unsubscribe_url=link))
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE letters (key TEXT PRIMARY KEY, letter BLOB)")
    started = time.process_time()
    for start in range(0, LETTERS, 500):
        rows = []
        for n in range(start, start + 500):
            name = parts.file_name(language(n), "win_back/miss_you")
            letter = parts.render(letters._templates[language(n)], name, known[n])
            message = Message(
                key=f"key-{n}", to=f"customer{n}@example.org", sender=SHOP.sender, sender_name=SHOP.name,
                subject=letter.subject, text=letter.text, html=letter.html, at=NOW,
                unsubscribe_url=known[n].unsubscribe_url,
            )  # fmt: skip
            rows.append((f"key-{n}", as_bytes(message)))
        db.execute("BEGIN")
        db.executemany("INSERT INTO letters VALUES (?, ?)", rows)
        db.execute("COMMIT")
    spent = time.process_time() - started
    db.close()
    return spent


def engine_loop(folder: Path) -> float:
    """CPU seconds of tick and deliver, for the same letters."""
    storage = SQLiteStorage(folder / "shop.db")
    engine = Engine(storage, Sink(), journeys=[win_back(control=0)], shop=SHOP, clock=lambda: NOW)
    engine.record(fact for n in range(LETTERS) for fact in life(n))
    started = time.process_time()
    engine.tick()
    assert engine.deliver() == {"sent": LETTERS}
    spent = time.process_time() - started
    storage.close()
    return spent


def test_tick_and_deliver_beside_the_bare_loop(benchmark: Any, tmp_path: Path) -> None:
    """In turns, the least of some rounds each; the figures are in the benchmark's extra info."""
    spent: dict[str, list[float]] = {"bare": [], "engine": []}
    folders = (tmp_path / str(n) for n in count())

    def in_turns() -> None:
        for name, loop in (("bare", bare_loop), ("engine", engine_loop)):
            folder = next(folders)
            folder.mkdir()
            spent[name].append(loop(folder))

    benchmark.pedantic(in_turns, rounds=ROUNDS)
    rates = {name: round(LETTERS / min(seconds)) for name, seconds in spent.items()}
    benchmark.extra_info.update(rates)
    assert rates["engine"] >= rates["bare"] / 4, rates  # the aims, 2,000 and a half, are in docs/explanation/benchmarks
