"""What may enter: facts, in the one currency of the shop; and what is noted of those that say what we cannot use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention import facts
from retention._types import Json
from retention.errors import InvalidInput
from retention.facts import Fact, OrderPlaced, ProfileChanged, Rejected, ReturnChanged
from retention.people import Shop, language_of

__all__ = ["check", "noted", "read", "speaks_otherwise"]


def check(fact: object, shop: Shop) -> None:
    """Raises `InvalidInput` for what is no fact, and for money in another currency than the shop's."""
    if not isinstance(fact, Fact):
        raise InvalidInput(f"facts: a {type(fact).__name__} is no fact; make one of the kinds in retention.facts")
    if isinstance(fact, OrderPlaced | ReturnChanged) and fact.currency not in (shop.currency, None):
        raise InvalidInput(
            f"currency: {fact.kind} {fact.id} is in {fact.currency}, the shop's is {shop.currency}; "
            "convert it, or keep a storage for each currency"
        )


def speaks_otherwise(fact: Fact) -> bool:
    """Whether it names a language that no letters are written in; who it is about is written to as before."""
    said = (isinstance(fact, ProfileChanged) and fact.language) or ""
    return said != "" and not language_of(said)


def noted(facts: Iterable[Fact]) -> Iterator[str]:
    """What to count of facts that were kept, although a part of them is of no use."""
    return ("unknown_language" for fact in facts if speaks_otherwise(fact))


def read(rows: Iterable[str | bytes | Json], shop: Shop, rejected: list[Rejected]) -> Iterator[Fact]:
    """The facts among rows of JSON that may enter; why the others may not is added to `rejected`."""
    for index, found in enumerate(facts.read(rows)):
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        try:
            check(found, shop)
        except InvalidInput as error:
            rejected.append(Rejected(index, str(error)))
        else:
            yield found
