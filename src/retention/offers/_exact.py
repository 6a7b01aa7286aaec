"""The optimum itself, by branch and bound, among the few choices that the bound leaves open.

A choice whose reduced value is further from its row's best than the bound is from the assignment at hand is in no
better assignment, and left out (Sinha and Zoltners 1979). Rows that are alike in what remains are counted, not told
apart. HiGHS 1.12, which scipy 1.17 holds, may print a line of its own (its issue 2783); nothing depends on it.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention._stats.knapsack import Problem, best, reduced
from retention._types import BoolArray, FloatArray, IntArray
from retention.offers._fitting import fits, profit, rank

__all__ = ["Optimum", "improve"]

_SOLVED = 0
_ROUNDING = 1e-9
# More choices than that are not handed to the solver.
_MOST_CHOICES = 10_000
_GOLDEN = (5**0.5 - 1) / 2


@frozen(eq=False)
class Optimum:
    """An offer for each row, (n,), −1 for none; a `bound` that no assignment exceeds; `proven` to be the best."""

    offer: IntArray
    bound: float
    proven: bool


def improve(problem: Problem, prices: FloatArray, offer: IntArray, *, seconds: float) -> Optimum:
    """The best that is found in so many seconds, from an assignment within the limits and prices; never a worse one."""
    bound, have = best(problem, prices)[0], profit(problem, offer)
    left = reduced(problem.value, problem.cost, prices)
    regret = np.maximum(left.max(axis=1), 0.0)[:, None] - left
    open_ = regret <= bound - have + _ROUNDING * abs(bound)
    at_hand = Optimum(offer, bound, proven=False)
    rows = np.flatnonzero(open_.any(axis=1))
    if not len(rows):
        return at_hand
    groups = _Groups.of(problem, rows, open_[rows])
    found = groups.solve(problem, seconds) if len(groups.item) <= _MOST_CHOICES else None
    if found is None:
        return at_hand
    times, upper, proven = found
    result = groups.spread(times, len(offer))
    if not fits(problem, result) or profit(problem, result) < have:
        return Optimum(offer, min(bound, max(upper, have)), proven=False)
    return Optimum(result, min(bound, max(upper, profit(problem, result))), proven)


@frozen(eq=False)
class _Groups:
    """Rows that are alike: `size`, (g,), `members`, group after group; their open choices: `group`, `item`, … (m,)."""

    size: IntArray
    members: IntArray
    group: IntArray
    item: IntArray
    value: FloatArray
    cost: FloatArray

    @classmethod
    def of(cls, problem: Problem, rows: IntArray, open_: BoolArray) -> _Groups:
        value = np.where(open_, problem.value[rows], 0.0)
        cost = np.where(open_, problem.cost[rows], 0.0)
        first, of_row, size = _alike(np.hstack([value, cost, open_]))
        group, item = np.nonzero(open_[first])
        at = first[group], item
        return cls(size, rows[np.argsort(of_row, kind="stable")], group, item, value[at], cost[at])

    def solve(self, problem: Problem, seconds: float) -> tuple[IntArray, float, bool] | None:
        """How often each choice is taken, a bound, and whether it is reached; None if nothing was found."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array

        choice = np.arange(len(self.item))
        use = np.zeros((len(problem.limits.right), len(choice)))
        use[0], use[self.item + 1, choice] = self.cost, 1.0
        one_each = coo_array((np.ones(len(choice)), (self.group, choice)))
        limits = problem.limits.binding
        found = milp(
            -self.value,
            integrality=np.ones(len(choice)),
            bounds=Bounds(0, self.size[self.group]),
            constraints=[
                LinearConstraint(one_each.tocsr(), ub=self.size),
                LinearConstraint(use[limits], ub=problem.limits.right[limits]),
            ],
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        if found.x is None:
            return None
        return np.rint(found.x).astype(np.int64), -float(found.mip_dual_bound), found.status == _SOLVED

    def spread(self, times: IntArray, n: int) -> IntArray:
        """The choices as offers of the rows, (n,), −1 for none."""
        group, item = np.repeat(self.group, times), np.repeat(self.item, times)
        starts = np.cumsum(self.size) - self.size
        offer = np.full(n, -1)
        offer[self.members[starts[group] + rank(group)]] = item
        return offer


def _alike(table: FloatArray) -> tuple[IntArray, IntArray, IntArray]:
    """Of rows of a table that are equal: the first of each group, the group of each row, and how many there are.

    Equal rows have equal sums, and rows of equal sums that are not equal stay on their own; sorting one column is many
    times as fast as sorting whole rows.
    """
    total = np.zeros(len(table))
    for column in table.T:
        total = total * _GOLDEN + column
    _, first, group = np.unique(total, return_index=True, return_inverse=True)
    differs = np.flatnonzero((table != table[first[group]]).any(axis=1))
    group[differs] = len(first) + np.arange(len(differs))
    return np.append(first, differs), group, np.bincount(group)
