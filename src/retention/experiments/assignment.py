"""Who gets which arm: a hash of the experiment's seed and the customer's id, cut into ranges.

The hash and the ranges are those of GrowthBook's hash version 2 (`retention._hashing`, whose fractions are multiples of
1/10000). Its version 1 is not offered: under it the arms of different experiments correlate. Arm i gets the fractions
in ``[s, s + coverage * weight)``, s being the weights before it added up; so lowering the coverage takes customers out
without moving anybody to another arm. The order of the arms is part of the experiment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, TypeAlias

import attrs
import numpy as np
from attrs import field, frozen

from retention import _hashing
from retention._types import AnyArray, FloatArray
from retention.errors import InvalidInput

__all__ = ["Assignment", "Experiment", "assign", "fraction"]

Arms: TypeAlias = tuple[tuple[str, float], ...]
Range: TypeAlias = tuple[str, float, float, float]

_WEIGHTS_OFF_BY = 1e-9  # .1 + .2 + .7 is not 1 in binary, 1e-9 beside it is a mistake


def _share(name: str, value: Any) -> float:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # NaN is not either
        raise InvalidInput(f"{name}: {value!r} is not between 0 and 1")
    return float(value)


def _coverage(value: Any) -> float:
    return _share("coverage", value)


def _pairs(arms: Any) -> Arms:
    try:
        pairs = dict(arms).items() if isinstance(arms, Mapping) else [(name, weight) for name, weight in arms]
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"arms: {arms!r} is no mapping: give each arm's name and weight") from error
    return tuple((name, _share(f"arms: the weight of {name!r}", weight)) for name, weight in pairs)


def _cut(experiment: Experiment) -> tuple[Range, ...]:
    # The sums are rounded as in the vendor's kits (one weight after the other), so the edges agree to the last bit.
    starts = accumulate((weight for _, weight in experiment.arms), initial=0.0)
    return tuple(
        (name, weight, start, start + experiment.coverage * weight)
        for (name, weight), start in zip(experiment.arms, starts, strict=False)
    )


@frozen
class Experiment:
    """Which arms there are and how customers are divided among them.

    `name`: not empty. `arms`: a mapping of names to weights from 0 to 1 that add up to 1 (off by at most 1e-9); kept as
    pairs in their order. `coverage`: the share of each arm's customers who take part, 0 to 1. `seed`: what the hash is
    salted with, the name unless given; equal seeds give equal fractions. `control`: the arm that gets nothing, None if
    there is none. `ranges` follows from these: per arm name, weight, first fraction and the fraction at which it ends.

    Frozen, hashable, picklable. Raises `InvalidInput` naming the value that is wrong.

    >>> test = Experiment("winback-2026", arms={"control": 0.1, "a": 0.45, "b": 0.45})
    >>> assign(test, "customer-42")
    Assignment(arm='b', propensity=0.45)
    """

    name: str
    arms: Arms = field(converter=_pairs)
    coverage: float = field(default=1.0, kw_only=True, converter=_coverage)
    seed: str = field(default=attrs.Factory(lambda self: self.name, takes_self=True), kw_only=True)
    control: str | None = field(default="control", kw_only=True)
    ranges: tuple[Range, ...] = field(default=attrs.Factory(_cut, takes_self=True), init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        names = [name for name, _ in self.arms]
        for what, name in [("name", self.name), ("seed", self.seed), *(("arms", name) for name in names)]:
            _check_name(what, name)
        _check_arms(self, names)


def _check_name(what: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{what}: {name!r} is no name: give a text that is not empty")


def _check_arms(experiment: Experiment, names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = max(names, key=names.count)
        raise InvalidInput(f"arms: {twice!r} stands there twice: give each arm a name of its own")
    total = sum(weight for _, weight in experiment.arms)
    if abs(total - 1) > _WEIGHTS_OFF_BY:
        raise InvalidInput(f"arms: the weights {dict(experiment.arms)} add up to {total:.10g}: make that 1")
    if experiment.control is not None and experiment.control not in names:
        raise InvalidInput(
            f"control: {experiment.control!r} is none of the arms {', '.join(names)}: name one with control=, or None"
        )


_same = attrs.cmp_using(eq=np.array_equal)


@frozen
class Assignment:
    """What `assign` found: of one customer, or columns of shape (n,).

    `arm`: its name, `None` for who does not take part. `propensity`: the weight of that arm among those who take part,
    in (0, 1]; NaN for who does not. An arm owns its weight up to the 1/10000 that the hash resolves.
    """

    arm: Any = field(eq=_same)
    propensity: Any = field(eq=_same)


def assign(test: Experiment, ids: str | int | Iterable[str | int] | AnyArray) -> Assignment:
    """The arm and the propensity of each customer, equal bit for bit whether asked one by one or all at once.

    ``ids``: one text or whole number gives scalars; a list, array or series of them gives columns of shape (n,).
    42 and "42" are the same customer. Raises `InvalidInput` naming the first row that is empty or of another type.

    >>> test = Experiment("half", arms={"control": 0.5, "letter": 0.5}, coverage=0.5)
    >>> assign(test, [1, 2, "3"]).arm
    array([None, 'letter', None], dtype=object)
    """
    if isinstance(ids, str | int | np.integer):
        return Assignment(*_arm_of(test, _hashing.fraction(test.seed, ids)))
    arms, propensities = _tables(test)
    rows = _hashing.buckets(test.seed, ids)
    return Assignment(arms[rows], propensities[rows])


def fraction(seed: str, ids: str | int | Iterable[str | int] | AnyArray) -> Any:
    """The hash itself: a fraction in [0, 1) per id, a multiple of 1/10000; one id gives a float, many shape (n,).

    ``ids`` as in `assign`. Uniform, and independent between seeds.

    >>> fraction("seed", ["a", "b"])
    array([0.0505, 0.2696])
    """
    if isinstance(ids, str | int | np.integer):
        return _hashing.fraction(seed, ids)
    return _hashing.fractions(seed, ids)


def _arm_of(test: Experiment, at: float) -> tuple[str | None, float]:
    for name, weight, start, end in test.ranges:
        if start <= at < end:
            return name, weight
    return None, float("nan")


def _tables(test: Experiment) -> tuple[AnyArray, FloatArray]:
    """Arm and propensity of every fraction there is, so that a million customers are two look-ups."""
    at = np.arange(_hashing.BUCKETS) / _hashing.BUCKETS
    arms, propensities = np.full(len(at), None, object), np.full(len(at), np.nan)
    for name, weight, start, end in test.ranges:
        own = (start <= at) & (at < end)
        arms[own], propensities[own] = name, weight
    return arms, propensities
