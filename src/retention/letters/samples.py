"""Invented customers that show what a letter must cope with: everything known, nothing known, and names that bite.

For checks and previews. Plain data; no letter is ever sent to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import evolve, frozen

from retention.facts import (
    RETURN_STATUSES,
    SERVICE_STATUSES,
    Answered,
    Fact,
    Line,
    OfferDecided,
    OrderPlaced,
    ReturnChanged,
    ReturnRiskFound,
    ServiceCancellationChanged,
)
from retention.journey.ledger import Decision
from retention.letters.names import LONGEST_NAME, LONGEST_PRODUCT
from retention.people import Customer, Product, Shop
from retention.reasons import Reason

__all__ = [
    "KEY",
    "MARKUP",
    "NOW",
    "PRODUCTS",
    "SERVICES",
    "Sample",
    "ago",
    "answered",
    "granted",
    "line",
    "order",
    "samples",
    "typical",
]

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When the sample letters are written."""
MARKUP = '<i title="R&D">'
"""Part of a product's name: must never appear in HTML as it is."""
_NAMES = {"en": "Anna", "ru": "Анна"}
SERVICES = {"en": "Monthly tea parcel", "ru": "Ежемесячная посылка с чаем"}
PRODUCTS = {
    "en": (("Linen apron", "kitchen"), ("Blue teapot", "kitchen"), ("Wool throw", "home")),
    "ru": (("Льняной фартук", "кухня"), ("Синий чайник", "кухня"), ("Шерстяной плед", "дом")),
}


KEY = "the run"
"""What the sample letters' runs are about."""
_OFFERS = {
    "discount": "0.15", "fixed_amount": "10", "gift": "9.90", "points": "5", "free_shipping": "0", "free_exchange": "0",
    "store_credit": "20",
}  # fmt: skip


@frozen
class Sample:
    """An invented customer with their facts, an offer for the letter and products to show."""

    customer: Customer
    facts: tuple[Fact, ...] = ()
    offer: str = ""
    picks: tuple[Product, ...] = ()

    def decision(self, template: str = "", *, promotional: bool = True, subject: str = "subject") -> Decision:
        """What asks for the sample's letter."""
        return Decision(
            kind="send",
            journey="sample",
            entry_key=KEY,
            version=1,
            at=NOW,
            template=template,
            subject=subject,
            offer=self.offer,
            promotional=promotional,
        )


def typical(shop: Shop, language: str) -> Sample:
    """A customer of whom everything is known: a name, two orders, a return that has arrived, an offer, a service."""
    customer = Customer(
        id="sample", timezone=shop.timezone, language=language, name=_NAMES[language], email="sample@example.com"
    )
    apron, teapot, throw = (line(name, category) for name, category in PRODUCTS[language])
    bought = evolve(order(shop, 61, throw, apron), id="bought")
    ended = _service("ended", SERVICES[language])
    risky = ReturnRiskFound(id="bought", customer_id="sample", at=ago(40), order_id=KEY, product_id=throw.product_id)
    return Sample(
        customer,
        (
            order(shop, 150, apron, teapot),
            bought,
            *_returned(shop, "SIZE_TOO_SMALL", throw, stages=("requested", "received")),
            ended,
            evolve(risky, fit="small"),
            granted("discount", code="QGEQ-T3XV-85AY"),
        ),
        "sample-offer",
        _picks(language, 3),
    )


def samples(shop: Shop, language: str) -> Iterator[Sample]:
    """Customers of every sort: the first three stand for all, the others for each thing that may be known or missing.

    No name, no order, an order without products, many, names that bite; each offer with and without a code; each
    reason and stage of a return; services, risks, and any number of products to show.
    """
    full = typical(shop, language)
    nameless = evolve(full.customer, name="")
    yield full
    yield Sample(nameless)
    long = evolve(full.customer, name="W" * LONGEST_NAME)
    yield Sample(long, tuple(order(shop, d, *_bulky()) for d in (102, 5)) + _everything_bites(shop), "sample-offer")
    yield Sample(nameless, full.facts)
    yield Sample(full.customer)
    yield Sample(full.customer, (order(shop, 1),))
    yield Sample(nameless, (order(shop, 0, line("")),), "an-offer-of-the-hosts")
    yield Sample(full.customer, (order(shop, 11, line("Soap")),))
    yield Sample(nameless, tuple(order(shop, days, *_bulky()) for days in (400, 21)))
    yield from _with_offers(full)
    yield from _with_returns(shop, full)
    yield from (evolve(full, facts=(*full.facts, _service(status, ""))) for status in SERVICE_STATUSES)
    yield from (evolve(full, picks=_picks(language, n)) for n in (0, 1))


def _with_offers(full: Sample) -> Iterator[Sample]:
    rest = tuple(fact for fact in full.facts if not isinstance(fact, OfferDecided))
    for kind in _OFFERS:
        for code in ("", "QGEQ-T3XV-85AY"):
            yield evolve(full, facts=(*rest, granted(kind, code=code)))
    yield evolve(full, facts=rest, offer="")


def _with_returns(shop: Shop, full: Sample) -> Iterator[Sample]:
    rest = tuple(fact for fact in full.facts if not isinstance(fact, ReturnChanged | ReturnRiskFound))
    lines = (line("Soap"), line("Towel"))
    for reason in ("", "OF_OUR_OWN", *Reason):
        yield evolve(full, facts=rest + _returned(shop, reason, lines[0], stages=("requested",)))
    for stage in RETURN_STATUSES:
        yield evolve(full, facts=rest + _returned(shop, "DEFECTIVE", *lines, stages=("requested", stage)), offer="")
    yield evolve(full, facts=_returned(shop, "", stages=("requested", "refunded")))
    told = _returned(shop, "OTHER", *_bulky()[:5], stages=("requested", "received"))
    for question, value in (("reason", "SIZE_TOO_SMALL"), ("remedy", "exchange")):
        yield evolve(full, facts=(*rest, *told, answered(question, value)))


def _everything_bites(shop: Shop) -> tuple[Fact, ...]:
    bulky = _bulky()
    risky = ReturnRiskFound(id="x", customer_id="sample", at=ago(2), order_id=KEY, product_id=bulky[0].product_id)
    stages = ("requested", "approved", "refunded")
    return (*_returned(shop, "STYLE", *bulky, stages=stages), _service("ended", MARKUP * 9), risky, granted("gift"))


def _returned(shop: Shop, reason: str, *lines: Line, stages: Sequence[str]) -> tuple[Fact, ...]:
    last = len(stages) - 1
    return tuple(
        ReturnChanged(
            id=f"return-{n}",
            customer_id="sample",
            at=ago(9 - n),
            return_id=KEY,
            order_id="bought",
            status=stage,
            reason=reason,
            lines=lines,
            deadline=NOW + timedelta(days=8) if n < last or not last else None,
            refund=Decimal("24.50") if stage == "refunded" else None,
            currency=shop.currency,
        )
        for n, stage in enumerate(dict.fromkeys(stages))
    )


def answered(question: str, value: str) -> Fact:
    """An answer to a letter of the run."""
    return Answered(id=question, customer_id="sample", at=ago(1), question=question, value=value, about=KEY)


def _service(status: str, name: str) -> Fact:
    about = {"id": f"service-{status}", "customer_id": "sample", "cancellation_id": KEY, "service": name}
    return ServiceCancellationChanged(**about, at=ago(3), status=status)


def granted(kind: str, code: str = "") -> Fact:
    """The offer of the run, granted."""
    return OfferDecided(
        id=f"sample/{KEY}",
        customer_id="sample",
        at=ago(0),
        journey="sample",
        about=KEY,
        offer="sample-offer",
        offer_kind=kind,
        amount=Decimal(_OFFERS[kind]),
        code=code,
        expires_at=NOW + timedelta(days=14),
    )


def _picks(language: str, number: int) -> tuple[Product, ...]:
    prices = (Decimal("18.90"), Decimal(0), Decimal(42))
    urls = ("https://shop.example/p/1", "", "https://shop.example/p/3?ref=<letter>&x=1")
    shown = zip(PRODUCTS[language], prices, urls, strict=True)
    found = tuple(Product(id=url or name, name=name, price=price, url=url) for (name, _), price, url in shown)
    return found[:number]


def ago(days: int) -> datetime:
    """An hour and so many days before the letter."""
    return NOW - timedelta(days=days, hours=1)


def _bulky() -> list[Line]:
    return [line(f"{MARKUP}{number:02}".ljust(LONGEST_PRODUCT, "W")) for number in range(30)]


def line(name: str, category: str = "") -> Line:
    """One of a product."""
    return Line(product_id=name or "unnamed", name=name, category=category, price=Decimal("24.50"))


def order(shop: Shop, days_ago: int, *lines: Line) -> OrderPlaced:
    """An order; its id is how many days ago it was."""
    return OrderPlaced(id=str(days_ago), customer_id="sample", at=ago(days_ago), currency=shop.currency, lines=lines)
