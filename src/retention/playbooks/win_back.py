"""Win-back: letters to a customer who has been silent for longer than their rhythm.

Data only; whether somebody fell asleep is the scan's finding, which offer they get the engine's decision, what the
letters say theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from retention.facts import RETURN_ENDS
from retention.journey.conditions import AllOf, AnyOf, Condition, Exists, Last, Not, Open
from retention.journey.definition import GRANTED, After, AfterExit, Choice, Delay, Exit, Facts, Journey, Step
from retention.playbooks._parts import ONE_ARM, Arms, shares, varied

__all__ = ["win_back"]

_LOOKS_AROUND = AnyOf((Exists("visit", since="basis"), Exists("email", "clicked", since="basis")))
"""They were here since the last order, and bought nothing."""


def win_back(
    *,
    version: int = 1,
    control: float = 0.1,
    arms: Arms = ONE_ARM,
    most_active: float | None = 0.5,
    wait: Delay = Delay(days=7),
    offer: str | None = GRANTED,
    without_offer: Literal["send", "skip"] = "skip",
    remind_after: Delay = Delay(days=14),
    hour: int | None = None,
    weekday: int | None = None,
    valid_for: Delay = Delay(days=3),
    accept_for: Delay = Delay(days=7),
    lasts: Delay = Delay(days=30),
    cool_down: Delay = Delay(days=60),
    window: Delay = Delay(days=28),
    while_returning: bool = False,
    unless_inside: tuple[str, ...] = ("product_return",),
    priority: int = 100,
    topic: str = "marketing",
) -> Journey:
    """Letters "miss_you" when a customer falls asleep, "offer" a `wait` later, "reminder" last; an order ends it.

    Who visited or clicked since the last order, and bought nothing, gets the softer "still looking?" first.

    `version`: raise it with every edit. `control`: the share of customers, 0 up to 1 exclusive, who get no letter, so
    that the effect can be seen. `arms`: what each of several ways to write changes, by the ids of the steps; they share
    the rest equally: `{"morning": {}, "evening": {"offer": Variant(hour=19)}}`.
    `most_active`: nobody is written to whose chance of an order all the same is that or higher, where it is known;
    None: everybody asleep.
    `wait`: from the first letter to the next. `offer`: the one in the second letter, an id or `GRANTED`; None: no such
    letter, and the reminder follows after the `wait`. `without_offer`: whether the second letter is sent to whom none
    is granted. `remind_after`: from the first letter to the reminder; more than `wait` plus `valid_for`, and shorter
    than `wait` plus what the offers are valid for, so that it reminds of one that still holds.
    `hour` (0 to 23) and `weekday` (0 Monday to 6) of the letters, local time; None: as soon as due. `valid_for`: how
    late a letter may leave. `accept_for`: how old the finding may be that starts a run. `lasts`: how long a run waits
    for a letter that does not come due. `cool_down`: from the end of a run to the next. `window`: how long after the
    start an order counts as a return. `while_returning`: whether to write to somebody with an open return.
    `unless_inside`: journeys whose open run keeps a customer out. `priority`: the smaller number goes first. `topic`:
    the consent that is needed. Raises `InvalidJourney` for what cannot work.

    >>> [step.template for step in win_back(wait=Delay(days=10)).steps]
    ['win_back/miss_you', 'win_back/offer', 'win_back/reminder']
    """
    when: dict[str, Any] = {"hour": hour, "weekday": weekday, "valid_for": valid_for}
    return Journey(
        name="win_back",
        version=version,
        trigger=Facts("asleep"),
        steps=varied(_steps(wait, offer, without_offer, remind_after, when), arms),
        exits=(Exit("ordered", Exists("order", since="basis")),),
        lasts=lasts,
        accept_for=accept_for,
        when=_wanted(most_active, while_returning=while_returning),
        unless_inside=unless_inside,
        reentry=AfterExit(cool_down),
        arms=shares(control, arms),
        window=window,
        priority=priority,
        topic=topic,
    )


def _wanted(most_active: float | None, *, while_returning: bool) -> Condition | None:
    asked: list[Condition] = []
    if most_active is not None:
        asked.append(Not(Last("asleep", "p_active", ">=", most_active, key="run")))
    if not while_returning:
        asked.append(Not(Open("return", RETURN_ENDS)))
    return AllOf(tuple(asked)) if asked else None


def _steps(
    wait: Delay, offer: str | None, without_offer: Literal["send", "skip"], remind_after: Delay, when: dict[str, Any]
) -> Iterator[Step]:
    softer = (Choice(_LOOKS_AROUND, "win_back/still_looking"),)
    yield Step(id="miss_you", moment=After(), template="win_back/miss_you", choose=softer, **when)
    if offer is not None:
        yield Step(
            id="offer",
            moment=After("miss_you", wait, if_skipped="drop"),
            template="win_back/offer",
            offer=offer,
            without_offer=without_offer,
            **when,
        )
    yield Step(
        id="reminder",
        # It reminds of a letter that was written; anchored to the first, as the second may have been skipped.
        moment=After("miss_you", wait if offer is None else remind_after, if_skipped="drop"),
        template="win_back/reminder",
        offer=offer or "",
        **when,
    )
