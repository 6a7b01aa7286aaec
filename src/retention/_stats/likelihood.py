"""Maximum likelihood for parameters above 0: search, standard errors, and a verdict that looks at the parameters.

The search runs in logarithms. Each parameter has limits far outside what real shops show, beyond which the model does
not change: a gamma distribution of shape 10,000 is a constant for every purpose of a shop. An optimiser that reports
success has found a place where nothing rises any more; if that is a limit, the parameters are no estimate, and the
verdict says so and what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import numpy as np
from attrs import frozen

from retention._stats.optimise import Derivatives, Maximum, maximise
from retention._types import FloatArray
from retention.errors import InvalidInput

__all__ = ["Fit", "Parameter", "above_zero", "estimate", "numbers"]


@frozen
class Parameter:
    """A parameter's `name`, its limits, and what it means if the estimate runs into one of them."""

    name: str
    low: float
    high: float
    if_low: str
    if_high: str


@frozen(eq=False)
class Fit:
    """`parameters` (k,), `log_likelihood`, `covariance` (k, k) or None where it is flat, `steps`, and the verdict."""

    parameters: FloatArray
    log_likelihood: float
    covariance: FloatArray | None
    steps: int
    converged: bool
    verdict: str

    def standard_errors(self, units: FloatArray) -> tuple[float, ...]:
        """Of the parameters, each times its unit; empty where they are not determined."""
        if self.covariance is None:
            return ()
        return tuple((np.sqrt(self.covariance.diagonal()) * units).tolist())


def numbers(values: Iterable[float]) -> tuple[float, ...]:
    """What JSON made a list is a tuple again."""
    return tuple(values)


def above_zero(_record: Any, attribute: attrs.Attribute[float], value: Any) -> None:
    """For fields of records that anybody may make by hand: a finite number above 0, or `InvalidInput`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
        raise InvalidInput(f"{attribute.name}: {value!r}: give a finite number above 0")


def estimate(
    parameters: Sequence[Parameter],
    likelihoods: Sequence[Callable[[FloatArray], Derivatives]],
    starts: Sequence[FloatArray],
) -> Fit:
    """The best maximum of the first likelihood from all starts, then that of each further one from where it ended.

    A cheap likelihood of a sample comes first, that of all the data last.
    """
    low, high = (np.array([getattr(p, end) for p in parameters]) for end in ("low", "high"))
    steps, ends = 0, [np.log(start) for start in starts]
    for likelihood in likelihoods:
        tries = [maximise(_in_logs(likelihood), end, np.log(low), np.log(high)) for end in ends]
        steps += sum(found.steps for found in tries)
        best = max(tries, key=lambda found: found.value)
        ends = [best.at]
    covariance = _covariance(best)
    verdict = _verdict(parameters, best, covariance)
    limits = [best.at <= np.log(low), best.at >= np.log(high)]
    at = np.select(limits, [low, high], np.exp(best.at))  # exp(log(limit)) need not be the limit
    return Fit(at, float(best.value), covariance, steps, verdict == "converged", verdict)


def _in_logs(function: Callable[[FloatArray], Derivatives]) -> Callable[[FloatArray], Derivatives]:
    """The same function of the parameters' logarithms."""

    def derivatives(log_parameters: FloatArray) -> Derivatives:
        parameters = np.exp(log_parameters)
        value, gradient, hessian = function(parameters)
        gradient = gradient * parameters
        return value, gradient, hessian * np.outer(parameters, parameters) + np.diag(gradient)

    return derivatives


def _covariance(found: Maximum) -> FloatArray | None:
    """Of the parameters, from the curvature at the maximum; None if it is not one in every direction."""
    curvature, axes = np.linalg.eigh(-found.hessian)
    if found.at_wall.any() or curvature.min() <= 1e-9 * curvature.max():
        return None
    scaled = np.exp(found.at)[:, None] * axes
    result: FloatArray = (scaled / curvature) @ scaled.T
    return result


def _verdict(parameters: Sequence[Parameter], found: Maximum, covariance: FloatArray | None) -> str:
    if found.at_wall.any():
        walls = zip(parameters, found.at, found.at_wall, strict=True)
        return "; ".join(_meaning(p, at) for p, at, at_wall in walls if at_wall)
    if not found.found:
        return f"not converged: {found.steps} steps did not lead to a maximum"
    if covariance is None:
        return "not determined: other parameters fit these data as well; the probabilities hold, the parameters do not"
    relative = np.sqrt(covariance.diagonal()) / np.exp(found.at)
    vague = [f"{p.name} is {ratio:.1f} times" for p, ratio in zip(parameters, relative, strict=True) if ratio > 1]
    if vague:
        return f"not determined: the standard error of {' and of '.join(vague)} as large as the estimate"
    return "converged"


def _meaning(parameter: Parameter, at: float) -> str:
    low = at <= np.log(parameter.low)
    end, meaning = ("lower", parameter.if_low) if low else ("upper", parameter.if_high)
    return f"{parameter.name} ran to its {end} limit: {meaning}"
