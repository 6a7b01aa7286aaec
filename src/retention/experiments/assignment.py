"""Who gets which arm: a hash of the experiment's seed and the customer's id, cut into ranges.

The hash and the ranges are those of GrowthBook's hash version 2 (`retention._hashing`, whose fractions are multiples of
1/10000). Its version 1 is not offered: under it the arms of different experiments correlate. Arm i gets the fractions
in ``[s, s + coverage * weight)``, s being the weights before it added up; so lowering the coverage takes customers out
without moving anybody to another arm. The order of the arms is part of the experiment.

Other weights in mid-flight begin a new *phase* (`reweight`), which remembers the one before: whoever was drawn earlier
keeps the arm and the propensity of their own phase (``assign(..., phase=)``), and nothing has to be stored but its
number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from retention import _checks, _hashing
from retention._types import AnyArray, ArrayLike, FloatArray
from retention.errors import InvalidInput
from retention.experiments._doors import check_name
from retention.experiments._ranges import Arms, Range, cut, moved

__all__ = ["Assignment", "Experiment", "assign", "fraction", "reweight"]

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


def _own_ranges(experiment: Experiment) -> tuple[Range, ...]:
    before = experiment.before
    if before is None:
        return cut(experiment.arms, experiment.coverage)
    return moved(before.ranges, (before.arms, before.coverage), (experiment.arms, experiment.coverage))


@frozen
class Experiment:
    """Which arms there are and how customers are divided among them.

    `name`: not empty. `arms`: a mapping of names to weights from 0 to 1 that add up to 1 (off by at most 1e-9); kept as
    pairs in their order. `coverage`: the share of each arm's customers who take part, 0 to 1. `seed`: what the hash is
    salted with, the name unless given; equal seeds give equal fractions. `control`: the arm that gets nothing, None if
    there is none. `before`: the phase before this one, which `reweight` fills in. `phase` counts them from 0. `ranges`
    follows from these: arm, weight, first fraction and the fraction at which it ends; one range per arm in phase 0.

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
    before: Experiment | None = field(default=None, kw_only=True, repr=False)
    phase: int = field(init=False, eq=False)
    ranges: tuple[Range, ...] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        names = [name for name, _ in self.arms]
        for what, name in [("name", self.name), ("seed", self.seed), *(("arms", name) for name in names)]:
            check_name(what, name)
        _check_arms(self, names)
        _check_before(self)
        object.__setattr__(self, "phase", 0 if self.before is None else self.before.phase + 1)
        object.__setattr__(self, "ranges", _own_ranges(self))


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


def _check_before(experiment: Experiment) -> None:
    before: Any = experiment.before
    if before is not None and (not isinstance(before, Experiment) or before.seed != experiment.seed):
        raise InvalidInput(f"before: {before!r} is no phase of {experiment.name!r}: use reweight")
    # Who begins to take part would be divided by neither the old weights nor the new: the propensity would be wrong.
    if before and experiment.coverage != before.coverage and dict(experiment.arms) != dict(before.arms):
        raise InvalidInput(
            f"coverage: {experiment.coverage:g} was {before.coverage:g} and the weights change too: "
            "make these two phases, one after the other"
        )


def reweight(test: Experiment, arms: Mapping[str, float] | Arms, *, coverage: float | None = None) -> Experiment:
    """The next phase of an experiment, with other weights, arms or coverage, that moves as few customers as can be.

    ``arms``: as in `Experiment`, all of them; an arm left out is given up. ``coverage``: as it was unless given; it
    changes in a phase of its own. The share of customers whose arm changes is the total-variation distance of the two:
    nobody leaves an arm that stays or grows, and a coverage that grows moves nobody. Who was drawn in an earlier phase
    keeps that arm and propensity: ask with ``assign(phase=)``.

    >>> five = Experiment("five", {"control": 0.2, "a": 0.2, "b": 0.2, "c": 0.2, "d": 0.2})
    >>> next_phase = reweight(five, {"control": 0.36, "a": 0.16, "b": 0.16, "c": 0.16, "d": 0.16})
    >>> before, after = assign(five, range(100_000)).arm, assign(next_phase, range(100_000)).arm
    >>> next_phase.phase, round(float((before != after).mean()), 2)
    (1, 0.16)
    """
    return attrs.evolve(test, arms=arms, coverage=test.coverage if coverage is None else coverage, before=test)


_same = attrs.cmp_using(eq=np.array_equal)


@frozen
class Assignment:
    """What `assign` found: of one customer, or columns of shape (n,).

    `arm`: its name, `None` for who does not take part. `propensity`: the weight of that arm among those who take part,
    in (0, 1]; NaN for who does not. An arm owns its weight up to the 1/10000 that the hash resolves.
    """

    arm: Any = field(eq=_same)
    propensity: Any = field(eq=_same)


def assign(
    test: Experiment, ids: str | int | Iterable[str | int] | AnyArray, *, phase: int | ArrayLike | None = None
) -> Assignment:
    """The arm and the propensity of each customer, equal bit for bit whether asked one by one or all at once.

    ``ids``: one text or whole number gives scalars; a list, array or series of them gives columns of shape (n,).
    42 and "42" are the same customer. ``phase``: the phase in which the customer was first drawn, 0 to ``test.phase``,
    one for all or one per row; the present one unless given. Raises `InvalidInput` naming the first row that is empty
    or of another type.

    >>> test = Experiment("half", arms={"control": 0.5, "letter": 0.5}, coverage=0.5)
    >>> assign(test, [1, 2, "3"]).arm
    array([None, 'letter', None], dtype=object)
    """
    if isinstance(ids, str | int | np.integer):
        then = test if phase is None else _in_phase(test, phase)
        return Assignment(*_arm_of(then, _hashing.fraction(test.seed, ids)))
    rows = _hashing.buckets(test.seed, ids)
    if phase is not None and np.ndim(phase):
        return _sticky(test, rows, phase)
    arms, propensities = _tables(test if phase is None else _in_phase(test, phase))
    return Assignment(arms[rows], propensities[rows])


def _sticky(test: Experiment, rows: AnyArray, phase: ArrayLike) -> Assignment:
    phases = _checks.integers("phase", phase, at_least=0, at_most=test.phase)
    _checks.same_length(ids=rows, phase=phases)
    arms, propensities = np.full(len(rows), None, object), np.full(len(rows), np.nan)
    for number in np.unique(phases).tolist():
        own = phases == number
        arms_then, propensities_then = _tables(_in_phase(test, number))
        arms[own], propensities[own] = arms_then[rows[own]], propensities_then[rows[own]]
    return Assignment(arms, propensities)


def _in_phase(test: Experiment, phase: Any) -> Experiment:
    then: Experiment | None = test
    while then is not None and then.phase != phase:
        then = then.before
    if then is None:
        raise InvalidInput(f"phase: {phase!r} is no phase of {test.name!r}: it has 0 to {test.phase}")
    return then


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
