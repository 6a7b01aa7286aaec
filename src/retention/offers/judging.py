"""What a rule would have brought, judged by what was sent before and by what came of it.

The rules of the room:

- *A model's own forecast is never reported.* Whoever takes the highest of several forecasts takes the luckiest one: on
  Hillstrom's spend it promises 1.56 and delivers 1.32, less than one letter for all.
- *No overlap, no number.* Where the rule does what was hardly ever done, the answer is a sentence.
- *Every number has an interval*, from its influence function, by Student's t with the effective sample size.

IPS weighs each row by how much likelier the rule does what was done; SNIPS divides by the mean weight (Swaminathan,
Joachims, NIPS 2015); DR (Dudik, Erhan, Langford, Li, Statistical Science 29, 2014, 485-511) adds what a model expects,
so that weights only touch what it missed. DR needs the propensities to be right, not the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.mover import t_quantile
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.offers._tables import fewer, inside, table
from retention.offers.ranking import Estimate
from retention.offers.uplift import cross_fitted

__all__ = ["PolicyValue", "policy_value"]

_FAR = 4.0
"""Standard errors by which the mean weight may miss 1."""
_ROUNDING = 1e-9


@frozen
class PolicyValue:
    """The rule's mean outcome per customer, in the unit of the outcome.

    `ips`, `snips`, `dr`: three estimates, None where there is no overlap; `dr` also where no features were given.
    `gain`: the rule minus what was done, on the same customers, by `dr` if there is one, else by `snips`. `done`: what
    was done brought so much. `effective_n`: so many rows would say as much if all weighed the same. `refused`: why
    there is no number, in words; empty if there is one.
    """

    ips: Estimate | None
    snips: Estimate | None
    dr: Estimate | None
    gain: Estimate | None
    done: Estimate
    effective_n: float
    refused: str


def policy_value(
    offer: ArrayLike,
    propensity: ArrayLike,
    outcome: ArrayLike,
    rule: Any,
    *,
    X: Any = None,
    level: float = 0.95,
    least: int = 50,
    rng: int | np.random.Generator = 0,
) -> PolicyValue:
    """What the customers would have brought on average had ``rule`` decided.

    ``offer``: what was done, 0 to K - 1, (n,). ``propensity``: the chance with which it was, above 0 up to 1, (n,).
    ``outcome``: (n,). ``rule``: what it would have done, (n,), or its chances of each offer, (n, K), adding up to 1; it
    must not have been learned from these rows. ``X``: what was known before, (n, d), for `dr`; its models are fitted to
    the other four of five folds, dealt by ``rng``. ``least``: effective rows below which there is no number. Raises
    `InvalidInput` naming column and row.

    >>> done, outcome = [0, 1] * 100, [0.0, 1.0, 0.0, 3.0] * 50
    >>> found = policy_value(done, [0.5] * 200, outcome, [1] * 200)
    >>> found.snips.value, found.done.value, found.effective_n
    (2.0, 1.0, 100.0)
    >>> policy_value(done[:60], [0.5] * 60, outcome[:60], [1] * 60).refused
    'the rule agrees with what was done as if on 30 rows, 50 are needed'
    """
    place, y = _checks.integers("offer", offer, at_least=0), _checks.floats("outcome", outcome)
    chance = _checks.floats("propensity", propensity, at_most=1)
    _checks.refuse("propensity", chance, chance <= 0, "not above 0: what could not happen was done")
    n = _checks.same_length(offer=place, propensity=chance, outcome=y)
    inside("level", level)
    fewer("least", least, 2, 10**9)
    if n < 2:
        raise InvalidInput(f"offer: {n} rows, 2 are needed")
    policy = _rule(rule, place)
    columns = None if X is None else table("X", X, rows=n)
    weight = policy[np.arange(n), place] / chance
    effective = float(weight.sum() ** 2 / max((weight**2).sum(), np.finfo(np.float64).tiny))
    done = _around(y.mean(), y - y.mean(), n, level)
    refused = _no_overlap(weight, effective, least)
    if refused:
        return PolicyValue(None, None, None, None, done, effective, refused)
    ips, snips = _ips(weight, y), _snips(weight, y)
    dr = None if columns is None else _dr(weight, y, place, policy, columns, np.random.default_rng(rng))
    best = dr or snips
    gain = _around(best[0] - y.mean(), best[1] - (y - y.mean()), effective, level)
    found = [_around(*e, effective, level) for e in (ips, snips, dr) if e is not None]
    return PolicyValue(found[0], found[1], found[2] if dr else None, gain, done, effective, "")


def _rule(rule: Any, place: IntArray) -> FloatArray:
    """The rule's chances of each offer, (n, K)."""
    if np.ndim(rule) == 2:
        chances = table("rule", rule, rows=len(place))
        total = chances.sum(axis=1)
        bad = (chances < 0).any(axis=1) | (np.abs(total - 1) > _ROUNDING)
        _checks.refuse("rule", total, bad, "the sum of the row's chances: give numbers from 0 up that add up to 1")
        _checks.refuse("offer", place, place >= chances.shape[1], f"but the rule has {chances.shape[1]} offers")
        return chances
    chosen = _checks.integers("rule", rule, at_least=0, at_most=int(place.max()))
    _checks.same_length(offer=place, rule=chosen)
    return np.eye(int(place.max()) + 1)[chosen]


def _no_overlap(weight: FloatArray, effective: float, least: int) -> str:
    if effective < least:
        return f"the rule agrees with what was done as if on {effective:.0f} rows, {least} are needed"
    mean, error = float(weight.mean()), float(weight.std() / np.sqrt(len(weight)))
    if abs(mean - 1) > _FAR * error + _ROUNDING:
        return f"the weights are {mean:.2f} on average and should be 1: the rule does what some rows had no chance of"
    return ""


def _ips(weight: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    value = float((weight * y).mean())
    return value, weight * y - value


def _snips(weight: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    value = float((weight * y).sum() / weight.sum())
    return value, weight * (y - value) / weight.mean()


def _dr(
    weight: FloatArray, y: FloatArray, place: IntArray, policy: FloatArray, X: FloatArray, rng: np.random.Generator
) -> tuple[float, FloatArray]:
    scale = X.std(axis=0)
    columns = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    expected = cross_fitted(columns, place, y, policy.shape[1], rng)
    score = (policy * expected).sum(axis=1) + weight * (y - expected[np.arange(len(y)), place])
    value = float(score.mean())
    return value, score - value


def _around(value: float, influence: FloatArray, effective: float, level: float) -> Estimate:
    """The interval of a mean of influences."""
    error = float(influence.std(ddof=1)) / np.sqrt(len(influence))
    half = float(t_quantile(max(effective - 1, 1.0), level)) * error
    return Estimate(float(value), float(value - half), float(value + half))
