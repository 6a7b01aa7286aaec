"""What every customer wants at the prices -> an assignment that keeps the limits, and loses as little as it can.

At prices that are nearly right, too much or too little is wanted only where customers are nearly indifferent. So: those
who lose least by it give way until the stocks suffice, then until the budget does, and what is left over goes where it
brings most. Every step keeps what the step before it reached; after the last no limit is exceeded, the budget not by
more than rounding.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention._stats.knapsack import Problem, blocks, reduced
from retention._types import BoolArray, FloatArray, IntArray

__all__ = ["fit", "fits", "profit", "rank", "used"]

_ROUNDING = 5e-13
# The rows nearest to indifference, whose changes are tried two at a time, and how many pairs are carried out at most.
_NEAR, _PAIRS = 4096, 64
_ROUNDS = 24
_ALIKE, _OF_A_KIND = 3, 8


def used(problem: Problem, offer: IntArray) -> tuple[float, IntArray]:
    """What is spent, and how many of each offer are taken, (K,)."""
    rows = np.flatnonzero(offer >= 0)
    taken = offer[rows]
    return float(problem.cost[rows, taken].sum()), np.bincount(taken, minlength=problem.cost.shape[1])


def profit(problem: Problem, offer: IntArray) -> float:
    """What the assignment brings."""
    rows = np.flatnonzero(offer >= 0)
    return float(problem.value[rows, offer[rows]].sum())


def fits(problem: Problem, offer: IntArray) -> bool:
    """Whether no limit is exceeded, the budget not by more than rounding."""
    spent, taken = used(problem, offer)
    return spent <= _budget(problem) and bool((taken <= problem.limits.right[1:]).all())


def fit(problem: Problem, prices: FloatArray, wanted: IntArray) -> IntArray:
    """An assignment within the limits, (n,), from what each row wants at these prices, (n,)."""
    offer = wanted.copy()
    _into_stock(problem, prices, offer)
    _into_budget(problem, prices, offer)
    _fill(problem, prices, offer)
    _polish(problem, prices, offer)
    return offer


def _budget(problem: Problem) -> float:
    return float(problem.limits.right[0]) * (1 + _ROUNDING)


def _full(problem: Problem, offer: IntArray) -> BoolArray:
    result: BoolArray = used(problem, offer)[1] >= problem.limits.right[1:]
    return result


def _left(problem: Problem, prices: FloatArray, rows: IntArray) -> FloatArray:
    return reduced(problem.value[rows], problem.cost[rows], prices)


def _pick(left: FloatArray) -> tuple[IntArray, FloatArray]:
    """The best item of each row, −1 where none is above 0, and what it brings."""
    item = left.argmax(axis=1)
    most = left[np.arange(len(left)), item]
    return np.where(most > 0, item, -1), np.maximum(most, 0.0)


def _into_stock(problem: Problem, prices: FloatArray, offer: IntArray) -> None:
    """Who loses least by it takes the next best offer with something left, or none; in place.

    What gave way is just used up and takes in nobody afterwards, so each offer gives way once.
    """
    stock = problem.limits.right[1:]
    while ((taken := used(problem, offer)[1]) > stock).any():
        item = (taken > stock).argmax()
        rows = np.flatnonzero(offer == item)
        left = _left(problem, prices, rows)
        own = left[:, item].copy()
        left[:, taken >= stock] = -np.inf
        other, gain = _pick(left)
        give_way = _least(own - gain, int(taken[item] - stock[item]))
        offer[rows[give_way]] = other[give_way]


def _drop(problem: Problem, prices: FloatArray, offer: IntArray) -> None:
    """Who gains least by a stock that does not suffice gets none; in place."""
    taken, stock = used(problem, offer)[1], problem.limits.right[1:]
    for item in np.flatnonzero(taken > stock):
        rows = np.flatnonzero(offer == item)
        own = _left(problem, prices, rows)[:, item]
        offer[rows[_least(own, int(taken[item] - stock[item]))]] = -1


def _least(loss: FloatArray, count: int) -> IntArray:
    return np.argpartition(loss, count - 1)[:count]


def _into_budget(problem: Problem, prices: FloatArray, offer: IntArray) -> None:
    """Who loses least for what it saves takes something cheaper, or none, until the budget suffices; in place."""
    while (excess := used(problem, offer)[0] - _budget(problem)) > 0:
        rows = np.flatnonzero(offer >= 0)
        own_cost = problem.cost[rows, offer[rows]]
        rows, own_cost = rows[own_cost > 0], own_cost[own_cost > 0]
        left = _left(problem, prices, rows)
        own = left[np.arange(len(rows)), offer[rows]]
        left[(problem.cost[rows] >= own_cost[:, None]) | _full(problem, offer)] = -np.inf
        other, gain = _pick(left)
        saved = own_cost - np.where(other >= 0, problem.cost[rows, other], 0.0)
        order = np.argsort((own - gain) / saved, kind="stable")
        enough = int(np.searchsorted(np.cumsum(saved[order]), excess)) + 1
        offer[rows[order[:enough]]] = other[order[:enough]]
        _drop(problem, prices, offer)


def _fill(problem: Problem, prices: FloatArray, offer: IntArray) -> None:
    """Who has nothing takes what is left, those first to whom it brings most at these prices; in place."""
    rows = np.flatnonzero(offer < 0)
    left = _left(problem, prices, rows)
    for _ in range(_ROUNDS):
        slack = _budget(problem) - used(problem, offer)[0]
        open_ = (offer[rows, None] < 0) & ~_full(problem, offer)
        open_ &= (problem.value[rows] > 0) & (problem.cost[rows] <= slack)
        free = np.flatnonzero(open_.any(axis=1))
        if not len(free):
            return
        wish = np.where(open_[free], left[free], -np.inf)
        item = wish.argmax(axis=1)
        order = np.argsort(-wish[np.arange(len(free)), item], kind="stable")
        served = order[_served(problem, offer, rows[free[order]], item[order])]
        offer[rows[free[served]]] = item[served]


def _served(problem: Problem, offer: IntArray, rows: IntArray, item: IntArray) -> BoolArray:
    """Which of these rows, in this order, get the item they ask for before the limits are reached."""
    spent, taken = used(problem, offer)
    within = np.zeros(len(rows), dtype=np.bool_)
    for one, room in enumerate(problem.limits.right[1:] - taken):
        asking = np.flatnonzero(item == one)
        within[asking[: int(min(room, len(asking)))]] = True
    cost = np.where(within, problem.cost[rows, item], 0.0)
    return within & (spent + np.cumsum(cost) <= _budget(problem))


@frozen(eq=False)
class _Changes:
    """Other items for some rows: from which item to which, −1 for none; the first changes nothing. Shape (m,) each."""

    row: IntArray
    before: IntArray
    after: IntArray
    gain: FloatArray
    cost: FloatArray

    def more_of(self, item: int) -> IntArray:
        """How many more of the item each change takes: −1, 0 or 1."""
        more: IntArray = (self.after == item).astype(np.int64) - (self.before == item)
        return more


def _polish(problem: Problem, prices: FloatArray, offer: IntArray) -> None:
    """Two rows near indifference change at once, or one alone, as long as that brings more; in place."""
    row, item = _near(problem, prices, offer)
    for _ in range(_PAIRS):
        changes = _changes(problem, offer, row, item)
        total = np.where(_possible(problem, offer, changes), changes.gain[:, None] + changes.gain, 0.0)
        pair = np.array(np.unravel_index(total.argmax(), total.shape))
        if total.max() <= _ROUNDING * abs(profit(problem, offer)):
            return
        pair = pair[changes.row[pair] >= 0]
        offer[changes.row[pair]] = changes.after[pair]


def _near(problem: Problem, prices: FloatArray, offer: IntArray) -> tuple[IntArray, IntArray]:
    """The changes that cost least at these prices, some of every kind: rows and items, (m,) each."""
    regret = np.empty(len(offer))
    for block in blocks(len(offer)):
        regret[block] = _regret(problem, prices, offer, np.arange(len(offer))[block]).min(axis=1)
    rows = np.sort(_least(regret, min(_NEAR, len(offer))))
    every = _regret(problem, prices, offer, rows)
    order = np.argsort(every, axis=None, kind="stable")
    order = order[np.isfinite(every.ravel()[order])]
    row, item = rows[order // every.shape[1]], order % every.shape[1] - 1
    first = np.flatnonzero(rank(_kind(problem, offer, row, item)) < _ALIKE)
    some = first[rank((offer[row[first]] + 1) * every.shape[1] + item[first]) < _OF_A_KIND]
    return row[some], item[some]


def _kind(problem: Problem, offer: IntArray, row: IntArray, item: IntArray) -> IntArray:
    """A number that changes share which go from the same item to the same, for the same gain at the same cost."""
    changes = _changes(problem, offer, row, item)
    columns = (changes.before, changes.after, changes.gain, changes.cost)
    order = np.lexsort(columns)
    differs = np.any([np.diff(column[order], prepend=np.nan) != 0 for column in columns], axis=0)
    kind = np.empty(len(order), dtype=np.int64)
    kind[order] = np.cumsum(differs)
    return kind[1:]


def rank(kind: IntArray) -> IntArray:
    """How many of its kind stand before each."""
    order = np.argsort(kind, kind="stable")
    starts = np.flatnonzero(np.diff(kind[order], prepend=-1))
    rank = np.empty(len(kind), dtype=np.int64)
    rank[order] = np.arange(len(kind)) - np.repeat(starts, np.diff(np.append(starts, len(kind))))
    return rank


def _regret(problem: Problem, prices: FloatArray, offer: IntArray, rows: IntArray) -> FloatArray:
    """What taking none, or each item, instead of their own costs these rows at these prices, (m, 1 + K)."""
    left = np.column_stack([np.zeros(len(rows)), _left(problem, prices, rows)])
    own = offer[rows] + 1
    every = left[np.arange(len(rows)), own][:, None] - left
    every[np.arange(len(rows)), own] = np.inf
    return every


def _changes(problem: Problem, offer: IntArray, row: IntArray, item: IntArray) -> _Changes:
    def of(column: FloatArray, taken: IntArray) -> FloatArray:
        return np.where(taken >= 0, column[row, taken], 0.0)

    before = offer[row]
    gain = of(problem.value, item) - of(problem.value, before)
    cost = of(problem.cost, item) - of(problem.cost, before)
    row, before, item = (np.append(-1, column) for column in (row, before, item))
    return _Changes(row, before, item, np.append(0.0, gain), np.append(0.0, cost))


def _possible(problem: Problem, offer: IntArray, changes: _Changes) -> BoolArray:
    """Which pairs of changes, of different rows, keep the limits, (m, m)."""
    spent, taken = used(problem, offer)
    result: BoolArray = changes.row[:, None] != changes.row
    result &= spent + changes.cost[:, None] + changes.cost <= _budget(problem)
    for item in np.flatnonzero(problem.limits.binding[1:]):
        more = changes.more_of(int(item))
        result &= taken[item] + more[:, None] + more <= problem.limits.right[1 + item]
    return result
