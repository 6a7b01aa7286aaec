"""What may enter: facts, in the one currency of the shop."""

from __future__ import annotations

from retention.errors import InvalidInput
from retention.facts import Fact, OrderPlaced, ReturnChanged
from retention.people import Shop

__all__ = ["check"]


def check(fact: object, shop: Shop) -> None:
    """Raises `InvalidInput` for what is no fact, and for money in another currency than the shop's."""
    if not isinstance(fact, Fact):
        raise InvalidInput(f"facts: a {type(fact).__name__} is no fact; make one of the kinds in retention.facts")
    if isinstance(fact, OrderPlaced | ReturnChanged) and fact.currency not in (shop.currency, None):
        raise InvalidInput(
            f"currency: {fact.kind} {fact.id} is in {fact.currency}, the shop's is {shop.currency}; "
            "convert it, or keep a storage for each currency"
        )
