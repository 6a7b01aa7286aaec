"""Journeys are data: what cannot work is refused when it is written down, and JSON keeps all of it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention import _records
from retention.errors import InvalidInput, InvalidJourney
from retention.journey import (
    After,
    AfterExit,
    Before,
    Choice,
    Delay,
    Exists,
    Exit,
    Facts,
    Journey,
    On,
    Step,
    Variant,
    from_json,
    to_json,
)

ASLEEP = Facts("asleep")


def step(**more: Any) -> Step:
    return Step(**{"id": "a", "moment": After(), "template": "t", **more})


def journey(*steps: Any, **more: Any) -> Journey:
    return Journey(**{"name": "j", "trigger": ASLEEP, "steps": steps or (step(),), **more})


@given(seed=st.integers(0, 2**32))
def test_json_round_trip(life: Any, seed: int) -> None:
    """Rule 13: what is written down comes back equal through text, and equal journeys give equal text."""
    one = life.any_journey(random.Random(seed))
    text = _records.text(to_json(one))
    assert from_json(json.loads(text)) == one
    assert _records.text(to_json(from_json(json.loads(text)))) == text


def test_reading_what_is_no_journey() -> None:
    """Parts of a newer version and other records are refused in one line."""
    data = to_json(journey())
    with pytest.raises(InvalidInput, match=r"^journey: .*'colour'; it was written by a newer version$"):
        from_json({**data, "colour": "red"})
    with pytest.raises(InvalidInput, match=r"^'roll' is unknown here; it was written by a newer version$"):
        from_json({**data, "is": "roll"})
    with pytest.raises(InvalidJourney, match=r"^Delay: is no journey$"):
        from_json({"is": "delay"})


REFUSED = [
    (lambda: Delay(days=-1), "days: -1 is no whole number from 0 up"),
    (lambda: Delay(hours=1.5), "hours: 1.5 is no whole number from 0 up"),
    (lambda: Delay(minutes=True), "minutes: True is no whole number from 0 up"),
    (
        lambda: Delay(months=2000),
        "Delay(days=0, hours=0, minutes=0, months=2000): longer than a hundred years; nothing would come of it",
    ),
    (lambda: Facts("ordr"), "kind: 'ordr' is unknown; use one of"),
    (lambda: Facts("delivery", "lost"), "status: 'lost' is none of kind 'delivery'; use shipped, delivered, failed"),
    (lambda: Facts("order", key="all"), "key: 'all' is unknown; use one of 'any', 'run'"),
    (lambda: After("entry", 7), "delay: 7 is no Delay"),
    (lambda: After(if_skipped="maybe"), "if_skipped: 'maybe' is unknown; use one of 'continue', 'drop'"),
    (lambda: On(()), "On: names no facts; nothing would ever start the step"),
    (
        lambda: On(Facts("order")),
        "facts: Facts(kind='order', status='', key='run', attribute='', values=()) is no list of Facts",
    ),
    (lambda: On("order"), "facts: 'order' is no list of Facts"),
    (lambda: On(("order",)), "facts: 'order' is no Facts"),
    (lambda: On((ASLEEP,), need="one"), "need: 'one' is unknown; use one of 'all', 'any'"),
    (lambda: On((ASLEEP,), once="twice"), "once: 'twice' is unknown; use one of 'once', 'fact', 'value'"),
    (lambda: On((ASLEEP, ASLEEP), once="fact"), "On: once per fact needs need='any', not all of several facts"),
    (lambda: On((ASLEEP,), once="value"), "On: attribute= belongs to once='value'"),
    (lambda: On((ASLEEP,), attribute="why"), "On: attribute= belongs to once='value'"),
    (lambda: On((ASLEEP,), once="value", attribute="wy"), "attribute: 'wy' is none of kind 'asleep'; use one of"),
    (lambda: Before(Facts("return"), "reason"), "Before: 'reason' of kind 'return' is no time"),
    (lambda: Before("return", "deadline"), "fact: 'return' is no Facts"),
    (lambda: Choice(None, "t"), "when: None is no condition; use one of"),
    (lambda: Exit("", Exists("order")), "reason: '' is the planner's own; choose another word"),
    (lambda: Exit("completed", Exists("order")), "reason: 'completed' is the planner's own; choose another word"),
    (lambda: Variant(delay=3), "delay: 3 is no Delay"),
    (lambda: AfterExit(60), "cool_down: 60 is no Delay"),
    (lambda: step(hour=24), "step a: hour 24 is not within 0 to 23"),
    (lambda: step(hour=9.0), "step a: hour 9.0 is not within 0 to 23"),
    (lambda: step(weekday=True), "step a: weekday True is not within 0 to 6"),
    (lambda: step(variants={"b": Variant(weekday=7)}), "step a: weekday 7 is not within 0 to 6"),
    (lambda: step(valid_for=Delay()), "step a: valid_for is zero; the letter would always be late"),
    (lambda: step(valid_for=3), "valid_for: 3 is no Delay"),
    (lambda: step(moment="soon"), "moment: 'soon' is no After or On or Before"),
    (lambda: step(when=bool), "when: <class 'bool'> is no condition; use one of"),
    (lambda: step(choose=("t",)), "choose: 't' is no Choice"),
    (lambda: journey(name=""), "journey '': needs a name, and steps named other than '' and 'entry'"),
    (lambda: Journey(name="j", trigger=ASLEEP, steps=()), "journey 'j': needs a name, and steps named other than"),
    (lambda: journey(step(id="")), "journey 'j': needs a name, and steps named other than"),
    (lambda: journey(step(id="entry")), "journey 'j': needs a name, and steps named other than"),
    (lambda: journey(step(), step()), "journey j: two steps are or were called 'a'; ids are unique"),
    (
        lambda: journey(step(), step(id="b", formerly=("a",))),
        "journey j: two steps are or were called 'a'; ids are unique",
    ),
    (lambda: journey(step(moment=After("b")), step(id="b")), "journey j: step a refers to 'b', no step before it"),
    (lambda: journey(step(moment=After("a"))), "journey j: step a refers to 'a', no step before it"),
    (lambda: journey(step(supersedes=("x",))), "journey j: step a refers to 'x', no step before it"),
    (
        lambda: journey(step(moment=On((ASLEEP,), once="fact", need="any")), step(id="b", moment=After("a"))),
        "journey j: step b refers to 'a', no step before it",
    ),
    (lambda: journey("a"), "steps: 'a' is no Step"),
    (lambda: journey(exits=(Exists("order"),)), "exits: Exists("),
    (lambda: journey(version=0), "version: 0 is no whole number from 1 up"),
    (lambda: journey(priority="high"), "priority: 'high' is no whole number from 0 up"),
    (lambda: journey(trigger="asleep"), "trigger: 'asleep' is no Facts"),
    (lambda: journey(lasts=30), "lasts: 30 is no Delay"),
    (lambda: journey(accept_for=None), "accept_for: None is no Delay"),
    (lambda: journey(reentry="once"), "reentry: 'once' is no Once or AfterExit or PerKey"),
    (lambda: journey(arms={"a": 0.5}), "journey j: arms {'a': 0.5} must be positive shares that sum to 1"),
    (lambda: journey(arms={"a": 1.5, "b": -0.5}), "journey j: arms {'a': 1.5, 'b': -0.5} must be positive"),
    (lambda: journey(arms={"a": float("nan")}), "journey j: arms {'a': nan} must be positive shares"),
    (lambda: journey(arms={"a": "all"}), "journey j: arms {'a': 'all'} must be positive shares that sum to 1"),
    (lambda: journey(arms={}), "journey j: arms {} must be positive shares that sum to 1"),
    (lambda: journey(step(variants={"b": Variant()})), "journey j: step a varies unknown arms ['b']"),
]


@pytest.mark.parametrize("build, message", REFUSED, ids=range(len(REFUSED)))
def test_a_journey_that_cannot_work_is_refused(build: Any, message: str) -> None:
    """F25: an error in one line when it is built, never a run that silently ends."""
    with pytest.raises(InvalidJourney) as caught:
        build()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_arm_changes_only_what_it_names() -> None:
    """The variant of an arm; another arm has the step as written."""
    plain = step(offer="five", hour=9, variants={"b": Variant(template="u", offer="", weekday=3, delay=Delay(days=1))})
    assert plain.for_arm("a") is plain
    varied = plain.for_arm("b")
    assert (varied.template, varied.offer, varied.hour, varied.weekday) == ("u", "", 9, 3)
    assert varied.moment == After(delay=Delay(days=1))
    assert varied.for_arm("b") is varied
    assert step(variants={"b": Variant()}).for_arm("b") == step()


def test_every_template_is_named() -> None:
    """What the engine checks when it is built: arms and branches too."""
    one = step(choose=(Choice(Exists("order"), "u"),), variants={"b": Variant("v"), "c": Variant()})
    assert list(one.templates()) == ["t", "u", "v"]


def test_every_kind_is_named() -> None:
    """What a file must hold: trigger, moments, conditions of steps, branches and exits."""
    one = journey(
        step(when=Exists("visit"), choose=(Choice(Exists("preference"), "u"),)),
        step(id="b", moment=On((Facts("delivery"),)), cancel=Exists("order")),
        step(id="c", moment=Before(Facts("return"), "deadline")),
        exits=(Exit("gone", Exists("service_cancellation", "confirmed")),),
    )
    assert one.kinds() == {"asleep", "visit", "preference", "delivery", "order", "return", "service_cancellation"}


def test_promotional_is_all_or_not() -> None:
    """One transactional letter is enough to let in who may not get promotion."""
    assert journey().promotional
    assert not journey(step(), step(id="b", promotional=False)).promotional


def test_what_can_be_due_more_than_once() -> None:
    """Recurring steps are those per fact, per value and per deadline."""
    moments = [
        After(),
        On((ASLEEP,)),
        On((ASLEEP,), once="fact"),
        On((ASLEEP,), once="value", attribute="why"),
        Before(ASLEEP, "basis"),
    ]
    assert [step(moment=moment).recurs for moment in moments] == [False, False, True, True, True]


def test_journeys_are_frozen() -> None:
    """F11: a definition cannot be edited in place, its mappings neither."""
    one = journey()
    with pytest.raises(AttributeError):
        one.version = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        one.arms["letters"] = 0.5  # type: ignore[index]
    assert hash(one) == hash(evolve(one))


def test_an_arm_may_have_another_subject():
    """What one arm varies is the block that becomes the subject line; the others keep the letter's own."""
    step = Step(id="s", moment=After(), template="t", variants={"b": Variant(subject="subject_b")})
    assert (step.for_arm("a").subject, step.for_arm("b").subject) == ("subject", "subject_b")
    assert list(step.subjects()) == ["subject", "subject_b"]
