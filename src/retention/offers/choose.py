"""Which offer for whom: the most profit within a budget and stocks, with the proof of how good it is.

The rules of the room:

- *No limit is ever exceeded*, whatever the numbers; nobody gets what they are not eligible for or what does not pay.
- *The bound is certified*: no assignment whatever brings more than `Choice.upper_bound`, so `Choice.gap` is the most
  that this one can be short of the best.
- *Prices decide*: a limit's price is the profit of one more unit of it, and whoever has the prices can decide for a
  single customer (`choose_one`). How they are found: `retention._stats.knapsack`.
- Every customer gets a reason, one of `REASONS`.

The same input gives the same result, but for one thing: the optimum itself is looked for during so many `seconds`, and
a slower machine may not find it in time. `Choice.method` says so; with ``seconds=0`` nothing depends on the machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from attrs import field, frozen

from retention import _values
from retention._stats.knapsack import Limits, Problem, best, blocks, reduced, solve
from retention._types import ArrayLike, BoolArray, FloatArray, IntArray, Json
from retention.errors import InvalidInput
from retention.offers import _doors
from retention.offers._exact import improve
from retention.offers._fitting import fit, fits, profit, used

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["REASONS", "Choice", "One", "Prices", "choose", "choose_one"]

REASONS = (
    "best",
    "best_for_budget",
    "best_in_stock",
    "not_eligible",
    "not_worth_it",
    "no_budget",
    "no_stock",
)
"""Why a customer got this offer, or none.

`best`: no other would bring more. `best_for_budget`, `best_in_stock`: another would, but its share of the budget, or
the last of its stock, brings more with somebody else. `not_eligible`: for any offer. `not_worth_it`: none has a value
above 0. `no_budget`, `no_stock`: some would be worth it, but the budget, or the stock, brings more with others.
"""
_BEST, _FOR_BUDGET, _IN_STOCK, _NOT_ELIGIBLE, _NOT_WORTH_IT, _NO_BUDGET, _NO_STOCK = range(len(REASONS))

_EXACT_UP_TO = 2000
# Above that the optimum is looked for only where a larger gap is left.
_GOOD, _POOR = 2e-5, 5e-5
# Sums of amounts in these units are such amounts: what is beyond the last whole one cannot be spent or earned.
_UNITS = (1.0, 0.01)
_ROUNDING = 1e-9


def _price(name: str, value: object) -> float:
    number = _values.number(name, value)
    if number < 0:
        raise InvalidInput(f"{name}: {number!r} is below 0: give what choose found")
    return number


def _prices(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"{name}: {value!r}: give one price for each offer")
    return tuple(_price(f"{name}: column {column}", one) for column, one in enumerate(value))


@frozen(field_transformer=_values.cleaned)
class Prices:
    """What one more unit of each limit would bring: `budget`, `stock` of each offer; 0 where a limit does not bind.

    >>> Prices.from_json(Prices(2.5, (0.0, 4.0)).to_json())
    Prices(budget=2.5, stock=(0.0, 4.0))
    """

    budget: float = field(metadata=_values.clean(_price))
    stock: Sequence[float] = field(metadata=_values.clean(_prices))

    def to_json(self) -> Json:
        """Plain numbers to be stored."""
        return {"budget": self.budget, "stock": list(self.stock)}

    @classmethod
    def from_json(cls, data: Json) -> Prices:
        """What `to_json` wrote; raises `InvalidInput` for anything else."""
        try:
            return cls(**data)
        except TypeError as error:
            raise InvalidInput(f"prices: {error}; give what to_json wrote") from None


@frozen(eq=False, repr=False)
class Choice:
    """What `choose` found; rows are customers, columns offers.

    `offer`: the column, −1 for none; (n,). `reason`: one of `REASONS`; (n,), text. `profit`: the values added up.
    `spent`: the costs. `taken`: how many of each, (K,). `upper_bound`: no assignment brings more. `gap`: how far
    `profit` may be below the best, as a share of the bound. `budget_price`, `stock_price` (K,): the profit of one more
    unit. `method`: "exact" if this is the optimum, found by branch and bound or plain to see; "dual" otherwise.
    """

    offer: IntArray
    reason: NDArray[np.str_]
    profit: float
    spent: float
    taken: IntArray
    upper_bound: float
    prices: Prices
    method: str

    @property
    def gap(self) -> float:
        """(`upper_bound` − `profit`) / `upper_bound`; 0 where both are."""
        return max(0.0, 1 - self.profit / self.upper_bound) if self.upper_bound > 0 else 0.0

    @property
    def budget_price(self) -> float:
        """The profit of one more unit of budget."""
        return self.prices.budget

    @property
    def stock_price(self) -> FloatArray:
        """The profit of one more piece of each offer, (K,)."""
        return np.array(self.prices.stock)

    def __len__(self) -> int:
        return len(self.offer)

    def __repr__(self) -> str:
        served = int(self.taken.sum())
        return f"Choice({served} of {len(self)} customers, profit {self.profit:.2f}, gap {self.gap:.1e}, {self.method})"


def choose(
    value: ArrayLike,
    cost: ArrayLike,
    *,
    budget: float = math.inf,
    stock: ArrayLike | Sequence[int | None] | None = None,
    eligible: ArrayLike | None = None,
    seconds: float = 2.0,
) -> Choice:
    """At most one offer for each customer, for the most profit that budget and stocks allow.

    ``value``: what each offer brings with each customer, its cost already taken off (`net_value`); (n, K), finite.
    ``cost``: what it takes from the budget, at least 0; (n, K), or (K,) where it is the same for all. ``budget``: from
    0 up. ``stock``: of each offer, (K,), whole, from 0 up, None for no limit. ``eligible``: (n, K), True and False.
    ``seconds``: how long to look for the optimum itself, where customers are 2,000 or fewer or the gap is above 2e-5;
    0: not at all. Raises `InvalidInput` with row and column.

    The costs add up to at most the budget, within rounding (1e-12 of it).

    >>> choose([[5.0, 2.0], [4.0, 3.0], [-1.0, 1.0]], [2.0, 1.0], budget=3)
    Choice(2 of 3 customers, profit 8.00, gap 0.0e+00, exact)
    >>> found = choose([[5.0, 2.0], [4.0, 3.0], [-1.0, -2.0]], [2.0, 1.0], stock=[1, None])
    >>> found.offer.tolist(), found.reason.tolist()
    ([0, 1, -1], ['best', 'best_in_stock', 'not_worth_it'])
    """
    values = _doors.table("value", value)
    costs = _doors.spread("cost", cost, values, of="offer", at_least=0)
    allowed = _doors.mask("eligible", eligible, values.shape)
    right = np.append(_doors.limit("budget", budget), _doors.stocks(stock, values.shape[1]))
    right[0] = _down(right[0], _unit(costs))
    problem = Problem(_open(values, costs, right, allowed), costs, Limits(right))
    offer, bound, prices, method = _best(problem, _doors.limit("seconds", seconds))
    everything = values if allowed is None else np.where(allowed, values, -np.inf)
    prices = _entry_prices(problem, everything, prices)
    spent, taken = used(problem, offer)
    return Choice(
        offer,
        np.array(REASONS)[_reasons(everything, costs, prices, offer, taken >= right[1:])],
        profit(problem, offer),
        spent,
        taken,
        max(_down(bound, _unit(values)), profit(problem, offer)),
        Prices(float(prices[0]), tuple(prices[1:].tolist())),
        method,
    )


class One(NamedTuple):
    """The offer of one customer, −1 for none, and the reason, one of `REASONS`."""

    offer: int
    reason: str


def choose_one(
    value: Sequence[float], cost: Sequence[float], prices: Prices, *, eligible: Sequence[bool] | None = None
) -> One:
    """The offer for one customer, at the prices of a choice made for many; in microseconds.

    ``value``, ``cost``: plain numbers, one for each offer, as in `choose`. ``eligible``: what this customer may have,
    and what is still there: prices do not know what was given away since. Raises `InvalidInput` with the column.

    >>> choose_one([5.0, 3.0], [2.0, 1.0], Prices(2.5, (0.0, 0.0)))
    One(offer=1, reason='best_for_budget')
    """
    k = len(prices.stock)
    if not len(value) == len(cost) == k or (eligible is not None and len(eligible) != k):
        raise InvalidInput(f"value: {len(value)} and {len(cost)} costs for {k} prices: give one each for every offer")
    if not all(map(math.isfinite, (*value, *cost))) or min(cost, default=0.0) < 0:
        raise InvalidInput(f"value: {list(value)} at {list(cost)}: give finite numbers, and costs from 0 up")
    columns = range(k) if eligible is None else [column for column in range(k) if eligible[column]]
    before = [v - prices.budget * c for v, c in zip(value, cost, strict=True)]
    left = [b - price for b, price in zip(before, prices.stock, strict=True)]
    offer = max(columns, key=left.__getitem__, default=-1)
    if offer < 0 or left[offer] <= 0:
        offer = -1
    return One(offer, REASONS[_reason(value, before, prices.stock, offer, columns)])


# ---------------------------------------------------------------- the way to a choice


def _unit(amounts: FloatArray) -> float:
    """The unit of which all these amounts are multiples; 0 if there is none."""
    for unit in _UNITS:
        if all(_are_multiples(amounts[rows], unit) for rows in blocks(len(amounts))):
            return unit
    return 0.0


def _are_multiples(amounts: FloatArray, unit: float) -> bool:
    in_units = amounts / unit
    return bool((np.abs(in_units - np.rint(in_units)) <= _ROUNDING * np.maximum(1.0, np.abs(in_units))).all())


def _down(amount: float, unit: float) -> float:
    """The last whole unit that the amount reaches."""
    if not unit or math.isinf(amount):
        return float(amount)
    return min(float(amount), math.floor(amount / unit * (1 + _ROUNDING) + _ROUNDING) * unit)


def _open(values: FloatArray, costs: FloatArray, right: FloatArray, allowed: BoolArray | None) -> FloatArray:
    """The values, −inf where a customer cannot have the offer, or it does not pay."""
    possible = values > 0
    possible &= costs <= right[0]
    possible &= right[1:] > 0
    if allowed is not None:
        possible &= allowed
    return np.where(possible, values, -np.inf)


def _best(problem: Problem, seconds: float) -> tuple[IntArray, float, FloatArray, str]:
    """The offers, the bound, the prices, and how they were found."""
    if not len(problem.value):
        return np.zeros(0, dtype=np.int64), 0.0, np.zeros(len(problem.limits.right)), "exact"
    free, wanted = best(problem, np.zeros(len(problem.limits.right)))
    if fits(problem, wanted):  # everybody gets the best
        return wanted, profit(problem, wanted), np.zeros(len(problem.limits.right)), "exact"
    found = solve(problem)
    offer = fit(problem, found.prices, found.takes)
    if found.bound - profit(problem, offer) > _POOR * found.bound:  # the sample was too unlike the rest
        found = solve(problem, whole=True)
        offer = fit(problem, found.prices, found.takes)
    bound, method = min(free, found.bound), "dual"
    if seconds > 0 and (len(offer) <= _EXACT_UP_TO or bound - profit(problem, offer) > _GOOD * bound):
        better = improve(problem, found.prices, offer, seconds=seconds)
        offer, bound = better.offer, min(bound, better.bound)
        method = "exact" if better.proven else "dual"
    return offer, bound, found.prices, method


def _entry_prices(problem: Problem, values: FloatArray, prices: FloatArray) -> FloatArray:
    """The prices, and those of limits of 0: what the first unit would bring to whom it brings most."""
    prices = prices.copy()
    if problem.limits.right[0] == 0 and problem.cost.any():
        prices[0] = max(_first_unit(problem, values, prices, rows) for rows in blocks(len(values)))
    for item in np.flatnonzero(problem.limits.right[1:] == 0):
        others = [_gain_over(problem, values, prices, rows)[:, item].max() for rows in blocks(len(values))]
        prices[1 + item] = max(0.0, *others)
    return prices


def _gain_over(problem: Problem, values: FloatArray, prices: FloatArray, rows: slice) -> FloatArray:
    """What each offer would bring a row beyond the best that it can have now, at these prices, (m, K)."""
    now = np.maximum(reduced(problem.value[rows], problem.cost[rows], prices).max(axis=1), 0.0)
    gain: FloatArray = reduced(values[rows], problem.cost[rows], prices) - now[:, None]
    return gain


def _first_unit(problem: Problem, values: FloatArray, prices: FloatArray, rows: slice) -> float:
    """The most that a unit of budget would bring, where there is none."""
    cost = problem.cost[rows]
    open_ = (cost > 0) & (problem.limits.right[1:] > 0)
    gain = np.where(open_, _gain_over(problem, values, prices, rows), 0.0)
    return max(0.0, float((gain / np.where(open_, cost, 1.0)).max()))


# ---------------------------------------------------------------- reasons


def _reason(
    value: Sequence[float], before: Sequence[float], stock_price: Sequence[float], offer: int, columns: Sequence[int]
) -> int:
    """The reason of one customer, as `_reasons` gives it to many; `before`: reduced by the budget's price alone."""
    if not columns:
        return _NOT_ELIGIBLE
    top = max(columns, key=value.__getitem__)
    if offer >= 0:
        if value[offer] == value[top]:
            return _BEST
        return _IN_STOCK if stock_price[top] > 0 and before[top] > before[offer] else _FOR_BUDGET
    if value[top] <= 0:
        return _NOT_WORTH_IT
    return _NO_STOCK if any(stock_price[column] > 0 and before[column] > 0 for column in columns) else _NO_BUDGET


def _reasons(
    values: FloatArray, costs: FloatArray, prices: FloatArray, offer: IntArray, full: BoolArray
) -> NDArray[np.int8]:
    """Each customer's reason, a place in `REASONS`, (n,); `full`: the offers of which none is left, (K,)."""
    result = np.empty(len(offer), dtype=np.int8)
    for rows in blocks(len(offer)):
        value, chosen, row = values[rows], offer[rows], np.arange(len(offer[rows]))
        before = value - prices[0] * costs[rows]
        top = value.argmax(axis=1)
        scarce = full[top] & (before[row, top] > before[row, chosen])
        given = np.where(value[row, chosen] == value[row, top], _BEST, np.where(scarce, _IN_STOCK, _FOR_BUDGET))
        wanted = (full & (before > 0)).any(axis=1)
        none = np.where(value[row, top] <= 0, _NOT_WORTH_IT, np.where(wanted, _NO_STOCK, _NO_BUDGET))
        none[value[row, top] == -np.inf] = _NOT_ELIGIBLE
        result[rows] = np.where(chosen >= 0, given, none)
    return result
