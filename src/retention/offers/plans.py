"""Proposed offers and granted ones, as columns: what the guardrails look at. Nothing here judges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from retention import _checks
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.offers.catalogue import Offer, check_catalogue

__all__ = ["STATES", "Past", "Plan", "reserved"]

STATES = ("open", "redeemed", "expired")
"""What can have become of a granted offer."""

_ROUNDING = 1e-9


@frozen(eq=False)
class Plan:
    """Proposed offers, one row each; made by `of`. Columns of shape (m,).

    `offers`: the catalogue. `row`: the place in the plan as it was proposed. `customer_id`: text. `offer`: the column
    of the catalogue. `value`: what it brings. `basket`: the expected one. `margin`: what is left of it without an
    offer. `code`: "" for none. `cut`: what is taken off the basket. `cost`: of a redemption.
    """

    offers: tuple[Offer, ...]
    row: IntArray
    customer_id: AnyArray
    offer: IntArray
    value: FloatArray
    basket: FloatArray
    margin: FloatArray
    code: AnyArray
    cut: FloatArray
    cost: FloatArray

    @classmethod
    def of(
        cls,
        offers: Sequence[Offer],
        customer_id: ArrayLike,
        offer: ArrayLike,
        *,
        value: ArrayLike,
        basket: ArrayLike,
        margin: ArrayLike,
        code: ArrayLike | None = None,
    ) -> Plan:
        """The plan of these columns, (m,) each; raises `InvalidInput` naming column and row."""
        known = check_catalogue(offers)
        columns: dict[str, AnyArray] = {
            "customer_id": _checks.text_ids("customer_id", customer_id),
            "offer": _checks.integers("offer", offer, at_least=0, at_most=len(known) - 1),
            "value": _checks.floats("value", value),
            "basket": _checks.floats("basket", basket, at_least=0),
            "margin": _checks.floats("margin", margin),
        }
        columns["code"] = np.full(len(columns["offer"]), "") if code is None else _checks.labels("code", code)
        m = _checks.same_length(**columns)
        cut, cost = np.zeros(m), np.zeros(m)
        for column, one in enumerate(known):
            rows = columns["offer"] == column
            cut[rows] = one.price_cut(columns["basket"][rows])
            cost[rows] = one.redemption_cost(columns["basket"][rows])
        return cls(known, np.arange(m), **columns, cut=cut, cost=cost)

    def take(self, rows: AnyArray) -> Plan:
        """Some of its rows."""
        return Plan(self.offers, **{name: getattr(self, name)[rows] for name in _PLAN_COLUMNS})

    @property
    def lowers_price(self) -> BoolArray:
        """Which rows take something off the price, (m,)."""
        return np.array([one.lowers_price for one in self.offers], dtype=np.bool_)[self.offer]

    @property
    def depth(self) -> FloatArray:
        """The share of the basket that is taken off, (m,)."""
        return self.cut / np.maximum(self.basket, _ROUNDING)

    def __len__(self) -> int:
        return len(self.row)


_PLAN_COLUMNS = ("row", "customer_id", "offer", "value", "basket", "margin", "code", "cut", "cost")


@frozen(eq=False)
class Past:
    """What was granted before, one row each; made by `of`. Columns of shape (h,).

    `customer_id`: text. `offer`: the column of the catalogue. `days_ago`: since it was granted. `state`: one of
    `STATES`. `depth`: the share of the basket that it took, or would have taken, off. `cost`: of a redemption. `code`:
    "" for none.
    """

    customer_id: AnyArray
    offer: IntArray
    days_ago: FloatArray
    state: AnyArray
    depth: FloatArray
    cost: FloatArray
    code: AnyArray

    @classmethod
    def of(
        cls,
        offers: Sequence[Offer],
        customer_id: ArrayLike,
        offer: ArrayLike,
        days_ago: ArrayLike,
        state: ArrayLike,
        *,
        depth: ArrayLike,
        cost: ArrayLike,
        code: ArrayLike | None = None,
    ) -> Past:
        """The past of these columns, (h,) each; raises `InvalidInput` naming column and row."""
        states = _checks.labels("state", state)
        _checks.refuse("state", states, ~np.isin(states, STATES), f"none of {', '.join(STATES)}")
        columns: dict[str, AnyArray] = {
            "customer_id": _checks.text_ids("customer_id", customer_id),
            "offer": _checks.integers("offer", offer, at_least=0, at_most=len(check_catalogue(offers)) - 1),
            "days_ago": _checks.floats("days_ago", days_ago, at_least=0),
            "state": states,
            "depth": _checks.floats("depth", depth, at_least=0, at_most=1),
            "cost": _checks.floats("cost", cost, at_least=0),
            "code": np.full(len(states), "") if code is None else _checks.labels("code", code),
        }
        _checks.same_length(**columns)
        return cls(**columns)

    def customers(self, rows: BoolArray) -> AnyArray:
        """The customers of the rows that are marked."""
        return self.customer_id[rows]


def reserved(past: Past) -> float:
    """What the budget no longer has: the cost of all that is open or redeemed; what expired is released."""
    return float(past.cost[past.state != "expired"].sum())
