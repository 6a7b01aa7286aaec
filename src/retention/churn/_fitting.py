"""From rows to a fitted model: the unit of time, limits and starting points, and what it means to run into a limit.

Times are counted in units of about the mean age, so that a shop in days, weeks or seconds is the same shop. The search
starts from several points on a sample of the customers, then goes on with all of them from the best.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from retention._stats.likelihood import Fit, Parameter, estimate
from retention.churn import _bg_likelihood, _pareto
from retention.churn._records import BetaGeometric, ParetoNBD
from retention.churn._rows import Rows
from retention.errors import InvalidInput

__all__ = ["fit_beta_geometric", "fit_pareto"]

# Samples, the smaller one to choose among starting points.
_SAMPLES = (1_000, 20_000)
# Four parameters cannot be learnt from four repeat buyers.
_FEWEST = 5
_SAME_RATE = "customers do not differ in how often they order, as far as can be told"
_NOBODY_LEAVES = "nobody leaves, as far as can be told"
_SAME_LEAVING = "customers do not differ in how readily they leave, as far as can be told"
_ALL_LEAVE = "everybody leaves at once, as far as can be told"

_RATE = (
    Parameter("r", 1e-4, 1e4, "some order, the others never", _SAME_RATE),
    Parameter("alpha", 1e-6, 1e7, "customers order without end", "hardly anybody orders again"),
)
_LEAVING = (
    Parameter("a", 1e-4, 1e4, _NOBODY_LEAVES, _SAME_LEAVING),
    Parameter("b", 1e-4, 1e6, _ALL_LEAVE, _NOBODY_LEAVES),
)
_PARETO_LEAVING = (
    Parameter("s", 1e-4, 1e4, _NOBODY_LEAVES, _SAME_LEAVING),
    Parameter("beta", 1e-6, 1e7, _ALL_LEAVE, _NOBODY_LEAVES),
)
_BG_STARTS = (np.array([0.5, 0.2, 0.8, 2.0]), np.array([5.0, 1.0, 0.5, 5.0]), np.array([0.1, 0.1, 2.0, 2.0]))
_PARETO_STARTS = (np.array([0.5, 0.3, 0.5, 0.4]), np.array([5.0, 1.0, 1.0, 2.0]), np.array([0.1, 0.1, 2.0, 1.0]))


def fit_beta_geometric(rows: Rows, model: Literal["bg/nbd", "mbg/nbd", "mbg/cnbd-k"], k: int = 1) -> BetaGeometric:
    """A model of the BG family, of k stages a gap."""
    unit, samples = _samples(rows)
    first = int(model == "bg/nbd")
    likelihoods = [_bg_likelihood.log_likelihood(some, first=first, k=k) for some in samples]
    found = estimate((*_RATE, *_LEAVING), likelihoods, _BG_STARTS)
    r, alpha, a, b = (found.parameters * [1, unit, 1, 1]).tolist()
    return BetaGeometric(
        model=model,
        r=r,
        alpha=alpha,
        a=a,
        b=b,
        k=k,
        log_likelihood=_in_own_unit(found, rows, unit),
        standard_errors=found.standard_errors(np.array([1, unit, 1, 1])),
        iterations=found.steps,
        customers=rows.customers,
        converged=found.converged,
        verdict=found.verdict,
    )


def fit_pareto(rows: Rows) -> ParetoNBD:
    """The Pareto/NBD model."""
    unit, samples = _samples(rows)
    likelihoods = [_pareto.log_likelihood(some) for some in samples]
    found = estimate((*_RATE, *_PARETO_LEAVING), likelihoods, _PARETO_STARTS)
    r, alpha, s, beta = (found.parameters * [1, unit, 1, unit]).tolist()
    return ParetoNBD(
        r=r,
        alpha=alpha,
        s=s,
        beta=beta,
        log_likelihood=_in_own_unit(found, rows, unit),
        standard_errors=found.standard_errors(np.array([1, unit, 1, unit])),
        iterations=found.steps,
        customers=rows.customers,
        converged=found.converged,
        verdict=found.verdict,
    )


def _samples(rows: Rows) -> tuple[float, list[Rows]]:
    """The unit, and the customers in it: small samples first, everybody last."""
    repeats = float(rows.weight[rows.x[rows.x_place] > 0].sum())
    if repeats < _FEWEST:
        raise InvalidInput(
            f"frequency: {repeats:g} of {rows.customers:g} customers ordered on a second day, too few to fit a model,"
            f" {_FEWEST} at least: use rhythm, or wait for repeat orders"
        )
    unit = 2.0 ** round(math.log2(rows.mean_age))
    scaled = rows.in_unit(unit)
    return unit, [*(scaled.sample(size) for size in _SAMPLES if size < 0.9 * rows.customers), scaled]


def _in_own_unit(found: Fit, rows: Rows, unit: float) -> float:
    """The log likelihood with times as they were given: each repeat order has a density in time."""
    return found.log_likelihood - rows.repeat_orders * math.log(unit)
