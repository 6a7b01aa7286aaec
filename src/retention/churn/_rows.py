"""Equal customers counted once: (frequency, recency, T) with the number of customers who share them.

The likelihood of a shop is a sum over its distinct rows, so counting them first loses nothing. The rows are sorted,
hence no sum depends on the order in which the customers came. Times are whole days in nearly all shops, or weeks made
of whole days: these number the rows of a table as they are; any others are sorted first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from attrs import frozen

from retention import _checks
from retention._types import FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = ["Pairs", "Rows", "count_equal_rows", "time_places", "totals"]

_DAYS_PER_UNIT = (1.0, 7.0)
# The longest table of days: 179 years.
_MOST_DAYS = 1 << 16
_BITS = 63


@frozen(eq=False)
class Rows:
    """Distinct rows, u of them, sorted by frequency, then T, then recency.

    `x`, `t`: tables of frequencies and of times (of T and of recency alike), rising.
    `x_place`, `T_place`, `t_x_place`: where in `x` and `t` each row's values are, (u,).
    `weight`: how many customers each row stands for, (u,), above 0.
    """

    x: FloatArray
    t: FloatArray
    x_place: IntArray
    T_place: IntArray
    t_x_place: IntArray
    weight: FloatArray

    @property
    def customers(self) -> float:
        """How many customers in all."""
        return float(self.weight.sum())

    @property
    def repeat_orders(self) -> float:
        """How many repeat order days in all."""
        return float((self.weight * self.x[self.x_place]).sum())

    @property
    def mean_age(self) -> float:
        """Mean of T."""
        return float((self.weight * self.t[self.T_place]).sum()) / self.customers

    def in_unit(self, unit: float) -> Rows:
        """The same customers with times counted in this unit; if that is a power of two, nothing is rounded."""
        return Rows(self.x, self.t / unit, self.x_place, self.T_place, self.t_x_place, self.weight)

    def sample(self, size: int) -> Rows:
        """The customers at ``size`` evenly spaced places of the sorted queue, each standing for equally many."""
        queue = np.cumsum(self.weight)
        places = (np.arange(size) + 0.5) * (queue[-1] / size)
        drawn = np.bincount(np.searchsorted(queue, places), minlength=len(queue))
        kept = np.flatnonzero(drawn)
        x, (x_place,) = _used(self.x, self.x_place[kept])
        t, (end, last) = _used(self.t, self.T_place[kept], self.t_x_place[kept])
        return Rows(x, t, x_place, end, last, drawn[kept] * (queue[-1] / size))


def _used(table: FloatArray, *places: IntArray) -> tuple[FloatArray, list[IntArray]]:
    """What these places use of a table, and the same places in that."""
    used = np.zeros(len(table), dtype=np.bool_)
    for place in places:
        used[place] = True
    number = np.cumsum(used) - 1
    return table[used], [number[place] for place in places]


def count_equal_rows(x: IntArray, t_x: FloatArray, T: FloatArray, weights: FloatArray | None) -> Rows:
    """The distinct rows of checked columns of shape (n,), n at least 1, and how many customers each stands for."""
    if weights is not None:
        some = weights > 0
        x, t_x, T, weights = x[some], t_x[some], T[some], weights[some]
    frequencies, x_place = _checks.distinct(x)
    t, (last, end) = time_places(t_x, T)
    key, bits = _packed(x_place, end, last, len(frequencies), len(t))
    key, weight = _counted(key) if weights is None else _summed(key, weights)
    mask = (1 << bits) - 1
    places = (key >> 2 * bits, (key >> bits) & mask, key & mask)
    return Rows(frequencies.astype(np.float64), t, *places, weight)


def totals(place: IntArray, weight: FloatArray, size: int) -> FloatArray:
    """The sums of the weights at each of ``size`` places, (size,)."""
    return np.bincount(place, weight, size).astype(np.float64, copy=False)


def time_places(*columns: FloatArray) -> tuple[FloatArray, list[IntArray]]:
    """A rising table of times, at least 0, and for each column the places of its values in it, each of shape (n,)."""
    days = _whole_days(*columns)
    if days is not None:
        return days
    t, places = np.unique(np.concatenate(columns), return_inverse=True)
    return t, np.split(places, len(columns))


def _whole_days(*columns: FloatArray) -> tuple[FloatArray, list[IntArray]] | None:
    """The table of all days up to the last, in days or in weeks, if the times are whole days and not absurdly many."""
    last = max(float(column.max(initial=0.0)) for column in columns)
    for per_unit in _DAYS_PER_UNIT:
        if last * per_unit > _MOST_DAYS:
            return None
        places = [_day_numbers(column, per_unit) for column in columns]
        found = [place for place in places if place is not None]
        if len(found) == len(columns):
            return np.arange(round(last * per_unit) + 1) / per_unit, found
    return None


def _day_numbers(column: FloatArray, per_unit: float) -> IntArray | None:
    """Whole numbers that divided by ``per_unit`` are the times exactly; None at the first block with another time."""
    result = np.empty(len(column), dtype=np.int64)
    for block in _checks.blocks(len(column)):
        times = column[block]
        days = np.rint(times * per_unit)
        if not np.array_equal(days / per_unit, times):
            return None
        result[block] = days
    return result


def _packed(x: IntArray, T: IntArray, t_x: IntArray, frequencies: int, times: int) -> tuple[IntArray, int]:
    """Three places in one integer, and the bits that a time takes of it."""
    bits = (times - 1).bit_length()
    if (frequencies - 1).bit_length() + 2 * bits > _BITS:
        raise InvalidInput(f"T: {times} different times are too many to count equal rows: round them to days")
    key = (x << bits) | T
    key <<= bits
    key |= t_x
    return key, bits


def _counted(key: IntArray) -> tuple[IntArray, FloatArray]:
    key.sort()
    first = np.flatnonzero(_checks.starts(key))
    return key[first], np.diff(first, append=len(key)).astype(np.float64)


def _summed(key: IntArray, weights: FloatArray) -> tuple[IntArray, FloatArray]:
    # Equal keys in the order of their weights: the sum is the same in whatever order the rows came.
    order = np.lexsort((weights, key))
    key = key[order]
    first = np.flatnonzero(_checks.starts(key))
    return key[first], np.add.reduceat(weights[order], first)


@frozen(eq=False)
class Pairs:
    """The distinct pairs of a frequency and a time, sorted, (m,), and for each row which one it has, (n,)."""

    x: FloatArray
    t: FloatArray
    place: IntArray

    @classmethod
    def of(cls, x: IntArray, t: FloatArray) -> Pairs:
        """The pairs of two columns of shape (n,)."""
        frequencies, x_place = _checks.distinct(x)
        table, (t_place,) = time_places(t)
        return cls.among(frequencies.astype(np.float64), x_place, table, t_place)

    @classmethod
    def among(cls, x: FloatArray, x_place: IntArray, t: FloatArray, t_place: IntArray) -> Pairs:
        """The pairs of two columns that are places in two tables."""
        values, place = _checks.distinct(x_place * len(t) + t_place)
        return cls(x[values // len(t)], t[values % len(t)], place)

    def by_x(self) -> Iterator[tuple[float, slice]]:
        """Each frequency with its pairs."""
        starts = np.flatnonzero(_checks.starts(self.x))
        for start, end in pairwise([*starts.tolist(), len(self.x)]):
            yield float(self.x[start]), slice(start, end)
