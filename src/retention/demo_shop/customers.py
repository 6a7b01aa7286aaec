"""The customers at large: what each of them does next, as facts, and how they take a letter.

Everything that chance decides was drawn before (`lives`); here it only happens, in the order of time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple, TypeVar

from retention.demo_shop import catalogue
from retention.demo_shop.lives import DAY, Lives
from retention.demo_shop.worlds import World
from retention.facts import ConsentChanged, Fact, Line, OrderPlaced, ProfileChanged, ReturnChanged

__all__ = ["Customers"]

T = TypeVar("T")

_HOUR = 3_600
_JOINS_BEFORE = 300
_SENT_BACK_AFTER = 6 * DAY
_REFUNDED_AFTER = 9 * DAY


class _Event(NamedTuple):
    """What a customer does at a second; `order`: the id of the order that it is about."""

    at: int
    customer: int
    what: str
    order: str = ""


class Customers:
    """All customers of one simulation under way; they are rows of `lives`, times are seconds from `origin`.

    `tally`: what letters did so far: "unsubscribed" customers, orders "won" and "lost". `profit`: of those orders.
    `sent_back`: who has returned something.
    """

    def __init__(self, world: World, lives: Lives, *, origin: datetime, currency: str) -> None:
        self.world, self.lives, self.origin, self.currency = world, lives, origin, currency
        width = len(str(world.customers))
        self.ids = [f"c{number:0{width}}" for number in range(1, world.customers + 1)]
        self.tally: Counter[str] = Counter()
        self.profit = 0.0
        self.sent_back: set[int] = set()
        self._events = list(self._unaided())
        heapify(self._events)
        self._placed = [0] * world.customers
        self._returned: dict[str, OrderPlaced] = {}
        self._won_until = [0] * world.customers
        self._sulks_until = [0] * world.customers

    def email(self, customer: int) -> str:
        """The customer's address."""
        return f"{self.ids[customer]}@mail.example"

    def _unaided(self) -> Iterator[_Event]:
        for customer, times in enumerate(self.lives.unaided):
            if times:
                yield _Event(times[0] - _JOINS_BEFORE, customer, "joins")
            for at in times:
                yield _Event(at, customer, "orders")

    def facts(self, until: int) -> Iterator[Fact]:
        """What happened since the last call, up to and including second `until`, in the order of time."""
        while self._events and self._events[0].at <= until:
            yield from self._happens(heappop(self._events))

    def read(self, customer: int, at: int) -> None:
        """A letter arrives."""
        response = self.lives.response[at // DAY, customer]
        if response < self.world.wins:
            self._is_won(customer, at)
        elif response >= 1 - self.world.annoys:
            self.tally["unsubscribed"] += 1
            self._sulks_until[customer] = at + self.world.sulk_days * DAY
            heappush(self._events, _Event(at + _HOUR, customer, "unsubscribes"))

    def _is_won(self, customer: int, at: int) -> None:
        """An order more, unless they would have come anyway, or an earlier letter's order is on its way."""
        if self._won_until[customer] > at or self.lives.orders_between(customer, at, at + self.world.anyway_days * DAY):
            return
        self._won_until[customer] = at + _HOUR + int(self.lives.pause[at // DAY, customer])
        heappush(self._events, _Event(self._won_until[customer], customer, "comes_back"))

    # What happens, as facts.

    def _happens(self, event: _Event) -> Iterator[Fact]:
        match event.what:
            case "joins":
                return self._joins(event)
            case "orders" | "comes_back":
                return self._orders(event)
            case "sends_back":
                return self._sends_back(event)
            case "is_refunded":
                return self._is_refunded(event)
            case _:
                return self._unsubscribes(event)

    def _at(self, event: _Event) -> datetime:
        return self.origin + timedelta(seconds=event.at)

    def _joins(self, event: _Event) -> Iterator[Fact]:
        reads, agrees, called, lives_in = self.lives.person[event.customer].tolist()
        customer_id, at = self.ids[event.customer], self._at(event)
        language = "ru" if reads < self.world.russian else "en"
        yield ProfileChanged(
            id=f"{customer_id}-profile",
            customer_id=customer_id,
            at=at,
            name=_pick(catalogue.NAMES[language], called),
            email=self.email(event.customer),
            language=language,
            timezone=_pick(catalogue.ZONES[language], lives_in),
        )
        if agrees < self.world.consent:
            yield ConsentChanged(id=f"{customer_id}-agrees", customer_id=customer_id, at=at, granted=True)

    def _orders(self, event: _Event) -> Iterator[Fact]:
        comes = event.at > self._sulks_until[event.customer]
        aided = event.what == "comes_back"
        if aided == comes:
            self.tally["won" if aided else "lost"] += 1
            self.profit += self._earns(event) if aided else -self._earns(event)
        if comes:
            yield self._order(event)

    def _order(self, event: _Event) -> OrderPlaced:
        customer_id = self.ids[event.customer]
        self._placed[event.customer] += 1
        order = OrderPlaced(
            id=f"{customer_id}-{self._placed[event.customer]}",
            customer_id=customer_id,
            at=self._at(event),
            currency=self.currency,
            lines=self._basket(event),
        )
        if self._goes_back(event):
            self._returned[order.id] = order
            heappush(self._events, _Event(event.at + _SENT_BACK_AFTER, event.customer, "sends_back", order.id))
        return order

    def _basket(self, event: _Event) -> tuple[Line, ...]:
        likely = catalogue.BASKETS[self.lives.favourite[event.customer]]
        return _pick(likely, self.lives.basket[event.at // DAY, event.customer])

    def _goes_back(self, event: _Event) -> bool:
        return bool(self.lives.fate[event.at // DAY, event.customer] < self.world.sent_back)

    def _earns(self, event: _Event) -> float:
        total = sum(float(line.price) * line.quantity for line in self._basket(event))
        return 0.0 if self._goes_back(event) else self.world.margin * total

    def _sends_back(self, event: _Event) -> Iterator[Fact]:
        self.sent_back.add(event.customer)
        heappush(self._events, event._replace(at=event.at + _REFUNDED_AFTER, what="is_refunded"))
        yield self._return(event, "requested")

    def _is_refunded(self, event: _Event) -> Iterator[Fact]:
        yield self._return(event, "refunded")

    def _return(self, event: _Event, status: str) -> ReturnChanged:
        order = self._returned[event.order]
        return ReturnChanged(
            id=f"{order.id}-{status}",
            customer_id=order.customer_id,
            at=self._at(event),
            return_id=f"{order.id}-return",
            order_id=order.id,
            status=status,
            lines=order.lines,
            reason=_pick(catalogue.REASONS, self.lives.person[event.customer, 2]),
            refund=order.total if status == "refunded" else None,
            currency=order.currency,
        )

    def _unsubscribes(self, event: _Event) -> Iterator[Fact]:
        customer_id = self.ids[event.customer]
        yield ConsentChanged(id=f"{customer_id}-{event.at}", customer_id=customer_id, at=self._at(event), granted=False)


def _pick(choices: Sequence[T], chance: float) -> T:
    """One of the choices, each for an equal part of the chances from 0 up to 1."""
    return choices[int(chance * len(choices))]
