"""The prices of a multiple-choice knapsack: what one more unit of each limit is worth, and a bound nobody can beat.

Each row takes at most one of K items; all together may cost so much and take so many of each::

    max Σ v_ij x_ij     Σ_j x_ij <= 1     Σ c_ij x_ij <= budget     Σ_i x_ij <= stock_j     x in {0, 1}

Once each limit has its price, every row decides alone, and whatever the prices (at least 0) the dual is a bound::

    D(p) = p_0 budget + Σ_j p_j stock_j + Σ_i max(0, max_j v_ij − p_0 c_ij − p_j)   >=   every assignment

(Sinha and Zoltners 1979, Operations Research 27, 503-515, for one limit.) D is convex in 1 + K variables, with kinks.
So the maximum is smoothed at a temperature, ``T log(1 + Σ exp(·/T))``, Newton's method finds the prices, and the
temperature falls. Most of the way is gone on a sample. The bound is D itself, without smoothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import field, frozen

from retention._types import BoolArray, FloatArray, IntArray

__all__ = ["Limits", "Problem", "best", "blocks", "reduced", "solve"]

# Rows at a time: a block and its temporaries stay in the processor's cache.
_BLOCK = 1 << 14
_SAMPLE = 1 << 13
_SEED = 20260
# The temperatures, in mean absolute values: on the sample, then, in the last of these, on all rows. Lower ones serve
# only where so many rows are undecided that smoothing blurs the bound; elsewhere they leave no second derivative.
_TEMPERATURES, _COOLER = 0.25 ** np.arange(7), 0.25 ** np.arange(5)
_BLUR = 1e-5
_STEPS, _LAST_STEPS = 20, 10
_SHORTER = 0.25 ** np.arange(12)
_ENOUGH = 1e-8
_ARMIJO = 1e-4
# Curvature this much flatter than the steepest counts as no curvature.
_RIDGE, _FLAT, _NONE = 1e-9, 1e-12, 1e-30
# A difference of so many temperatures is a decision: e^-36 is what rounding takes from 1.
_NEAR = 36.0
_GOLDEN = (5**0.5 - 1) / 2


@frozen(eq=False)
class Limits:
    """`right`: budget and stock, (1 + K,), infinite where there is none."""

    right: FloatArray
    binding: BoolArray = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "binding", np.isfinite(self.right))

    def priced(self, prices: FloatArray) -> float:
        """What the limits cost at these prices; one that does not exist has none."""
        return float(prices[self.binding] @ self.right[self.binding])

    def scaled(self, share: float) -> Limits:
        """The same limits for a share of the rows."""
        return Limits(self.right * share)


@frozen(eq=False)
class Problem:
    """`value`, −inf where a row may not have the item, and `cost`, finite, at least 0: (n, K) each; n at least 1."""

    value: FloatArray
    cost: FloatArray
    limits: Limits

    def sample(self) -> Problem:
        """Some of the rows that may have anything, always the same, with their share of the limits; all if so few."""
        n = len(self.value)
        if n <= 4 * _SAMPLE:
            return self
        rows = np.flatnonzero(self.value.max(axis=1) > -np.inf)
        share = min(1.0, _SAMPLE / max(len(rows), 1))
        if share < 1:
            rows = np.sort(np.random.default_rng(_SEED).choice(rows, _SAMPLE, replace=False))
        return Problem(self.value[rows], self.cost[rows], self.limits.scaled(share))


def blocks(n: int) -> Iterator[slice]:
    """The rows, some thousands at a time."""
    return (slice(start, start + _BLOCK) for start in range(0, n, _BLOCK))


def reduced(value: FloatArray, cost: FloatArray, prices: FloatArray) -> FloatArray:
    """What each item brings a row after its share of the limits is paid, (n, K)."""
    result: FloatArray = value - prices[0] * cost
    result -= prices[1:]
    return result


def best(problem: Problem, prices: FloatArray) -> tuple[float, IntArray]:
    """The bound D at these prices, and the item that each row would take, (n,), −1 for none."""
    n = len(problem.value)
    bound, taken = problem.limits.priced(prices), np.empty(n, dtype=np.int64)
    for rows in blocks(n):
        left = reduced(problem.value[rows], problem.cost[rows], prices)
        item = left.argmax(axis=1)
        most = left[np.arange(len(left)), item]
        bound += float(most[most > 0].sum())
        taken[rows] = np.where(most > 0, item, -1)
    return bound, taken


@frozen(eq=False)
class Solution:
    """`prices` (1 + K,), the `bound` that no assignment exceeds, and what each row `takes`, (n,), −1 for none.

    Together the rows may take a little more than there is.
    """

    prices: FloatArray
    bound: float
    takes: IntArray


def solve(problem: Problem, *, whole: bool = False) -> Solution:
    """The prices at which the rows together take about what there is; ``whole``: without a sample, slower and surer.

    >>> limits = Limits(np.array([np.inf, 1.0]))
    >>> found = solve(Problem(np.array([[3.0], [2.0]]), np.zeros((2, 1)), limits))
    >>> bool(2 <= found.prices[1] <= 3), round(found.bound, 2)
    (True, 3.0)
    """
    prices = np.zeros(len(problem.limits.right))
    bound, takes = best(problem, prices)
    few = problem if whole else problem.sample()
    warm = _typical(few.value)
    if not problem.limits.binding.any() or warm == 0:
        return Solution(prices, bound, takes)
    for temperature in warm * _TEMPERATURES:
        prices = _minimise(few, prices, float(temperature), _STEPS)[0]
    for temperature in warm * _TEMPERATURES[-1] * _COOLER:
        prices, smoothed = _minimise(problem, prices, float(temperature), _LAST_STEPS)
        here, _ = best(problem, prices)
        bound = min(bound, here)
        if smoothed - here <= _BLUR * abs(here):
            break
    return Solution(prices, bound, _shared_out(problem, prices, float(temperature)))


def _shared_out(problem: Problem, prices: FloatArray, temperature: float) -> IntArray:
    """An item for each row, as often as the smoothed maximum gives it: rows that are alike share what they want alike.

    Where many rows are indifferent between the same items, what each likes best says nothing of how many may have it.
    The rows that are undecided stand in a line, like beside like, and draw from a sequence that fills every stretch of
    the line evenly (multiples of the golden ratio), so that the numbers come out right nearly to one.
    """
    n, k = problem.value.shape
    takes, where, chances = np.empty(n, dtype=np.int64), [], []
    for rows in blocks(n):
        left = reduced(problem.value[rows], problem.cost[rows], prices)
        takes[rows], _, unsure = _decide(left, temperature)
        where.append(np.flatnonzero(unsure) + rows.start)
        chances.append(_softmax(left[unsure], temperature)[1])
    unsure_rows, chance = np.concatenate(where), np.concatenate(chances)
    order = np.lexsort((chance @ np.arange(1.0, k + 1), chance.argmax(axis=1)))
    draw = np.arange(1, len(order) + 1) * _GOLDEN % 1.0
    item = (np.cumsum(chance[order], axis=1) <= draw[:, None]).sum(axis=1)
    takes[unsure_rows[order]] = np.where(item < k, item, -1)
    return takes


def _typical(value: FloatArray) -> float:
    sizes = np.abs(value[np.isfinite(value)])
    return float(sizes.mean()) if len(sizes) else 0.0


def _minimise(problem: Problem, prices: FloatArray, temperature: float, steps: int) -> tuple[FloatArray, float]:
    """The lowest smoothed dual and its prices, by Newton's method; a price at 0 that wants to fall stays there."""
    here = _smooth(problem, prices, temperature)
    for _ in range(steps):
        moved = _step(problem, prices, here, temperature)
        if moved is None:
            break
        prices, there = moved
        done = here.value - there.value <= _ENOUGH * abs(there.value)
        here = there
        if done:
            break
    return prices, here.value


@frozen(eq=False)
class _Smoothed:
    value: float
    gradient: FloatArray
    hessian: FloatArray


def _step(
    problem: Problem, prices: FloatArray, here: _Smoothed, temperature: float
) -> tuple[FloatArray, _Smoothed] | None:
    """The first of Newton's step, a quarter of it, ... that leads down far enough; None if none does."""
    free = problem.limits.binding & ~((prices <= 0) & (here.gradient > 0))
    direction = np.zeros_like(prices)
    direction[free] = _newton(here.gradient[free], here.hessian[np.ix_(free, free)])
    for size in _SHORTER if direction.any() else ():
        next_prices = np.maximum(prices + size * direction, 0.0)
        there = _smooth(problem, next_prices, temperature)
        if there.value <= here.value + _ARMIJO * float(here.gradient @ (next_prices - prices)):
            return next_prices, there
    return None


def _newton(gradient: FloatArray, hessian: FloatArray) -> FloatArray:
    """Downhill, each variable in its own unit, so that a ridge may keep the curvature from being none."""
    steepness = hessian.diagonal()
    unit = 1 / np.sqrt(np.maximum(steepness, _FLAT * steepness.max(initial=_NONE)))
    curvature = hessian * unit * unit[:, None] + _RIDGE * np.eye(len(unit))
    step: FloatArray = -unit * np.linalg.solve(curvature, unit * gradient)
    return step


def _smooth(problem: Problem, prices: FloatArray, temperature: float) -> _Smoothed:
    """D with its maximum smoothed, the gradient, and the second derivatives: of a limit that is none, unused."""
    value, used = problem.limits.priced(prices), np.zeros(len(prices))
    outer = np.zeros((len(prices), len(prices)))
    for rows in blocks(len(problem.value)):
        cost = problem.cost[rows]
        left = reduced(problem.value[rows], cost, prices)
        item, most, unsure = _decide(left, temperature)
        sure = np.flatnonzero(~unsure & (item >= 0))
        value += float(most[sure].sum())
        used[0] += cost[sure, item[sure]].sum()
        used[1:] += np.bincount(item[sure], minlength=len(prices) - 1)
        smooth, chance = _softmax(left[unsure], temperature)
        value += smooth
        _add_up(chance, cost[unsure], used, outer)
    right = np.where(problem.limits.binding, problem.limits.right, 0.0)
    return _Smoothed(value, right - used, outer / temperature)


def _add_up(chance: FloatArray, cost: FloatArray, used: FloatArray, outer: FloatArray) -> None:
    """What these rows use of each limit, and the covariance of it, added in place; only one triangle's rows count."""
    counts, spent = chance.sum(axis=0), chance * cost
    per_row = spent.sum(axis=1)
    used[0] += per_row.sum()
    used[1:] += counts
    across = spent.sum(axis=0) - per_row @ chance
    outer[0, 0] += np.vdot(spent, cost) - per_row @ per_row
    outer[0, 1:] += across
    outer[1:, 0] += across
    outer[1:, 1:] += np.diag(counts) - chance.T @ chance


def _decide(left: FloatArray, temperature: float) -> tuple[IntArray, FloatArray, BoolArray]:
    """The best item of each row, −1 for none, what it brings, and which rows have a second one that comes near it."""
    row = np.arange(len(left))
    item = left.argmax(axis=1)
    most = left[row, item]
    left[row, item] = -np.inf
    second = left[row, left.argmax(axis=1)]
    left[row, item] = most
    top = np.maximum(most, 0.0)
    unsure = top - np.where(most > 0, np.maximum(second, 0.0), most) < _NEAR * temperature
    return np.where(most > 0, item, -1), top, unsure


def _softmax(left: FloatArray, temperature: float) -> tuple[float, FloatArray]:
    """The smoothed maximum of each row and 0, added up, and how much of the row each item is; `left` is used up."""
    most = np.maximum(left.max(axis=1, initial=0.0), 0.0)
    left -= most[:, None]
    left /= temperature
    np.exp(left, out=left)
    total = left.sum(axis=1) + np.exp(-most / temperature)
    left /= total[:, None]
    return float((most + temperature * np.log(total)).sum()), left
