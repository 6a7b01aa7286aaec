"""What goes wrong around the engine, one thing at a time: the others are unaffected, and everything is accounted for."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from retention import facts
from retention.errors import InvalidInput, StorageUnavailable
from retention.journey import Needs
from retention.storage.sqlite import SQLiteStorage

EVERYBODY = [f"c{n:03}" for n in range(60)]
POLICIES = pytest.mark.parametrize(
    "promotional, idempotent", [(True, True), (False, False), (True, False)],
    ids=["idempotent", "at least once", "at most once"],
)  # fmt: skip


def sql(path, statement, values=()):
    """Change the file behind the storage's back."""
    db = sqlite3.connect(path)
    with db:
        db.execute(statement, values)
    db.close()


def check_books(world, troubles, *, promotional, idempotent):
    """Everybody's letter ended, and came as often as the policy allows."""
    fates, delivered = world.fates(*EVERYBODY), world.provider.delivered
    assert fates["sent"] + fates["in_doubt"] == len(EVERYBODY)
    assert len(delivered) >= fates["sent"]
    doubled = delivered.total() - len(delivered)
    if idempotent or promotional:
        assert doubled == 0
    else:
        assert doubled <= troubles * world.provider.capabilities.max_batch
        assert fates == {"sent": len(EVERYBODY)}
    if idempotent:
        assert fates == {"sent": len(EVERYBODY)}
    assert world.unsound() == "ok"


@POLICIES
@pytest.mark.parametrize("seed", range(3))
def test_clocks_that_jump_a_day(make_world, promotional, idempotent, seed):
    """Two workers whose clocks jump a day forth and back, also in mid-call: nothing lost, doubles as promised."""
    world, chance = make_world(promotional=promotional, idempotent=idempotent), random.Random(seed)
    jumps = [0]

    def jumping():
        if chance.random() < 0.3:
            jumps[0] += 1
            return world.now + timedelta(days=chance.choice([-1, 1]))
        return world.now

    workers = [world.engine(clock=jumping) for _ in range(2)]
    world.provider.meanwhile = lambda: chance.random() < 0.3 and workers[1].deliver()
    for n in range(0, len(EVERYBODY), 10):
        workers[0].record(world.orders(*EVERYBODY[n : n + 10]))
        for worker in workers:
            worker.tick()
        workers[0].deliver()
        world.now += timedelta(hours=6)
    assert jumps[0] >= 10
    world.provider.meanwhile = lambda: None
    world.drain()
    check_books(world, jumps[0], promotional=promotional, idempotent=idempotent)


@POLICIES
def test_a_file_that_is_busy_all_the_time(make_world, promotional, idempotent):
    """Another process holds the write lock again and again and nobody waits: calls fail, and the work gets done."""
    world = make_world(promotional=promotional, idempotent=idempotent)
    engine = world.engine(world.storage(patience=timedelta(0)))
    engine.record(world.orders(*EVERYBODY))
    other, chance = sqlite3.connect(world.path, isolation_level=None), random.Random(1)
    told = []

    class Contended:
        """Another writer is there at every third call; it is gone when the call has failed."""

        def __getattr__(self, name):
            def call(*arguments):
                if chance.random() > 1 / 3:
                    return getattr(storage, name)(*arguments)
                other.execute("BEGIN IMMEDIATE")
                try:
                    return getattr(storage, name)(*arguments)
                finally:
                    other.execute("ROLLBACK")

            return call

    storage, engine.storage = engine.storage, Contended()
    for _ in range(40):
        world.now += timedelta(minutes=5)
        try:
            engine.tick()
            engine.deliver()
        except StorageUnavailable as error:
            told.append(str(error))
    other.close()
    assert len(told) >= 10
    assert all("another process writes for long; try again" in line for line in told)
    world.drain()
    check_books(world, len(told), promotional=promotional, idempotent=idempotent)


def test_a_writer_that_holds_the_lock_for_a_while_is_waited_for(make_world):
    """With patience, a storm of other writers costs time and nothing else."""
    world, stop = make_world(), threading.Event()
    engine = world.engine()

    def hold():
        db = sqlite3.connect(world.path, isolation_level=None, timeout=30)
        while not stop.wait(0.001):
            db.execute("BEGIN IMMEDIATE")
            stop.wait(0.02)
            db.execute("ROLLBACK")
        db.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        engine.record(world.orders(*EVERYBODY))
        engine.tick()
        assert engine.deliver() == {"sent": len(EVERYBODY)}
    finally:
        stop.set()
        holder.join()
    assert set(world.provider.delivered.values()) == {1}


FULL = """
import resource, signal, sys
from datetime import UTC, datetime, timedelta
from retention.errors import StorageUnavailable
from retention.facts import Visited
from retention.storage.sqlite import SQLiteStorage

storage = SQLiteStorage(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
start, kept = datetime(2026, 3, 2, tzinfo=UTC), 0
try:
    while True:
        storage.record([Visited(id=f"v{n}", customer_id=f"c{n % 60:03}", at=start) for n in range(kept, kept + 100)])
        kept += 100
except StorageUnavailable as error:
    print(error)
    print(kept)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files")
def test_a_disk_that_fills_up(make_world):
    """A process that finds no room is told so, keeps what was kept whole, and others go on when there is room."""
    world = make_world()
    engine = world.engine()
    engine.record(world.orders(*EVERYBODY))
    done = subprocess.run([sys.executable, "-c", FULL, world.path], capture_output=True, text=True, check=True)
    told, kept = done.stdout.splitlines()
    assert "disk" in told
    assert world.unsound() == "ok"
    visits, _ = world.storage().facts(["visit"], 0, 100_000)
    assert 0 < len(visits) == int(kept)
    engine.tick()
    assert engine.deliver() == {"sent": len(EVERYBODY)}


@POLICIES
def test_a_disk_that_is_full_while_letters_leave(make_world, promotional, idempotent):
    """No page can be added in mid-work: what was handed over is settled or in doubt, never forgotten."""
    world = make_world(promotional=promotional, idempotent=idempotent)
    storage, told = world.storage(), []
    engine = world.engine(storage)
    for n in range(0, len(EVERYBODY), 5):
        pages = storage._db.execute("PRAGMA page_count").fetchone()[0]
        storage._db.execute(f"PRAGMA max_page_count = {pages}")
        try:
            engine.record(world.orders(*EVERYBODY[n : n + 5]))
            engine.tick()
            engine.deliver()
        except StorageUnavailable as error:
            told.append(str(error))
        storage._db.execute("PRAGMA max_page_count = 1000000")
        engine.record(world.orders(*EVERYBODY[n : n + 5]))
    assert len(told) >= 3
    assert all("make room on the disk and try again" in line for line in told)
    world.drain()
    check_books(world, len(told), promotional=promotional, idempotent=idempotent)


def test_one_template_that_breaks(make_world, caplog):
    """A letter that cannot be written is skipped with its reason; everybody else's leaves."""
    world = make_world()
    engine = world.engine()
    engine.record([*world.orders(*EVERYBODY[1:]), *world.orders(EVERYBODY[0], name="Eve")])
    engine.tick()
    assert engine.deliver() == {"sent": len(EVERYBODY) - 1}
    (eve,) = world.storage().load(EVERYBODY[:1], Needs())
    assert [(row.kind, row.reason) for row in eve.ledger if row.step] == [("skip", "unwritable")]
    assert "could not be written" in caplog.text


def test_rows_that_nobody_can_read(make_world, caplog):
    """A fact, a decision and a letter damaged in the file cost at most the letters of those three."""
    world = make_world()
    engine = world.engine()
    engine.record(world.orders(*EVERYBODY))
    sql(world.path, "UPDATE facts SET fact = '{' WHERE id = 'o-c000'")
    engine.tick()
    sql(world.path, "UPDATE decisions SET decision = '[]' WHERE owner = 'c001' AND decision LIKE '%note%'")
    sql(
        world.path,
        "UPDATE payloads SET at = at * 1000 WHERE message_key = (SELECT message_key FROM letters WHERE owner = 'c002')",
    )
    assert engine.deliver() == {"sent": len(EVERYBODY) - 3, "cancelled": 1}
    assert world.fates(*EVERYBODY) == {"sent": len(EVERYBODY) - 3, "cancelled": 1, "failed": 1, "-": 1}
    assert caplog.records


def malformed(chance):
    """A fact as JSON with one thing wrong, or with one thing odd that is allowed."""
    fact = facts.OrderPlaced(
        id="o-1",
        customer_id="ann",
        at="2026-03-02T11:00:00+00:00",
        currency="EUR",
        lines=[facts.Line(product_id="tea", price="3")],
    )
    data = facts.to_json(fact)
    wrong = [None, "", "\x00", -1, 10**400, float("nan"), float("inf"), [], {}, [[]], {"a": []}, b"", True, "9" * 5_000]
    name = chance.choice(sorted(data))
    action = chance.randrange(4)
    if action == 0:
        del data[name]
    elif action == 1:
        data[chance.choice(["extra", "at ", "", "self"])] = chance.choice(wrong)
    elif action == 2:
        data["lines"] = [{"product_id": "tea", chance.choice(["quantity", "price", "nope"]): chance.choice(wrong)}]
    else:
        data[name] = chance.choice(wrong)
    return data


def test_ten_thousand_malformed_facts(make_world):
    """Each is a fact or refused in one line that says what is wrong; the good ones among them get their letters."""
    world, chance = make_world(), random.Random(1)
    good, refused, odd = world.orders(*EVERYBODY), [], []
    for _ in range(10_000):
        try:
            odd.append(facts.from_json(malformed(chance)))
        except InvalidInput as error:
            refused.append(str(error))
    assert len(refused) + len(odd) == 10_000
    assert len(refused) > 6_000
    assert not [line for line in refused if "\n" in line]
    engine = world.engine()
    recorded = engine.record([*good, *odd])
    assert recorded.new + recorded.known + len(recorded.conflicts) == len(good) + len(odd)
    with pytest.raises(InvalidInput, match="is no fact"):
        engine.record([*good, {"kind": "order"}])
    assert engine.record(good).known == len(good)
    engine.tick()
    engine.deliver()
    assert world.fates(*EVERYBODY) == {"sent": len(EVERYBODY)}


def test_the_storage_of_a_killed_process_opens_at_once(make_world):
    """A process that dies inside a transaction leaves nothing of it, and no lock."""
    world = make_world()
    world.engine()
    code = (
        "import os, signal, sys; from retention.storage.sqlite import SQLiteStorage; s = SQLiteStorage(sys.argv[1]);"
        "s._db.execute('BEGIN IMMEDIATE'); s._db.execute(\"INSERT INTO notes VALUES ('half', 'done')\");"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, world.path], check=False).returncode == -9
    storage = SQLiteStorage(world.path, patience=timedelta(0))
    assert storage.recall("half") == {}
    assert storage.remember("half", "whole") == "whole"
    storage.close()
