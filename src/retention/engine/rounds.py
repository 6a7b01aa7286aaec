"""Which offer for which run: the decisions of one round, all who are about to need one at once.

Pure: what is asked for, who they are, what is believed and what is left come in; facts go out. `grants`
knows what is left, the engine asks and records.

A share of the customers is drawn by lot, so that what offers do can be learnt; all others get what brings the most.
Whether somebody is drawn, and what they draw, is a hash of their run: a round that is done again decides the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from attrs import evolve

from retention import _hashing, _wall_time, offers
from retention._types import AnyArray, BoolArray, FloatArray, IntArray
from retention.engine.granting import Granting
from retention.engine.standing import Standing
from retention.facts import Fact, OfferDecided, OfferRedeemed
from retention.offers import Beliefs, Offer, Past, Plan, Prices, codes, guardrails
from retention.offers.catalogue import Kind
from retention.people import Shop

__all__ = ["REASONS", "Decided", "Left", "Request", "decide"]

_MANY = 50
"""From so many customers on a round finds prices of its own, which later small rounds go by."""
_DRAWN, _NOTHING_LEFT, _UNKNOWN = "drawn_by_lot", "nothing_left", "no_orders"
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "best": "no other would bring more",
        "best_for_budget": "another would bring more, but its share of the budget brings more elsewhere",
        "best_in_stock": "another would bring more, but the last of its stock brings more elsewhere",
        _DRAWN: "drawn by lot, to learn what offers do",
        "not_eligible": "no offer of the catalogue is for such a customer",
        "not_worth_it": "none is expected to bring more than it costs",
        "no_budget": "some would pay, but others pay better, and the budget does not suffice for all",
        "no_stock": "some would pay, but others pay better, and there are not enough for all",
        _NOTHING_LEFT: "budget, stock or codes have run out for now",
        _UNKNOWN: "nobody has ordered yet, so nothing says what an order is worth",
        "margin_floor": "too little would be left of the order",
        "one_per_window": "the customer had an offer lately",
        "exclusive_group": "the customer has an open offer of that group",
        "cool_down": "the customer used a price cut lately",
        "discount_share": "too many of the customer's orders had a price cut",
        "escalation": "the customer left a smaller price cut unused",
    }
)
"""Why an offer was granted, or none, in words."""
_CENT = Decimal("0.01")


class Request(NamedTuple):
    """One run that waits for an offer; `past`: what was decided and redeemed for the customer before."""

    customer_id: str
    journey: str
    key: str
    past: tuple[Fact, ...]

    @property
    def id(self) -> str:
        """The id of the fact that answers it."""
        return f"{self.journey}/{self.key}"


class Left(NamedTuple):
    """What may still be granted: money, pieces of each offer (inf: no limit), and of its pool the codes nobody had."""

    budget: float
    stock: FloatArray
    codes: Sequence[Sequence[str]]


class Decided(NamedTuple):
    """One fact for each request, and the prices by which the greedy ones were decided, None if nobody knows any."""

    facts: list[OfferDecided]
    prices: Prices | None


def decide(
    granting: Granting,
    requests: Sequence[Request],
    standing: Standing,
    beliefs: Beliefs,
    left: Left,
    prices: Prices | None,
    *,
    shop: Shop,
    now: datetime,
) -> Decided:
    """Decide on one offer, or none, for each request; `standing` has a row for each, `prices` are an older round's."""
    round_ = _Round(granting, requests, standing, beliefs, left, shop.id, now)
    round_.draw_lots()
    round_.choose(prices)
    round_.weigh(prices)
    zone = ZoneInfo(shop.timezone)
    free = [iter(pool) for pool in left.codes]
    facts = [round_.fact(row, free, shop.secret, zone) for row in range(len(requests))]
    return Decided(facts, round_.prices)


class _Round:
    """The work of one round: columns of the n requests, tables of n rows and K offers."""

    def __init__(
        self,
        granting: Granting,
        requests: Sequence[Request],
        standing: Standing,
        beliefs: Beliefs,
        left: Left,
        shop_id: str,
        now: datetime,
    ) -> None:
        self.granting, self.requests, self.now, self.shop_id = granting, requests, now, shop_id
        self.known = standing.basket > 0
        basket = np.where(self.known, standing.basket, 1.0)
        catalogue = granting.catalogue
        p0, p1 = beliefs.chances(standing.state, standing.segment, basket, catalogue)
        exact = np.column_stack([offer.redemption_cost(basket) for offer in catalogue])
        self.cost = np.ceil(exact * 100 - 1e-6) / 100  # in whole cents, as facts and budgets count
        margin = np.column_stack([_margin(offer, granting) * basket for offer in catalogue])
        self.value = offers.net_value(p0, p1, margin, self.cost)
        self.cell = offers.beliefs.cells(standing.state, standing.segment)
        self.budget, self.stock = left.budget, left.stock.copy()
        self.allowed, self.why = self._allowed(standing, basket)
        n = len(requests)
        self.offer = np.full(n, -1)
        self.reason = np.full(n, "", dtype=object)
        self.propensity = np.ones(n)
        self.options = np.zeros((n, len(catalogue)), dtype=np.bool_)
        ids = [request.id for request in requests]
        self.lot: BoolArray = _hashing.fractions(f"{shop_id}/offer lot", ids) < granting.explore
        self.prices: Prices | None = None

    def _allowed(self, standing: Standing, basket: FloatArray) -> tuple[BoolArray, AnyArray]:
        """Who may have what, by conditions and guardrails, and for who may have nothing the reason."""
        columns = standing.columns([request.journey for request in self.requests])
        catalogue = self.granting.catalogue
        may = offers.eligibility(catalogue, columns, at=self.now, n=len(self.requests)) & self.known[:, None]
        why = np.where(self.known, "not_eligible", _UNKNOWN).astype(object)
        offered, past = _past(self.requests, catalogue, standing, self.now)
        rules = self._rules(past, standing)
        ids = [request.customer_id for request in self.requests]
        for column, offer in enumerate(catalogue):
            margin = _margin(offer, self.granting) * basket
            value = self.value[:, column]
            plan = Plan.of(offered, ids, np.full(len(ids), column), value=value, basket=basket, margin=margin)
            found = guardrails.review(plan, rules)
            why[may[:, column] & ~found.passed] = found.reason[may[:, column] & ~found.passed]
            may[:, column] &= found.passed
        return may, why

    def _rules(self, past: Past, standing: Standing) -> list[guardrails.Rule]:
        granting = self.granting
        cuts = (past.state == "redeemed") & (past.depth > 0)
        customers, counts = np.unique(past.customer_id[cuts], return_counts=True)
        used = dict(zip(customers.tolist(), counts.tolist(), strict=True))
        discounted = np.array([used.get(request.customer_id, 0) for request in self.requests], dtype=np.int64)
        return [
            guardrails.MarginFloor(granting.floor),
            guardrails.OnePerWindow(past, granting.window),
            guardrails.OneOfGroup(past),
            guardrails.CoolDown(past, granting.cool_down),
            guardrails.DiscountShare(np.maximum(standing.orders, discounted), discounted, granting.most_discounted),
            guardrails.NoEscalation(past),
        ]

    def _open(self, rows: AnyArray) -> BoolArray:
        """What the rows may have and is still there."""
        result: BoolArray = self.allowed[rows] & (self.cost[rows] <= self.budget) & (self.stock > 0)
        return result

    def _take(self, row: int, offer: int) -> None:
        self.offer[row] = offer
        if offer >= 0:
            self.budget -= self.cost[row, offer]
            self.stock[offer] -= 1

    def draw_lots(self) -> None:
        """Those who are drawn get any of what there is for them, or none, each as likely."""
        turns = _hashing.fractions(f"{self.shop_id}/offer turn", [request.id for request in self.requests])
        for row in np.flatnonzero(self.lot).tolist():
            self.options[row] = self._open(np.array([row]))[0]
            choices = [-1, *np.flatnonzero(self.options[row]).tolist()]
            self._take(row, choices[int(turns[row] * len(choices))])
            self.reason[row] = _DRAWN if len(choices) > 1 else self._none(row)

    def choose(self, prices: Prices | None) -> None:
        """All others get what brings the most, within what is left."""
        rows = np.flatnonzero(~self.lot)
        self.options[rows] = self._open(rows)
        if len(rows) >= _MANY or prices is None:
            found = offers.choose(
                self.value[rows], self.cost[rows], budget=self.budget, stock=self._stock(), eligible=self.options[rows],
                seconds=0,
            )  # fmt: skip
            for row, offer, reason in zip(rows.tolist(), found.offer.tolist(), found.reason.tolist(), strict=True):
                self._take(row, offer)
                self.reason[row] = self._none(row) if reason == "not_eligible" else reason
            self.prices = found.prices if len(rows) >= _MANY else None
            return
        for row in rows.tolist():
            self.options[row] = self._open(np.array([row]))[0]
            one = self._greedy(row, prices)
            self._take(row, one.offer)
            self.reason[row] = self._none(row) if one.reason == "not_eligible" else one.reason

    def _stock(self) -> list[int | None]:
        return [None if math.isinf(pieces) else int(pieces) for pieces in self.stock]

    def _none(self, row: int) -> str:
        """Why there was nothing to choose from."""
        return _NOTHING_LEFT if self.allowed[row].any() else str(self.why[row])

    def _greedy(self, row: int, prices: Prices) -> offers.One:
        return offers.choose_one(
            self.value[row].tolist(), self.cost[row].tolist(), prices, eligible=self.options[row].tolist()
        )

    def weigh(self, prices: Prices | None) -> None:
        """The chance with which each was decided so: by lot, or because it brought the most."""
        explore, by = self.granting.explore, self.prices or prices or Prices(0.0, [0.0] * len(self.stock))
        each = explore / (1 + self.options.sum(axis=1))
        for row in range(len(self.requests)):
            best = self._greedy(row, by).offer if self.lot[row] else self.offer[row]
            self.propensity[row] = each[row] + (1 - explore) * (best == self.offer[row])

    def fact(self, row: int, free: Sequence[Iterator[str]], secret: str, zone: ZoneInfo) -> OfferDecided:
        """The decision as it is kept; `free`: the codes of each pool that nobody has, taken one by one."""
        request, granting = self.requests[row], self.granting
        column = int(self.offer[row])
        chosen = np.flatnonzero(self.options[row]).tolist()
        about = OfferDecided(
            id=request.id,
            customer_id=request.customer_id,
            at=self.now,
            journey=request.journey,
            about=request.key,
            reason=str(self.reason[row]),
            eligible=tuple(granting.catalogue[j].id for j in chosen),
            propensity=float(self.propensity[row]),
            lot=bool(self.lot[row]),
            cell=str(self.cell[row]),
        )
        if column < 0:
            return about
        offer = granting.catalogue[column]
        ends = _wall_time.next_day(self.now + timedelta(days=offer.days), zone) - timedelta(seconds=1)
        coupon = _coupon(request, offer, self.now, ends, secret)
        if offer.id in granting.pools and coupon.issued_at == self.now:
            coupon = evolve(coupon, code=next(free[column]))
        return evolve(
            about,
            offer=offer.id,
            offer_kind=offer.kind,
            amount=offer.amount,
            code=coupon.code,
            expires_at=coupon.expires_at,
            cost=Decimal(repr(float(self.cost[row, column]))).quantize(_CENT, ROUND_UP),
        )


def _margin(offer: Offer, granting: Granting) -> float:
    return granting.margin if offer.margin is None else float(offer.margin)


def _decided(requests: Sequence[Request]) -> list[OfferDecided]:
    return [fact for request in requests for fact in request.past if isinstance(fact, OfferDecided) and fact.offer]


def _used(requests: Sequence[Request]) -> dict[str, OfferRedeemed]:
    return {fact.id: fact for request in requests for fact in request.past if isinstance(fact, OfferRedeemed)}


def _past(
    requests: Sequence[Request], catalogue: Sequence[Offer], standing: Standing, now: datetime
) -> tuple[tuple[Offer, ...], Past]:
    """What these customers were granted before, and the catalogue with the offers that are gone from it."""
    basket = {r.customer_id: b for r, b in zip(requests, standing.basket.tolist(), strict=True)}
    owners = {fact.id: r.customer_id for r in requests for fact in r.past}
    granted = list({fact.id: fact for fact in _decided(requests)}.values())
    known = {offer.id: offer for offer in catalogue}
    for fact in granted:
        known.setdefault(fact.offer, _gone(fact))
    place = {name: column for column, name in enumerate(known)}
    used = _used(requests)
    rows = [
        (
            owners[fact.id],
            place[fact.offer],
            max(0.0, (now - fact.at) / timedelta(days=1)),
            _state(fact, used, now),
            _depth(known[fact.offer], basket[owners[fact.id]]),
            float(fact.cost),
        )
        for fact in granted
    ]
    who, column, days, state, depth, cost = zip(*rows, strict=True) if rows else ((),) * 6
    every = tuple(known.values())
    return every, Past.of(every, list(who), _ints(column), list(days), list(state), depth=list(depth), cost=list(cost))


def _gone(fact: OfferDecided) -> Offer:
    """An offer that is not in the catalogue any more, as far as a later one is measured by it."""
    if fact.offer_kind == "discount" and fact.amount <= 1:
        return Offer(id=fact.offer, kind="discount", amount=fact.amount)
    kind: Kind = "fixed_amount" if fact.offer_kind == "fixed_amount" else "gift"
    return Offer(id=fact.offer, kind=kind, amount=fact.amount)


def _ints(values: Sequence[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


def _state(fact: OfferDecided, used: Mapping[str, OfferRedeemed], now: datetime) -> str:
    if fact.id in used:
        return "redeemed"
    return "open" if fact.expires_at is not None and now < fact.expires_at else "expired"


def _depth(offer: Offer, basket: float) -> float:
    return float(offer.price_cut([basket])[0] / basket) if basket > 0 else 0.0


def _coupon(request: Request, offer: Offer, now: datetime, ends: datetime, secret: str) -> codes.Coupon:
    """The coupon of the next cycle, or the open one of this offer, with the end that it had."""
    used = _used([request])
    own = [fact for fact in _decided([request]) if fact.offer == offer.id]
    past = [
        codes.Coupon(
            code=fact.code,
            customer_id=request.customer_id,
            offer=offer.id,
            cycle=cycle,
            issued_at=fact.at,
            expires_at=fact.expires_at or fact.at,
            redeemed_at=used[fact.id].at if fact.id in used else None,
        )
        for cycle, fact in enumerate(own)
    ]
    coupon = codes.issue(secret, request.customer_id, offer.id, now, days=offer.days, past=past)
    return coupon if coupon in past else evolve(coupon, expires_at=ends)
