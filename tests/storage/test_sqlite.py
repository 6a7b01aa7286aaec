"""What is special about the SQLite storage: its file, other processes, damage, and what it never scans."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from retention.errors import IncompatibleStorage, StorageUnavailable
from retention.facts import CustomersMerged
from retention.journey.ledger import Needs
from retention.storage import _schema
from retention.storage.sqlite import SQLiteStorage


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shop.db"


@pytest.fixture
def open_shop(path, new_shop):
    """Opens the file, as often as it is called; everything is closed in the end."""
    shops = []

    def make():
        shops.append(new_shop(SQLiteStorage(path)))
        return shops[-1]

    yield make
    for shop in shops:
        shop.storage.close()


def sql(path, statement, *values):
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(statement, *values).fetchall()
    finally:
        db.close()


def dump(path):
    db = sqlite3.connect(path)
    try:
        return "\n".join(db.iterdump())
    finally:
        db.close()


def test_what_changes_nothing_writes_nothing(path, open_shop):
    """Calls that find everything done leave the file equal byte for byte."""
    shop = open_shop()
    facts = [shop.order("1"), shop.order("2", "ben"), CustomersMerged(id="m", customer_id="x", at=shop.at(), into="y")]
    shop.storage.record(facts)
    shop.storage.advance(shop.at(1))
    shop.storage.remember("a", "b")
    change = shop.change("ann", shop.letter("a"), wake=5)
    assert shop.storage.commit([change]) == [True]
    (lease,) = shop.claim()
    assert shop.settle(lease, "cancelled")
    before = dump(path)
    assert shop.storage.record(facts) == ["known"] * 3
    shop.storage.advance(shop.at(1))
    shop.storage.advance(shop.at(0))
    shop.storage.remember("a", "c")
    assert shop.storage.commit([change]) == [False]
    assert shop.claim(9) == shop.doubts(9) == []
    assert not shop.begin(lease)
    assert not shop.settle(lease, "sent")
    shop.storage.due(shop.at(9), "other", 9)
    shop.file()
    shop.storage.facts(["order"], 0, 9)
    assert dump(path) == before


# ------------------------------------------------------------- all or nothing


@pytest.mark.parametrize("table", ["entries", "decisions", "letters", "payloads"])
def test_law_1_4_a_commit_that_fails_applies_nothing(path, open_shop, table):
    """When the database refuses one row of a batch, no customer's plan of the batch is applied, and the next call works."""
    shop = open_shop()
    shop.storage.record([shop.order("1")])
    sql(path, f"CREATE TRIGGER fault BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'planted'); END")
    changes = [shop.change("ben", wake=1), shop.change("ann", shop.letter("a"), entries=(shop.entry(),))]
    before = dump(path)
    with pytest.raises(StorageUnavailable, match=r"shop\.db: planted; "):
        shop.storage.commit(changes)
    assert dump(path) == before
    sql(path, "DROP TRIGGER fault")
    assert shop.storage.commit(changes) == [True, True]


def test_a_batch_of_facts_that_fails_records_nothing(path, open_shop):
    """Neither the facts before the refused one are kept nor a merge among them."""
    shop = open_shop()
    shop.storage.record([shop.order("0")])
    sql(path, "CREATE TRIGGER fault BEFORE INSERT ON facts WHEN new.id = '2' BEGIN SELECT RAISE(ABORT, 'planted'); END")
    before = dump(path)
    facts = [
        shop.order("1"), CustomersMerged(id="m", customer_id="ann", at=shop.at(), into="ben"), shop.order("2")
    ]  # fmt: skip
    with pytest.raises(StorageUnavailable, match="planted"):
        shop.storage.record(facts)
    assert dump(path) == before


def test_an_error_of_the_caller_leaves_no_transaction_open(open_shop):
    """A call that raises for its arguments changes nothing and blocks nobody."""
    shop = open_shop()
    with pytest.raises(UnicodeEncodeError):
        shop.storage.remember("name", "\ud800")
    assert open_shop().storage.remember("name", "text") == "text"


# ------------------------------------------------------------- several processes


def test_a_reader_is_not_stopped_by_a_writer(path, open_shop):
    """While another process is in the middle of writing, files are read as they were before."""
    shop = open_shop()
    shop.storage.record([shop.order("1")])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM facts")
    assert [fact.id for fact in shop.file().facts] == ["1"]
    writer.close()


def test_patience_ends(path):
    """A call that waits for a writer longer than its patience says so and changes nothing."""
    storage = SQLiteStorage(path, patience=timedelta(milliseconds=20))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match=r"shop\.db: database is locked; another process writes .* patience"):
        storage.remember("a", "b")
    writer.execute("ROLLBACK")
    assert storage.remember("a", "c") == "c"
    writer.close()
    storage.close()


# ------------------------------------------------------------- files that are no database of ours


def test_a_newer_database_is_refused_untouched(path):
    """The message names the file, both versions and the remedy; the file stays as it is."""
    SQLiteStorage(path).close()
    sql(path, f"PRAGMA user_version = {_schema.VERSION + 1}")
    before = dump(path)
    with pytest.raises(IncompatibleStorage) as caught:
        SQLiteStorage(path)
    assert str(caught.value) == (
        f"{path}: its schema {_schema.VERSION + 1} was written by a newer version of this library, "
        f"which reads up to {_schema.VERSION}; update the library"
    )
    assert dump(path) == before


@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (a)", "PRAGMA application_id = 7"])
def test_another_programs_database_is_refused_untouched(path, statement):
    """Tables that are not ours, or another program's mark, are left alone."""
    sql(path, statement)
    before = path.read_bytes()
    with pytest.raises(IncompatibleStorage, match=r"shop\.db: holds another program's tables; give the path"):
        SQLiteStorage(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(path):
    """A text file is refused with its path and a remedy."""
    path.write_text("customer,order\n" * 200, encoding="utf-8")
    with pytest.raises(StorageUnavailable, match=r"shop\.db: file is not a database; give the path of a database"):
        SQLiteStorage(path)


def test_a_place_that_cannot_be_written(tmp_path):
    """A directory that is missing, and a path that is a directory, are named with the remedy."""
    for place in (tmp_path / "missing" / "shop.db", tmp_path):
        with pytest.raises(StorageUnavailable) as caught:
            SQLiteStorage(place)
        message = f"{place}: unable to open database file; make its directory, and let this user write there"
        assert str(caught.value) == message


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever may write everywhere sees no fault"
)
def test_a_file_that_may_not_be_written(path):
    """A file without write permission is refused when it is opened, not in the middle of the work."""
    SQLiteStorage(path).close()
    path.chmod(0o444)
    with pytest.raises(StorageUnavailable, match="let this user write the file"):
        SQLiteStorage(path)


def test_an_error_without_a_name_has_a_remedy_too(path):
    """What Python's own module complains of carries the path and a way out."""
    storage = SQLiteStorage(path)
    storage.close()
    with pytest.raises(StorageUnavailable, match=r"shop\.db: Cannot operate on a closed database\.; open the storage"):
        storage.recall("")


# ------------------------------------------------------------- damage


def test_law_18_an_unreadable_fact_blocks_no_other(path, open_shop, caplog):
    """Facts that nobody can read are left out and reported, and neither files nor cursors stop at them."""
    shop = open_shop()
    shop.storage.record([shop.order(str(n), "ann" if n % 2 else "ben", n) for n in range(6)])
    newer = json.dumps({"format": 99, "kind": "order"})
    for id_, text in (("1", "{"), ("2", newer), ("3", "[]"), ("4", '{"format": 1, "kind": "profile", "email": "ann"}')):
        sql(path, "UPDATE facts SET fact = ? WHERE id = ?", (text, id_))
    with caplog.at_level(logging.ERROR, logger="retention"):
        ann, ben = shop.storage.load(["ann", "ben"], Needs())
    assert [fact.id for fact in ann.facts + ben.facts] == ["5", "0"]
    assert len(caplog.records) == 4
    assert not any(word in caplog.text for word in ("'ann' is", "email"))  # what is wrong may be an address
    pages, cursor = [], 0
    while (page := shop.storage.facts(["order"], cursor, 2))[0]:
        pages += [fact.id for _, fact in page[0]]
        cursor = page[1]
    assert pages == ["0", "5"]
    assert shop.storage.record([shop.order("1", "ann", 1)]) == ["conflict"]


def test_law_18_an_unreadable_row_of_the_ledger_blocks_no_other(path, open_shop):
    """Runs and decisions that nobody can read are left out."""
    shop = open_shop()
    rows = (shop.decision("a"), shop.decision("b"))
    shop.storage.commit([shop.change("ann", decisions=rows, entries=(shop.entry("a"), shop.entry("b")))])
    sql(path, "UPDATE decisions SET decision = replace(decision, '\"format\":1', '\"format\":2') WHERE seq = 1")
    sql(path, "UPDATE entries SET entry = '{}' WHERE key = 'a'")
    assert shop.file().ledger == rows[1:]
    assert [entry.key for entry in shop.file().entries] == ["b"]


def test_law_18_an_unreadable_letter_blocks_no_other(path, open_shop):
    """A letter that nobody can read fails with its reason, and the next ones take its place."""
    shop = open_shop()
    shop.queue(*(shop.letter(name) for name in "abcde"))
    sql(path, "UPDATE payloads SET at = at * 1000 WHERE message_key IN ('a', 'b')")
    leases = shop.claim(limit=2)
    assert [lease.message.key for lease in leases] == ["c", "d"]
    assert shop.statuses() == {"a": "failed", "b": "failed", "c": "leased", "d": "leased", "e": "queued"}
    assert {outcome.reason for outcome in shop.file().outcomes} == {"", "unreadable"}
    assert shop.begin(leases[0])
    sql(path, "DELETE FROM payloads WHERE message_key = 'c'")
    assert shop.doubts(10) == []
    assert shop.statuses()["c"] == "in_doubt"
    assert shop.doubts(99) == []


# ------------------------------------------------------------- work that must not grow with the shop


@pytest.mark.parametrize(
    "query", [_schema.DUE, *_schema.DUE_BY_FINGERPRINT, _schema.CLAIM, _schema.CLAIM_DOUBTS, _schema.FACTS]
)
def test_no_tick_scans_or_sorts_a_table(path, query):
    """What is due is found through an index and in its order, so a tick with nothing due costs the same in any shop."""
    SQLiteStorage(path).close()
    query = query.format(kinds="?")
    named = ":" in query
    values = {"now": 0, "until": 1, "limit": 1} if named else (0,) * query.count("?")
    plan = [row[-1] for row in sql(path, f"EXPLAIN QUERY PLAN {query}", values)]
    assert any(step.startswith("SEARCH") for step in plan)
    assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step]


def test_the_first_microsecond_of_all(path, open_shop):
    """An empty file's clock has not begun, and new facts are due at whatever time: the calendar's first is no exception."""
    shop, first = open_shop(), datetime.min.replace(tzinfo=UTC)
    assert shop.storage.advance(first) == first
    shop.storage.record([shop.order("1")])
    assert shop.storage.due(first, "book", 1) == ["ann"]
