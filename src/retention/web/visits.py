"""Who opened a link: the customer behind it, what is known of them, and their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qs

from attrs import frozen

from retention.engine import Engine
from retention.facts import Fact
from retention.journey import Needs, customer_of
from retention.journey.customer import KINDS
from retention.people import Customer

__all__ = ["Visit", "form", "next_instant", "visit"]

_MOST_FIELDS = 50


@frozen
class Visit:
    """The customer as known now, and their facts of the kinds that were asked for, oldest first."""

    customer: Customer
    facts: tuple[Fact, ...]

    @property
    def language(self) -> str:
        """The language of the pages."""
        return self.customer.language


def visit(engine: Engine, customer_id: str, *kinds: str) -> Visit:
    """Look the customer up; somebody nobody knows any more gets the shop's language."""
    shop = engine.shop
    (file,) = engine.storage.load([customer_id], Needs(KINDS | set(kinds)))
    return Visit(customer_of(file.customer_id, file.facts, timezone=shop.timezone, language=shop.language), file.facts)


def next_instant(now: datetime, said: Sequence[Fact]) -> datetime:
    """Now, or the first instant after what was said last, by whatever clock: the new word is the last one."""
    return max([now, *(fact.at + datetime.resolution for fact in said)])


def form(body: bytes) -> Mapping[str, list[str]]:
    """What a form posts, by field; whatever the bytes are, and nothing for what is no form."""
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
