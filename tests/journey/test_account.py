"""The sum check: it is silent about every true ledger and names whatever is missing or there twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.journey import DecisionKey, Delay, Hold, Open, Outcome, Unaccounted, unaccounted

HOUR = timedelta(hours=1)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_every_life_adds_up(life, seed):
    """Whatever happens, at every moment: ended runs have decided about every step exactly once."""
    start = life.at("2026-03-26T00:00")
    one, arrivals = life.any_life(seed, start, 72)
    for now in sorted({when for when, _ in arrivals}):
        one.until(now - HOUR)
        one.knows(*(fact for when, fact in arrivals if when == now))
        one.plan(now)
        assert unaccounted(one.book, one.file, letters=False) == []


@pytest.fixture
def ended(life):
    """A customer who got two letters, with the outcomes of both."""
    one = life(life.two_letters(), facts=[life.asleep("2026-03-02T10:00")])
    one.plan("2026-03-02T10:00")
    one.until("2026-03-30")
    for row in one.file.ledger:
        if row.kind == "send":
            one.outcome(row, "sent", row.at)
    assert life.words(one.file.ledger) == ["enter", "send a", "send b", "exit completed"]
    return one


def told(one, **changes):
    """What the check says of the file with these changes."""
    return [(x.key.step, x.what) for x in unaccounted(one.book, evolve(one.file, **changes))]


def test_a_whole_life_has_no_gap(ended):
    """Two letters, two outcomes, an end."""
    assert told(ended) == []


def test_a_step_that_was_never_decided_is_named(ended):
    """An ended run without a row for a step is a letter that nobody can explain."""
    enter, a, _, end = ended.file.ledger
    gap = Unaccounted(DecisionKey("back", "o1", "b", ""), "never decided")
    assert unaccounted(ended.book, evolve(ended.file, ledger=(enter, a, end)), letters=False) == [gap]
    assert told(ended, ledger=(enter, a, end)) == [("b", "never decided"), ("b", "1 letters for 0 decisions")]


def test_a_run_under_way_owes_nothing(ended):
    """Until the end of the run a step may still come."""
    enter, a, *_ = ended.file.ledger
    assert told(ended, ledger=(enter, a), outcomes=ended.file.outcomes[:1]) == []


def test_rows_that_are_there_twice_are_named(ended):
    """A second decision about a key and a second end."""
    twice = (*ended.file.ledger, *ended.file.ledger[2:])
    assert told(ended, ledger=twice) == [("b", "decided 2 times"), ("", "ended 2 times")]


def test_two_customers_who_are_one_may_have_had_each_letter(ended):
    """Both were inside with one key, so each row may be there twice, not three times."""
    rows = ended.file.ledger
    assert told(ended, ledger=rows * 2) == []
    assert told(ended, ledger=(*rows * 2, rows[1])) == [("a", "decided 3 times")]


def test_rows_outside_every_run_are_named(ended):
    """A decision without an entry; a refusal needs none."""
    assert told(ended, entries=()) == [("", "decided about in no run")]
    refused = evolve(ended.file.ledger[0], kind="refuse", entry_key="o2", reason="stale")
    assert told(ended, ledger=(*ended.file.ledger, refused)) == []


def test_letters_without_a_fate_are_named(ended):
    """Every send has a letter with an outcome, and no outcome is of nothing."""
    assert told(ended, outcomes=ended.file.outcomes[1:]) == [("a", "sent, but there is no letter")]
    stray = Outcome(message_key="x", key=DecisionKey("back", "o1", "a", ""), status="sent", at=ended.file.ledger[1].at)
    assert told(ended, outcomes=(*ended.file.outcomes, stray)) == [("a", "2 letters for 1 decisions")]


def test_what_was_put_off_must_be_decided_in_the_end(life):
    """A letter that waited for the end of an open return is skipped when the run ends, or it is missed."""
    policy = evolve(life.FREE, holds=[Hold("open_return", Open("return", ("refunded",)))])
    facts = [life.ret("requested", "2026-03-01"), life.asleep("2026-03-02T10:00")]
    one = life(life.journey(life.step("a", valid_for=Delay(days=2))), facts=facts, policy=policy)
    one.plan("2026-03-02T10:00")
    one.until("2026-03-30")
    enter, defer, skip, end = one.file.ledger
    assert (defer.kind, skip.kind) == ("defer", "skip")
    assert told(one) == []
    assert told(one, ledger=(enter, defer, end)) == [("a", "put off, then forgotten")]
    other = evolve(skip, occurrence="another")
    assert told(one, ledger=(enter, defer, other, end)) == [("a", "put off, then forgotten")]


def test_a_renamed_step_answers_for_its_former_name(life, ended):
    """What was decided under the old name counts, and twice is twice."""
    renamed = life.journey(life.step("a"), life.step("c", formerly=("b",)), version=1)
    ended.edit(renamed, keep=False)
    assert told(ended) == []
    again = evolve(ended.file.ledger[2], step="c")
    assert told(ended, ledger=(*ended.file.ledger, again)) == [
        ("c", "decided 2 times"),
        ("c", "sent, but there is no letter"),
    ]


def test_a_journey_that_is_gone_answers_only_for_its_letters(life, ended):
    """Its steps are not known any more."""
    ended.edit(life.two_letters(name="other"), keep=False)
    assert told(ended, ledger=ended.file.ledger[:2]) == [("b", "1 letters for 0 decisions")]
