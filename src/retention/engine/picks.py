"""Products for a letter: what one customer may like, out of what they bought, sent back and said.

`pick` is the choice itself, a pure function of the customer's facts. `Picks` keeps what it chooses from: the shop's
catalogue, asked once per tick, and which products the same customers keep, learned at most once a day.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from threading import Lock
from typing import TypeAlias
from zoneinfo import ZoneInfo

from attrs import frozen

from retention import _sizes, alternatives
from retention.alternatives import Catalogue, Similar
from retention.engine.goods import Goods
from retention.engine.trouble import trouble
from retention.errors import InvalidInput
from retention.facts import RETURN_ENDS, Fact, OrderPlaced, PreferenceStated, ReturnChanged
from retention.people import Product
from retention.ports import Storage
from retention.reasons import Reason

__all__ = ["KINDS", "Picks", "Products", "pick"]

log = logging.getLogger("retention.engine")

Products: TypeAlias = Sequence[Product] | Callable[[], Sequence[Product]]
KINDS = frozenset({OrderPlaced.kind, ReturnChanged.kind, PreferenceStated.kind})
"""The kinds of facts that the choice rests on."""

_REMEMBERED = 10
"""So many products of a customer's past are looked at, the latest first."""
_EACH = 10
"""So many candidates does each source give at most."""
_LOOKED_AT = 200
"""So far down a category's list, where most may be sold out."""


@frozen
class _Touched:
    """A product of the customer's past: `reason`, None for what was kept."""

    at: datetime
    product_id: str
    category: str
    reason: Reason | None


@frozen
class _Past:
    """What the facts say: `touched`, the latest first; `avoid`, never to propose; `wishes`, by topic."""

    touched: tuple[_Touched, ...]
    avoid: frozenset[str]
    wishes: Mapping[str, str]


def pick(catalogue: Catalogue, similar: Similar, facts: Iterable[Fact], *, limit: int = 3) -> tuple[Product, ...]:
    """Up to `limit` products to show to the customer of `facts`, the best first; pieces of one model count as one.

    Candidates are what others bought with the products that were kept and what stands in for those that came back,
    the latest first, then what sells best in categories wished for and bought from. Wishes (`PreferenceStated`: topics
    "category", "color", "size", and "color/…" or "size/…" for one category) put a product first; one in a size that
    is not theirs is left out. Never there: what is sold out, what came back and was not bought again, what is on its
    way back, what they have, unless they order it again and again, and the same model in another size than theirs.
    """
    past = _past(facts)
    found = dict.fromkeys(product.id for product in _candidates(catalogue, similar, past))
    wished = sorted(found, key=lambda name: -_fulfilled(catalogue.products[name], past.wishes))
    models: dict[str, Product] = {}
    for product in (catalogue.products[name] for name in wished):
        models.setdefault(f"model {product.model}" if product.model else f"id {product.id}", product)
    return tuple(islice(models.values(), limit))


def _past(facts: Iterable[Fact]) -> _Past:
    facts = sorted(facts, key=lambda fact: (fact.at, fact.id))
    orders = {fact.id: fact for fact in facts if isinstance(fact, OrderPlaced)}
    times = Counter(name for order in orders.values() for name in {line.product_id for line in order.lines})
    touched = {
        line.product_id: _Touched(order.at, line.product_id, line.category, None)
        for order in orders.values()
        for line in order.lines
    }
    returned, avoid = _returned(facts, orders, touched)
    owned = {name for name, count in times.items() if count == 1}
    latest = sorted(sorted((touched | returned).values(), key=lambda t: t.product_id), key=lambda t: t.at, reverse=True)
    wishes = {fact.topic: fact.value for fact in facts if isinstance(fact, PreferenceStated)}
    return _Past(tuple(latest[:_REMEMBERED]), frozenset(avoid | owned), wishes)


def _returned(
    facts: Iterable[Fact], orders: Mapping[str, OrderPlaced], kept: Mapping[str, _Touched]
) -> tuple[dict[str, _Touched], set[str]]:
    """The products that were given back last, and all that are not to be proposed for it."""
    stages: dict[str, list[ReturnChanged]] = {}
    for fact in facts:
        if isinstance(fact, ReturnChanged):
            stages.setdefault(fact.return_id, []).append(fact)
    returned: dict[str, _Touched] = {}
    avoid: set[str] = set()
    for told in stages.values():
        reason = next((_reason(fact.reason) for fact in reversed(told) if fact.reason), Reason.OTHER)
        for name, category in _goods(told, orders).items():
            is_open = told[-1].status not in RETURN_ENDS
            if is_open or name not in kept or kept[name].at <= told[0].at:
                avoid.add(name)
                known = category or (kept[name].category if name in kept else "")
                returned[name] = _Touched(told[-1].at, name, known, reason)
    return returned, avoid


def _goods(told: Sequence[ReturnChanged], orders: Mapping[str, OrderPlaced]) -> dict[str, str]:
    """The products that a return is about, and their categories: the whole order, if it names none."""
    lines = [line for fact in told for line in fact.lines]
    if not lines:
        lines = [line for fact in told if fact.order_id in orders for line in orders[fact.order_id].lines]
    return {line.product_id: line.category for line in lines}


def _reason(code: str) -> Reason:
    # Nobody knows what to propose for a shop's own reason: not the same in another size.
    return Reason(code) if code in Reason.__members__ else Reason.OTHER


def _candidates(catalogue: Catalogue, similar: Similar, past: _Past) -> Iterator[Product]:
    worn = _worn(catalogue, past)

    def may(product: Product) -> bool:
        other_size = product.model in worn and product.size not in worn[product.model]
        return product.in_stock and product.id not in past.avoid and not other_size and _fits(product, past.wishes)

    for one in past.touched:
        if one.reason is None:
            near = (catalogue.products.get(name) for name, _ in similar.near(one.product_id))
            yield from islice((product for product in near if product and may(product)), _EACH)
        elif one.product_id in catalogue.products:
            found = alternatives.suggest(
                catalogue, similar, one.product_id, reason=one.reason, avoid=past.avoid, limit=_EACH
            )
            # After a size that did not fit, the size once stated is no guide; nor is one needed that was bought since.
            yield from (
                a.product for a in found if may(a.product) or (a.sort == "size" and a.product.model not in worn)
            )
    for category in _categories(catalogue, past):
        yield from islice(filter(may, islice(catalogue.popular(category), _LOOKED_AT)), _EACH)


def _worn(catalogue: Catalogue, past: _Past) -> dict[str, set[str]]:
    """The models that the customer has, and in which sizes: another size of the same is no use to them."""
    worn: dict[str, set[str]] = {}
    for one in past.touched:
        product = catalogue.products.get(one.product_id)
        if one.reason is None and product is not None and product.model:
            worn.setdefault(product.model, set()).add(product.size)
    return worn


def _categories(catalogue: Catalogue, past: _Past) -> Iterable[str]:
    """The category wished for, then those bought from, each once."""
    known = [(catalogue.products.get(one.product_id), one.category) for one in past.touched]
    bought_from = [product.category if product else category for product, category in known]
    return dict.fromkeys([past.wishes.get("category", ""), *bought_from])


def _said(product: Product, wishes: Mapping[str, str], topic: str) -> str:
    """What the customer said on a topic for products like this one, "" for nothing."""
    return wishes.get(f"{topic}/{product.category}") or wishes.get(topic, "")


def _fits(product: Product, wishes: Mapping[str, str]) -> bool:
    """Whether the product is not in a size that is somebody else's."""
    size = _said(product, wishes, "size")
    if not size or not product.size or _same(size, product.size):
        return True
    mine, its = _sizes.place(size), _sizes.place(product.size)
    return mine is None or its is None or mine.scale != its.scale or mine == its


def _fulfilled(product: Product, wishes: Mapping[str, str]) -> int:
    """How many of the customer's wishes for a category and a colour the product fulfils."""
    return _same(wishes.get("category", ""), product.category) + _same(_said(product, wishes, "color"), product.color)


def _same(wish: str, value: str) -> bool:
    return wish != "" and wish.strip().casefold() == value.strip().casefold()


class Picks:
    """The shop's catalogue and what its customers buy together, ready for the next letter."""

    def __init__(self, products: Products, goods: Goods, storage: Storage, timezone: str) -> None:
        """Raises `InvalidInput` for a list that is no catalogue; one that is asked for is checked when it comes."""
        self._products, self._goods, self._storage = products, goods, storage
        self._zone = ZoneInfo(timezone)
        self._day: date | None = None
        self._similar = alternatives.fit([], [])
        self._catalogue: Catalogue | None = None
        self._lock = Lock()
        if not callable(products):
            _catalogue(products, self._similar)

    def renew(self) -> None:
        """Ask for the catalogue again before the next letter, if it can change."""
        if callable(self._products):
            with self._lock:
                self._catalogue = None

    def of(self, facts: Iterable[Fact], now: datetime) -> tuple[Product, ...]:
        """Up to three products for a letter written at `now` to the customer of `facts`."""
        with self._lock:
            catalogue = self._ready(now)
            similar = self._similar
        return pick(catalogue, similar, facts)

    def _ready(self, now: datetime) -> Catalogue:
        today = now.astimezone(self._zone).date()
        if self._day != today:
            kept = _kept(self._goods, self._storage, now)
            self._similar = alternatives.fit(*kept)
            self._day, self._catalogue = today, None
        if self._catalogue is None:
            self._catalogue = self._asked()
        return self._catalogue

    def _asked(self) -> Catalogue:
        """The catalogue as it is now; if the host cannot tell, letters go without products, but they go."""
        try:
            return _catalogue(self._products() if callable(self._products) else self._products, self._similar)
        except Exception as error:  # noqa: BLE001 - the host's own code can break in any way
            log.error("the catalogue cannot be read; letters go without products: %s", trouble(error))  # noqa: TRY400 - one line
            return Catalogue.of((), self._similar)


def _kept(goods: Goods, storage: Storage, now: datetime) -> tuple[list[str], list[str]]:
    """Who kept which product, in two columns."""
    pairs = [
        (order.customer_id, piece.product_id)
        for order in goods.orders(storage, now)
        for place, piece in enumerate(order.pieces)
        if place not in order.back
    ]
    return [customer for customer, _ in pairs], [product for _, product in pairs]


def _catalogue(products: Sequence[Product], similar: Similar) -> Catalogue:
    for product in products:
        if not isinstance(product, Product):
            raise InvalidInput(f"products: {product!r} is no Product; build one with people.Product(…)")
    return Catalogue.of(products, similar)
