"""How a letter is taken: the chance that it wins an order, by who reads it, how long they were silent, and its offer.

Numbers in, numbers out; nothing is drawn here.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from retention.demo_shop.worlds import World
from retention.offers import Offer

__all__ = ["Sort", "chance", "given", "sort"]

Sort: TypeAlias = Literal["persuadable", "bargain", "touchy", "past caring"]
_TENTH = 0.1
_PULLED_MORE = 2.0
_WON_LESS = 0.25


def sort(world: World, draw: float) -> Sort:
    """Which sort of customer somebody is, by a draw from 0 to 1; a larger share takes more in and drops nobody."""
    if draw < world.persuadable:
        return "persuadable"
    if draw >= 1 - world.touchy:
        return "touchy"
    return "bargain" if draw < world.persuadable + world.bargain else "past caring"


def given(offer: Offer, basket: float) -> float:
    """The share of a basket that the customer gets."""
    amount = float(offer.amount)
    return amount if offer.kind == "discount" else min(amount / basket, 1.0)


def chance(
    world: World, reader: Sort, *, silent_days: float, gap: float, in_vain: int, offer: Offer | None, basket: float
) -> float:
    """The chance that a letter wins an order from a reader who would not order by themselves.

    `silent_days`: since the last order that no letter brought. `gap`: the customer's usual days between orders: who has
    what they need does not buy more. `in_vain`: letters since that order. `offer`: what is in the letter. `basket`:
    what such a customer usually spends, money.
    """
    if reader not in ("persuadable", "bargain"):
        return 0.0
    bargain = reader == "bargain"
    base = world.wins * min(1.0, silent_days / gap) * math.pow(0.5, silent_days / world.half_life)
    base *= math.pow(world.tires, in_vain) * (_WON_LESS if bargain else 1.0)
    if offer is None or base in (0.0, 1.0):
        return base
    pull = world.cut_pulls if offer.lowers_price else world.gift_pulls
    log_odds = math.log(base / (1 - base))
    log_odds += pull * (_PULLED_MORE if bargain else 1.0) * given(offer, basket) / _TENTH
    return 1 / (1 + math.exp(-log_odds))
