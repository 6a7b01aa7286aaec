"""Every difference between two versions of a journey is told in a line."""

from __future__ import annotations

import pytest
from attrs import evolve

from retention.errors import InvalidJourney
from retention.journey import After, Delay, Exists, Exit, Once, diff


def told(life, old, **edit):
    return [str(change) for change in diff(old, evolve(old, version=2, **edit))]


def test_the_same_is_no_difference(life):
    """A version that only has another number changes nothing, and neither does a journey beside itself."""
    old = life.two_letters()
    assert told(life, old) == []
    assert diff(old, old) == ()


def test_what_the_journey_changes(life):
    """Shares, exits, priorities, re-entry: the value before and after."""
    old = life.two_letters()
    assert told(life, old, arms={"a": 0.5, "letters": 0.5}) == [
        "journey: arms was {'letters': 1.0}, is {'a': 0.5, 'letters': 0.5}"
    ]
    assert told(life, old, priority=7, reentry=Once()) == [
        "journey: reentry was PerKey(), is Once()",
        "journey: priority was 100, is 7",
    ]
    assert "journey: exits was" in told(life, old, exits=(Exit("gone", Exists("order")),))[0]


def test_what_steps_change(life):
    """Added, removed, renamed, moved: step by step."""
    old = life.two_letters()
    a, b = old.steps
    later = evolve(b, moment=After("a", Delay(days=9)), hour=10)
    assert told(life, old, steps=(a, later)) == [
        f"step b: moment was {b.moment!r}, is {later.moment!r}",
        "step b: hour was None, is 10",
    ]
    assert told(life, old, steps=(a,)) == ["step b: removed"]
    assert told(life, old, steps=(a, b, life.step("c"))) == ["step c: added"]
    renamed = evolve(b, id="second", formerly=("b",))
    assert told(life, old, steps=(a, renamed)) == ["step second: id was 'b', is 'second'"]


def test_what_cannot_be_compared(life):
    """F11: two journeys, and one version with two meanings."""
    old = life.two_letters()
    with pytest.raises(InvalidJourney, match="two journeys; compare two versions of one"):
        diff(old, evolve(old, name="other"))
    with pytest.raises(InvalidJourney, match="both are version 1; give the new one the next number"):
        diff(old, evolve(old, priority=7))
