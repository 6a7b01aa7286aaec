"""Killed at every SQL statement, and opened by several at once: each call of the storage is whole or not there (law 20)."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from retention.storage.sqlite import SQLiteStorage

HERE = Path(__file__).resolve().parent

# Forks a child for each statement of all calls. The child kills itself just before that statement; then the file is
# opened again, and its contents must be those after the last call that returned, or after the one that was going on.
DRIVER = """
import json, os, shutil, signal, sqlite3, sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from retention.facts import CustomerErased, CustomersMerged, OrderPlaced
from retention.journey.ledger import Decision, DecisionKey, Entry, Plan
from retention.messages import Message
from retention.ports import Change, Letter, Settlement
from retention.storage.sqlite import SQLiteStorage

base, folder, last, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
start, held = datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(minutes=10)
later = start + timedelta(hours=1)
connect = sqlite3.connect


def order(name, customer):
    return OrderPlaced(id=name, customer_id=customer, at=start, total="30", currency="EUR")


def change(customer, name, version):
    run = {"journey": "win_back", "version": 1}
    decision = Decision(kind="send", entry_key="run", at=start, step=name, **run)
    entry = Entry(key="run", entered_at=start, basis=start, arm="letters", **run)
    message = Message(key=name, to="ann@example.com", sender="shop@example.com", sender_name="Shop", subject="Hello",
                      text="Come back", html="<p>Come back</p>", at=start, unsubscribe_url="https://shop.example/u")
    letter = Letter(DecisionKey("win_back", "run", name, ""), message, start)
    return Change(customer, version, Plan((decision,), (entry,), None), "book", (letter,))


def calls(path):
    # Every call changes something, and the next one needs it.
    storage = SQLiteStorage(path)
    yield
    storage.remember("tea", "green")
    yield
    storage.advance(start)
    yield
    storage.record([order("1", "ann"), order("2", "ann"), order("3", "bob"), order("4", "eve")])
    yield
    storage.commit([change("ann", "a", 2), change("bob", "b", 1), change("eve", "e", 1)])
    yield
    leases = storage.claim(start, held, 2)
    yield
    storage.begin(leases, start)
    yield
    storage.settle([Settlement(leases[0], "sent")], start)
    yield
    storage.claim_doubts(later, held, 9)
    yield
    storage.record([order("5", "bob"), CustomersMerged(id="m", customer_id="bob", into="ann", at=start)])
    yield
    storage.record([CustomerErased(id="x", customer_id="ann", at=later)])
    yield
    storage.close()


def contents(path):
    db = connect(path)
    try:
        return "\\n".join([*db.iterdump(), str(db.execute("PRAGMA user_version").fetchone())])
    finally:
        db.close()


def problems(path):
    storage = SQLiteStorage(path)
    try:
        return storage.check()
    finally:
        storage.close()


def child(path, fatal, told):
    statements = 0

    def count(statement):
        nonlocal statements
        if statements == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        statements += 1

    def traced(*arguments, **options):
        db = connect(*arguments, **options)
        db.set_trace_callback(count)
        return db

    sqlite3.connect = traced
    for _ in islice(calls(path), last):
        os.write(told, b".")
    os._exit(0)


def fresh(name):
    path = folder / f"{name}.db"
    if base.exists():
        shutil.copy(base, path)
    return path


path = fresh("whole")
states = []
for _ in islice(calls(path), last):
    states.append(contents(path))
expected = problems(path)
fatal, wrong, ended = 0, [], False
while not ended:
    path = fresh(fatal)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            child(path, fatal, writer)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader, "rb") as pipe:
        returned = len(pipe.read())
    status = os.waitpid(pid, 0)[1]
    ended = os.WIFEXITED(status)
    if ended and os.WEXITSTATUS(status):
        wrong.append((fatal, "failed"))
    found = problems(path)  # opens it first
    legal = states[max(returned - 1, 0) : returned + 1]
    if contents(path) not in legal or found != expected:
        wrong.append((fatal, returned, found))
    fatal += step
print(json.dumps({"killed": fatal // step - 1, "calls": len(states), "different": len(set(states)), "wrong": wrong}))
"""

OPENER = """
import sys
from retention.storage.sqlite import SQLiteStorage
print("ready", flush=True)
sys.stdin.readline()
storage = SQLiteStorage(sys.argv[1])
storage.remember(sys.argv[2], "was here")
storage.close()
"""


def python(code, *words):
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")}
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def old(tmp_path):
    """A database of the first schema, which has to be migrated."""
    path = tmp_path / "base.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((HERE / "schema_1.sql").read_text("utf-8"))
    return path


def killed(base, folder, calls, step):
    driver = python(DRIVER, base, folder, calls, step)
    told = json.loads(driver.communicate(timeout=300)[0])
    assert told["wrong"] == []
    assert told["calls"] == told["different"] == calls
    return told["killed"]


def test_law_20_killed_in_the_middle_each_call_is_whole_or_not_there(tmp_path):
    """At every seventh statement of a life with all that a storage does; the file opens again and is sound."""
    assert killed(tmp_path / "none.db", tmp_path, calls=11, step=7) > 10


def test_law_20_killed_while_it_migrates(old, tmp_path):
    """At every third statement: the old schema or the new one, and the next opening makes it the new one."""
    assert killed(old, tmp_path, calls=2, step=3) > 5


@pytest.mark.chaos
def test_law_20_killed_at_every_statement(old, tmp_path):
    """The same two, at each statement."""
    assert killed(tmp_path / "none.db", tmp_path, calls=11, step=1) > 80
    assert killed(old, tmp_path, calls=2, step=1) > 15


@pytest.mark.parametrize("migrates", [False, True])
def test_several_processes_open_at_once(migrates, old, tmp_path):
    """Each makes or migrates the database, or finds it done: what each writes is there, and it is sound as before."""
    path = old if migrates else tmp_path / "none.db"
    names = ["first", "second", "third"]
    openers = [python(OPENER, path, name) for name in names]
    for opener in openers:
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate(timeout=60)[0] for opener in openers] == [""] * 3
    assert [opener.returncode for opener in openers] == [0] * 3
    with closing(SQLiteStorage(path)) as storage:
        assert {name for name, text in storage.recall("").items() if text == "was here"} == set(names)
        assert storage.check() == (["letters without a payload: 1"] if migrates else [])
