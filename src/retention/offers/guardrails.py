"""What a shop does not do for a sale: ten rules that a proposed plan of offers has to pass.

Each rule is a record with a `code`, and marks the rows that break it. `review` asks one after the other; each sees only
the rows that passed those before it, and a rule that a plan passes is passed by any part of the plan. So all that
`review` lets through passes every rule.

1. `WorthIt`: nothing is offered that brings nothing.
2. `MarginFloor`: with all that may be used on one basket, taken off in the worst order, something is left of it.
3. `OnePerWindow`, `OneOfGroup`: one offer per customer and window; one open offer of each exclusivity group.
4. `CoolDown`, `DiscountShare`: a pause after a redeemed price cut, and a cap on the share of orders bought with one.
5. `NoEscalation`: an ignored coupon is not followed by a better one, or customers learn to wait.
6. `NonPriceFirst`: what leaves the price alone goes first where it brings as much.
7. `UniqueCodes`: a code is one customer's, for one offer, and not used up.
8. `NoSerialReturners`: by a rate of their own that few orders cannot raise; defects and wrong items do not count.
9. `EqualPrice`: who is in the same situation gets the same price; `fairness.audit` looks for groups that do not.
10. `WithinBudget`: a granted offer reserves what its redemption will cost; its end releases it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from attrs import field, frozen

from retention import _checks, _values
from retention._stats import beta_binomial
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.offers import _doors
from retention.offers.catalogue import Offer
from retention.offers.plans import Past, Plan, reserved
from retention.reasons import OwnReason, Reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CoolDown",
    "DiscountShare",
    "EqualPrice",
    "MarginFloor",
    "NoEscalation",
    "NoSerialReturners",
    "NonPriceFirst",
    "OneOfGroup",
    "OnePerWindow",
    "Review",
    "Rule",
    "UniqueCodes",
    "WithinBudget",
    "WorthIt",
    "are_own_choice",
    "return_rate",
    "review",
]

_ROUNDING = 1e-9
_NOT_THE_CUSTOMER = ("seller", "logistics")


# ---------------------------------------------------------------- reviews


class Rule(Protocol):
    """What `review` asks: a `code`, the reason of a refused row, and which rows of a plan break the rule."""

    @property
    def code(self) -> str:
        """The reason of a row that breaks it."""
        ...

    def broken(self, plan: Plan) -> BoolArray:
        """Which rows break it, (m,). A part of a plan that breaks it nowhere must not break it either."""
        ...


@frozen(eq=False)
class Review:
    """Of each row of the plan, (m,): whether it `passed`, and the code of the first rule that it broke, or ""."""

    plan: Plan
    passed: BoolArray
    reason: NDArray[np.str_]

    @property
    def let_through(self) -> Plan:
        """The rows that passed every rule."""
        return self.plan.take(self.passed)


def review(plan: Plan, rules: Iterable[Rule]) -> Review:
    """Which rows pass every rule, and what is wrong with the others.

    >>> mug = Offer(id="mug", kind="gift", amount=9, cost=3)
    >>> plan = Plan.of([mug], ["eva", "tom", "eva"], [0, 0, 0], value=[2, -1, 1], basket=[50] * 3, margin=[20] * 3)
    >>> review(plan, [WorthIt(), OnePerWindow()]).reason.tolist()
    ['', 'not_worth_it', 'one_per_window']
    """
    reason = np.full(len(plan), "", dtype=object)
    left = plan
    for rule in rules:
        broken = rule.broken(left)
        reason[np.isin(plan.row, left.row[broken])] = rule.code
        left = left.take(~broken)
    words: NDArray[np.str_] = reason.astype(np.str_)
    return Review(plan, words == "", words)


# ---------------------------------------------------------------- the rules


def _counts(name: str, values: ArrayLike) -> IntArray:
    return _checks.integers(name, values, at_least=0)


def _shares(name: str, values: ArrayLike) -> FloatArray:
    return _checks.floats(name, values, at_least=0, at_most=1)


@frozen
class WorthIt:
    """Rule 1: what brings nothing, or less, is not offered."""

    code: ClassVar[str] = "not_worth_it"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows whose value is not above 0."""
        return plan.value <= 0


@frozen(field_transformer=_values.cleaned)
class MarginFloor:
    """Rule 2: of what the customer pays, at least the share `floor` is left, whatever else is used on the same basket.

    `also`: the shop's other offers that the checkout would take together with one of the plan's. The worst order for
    the shop takes shares off before amounts: a share of what an amount has already lowered is less.
    """

    floor: float = field(metadata=_values.clean(_checks.probability))
    also: Sequence[Offer] = ()
    code: ClassVar[str] = "margin_floor"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows on whose basket too little would be left."""
        share, amount, gifts = np.ones(len(plan)), np.zeros(len(plan)), np.zeros(len(plan))
        for column, offer in [*enumerate(plan.offers), *((None, one) for one in self.also)]:
            rows = np.ones(len(plan), dtype=np.bool_) if column is None else plan.offer == column
            if offer.kind == "discount":
                share[rows] *= 1 - float(offer.amount)
            elif offer.lowers_price:
                amount[rows] += float(offer.amount)
            gifts[rows] += (offer.redemption_cost(plan.basket) - offer.price_cut(plan.basket))[rows]
        paid = np.maximum(plan.basket * share - amount, 0.0)
        left = plan.margin - (plan.basket - paid) - gifts
        return (left < self.floor * paid - _ROUNDING) | (left < 0)


@frozen(eq=False)
class OnePerWindow:
    """Rule 3: at most one offer for a customer in so many `days`, and one in a plan."""

    past: Past | None = None
    days: float = 30.0
    code: ClassVar[str] = "one_per_window"

    def broken(self, plan: Plan) -> BoolArray:
        """A customer's second row, and every one whose customer got something within the window."""
        again = _again(plan.customer_id)
        if self.past is not None:
            again |= np.isin(plan.customer_id, self.past.customers(self.past.days_ago < self.days))
        return again


@frozen(eq=False)
class OneOfGroup:
    """Rule 3: of the offers of one exclusivity group a customer has at most one open."""

    past: Past | None = None
    code: ClassVar[str] = "exclusive_group"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows whose customer has, or gets in an earlier row, another offer of the group."""
        groups = np.array([offer.group for offer in plan.offers])
        broken = np.zeros(len(plan), dtype=np.bool_)
        for group in sorted(set(groups.tolist()) - {""}):
            rows = np.flatnonzero(groups[plan.offer] == group)
            broken[rows] = _again(plan.customer_id[rows])
            if self.past is not None:
                same = (groups[self.past.offer] == group) & (self.past.state == "open")
                broken[rows] |= np.isin(plan.customer_id[rows], self.past.customers(same))
        return broken


@frozen(eq=False)
class CoolDown:
    """Rule 4: after a price cut was redeemed there is none for so many `days`."""

    past: Past
    days: float = 60.0
    code: ClassVar[str] = "cool_down"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows that lower the price for customers who lately used such an offer."""
        past = self.past
        lately = (past.state == "redeemed") & (past.depth > 0) & (past.days_ago < self.days)
        return plan.lowers_price & np.isin(plan.customer_id, past.customers(lately))


@frozen(eq=False, field_transformer=_values.cleaned)
class DiscountShare:
    """Rule 4: with this one, at most the share `cap` of a customer's orders are bought with a price cut.

    `orders`, `discounted`: the customer's orders so far, and those with a price cut, by row of the proposed plan.
    """

    orders: IntArray = field(metadata=_values.clean(_counts))
    discounted: IntArray = field(metadata=_values.clean(_counts))
    cap: float = field(default=0.5, metadata=_values.clean(_checks.probability))
    code: ClassVar[str] = "discount_share"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows that lower the price once too often."""
        then = (self.discounted[plan.row] + 1) / (self.orders[plan.row] + 1)
        return plan.lowers_price & (then > self.cap)


@frozen(eq=False)
class NoEscalation:
    """Rule 5: who left a price cut unused gets none that is deeper, for so many `days`."""

    past: Past
    days: float = 365.0
    code: ClassVar[str] = "escalation"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows that are deeper than the least that their customer left unused."""
        past = self.past
        ignored = np.flatnonzero((past.state != "redeemed") & (past.depth > 0) & (past.days_ago < self.days))
        customers, place = np.unique(past.customer_id[ignored], return_inverse=True)
        least = np.full(len(customers) + 1, np.inf)
        np.minimum.at(least, place.ravel(), past.depth[ignored])
        at = np.searchsorted(customers, plan.customer_id)
        known = np.isin(plan.customer_id, customers)
        result: BoolArray = known & (plan.depth > least[at] + _ROUNDING)
        return result


@frozen(eq=False, field_transformer=_values.cleaned)
class NonPriceFirst:
    """Rule 6: no price cut where an offer that leaves the price alone brings as much, to within `tie`.

    `value`: what each offer brings, (m, K). `possible`: what each customer could have instead: eligible, in stock,
    within the budget; (m, K). Both by row of the proposed plan.
    """

    value: FloatArray = field(metadata=_values.clean(_doors.table))
    possible: BoolArray
    tie: float = 0.0
    code: ClassVar[str] = "non_price_first"

    def __attrs_post_init__(self) -> None:
        _doors.mask("possible", self.possible, self.value.shape)

    def broken(self, plan: Plan) -> BoolArray:
        """The rows that lower the price although something else would do."""
        other = np.array([not offer.lowers_price for offer in plan.offers], dtype=np.bool_)
        value = np.where(other & self.possible[plan.row], self.value[plan.row], -np.inf)
        best = value.max(axis=1)
        result: BoolArray = plan.lowers_price & (best >= plan.value - self.tie) & (best > 0)
        return result


@frozen(eq=False)
class UniqueCodes:
    """Rule 7: no code is given to two customers or for two offers, and none that was used or is over."""

    past: Past | None = None
    code: ClassVar[str] = "code_not_unique"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows whose code is an earlier row's, or was another customer's or offer's, or is not open any more."""
        broken = _again(plan.code)
        if self.past is not None:
            whose = _whose(self.past)
            own = zip(plan.code.tolist(), plan.customer_id.tolist(), plan.offer.tolist(), strict=True)
            broken |= np.array([whose.get(code, (who, offer)) != (who, offer) for code, who, offer in own], np.bool_)
        result: BoolArray = broken & (plan.code != "")
        return result


@frozen(eq=False, field_transformer=_values.cleaned)
class NoSerialReturners:
    """Rule 8: no offer for whoever sends back too large a share; an exchange free of charge is no offer to keep away.

    `rate`: by row of the proposed plan, as `return_rate` finds it, 0 to 1. `most`: the highest that gets offers.
    """

    rate: FloatArray = field(metadata=_values.clean(_shares))
    most: float = field(default=0.6, metadata=_values.clean(_checks.probability))
    code: ClassVar[str] = "serial_returner"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows of customers above it, but for free exchanges."""
        care = np.array([offer.kind == "free_exchange" for offer in plan.offers], dtype=np.bool_)
        return (self.rate[plan.row] > self.most) & ~care[plan.offer]


@frozen(eq=False, field_transformer=_values.cleaned)
class EqualPrice:
    """Rule 9: of all who are in the same situation those with another price than most are refused.

    `situation`: what a price may depend on, as text, by row of the proposed plan. `drawn`: whose offer was drawn by
    lot, to learn from; a lottery treats alike. By row too, True and False.
    """

    situation: AnyArray = field(metadata=_values.clean(_checks.labels))
    drawn: BoolArray | None = None
    code: ClassVar[str] = "unequal_price"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows whose price cut is not their situation's commonest; of two as common, none at all goes first."""
        counted = np.ones(len(plan), np.bool_) if self.drawn is None else ~self.drawn[plan.row]
        price = np.where(plan.lowers_price, plan.offer + 1, 0)
        _, place = np.unique(self.situation[plan.row], return_inverse=True)
        counts = np.zeros((int(place.max(initial=0)) + 1, len(plan.offers) + 1), dtype=np.int64)
        np.add.at(counts, (place[counted], price[counted]), 1)
        result: BoolArray = counted & (price != counts.argmax(axis=1)[place])
        return result


@frozen(eq=False, field_transformer=_values.cleaned)
class WithinBudget:
    """Rule 10: what is reserved, and what the plan's rows cost if all are redeemed, in their order, fits the budget.

    `budget`: from 0 up. `past`: whose open and redeemed offers count as `reserved` does.
    """

    budget: float = field(metadata=_values.clean(_doors.limit))
    past: Past | None = None
    code: ClassVar[str] = "budget"

    def broken(self, plan: Plan) -> BoolArray:
        """The rows from which on the budget does not suffice."""
        before = 0.0 if self.past is None else reserved(self.past)
        return before + np.cumsum(plan.cost) > self.budget * (1 + _ROUNDING)


def _again(keys: AnyArray) -> BoolArray:
    """The rows whose key an earlier row has."""
    again = np.ones(len(keys), dtype=np.bool_)
    again[np.unique(keys, return_index=True)[1]] = False
    return again


def _whose(past: Past) -> dict[str, tuple[str, int] | None]:
    """Who may still get each code for which offer; None where nobody may."""
    whose: dict[str, tuple[str, int] | None] = {}
    columns = (past.code, past.customer_id, past.offer, past.state)
    for code, who, offer, state in zip(*(column.tolist() for column in columns), strict=True):
        own = (who, offer)
        whose[code] = own if state == "open" and whose.get(code, own) == own else None
    return whose


# ---------------------------------------------------------------- rates of return


def are_own_choice(reasons: Iterable[Reason | OwnReason]) -> BoolArray:
    """Which returns count against a customer, (r,): not those that the shop or the carrier caused.

    >>> are_own_choice([Reason.STYLE, Reason.DEFECTIVE, Reason.WRONG_ITEM, Reason.DELIVERY]).tolist()
    [True, False, False, False]
    """
    return np.array([reason.fault not in _NOT_THE_CUSTOMER for reason in reasons], dtype=np.bool_)


def return_rate(bought: ArrayLike, returned: ArrayLike) -> FloatArray:
    """The share that each customer sends back, (n,), leaning on the shop's the more, the less they bought.

    ``bought``: lines so far, at least 0. ``returned``: those sent back by their own choice (`are_own_choice`), at most
    as many; (n,) each. Raises `InvalidInput` with column and row.

    >>> return_rate([1, 30, 10, 10, 10], [1, 29, 1, 0, 2]).round(2).tolist()
    [0.66, 0.94, 0.14, 0.05, 0.23]
    """
    lines = _checks.integers("bought", bought, at_least=0).astype(np.float64)
    back = _checks.integers("returned", returned, at_least=0).astype(np.float64)
    _checks.same_length(bought=lines, returned=back)
    _checks.refuse("returned", back, back > lines, "more than were bought")
    if not 0 < back.sum() < lines.sum():
        return np.full(len(lines), float(back.any()))
    prior = beta_binomial.fit_prior(back[lines > 0], lines[lines > 0])
    rate: FloatArray = (back + prior.mean * prior.weight) / (lines + prior.weight)
    return rate
