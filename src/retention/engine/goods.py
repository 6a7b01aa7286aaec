"""What was bought and what came back: the order lines of one shop, each beside its delivery and its return.

Reads the facts from the storage once and reads on where it stopped. Owns nothing that could not be read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from sys import intern
from threading import Lock
from typing import NamedTuple

from attrs import Factory, define

from retention.facts import (
    CustomerErased,
    CustomersMerged,
    DeliveryChanged,
    Fact,
    Line,
    OrderPlaced,
    ReturnChanged,
    ReturnRiskFound,
)
from retention.ports import Storage

__all__ = ["KEPT", "KINDS", "Back", "Bought", "Goods", "Piece"]

KINDS = (
    OrderPlaced.kind,
    DeliveryChanged.kind,
    ReturnChanged.kind,
    ReturnRiskFound.kind,
    CustomersMerged.kind,
    CustomerErased.kind,
)
"""The kinds of facts that are read here."""
KEPT = ("rejected", "expired")
"""How a return ends after which the customer has the goods all the same."""

_BATCH = 10_000


class Piece(NamedTuple):
    """A product in one size, as it stands in an order; `value`: of all pieces of it together."""

    product_id: str
    size: str
    category: str
    value: float


class Back(NamedTuple):
    """Why and when a piece came back: the return's first fact counts for the time, its last one for the reason."""

    at: datetime
    reason: str


class Bought(NamedTuple):
    """One order: `delivered`, None if nobody said so; `back`: of the pieces that came back, by their place."""

    customer_id: str
    id: str
    at: datetime
    pieces: tuple[Piece, ...]
    delivered: datetime | None
    back: Mapping[int, Back]


@define
class _Return:
    """What the facts about one return add up to; `goods`: product and size, "" for any; none for the whole order."""

    order_id: str
    begun: datetime
    told: datetime
    status: str
    reason: str
    goods: set[tuple[str, str]]

    def add(self, fact: ReturnChanged) -> None:
        self.begun = min(self.begun, fact.at)
        self.goods |= {(line.product_id, line.size) for line in fact.lines}
        self.order_id = self.order_id or fact.order_id
        if fact.at >= self.told:
            self.told, self.status, self.reason = fact.at, fact.status, fact.reason or self.reason
        else:
            self.reason = self.reason or fact.reason


@define
class _Customer:
    orders: dict[str, tuple[datetime, tuple[Piece, ...]]] = Factory(dict)
    returns: dict[str, _Return] = Factory(dict)
    delivered: dict[str, datetime] = Factory(dict)

    def take_over(self, other: _Customer) -> None:
        self.orders |= other.orders
        self.returns |= other.returns
        self.delivered |= other.delivered

    def came_back(self, now: datetime) -> dict[str, dict[int, Back]]:
        """Of each order the pieces that came back until `now`."""
        found: dict[str, dict[int, Back]] = {}
        for told in self.returns.values():
            if told.begun > now or told.status in KEPT:
                continue
            for order_id, place in self._meant(told):
                found.setdefault(order_id, {})[place] = Back(told.begun, told.reason)
        return found

    def _meant(self, told: _Return) -> Iterator[tuple[str, int]]:
        """The pieces that a return is about; one that names no order is about the last that fits."""
        if told.order_id:
            candidates = [told.order_id] if told.order_id in self.orders else []
        else:
            candidates = sorted(self.orders, key=lambda name: (self.orders[name][0], name), reverse=True)
        for order_id in candidates:
            at, pieces = self.orders[order_id]
            places = [place for place, piece in enumerate(pieces) if _is_of(piece, told.goods)]
            if places and at <= told.begun:
                yield from ((order_id, place) for place in places)
                return


def _is_of(piece: Piece, goods: Collection[tuple[str, str]]) -> bool:
    return not goods or (piece.product_id, piece.size) in goods or (piece.product_id, "") in goods


class Goods:
    """All order lines of one shop; `judged`: the orders whose risk of return was found before."""

    def __init__(self) -> None:
        self.judged: set[str] = set()
        self.delivers = False
        """Whether the shop tells of deliveries at all."""
        self._cursor = 0
        self._customers: dict[str, _Customer] = {}
        self._lock = Lock()

    def orders(self, storage: Storage, now: datetime) -> list[Bought]:
        """Every order placed until `now` by a customer whom the shop has not forgotten."""
        with self._lock:
            self._read(storage)
            return self.bought(now)

    def bought(self, now: datetime) -> list[Bought]:
        """The same of what was taken in so far."""
        return [bought for name, customer in self._customers.items() for bought in _bought(name, customer, now)]

    def _read(self, storage: Storage) -> None:
        while True:
            batch, self._cursor = storage.facts(KINDS, self._cursor, _BATCH)
            if not batch:
                return
            for owner, fact in batch:
                self.take(owner, fact)

    def take(self, owner: str, fact: Fact) -> None:
        """Note a fact and the customer it belongs to now; facts come in the order in which they were recorded."""
        if isinstance(fact, OrderPlaced):
            self._of(owner).orders[fact.id] = fact.at, _pieces(fact)
        elif isinstance(fact, ReturnChanged):
            self._of(owner).returns.setdefault(
                fact.return_id, _Return(fact.order_id, fact.at, fact.at, fact.status, fact.reason, set())
            ).add(fact)
        elif isinstance(fact, DeliveryChanged):
            self._deliver(self._of(owner), fact)
        elif isinstance(fact, ReturnRiskFound):
            self.judged.add(fact.order_id)
        elif isinstance(fact, CustomersMerged):
            # The owner is whose file it is by now: both ids are theirs, whatever was merged in between.
            for name in {fact.customer_id, fact.into} - {owner}:
                self._of(owner).take_over(self._customers.pop(name, _Customer()))
        elif isinstance(fact, CustomerErased):
            self._customers.pop(owner, None)
            self._customers.pop(fact.customer_id, None)

    def _of(self, name: str) -> _Customer:
        known = self._customers.get(name)
        if known is None:  # `setdefault` would make a customer for every order
            known = self._customers[name] = _Customer()
        return known

    def _deliver(self, customer: _Customer, fact: DeliveryChanged) -> None:
        if fact.status == "delivered":
            self.delivers = True
            customer.delivered[fact.order_id] = min(fact.at, customer.delivered.get(fact.order_id, fact.at))


def _pieces(order: OrderPlaced) -> tuple[Piece, ...]:
    if len(order.lines) == 1:  # most orders of most shops, in two thirds of the time
        return (_piece(order.lines[0]),)
    found: dict[tuple[str, str], Piece] = {}
    for piece in map(_piece, order.lines):
        known = found.get(piece[:2])
        found[piece[:2]] = piece._replace(value=known.value + piece.value) if known else piece
    return tuple(found.values())


def _piece(line: Line) -> Piece:
    # The parts of a million lines are few: each is kept once.
    return Piece(intern(line.product_id), intern(line.size), intern(line.category), float(line.price * line.quantity))


def _bought(name: str, customer: _Customer, now: datetime) -> Iterator[Bought]:
    back = customer.came_back(now) if customer.returns else {}
    for order_id, (at, pieces) in customer.orders.items():
        if at <= now:
            yield Bought(name, order_id, at, pieces, customer.delivered.get(order_id), back.get(order_id, {}))
