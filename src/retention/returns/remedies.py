"""What to offer somebody who sends goods back: ranked remedies, each with its reason and its cost.

The rules of the room, each held by a property test:

- *The refund is always among them*, as it is and at once: no remedy hides, delays or lowers it.
- *A defect is mended first.* Where the shop is at fault, no credit or coupon stands in the place of a remedy.
- *Asking again never raises an offer*, and neither does sending back often: a bonus only ever shrinks.
- *Keeping it* is offered where taking it back costs more than the thing brings, and nowhere else.

Money is exact and in the shop's currency. Costs are what the shop loses against a sale that stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Literal, TypeAlias

from attrs import evolve, field, frozen

from retention import _values
from retention.errors import InvalidInput
from retention.reasons import Reason
from retention.returns.codes import AnyReason

__all__ = ["KINDS", "Kind", "Remedy", "Situation", "remedies"]

Kind: TypeAlias = Literal[
    "exchange", "replacement", "refund", "keep_it", "other_variant", "other_model", "store_credit", "price_match",
    "apology_credit", "ask",
]  # fmt: skip
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
"""Every sort of remedy."""

_CENT = Decimal("0.01")
_NOTHING = Decimal(0)
_SELLERS_FAULT = ("seller", "logistics")
_DISAPPOINTED = (Reason.QUALITY, Reason.NOT_AS_DESCRIBED)
_SIZES = {"SIZE_TOO_SMALL": "one size up", "SIZE_TOO_LARGE": "one size down"}


_MONEY = _values.clean(_values.not_negative, "give what it costs")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Situation:
    """What is known of one return.

    `price`: what the customer paid for it. `resale`: what it brings when it is back. `shipping`, `handling`: what
    taking it back costs. `abuse`: what a kept item is expected to cost beyond that, as word gets around.
    `in_stock`: the same product can be sent again; `other_sizes`, `other_variants`, `other_models`: another one can.
    `found_for`: the lower price that the customer has seen. `bonus`: the share of the price that a credit is worth
    more than the money, 0 to 1, before it shrinks. `asked`: how often the customer has asked for an offer before.
    `sent_back`: how many earlier returns were not the shop's fault.
    """

    price: Decimal = field(metadata=_MONEY)
    resale: Decimal = field(default=_NOTHING, metadata=_MONEY)
    shipping: Decimal = field(default=_NOTHING, metadata=_MONEY)
    handling: Decimal = field(default=_NOTHING, metadata=_MONEY)
    abuse: Decimal = field(default=_NOTHING, metadata=_MONEY)
    found_for: Decimal | None = field(
        default=None, metadata=_values.clean(_values.not_negative, "give the lower price", optional=True)
    )
    bonus: Decimal = field(default=Decimal("0.10"), metadata=_MONEY)
    in_stock: bool = field(default=True, metadata=_values.clean(_values.flag))
    other_sizes: bool = field(default=True, metadata=_values.clean(_values.flag))
    other_variants: bool = field(default=True, metadata=_values.clean(_values.flag))
    other_models: bool = field(default=True, metadata=_values.clean(_values.flag))
    asked: int = field(default=0, metadata=_values.clean(_values.count))
    sent_back: int = field(default=0, metadata=_values.clean(_values.count))

    def __attrs_post_init__(self) -> None:
        if self.bonus > 1:
            raise InvalidInput(f"bonus: {self.bonus} is more than the price; give a share such as 0.10")

    @property
    def taking_back(self) -> Decimal:
        """What it costs to have the thing back."""
        return self.shipping + self.handling

    @property
    def extra(self) -> Decimal:
        """The bonus of a credit in money: the whole at first, less each time they ask or send back."""
        share = self.bonus / (1 + self.asked + max(0, self.sent_back - 1))
        return (self.price * share).quantize(_CENT, ROUND_DOWN)


@frozen(kw_only=True)
class Remedy:
    """One remedy: what it is, `why` in a sentence, what it costs the shop, and what the customer gets.

    `amount`: money or credit for the customer. `free`: no shipping is paid by the customer, either way.
    """

    kind: Kind
    why: str
    cost: Decimal
    amount: Decimal = _NOTHING
    free: bool = True


def remedies(reason: AnyReason, situation: Situation) -> tuple[Remedy, ...]:
    """The remedies for a return with this reason, the one to propose first in front; the refund is always one.

    >>> found = remedies(Reason.SIZE_TOO_SMALL, Situation(price="60", resale="50", shipping="4", handling="3"))
    >>> [remedy.kind for remedy in found], found[0].why
    (['exchange', 'refund'], 'one size up, free both ways: the customer wants the product')
    """
    wanted = [remedy for remedy in _wanted(reason, situation) if remedy is not None]
    kept = [_keep_it(situation)] if _is_cheaper_kept(situation) else []
    money_back = [*kept, _refund(situation)]
    # Nobody who was promised more than they got wants the same again.
    found = money_back + wanted if reason in _DISAPPOINTED else wanted + money_back
    return tuple(evolve(remedy, free=True) if reason.fault in _SELLERS_FAULT else remedy for remedy in found)


def _is_cheaper_kept(situation: Situation) -> bool:
    return situation.resale < situation.taking_back - situation.abuse


def _refund(situation: Situation) -> Remedy:
    lost = situation.price - situation.resale + situation.taking_back
    return Remedy(kind="refund", why="the money back, at once", cost=lost, amount=situation.price, free=False)


def _keep_it(situation: Situation) -> Remedy:
    why = (
        f"the money back and the thing kept: taking it back costs {situation.taking_back}, it brings {situation.resale}"
    )
    return Remedy(kind="keep_it", why=why, cost=situation.price + situation.abuse, amount=situation.price)


def _wanted(reason: AnyReason, situation: Situation) -> Iterator[Remedy | None]:
    """What suits the reason, beside the refund; None for what cannot be had."""
    if reason.group == "SIZE":
        yield from _of_size(reason, situation)
    elif reason in _DISAPPOINTED:
        yield _other_model(situation)
    elif reason.group == "DEFECT":
        yield _replacement(situation)
    elif reason.group == "DELIVERY":
        yield _credit("apology_credit", "an apology for the delay, on top of whatever is chosen", situation, _NOTHING)
        yield _replacement(situation)
    elif reason.group == "MIND":
        yield from _of_mind(reason, situation)
    else:
        yield Remedy(kind="ask", why="the reason is not known: one question before anything is proposed", cost=_NOTHING)


def _of_size(reason: AnyReason, situation: Situation) -> Iterator[Remedy | None]:
    if reason.value in _SIZES and situation.other_sizes:
        yield _exchange(_SIZES[reason.value], situation)
    else:
        yield _other_model(situation)
        yield _exchange("another size", situation) if situation.other_sizes else None


def _of_mind(reason: AnyReason, situation: Situation) -> Iterator[Remedy | None]:
    credit = _credit("store_credit", "credit for the next order, worth more than the money", situation, situation.price)
    if reason is Reason.STYLE:
        yield _other_variant(situation)
        yield _other_model(situation)
    elif reason is Reason.PRICE:
        yield _price_match(situation)
    yield credit


def _exchange(size: str, situation: Situation) -> Remedy:
    why = f"{size}, free both ways: the customer wants the product"
    return Remedy(kind="exchange", why=why, cost=situation.taking_back + situation.shipping)


def _replacement(situation: Situation) -> Remedy | None:
    if not situation.in_stock:
        return None
    cost = situation.price - situation.resale + situation.taking_back + situation.shipping
    return Remedy(kind="replacement", why="the same again, free, with an apology: the fault is ours", cost=cost)


def _other_variant(situation: Situation) -> Remedy | None:
    if not situation.other_variants:
        return None
    why = "another colour of the same product"
    return Remedy(kind="other_variant", why=why, cost=situation.taking_back + situation.shipping)


def _other_model(situation: Situation) -> Remedy | None:
    if not situation.other_models:
        return None
    return Remedy(kind="other_model", why="a product like it", cost=situation.taking_back + situation.shipping)


def _price_match(situation: Situation) -> Remedy | None:
    if situation.found_for is None or situation.found_for >= situation.price:
        return None
    difference = situation.price - situation.found_for
    why = f"the difference to {situation.found_for} back: they keep the product"
    return Remedy(kind="price_match", why=why, cost=difference, amount=difference)


def _credit(kind: Kind, why: str, situation: Situation, money: Decimal) -> Remedy | None:
    if not situation.extra:
        return None
    lost = situation.extra + (situation.price - situation.resale + situation.taking_back if money else _NOTHING)
    return Remedy(kind=kind, why=why, cost=lost, amount=money + situation.extra, free=kind == "apology_credit")
