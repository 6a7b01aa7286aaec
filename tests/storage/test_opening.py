"""Many processes open one database at the same moment, new or just killed: all of them get in."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from retention.errors import StorageUnavailable
from retention.storage.sqlite import SQLiteStorage

OPENER = """
import os, sys, time
from datetime import datetime, timedelta, UTC
from retention.storage.sqlite import SQLiteStorage
path, start = sys.argv[1], float(sys.argv[2])
time.sleep(max(0, start - time.time()))
for n in range(15):
    storage = SQLiteStorage(path, patience=timedelta(seconds=20))
    storage.remember(f"{os.getpid()}/{n}", "here")
    if n % 5 != 4:
        storage.close()
os.kill(os.getpid(), 9)
"""


def test_many_processes_open_a_new_file_at_once(tmp_path):
    """None is refused because another one is switching modes, recovering the log of a killed one, or making tables."""
    start = str(time.time() + 1.0)
    command = [sys.executable, "-W", "ignore", "-c", OPENER, str(tmp_path / "shop.db"), start]
    openers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    said = [opener.communicate(timeout=60)[1] for opener in openers]
    assert said == [b""] * 4
    storage = SQLiteStorage(tmp_path / "shop.db")
    assert len(storage.recall("")) == 4 * 15
    storage.close()


def hold(path, seconds):
    """Lock the database, which is not in WAL mode yet, as a program that reads it does."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA user_version")
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM sqlite_master").fetchone()
    timer = threading.Timer(seconds, other.close)
    timer.start()
    return timer


def test_the_switch_of_modes_waits(tmp_path):
    """A reader of the new file holds up the switch for a moment; longer than the patience, it is one clear line."""
    path = tmp_path / "shop.db"
    sqlite3.connect(path).close()
    timer = hold(path, 0.3)
    SQLiteStorage(path).close()
    timer.join()
    (tmp_path / "b.db").touch()
    timer = hold(tmp_path / "b.db", 1.0)
    with pytest.raises(StorageUnavailable, match=r"database is locked; another process"):
        SQLiteStorage(tmp_path / "b.db", patience=timedelta(milliseconds=100))
    timer.join()
