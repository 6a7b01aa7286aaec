"""A letter's life in the SQLite storage, beside a bare loop of the same updates, in one run.

Rows per CPU second, one thread, batches of 1,000: claim and settle at least 50,000. The bare loop leases, reads and
settles the same rows with `sqlite3` alone, without leases that are checked or messages that are built.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from retention.journey.ledger import DecisionKey, Plan
from retention.messages import Message
from retention.ports import Change, Letter, Settlement
from retention.storage.sqlite import SQLiteStorage

N, BATCH = 10_000, 1_000
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = timedelta(minutes=10)
SIZES = pytest.mark.parametrize("size", [1_000, 5_000])


@pytest.fixture(autouse=True)
def cpu_time(benchmark: Any) -> None:
    """Other processes of the machine do not count."""
    benchmark._timer = time.process_time


def letter(n: int, size: int) -> Letter:
    message = Message(
        key=f"win_back-{n:08}", to=f"customer{n}@example.com", sender="shop@example.com", sender_name="Shop",
        subject="We miss you", text="Line of text\n" * (size // 39), html="<p>Line of text</p>\n" * (size // 30), at=NOW,
        unsubscribe_url=f"https://shop.example/u/{n}",
    )  # fmt: skip
    return Letter(DecisionKey("win_back", str(n), "first", ""), message, NOW)


def changes(size: int) -> list[Change]:
    plan = Plan(decisions=(), entries=(), wake_at=None)
    return [Change(f"customer-{n:08}", 0, plan, "book", (letter(n, size),)) for n in range(N)]


def fill(storage: SQLiteStorage, made: list[Change]) -> None:
    for start in range(0, N, 500):
        assert all(storage.commit(made[start : start + 500]))


def live(storage: SQLiteStorage, *, begin: bool) -> int:
    done = 0
    while leases := storage.claim(NOW, LEASE, BATCH):
        if begin:
            assert all(storage.begin(leases, NOW))
        status = "sent" if begin else "cancelled"
        done += sum(storage.settle([Settlement(lease, status) for lease in leases], NOW))
    return done


def bare(path: Path) -> int:
    """The same updates of the same tables, by their keys, and the letters read as they are."""
    db, done = sqlite3.connect(path, isolation_level=None), 0
    db.executescript("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384")
    while True:
        db.execute("BEGIN IMMEDIATE")
        rows = db.execute(
            "SELECT letters.seq, payloads.* FROM letters JOIN payloads USING (message_key)"
            " WHERE status IN ('queued', 'leased') AND status = 'queued' ORDER BY due, message_key LIMIT ?", (BATCH,)
        ).fetchall()  # fmt: skip
        keys = [row[:1] for row in rows]
        db.executemany("UPDATE letters SET status = 'leased', until = 1, attempts = attempts + 1 WHERE seq = ?", keys)
        db.execute("COMMIT")
        if not rows:
            db.close()
            return done
        db.execute("BEGIN IMMEDIATE")
        done += db.executemany("UPDATE letters SET status = 'cancelled', until = NULL WHERE seq = ?", keys).rowcount
        db.execute("COMMIT")


def rows_per_second(benchmark: Any, tmp_path: Path, size: int, run: Callable[[SQLiteStorage, Path], int]) -> float:
    """Of the best of five runs, each over a new file."""
    names, made, opened = count(), changes(size), []

    def new() -> tuple[tuple[SQLiteStorage, Path], dict[str, Any]]:
        path = tmp_path / f"{next(names)}.db"
        opened.append(SQLiteStorage(path))
        fill(opened[-1], made)
        return (opened[-1], path), {}

    assert benchmark.pedantic(run, setup=new, rounds=5) == N
    for storage in opened:
        storage.close()
    rate = N / float(benchmark.stats.stats.min)
    benchmark.extra_info["rows_per_cpu_second"] = round(rate)
    return rate


@SIZES
@pytest.mark.benchmark(group="10,000 letters")
def test_claim_settle(benchmark: Any, tmp_path: Path, size: int) -> None:
    """At least 50,000 rows per CPU second."""
    assert rows_per_second(benchmark, tmp_path, size, lambda storage, _: live(storage, begin=False)) >= 50_000


@SIZES
@pytest.mark.benchmark(group="10,000 letters")
def test_claim_begin_settle(benchmark: Any, tmp_path: Path, size: int) -> None:
    """With the durable mark before the hand-over."""
    rows_per_second(benchmark, tmp_path, size, lambda storage, _: live(storage, begin=True))


@SIZES
@pytest.mark.benchmark(group="10,000 letters")
def test_bare_loop(benchmark: Any, tmp_path: Path, size: int) -> None:
    """The same updates with `sqlite3` alone."""
    rows_per_second(benchmark, tmp_path, size, lambda _, path: bare(path))


@SIZES
@pytest.mark.benchmark(group="10,000 letters")
def test_commit(benchmark: Any, tmp_path: Path, size: int) -> None:
    """10,000 changes of one letter each, 500 in one commit."""
    names, made, opened = count(), changes(size), []

    def new() -> tuple[tuple[SQLiteStorage, list[Change]], dict[str, Any]]:
        opened.append(SQLiteStorage(tmp_path / f"{next(names)}.db"))
        return (opened[-1], made), {}

    benchmark.pedantic(fill, setup=new, rounds=3)
    for storage in opened:
        storage.close()
