"""Prevention: help after a delivery, before something is sent back; only where it is worth more than a letter costs.

Data only; which orders those are is the scan's finding (`ReturnRiskFound`). Care tips, the question how the product is,
and size advice are promotional here: they are well meant, but nobody asked for them, and authorities count a survey as
marketing; so they need consent, and the control, which shows what they prevent, does without them. A shop that has
other advice sets `promotional=False`. The free exchange after a customer has said that size or colour is wrong answers
them, and is transactional.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from retention.journey.conditions import AnyOf, Exists, Last
from retention.journey.definition import After, Choice, Delay, Exit, Facts, Journey, On, PerKey, Step
from retention.playbooks._parts import ONE_ARM, Arms, owned_by, shares, varied

__all__ = ["post_purchase"]

_GOES_BACK = AnyOf(
    (
        Exists("return", key="order"),
        # A return that names no order may be of this one: better no tips than tips for what is on its way back.
        Exists("return", since="basis", attribute="order_id", values=("",)),
    )
)


def post_purchase(
    *,
    version: int = 1,
    control: float = 0.1,
    arms: Arms = ONE_ARM,
    always: bool = False,
    ask_after: Delay = Delay(days=3),
    high_risk: float = 0.5,
    exchange_after: Delay = Delay(),
    advise_after: Delay | None = Delay(days=14),
    promotional: bool = True,
    owned: Iterable[str] = (),
    owner: str = "another tool",
    hour: int | None = None,
    valid_for: Delay = Delay(days=3),
    accept_for: Delay = Delay(days=3),
    lasts: Delay = Delay(days=30),
    window: Delay = Delay(days=28),
    unless_inside: tuple[str, ...] = (),
    priority: int = 50,
    topic: str = "marketing",
) -> Journey:
    """Letters after one order's delivery: "care" at once, "feedback", "exchange" and "size_advice"; a return ends it.

    A run starts when the scan finds that help is worth more than a letter costs, which it does once the order has
    arrived; with `always`, for every delivery. "feedback" asks how the product is, `ask_after` the start; where the
    risk of a return, 0 to 1, is `high_risk` or more it offers the free exchange instead. "exchange" comes
    `exchange_after` an answer that size or colour is wrong. "size_advice" comes `advise_after` the start, None: never,
    where the product is known to run small or large, and helps with the next order.

    `promotional`: whether care, feedback and advice need consent and are kept from the control. The other parameters
    are those of `win_back` and `product_return`. Raises `InvalidJourney` for what cannot work.

    >>> post_purchase().trigger.kind, post_purchase(always=True).trigger.kind
    ('return_risk', 'delivery')
    """
    steps = _steps(ask_after, high_risk, exchange_after, advise_after, promotional, hour=hour, valid_for=valid_for)
    return Journey(
        name="post_purchase",
        version=version,
        trigger=Facts("delivery", "delivered") if always else Facts("return_risk"),
        steps=owned_by(owner, owned, varied(steps, arms)),
        exits=(Exit("sent_back", _GOES_BACK),),
        lasts=lasts,
        accept_for=accept_for,
        when=None if always else Last("return_risk", "worth", ">", 0, key="run"),
        unless_inside=unless_inside,
        reentry=PerKey(),
        arms=shares(control, arms),
        window=window,
        priority=priority,
        topic=topic,
    )


def _steps(
    ask_after: Delay,
    high_risk: float,
    exchange_after: Delay,
    advise_after: Delay | None,
    promotional: bool,  # noqa: FBT001
    **when: Any,
) -> Iterator[Step]:
    help_: dict[str, Any] = {"promotional": promotional, **when}
    risky = Last("return_risk", "risk", ">=", high_risk, key="run")
    wrong = Facts("answer", "product", attribute="value", values=("size", "color"))
    yield Step(id="care", moment=After(), template="post_purchase/care", **help_)
    yield Step(
        id="feedback",
        moment=After("entry", ask_after),
        template="post_purchase/feedback",
        choose=(Choice(risky, "post_purchase/exchange"),),
        **help_,
    )
    yield Step(
        id="exchange",
        moment=On((wrong,), exchange_after),
        template="post_purchase/exchange",
        promotional=False,
        valid_for=when["valid_for"],
    )
    if advise_after is not None:
        yield Step(
            id="size_advice",
            moment=After("entry", advise_after),
            template="post_purchase/size_advice",
            when=Last("return_risk", "fit", "in", ("small", "large"), key="run"),
            **help_,
        )
