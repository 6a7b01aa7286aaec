"""Work with nothing to do is counted, not timed: the same in a small shop and in one twenty times its size.

The times of real sizes are in `tests/benchmarks/test_cost.py`.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from retention.journey import Plan
from retention.ports import Change
from retention.storage import _schema
from retention.storage.memory import MemoryStorage

SMALL, LARGE = 500, 10_000


def enroll(engine, n):
    """Customers whose next moment is in a year."""
    plan, fingerprint = Plan((), (), engine.now() + timedelta(days=365)), engine.book.fingerprint
    assert all(engine.storage.commit([Change(f"x{i}", 0, plan, fingerprint) for i in range(n)]))


def sqlite_steps(engine, work):
    """How many instructions SQLite's machine runs meanwhile."""
    steps = []
    engine.storage._db.set_progress_handler(lambda: steps.append(1), 1)
    work()
    engine.storage._db.set_progress_handler(None, 1)
    return len(steps)


def python_calls(engine, work):
    """How many functions are called meanwhile."""
    calls, others = [], sys.getprofile()
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    try:
        work()
    finally:
        sys.setprofile(others)
    return len(calls)


COUNTERS = pytest.mark.parametrize("counted", [sqlite_steps, python_calls])


def made(make_world, counted):
    """A world, and an engine on the storage whose work is counted."""
    world = make_world()
    return world, world.engine(MemoryStorage() if counted is python_calls else None)


@COUNTERS
def test_a_tick_with_nothing_due_does_not_grow(make_world, counted):
    """Who sleeps until next year costs nothing today."""
    costs = []
    for size in (SMALL, LARGE):
        _, engine = made(make_world, counted)
        enroll(engine, size)
        assert engine.tick() == {}
        costs.append(counted(engine, engine.tick))
    assert 0 < costs[1] <= costs[0] * 1.05


@COUNTERS
def test_a_tick_and_a_delivery_cost_what_is_due(make_world, counted):
    """Thirty orders are planned and written to with the same work in either shop."""
    ticks, deliveries = [], []
    for size in (SMALL, LARGE):
        world, engine = made(make_world, counted)
        enroll(engine, size)
        engine.record(world.orders(*[f"c{n}" for n in range(30)]))
        ticks.append(counted(engine, engine.tick))
        deliveries.append(counted(engine, engine.deliver))
        assert world.provider.delivered.total() == 30
    assert ticks[1] <= ticks[0] * 1.2
    assert deliveries[1] <= deliveries[0] * 1.2


def test_a_delivery_does_not_look_at_what_was_sent(make_world):
    """A queue that is empty after many letters is empty at once."""
    costs = []
    for size in (SMALL, LARGE):
        engine = make_world().engine()
        with engine.storage._writing() as db:
            db.executemany(_schema.ADD_LETTER, [("x", f"k{i}", "j", f"{i}", "s", "", 0, 0, 0) for i in range(size)])
            db.execute("UPDATE letters SET status = 'sent', attempts = 1")
        assert engine.deliver() == {}
        costs.append(sqlite_steps(engine, engine.deliver))
    assert 0 < costs[1] <= costs[0] * 1.05


def test_the_counter_sees_work_that_grows(make_world):
    """A question that looks at every customer is seen as such."""
    costs = []
    for size in (SMALL, LARGE):
        engine = make_world().engine()
        enroll(engine, size)
        costs.append(sqlite_steps(engine, lambda: engine.storage.due(engine.now(), "another book", LARGE)))  # noqa: B023
    assert costs[1] > 10 * costs[0]
