"""What a letter may say: the closed list of names that every template can use, and nothing else.

It is made of what is known of one customer at one moment. Names come from strangers (a registration form, a
catalogue), so they are made fit for a sentence here, once; escaping for HTML is the templates' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from retention.facts import (
    Answered,
    Fact,
    OfferDecided,
    OrderPlaced,
    ReturnChanged,
    ReturnRiskFound,
    ServiceCancellationChanged,
)
from retention.journey.ledger import Decision
from retention.letters import about, links
from retention.letters.localisation import Money
from retention.letters.names import greetable, line, product
from retention.letters.words import Words, ours
from retention.people import Customer, Product, Shop

__all__ = ["KINDS", "Context", "Favourites", "LastOrder", "Reader", "Writer", "build", "names", "writer"]

KINDS = frozenset(
    kind.kind
    for kind in (OrderPlaced, ReturnChanged, OfferDecided, Answered, ReturnRiskFound, ServiceCancellationChanged)
)
"""The kinds of facts that letters read, whatever the journey reads."""
_MOST = 3
_KEPT_REFUSED = ("rejected", "expired")


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
    """`last_order`, `order`. `date`: the customer's local day. `products`: names, in `last_order` none given back."""

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

    What is not known is None (ask `{% if returned %}`) or empty: `last_order` and `days_silent` (since it, in local
    days); `offer`, the one that the letter makes; and what the run is about: `order`, `returned`, `service`, `risk`.
    `picks`: products to look at. `ask`: answers to questions, with their links. `unsubscribe_url`, `preferences_url`:
    signed links, the first "" on letters that are no promotion. `today`: the customer's local day.
    """

    customer: Reader
    shop: Writer
    last_order: LastOrder | None
    favourites: Favourites
    days_silent: int | None
    offer: about.Offer | None
    order: LastOrder | None
    returned: about.Returned | None
    service: about.Service | None
    risk: about.Risk | None
    picks: tuple[about.Pick, ...]
    ask: about.Ask
    unsubscribe_url: str
    preferences_url: str
    today: date

    def variables(self) -> dict[str, Any]:
        """The names as a mapping."""
        return {name: getattr(self, name) for name in names()}


_NAMES = tuple(attribute.name for attribute in attrs.fields(Context))


def names() -> tuple[str, ...]:
    """The names of the context."""
    return _NAMES


@lru_cache(maxsize=64)
def writer(shop: Shop) -> Writer:
    """What letters say of the shop."""
    site = urlsplit(shop.base_url)
    return Writer(line(shop.name), f"{site.scheme}://{site.netloc}/", shop.sender)


def build(
    shop: Shop,
    customer: Customer,
    facts: Iterable[Fact],
    at: datetime,
    *,
    decision: Decision | None = None,
    unsubscribe_url: str = "",
    picks: Sequence[Product] = (),
    words: Words | None = None,
) -> Context:
    """The context of one letter to `customer`, written at `at`; facts dated after it are not known yet.

    `decision`: what asks for the letter. `picks`: products of the catalogue to show. `words`: what questions,
    answers, offers and reasons are called; the library's when None.
    """
    zone = ZoneInfo(customer.timezone)
    today = at.astimezone(zone).date()
    known = sorted([fact for fact in facts if fact.at <= at], key=_by_time)
    gone = _given_back(known)
    orders = [fact for fact in known if isinstance(fact, OrderPlaced)]
    last = _order(orders[-1], zone, gone) if orders else None
    key = decision.entry_key if decision else ""
    said = ours() if words is None else words
    own = about.order(known, key) if key else None
    return Context(
        customer=Reader(greetable(customer.name)),
        shop=writer(shop),
        last_order=last,
        favourites=_favourites(orders, gone),
        days_silent=(today - last.date).days if last else None,
        offer=about.offer(shop, customer, known, decision, said) if decision else None,
        order=_order(own, zone, frozenset()) if own else None,
        returned=about.returned(known, key, customer, shop.refund_days, said),
        service=about.service(known, key),
        risk=about.risk(known, key),
        picks=tuple(about.pick(one, shop.currency) for one in picks if product(one.name)),
        ask=about.Ask(shop, customer, key, said),
        unsubscribe_url=unsubscribe_url,
        preferences_url=links.preferences_url(shop, customer.id),
        today=today,
    )


def _by_time(fact: Fact) -> tuple[datetime, str]:
    return fact.at, fact.id


def _order(bought: OrderPlaced, zone: ZoneInfo, gone: frozenset[str]) -> LastOrder:
    products = dict.fromkeys(product(one.name) for one in bought.lines if one.product_id not in gone)
    total = Money(bought.total, bought.currency)
    return LastOrder(bought.at.astimezone(zone).date(), tuple(name for name in products if name), total)


def _favourites(orders: Sequence[OrderPlaced], gone: frozenset[str]) -> Favourites:
    kept = [[one for one in order.lines if one.product_id not in gone] for order in reversed(orders)]
    return Favourites(
        products=_repeated({one.name: None for one in lines if one.name} for lines in kept),
        categories=_repeated({one.category: None for one in lines if one.category} for lines in kept),
    )


def _repeated(orders: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The names that at least two orders share; of equally frequent ones the latest first."""
    counts: dict[str, int] = {}
    for order in orders:
        for name in order:
            counts[name] = counts.get(name, 0) + 1
    named = [name for name, count in counts.items() if count > 1 and product(name)]
    return tuple(product(name) for name in sorted(named, key=lambda name: -counts[name])[:_MOST])


def _given_back(facts: Iterable[Fact]) -> frozenset[str]:
    """Products that were sent back, or are on the way: nobody likes to be reminded of them."""
    returns = [fact for fact in facts if isinstance(fact, ReturnChanged)]
    if not returns:
        return frozenset()
    refused = {fact.return_id for fact in returns if fact.status in _KEPT_REFUSED}
    return frozenset(one.product_id for fact in returns if fact.return_id not in refused for one in fact.lines)
