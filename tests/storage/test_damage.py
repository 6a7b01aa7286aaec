"""A text that is no UTF-8, in whichever column, stops nothing but what it belongs to (law 18)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from retention.facts import CustomersMerged
from retention.journey.ledger import Needs
from retention.ports import Settlement
from retention.storage import _schema
from retention.storage.sqlite import SQLiteStorage

LATER = datetime(2027, 1, 1, tzinfo=UTC)
HELD = timedelta(minutes=10)


def columns():
    """Every column of text of the schema."""
    db = sqlite3.connect(":memory:")
    for statement in _schema.CREATE:
        db.execute(statement)
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = [
        (table, row[1]) for table in tables for row in db.execute(f"PRAGMA table_info({table})") if row[2] == "TEXT"
    ]
    db.close()
    return found


@pytest.fixture
def shop(tmp_path, new_shop):
    """Ann, whose every table has a row, and Bob, who has a letter that is due."""
    shop = new_shop(SQLiteStorage(tmp_path / "shop.db"))
    storage = shop.storage
    storage.remember("a", "first")
    storage.remember("b", "second")
    merged = CustomersMerged(id="m", customer_id="anna", into="ann", at=shop.at())
    storage.record([shop.order("1"), merged, shop.order("2", "bob")])
    for who in ("ann", "bob"):
        letter = shop.letter(f"letter-{who}")
        change = shop.change(who, letter, entries=(shop.entry(),), wake=0)
        assert storage.commit([change]) == [True]
    yield shop
    storage.close()


@pytest.mark.parametrize("table, column", columns())
def test_law_18_a_text_that_is_no_utf8_blocks_no_other(table, column, shop, tmp_path):
    """Damaged in Ann's row: every method answers, and Bob's file, letter and turn are as if nothing had happened."""
    bobs = shop.file("bob")
    db = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    changed = db.execute(
        f"UPDATE {table} SET {column} = CAST(x'ff2dfe' AS TEXT)"
        f" WHERE rowid = (SELECT min(rowid) FROM {table})" if table not in {"notes", "customers", "aliases"} else
        f"UPDATE {table} SET {column} = CAST(x'ff2dfe' AS TEXT) WHERE {column} = (SELECT min({column}) FROM {table})"
    )  # fmt: skip
    assert changed.rowcount >= 1
    db.close()
    storage = shop.storage
    assert "bob" in storage.due(LATER, "book", 10)
    assert "bob" in storage.customers("", 10)
    assert "bob" in [owner for owner, _ in storage.facts(["order", "merged"], 0, 10)[0]]
    assert storage.load(["ann", "anna", "bob"], Needs())[2] == bobs
    assert storage.owners(["letter-ann", "letter-bob"])["letter-bob"] == "bob"
    assert storage.recall("").items() & {("a", "first"), ("b", "second")}
    assert storage.record([shop.order("1"), shop.order("3", "bob")])[1] == "new"
    assert isinstance(storage.check(), list)
    (mine,) = [lease for lease in storage.claim(LATER, HELD, 10) if lease.customer_id == "bob"]
    assert storage.begin([mine], LATER) == [True]
    assert storage.claim_doubts(LATER + 2 * HELD, HELD, 10)[-1].message == mine.message
    assert storage.settle([Settlement(mine, "sent")], LATER) == [False]


@pytest.mark.parametrize("column", ["recipient", "subject", "text", "html", "unsubscribe_url"])
def test_a_letter_with_a_damaged_text_does_not_leave(column, shop, tmp_path):
    """It fails with its reason, and is told by the check."""
    db = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    db.execute(f"UPDATE payloads SET {column} = CAST(x'ff' AS TEXT) WHERE message_key = 'letter-ann'")
    db.close()
    assert shop.storage.check() == ["payloads that cannot be read: 1"]
    assert shop.claimed() == ["letter-bob"]
    assert [(one.status, one.reason) for one in shop.file().outcomes] == [("failed", "unreadable")]
