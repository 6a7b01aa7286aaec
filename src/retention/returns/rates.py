"""Rates of return of products, sizes, customers, reasons: with intervals, and without being fooled by small numbers.

A group's own share leans on what the shop's other groups are like (`retention._stats.beta_binomial`), or on its
parent: a size on its product. Goods sold lately may still come back, so a sale counts as much as the share of returns
that would be known by now (`fit_delay`).
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats import beta_binomial
from retention._types import AnyArray, ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = ["Delay", "Rates", "fit_delay", "fit_rates"]


@frozen(eq=False)
class Delay:
    """How long returns take: `share` of them came within `days`, (k,) each, rising."""

    days: FloatArray
    cumulative: FloatArray

    def share(self, age: ArrayLike) -> FloatArray:
        """Of the returns that will come, the share known so many days after the sale, (n,), 0 to 1."""
        days = _checks.floats("age", age, at_least=0)
        return np.interp(days, self.days, self.cumulative, left=0.0, right=1.0)


def fit_delay(lag: ArrayLike, age: ArrayLike) -> Delay:
    """From the returns known by now: `lag`, days from sale to return, and `age`, days from sale to now, (n,) each.

    A return that takes longer than its sale is old is not known yet, so the shares are those of Lynden-Bell (1971,
    MNRAS 155, 95-118) for such data. The longest lag known is taken for the longest there is. Raises `InvalidInput`
    for a lag beyond its age, and without any return.
    """
    lags, ages = _checks.floats("lag", lag, at_least=0), _checks.floats("age", age, at_least=0)
    _checks.same_length(lag=lags, age=ages)
    _checks.refuse("lag", lags, lags > ages, "longer than the sale is old: count both in days, up to one day")
    if not len(lags):
        raise InvalidInput("lag: no return is known; leave the delay out")
    days, ends = np.unique(lags, return_counts=True)
    known = np.searchsorted(np.sort(lags), days, side="right")
    too_young = np.searchsorted(np.sort(ages), days, side="left")
    at_risk = known - too_young  # returns within so many days of sales that are at least so old
    stays = 1 - ends / at_risk
    cumulative = np.append(np.cumprod(stays[::-1])[::-1][1:], 1.0)
    return Delay(days, cumulative)


@frozen(eq=False)
class Rates:
    """The rate of return of each group, shape (g,) each, groups in order of their ids.

    `sold`: lines, a recent one counting by how much is known of it. `returned`: lines. `rate`: the mean of what is
    known of the group, between `lower` and `upper` with probability `level`. `usual`: what it leans on, worth `weight`
    sales.
    """

    group: AnyArray
    sold: FloatArray
    returned: FloatArray
    usual: FloatArray
    weight: float
    level: float
    rate: FloatArray = field(init=False)
    lower: FloatArray = field(init=False)
    upper: FloatArray = field(init=False)

    def __attrs_post_init__(self) -> None:
        from scipy.special import betaincinv

        a, b = self._known()
        tail = (1 - self.level) / 2
        set_field = object.__setattr__
        set_field(self, "rate", a / (a + b))
        set_field(self, "lower", np.asarray(betaincinv(a, b, tail)))
        set_field(self, "upper", np.asarray(betaincinv(a, b, 1 - tail)))

    def _known(self) -> tuple[FloatArray, FloatArray]:
        """The beta distribution of each group's rate."""
        a = self.usual * self.weight + self.returned
        return a, (1 - self.usual) * self.weight + self.sold - self.returned

    def of(self, group: ArrayLike) -> FloatArray:
        """The rate of each row's group, (n,); the mean of all groups' usual rate for one that is not known."""
        wanted = _checks.text_ids("group", group)
        place = np.minimum(np.searchsorted(self.group, wanted), len(self.group) - 1)
        return np.where(self.group[place] == wanted, self.rate[place], self.usual.mean())

    def counts(self, sales: ArrayLike) -> tuple[IntArray, IntArray]:
        """Between which counts the returns of each group's next `sales` will lie with probability `level`, (g,) each.

        Whole numbers cannot hit the level exactly: the interval holds at least so much.
        """
        trials = _checks.integers("sales", sales, at_least=0)
        _checks.same_length(group=self.group, sales=trials)
        return beta_binomial.counts_within(*self._known(), trials, self.level)


def fit_rates(
    group: ArrayLike,
    returned: ArrayLike,
    *,
    settled: ArrayLike | None = None,
    within: Rates | None = None,
    parent: ArrayLike | None = None,
    level: float = 0.9,
) -> Rates:
    """The rate of each group from single sales: `group`, an id, and `returned`, 0 or 1, for each line, (n,) each.

    `settled`: the share of returns of so old a line that would be known by now, (n,), 0 to 1; 1 unless given. `within`
    and `parent`: the rates of larger groups, and the larger group of each line, on whose rate this one leans: the
    product's for a size. `level`: of the intervals. Raises `InvalidInput` naming column and row, for a group of two
    parents, and without a single return or with nothing but returns.

    >>> sizes = fit_rates(["S", "S", "S", "M", "M", "M", "L"], [1, 1, 0, 0, 0, 0, 1])
    >>> sizes.group.tolist(), sizes.rate.round(2).tolist()
    (['L', 'M', 'S'], [0.47, 0.37, 0.47])
    """
    ids, code = _checks.distinct(_checks.text_ids("group", group))
    outcome = _checks.floats("returned", returned, at_least=0, at_most=1)
    _checks.refuse("returned", outcome, (outcome != 0) & (outcome != 1), "neither 0 nor 1")
    share = np.ones(len(outcome)) if settled is None else _checks.floats("settled", settled, at_least=0, at_most=1)
    _checks.same_length(group=code, returned=outcome, settled=share)
    back = np.bincount(code, outcome, len(ids)).astype(np.float64)
    sold = np.bincount(code, np.where(outcome == 1, 1.0, share), len(ids)).astype(np.float64)
    if not 0 < outcome.sum() < sold.sum():
        raise InvalidInput(f"returned: {outcome.sum():.0f} of {len(outcome)} lines; some must and some must not")
    if within is None:
        prior = beta_binomial.fit_prior(back[sold > 0], sold[sold > 0])
        usual = np.full(len(ids), float(prior.mean))
    else:
        usual = within.of(_parents(ids, code, parent))
        prior = beta_binomial.fit_weight(back, sold, usual)
    return Rates(ids, sold, back, usual, prior.weight, _checks.probability("level", level))


def _parents(ids: AnyArray, code: IntArray, parent: ArrayLike | None) -> AnyArray:
    if parent is None:
        raise InvalidInput("parent: missing; say for each line which group of within= it belongs to")
    parents = _checks.text_ids("parent", parent)
    _checks.same_length(group=code, parent=parents)
    of_group = np.empty(len(ids), dtype=parents.dtype)
    of_group[code] = parents
    _checks.refuse("parent", parents, of_group[code] != parents, "a group of two parents: make the group's ids unique")
    return of_group
