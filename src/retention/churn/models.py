"""Models of buying and leaving: who still buys, how likely the next order is, how many are to come.

Each customer buys at a rate of their own until they leave, unseen; rates and leaving differ between customers. Four
such models, fitted by maximum likelihood to three numbers per customer (`frequency`, `recency`, `T`):

- "mbg/nbd", the default: orders at random times, a customer may leave after any order, the first included (Batislam,
  Denizel, Filiztekin 2007; Hoppe, Wagner 2007). It has something to say of one-time buyers.
- "bg/nbd": the same, but nobody leaves after the first order (Fader, Hardie, Lee 2005).
- "mbg/cnbd-k": "mbg/nbd" with regular gaps, Erlang-k instead of exponential (Platzer, Reutterer 2016).
- "pareto/nbd": a customer may leave at any moment (Schmittlein, Morrison, Colombo 1987).

The score to act upon is `p_active`, the chance of at least one order within a horizon. Nothing here is random: equal
rows are counted first, so a fit depends neither on the order of the rows nor on how they were cut into pieces.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, overload

import attrs
import numpy as np

from retention import _checks
from retention._types import ArrayLike, BoolArray, FloatArray, IntArray
from retention.churn import _beta_geometric, _pareto
from retention.churn._fitting import fit_beta_geometric, fit_pareto
from retention.churn._records import BETA_GEOMETRIC, MOST_STAGES, BetaGeometric, ParetoNBD
from retention.churn._rows import Rows, count_equal_rows
from retention.errors import InvalidInput

__all__ = [
    "BetaGeometric",
    "ChurnModel",
    "ParetoNBD",
    "expected_orders",
    "expected_orders_new",
    "fit",
    "p_active",
    "p_alive",
]

ChurnModel: TypeAlias = BetaGeometric | ParetoNBD
Columns: TypeAlias = tuple[IntArray, FloatArray, FloatArray]
Name: TypeAlias = Literal["bg/nbd", "mbg/nbd", "mbg/cnbd-k", "pareto/nbd"]

_NAMES = (*BETA_GEOMETRIC, "pareto/nbd")
_NO_CHANCE = 1e-15


@overload
def fit(
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    model: Literal["pareto/nbd"],
    weights: ArrayLike | None = None,
) -> ParetoNBD: ...
@overload
def fit(
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    model: Literal["bg/nbd", "mbg/nbd", "mbg/cnbd-k"] = "mbg/nbd",
    weights: ArrayLike | None = None,
    k: int | None = None,
    ordered: ArrayLike | None = None,
    horizon: float | None = None,
) -> BetaGeometric: ...
def fit(
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    model: Name = "mbg/nbd",
    weights: ArrayLike | None = None,
    k: int | None = None,
    ordered: ArrayLike | None = None,
    horizon: float | None = None,
) -> ChurnModel:
    """The model's parameters by maximum likelihood, with standard errors and a verdict; look at ``.converged``.

    ``frequency``: order days after the first, whole, at least 0. ``recency``: age at the last order, 0 where
    ``frequency`` is 0 and above 0 elsewhere. ``T``: age at the end of the observation, at least ``recency``, in its
    unit. Shapes (n,); all as in `CustomerSummary`. ``weights``: how many customers each row stands for, shape (n,), at
    least 0: equal rows counted beforehand, by one GROUP BY in a database, give the same fit.

    "mbg/cnbd-k" needs a ``k``, 1 to 12, or what to choose it by: ``ordered``, shape (n,), whether each customer ordered
    within ``horizon`` *after* ``T``. Then k grows from 1 as long as the mean log loss of `p_active` on those held-out
    orders falls; the likelihood would choose too large a k.

    Raises `InvalidInput` naming column, row and value, and where fewer than five customers ordered on a second day:
    four parameters cannot be learnt from them, while `rhythm` still works. Customers who hardly differ, nobody leaving
    and the like push parameters to infinity: they stop at a limit beyond which the probabilities do not change,
    ``.converged`` is False and ``.verdict`` says what that means.

    >>> frequency = [0, 0, 1, 1, 1, 2, 3, 7, 4]
    >>> recency = [0, 0, 2, 10, 30, 20, 33, 30, 9]
    >>> T = [38, 30, 38, 38, 36, 36, 38, 31, 38]
    >>> m = fit(frequency, recency, T, weights=[300, 300, 60, 50, 70, 60, 30, 20, 10])
    >>> m.model, m.customers, m.converged, round(m.log_likelihood, 2)
    ('mbg/nbd', 900.0, True, -2672.01)
    >>> p_active(m, frequency, recency, T, horizon=13).round(2)
    array([0.05, 0.06, 0.08, 0.12, 0.21, 0.25, 0.41, 0.74, 0.07])
    """
    if model not in _NAMES:
        raise InvalidInput(f"model: {model!r} is unknown: say {' or '.join(map(repr, _NAMES))}")
    x, t_x, end = _columns(frequency, recency, T)
    if not len(x):
        raise InvalidInput("frequency: no rows: give at least one customer")
    counts = _counts(weights, x)
    rows = count_equal_rows(x, t_x, end, counts)
    if model == "mbg/cnbd-k":
        if k is not None:
            return fit_beta_geometric(rows, model, _stages(k))
        return _of_best_k(rows, (x, t_x, end), counts, *_held_out(ordered, horizon, x))
    for name, option in {"k": k, "ordered": ordered, "horizon": horizon}.items():
        if option is not None:
            raise InvalidInput(f"{name}: only 'mbg/cnbd-k' takes it, not {model!r}")
    return fit_pareto(rows) if model == "pareto/nbd" else fit_beta_geometric(rows, model)


def p_alive(model: ChurnModel, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> FloatArray:
    """The chance that a customer has not left yet, shape (n,), in [0, 1].

    Arrays as in `fit`, (n,); no rows give no rows. To act upon, prefer `p_active`: alive may mean one order in years.

    **Warning**: under "bg/nbd" everybody who ordered once is alive with probability 1, however long ago that was, for
    in that model nobody leaves after the first order. In most shops these are most customers, and as a forecast of an
    order that is worse than a coin (CDNOW, 13 weeks: AUC .332). Use "mbg/nbd".

    >>> m = BetaGeometric(model="bg/nbd", r=0.2425945, alpha=4.4136019, a=0.7929199, b=2.4258881)  # Fader et al. 2005
    >>> p_alive(m, [2, 0], [30.43, 0], [38.86, 38.86]).round(4)
    array([0.7266, 1.    ])
    """
    columns = _columns(frequency, recency, T)
    if isinstance(model, ParetoNBD):
        return _pareto.p_alive(model, *columns)
    return _beta_geometric.p_alive(model, *columns)


def p_active(
    model: ChurnModel, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, *, horizon: float
) -> FloatArray:
    """The chance of at least one order within ``horizon`` after ``T``, shape (n,), in [0, 1]: the score to act upon.

    Arrays as in `fit`, (n,); no rows give no rows. ``horizon``: above 0, in the unit of ``T``. 1 minus it is the churn
    score. In closed form for all but "pareto/nbd", which takes a numerical integral, good to some ten digits.

    A wider horizon never lowers it. As silence grows it falls, with one exception: under "mbg/cnbd-k" with k above 1 it
    may rise at first, for regular customers do not order again at once. More orders in the same time do not always mean
    more: who ordered often and then fell silent is the likelier to have left.

    >>> m = BetaGeometric(model="mbg/nbd", r=0.525, alpha=6.183, a=0.891, b=1.614)  # CDNOW, weeks
    >>> p_active(m, [0, 2, 2], [0, 30, 10], [39, 39, 39], horizon=13).round(2)
    array([0.05, 0.33, 0.11])
    """
    columns, h = _columns(frequency, recency, T), _horizon(horizon)
    if isinstance(model, ParetoNBD):
        return _pareto.p_active(model, *columns, h)
    return _beta_geometric.p_active(model, *columns, h)


def expected_orders(
    model: ChurnModel, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, *, horizon: float
) -> FloatArray:
    """How many order days to expect within ``horizon`` after ``T``, shape (n,), at least 0.

    Arrays as in `fit`, (n,); no rows give no rows. ``horizon``: above 0, in the unit of ``T``.

    >>> m = BetaGeometric(model="bg/nbd", r=0.2425945, alpha=4.4136019, a=0.7929199, b=2.4258881)
    >>> expected_orders(m, [2], [30.43], [38.86], horizon=39).round(3)  # Fader, Hardie, Lee 2005
    array([1.226])
    """
    columns, h = _columns(frequency, recency, T), _horizon(horizon)
    if isinstance(model, ParetoNBD):
        return _pareto.expected_orders(model, *columns, h)
    return _beta_geometric.expected_orders(model, *columns, h)


def expected_orders_new(model: ChurnModel, t: ArrayLike) -> FloatArray:
    """How many order days after the first to expect of a new customer by the age ``t``, shape (n,).

    ``t``: ages, shape (n,), at least 0, in the unit the model was fitted in.

    >>> m = BetaGeometric(model="bg/nbd", r=0.2425945, alpha=4.4136019, a=0.7929199, b=2.4258881)
    >>> expected_orders_new(m, [1, 3, 32, 78]).round(4)  # Fader, Hardie, Lee 2005
    array([0.0532, 0.1506, 1.0437, 1.858 ])
    """
    ages = _checks.floats("t", t, at_least=0)
    if isinstance(model, ParetoNBD):
        return _pareto.expected_orders_new(model, ages)
    return _beta_geometric.expected_orders_new(model, ages)


# ---------------------------------------------------------------- the door


def _columns(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Columns:
    x = _checks.integers("frequency", frequency, at_least=0)
    t_x = _checks.floats("recency", recency, at_least=0)
    end = _checks.floats("T", T, at_least=0)
    _checks.same_length(frequency=x, recency=t_x, T=end)
    _checks.refuse("recency", t_x, t_x > end, "above T: nobody orders after the end of the observation")
    _checks.refuse("recency", t_x, (t_x == 0) != (x == 0), "but must be 0 where frequency is 0, and above 0 elsewhere")
    return x, t_x, end


def _counts(weights: ArrayLike | None, x: IntArray) -> FloatArray | None:
    if weights is None:
        return None
    counts = _checks.floats("weights", weights, at_least=0)
    _checks.same_length(frequency=x, weights=counts)
    if not counts.any():
        raise InvalidInput("weights: all are 0: give at least one customer")
    return counts


def _horizon(horizon: Any) -> float:
    if isinstance(horizon, bool) or not isinstance(horizon, (int, float, np.integer, np.floating)):
        raise InvalidInput(f"horizon: {horizon!r} is no number: give a time above 0, in the unit of T")
    if not 0 < horizon < np.inf:
        raise InvalidInput(f"horizon: {horizon!r}: give a finite time above 0, in the unit of T")
    return float(horizon)


# ---------------------------------------------------------------- how regular the customers are


def _held_out(ordered: ArrayLike | None, horizon: float | None, x: IntArray) -> tuple[BoolArray, float]:
    if ordered is None or horizon is None:
        raise InvalidInput(
            "k: give 1 to 12, or ordered= and horizon= to choose it by: who ordered after T, and how soon"
        )
    y = _checks.integers("ordered", ordered, at_least=0, at_most=1)
    _checks.same_length(frequency=x, ordered=y)
    return y == 1, _horizon(horizon)


def _stages(k: Any) -> int:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= MOST_STAGES:
        raise InvalidInput(f"k: {k!r}: give a whole number from 1 to {MOST_STAGES}")
    return int(k)


def _of_best_k(
    rows: Rows, columns: Columns, counts: FloatArray | None, ordered: BoolArray, horizon: float
) -> BetaGeometric:
    """The model of the last k that foretold the held-out orders better than the one before."""

    def tried(k: int) -> tuple[BetaGeometric, float]:
        model = fit_beta_geometric(rows, "mbg/cnbd-k", k)
        return model, _log_loss(_beta_geometric.p_active(model, *columns, horizon), ordered, counts)

    best, loss = tried(1)
    losses = [(1, loss)]
    for k in range(2, MOST_STAGES + 1):
        model, loss = tried(k)
        losses.append((k, loss))
        if loss >= losses[-2][1]:
            break
        best = model
    return attrs.evolve(best, held_out_log_loss=losses)


def _log_loss(p: FloatArray, happened: BoolArray, counts: FloatArray | None) -> float:
    chance = np.maximum(np.where(happened, p, 1 - p), _NO_CHANCE)
    return -float(np.average(np.log(chance), weights=counts))
