"""Which line of a basket will come back: every clue's own rate, shrunk by what the shop's data say of it.

One model for all shops: a logistic regression in which each clue of `lines` has one effect for each of its levels, and
how much a level with few lines leans on the others is estimated, not chosen (see `retention._stats.crossed`). A product
that nobody has sold yet, or a customer whom nobody knows, counts as an average one.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.crossed import Crossed, fit_crossed, linear
from retention._types import ArrayLike, FloatArray
from retention.errors import InvalidInput
from retention.returns.lines import CLUES, Lines, Past, clues, learn

__all__ = ["Risk", "RiskModel", "fit_risk", "risk"]

_WORDS = {
    "product": "this product",
    "size": "this size of the product",
    "customer": "this customer",
    "category": "this category",
    "category_size": "this size in the category",
    "unusual_size": "how far the size is from the customer's usual one",
    "bracketing": "the same product in several sizes in one basket",
    "first_time": "whether the customer has bought such things before",
    "value": "the line's value",
}
_TOLD = 3
_WORTH_TELLING = 0.1
"""Odds changed by less than a tenth are not told."""


@frozen(eq=False)
class RiskModel:
    """What returns go by in one shop: `past` reads new lines, `effects` weighs them; made by `fit_risk`.

    `lines`, `rate`: how many lines it was learned from, and the share of them that came back.
    """

    past: Past
    effects: Crossed
    lines: int
    rate: float

    @property
    def spread(self) -> dict[str, float]:
        """How much each clue tells apart: the standard deviation of its effects on the log-odds, 0 or more."""
        return dict(zip(CLUES, np.sqrt(self.effects.variances).tolist(), strict=True))


@frozen(eq=False)
class Risk:
    """The chance that each line comes back, shape (n,) each; `lower` and `upper` bound the line's true chance.

    `effect`: what every clue of `CLUES` adds to the line's log-odds, (n, 9). `rate`: the shop's own share of returns.
    """

    p: FloatArray
    lower: FloatArray
    upper: FloatArray
    effect: FloatArray
    rate: float

    def why(self, row: int) -> str:
        """The clues that move a line's odds most, in one sentence."""
        effect = self.effect[row]
        strongest = np.argsort(-np.abs(effect), kind="stable")[:_TOLD]
        told = [f"{_WORDS[CLUES[i]]} ×{np.exp(effect[i]):.1f}" for i in strongest if abs(effect[i]) >= _WORTH_TELLING]
        return f"{self.p[row]:.0%} against the usual {self.rate:.0%}; odds: {', '.join(told) or 'as usual'}"


def fit_risk(lines: Lines, returned: ArrayLike, *, settled: ArrayLike | None = None) -> RiskModel:
    """Learn from `lines` of the past which came back; `returned`: 0 or 1 for each line, as known by now, (n,).

    `settled`: the chance that a return of so old a line would be known by now, above 0 up to 1, (n,), as
    `Delay.share` gives it; without it every line is taken to be settled. Raises `InvalidInput` naming column and row,
    and where no line, or every line, came back.
    """
    outcome = _checks.floats("returned", returned, at_least=0, at_most=1)
    _checks.refuse("returned", outcome, (outcome != 0) & (outcome != 1), "neither 0 nor 1")
    share = np.ones(len(lines)) if settled is None else _checks.floats("settled", settled, at_least=0, at_most=1)
    _checks.same_length(lines=lines.day, returned=outcome, settled=share)
    if not 0 < outcome.sum() < len(outcome):
        raise InvalidInput(f"returned: {outcome.sum():.0f} of {len(outcome)} lines; some must and some must not")
    # A line that has not come back yet says as much as the share of returns that would be known by now.
    weight = np.where(outcome == 1, 1.0, share)
    past = learn(lines)
    effects = fit_crossed(clues(lines, past, learning=True), past.levels(), outcome, weight)
    return RiskModel(past, effects, len(lines), float((weight * outcome).sum() / weight.sum()))


def risk(model: RiskModel, lines: Lines, *, level: float = 0.9) -> Risk:
    """How likely each line comes back; lines of earlier days count as the past of later ones.

    `level`: of the interval, above 0 and below 1.
    """
    effect, variance = linear(model.effects, clues(lines, model.past))
    logit = model.effects.intercept + effect.sum(axis=1)
    margin = NormalDist().inv_cdf((1 + _checks.probability("level", level)) / 2) * np.sqrt(variance)
    p, lower, upper = (1 / (1 + np.exp(-x)) for x in (logit, logit - margin, logit + margin))
    return Risk(p, lower, upper, effect, model.rate)
