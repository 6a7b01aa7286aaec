"""The customers at large: what each of them does next, as facts, and how they take a letter.

Everything that chance decides was drawn before (`lives`); here it only happens, in the order of time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from heapq import heapify, heappop, heappush
from typing import NamedTuple, TypeAlias

from attrs import evolve

from retention.demo_shop import catalogue, responses
from retention.demo_shop.lives import DAY, Lives
from retention.demo_shop.worlds import World
from retention.facts import ConsentChanged, DeliveryChanged, Fact, Line, OrderPlaced, ProfileChanged, ReturnChanged
from retention.offers import Offer

__all__ = ["Coupon", "Customers", "Till"]

Till: TypeAlias = Callable[[str, datetime, str], bool]
"""What the shop's till says to a code, at a time, on an order: whether it is accepted."""

_HOUR = 3_600
_JOINS_BEFORE = 300
_ARRIVES_AFTER = 3 * DAY
_SENT_BACK_AFTER = 6 * DAY
_REFUNDED_AFTER = 9 * DAY
_CENT = Decimal("0.01")


class _Event(NamedTuple):
    """What a customer does at a second; `order`: the id of the order that it is about."""

    at: int
    customer: int
    what: str
    order: str = ""


class Coupon(NamedTuple):
    """An offer that came in a letter: the code, and until which second it can be used."""

    offer: Offer
    code: str
    until: int


class Customers:
    """All customers of one simulation under way; they are rows of `lives`, times are seconds from `origin`.

    `till`: asked about every code that is used. `tally`: what letters did so far: "unsubscribed" customers, orders
    "won" and "lost" (given up, or placed earlier), codes "redeemed", of these "redeemed anyway". `margin_won`: what
    those orders earned, less the ones lost, and those that would have gone back; `given`: what the offers cost on all
    orders. `sent_back`: who has returned something.
    """

    def __init__(
        self, world: World, lives: Lives, *, origin: datetime, currency: str, till: Till, delivers: bool = False
    ) -> None:
        self.world, self.lives, self.origin, self.currency, self.till = world, lives, origin, currency, till
        self.delivers = delivers
        self._helped_at: dict[int, int] = {}
        width = len(str(world.customers))
        self.ids = [f"c{number:0{width}}" for number in range(1, world.customers + 1)]
        self.tally: Counter[str] = Counter()
        self.margin_won = self.given = 0.0
        self.sent_back: set[int] = set()
        self._events = list(self._unaided())
        heapify(self._events)
        self._placed = [0] * world.customers
        self._last = [0] * world.customers  # their last order that no letter brought
        self._in_vain = [0] * world.customers  # letters since then
        self._coupons: dict[int, Coupon] = {}
        self._moved: set[tuple[int, int]] = set()
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

    def read(self, customer: int, at: int, coupon: Coupon | None = None) -> None:
        """A letter arrives, perhaps with an offer."""
        if coupon is not None:
            self._coupons[customer] = coupon
        response = self.lives.response[at // DAY, customer]
        reader = self.sort(customer)
        chance = self._chance(customer, reader, at, coupon)
        self._in_vain[customer] += 1
        if response < chance:
            self._is_won(customer, at)
        elif reader == "touchy" and response >= 1 - self.world.annoys:
            self.tally["unsubscribed"] += 1
            self._sulks_until[customer] = at + self.world.sulk_days * DAY
            heappush(self._events, _Event(at + _HOUR, customer, "unsubscribes"))

    def is_helped(self, customer: int, at: int) -> None:
        """A letter of help after a delivery arrives: what it can prevent does not go back."""
        self._helped_at[customer] = at

    def sort(self, customer: int) -> responses.Sort:
        """How the customer takes letters."""
        return responses.sort(self.world, self.lives.person[customer, 4])

    def _chance(self, customer: int, reader: responses.Sort, at: int, coupon: Coupon | None) -> float:
        return responses.chance(
            self.world,
            reader,
            silent_days=(at - self._last[customer]) / DAY,
            gap=float(self.lives.gap[customer]),
            in_vain=self._in_vain[customer],
            offer=None if coupon is None else coupon.offer,
            basket=catalogue.USUAL[self.lives.favourite[customer]],
        )

    def _is_won(self, customer: int, at: int) -> None:
        """An order more, unless they would have come anyway, or an earlier letter's order is on its way.

        Who would have come somewhat later comes now instead.
        """
        later = self.lives.next_order(customer, at)
        if self._won_until[customer] > at or (later is not None and later <= at + self.world.anyway_days * DAY):
            return
        self._won_until[customer] = at + _HOUR + int(self.lives.pause[at // DAY, customer])
        heappush(self._events, _Event(self._won_until[customer], customer, "comes_back"))
        if later is not None and later <= at + self.world.forward_days * DAY:
            self._moved.add((customer, later))

    def profit(self, letters: int) -> float:
        """What so many letters earned by now, less what they and their offers cost, money."""
        return self.margin_won - self.given - self.world.letter_cost * letters

    # What happens, as facts.

    def _happens(self, event: _Event) -> Iterator[Fact]:
        match event.what:
            case "joins":
                return self._joins(event)
            case "orders" | "comes_back":
                return self._orders(event)
            case "arrives":
                return self._arrives(event)
            case "sends_back":
                return self._sends_back(event)
            case "is_refunded":
                return self._is_refunded(event)
            case _:
                return self._unsubscribes(event)

    def _at(self, event: _Event) -> datetime:
        return self.origin + timedelta(seconds=event.at)

    def _joins(self, event: _Event) -> Iterator[Fact]:
        reads, agrees, called, lives_in = self.lives.person[event.customer, :4].tolist()
        customer_id, at = self.ids[event.customer], self._at(event)
        language = "ru" if reads < self.world.russian else "en"
        yield ProfileChanged(
            id=f"{customer_id}-profile",
            customer_id=customer_id,
            at=at,
            name=catalogue.pick(catalogue.NAMES[language], called),
            email=self.email(event.customer),
            language=language,
            timezone=catalogue.pick(catalogue.ZONES[language], lives_in),
        )
        if agrees < self.world.consent:
            yield ConsentChanged(id=f"{customer_id}-agrees", customer_id=customer_id, at=at, granted=True)

    def _orders(self, event: _Event) -> Iterator[Fact]:
        aided = event.what == "comes_back"
        moved = not aided and (event.customer, event.at) in self._moved
        comes = event.at > self._sulks_until[event.customer] and not moved
        if aided == comes:
            self.tally["won" if aided else "lost"] += 1
            self.margin_won += self._earns(event) if aided else -self._earns(event)
        if comes:
            yield self._order(event, aided=aided)

    def _order(self, event: _Event, *, aided: bool) -> OrderPlaced:
        customer_id = self.ids[event.customer]
        self._placed[event.customer] += 1
        if not aided:
            self._last[event.customer] = event.at
            self._in_vain[event.customer] = 0
        order = OrderPlaced(
            id=f"{customer_id}-{self._placed[event.customer]}",
            customer_id=customer_id,
            at=self._at(event),
            currency=self.currency,
            lines=self._basket(event),
        )
        cut = self._redeem(event, order, aided=aided)
        order = evolve(order, total=order.total - cut) if cut else order
        if self.delivers:
            heappush(self._events, _Event(event.at + _ARRIVES_AFTER, event.customer, "arrives", order.id))
        if self._goes_back(event):
            self._returned[order.id] = order
            heappush(self._events, _Event(event.at + _SENT_BACK_AFTER, event.customer, "sends_back", order.id))
        return order

    def _redeem(self, event: _Event, order: OrderPlaced, *, aided: bool) -> Decimal:
        """What is taken off the price: whoever a letter won uses its code, of the others those who care to."""
        coupon = self._coupons.get(event.customer)
        if coupon is None or event.at > coupon.until:
            return Decimal(0)
        if not (aided or self.lives.person[event.customer, 5] < self.world.uses):
            return Decimal(0)
        if not self.till(coupon.code, order.at, order.id):
            return Decimal(0)
        del self._coupons[event.customer]
        self.tally["redeemed"] += 1
        self.tally["redeemed anyway"] += not aided
        cut, cost = _price(coupon.offer, order.total)
        self.given += cost - float(cut) * self._goes_back(event)  # who sends it back is paid back what they paid
        return cut

    def _basket(self, event: _Event) -> tuple[Line, ...]:
        return self.lives.basket_of(event.customer, event.at // DAY)

    def _goes_back(self, event: _Event) -> bool:
        return self.lives.goes_back(event.customer, event.at // DAY, self.world)

    def _earns(self, event: _Event) -> float:
        return self.lives.earns(event.customer, event.at // DAY, self.world)

    def _arrives(self, event: _Event) -> Iterator[Fact]:
        yield DeliveryChanged(
            id=f"{event.order}-parcel",
            customer_id=self.ids[event.customer],
            at=self._at(event),
            order_id=event.order,
            status="delivered",
        )

    def _is_prevented(self, event: _Event) -> bool:
        """Whether help since the order keeps it from going back: the mildest of those that would."""
        ordered_at = event.at - _SENT_BACK_AFTER
        if self._helped_at.get(event.customer, -1) <= ordered_at:
            return False
        fate = self.lives.fate[ordered_at // DAY, event.customer]
        return bool(fate >= self.world.sent_back * (1 - self.world.prevents))

    def _sends_back(self, event: _Event) -> Iterator[Fact]:
        if self._is_prevented(event):
            self._keeps(self._returned[event.order])
            return
        self.sent_back.add(event.customer)
        heappush(self._events, event._replace(at=event.at + _REFUNDED_AFTER, what="is_refunded"))
        yield self._return(event, "requested")

    def _keeps(self, order: OrderPlaced) -> None:
        """An order that was thought to go back earns its margin, and costs the cut that is not paid back."""
        price = catalogue.worth(order.lines)
        self.margin_won += self.world.margin * price
        self.given += price - float(order.total)

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
            reason=catalogue.pick(catalogue.REASONS, self.lives.person[event.customer, 2]),
            refund=order.total if status == "refunded" else None,
            currency=order.currency,
        )

    def _unsubscribes(self, event: _Event) -> Iterator[Fact]:
        customer_id = self.ids[event.customer]
        yield ConsentChanged(id=f"{customer_id}-{event.at}", customer_id=customer_id, at=self._at(event), granted=False)


def _price(offer: Offer, total: Decimal) -> tuple[Decimal, float]:
    """What an offer takes off the price of an order, and what it costs the shop in all."""
    basket = [float(total)]
    cut = Decimal(float(offer.price_cut(basket)[0])).quantize(_CENT, ROUND_HALF_UP)
    return cut, float(offer.redemption_cost(basket)[0])
