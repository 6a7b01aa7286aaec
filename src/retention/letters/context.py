"""What a letter may say: the closed list of names that every template can use, and nothing else.

It is made of what is known of one customer at one moment. Names come from strangers (a registration form, a
catalogue), so they are made fit for a sentence here, once; escaping for HTML is the templates' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from retention.facts import Fact, OrderPlaced, ReturnChanged
from retention.letters.localisation import Money
from retention.people import Customer, Shop

__all__ = ["KINDS", "Context", "Favourites", "LastOrder", "Reader", "Writer", "build", "names", "writer"]

KINDS = frozenset({OrderPlaced.kind, ReturnChanged.kind})
"""The kinds of facts that letters read, whatever the journey reads."""
LONGEST_NAME = 40
"""A customer's name beyond this many characters is no name to greet anybody with."""
LONGEST_PRODUCT = 60
"""A product's name beyond this many characters is cut, so that a subject stays a subject."""
_MOST = 3
_KEPT_REFUSED = ("rejected", "expired")
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# People register as "WIN MONEY http://…" to have a shop mail their advertisement.
_NO_NAME = re.compile(r"[@/<>\\{}]|:|www\.|\A[^\w]*\Z", re.IGNORECASE)


@frozen
class Reader:
    """`customer`. `name`: as the customer gave it; "" when unknown or not fit for a greeting."""

    name: str


@frozen
class Writer:
    """`shop`. `url`: the site that the shop's links lead to; `email`: the sender's address."""

    name: str
    url: str
    email: str


@frozen
class LastOrder:
    """`last_order`. `date`: the customer's local day. `products`: names, none that was given back."""

    date: date
    products: tuple[str, ...]
    total: Money


@frozen
class Favourites:
    """`favourites`: at most three `products` and `categories` of two orders or more, the most frequent first."""

    products: tuple[str, ...]
    categories: tuple[str, ...]


@frozen(kw_only=True)
class Context:
    """Every name that a template knows.

    `last_order` and `days_silent` (since it, in local days) are None when no order is known: ask `{% if last_order %}`.
    `offer`: the opaque id of an offer, "" for none. `unsubscribe_url`: the signed link, "" on letters that are no
    promotion. `today`: the customer's local day.
    """

    customer: Reader
    shop: Writer
    last_order: LastOrder | None
    favourites: Favourites
    days_silent: int | None
    offer: str
    unsubscribe_url: str
    today: date

    def variables(self) -> dict[str, Any]:
        """The names as a mapping."""
        return {name: getattr(self, name) for name in names()}


_NAMES = tuple(attribute.name for attribute in attrs.fields(Context))


def names() -> tuple[str, ...]:
    """The names of the context."""
    return _NAMES


def writer(shop: Shop) -> Writer:
    """What letters say of the shop."""
    site = urlsplit(shop.base_url)
    return Writer(_line(shop.name), f"{site.scheme}://{site.netloc}/", shop.sender)


def build(
    shop: Writer, customer: Customer, facts: Iterable[Fact], at: datetime, *, offer: str, unsubscribe_url: str
) -> Context:
    """The context of one letter to `customer`, written at `at`; facts dated after it are not known yet."""
    zone = ZoneInfo(customer.timezone)
    today = at.astimezone(zone).date()
    known = [fact for fact in facts if fact.at <= at]
    gone = _given_back(known)
    orders = sorted([fact for fact in known if isinstance(fact, OrderPlaced)], key=_by_time)
    last = _last_order(orders[-1], zone, gone) if orders else None
    return Context(
        customer=Reader(_greetable(customer.name)),
        shop=shop,
        last_order=last,
        favourites=_favourites(orders, gone),
        days_silent=(today - last.date).days if last else None,
        offer=offer,
        unsubscribe_url=unsubscribe_url,
        today=today,
    )


def _by_time(order: OrderPlaced) -> tuple[datetime, str]:
    return order.at, order.id


def _last_order(order: OrderPlaced, zone: ZoneInfo, gone: frozenset[str]) -> LastOrder:
    products = dict.fromkeys(_product(line.name) for line in order.lines if line.product_id not in gone)
    total = Money(order.total, order.currency)
    return LastOrder(order.at.astimezone(zone).date(), tuple(name for name in products if name), total)


def _favourites(orders: Sequence[OrderPlaced], gone: frozenset[str]) -> Favourites:
    kept = [[line for line in order.lines if line.product_id not in gone] for order in reversed(orders)]
    return Favourites(
        products=_repeated({line.name: None for line in lines if line.name} for lines in kept),
        categories=_repeated({line.category: None for line in lines if line.category} for lines in kept),
    )


def _repeated(orders: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The names that at least two orders share; of equally frequent ones the latest first."""
    counts: dict[str, int] = {}
    for order in orders:
        for name in order:
            counts[name] = counts.get(name, 0) + 1
    ranked = sorted([name for name, count in counts.items() if count > 1], key=lambda name: -counts[name])
    return tuple(_product(name) for name in ranked[:_MOST] if _line(name))


def _given_back(facts: Iterable[Fact]) -> frozenset[str]:
    """Products that were sent back, or are on the way: nobody likes to be reminded of them."""
    returns = [fact for fact in facts if isinstance(fact, ReturnChanged)]
    if not returns:
        return frozenset()
    refused = {fact.return_id for fact in returns if fact.status in _KEPT_REFUSED}
    return frozenset(line.product_id for fact in returns if fact.return_id not in refused for line in fact.lines)


def _line(text: str) -> str:
    """The text on one line, without control characters."""
    return _BREAKS.sub(" ", text).strip()


def _product(name: str) -> str:
    name = _line(name)
    return name if len(name) <= LONGEST_PRODUCT else name[: LONGEST_PRODUCT - 1].rstrip() + "…"


def _greetable(name: str) -> str:
    name = _line(name)
    return "" if len(name) > LONGEST_NAME or _NO_NAME.search(name) else name
