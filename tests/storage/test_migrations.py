"""Law 27: a database of every released schema is opened, twice, and a kill in the middle leaves the old one."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from retention.errors import StorageUnavailable
from retention.storage import _migrations, _schema
from retention.storage.sqlite import SQLiteStorage

HERE = Path(__file__).resolve().parent

# Opens the file, and is killed at the n-th statement.
KILLED = """
import os, signal, sqlite3, sys
from retention.storage.sqlite import SQLiteStorage

connect, left = sqlite3.connect, int(sys.argv[2])

def dying(*args, **options):
    db = connect(*args, **options)
    def count(_):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    db.set_trace_callback(count)
    return db

sqlite3.connect = dying
SQLiteStorage(sys.argv[1]).close()
"""


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "shop.db"
    db = sqlite3.connect(path)
    db.executescript((HERE / "schema_1.sql").read_text(encoding="utf-8"))
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    return path


def look(path, *queries):
    db = sqlite3.connect(path)
    try:
        return [db.execute(query).fetchall() for query in queries]
    finally:
        db.close()


def dump(path):
    db = sqlite3.connect(path)
    try:
        return list(db.iterdump()), db.execute("PRAGMA user_version").fetchone()
    finally:
        db.close()


def test_law_27_schema_1_is_migrated_twice(old, new_shop):
    """Everything is there afterwards, letters come back to the character, and opening again changes nothing."""
    (payloads,) = look(old, "SELECT message FROM payloads WHERE message_key = 'e'")
    was = json.loads(payloads[0][0])
    shop = new_shop(SQLiteStorage(old))
    after = dump(old)
    shop.storage.close()
    shop = new_shop(SQLiteStorage(old))
    assert dump(old) == after
    assert shop.statuses() == {
        "a": "sent", "b": "in_doubt", "c": "sending", "d": "leased", "e": "queued", "f": "queued"
    }  # fmt: skip
    assert [fact.id for fact in shop.file("old").facts] == ["m", "1", "p"]
    (lease,) = shop.claim(4)
    assert lease.message == shop.message("e", text=was["text"])
    assert "\0" in lease.message.text
    assert shop.statuses()["f"] == "failed"
    assert shop.storage.recall("") == {"shop": "one"}
    shop.storage.close()


def test_a_migrated_database_has_the_tables_of_a_new_one(old, tmp_path):
    """Whatever way a file came to this version, its tables and indexes are the same."""
    SQLiteStorage(old).close()
    SQLiteStorage(tmp_path / "new.db").close()
    queries = (
        "SELECT m.name, c.* FROM sqlite_master m, pragma_table_info(m.name) c ORDER BY m.name, c.cid",
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY 1",
        "PRAGMA user_version",
    )
    assert look(old, *queries) == look(tmp_path / "new.db", *queries)


def test_law_27_there_is_a_step_from_every_schema():
    """No number between the first and today's is missing, and none is too many."""
    assert list(_migrations._STEPS) == list(range(1, _schema.VERSION))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process at any moment")
@pytest.mark.parametrize("statement", [8, 9, 10, 12, 15, 16])
def test_law_27_a_kill_in_the_middle_leaves_the_old_schema(old, statement):
    """A process killed at a statement of the migration leaves schema 1 with every row, and the next one migrates."""
    before = dump(old)
    source = HERE.parents[1] / "src"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(old), str(statement)], env={**os.environ, "PYTHONPATH": str(source)}, check=False
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert dump(old) == before
    SQLiteStorage(old).close()
    assert dump(old)[1] == (_schema.VERSION,)


def test_law_27_a_step_that_fails_changes_nothing(old):
    """A database that cannot be migrated is left as it was, with the cause in one line."""
    db = sqlite3.connect(old)
    db.execute("CREATE TABLE payloads_1 (a)")
    db.close()
    before = dump(old)
    with pytest.raises(StorageUnavailable, match="payloads_1"):
        SQLiteStorage(old)
    assert dump(old) == before
