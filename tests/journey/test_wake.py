"""`wake_at` equals brute force: nothing happens between two wake-ups, and the promise of the ledger."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.journey import plan

HOURS = 24 * 6
HOUR = timedelta(hours=1)
START = "2026-03-26T00:00"  # London's clocks change on the 29th

seeds = st.integers(0, 2**32)


def live(one: Any, arrivals: list[Any], ticks: list[datetime], end: datetime, *, lazily: bool) -> None:
    """Plan at every tick and, when `lazily`, at every wake-up."""
    base = one.file.facts
    pending = sorted(ticks)
    while True:
        now = min((*pending[:1], *([one.wake] if lazily and one.wake else [])), default=None)
        if now is None or now > end:
            return
        pending = [when for when in pending if when > now]
        one.file = evolve(one.file, facts=(*base, *(fact for when, fact in arrivals if when <= now)))
        done = plan(one.book, one.file, now)
        assert done.wake_at is None or done.wake_at > now
        one.commit(done)


@settings(max_examples=150)
@given(seed=seeds)
def test_wake_at_equals_brute_force(life: Any, seed: int) -> None:
    """Planning every hour for days, over a clock change, writes the ledger of planning at wake-ups and arrivals alone."""
    start = life.at(START)
    end = start + HOURS * HOUR
    lazy, arrivals = life.any_life(seed, start, HOURS)
    busy, _ = life.any_life(seed, start, HOURS)
    live(lazy, arrivals, [when for when, _ in arrivals], end, lazily=True)
    live(busy, arrivals, [start + i * HOUR for i in range(HOURS + 1)], end, lazily=False)
    assert lazy.file.ledger == busy.file.ledger
    assert lazy.file.entries == busy.file.entries


@settings(max_examples=150)
@given(seed=seeds)
def test_every_law_holds_at_every_plan(life: Any, seed: int) -> None:
    """Rules 1, 8, 14: replays yield nothing, keys are owned once, order and doubles in a batch do not matter, runs end."""
    start = life.at(START)
    one, arrivals = life.any_life(seed, start, HOURS)
    random.Random(seed).shuffle(arrivals)
    for now in sorted({when for when, _ in arrivals}):
        one.until(now - HOUR)
        one.knows(*(fact for when, fact in arrivals if when == now))
        one.plan(now)
    one.until(start + 60 * 24 * HOUR)
    ended = {(row.journey, row.entry_key) for row in one.file.ledger if row.kind == "exit"}
    assert ended == {(entry.journey, entry.key) for entry in one.file.entries}, "rule 14: every run ends"
