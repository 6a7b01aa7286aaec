"""Churn: who is falling asleep, how far gone they are, and why one thinks so.

`rhythm` is the definition and the explanation: a customer's own usual gap between orders, and how much longer than that
they have been silent. The models (`fit`) give the score: `p_active`, the chance of an order within a horizon. Pure
functions on the columns of a `CustomerSummary`.

`score` goes from an order log to everybody's `p_active` by whatever foretold best in this shop so far: heuristics,
models, or `fit_signals` on what customers did besides ordering. `backtest` shows the comparison at any past day.
"""

from retention.churn.activity import Activity
from retention.churn.backtest import Backtest, backtest
from retention.churn.metrics import Estimate, Judgement, judge
from retention.churn.models import (
    BetaGeometric,
    ChurnModel,
    ParetoNBD,
    expected_orders,
    expected_orders_new,
    fit,
    p_active,
    p_alive,
)
from retention.churn.rhythm import Rhythm, rhythm
from retention.churn.score import Chosen, Score, apply, choose, score
from retention.churn.signals import Signals, fit_signals

__all__ = [
    "Activity",
    "Backtest",
    "BetaGeometric",
    "Chosen",
    "ChurnModel",
    "Estimate",
    "Judgement",
    "ParetoNBD",
    "Rhythm",
    "Score",
    "Signals",
    "apply",
    "backtest",
    "choose",
    "expected_orders",
    "expected_orders_new",
    "fit",
    "fit_signals",
    "judge",
    "p_active",
    "p_alive",
    "rhythm",
    "score",
]
