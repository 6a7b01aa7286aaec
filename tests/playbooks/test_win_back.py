"""Win-back is data: two letters, a control, an exit; every number can be changed."""

from __future__ import annotations

import pytest

from retention.errors import InvalidJourney
from retention.journey import definition
from retention.journey.conditions import Exists
from retention.journey.definition import After, AfterExit, Delay, Exit, Facts
from retention.playbooks import win_back


def test_two_letters_a_week_apart() -> None:
    """The first at once, the second seven days after the first's slot and only if that was written; an order ends it."""
    journey = win_back()
    first, second = journey.steps
    assert journey.trigger == Facts("asleep")
    assert (first.moment, second.moment) == (After(), After("miss_you", Delay(days=7), "drop"))
    assert journey.exits == (Exit("ordered", Exists("order", since="basis")),)
    assert journey.promotional


def test_the_defaults() -> None:
    """A tenth is the control; a customer enters again sixty days after a run."""
    journey = win_back()
    assert dict(journey.arms) == {"control": 0.1, "letters": 0.9}
    assert journey.reentry == AfterExit(Delay(days=60))
    assert (journey.accept_for, journey.window) == (Delay(days=7), Delay(days=28))


def test_every_number_is_a_parameter() -> None:
    """What is given is what the journey holds."""
    journey = win_back(
        version=3,
        control=0.25,
        wait=Delay(days=10),
        hour=18,
        weekday=3,
        valid_for=Delay(days=1),
        accept_for=Delay(days=2),
        lasts=Delay(days=40),
        cool_down=Delay(months=6),
        window=Delay(days=14),
        priority=5,
        topic="news",
    )
    assert (journey.version, journey.priority, journey.topic) == (3, 5, "news")
    assert dict(journey.arms) == {"control": 0.25, "letters": 0.75}
    assert [(step.hour, step.weekday, step.valid_for) for step in journey.steps] == [(18, 3, Delay(days=1))] * 2
    assert journey.steps[1].moment.delay == Delay(days=10)
    assert (journey.accept_for, journey.lasts, journey.window) == (Delay(days=2), Delay(days=40), Delay(days=14))
    assert journey.reentry == AfterExit(Delay(months=6))


def test_without_control() -> None:
    """A shop may do without a control; then everybody gets letters."""
    assert dict(win_back(control=0).arms) == {"letters": 1.0}


@pytest.mark.parametrize("control", [-0.1, 1, 1.5, float("nan")])
def test_a_control_that_is_no_share(control: float) -> None:
    """A share below 0 or that leaves nobody to write to is refused."""
    with pytest.raises(InvalidJourney, match="arms"):
        win_back(control=control)


def test_it_is_stored_and_read_back() -> None:
    """The journey survives JSON."""
    assert definition.from_json(definition.to_json(win_back())) == win_back()
