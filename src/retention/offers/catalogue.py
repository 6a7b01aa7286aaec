"""The shop's offers, whom each is for, and what it brings.

The rules of the room:

- *The cost is paid by everybody who redeems*, those included who would have ordered anyway: ``net = margin (p1 − p0) −
  cost · p1``. Leaving out the second p0 of the two is the usual mistake.
- An offer is plain data: a condition names a column and what it may hold, nothing here calls the shop.
- Money is exact in an offer and a float in columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import numpy as np
from attrs import field, frozen

from retention import _checks, _records, _values
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, Json
from retention.errors import InvalidInput
from retention.offers import _doors

__all__ = ["KINDS", "Condition", "Kind", "Offer", "check_catalogue", "eligibility", "from_json", "net_value", "to_json"]

FORMAT = 1
"""The number that stored catalogues carry; a higher one was written by a newer version."""

Kind: TypeAlias = Literal[
    "discount", "fixed_amount", "gift", "points", "free_shipping", "free_exchange", "store_credit"
]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
"""Every sort of offer."""
_LOWER_THE_PRICE = ("discount", "fixed_amount")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Condition:
    """A column of the customers and what it may hold: one of the words `within`, or a number of at least and at most.

    >>> Condition(column="state", within=["asleep", "lost"]).holds(np.array(["active", "lost"])).tolist()
    [False, True]
    """

    column: str = field(metadata=_values.clean(_values.identifier))
    within: Sequence[str] = field(default=(), metadata=_values.clean(_values.words))
    at_least: float | None = field(default=None, metadata=_values.clean(_values.number, optional=True))
    at_most: float | None = field(default=None, metadata=_values.clean(_values.number, optional=True))

    def __attrs_post_init__(self) -> None:
        if bool(self.within) == (self.at_least is not None or self.at_most is not None):
            raise InvalidInput(f"{self.column}: give either within= or at_least= and at_most=")

    def holds(self, values: ArrayLike) -> BoolArray:
        """Which rows it holds for, (n,); raises `InvalidInput` naming column and row."""
        if self.within:
            return np.isin(_checks.labels(self.column, values), list(self.within))
        numbers = _checks.floats(self.column, values)
        least = -math.inf if self.at_least is None else self.at_least
        most = math.inf if self.at_most is None else self.at_most
        return (numbers >= least) & (numbers <= most)


def _conditions(name: str, value: object) -> tuple[Condition, ...]:
    return _values.many(name, value, Condition)


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Offer:
    """One offer of the catalogue.

    `id`: what letters and facts call it. `kind`: one of `KINDS`. `amount`: what the customer gets: for a discount a
    share of the basket, 0 to 1; money for the others (of a gift: its price; of points: what they buy). `cost`: what one
    redemption costs the shop, beside what is taken off the price; the `amount` unless given, for what lowers the price
    nothing. `margin`: the share of the basket that stays with the shop, 0 to 1, where this offer sells other goods than
    usual; None: the customer's own. `stock`: how many there are, None: no limit. `valid_from`, `valid_until`: when it
    may be granted, the end not included. `days`: how long a granted one can be redeemed. `group`: of the offers of one
    group a customer has at most one open; "" for none. `conditions`: for whom it is; all must hold.

    >>> Offer(id="ten", kind="discount", amount="0.10").redemption_cost([50.0]).tolist()
    [5.0]
    """

    id: str = field(metadata=_values.clean(_values.identifier))
    kind: Kind = field(metadata=_values.clean(_values.one_of, KINDS))
    amount: Decimal = field(metadata=_values.clean(_values.not_negative, "give what the customer gets"))
    cost: Decimal | None = field(
        default=None, metadata=_values.clean(_values.not_negative, "give what a redemption costs", optional=True)
    )
    margin: Decimal | None = field(
        default=None, metadata=_values.clean(_values.not_negative, "give a share of the basket", optional=True)
    )
    stock: int | None = field(default=None, metadata=_values.clean(_values.count, optional=True))
    valid_from: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))
    valid_until: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))
    days: int = field(default=30, metadata=_values.clean(_values.count, 1))
    group: str = field(default="", metadata=_values.clean(_values.text))
    conditions: Sequence[Condition] = field(default=(), metadata=_values.clean(_conditions))

    def __attrs_post_init__(self) -> None:
        if self.kind == "discount" and self.amount > 1:
            raise InvalidInput(f"amount: {self.amount} is more than the basket; a discount is a share such as 0.10")
        if self.margin is not None and self.margin > 1:
            raise InvalidInput(f"margin: {self.margin} is more than the basket; give a share such as 0.40")
        if self.valid_from and self.valid_until and not self.valid_from < self.valid_until:
            raise InvalidInput(f"valid_until: {self.valid_until.isoformat()} is not after valid_from")

    @property
    def lowers_price(self) -> bool:
        """Whether it is taken off the price of the order: those customers learn to wait for."""
        return self.kind in _LOWER_THE_PRICE

    def is_valid(self, at: datetime) -> bool:
        """Whether it may be granted at this instant."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )

    def price_cut(self, basket: ArrayLike) -> FloatArray:
        """What is taken off the price of each basket, (n,): never more than it; 0 for what does not lower the price."""
        baskets = _checks.floats("basket", basket, at_least=0)
        if self.kind == "discount":
            return float(self.amount) * baskets
        return np.minimum(float(self.amount) if self.lowers_price else 0.0, baskets)

    def redemption_cost(self, basket: ArrayLike) -> FloatArray:
        """What the shop gives away when it is redeemed on each basket, (n,)."""
        cut = self.price_cut(basket)
        if self.cost is not None:
            return cut + float(self.cost)
        return cut if self.lowers_price else cut + float(self.amount)


def check_catalogue(offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """The offers as columns; raises `InvalidInput` for none, and for an id that occurs twice."""
    found = tuple(offers)
    if not found:
        raise InvalidInput("offers: an empty catalogue: give at least one Offer")
    first: dict[str, int] = {}
    for column, offer in enumerate(found):
        if first.setdefault(offer.id, column) != column:
            both = f"columns {first[offer.id]} and {column} are both {offer.id!r}"
            raise InvalidInput(f"offers: {both}: make the ids unique")
    return found


def eligibility(offers: Sequence[Offer], customers: Mapping[str, ArrayLike], *, at: datetime, n: int) -> BoolArray:
    """For whom each offer is at this instant, (n, K); validity and conditions, not the stock.

    ``customers``: the columns that conditions name, (n,) each: lifecycle state, RFM segment, basket, …
    Raises `InvalidInput` for a column that is not there or of another length.
    """
    now = _values.instant("at", at)
    result = np.zeros((n, len(check_catalogue(offers))), dtype=np.bool_)
    for column, offer in enumerate(offers):
        result[:, column] = offer.is_valid(now)
        for condition in offer.conditions:
            result[:, column] &= condition.holds(_column(customers, condition.column, n))
    return result


def _column(customers: Mapping[str, ArrayLike], name: str, n: int) -> AnyArray:
    if name not in customers:
        raise InvalidInput(f"{name}: a condition names this column and customers has {', '.join(sorted(customers))}")
    column = np.asarray(customers[name])
    if column.shape != (n,):
        raise InvalidInput(f"{name}: has shape {column.shape}: give one value per customer, ({n},)")
    return column


def net_value(
    p0: ArrayLike, p1: ArrayLike, margin: ArrayLike, cost: ArrayLike, *, least_uplift: ArrayLike | None = None
) -> FloatArray:
    """What granting each offer brings with each customer, (n, K): ``margin (p1 − p0) − cost · p1``.

    ``p0``: chance of an order without it, (n,). ``p1``: with it, (n, K). ``margin``: of the expected basket, before the
    offer, money, (n,) or (n, K). ``cost``: of one redemption, money, at least 0, (K,) or (n, K). ``least_uplift``:
    lower bounds of p1 − p0, (n, K), by which a costly offer has to pay; the cost stays on p1.
    Raises `InvalidInput` with row and column.

    A coupon of 4 that raises the chance of an order by four points loses money where half would have ordered anyway:

    >>> net_value([0.5, 0.02], [[0.54], [0.06]], [25.0, 25.0], [4.0]).round(2).tolist()
    [[-1.16], [0.76]]
    """
    after = _doors.table("p1", p1, at_least=0, at_most=1)
    before = _doors.spread("p0", p0, after, at_least=0, at_most=1)
    uplift = after - before if least_uplift is None else _doors.spread("least_uplift", least_uplift, after, at_least=-1)
    return (
        _doors.spread("margin", margin, after) * uplift
        - _doors.spread("cost", cost, after, at_least=0, of="offer") * after
    )


def to_json(offers: Sequence[Offer]) -> Json:
    """The catalogue as a JSON mapping with its `format` number.

    >>> to_json([Offer(id="ten", kind="discount", amount="0.10", stock=500)])
    {'format': 1, 'offers': [{'id': 'ten', 'kind': 'discount', 'amount': '0.10', 'stock': 500}]}
    """
    return {"format": FORMAT, "offers": [_records.fields(offer) for offer in check_catalogue(offers)]}


def from_json(data: Json) -> tuple[Offer, ...]:
    """The catalogue that `to_json` wrote; raises `InvalidInput` for what is missing, unknown or of a newer format."""
    written = data.get("format")
    if not isinstance(written, int) or written > FORMAT:
        raise InvalidInput(f"format: {written!r} is unknown, this version reads up to {FORMAT}; update the library")
    return check_catalogue(_values.many("offers", data.get("offers"), Offer))
