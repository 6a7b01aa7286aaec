"""Lifetime value: what an order of each customer is worth on average, and what the orders to come are worth today.

The Gamma-Gamma model (Fader, Hardie 2013): the value of an order varies around the customer's own mean, the means vary
between customers, and neither has to do with how often they order. So what is seen of a rare buyer leans on the shop.
Money is what comes in: a mean of 0 or less, which refunds can make, is refused with a remedy, never fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats.likelihood import Parameter, above_zero, estimate, numbers
from retention._stats.optimise import Derivatives
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = ["GammaGamma", "discounted", "expected_value", "fit"]

_SAMPLES = (1_000, 20_000)
# Three parameters cannot be learnt from three repeat buyers.
_FEWEST = 4
_STEADY = "the orders of one customer are all worth the same, as far as can be told"
_ALIKE = "customers do not differ in what their orders are worth, as far as can be told"
# In units of about the mean value.
_PARAMETERS = (
    Parameter("p", 1e-3, 1e4, "values scatter beyond any mean", _STEADY),
    Parameter("q", 1e-2, 1e4, "customers differ beyond any mean", _ALIKE),
    Parameter("v", 1e-6, 1e7, "values scatter beyond any mean", _ALIKE),
)
_STARTS = (np.array([5.0, 4.0, 0.6]), np.array([1.0, 2.0, 1.0]), np.array([50.0, 20.0, 0.4]))


@frozen(kw_only=True)
class GammaGamma:
    """The Gamma-Gamma model: equal by value, hashable, JSON as for `retention.churn.BetaGeometric`.

    The value of an order is gamma distributed with shape `p`, its rate between customers with shape `q` and rate `v`
    (in money); the shop's mean is p v / (q - 1). `log_likelihood`: of the repeat buyers it was fitted to, None if it
    was not. `standard_errors`: of p, q, v; empty where the data do not determine them. `iterations`: Newton steps.
    `customers`: repeat buyers, counted with their weights. `converged`, `verdict`: whether the parameters can be relied
    on, and why, in words.
    """

    p: float = field(validator=above_zero)
    q: float = field(validator=above_zero)
    v: float = field(validator=above_zero)
    log_likelihood: float | None = None
    standard_errors: tuple[float, ...] = field(default=(), converter=numbers)
    iterations: int = 0
    customers: float = 0.0
    converged: bool = True
    verdict: str = "given, not fitted"


def fit(frequency: ArrayLike, monetary_value: ArrayLike, *, weights: ArrayLike | None = None) -> GammaGamma:
    """The model's parameters by maximum likelihood, with standard errors and a verdict; look at ``.converged``.

    ``frequency``: order days after the first, whole, at least 0. ``monetary_value``: their mean value, above 0 where
    there are any. Who has none says nothing about values and is left out. ``weights``: how many customers each row
    stands for, at least 0. Shapes (n,). Raises `InvalidInput` naming column, row and value, for a repeat buyer whose
    mean is 0 or less too, and if fewer than four ordered on a second day.

    >>> frequency = [0, 1, 1, 1, 1, 2, 2, 2, 4, 4, 4]
    >>> monetary_value = [0, 6, 14, 30, 90, 10, 24, 70, 12, 25, 80]
    >>> g = fit(frequency, monetary_value, weights=[400, 40, 60, 60, 20, 30, 40, 15, 20, 25, 10])
    >>> g.customers, g.converged
    (320.0, True)
    >>> expected_value(g, [0, 1, 5], [0, 61, 61]).round(1)
    array([27.7, 52.4, 58.8])
    """
    x, m = _columns(frequency, monetary_value)
    weight = np.ones(len(x)) if weights is None else _checks.floats("weights", weights, at_least=0)
    _checks.same_length(frequency=x, weights=weight)
    repeats = (x > 0) & (weight > 0)
    if weight[repeats].sum() < _FEWEST:
        raise InvalidInput(
            f"frequency: {weight[repeats].sum():g} of {weight.sum():g} customers ordered on a second day, too few to"
            f" fit a model, {_FEWEST} at least: wait for repeat orders"
        )
    everybody = _Values.of(x[repeats], m[repeats], weight[repeats])
    unit = 2.0 ** round(math.log2(everybody.mean()))
    scaled = _Values(everybody.x, everybody.m / unit, everybody.weight)
    samples = [scaled.sample(size) for size in _SAMPLES if size < 0.9 * scaled.weight.sum()]
    found = estimate(_PARAMETERS, [_log_likelihood(values) for values in (*samples, scaled)], _STARTS)
    p, q, v = (found.parameters * [1, 1, unit]).tolist()
    no_mean = f"q is {q:.3g}, not above 1: the mean value of an order is infinite, rely on repeat buyers alone"
    return GammaGamma(
        p=p,
        q=q,
        v=v,
        log_likelihood=found.log_likelihood - float(everybody.weight.sum()) * math.log(unit),
        standard_errors=found.standard_errors(np.array([1, 1, unit])),
        iterations=found.steps,
        customers=float(everybody.weight.sum()),
        converged=found.converged and q > 1,
        verdict=found.verdict if q > 1 else no_mean,
    )


def expected_value(g: GammaGamma, frequency: ArrayLike, monetary_value: ArrayLike) -> FloatArray:
    """The mean value of an order of each customer, as far as it can be known, shape (n,), above 0.

    Arrays as in `fit`, (n,); no rows give no rows. Between the customer's own mean and the shop's, the nearer to their
    own the more orders there are; who ordered once gets the shop's. Raises `InvalidInput` as `fit` does, and where the
    model has no finite mean.

    >>> g = GammaGamma(p=6.2496, q=3.7442, v=15.4435)  # Fader, Hardie 2013, and two of their customers
    >>> expected_value(g, [1, 0], [11.77, 0]).round(2)
    array([18.91, 35.17])
    """
    x, m = _columns(frequency, monetary_value)
    degrees = g.p * x + g.q - 1
    _checks.refuse("frequency", x, degrees <= 0, f"too few for a finite mean when p is {g.p:.3g} and q is {g.q:.3g}")
    value: FloatArray = g.p * (g.v + x * m) / degrees
    return value


def discounted(expected_orders_by_period: ArrayLike, value: ArrayLike, margin: ArrayLike, rate: float) -> FloatArray:
    """Today's worth of the orders to come, shape (n,), in the money of ``value``.

    ``expected_orders_by_period``: orders expected in the first, the second, ... period from today, shape (n, periods),
    at least 0: differences of `retention.churn.expected_orders` at growing horizons. ``value``: mean value of an
    order, shape (n,). ``margin``: what the shop keeps of it, a share, one for all or shape (n,). ``rate``: interest per
    period, at least 0; a period counts as if its orders came at its end. Raises `InvalidInput`.

    >>> discounted([[1.0, 0.5], [0.2, 0.1]], value=[50, 40], margin=0.3, rate=0.01).round(2)
    array([22.2 ,  3.55])
    """
    orders = np.asarray(expected_orders_by_period)
    if orders.ndim != 2:
        raise InvalidInput(f"expected_orders_by_period: has shape {orders.shape}: give (customers, periods)")
    columns = [_checks.floats(f"expected_orders_by_period[:, {i}]", c, at_least=0) for i, c in enumerate(orders.T)]
    worth = _checks.floats("value", value)
    share = _checks.floats("margin", np.broadcast_to(margin, worth.shape) if np.ndim(margin) == 0 else margin)
    _checks.same_length(expected_orders_by_period=orders, value=worth, margin=share)
    growth = 1 + float(_checks.floats("rate", [rate], at_least=0)[0])
    total = np.zeros(len(orders))
    for period, column in enumerate(columns, start=1):
        total += column / growth**period
    return total * worth * share


def _columns(frequency: ArrayLike, monetary_value: ArrayLike) -> tuple[IntArray, FloatArray]:
    x = _checks.integers("frequency", frequency, at_least=0)
    m = _checks.floats("monetary_value", monetary_value)
    _checks.same_length(frequency=x, monetary_value=m)
    remedy = "not above 0, though they ordered again: leave such customers out (refunds took what they paid)"
    _checks.refuse("monetary_value", m, (x > 0) & (m <= 0), remedy)
    return x, m


# ---------------------------------------------------------------- likelihood


@frozen(eq=False)
class _Values:
    """Distinct pairs of frequency and mean value, sorted, with the number of customers who share them; each (u,)."""

    x: FloatArray
    m: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, x: IntArray, m: FloatArray, weight: FloatArray) -> _Values:
        order = np.lexsort((weight, m, x))
        x, m = x[order], m[order]
        first = np.flatnonzero(_checks.starts(x) | _checks.starts(m))
        return cls(x[first].astype(np.float64), m[first], np.add.reduceat(weight[order], first))

    def mean(self) -> float:
        return float((self.weight * self.m).sum() / self.weight.sum())

    def sample(self, size: int) -> _Values:
        """The customers at evenly spaced places of the sorted queue, each standing for equally many."""
        queue = np.cumsum(self.weight)
        drawn = np.bincount(np.searchsorted(queue, (np.arange(size) + 0.5) * (queue[-1] / size)), minlength=len(queue))
        kept = np.flatnonzero(drawn)
        return _Values(self.x[kept], self.m[kept], drawn[kept] * (queue[-1] / size))


def _log_likelihood(values: _Values) -> Callable[[FloatArray], Derivatives]:
    """The log likelihood of (p, q, v) with first and second derivatives: special functions once for each frequency."""
    from scipy.special import betaln, digamma, zeta

    first = np.flatnonzero(_checks.starts(values.x))
    x, by_x = values.x[first], np.add.reduceat(values.weight, first)
    spent = values.x * values.m
    total = float(values.weight.sum())
    constant = -float((values.weight * np.log(values.m)).sum())
    log_spent = float((values.weight * values.x * np.log(spent)).sum())

    def sums(column: FloatArray) -> FloatArray:
        return np.add.reduceat(values.weight * column, first)

    def derivatives(parameters: FloatArray) -> Derivatives:
        p, q, v = parameters
        px = p * x
        inverse = 1 / (spent + v)
        logs, inverses, squares = sums(np.log(spent + v)), sums(inverse), sums(inverse**2)
        value = -(by_x * betaln(px, q)).sum() + total * q * np.log(v) + p * log_spent - ((px + q) * logs).sum()
        both, curve = digamma(px + q), zeta(2, px + q)
        gradient = [
            (by_x * x * (both - digamma(px)) - x * logs).sum() + log_spent,
            (by_x * (both - digamma(q)) - logs).sum() + total * np.log(v),
            total * q / v - ((px + q) * inverses).sum(),
        ]
        pq, pv, qv = (by_x * x * curve).sum(), -(x * inverses).sum(), total / v - inverses.sum()
        hessian = [
            [(by_x * x**2 * (curve - zeta(2, px))).sum(), pq, pv],
            [pq, (by_x * (curve - zeta(2, q))).sum(), qv],
            [pv, qv, ((px + q) * squares).sum() - total * q / v**2],
        ]
        return float(value) + constant, np.array(gradient), np.array(hessian)

    return derivatives
