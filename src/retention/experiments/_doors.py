"""What the functions of this room ask of their arguments before they compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from retention import _checks
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = ["arm_counts", "by_look", "check_name", "inside", "returners"]


def inside(name: str, value: object) -> float:
    """A number strictly between 0 and 1."""
    if not 0 < _checks.probability(name, value) < 1:
        raise InvalidInput(f"{name}: {value!r} leaves nothing to say: give a number between 0 and 1, both left out")
    return float(value)  # type: ignore[arg-type]  # a number by now


def check_name(what: str, value: Any) -> None:
    """Refuse what is no text or an empty one."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{what}: {value!r} is no name: give a text that is not empty")


def arm_counts(name: str, returned: ArrayLike, name_n: str, n: ArrayLike) -> tuple[IntArray, IntArray]:
    """How many of one arm came back and how many were assigned, a row per experiment: shapes (n,)."""
    x = _checks.integers(name, np.atleast_1d(returned), at_least=0)
    trials = _checks.integers(name_n, np.atleast_1d(n), at_least=1)
    _checks.same_length(**{name: x, name_n: trials})
    _checks.refuse(name, x, x > trials, f"more than {name_n}: nobody returns twice")
    return x, trials


def by_look(name: str, values: ArrayLike) -> IntArray:
    """Counts of shape (looks,) or (looks, groups) as (looks, groups)."""
    table = np.asarray(values)
    if table.ndim not in (1, 2):
        raise InvalidInput(f"{name}: has shape {table.shape}: give (looks,) or (looks, groups)")
    if table.ndim == 1:
        return _checks.integers(name, values, at_least=0)[:, None]
    groups = [_checks.integers(f"{name}, column {g}", table[:, g], at_least=0) for g in range(table.shape[1])]
    return np.stack(groups, axis=1) if groups else np.zeros((len(table), 0), np.int64)


def returners(treated: ArrayLike, control: ArrayLike, propensity: ArrayLike) -> tuple[IntArray, IntArray, FloatArray]:
    """New returners of the two arms and their propensities, all of shape (looks, groups)."""
    x, y = by_look("returned_treated", treated), by_look("returned_control", control)
    if x.shape != y.shape:
        raise InvalidInput(f"returned_control: has shape {y.shape}, returned_treated {x.shape}: give the same looks")
    if not len(x):
        raise InvalidInput("returned_treated: has no look: give at least one")
    w = _propensities(propensity, x.shape)
    for group in range(w.shape[1]):
        column = w[:, group]
        _checks.refuse("propensity", column, (column <= 0) | (column >= 1), "not between 0 and 1: nothing is compared")
    return x, y, w


def _propensities(propensity: Any, shape: tuple[int, ...]) -> FloatArray:
    given = np.asarray(propensity)
    if given.ndim == 0:
        given = np.full(shape, propensity)
    if given.ndim == 1:
        given = given[:, None]
    if given.shape != shape:
        raise InvalidInput(f"propensity: has shape {np.shape(propensity)}: give one number or one per count {shape}")
    return _checks.floats("propensity", given.ravel()).reshape(shape)
