"""Loyalty after a return: what is new by preference, how the service was, and a second coupon for who left the first.

Data only. Its runs have the key of `product_return`'s runs, the return; so the conditions here see the coupon of its
thanks, and whether it was used. Promotional throughout; the contact policy holds it back while a return for a defect is
open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retention.journey.conditions import AllOf, Exists, Not
from retention.journey.definition import GRANTED, After, AfterExit, Delay, Facts, Journey, Step
from retention.playbooks._parts import ONE_ARM, Arms, shares, varied

__all__ = ["after_return"]

_ORDERED = Exists("order", since="basis")
_FIRST_UNUSED = AllOf((Exists("offer", "granted", key="run"), Not(Exists("redemption", key="run"))))


def after_return(
    *,
    version: int = 1,
    control: float = 0.1,
    arms: Arms = ONE_ARM,
    survey: Delay | None = None,
    new_after: Delay = Delay(days=14),
    second_after: Delay | None = Delay(days=30),
    hour: int | None = None,
    weekday: int | None = None,
    valid_for: Delay = Delay(days=3),
    accept_for: Delay = Delay(days=7),
    lasts: Delay = Delay(days=30),
    cool_down: Delay = Delay(days=60),
    window: Delay = Delay(days=28),
    unless_inside: tuple[str, ...] = ("win_back",),
    priority: int = 60,
    topic: str = "marketing",
) -> Journey:
    """Letters after a refund or an exchange: "survey", "new_collection" and "second_coupon".

    `survey`: when to ask how the service was, and None, not to: the thanks of `product_return` ask it already. Who has
    answered is not asked. `new_after`: when to show what is new; `second_after`: when to offer again, to whom the first
    coupon was granted and did not use it, if the engine grants one more; None: never. An order ends these two. All
    delays from the refund or exchange on, or when the shop heard of it. `cool_down`: from the end of a run to the next,
    so that who sends much back does not get more letters. The other parameters are those of `win_back`.
    Raises `InvalidJourney` for what cannot work.

    >>> [step.id for step in after_return(survey=Delay(days=5)).steps]
    ['survey', 'new_collection', 'second_coupon']
    """
    when: dict[str, Any] = {"hour": hour, "weekday": weekday, "valid_for": valid_for}
    return Journey(
        name="after_return",
        version=version,
        trigger=Facts("return", attribute="status", values=("refunded", "exchanged")),
        steps=varied(_steps(survey, new_after, second_after, when), arms),
        lasts=lasts,
        accept_for=accept_for,
        unless_inside=unless_inside,
        reentry=AfterExit(cool_down),
        arms=shares(control, arms),
        window=window,
        priority=priority,
        topic=topic,
    )


def _steps(survey: Delay | None, new_after: Delay, second_after: Delay | None, when: dict[str, Any]) -> Iterator[Step]:
    if survey is not None:
        unasked = Not(Exists("answer", "service", key="run"))
        yield Step(id="survey", moment=After("entry", survey), template="after_return/survey", when=unasked, **when)
    new = After("entry", new_after)
    yield Step(id="new_collection", moment=new, template="after_return/new_collection", cancel=_ORDERED, **when)
    if second_after is not None:
        yield Step(
            id="second_coupon",
            moment=After("entry", second_after),
            template="after_return/second_coupon",
            offer=GRANTED,
            without_offer="skip",
            when=_FIRST_UNUSED,
            cancel=_ORDERED,
            **when,
        )
