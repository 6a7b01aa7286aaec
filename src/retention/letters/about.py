"""What one letter is about, beside its reader: the order, return, service, offer or risk that its run goes by.

Everything is read from the facts with the key of the run; what the facts do not say is None or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from attrs import frozen

from retention.facts import (
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
from retention.letters import links, localisation
from retention.letters.localisation import Money
from retention.letters.names import product
from retention.letters.words import Words, answers
from retention.people import Customer, Product, Shop
from retention.reasons import Reason

__all__ = ["Answer", "Ask", "Offer", "Pick", "Returned", "Risk", "Service", "offer", "order", "pick", "returned"]

F = TypeVar("F", bound=Fact)
T = TypeVar("T")
_INSTANT = timedelta(microseconds=1)


@frozen
class Offer:
    """`offer`. `words`: what it gives. `kind`: one of `offers.KINDS`, "" when only its `id` is known.

    `amount`: what it gives in money, perhaps 0; None for a discount, which has a `percent`. `code`: "" for none.
    `until`: the last local day. `url`: its own page.
    """

    id: str
    words: str
    kind: str = ""
    amount: Money | None = None
    percent: str = ""
    code: str = ""
    until: date | None = None
    url: str = ""


@frozen
class Returned:
    """`returned`. `products`: names. `reason`: its code, `group` its family, `why` a part of a sentence; "" if unknown.

    `status`: the last stage. `wanted`: what the customer would like instead, of `facts.QUESTIONS["remedy"]`, "" if they
    have not said so. `refund`: money that moved. `deadline`: until when the customer must act, a local day.
    `money_by`: until when the money is promised, once the parcel is here.
    """

    products: tuple[str, ...]
    reason: str
    group: str
    why: str
    status: str
    wanted: str
    refund: Money | None
    deadline: date | None
    money_by: date | None


@frozen
class Service:
    """`service`, cancelled: its `name`, "" if unknown, and the last `status`."""

    name: str
    status: str


@frozen
class Risk:
    """`risk` of a return: the `product`'s name, "" if unknown, and how it usually fits: "small", "large" or ""."""

    product: str
    fit: str


@frozen
class Pick:
    """One of `picks`: a product to look at; `url` "" and `price` None where the catalogue has none."""

    name: str
    url: str
    price: Money | None


@frozen
class Answer:
    """One answer to a `question`, both in words (`label`), and the `url` of the page that asks to confirm it."""

    question: str
    value: str
    label: str
    url: str


@frozen
class Ask:
    """`ask`: for each question its answers, made when a letter asks it."""

    _shop: Shop  # private: the sandbox keeps templates away from its secret
    _reader: Customer
    _about: str
    _words: Words

    def _of(self, question: str) -> tuple[Answer, ...]:
        language = self._reader.language
        return tuple(
            Answer(
                self._words.question(question, language),
                value,
                self._words.answer(question, value, language),
                links.answer_url(self._shop, self._reader.id, question, value, self._about),
            )
            for value in answers(question)
        )

    @property
    def away(self) -> tuple[Answer, ...]:
        """Why they stayed away."""
        return self._of("away")

    @property
    def product(self) -> tuple[Answer, ...]:
        """How the product is."""
        return self._of("product")

    @property
    def reason(self) -> tuple[Answer, ...]:
        """Why it goes back."""
        return self._of("reason")

    @property
    def remedy(self) -> tuple[Answer, ...]:
        """What is wanted instead."""
        return self._of("remedy")

    @property
    def service(self) -> tuple[Answer, ...]:
        """How the service was."""
        return self._of("service")


def offer(shop: Shop, customer: Customer, facts: Iterable[Fact], decision: Decision, words: Words) -> Offer | None:
    """The offer that the letter makes; of a granted one everything is known, of another its id."""
    if not decision.offer:
        return None
    granted = _last(facts, OfferDecided, lambda f: f.id == f"{decision.journey}/{decision.entry_key}")
    if granted is None or granted.offer != decision.offer or granted.expires_at is None:
        return Offer(decision.offer, words.offer("", customer.language, percent="", amount=""))
    percent = localisation.number(granted.amount * 100, customer.language)
    amount = Money(granted.amount, shop.currency)
    written = localisation.filters(customer.language, shop.currency)["money"](amount)
    is_share = granted.offer_kind == "discount"
    return Offer(
        granted.offer,
        words.offer(granted.offer_kind, customer.language, percent=percent, amount=written),
        granted.offer_kind,
        None if is_share else amount,
        percent if is_share else "",
        granted.code,
        (granted.expires_at - _INSTANT).astimezone(ZoneInfo(customer.timezone)).date(),
        links.coupon_url(shop, customer.id, granted.id),
    )


def returned(facts: Sequence[Fact], key: str, customer: Customer, refund_days: int, words: Words) -> Returned | None:
    """The return with this key."""
    mine = [fact for fact in facts if isinstance(fact, ReturnChanged) and fact.return_id == key]
    if not mine:
        return None
    zone = ZoneInfo(customer.timezone)
    reason = _answered(facts, key, "reason") or _said(mine, lambda fact: fact.reason or None) or ""
    paid = _said(mine, lambda fact: fact if fact.refund is not None else None)
    deadline = _said(mine, lambda fact: fact.deadline)
    arrived = next((fact.at for fact in mine if fact.status == "received"), None)
    return Returned(
        products=_names(_said(mine, lambda fact: fact.lines or None) or (), order(facts, key)),
        reason=reason,
        group=Reason(reason).group if reason in Reason.__members__ else "",
        why=words.why(reason, customer.language),
        status=mine[-1].status,
        wanted=_answered(facts, key, "remedy") or "",
        refund=Money(paid.refund, paid.currency) if paid and paid.refund is not None and paid.currency else None,
        deadline=deadline.astimezone(zone).date() if deadline else None,
        money_by=(arrived + timedelta(days=refund_days)).astimezone(zone).date() if arrived else None,
    )


def order(facts: Iterable[Fact], key: str) -> OrderPlaced | None:
    """The order with this key, or the one that the return with this key is of."""
    known = list(facts)
    back = _last(known, ReturnChanged, lambda fact: fact.return_id == key and bool(fact.order_id))
    wanted = back.order_id if back else key
    return _last(known, OrderPlaced, lambda fact: fact.id == wanted)


def service(facts: Iterable[Fact], key: str) -> Service | None:
    """The cancelled service with this key."""
    mine = [fact for fact in facts if isinstance(fact, ServiceCancellationChanged) and fact.key == key]
    return Service(product(_said(mine, lambda fact: fact.service or None) or ""), mine[-1].status) if mine else None


def risk(facts: Iterable[Fact], key: str) -> Risk | None:
    """What the scan found about the order with this key."""
    known = list(facts)
    found = _last(known, ReturnRiskFound, lambda fact: fact.order_id == key)
    if found is None:
        return None
    bought = order(known, key)
    names = [line.name for line in bought.lines if line.product_id == found.product_id] if bought else []
    return Risk(product(next(iter(names), "")), found.fit)


def pick(one: Product, currency: str) -> Pick:
    """A product of the catalogue as a letter shows it."""
    url = one.url if one.url.startswith(("https://", "http://")) else ""
    return Pick(product(one.name), url, Money(one.price, currency) if one.price else None)


def _last(facts: Iterable[Fact], of: type[F], holds: Callable[[F], bool]) -> F | None:
    found = None
    for fact in facts:
        if isinstance(fact, of) and holds(fact):
            found = fact
    return found


def _said(facts: Sequence[F], what: Callable[[F], T | None]) -> T | None:
    """The last word on something that not every fact repeats."""
    return next((said for fact in reversed(facts) if (said := what(fact))), None)


def _answered(facts: Iterable[Fact], key: str, question: str) -> str | None:
    """The customer's last answer; it says more than a code that somebody chose for them."""
    found = _last(facts, Answered, lambda fact: (fact.question, fact.about) == (question, key))
    return found.value if found else None


def _names(lines: Sequence[Line], bought: OrderPlaced | None) -> tuple[str, ...]:
    """What the lines are called, by the order where the return does not say."""
    called = {line.product_id: line.name for line in bought.lines} if bought else {}
    names = (product(line.name or called.get(line.product_id, "")) for line in lines)
    return tuple(dict.fromkeys(name for name in names if name))
