"""The ledger accounts for every step of every customer, and every reason in it is a documented one."""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from retention.engine.explanation import _OF_DELIVERY
from retention.journey import REASONS, Book, unaccounted

seeds = st.integers(0, 2**32)


@settings(max_examples=60)
@given(seed=seeds)
def test_engine_and_simulation_account_for_every_letter(life, kit, seed):
    """Ended runs decided about every step exactly once, in live ledgers with their letters and in simulated ones."""
    rng = random.Random(seed)
    both = kit.random_past(life, rng)
    book, lived = both.engine.book, both.lived()
    for file in both.files.values():
        assert unaccounted(book, file, letters=False) == []
    for file in lived.values():
        assert unaccounted(book, file) == []
    allowed = reasons(book)
    for file in lived.values():
        assert {row.reason for row in (*file.ledger, *file.outcomes)} <= allowed
    counted = sum(len([r for r in f.ledger if r.kind == "send"]) for f in both.files.values())
    assert counted == both.simulated.sent == sum(len(file.outcomes) for file in lived.values())


def reasons(book: Book) -> set[str]:
    """The planner's and the delivery's words, and those that the journeys and the policy bring along."""
    own = {exit_.reason for journey in book.journeys for exit_ in journey.exits}
    return {*REASONS, *_OF_DELIVERY, *own, *(hold.reason for hold in book.policy.holds)}


@settings(max_examples=30)
@given(seed=seeds)
def test_the_result_adds_up_to_the_ledgers(life, kit, seed):
    """Of each step: what was sent, withheld, skipped and put off are the rows of the ledgers, no more and no less."""
    rng = random.Random(seed)
    both = kit.random_past(life, rng)
    rows = [row for file in both.files.values() for row in file.ledger]
    for found in both.simulated.journeys:
        mine = [row for row in rows if row.journey == found.journey]
        for step, counts in found.steps.items():
            decided = [row for row in mine if row.step == step and row.kind in ("send", "withhold", "skip", "defer")]
            assert sum(counts.values()) == len(decided)
        assert sum(found.refused.values()) == sum(row.kind == "refuse" for row in mine)
        assert sum(found.entered.values()) == sum(row.kind == "enter" for row in mine)
        assert sum(found.ended.values()) == sum(row.kind == "exit" for row in mine)
        assert found.open == sum(found.entered.values()) - sum(found.ended.values())
    by_day = both.simulated.letters
    assert sum(row.withheld for row in by_day) == sum(row.kind == "withhold" for row in rows)
    assert all(date(2026, 3, 26) <= row.day <= date(2026, 3, 31) for row in by_day)
    caps = [row for row in rows if row.reason == "cap" and row.kind == "defer"]
    blamed = sum(found.put_off for found in both.simulated.collisions)
    assert blamed >= len(caps) if all(cap.count for cap in both.engine.book.policy.caps) else blamed == 0
