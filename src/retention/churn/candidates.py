"""The ways to score a customer that `churn.backtest` compares and `churn.choose` picks from.

By name: "plain gap", "own mean gap" and "own rhythm" are heuristics: one number each, made a probability by a logistic
regression one horizon earlier. "bg/nbd", "mbg/nbd", "pareto/nbd" and "mbg/cnbd-k" are the models of `churn.fit`.
"signals" is `churn.fit_signals`. Names joined by " + " are averaged, every part with the same weight: forecasts that
fail differently fail less together (Bates and Granger, Operational Research Quarterly 20, 1969, 451-468). The signals
carry the season they were trained in into the next one, a model fitted to the whole history does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from attrs import frozen

from retention._stats.logistic import Logistic, fit_logistic, linear, sigmoid
from retention._types import FloatArray
from retention.churn import models
from retention.churn.activity import Matched
from retention.churn.features import Snapshot, ordered_within, take
from retention.churn.signals import Reasons, Signals
from retention.churn.signals import fit as fit_to_outcomes
from retention.errors import InvalidInput
from retention.orders import OrderLog

__all__ = ["CANDIDATES", "HEURISTICS", "Assumed", "Scorer", "Window", "check_names", "fit_candidate", "reasons"]

HEURISTICS = ("plain gap", "own mean gap", "own rhythm")
MODELS = ("bg/nbd", "mbg/nbd", "pareto/nbd", "mbg/cnbd-k")
SIGNALS = "signals"
CANDIDATES = (*HEURISTICS, "mbg/nbd", SIGNALS, "signals + mbg/nbd")
"""What is compared unless the caller says otherwise; a "pareto/nbd" fit takes longer than all of these together."""

_FIT: Callable[..., Any] = models.fit  # its overloads tell literal names apart; here the name is data
_SUM = " + "
_DAYS_PER_UNIT = {"D": 1, "W": 7}
_LAPSES = 0.3
"""The chance, after each order, that no other follows, assumed where there is too little to learn it from."""


class Scorer(Protocol):
    """Something fitted that gives every customer of a snapshot the chance of an order within its horizon."""

    def p_active(self, snapshot: Snapshot) -> FloatArray:
        """The chances, shape (n,)."""
        ...


@frozen(eq=False)
class Window:
    """A cut, the snapshot one horizon before it, and what happened in between: all that a fit at the cut may know."""

    before: Snapshot
    now: Snapshot
    outcome: FloatArray
    days: int

    @classmethod
    def at(cls, log: OrderLog, activity: Matched, day: int, days: int, unit: str) -> Window:
        """The window that ends on the evening of a day."""
        before = take(log, activity, day - days, unit)
        return cls(before, take(log, activity, day, unit), ordered_within(before, days), days)


@frozen(eq=False)
class Heuristic:
    """One number about a customer, and the regression that makes it a probability."""

    name: str
    logistic: Logistic

    def p_active(self, snapshot: Snapshot) -> FloatArray:
        """The chances, shape (n,)."""
        added = linear(self.logistic, _number(self.name, snapshot)[:, None])
        log_odds: FloatArray = self.logistic.intercept + added[:, 0]
        return sigmoid(log_odds)


@frozen(eq=False)
class Modelled:
    """A model of `churn.fit`, with the horizon it is asked about, in its own unit of time."""

    model: models.ChurnModel
    horizon: float

    def p_active(self, snapshot: Snapshot) -> FloatArray:
        """The chances, shape (n,)."""
        s = snapshot.summary
        return models.p_active(self.model, s.frequency, s.recency, s.T, horizon=self.horizon)


@frozen(eq=False)
class Average:
    """The mean of what its parts say."""

    parts: tuple[Scorer, ...]

    def p_active(self, snapshot: Snapshot) -> FloatArray:
        """The chances, shape (n,)."""
        mean: FloatArray = np.mean([part.p_active(snapshot) for part in self.parts], axis=0)
        return mean


@frozen(eq=False)
class Assumed:
    """The customer's own rhythm with an assumed chance to lapse, for shops with too little to learn from.

    Orders come at random with the usual gap; after each, with a chance of .3, no other does. Of who has been silent
    for o usual gaps .7 exp(-o) / (.7 exp(-o) + .3) are then still there.
    """

    days: int
    lapses: float = _LAPSES

    def p_active(self, snapshot: Snapshot) -> FloatArray:
        """The chances, shape (n,)."""
        still = (1 - self.lapses) * np.exp(-snapshot.rhythm.overdue)
        return still / (still + self.lapses) * -np.expm1(-self.days / snapshot.rhythm.usual_gap)


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names of candidates, each known and none twice."""
    if isinstance(names, str):
        raise InvalidInput(f"models: {names!r} is one name: give a list of names")
    known = (*HEURISTICS, *MODELS, SIGNALS)
    checked = tuple(names)
    for name in checked:
        for part in str(name).split(_SUM):
            if part not in known:
                raise InvalidInput(f"models: {part!r} is unknown: say {', '.join(map(repr, known))}")
    if not checked or len(set(checked)) < len(checked):
        raise InvalidInput(f"models: {list(checked)}: give at least one name and none twice")
    return checked


def fit_candidate(name: str, window: Window, fitted: dict[str, Scorer]) -> Scorer:
    """The scorer of a name; parts that were fitted to this window before are taken from `fitted`, and put there."""
    if name not in fitted:
        parts = name.split(_SUM)
        if len(parts) > 1:
            fitted[name] = Average(tuple(fit_candidate(part, window, fitted) for part in parts))
        else:
            fitted[name] = _fit_one(name, window)
    return fitted[name]


def _fit_one(name: str, window: Window) -> Scorer:
    if name == SIGNALS:
        return fit_to_outcomes(window.before, window.outcome, window.days)
    if name in HEURISTICS:
        return Heuristic(name, fit_logistic(_number(name, window.before)[:, None], window.outcome))
    return _fit_model(name, window)


def _fit_model(name: str, window: Window) -> Modelled:
    s, horizon = window.now.summary, window.days / _DAYS_PER_UNIT[window.now.summary.unit]
    if name != "mbg/cnbd-k":
        return Modelled(_FIT(s.frequency, s.recency, s.T, model=name), horizon)
    before = window.before.summary
    tried = _FIT(before.frequency, before.recency, before.T, model=name, ordered=window.outcome, horizon=horizon)
    return Modelled(_FIT(s.frequency, s.recency, s.T, model=name, k=tried.k), horizon)


def reasons(scorer: Scorer, snapshot: Snapshot) -> Reasons | None:
    """What the signals say about each customer, if the scorer is made of them."""
    parts: Sequence[Scorer] = scorer.parts if isinstance(scorer, Average) else (scorer,)
    found = [part for part in parts if isinstance(part, Signals)]
    return found[0].reasons(snapshot) if found else None


def _number(name: str, snapshot: Snapshot) -> FloatArray:
    s, found = snapshot.summary, snapshot.rhythm
    silence = s.days_since_last + 1.0
    gap = np.where(s.frequency > 0, s.mean_gap, found.shop_gap)
    gaps: dict[str, FloatArray | float] = {"plain gap": 1.0, "own mean gap": gap, "own rhythm": found.usual_gap}
    number: FloatArray = np.log(silence / gaps[name])
    return number
