"""Invented customers that show what a letter must cope with: everything known, nothing known, and names that bite.

For checks and previews. Plain data; no letter is ever sent to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import evolve, frozen

from retention.facts import Fact, Line, OrderPlaced
from retention.letters.context import LONGEST_NAME, LONGEST_PRODUCT
from retention.people import Customer, Shop

__all__ = ["MARKUP", "NOW", "Sample", "samples", "typical"]

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When the sample letters are written."""
MARKUP = '<i title="R&D">'
"""Part of a product's name: must never appear in HTML as it is."""
_NAMES = {"en": "Anna", "ru": "Анна"}
_PRODUCTS = {
    "en": (("Linen apron", "kitchen"), ("Blue teapot", "kitchen"), ("Wool throw", "home")),
    "ru": (("Льняной фартук", "кухня"), ("Синий чайник", "кухня"), ("Шерстяной плед", "дом")),
}


@frozen
class Sample:
    """An invented customer with their facts."""

    customer: Customer
    facts: tuple[Fact, ...]


def typical(shop: Shop, language: str) -> Sample:
    """A customer with a name and two orders, whose language is `language`."""
    customer = Customer(
        id="sample", timezone=shop.timezone, language=language, name=_NAMES[language], email="sample@example.com"
    )
    apron, teapot, throw = (_line(name, category) for name, category in _PRODUCTS[language])
    return Sample(customer, (_order(shop, 150, apron, teapot), _order(shop, 61, throw, apron)))


def samples(shop: Shop, language: str) -> Iterator[Sample]:
    """Customers of every sort: no name, no order, an order without products, one product, many, names that bite."""
    full = typical(shop, language)
    nameless = evolve(full.customer, name="")
    yield full
    yield Sample(nameless, full.facts)
    yield Sample(full.customer, ())
    yield Sample(nameless, ())
    yield Sample(full.customer, (_order(shop, 1),))
    yield Sample(nameless, (_order(shop, 0, _line("")),))
    yield Sample(full.customer, (_order(shop, 11, _line("Soap")),))
    yield Sample(nameless, tuple(_order(shop, days, *_bulky()) for days in (400, 21)))
    yield Sample(evolve(full.customer, name="W" * LONGEST_NAME), tuple(_order(shop, d, *_bulky()) for d in (102, 5)))


def _bulky() -> list[Line]:
    return [_line(f"{MARKUP}{number:02}".ljust(LONGEST_PRODUCT, "W")) for number in range(30)]


def _line(name: str, category: str = "") -> Line:
    return Line(product_id=name or "unnamed", name=name, category=category, price=Decimal("24.50"))


def _order(shop: Shop, days_ago: int, *lines: Line) -> OrderPlaced:
    at = NOW - timedelta(days=days_ago, hours=1)
    return OrderPlaced(id=str(days_ago), customer_id="sample", at=at, currency=shop.currency, lines=lines)
