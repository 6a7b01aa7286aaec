"""The door of the room: tables, one row per customer, one column per offer, or `InvalidInput` naming the cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from retention._checks import columns
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray
from retention.errors import InvalidInput

__all__ = ["limit", "mask", "refuse", "spread", "stocks", "table"]


def table(name: str, values: ArrayLike, *, at_least: float | None = None, at_most: float | None = None) -> FloatArray:
    """Finite numbers, float64, shape (n, K), K at least 1; shares memory with what came in where it can.

    >>> table("value", [[1.0, 2.0], [3.0, float("nan")]])
    Traceback (most recent call last):
    retention.errors.InvalidInput: value: row 1, column 1 is nan, not a finite number
    """
    block = np.asarray(values)
    if block.ndim != 2:
        raise InvalidInput(f"{name}: has shape {block.shape}: give one row per customer, one column per offer: (n, K)")
    if not block.shape[1]:
        raise InvalidInput(f"{name}: has shape {block.shape}, no offer: give at least one column")
    if block.dtype.kind not in "iuf":
        raise InvalidInput(f"{name}: {block.dtype} is no number: convert the table first")
    numbers = block.astype(np.float64, copy=False)
    refuse(name, numbers, ~np.isfinite(numbers), "not a finite number")
    if at_least is not None:
        refuse(name, numbers, numbers < at_least, f"below {at_least:g}")
    if at_most is not None:
        refuse(name, numbers, numbers > at_most, f"above {at_most:g}")
    return numbers


def spread(
    name: str,
    values: ArrayLike,
    like: FloatArray,
    *,
    of: Literal["customer", "offer"] = "customer",
    at_least: float | None = None,
    at_most: float | None = None,
) -> FloatArray:
    """One number for each cell of the table: given so, or one for each customer, or for each offer."""
    given = np.asarray(values)
    if given.ndim == 1:
        given = given[:, None] if of == "customer" else given[None, :]
    numbers = table(name, given, at_least=at_least, at_most=at_most)
    line = (len(like), 1) if of == "customer" else (1, like.shape[1])
    if numbers.shape != (like.shape if np.ndim(values) == 2 else line):
        raise InvalidInput(f"{name}: has shape {np.shape(values)} beside {like.shape}: give (n, K), or one per {of}")
    return np.broadcast_to(numbers, like.shape)


def refuse(name: str, values: AnyArray, bad: BoolArray, problem: str) -> None:
    """Raise for the first cell that `bad` marks, (n, K) both."""
    if bad.any():
        row, column = np.unravel_index(bad.argmax(), bad.shape)
        shown = values[row, column].item()
        raise InvalidInput(f"{name}: row {row}, column {column} is {shown!r}, {problem}")


def mask(name: str, values: ArrayLike | None, shape: tuple[int, ...]) -> BoolArray | None:
    """True and False in the shape of the table; None stays None."""
    if values is None:
        return None
    cells = np.asarray(values)
    if cells.dtype.kind != "b" or cells.shape != shape:
        raise InvalidInput(f"{name}: {cells.dtype} of shape {cells.shape}: give True or False, in shape {shape}")
    return cells


def limit(name: str, value: object) -> float:
    """A number from 0 up, infinity included."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer) or not value >= 0:
        raise InvalidInput(f"{name}: {value!r}: give a number from 0 up, or math.inf for no limit")
    return float(value)


def stocks(values: ArrayLike | Sequence[int | None] | None, k: int) -> FloatArray:
    """How many of each offer there are, (K,): whole numbers from 0 up, infinity or None for no limit."""
    if values is None:
        return np.full(k, np.inf)
    given = [math.inf if one is None else one for one in columns.column_of("stock", values).tolist()]
    counts = np.array([limit(f"stock: column {column}", one) for column, one in enumerate(given)], dtype=np.float64)
    if len(counts) != k:
        raise InvalidInput(f"stock: {len(counts)} numbers for {k} offers: give one each, None for no limit")
    whole = np.isinf(counts) | (counts == np.floor(counts))
    columns.refuse("stock", counts, ~whole, "not a whole number")
    return counts
