"""Whether two samples differ: by how much, how sure that is, and what chance alone would show.

Samples come in as checked columns, each with at least one row; no limit is ever NaN.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from retention._stats.intervals import wilson
from retention._types import AnyArray, FloatArray, IntArray

__all__ = ["binomial_tail", "clustered_difference", "effective", "psi", "psi_by_chance", "superiority"]


def psi(before: IntArray, after: IntArray) -> float:
    """Population stability index of two rows of counts, one per group: 0 if the shares are equal.

    Half a row is added to each group, so that an empty one makes the index large, not infinite.

    >>> round(psi(np.array([500, 500]), np.array([400, 600])), 3)
    0.04
    """
    p, q = ((counts + 0.5) / (counts.sum() + len(counts) / 2) for counts in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def psi_by_chance(before: float, after: float, groups: int, *, level: float) -> float:
    """What `psi` stays below with probability ``level`` while nothing changes, for so many independent rows.

    Without a change psi / (1/before + 1/after) is about chi-squared with groups - 1 degrees of freedom (Yurdakul and
    Naranjo, Journal of Risk Model Validation 14(4), 2020).

    >>> round(psi_by_chance(1000, 1000, 10, level=0.95), 4)
    0.0338
    """
    from scipy.special import chdtri

    return float(chdtri(groups - 1, 1 - level)) * (1 / before + 1 / after) if groups > 1 else 0.0


def effective(owner: IntArray) -> float:
    """How many independent rows these are worth at least, whatever the rows of one owner share (Kish 1965).

    >>> effective(np.array([0, 0, 1, 1]))
    2.0
    """
    rows = np.unique(owner, return_counts=True)[1]
    return float(rows.sum() ** 2 / (rows**2).sum())


def superiority(before: FloatArray, after: FloatArray, *, level: float) -> tuple[float, float, float]:
    """The chance that a later value is above an earlier one, a tie counting half, with its interval; within [0, 1].

    The variance is DeLong's (Biometrics 44, 1988, 837-845). The interval is Wilson's for as many trials as would have
    that variance, so it stays within [0, 1] and keeps a width when the samples do not overlap.

    >>> [round(x, 3) for x in superiority(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6]), level=0.95)]
    [0.875, 0.505, 0.98]
    """
    above = _share_below(np.sort(before), after)
    under = _share_below(np.sort(after), before)
    estimate = float(above.mean())
    variance = _variance(above) + _variance(under)
    trials = estimate * (1 - estimate) / variance if variance > 0 else min(len(before), len(after))
    lower, upper = wilson(estimate * trials, trials, level=level)
    return estimate, float(lower), float(upper)


def _share_below(ordered: FloatArray, column: FloatArray) -> FloatArray:
    return (np.searchsorted(ordered, column, "left") + np.searchsorted(ordered, column, "right")) / (2 * len(ordered))


def _variance(column: FloatArray) -> float:
    """Of the column's mean."""
    return float(column.var()) / max(len(column) - 1, 1)


def clustered_difference(
    before: tuple[FloatArray, IntArray], after: tuple[FloatArray, IntArray], *, level: float
) -> tuple[float, float, float]:
    """The mean of the later sample minus that of the earlier, with a normal interval.

    Each sample: values and their owners, numbered from 0 alike in both. Rows of one owner need not be independent, nor
    need the two samples be, if owners are (Liang and Zeger, Biometrika 73, 1986, 13-22).
    """
    owners = 1 + max(int(before[1].max()), int(after[1].max()))
    influence = _influence(*after, owners) - _influence(*before, owners)
    present = len(np.union1d(before[1], after[1]))
    error = float(np.sqrt((influence**2).sum() * present / max(present - 1, 1)))
    estimate = float(after[0].mean() - before[0].mean())
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return estimate, estimate - half, estimate + half


def _influence(values: FloatArray, owner: IntArray, owners: int) -> FloatArray:
    """How much each owner moves the mean."""
    return np.bincount(owner, values - values.mean(), minlength=owners) / len(values)


def binomial_tail(successes: IntArray, trials: IntArray, share: AnyArray) -> FloatArray:
    """The probability of at most so many successes, shape (n,).

    >>> binomial_tail(np.array([0]), np.array([3]), np.array([0.5]))
    array([0.125])
    """
    from scipy.special import bdtr

    tail: FloatArray = bdtr(successes.astype(np.float64), trials, share)
    return tail
