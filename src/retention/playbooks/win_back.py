"""Win-back: two letters to a customer who has been silent for longer than their rhythm.

Data only; whether somebody fell asleep is the scan's finding, what the letters say is theirs.
"""

from __future__ import annotations

from retention.journey.conditions import Exists
from retention.journey.definition import CONTROL, After, AfterExit, Delay, Exit, Facts, Journey, Step

__all__ = ["win_back"]


def win_back(
    *,
    version: int = 1,
    control: float = 0.1,
    wait: Delay = Delay(days=7),
    hour: int | None = None,
    weekday: int | None = None,
    valid_for: Delay = Delay(days=3),
    accept_for: Delay = Delay(days=7),
    lasts: Delay = Delay(days=30),
    cool_down: Delay = Delay(days=60),
    window: Delay = Delay(days=28),
    priority: int = 100,
    topic: str = "marketing",
) -> Journey:
    """Letters "miss_you" when a customer falls asleep and "reminder" a `wait` later; an order ends it.

    `version`: raise it with every edit. `control`: the share of customers, 0 up to 1 exclusive, who get no letter, so
    that the effect can be seen. `hour` (0 to 23) and `weekday` (0 Monday to 6) of the letters, local time; None: as
    soon as due. `valid_for`: how late a letter may leave. `accept_for`: how old the finding may be that starts a run.
    `lasts`: how long a run waits for a letter that does not come due. `cool_down`: from the end of a run to the next.
    `window`: how long after the start an order counts as a return. `priority`: the smaller number goes first.
    `topic`: the consent that is needed. Raises `InvalidJourney` for what cannot work.

    >>> [step.template for step in win_back(wait=Delay(days=10)).steps]
    ['win_back/miss_you', 'win_back/reminder']
    """
    return Journey(
        name="win_back",
        version=version,
        trigger=Facts("asleep"),
        steps=(
            Step(
                id="miss_you",
                moment=After(),
                template="win_back/miss_you",
                hour=hour,
                weekday=weekday,
                valid_for=valid_for,
            ),
            Step(
                id="reminder",
                moment=After("miss_you", wait, if_skipped="drop"),  # it reminds of a letter that was written
                template="win_back/reminder",
                hour=hour,
                weekday=weekday,
                valid_for=valid_for,
            ),
        ),
        exits=(Exit("ordered", Exists("order", since="basis")),),
        lasts=lasts,
        accept_for=accept_for,
        reentry=AfterExit(cool_down),
        arms={CONTROL: control, "letters": 1 - control} if control else {"letters": 1.0},
        window=window,
        priority=priority,
        topic=topic,
    )
