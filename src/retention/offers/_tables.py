"""The doors of what is learned and judged: tables of one row per customer, marks of 0 and 1, shares that leave room."""

from __future__ import annotations

from typing import Any

import numpy as np

from retention import _checks
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = ["fewer", "inside", "marks", "mask", "table"]


def table(name: str, values: Any, *, rows: int | None = None, columns: int | None = None) -> FloatArray:
    """Finite numbers of shape (rows, columns), of any container that numpy reads; a frame's columns keep their names.

    >>> table("X", [[1, 2], [3, float("nan")]])
    Traceback (most recent call last):
    retention.errors.InvalidInput: X: column 1: row 1 is nan, missing: leave the row out or fill it
    """
    array = _array(name, values)
    if array.dtype.kind not in "biuf" or array.ndim != 2:
        raise InvalidInput(f"{name}: {array.dtype} of shape {array.shape}: give numbers of shape (n, columns)")
    _same_shape(name, array.shape, rows, columns)
    numbers = array.astype(np.float64, copy=False)
    if not np.isfinite(numbers).all():
        first = int(np.argmin(np.isfinite(numbers).all(axis=0)))
        label = list(getattr(values, "columns", range(numbers.shape[1])))[first]
        _checks.floats(f"{name}: column {label}", numbers[:, first])
    return numbers


def mask(name: str, values: Any, rows: int, columns: int) -> BoolArray:
    """True and False of shape (rows, columns)."""
    array = _array(name, values)
    if array.dtype.kind != "b" or array.ndim != 2:
        raise InvalidInput(f"{name}: {array.dtype} of shape {array.shape}: give True and False, ({rows}, {columns})")
    _same_shape(name, array.shape, rows, columns)
    return array


def _array(name: str, values: Any) -> AnyArray:
    try:
        return np.asarray(values)
    except ValueError:  # numpy's word for lists of different lengths
        raise InvalidInput(f"{name}: has rows of different lengths: give the same columns in each") from None


def _same_shape(name: str, shape: tuple[int, ...], rows: int | None, columns: int | None) -> None:
    wanted = (shape[0] if rows is None else rows, shape[1] if columns is None else columns)
    if shape != wanted:
        raise InvalidInput(f"{name}: has shape {shape}: give {wanted}")


def marks(name: str, values: ArrayLike) -> IntArray:
    """Zeros and ones, both of them, shape (n,)."""
    found = _checks.integers(name, values, at_least=0, at_most=1)
    if len(found) == 0 or found.min() == found.max():
        raise InvalidInput(f"{name}: all rows are the same: give customers of both kinds, 0 and 1")
    return found


def inside(name: str, value: object) -> float:
    """A number strictly between 0 and 1."""
    if not 0 < _checks.probability(name, value) < 1:
        raise InvalidInput(f"{name}: {value!r}: give a number between 0 and 1, both left out")
    return float(value)  # type: ignore[arg-type]  # a number by now


def fewer(name: str, value: object, least: int, most: int) -> int:
    """A whole number of this range."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"{name}: {value!r}: give a whole number from {least} to {most}")
    return int(value)
