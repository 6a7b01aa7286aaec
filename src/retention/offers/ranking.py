"""Is a ranking of customers by uplift worth having? Judged by a randomised test that the ranking has not seen.

The rules of the room:

- *Never the data of the fit.* A ranking judged by the rows it was learned from always looks good.
- *Every customer had the same chance of the offer.* A test that gave some customers better chances is judged by
  `policy_value`, which takes propensities.
- *Equal scores stay together*, so no number depends on the order of the rows.
- *No number without an interval*: from one split of a few thousand customers to the next Qini moves by a quarter of its
  value. The intervals are the percentiles of a Poisson bootstrap in which neighbours among more than 250 different
  scores count as equal.

Qini and AUUC are those of Devriendt, Guns, Verbeke (arXiv 2002.05897): the area between the curve and the straight
line, as a share of what the best order would have; equal to scikit-uplift's `qini_auc_score` and `uplift_auc_score` for
outcomes of 0 and 1. Other outcomes (revenue, margin) take the same formulas: the best order begins with those who
brought most with the offer and ends with those who brought most without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.bootstrap import percentile_interval, resample
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.offers._tables import fewer, inside, marks

__all__ = ["Estimate", "auuc", "qini", "uplift_at"]

_NO_ORDER = "outcome: {} is not defined: no order of these customers can be better than another"
_LEVELS = 250
_AT_ONCE = 1 << 20
"""Numbers of a resample that are handled at a time."""


@frozen
class Estimate:
    """A number and the interval around it."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.lower:.4f}, {self.upper:.4f}]"


@frozen(eq=False)
class _Cells:
    """Customers of equal score, arm and outcome, taken together; shape (m,) each."""

    score: FloatArray
    treated: IntArray
    outcome: FloatArray
    count: IntArray

    @classmethod
    def of(cls, score: FloatArray, treated: IntArray, outcome: FloatArray) -> _Cells:
        order = np.lexsort((outcome, treated, score))
        columns = score[order], treated[order], outcome[order]
        new = np.any([np.diff(column, prepend=np.nan) != 0 for column in columns], axis=0)
        starts = np.flatnonzero(new)
        rows = order[starts]
        return cls(score[rows], treated[rows], outcome[rows], np.diff(starts, append=len(new)))


_Metric: TypeAlias = Callable[[_Cells, FloatArray], FloatArray]
"""Cells and how often each occurs in every resample, (r, m) -> one value for each resample, (r,); NaN if undefined."""


def qini(
    uplift: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 400,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """How much of what the best order would gain the order by ``uplift`` gains; 0 is chance, 1 the best.

    ``uplift``: any score, high for who should get the offer, (n,). ``treated``: 0 or 1, (n,), both must occur.
    ``outcome``: (n,). ``level``, ``resamples`` (100 to 10,000), ``rng``: of the interval. Raises `InvalidInput`
    naming column and row, and where no order could be better than another.

    >>> qini([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1]).value
    1.0
    """
    return _estimate(_NO_ORDER.format("Qini"), _qini, (uplift, treated, outcome), level, resamples, rng)


def auuc(
    uplift: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 400,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """The same for the uplift curve, whose arms are scaled to equal size at every point; arguments as in `qini`.

    >>> auuc([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1]).value
    1.0
    """
    return _estimate(_NO_ORDER.format("AUUC"), _auuc, (uplift, treated, outcome), level, resamples, rng)


def uplift_at(
    uplift: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    share: float = 0.3,
    level: float = 0.95,
    resamples: int = 400,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """What the offer changed among the ``share`` of customers with the highest scores, in the unit of the outcome.

    Mean outcome of the treated among them minus that of the others; of those who tie at the edge each counts with
    the part that fits in. ``share``: above 0 and below 1. Else as in `qini`; without ties at the edge equal to
    scikit-uplift's `uplift_at_k(strategy="overall")`.

    >>> uplift_at([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1], share=0.5).value
    1.0
    """
    share = inside("share", share)

    def metric(cells: _Cells, weights: FloatArray) -> FloatArray:
        return _top(cells, weights, share)

    undefined = f"treated: uplift at {share:g} is not defined: these are customers of one arm only"
    return _estimate(undefined, metric, (uplift, treated, outcome), level, resamples, rng)


def _estimate(
    undefined: str,
    metric: _Metric,
    data: tuple[ArrayLike, ArrayLike, ArrayLike],
    level: float,
    resamples: int,
    rng: int | np.random.Generator,
) -> Estimate:
    score, treated, outcome = _checks.floats("uplift", data[0]), marks("treated", data[1]), data[2]
    y = _checks.floats("outcome", outcome)
    _checks.same_length(uplift=score, treated=treated, outcome=y)
    inside("level", level)
    fewer("resamples", resamples, 100, 10_000)
    cells = _Cells.of(score, treated, y)
    value = float(metric(cells, cells.count[None].astype(np.float64))[0])
    if not np.isfinite(value):
        raise InvalidInput(undefined)
    drawn = _drawn(metric, _Cells.of(_coarser(score), treated, y), resamples, np.random.default_rng(rng))
    lower, upper = percentile_interval(drawn[np.isfinite(drawn)], level=level)
    return Estimate(value, float(lower), float(upper))


def _coarser(score: FloatArray) -> FloatArray:
    """At most 250 different scores: neighbours in groups of about equal size."""
    values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    if len(values) <= _LEVELS:
        return score
    middle = np.cumsum(count) - count / 2
    level: FloatArray = np.floor(middle * _LEVELS / len(score))[place]
    return level


def _drawn(metric: _Metric, cells: _Cells, resamples: int, rng: np.random.Generator) -> FloatArray:
    step = max(1, _AT_ONCE // len(cells.count))
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([metric(cells, resample(cells.count, size, rng)) for size in sizes])


# ---------------------------------------------------------------- curves


def _sums(cells: _Cells, weights: FloatArray, score: FloatArray) -> tuple[FloatArray, ...]:
    """Treated, others, and the outcome of either, among all with at least each score, best first; (r, scores)."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(-score[order], prepend=np.nan) != 0)
    treated, outcome = cells.treated[order].astype(np.float64), cells.outcome[order]
    w = weights[:, order]
    parts = (w * treated, w * (1 - treated), w * (treated * outcome), w * ((1 - treated) * outcome))
    return tuple(np.cumsum(np.add.reduceat(part, starts, axis=1), axis=1) for part in parts)


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _qini_curve(sums: tuple[FloatArray, ...]) -> FloatArray:
    n_t, n_c, y_t, y_c = sums
    return y_t - y_c * _ratio(n_t, n_c)


def _uplift_curve(sums: tuple[FloatArray, ...]) -> FloatArray:
    n_t, n_c, y_t, y_c = sums
    return (_ratio(y_t, n_t) - _ratio(y_c, n_c)) * (n_t + n_c)


def _above_the_line(sums: tuple[FloatArray, ...], curve: FloatArray) -> FloatArray:
    """The area between the curve, which starts at 0, and the straight line to its end."""
    n = sums[0] + sums[1]
    width = np.diff(n, axis=1, prepend=0.0)
    height = curve + np.concatenate([np.zeros((len(curve), 1)), curve[:, :-1]], axis=1)
    area: FloatArray = ((width * height).sum(axis=1) - n[:, -1] * curve[:, -1]) / 2
    return area


def _share_of_best(
    cells: _Cells, weights: FloatArray, best: FloatArray, curve: Callable[[tuple[FloatArray, ...]], FloatArray]
) -> FloatArray:
    own, ideal = (_sums(cells, weights, score) for score in (cells.score, best))
    most = _above_the_line(ideal, curve(ideal))
    both = (own[0][:, -1] > 0) & (own[1][:, -1] > 0)
    gained = _above_the_line(own, curve(own))
    return np.divide(gained, most, out=np.full_like(most, np.nan), where=both & (most > 0))


def _qini(cells: _Cells, weights: FloatArray) -> FloatArray:
    return _share_of_best(cells, weights, _with_minus_without(cells), _qini_curve)


def _with_minus_without(cells: _Cells) -> FloatArray:
    return cells.outcome * (2 * cells.treated - 1)


def _auuc(cells: _Cells, weights: FloatArray) -> FloatArray:
    y, t = cells.outcome, cells.treated
    if not ((y == 0) | (y == 1)).all():
        return _share_of_best(cells, weights, _with_minus_without(cells), _uplift_curve)
    # Which of two orders is the best one depends on which cell is larger; it may differ between resamples.
    more = weights[:, (y == 1) & (t == 0)].sum(axis=1) > weights[:, (y == 0) & (t == 1)].sum(axis=1)
    agree = 2.0 * (y == t)
    by_y, by_t = (_share_of_best(cells, weights, agree + extra, _uplift_curve) for extra in (y, t))
    return np.where(more, by_y, by_t)


def _top(cells: _Cells, weights: FloatArray, share: float) -> FloatArray:
    n_t, n_c, y_t, y_c = (np.diff(s, axis=1, prepend=0.0) for s in _sums(cells, weights, cells.score))
    n = n_t + n_c
    room = np.floor(share * n.sum(axis=1, keepdims=True)) - (np.cumsum(n, axis=1) - n)
    part = np.clip(_ratio(room, n), 0.0, 1.0)
    t, c, yt, yc = ((part * column).sum(axis=1) for column in (n_t, n_c, y_t, y_c))
    both = (t > 0) & (c > 0)
    return np.where(both, _ratio(yt, t) - _ratio(yc, c), np.nan)
