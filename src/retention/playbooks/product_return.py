"""Something goes back: each stage told once, help by reason, and a good end. One run for each return or service.

Data only. Letters about the return itself are transactional: they need no consent and wait for no cap. Recommendations,
thanks and the coupon are promotional: they need consent, the control does not get them, and the contact policy holds
them back while a return for a defect is open.

Facts come late, twice and in any order. Each stage is told at most once, from the fact's own time; a stage that a later
one has overtaken is not told any more, so that nobody is asked for a parcel whose money is already back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from retention.facts import RETURN_ENDS
from retention.journey.conditions import AllOf, AnyOf, Condition, Exists, Last, Not
from retention.journey.definition import GRANTED, After, Before, Choice, Delay, Facts, Journey, On, PerKey, Step
from retention.playbooks._parts import ONE_ARM, Arms, owned_by, shares, varied
from retention.reasons import OwnReason, Reason

__all__ = ["cancelled_service", "product_return"]

_ARRIVED = ("received", *RETURN_ENDS)
_ON_ITS_WAY = ("in_transit", *_ARRIVED)
_MONEY_MOVED = Facts("return", "refunded", attribute="refund")
_SETTLED = (_MONEY_MOVED, Facts("return", "exchanged"))
_OVER = ("ended", "withdrawn")
_BRANCHES = {"SIZE": "size", "DEFECT": "defect", "MIND": "mind"}


def product_return(
    *,
    version: int = 1,
    control: float = 0.1,
    arms: Arms = ONE_ARM,
    help_after: Delay = Delay(hours=1),
    remind_before: Delay = Delay(days=2),
    recommend_after: Delay | None = Delay(days=4),
    thank_after: Delay | None = Delay(days=7),
    offer: str = GRANTED,
    without_offer: Literal["send", "skip"] = "send",
    overtaken: Literal["skip", "send"] = "skip",
    owned: Iterable[str] = (),
    owner: str = "another tool",
    own_reasons: Iterable[OwnReason] = (),
    hour: int | None = None,
    valid_for: Delay = Delay(days=3),
    accept_for: Delay = Delay(days=7),
    lasts: Delay = Delay(days=60),
    ends_after: Delay = Delay(days=14),
    window: Delay = Delay(days=28),
    priority: int = 10,
    topic: str = "marketing",
) -> Journey:
    """The chain of one return, from "received" to "thanks": a run for each fact "return requested".

    "received" at once; "question" if nobody knows the reason, else "help" for size, defect, mind or another reason,
    also when the answer comes later; "approved", "arrived", "refunded" (only once a fact states the money that moved),
    "exchanged", "rejected", "expired", each once; "deadline" before the customer's own ends; after a refund or exchange
    "recommendations" and "thanks", with a coupon and the one question about the service.

    `version`, `control`, `arms`, `valid_for`, `accept_for`, `lasts`, `window`, `priority`, `topic`: as in `win_back`;
    control and topic concern the promotional letters alone. `ends_after`: from the money or the exchange to the end
    of the run, so that it does not keep other journeys out for as long as it `lasts`. `help_after`: from the request to
    the question, and from the known reason to the help. `remind_before`: from the reminder to the deadline that a fact
    of the return states. `recommend_after` and `thank_after`: from the money or the exchange on; None: no such letter.
    `offer`: the one in the thanks, an id, `GRANTED` or "" for none; `without_offer`: whether it is sent to whom none is
    granted. `overtaken`: whether stages that a later one has overtaken are told all the same. `owned`: ids of the
    letters that the `owner`, another tool of the shop, sends already: ours are not sent, with that reason.
    `own_reasons`: the shop's own, so that their group is known; any other code counts as unclear. `hour`: of the
    promotional letters, local time.
    Raises `InvalidJourney` for what cannot work.

    >>> [step.id for step in product_return(recommend_after=None).steps if step.promotional]
    ['thanks']
    """
    told = _Stages("return", overtaken, valid_for)
    steps = [
        *_about_the_request(told, help_after, tuple(own_reasons)),
        *_about_the_goods(told, remind_before),
        *_afterwards(recommend_after, thank_after, offer, without_offer, hour=hour, valid_for=valid_for),
    ]
    return Journey(
        name="product_return",
        version=version,
        trigger=Facts("return", "requested"),
        steps=owned_by(owner, owned, varied(steps, arms)),
        lasts=lasts,
        ends=On(_SETTLED, ends_after, need="any"),
        accept_for=accept_for,
        reentry=PerKey(),
        arms=shares(control, arms),
        window=window,
        priority=priority,
        topic=topic,
    )


class _Stages:
    """Transactional steps about one sort of thing, that later stages overtake."""

    def __init__(self, kind: str, overtaken: Literal["skip", "send"], valid_for: Delay) -> None:
        self.kind, self.overtaken, self.valid_for = kind, overtaken, valid_for

    def step(self, name: str, moment: Any, template: str, by: tuple[str, ...] = (), **more: Any) -> Step:
        """A step that the statuses `by` overtake."""
        if by and self.overtaken == "skip":
            more["cancel"] = Exists(self.kind, key="run", attribute="status", values=by)
        return Step(id=name, moment=moment, template=template, promotional=False, valid_for=self.valid_for, **more)


def _about_the_request(told: _Stages, help_after: Delay, own: tuple[OwnReason, ...]) -> Iterator[Step]:
    groups = _groups(own)
    known = tuple(code for codes in groups.values() for code in codes)
    stated = Facts("return", attribute="reason", values=known)
    answered = Facts("answer", "reason")
    clear = AnyOf(
        (Exists("return", key="run", attribute="reason", values=known), Exists("answer", "reason", key="run"))
    )
    choices = tuple(Choice(_is(groups[group]), f"product_return/{name}") for group, name in _BRANCHES.items())
    yield told.step("received", After(), "product_return/received", ("approved", *_ON_ITS_WAY))
    question = After("received", help_after)
    yield told.step("question", question, "product_return/question", _ARRIVED, when=Not(clear))
    known_at = On((stated, answered), help_after, need="any")
    yield told.step("help", known_at, "product_return/other", _ARRIVED, choose=choices)


def _groups(own: tuple[OwnReason, ...]) -> dict[str, tuple[str, ...]]:
    """The codes of every group, those aside that say nothing."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(_BRANCHES, ())
    for reason in (*Reason, *own):
        if reason is not Reason.OTHER:
            found[reason.group] = (*found.get(reason.group, ()), reason.value)
    return found


def _is(codes: tuple[str, ...]) -> Condition:
    """The reason is one of these: what the customer answered counts before what the return says."""
    said = Last("answer", "value", "in", codes, status="reason", key="run")
    stated = Exists("return", key="run", attribute="reason", values=codes)
    return AnyOf((said, AllOf((Not(Exists("answer", "reason", key="run")), stated))))


def _about_the_goods(told: _Stages, remind_before: Delay) -> Iterator[Step]:
    def stage(name: str, facts: Facts, by: tuple[str, ...] = ()) -> Step:
        return told.step(name, On((facts,)), f"product_return/{name}", by)

    yield stage("approved", Facts("return", "approved"), _ON_ITS_WAY)
    deadline = Before(Facts("return"), "deadline", remind_before)
    yield told.step("deadline", deadline, "product_return/deadline", _ON_ITS_WAY)
    yield stage("arrived", Facts("return", "received"), RETURN_ENDS)
    yield stage("refunded", _MONEY_MOVED)
    for status in ("exchanged", "rejected", "expired"):
        yield stage(status, Facts("return", status))


def _afterwards(
    recommend_after: Delay | None,
    thank_after: Delay | None,
    offer: str,
    without_offer: Literal["send", "skip"],
    **when: Any,
) -> Iterator[Step]:
    if recommend_after is not None:
        settled = On(_SETTLED, recommend_after, need="any")
        yield Step(id="recommendations", moment=settled, template="product_return/recommendations", **when)
    if thank_after is not None:
        settled = On(_SETTLED, thank_after, need="any")
        thanks: dict[str, Any] = {"offer": offer, "without_offer": without_offer, **when}
        yield Step(id="thanks", moment=settled, template="product_return/thanks", **thanks)


def cancelled_service(
    *,
    version: int = 1,
    control: float = 0.1,
    arms: Arms = ONE_ARM,
    thank_after: Delay | None = Delay(days=3),
    offer: str = GRANTED,
    without_offer: Literal["send", "skip"] = "send",
    overtaken: Literal["skip", "send"] = "skip",
    owned: Iterable[str] = (),
    owner: str = "another tool",
    hour: int | None = None,
    valid_for: Delay = Delay(days=3),
    accept_for: Delay = Delay(days=7),
    lasts: Delay = Delay(days=60),
    ends_after: Delay = Delay(days=14),
    window: Delay = Delay(days=28),
    priority: int = 10,
    topic: str = "marketing",
) -> Journey:
    """The chain of one cancelled service or subscription: a run for each fact "service_cancellation requested".

    "received" at once, "confirmed", "ended" and "withdrawn" each once, and after the end "thanks", promotional.
    The parameters are those of `product_return`; `thank_after`: from the end of the service on; `ends_after`: from
    the end or the withdrawal on.

    >>> [step.template for step in cancelled_service(thank_after=None).steps]
    ['service/received', 'service/confirmed', 'service/ended', 'service/withdrawn']
    """
    told = _Stages("service_cancellation", overtaken, valid_for)
    steps = [*_of_the_service(told)]
    if thank_after is not None:
        ended = On((Facts("service_cancellation", "ended"),), thank_after)
        thanks: dict[str, Any] = {"offer": offer, "without_offer": without_offer, "hour": hour, "valid_for": valid_for}
        steps.append(Step(id="thanks", moment=ended, template="service/thanks", **thanks))
    return Journey(
        name="cancelled_service",
        version=version,
        trigger=Facts("service_cancellation", "requested"),
        steps=owned_by(owner, owned, varied(steps, arms)),
        lasts=lasts,
        ends=On(tuple(Facts(told.kind, status) for status in _OVER), ends_after, need="any"),
        accept_for=accept_for,
        reentry=PerKey(),
        arms=shares(control, arms),
        window=window,
        priority=priority,
        topic=topic,
    )


def _of_the_service(told: _Stages) -> Iterator[Step]:
    yield told.step("received", After(), "service/received", ("confirmed", *_OVER))
    yield told.step("confirmed", On((Facts(told.kind, "confirmed"),)), "service/confirmed", _OVER)
    for status in _OVER:
        yield told.step(status, On((Facts(told.kind, status),)), f"service/{status}")
