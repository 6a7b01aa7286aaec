"""Whether prices depend on what they must not: an audit by group, within equal situations."""

from __future__ import annotations

import math

import numpy as np
from attrs import frozen

from retention import _checks
from retention._types import ArrayLike, FloatArray, IntArray

__all__ = ["Audit", "audit"]


@frozen
class Audit:
    """One group beside all who are in the same situations.

    `size`: customers. `depth`: the mean share taken off their price. `expected`: what it would be if each had the mean
    of their situation. `spread`: by how much chance alone moves `depth`, a standard deviation. `chance`: of so large
    a difference if the group played no part, 0 to 1; 1 where a group shares no situation with others.
    """

    group: str
    size: int
    depth: float
    expected: float
    spread: float
    chance: float


def audit(situation: ArrayLike, group: ArrayLike, depth: ArrayLike) -> tuple[Audit, ...]:
    """Each group beside the others in equal situations, in the order of their names.

    ``situation``: what a price may depend on. ``group``: what it may not: district, gender, device, … ``depth``: the
    share taken off each customer's price, 0 to 1, 0 for those without an offer; (n,) each. The chance is of a normal
    distribution with mean and variance of all permutations within the situations; look at the smallest of g groups as
    g times as large. Raises `InvalidInput` with column and row.

    >>> found = audit(["lost"] * 200, ["a", "b"] * 100, [0.1, 0.2] * 100)
    >>> [(one.group, round(one.depth, 2), round(one.expected, 2), one.chance < 0.001) for one in found]
    [('a', 0.1, 0.15, True), ('b', 0.2, 0.15, True)]
    """
    names, of_group = np.unique(_checks.labels("group", group), return_inverse=True)
    _, place = np.unique(_checks.labels("situation", situation), return_inverse=True)
    depths = _checks.floats("depth", depth, at_least=0, at_most=1)
    _checks.same_length(situation=place, group=of_group, depth=depths)
    size = np.bincount(place).astype(np.float64)
    mean = np.bincount(place, depths) / size
    variance = np.maximum(np.bincount(place, depths**2) / size - mean**2, 0.0)
    rows = (
        _one(str(name), place[of_group == at], depths[of_group == at], mean, variance, size)
        for at, name in enumerate(names)
    )
    return tuple(rows)


def _one(
    name: str, place: IntArray, depths: FloatArray, mean: FloatArray, variance: FloatArray, size: FloatArray
) -> Audit:
    """The sum of a part drawn without return: mean and variance of the hypergeometric kind, added over situations."""
    count = np.bincount(place, minlength=len(size)).astype(np.float64)
    spread = math.sqrt(float((count * (size - count) / np.maximum(size - 1, 1) * variance).sum()))
    difference = float(depths.sum() - count @ mean)
    chance = math.erfc(abs(difference) / spread / math.sqrt(2)) if spread > 0 else 1.0
    n = len(depths)
    return Audit(name, n, float(depths.mean()), float(count @ mean) / n, spread / n, chance)
