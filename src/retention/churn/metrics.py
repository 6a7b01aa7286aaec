"""How good a score was: forecasts beside what happened.

Six numbers, each with a bootstrap interval. Equal forecasts stay together in every one of them, so no number depends
on the order of the rows.

- `auc`: the chance that who ordered had a higher forecast than who did not; ties count half, .5 is a coin.
- `brier`: mean squared distance of forecast and outcome.
- `log_loss`: mean of minus the log of the chance that was given to what happened.
- `ece`: expected calibration error: in ten bins of equal count, by how much the mean forecast misses the share that
  ordered, on average over customers. Even a perfect forecast has a little by chance; a resample has that chance twice,
  so the interval may lie above the value.
- `lift`: the share that ordered among the tenth with the highest forecasts, in multiples of the share of all.
- `bias`: forecast orderers over real ones, minus 1: +.1 foretells a tenth too many.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.bootstrap import percentile_interval, resample
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = ["METRICS", "Estimate", "Judgement", "judge"]

METRICS = ("auc", "brier", "log_loss", "ece", "lift", "bias")

_BINS = 10
_TENTH = 0.1
_LEVELS = 250
"""Forecasts that the bootstrap tells apart; 25 to each bin of the calibration error."""
_SURE = 1e-9
"""A forecast of exactly 0 that was wrong costs 20.7 of log loss, not infinity."""
_LEAST_RESAMPLES, _MOST_RESAMPLES = 100, 10_000


@frozen
class Estimate:
    """A number and the interval around it."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.lower:.4f}, {self.upper:.4f}]"


@frozen
class Judgement:
    """What `judge` found on so many `customers`, of whom `ordered` did order."""

    customers: int
    ordered: int
    auc: Estimate
    brier: Estimate
    log_loss: Estimate
    ece: Estimate
    lift: Estimate
    bias: Estimate


def judge(
    p_active: ArrayLike,
    ordered: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 400,
    rng: int | np.random.Generator = 0,
) -> Judgement:
    """Forecasts judged by what happened.

    ``p_active``: each customer's forecast, 0 to 1, shape (n,). ``ordered``: whether they did, 0 or 1, shape (n,); both
    must occur. ``level``: of the percentile intervals, ``resamples``: 100 to 10,000 bootstrap samples, ``rng``: a
    generator or the seed of one. The values are exact; for the intervals more than 250 different forecasts are taken
    together in groups of equal count. Raises `InvalidInput` naming column and row.

    >>> found = judge([0.9, 0.8, 0.3, 0.3], [1, 0, 1, 0])
    >>> found.auc.value, round(found.bias.value, 3)
    (0.625, 0.15)
    """
    p = _checks.floats("p_active", p_active, at_least=0, at_most=1)
    y = _checks.integers("ordered", ordered, at_least=0, at_most=1)
    n = _checks.same_length(p_active=p, ordered=y)
    _check(level, resamples)
    orderers = int(y.sum())
    if orderers in (0, n):
        who = "nobody" if orderers == 0 else "everybody"
        raise InvalidInput(f"ordered: {who} did: to judge a forecast give customers who ordered and some who did not")
    forecast, counts = _grouped(p, y)
    values = _metrics(forecast, counts[None].astype(np.float64))[0]
    forecast, counts = _coarser(forecast, counts)
    drawn = resample(counts, resamples, np.random.default_rng(rng))
    defined = (drawn.sum(axis=2) > 0).all(axis=1)  # with one outcome only there is no AUC
    lower, upper = percentile_interval(_metrics(forecast, drawn[defined]), level=level)
    estimates = map(Estimate, values.tolist(), lower.tolist(), upper.tolist())
    return Judgement(n, orderers, *estimates)


def _check(level: float, resamples: int) -> None:
    if not 0 < _checks.probability("level", level) < 1:
        raise InvalidInput(f"level: {level!r} leaves no interval: give a number between 0 and 1, .95 for example")
    if not _LEAST_RESAMPLES <= resamples <= _MOST_RESAMPLES:
        raise InvalidInput(f"resamples: {resamples!r}: give {_LEAST_RESAMPLES} to {_MOST_RESAMPLES}")


def _grouped(p: FloatArray, y: IntArray) -> tuple[FloatArray, IntArray]:
    """The different forecasts, rising, shape (g,), and who did not and who did order at each, shape (2, g)."""
    forecast, group = np.unique(p, return_inverse=True)
    counts = np.bincount(2 * group + y, minlength=2 * len(forecast)).reshape(-1, 2).T
    return forecast, np.ascontiguousarray(counts)


def _coarser(forecast: FloatArray, counts: IntArray) -> tuple[FloatArray, IntArray]:
    """At most so many forecasts as the bootstrap tells apart: neighbours in groups of equal count, at their mean."""
    if len(forecast) <= _LEVELS:
        return forecast, counts
    total = counts.sum(axis=0)
    level = _bin_of(total[None].astype(np.float64), _LEVELS)[0]
    _, level = np.unique(level, return_inverse=True)
    sizes = np.bincount(level, total)
    merged = [np.bincount(level, row).astype(np.int64) for row in counts]
    return np.bincount(level, total * forecast) / sizes, np.array(merged)


def _bin_of(total: FloatArray, bins: int) -> IntArray:
    """The bin of each group in each row: that of the middle one of its customers in the order of the forecasts."""
    middle = np.cumsum(total, axis=1) - total / 2
    found: IntArray = np.minimum(middle * bins / total.sum(axis=1, keepdims=True), bins - 1).astype(np.int64)
    return found


def _metrics(p: FloatArray, counts: FloatArray) -> FloatArray:
    """All metrics of each resample, shape (r, 6), from counts (r, 2, g) at rising forecasts p (g,)."""
    without, ordered = counts[:, 0], counts[:, 1]
    total = without + ordered
    n, orderers = total.sum(axis=1), ordered.sum(axis=1)
    sure = np.clip(p, _SURE, 1 - _SURE)
    return np.column_stack(
        [
            (ordered * (np.cumsum(without, axis=1) - without / 2)).sum(axis=1) / (orderers * (n - orderers)),
            (ordered @ (1 - p) ** 2 + without @ p**2) / n,
            -(ordered @ np.log(sure) + without @ np.log1p(-sure)) / n,
            _calibration_error(p, total, ordered) / n,
            _lift(total, ordered),
            total @ p / orderers - 1,
        ]
    )


def _calibration_error(p: FloatArray, total: FloatArray, ordered: FloatArray) -> FloatArray:
    """Customers by which the forecasts of the bins miss, all told, shape (r,)."""
    rows = len(total)
    cell = _bin_of(total, _BINS) + _BINS * np.arange(rows)[:, None]
    missed = np.bincount(cell.ravel(), (total * p - ordered).ravel(), minlength=rows * _BINS)
    error: FloatArray = np.abs(missed.reshape(rows, _BINS)).sum(axis=1)
    return error


def _lift(total: FloatArray, ordered: FloatArray) -> FloatArray:
    """A group on the edge of the top tenth counts with the part that fits in."""
    n, orderers = total.sum(axis=1), ordered.sum(axis=1)
    best_first, size = ordered[:, ::-1], total[:, ::-1]
    room = _TENTH * n[:, None] - (np.cumsum(size, axis=1) - size)
    share = np.clip(np.divide(room, size, out=np.zeros_like(size), where=size > 0), 0, 1)
    lift: FloatArray = (share * best_first).sum(axis=1) / (_TENTH * orderers)
    return lift
