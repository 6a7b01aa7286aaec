"""Prevention: which orders of the last days are so likely to come back that help is worth a letter.

The chance is that of `retention.returns`, learned from the shop's own lines and returns at most once a day. A letter
that helps (how to choose a size, how to care for it) prevents some of the returns; what share of them is the shop's
assumption, stated in `Prevention` and nowhere measured here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import prod
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from attrs import evolve, field, frozen

from retention import _calendar, _values, returns
from retention._types import AnyArray, BoolArray, FloatArray, IntArray
from retention.engine.copies import Restoration
from retention.engine.goods import Bought, Goods
from retention.errors import InvalidInput
from retention.facts import OrderPlaced, ReturnRiskFound
from retention.journey import Needs
from retention.ports import Storage
from retention.reasons import Reason

__all__ = ["Prevention", "Risks", "lines"]

_LEVEL = 0.95
_NEUTRAL = 2.0
"""Two imagined returns, one too small and one too large: before any is known, either way is as likely."""
_BATCH = 500


def _share(name: str, value: object) -> float:
    number = _values.number(name, value)
    if not 0 < number <= 1:
        raise InvalidInput(f"{name}: {number} is no share of returns; give a number above 0, at most 1")
    return number


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Prevention:
    """What help after an order is worth to the shop, in its currency.

    `saved`: what a return costs that does not happen: shipping both ways, handling, the loss on the goods.
    `letter_cost`: of one letter, a customer's patience included. `prevents`: the share of likely returns that the
    letter prevents, an assumption until an experiment has measured it. `least_history`: lines that must have come back
    before anything is foretold. `days`: an order that arrived longer ago is not written about. Raises `InvalidInput`.
    """

    saved: Decimal = field(metadata=_values.clean(_values.not_negative, "give what a return costs"))
    letter_cost: Decimal = field(default=Decimal(0), metadata=_values.clean(_values.not_negative, "give what it costs"))
    prevents: float = field(default=0.1, metadata=_values.clean(_share))
    least_history: int = field(default=50, metadata=_values.clean(_values.count, 1))
    days: int = field(default=7, metadata=_values.clean(_values.count, 1))

    def worth(self, risk: float) -> Decimal:
        """What a letter about an order with this chance of a return brings, less its cost.

        >>> Prevention(saved="12", letter_cost="0.10").worth(0.5)
        Decimal('0.50')
        """
        return Decimal(str(round(risk * self.prevents, 6))) * self.saved - self.letter_cost


class _Learned(NamedTuple):
    """What was learned on one day: the model, None without enough history, and which way products fit."""

    day: date
    model: returns.RiskModel | None
    fits: Mapping[str, str]


class Risks:
    """The look at one shop's latest orders."""

    def __init__(
        self, prevention: Prevention, goods: Goods, timezone: str, restoration: Restoration | None = None
    ) -> None:
        self._prevention, self._goods, self._restoration = prevention, goods, restoration
        self._zone = ZoneInfo(timezone)
        self._longest = timedelta(days=prevention.days)
        self._learned: _Learned | None = None

    def find(self, storage: Storage, now: datetime) -> tuple[list[ReturnRiskFound], int]:
        """The findings to record at `now`, and how many orders nobody can judge for want of history."""
        orders = self._goods.orders(storage, now)
        ages = [(order, self._age(order, now)) for order in orders if order.pieces]
        fresh = [
            order
            for order, age in ages
            if age is not None and age <= self._longest and not order.back and order.id not in self._goods.judged
        ]
        if not fresh:
            return [], 0
        # What is still to be judged is not learned from: the customer's own order would count as their past.
        learned = self._learn([order for order, age in ages if age is not None and age > self._longest], now)
        if learned.model is None:
            return [], len(fresh)
        found = list(self._judge(fresh, learned.model, learned.fits, now))
        return list(_standing(storage, found)), 0

    def _arrived(self, order: Bought) -> datetime | None:
        """Since when the customer has it: since the order, in a shop that never tells of deliveries."""
        return order.delivered if self._goods.delivers else order.at

    def _age(self, order: Bought, now: datetime) -> timedelta | None:
        """How long the customer has it, None if it has not arrived."""
        arrived = self._arrived(order)
        return None if arrived is None or arrived > now else now - arrived

    def _learn(self, orders: Sequence[Bought], now: datetime) -> _Learned:
        today = now.astimezone(self._zone).date()
        if self._learned is None or self._learned.day != today:
            self._learned = _Learned(today, *_fit(orders, self._prevention.least_history, today, self._zone))
        return self._learned

    def _judge(
        self, fresh: Sequence[Bought], model: returns.RiskModel, fits: Mapping[str, str], now: datetime
    ) -> Iterator[ReturnRiskFound]:
        risk = returns.risk(model, lines(fresh, self._zone))
        chances, start = risk.p.tolist(), 0
        for order in fresh:
            own = range(start, start + len(order.pieces))
            start = own.stop
            chance = round(1 - prod(1 - chances[row] for row in own), 4)
            worth = self._prevention.worth(chance)
            if worth <= 0:
                continue
            row = max(own, key=lambda row: (chances[row], -row))
            product_id = order.pieces[row - own.start].product_id
            fit = fits.get(product_id, "")
            yield ReturnRiskFound(
                id=order.id,
                customer_id=order.customer_id,
                at=self._found_at(order, now),
                order_id=order.id,
                risk=chance,
                worth=worth,
                product_id=product_id,
                fit=fit,
                why=f"{product_id}: {risk.why(row)}" + (f"; runs {fit}" if fit else ""),
            )

    def _found_at(self, order: Bought, now: datetime) -> datetime:
        """Before the restoration, if a copy of the storage that is lost may have found it and written already."""
        arrived = self._arrived(order)
        if self._restoration is None or arrived is None or arrived >= self._restoration.at:
            return now
        return self._restoration.at - timedelta.resolution


def _standing(storage: Storage, found: Sequence[ReturnRiskFound]) -> Iterator[ReturnRiskFound]:
    """Those whose order the storage still knows, under the id of its customer: the looking took its time."""
    for start in range(0, len(found), _BATCH):
        part = found[start : start + _BATCH]
        files = storage.load([finding.customer_id for finding in part], Needs(frozenset({OrderPlaced.kind})))
        for finding, file in zip(part, files, strict=True):
            if any(fact.id == finding.order_id for fact in file.facts):
                yield evolve(finding, customer_id=file.customer_id)


def lines(orders: Sequence[Bought], zone: ZoneInfo) -> returns.Lines:
    """The pieces of the orders as lines of baskets, in order; at least one."""
    rows = [(order.customer_id, order.id, *piece) for order in orders for piece in order.pieces]
    customer, order_id, product, size, category, value = zip(*rows, strict=True)
    days = _days([order.at for order in orders], zone)
    placed = np.repeat(days, [len(order.pieces) for order in orders])
    return returns.Lines.of(
        customer, order_id, product, placed.view("datetime64[D]"), size=size, category=category, value=value
    )


def _days(times: Sequence[datetime], zone: ZoneInfo) -> IntArray:
    """The days of the shop's zone, since 1970-01-01."""
    seconds = np.array([int(at.timestamp()) for at in times], dtype="datetime64[s]")
    return _calendar.local_days(seconds, zone)


def _fit(
    orders: Sequence[Bought], least: int, today: date, zone: ZoneInfo
) -> tuple[returns.RiskModel | None, Mapping[str, str]]:
    back = [order.back.get(place) for order in orders for place in range(len(order.pieces))]
    returned = np.array([one is not None for one in back], dtype=np.bool_)
    if returned.sum() < least:
        return None, {}
    sold = lines(orders, zone)
    reason = np.array([one.reason if one else "" for one in back])
    told = [one.at for one in back if one is not None]
    settled = _settled(sold.day, returned, told, today, zone)
    known = returned | (settled > 0)
    if returned[known].all():
        return None, {}
    model = returns.fit_risk(_only(sold, known), returned[known].astype(np.float64), settled=settled[known])
    return model, _fits(sold.product_id, reason)


def _settled(day: IntArray, returned: BoolArray, told: Sequence[datetime], today: date, zone: ZoneInfo) -> FloatArray:
    """The share of returns of so old a line that would be known by now."""
    age = (np.datetime64(today, "D").astype(np.int64) - day).astype(np.float64)
    lag = np.maximum(_days(told, zone) - day[returned], 0).astype(np.float64)
    return returns.fit_delay(lag, age[returned]).share(age)


def _only(lines: returns.Lines, rows: BoolArray) -> returns.Lines:
    columns = ("customer_id", "order_id", "product_id", "size", "category", "value", "day")
    return returns.Lines(**{name: getattr(lines, name)[rows] for name in columns})


def _fits(product_id: AnyArray, reason: AnyArray) -> dict[str, str]:
    """The products whose returns for their size lean one way more than chance makes them."""
    small = reason == Reason.SIZE_TOO_SMALL
    sized = small | (reason == Reason.SIZE_TOO_LARGE)
    if not sized.any():
        return {}
    products, code = np.unique(product_id[sized], return_inverse=True)
    too_small, all_of_it = (np.bincount(code, weights).astype(np.float64) for weights in (small[sized], sized[sized]))
    lean = returns.Rates(products, all_of_it, too_small, np.full(len(products), 0.5), _NEUTRAL, _LEVEL)
    names = products.tolist()
    return {names[row]: "small" for row in np.flatnonzero(lean.lower > 0.5)} | {
        names[row]: "large" for row in np.flatnonzero(lean.upper < 0.5)
    }
