"""Groups of about equal size that never part equal values.

A cut-off is a value of the column: rows up to and including it are in the group below, the rest above. Cut-offs depend
on nothing but how the values are ordered, so whatever keeps the order (another currency, a logarithm) keeps the groups.

The ideal is k/bins of the rows below the k-th cut-off. Where ties forbid that, the nearest place between two different
values is taken; two cut-offs that fall on one place are one, which is how there can be fewer groups than `bins`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retention._types import FloatArray, IntArray

__all__ = ["cut_offs", "groups"]

# A table over the whole range costs less than selecting as long as it is a few times longer than the column at most.
_TABLE_PER_ROW = 4
_HEAD = 1_000  # rows that show at once that a column is not of whole numbers


def cut_offs(column: FloatArray, bins: int) -> FloatArray:
    """The largest value of each group but the uppermost, rising; at most ``bins`` - 1, none if all values are equal.

    ``column``: finite, shape (n,), n at least 1. ``bins``: at least 2.

    >>> cut_offs(np.array([1.0, 1, 1, 1, 1, 1, 2, 2, 3, 9]), 5)
    array([1., 2.])
    """
    values, below = _counted(column, bins)
    values, below = values[below < len(column)], below[below < len(column)]
    if not len(values):
        return values
    wanted = np.arange(1, bins) * len(column)  # all places `bins` times, to stay with whole numbers
    upper = np.minimum(np.searchsorted(below * bins, wanted), len(below) - 1)
    lower = np.maximum(upper - 1, 0)
    nearer = np.abs(below[lower] * bins - wanted) < np.abs(below[upper] * bins - wanted)
    chosen: FloatArray = values[np.unique(np.where(nearer, lower, upper))]
    return chosen


def groups(column: FloatArray, cuts: Sequence[float] | FloatArray) -> IntArray:
    """The group of each row, 0 for the lowest values, shape (n,)."""
    return np.searchsorted(np.asarray(cuts, np.float64), column)


def _counted(column: FloatArray, bins: int) -> tuple[FloatArray, IntArray]:
    """Different values, rising, and how many rows are up to and including each: all, or those that may be cut-offs."""
    low = float(column.min())
    if float(column.max()) - low <= _TABLE_PER_ROW * len(column) and _steps(column[:_HEAD], low) is not None:
        steps = _steps(column, low)
        if steps is not None:
            counts = np.bincount(steps)
            present = np.flatnonzero(counts)
            return present.astype(np.float64) + low, np.cumsum(counts, dtype=np.int64)[present]
    return _selected(column, bins)


def _steps(column: FloatArray, low: float) -> IntArray | None:
    """How many whole steps each value is above the lowest, or None if they are not whole."""
    steps = (column - low).astype(np.int64)
    return steps if (steps + low == column).all() else None


def _selected(column: FloatArray, bins: int) -> tuple[FloatArray, IntArray]:
    """The values at the wanted places and, where those before end nearer to it, these; found without sorting."""
    places = range(len(column), bins * len(column), len(column))  # the wanted places, `bins` times
    counted: dict[float, int] = {}
    for place, value in zip(places, _at_ranks(column, [-(-place // bins) - 1 for place in places]), strict=True):
        upto, less = int(np.count_nonzero(column <= value)), int(np.count_nonzero(column < value))
        counted[value] = upto
        if less and (upto == len(column) or place - less * bins < upto * bins - place):
            counted[float(column[column < value].max())] = less
    values = np.array(sorted(counted))
    return values, np.array([counted[value] for value in values.tolist()])


def _at_ranks(column: FloatArray, ranks: list[int]) -> list[float]:
    """What would stand at these places if the column were sorted: only the rows that share a bucket with it are.

    The bits of a float, read as an integer, are in its order, but for the sign; the first twenty make the bucket.
    """
    bits = column.view(np.int64)
    bucket = bits >> 63
    bucket &= np.iinfo(np.int64).max
    bucket ^= bits
    bucket >>= 44
    bucket -= bucket.min()
    counts = np.bincount(bucket)
    upto = np.cumsum(counts)
    found = np.searchsorted(upto, ranks, side="right")
    insides = [
        (column[bucket == place], rank - upto[place] + counts[place]) for place, rank in zip(found, ranks, strict=True)
    ]
    return [float(np.partition(inside, rank)[rank]) for inside, rank in insides]
