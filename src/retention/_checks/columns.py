"""Numbers and identifiers from any container: lists, arrays, the columns of any data frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.errors import InvalidInput

if TYPE_CHECKING:
    import narwhals as nw
    from numpy.typing import NDArray

    TextArray: TypeAlias = NDArray[np.str_]

MISSING = "missing: leave the row out or fill it"
MISSING_ID = "missing: leave the row out or give it an id"


def floats(
    name: str,
    values: ArrayLike,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    allow_nan: bool = False,
) -> FloatArray:
    """Numbers as float64, shape (n,); infinity is refused, NaN and missing values too unless `allow_nan`.

    >>> floats("recency", [1, 2.5])
    array([1. , 2.5])
    >>> floats("recency", [0.0, -3.0], at_least=0)
    Traceback (most recent call last):
    retention.errors.InvalidInput: recency: row 1 is -3.0, below 0
    """
    numbers = _numbers(name, values)
    if not np.isfinite(numbers).all():
        if not allow_nan:
            refuse(name, numbers, np.isnan(numbers), MISSING)
        refuse(name, numbers, np.isinf(numbers), "not a finite number")
    _refuse_outside(name, numbers, at_least, at_most)
    return numbers


def integers(name: str, values: ArrayLike, *, at_least: int | None = None, at_most: int | None = None) -> IntArray:
    """Whole numbers as int64, shape (n,); whole floats pass, 1.5 does not.

    >>> integers("frequency", [0, 3.0])
    array([0, 3])
    >>> integers("frequency", [0, 1.5])
    Traceback (most recent call last):
    retention.errors.InvalidInput: frequency: row 1 is 1.5, not a whole number
    """
    numbers = _whole(name, column_of(name, values), MISSING)
    _refuse_outside(name, numbers, at_least, at_most)
    return numbers


def same_length(**columns: AnyArray) -> int:
    """The length that all columns share.

    >>> same_length(frequency=np.zeros(3), recency=np.zeros(2))
    Traceback (most recent call last):
    retention.errors.InvalidInput: frequency has 3 rows but recency has 2: give one value per row in each
    """
    (first, column), *others = columns.items()
    for name, other in others:
        if len(other) != len(column):
            message = f"{first} has {len(column)} rows but {name} has {len(other)}: give one value per row in each"
            raise InvalidInput(message)
    return len(column)


def probability(name: str, value: object) -> float:
    """One number from 0 to 1.

    >>> probability("share", 1.5)
    Traceback (most recent call last):
    retention.errors.InvalidInput: share: 1.5 is not between 0 and 1
    """
    # `not (0 <= x <= 1)` catches NaN as well.
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)) or not 0 <= value <= 1:
        message = f"{name}: {value!r} is not between 0 and 1"
        raise InvalidInput(message)
    return float(value)


def ids(name: str, values: ArrayLike) -> IntArray | TextArray:
    """Identifiers, shape (n,): int64 where all are whole numbers, text otherwise; whole floats count as whole numbers.

    >>> ids("customer_id", [17850.0, 13047.0])
    array([17850, 13047])
    >>> ids("customer_id", ["b", 42])
    array(['b', '42'], dtype='<U2')
    >>> ids("customer_id", ["b", None])
    Traceback (most recent call last):
    retention.errors.InvalidInput: customer_id: row 1 is None, missing: leave the row out or give it an id
    """
    column = column_of(name, values)
    if column.dtype.kind in "iuf":
        return _whole(name, column, MISSING_ID)
    if column.dtype.kind == "O":
        column = _text_of_objects(name, column)
    if column.dtype.kind == "U":
        refuse(name, column, column == "", MISSING_ID)
        return column
    message = f"{name}: {column.dtype} is no identifier: give whole numbers or text"
    raise InvalidInput(message)


def text_ids(name: str, values: ArrayLike) -> TextArray:
    """Identifiers as text, shape (n,): 42 and "42" are the same customer.

    >>> text_ids("customer_id", [42, 7])
    array(['42', '7'], dtype='<U21')
    """
    return ids(name, values).astype(np.str_)


def labels(name: str, values: ArrayLike) -> TextArray:
    """Words such as sizes and categories, shape (n,): text, "" for a missing one; numbers are written as ids are.

    >>> labels("size", ["M", None, 42])
    array(['M', '', '42'], dtype='<U2')
    """
    column = column_of(name, values)
    if column.dtype.kind == "U":
        return column
    missing = are_missing(column) if column.dtype.kind in "Of" else np.zeros(len(column), dtype=np.bool_)
    if not missing.any():
        return text_ids(name, column) if column.dtype.kind != "O" else _text_of_objects(name, column)
    words = np.zeros(len(column), dtype=object)
    words[missing] = ""
    words[~missing] = labels(name, column[~missing])
    return words.astype(np.str_)


def refuse(name: str, values: AnyArray, bad: BoolArray, problem: str) -> None:
    """Raise for the first row that `bad` marks; with more than one such row the message counts them.

    >>> refuse("price", np.array([1.0, -2.0, -3.0]), np.array([False, True, True]), "negative")
    Traceback (most recent call last):
    retention.errors.InvalidInput: price: row 1 is -2.0, negative (2 such rows of 3)
    """
    rows = np.flatnonzero(bad)
    if len(rows):
        value = values[rows[0]]
        shown = value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufU" else value
        count = f" ({len(rows)} such rows of {len(values)})" if len(rows) > 1 else ""
        message = f"{name}: row {rows[0]} is {short(shown)}, {problem}{count}"
        raise InvalidInput(message)


def _refuse_outside(name: str, numbers: AnyArray, at_least: float | None, at_most: float | None) -> None:
    if at_least is not None:
        refuse(name, numbers, numbers < at_least, f"below {at_least:g}")
    if at_most is not None:
        refuse(name, numbers, numbers > at_most, f"above {at_most:g}")


def short(value: object) -> str:
    """A value as a message shows it: one line, at most 60 characters."""
    text = repr(value) if isinstance(value, (str, int, float)) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


# ---------------------------------------------------------------- any container -> an array whose dtype tells the truth


def column_of(name: str, values: object) -> AnyArray:
    """The values as an array of one dimension; what a conversion would change (mixed items, nulls) stays an object."""
    if not isinstance(values, np.ndarray):
        values = _items(name, values)
    column = values if isinstance(values, np.ndarray) else _from_items(values)
    if column.ndim != 1:
        message = f"{name}: has shape {column.shape}: give one column of shape (n,)"
        raise InvalidInput(message)
    return _from_items(column.tolist()) if column.dtype.kind == "O" else column


def _items(name: str, values: object) -> AnyArray | list[Any]:
    series = series_of(values)
    if series is not None:
        return series.to_list() if series.null_count() else series.to_numpy()
    if hasattr(values, "__array__"):
        return np.asarray(values)
    if isinstance(values, (str, bytes, dict)) or not isinstance(values, Iterable):
        message = f"{name}: {short(values)} is no column: give a list, an array or a series"
        raise InvalidInput(message)
    return list(values)


def series_of(values: object) -> nw.Series[Any] | None:
    """The column of a data frame, of whichever library; None for all else. Only what looks like one loads narwhals."""
    if isinstance(values, np.ndarray) or not hasattr(values, "__array__"):
        return None
    import narwhals as nw

    wrapped = nw.from_native(values, series_only=True, pass_through=True)
    return wrapped if isinstance(wrapped, nw.Series) else None


def _from_items(items: list[Any]) -> AnyArray:
    kinds = set(map(type, items)) or {object}
    for plain in ((int, float, np.integer, np.floating), (str,), (bool, np.bool_), (np.datetime64,)):
        if all(issubclass(kind, plain) and (kind is not bool or bool in plain) for kind in kinds):
            return np.array(items)
    return np.fromiter(items, dtype=object, count=len(items))


def are_missing(column: AnyArray) -> BoolArray:
    """Which objects of a column hold no value."""
    return np.array([_is_missing(value) for value in column], dtype=np.bool_)


def _is_missing(value: object) -> bool:
    """None, or what does not equal itself: NaN, NaT; pandas' NA refuses to say, which is the answer."""
    try:
        return value is None or bool(value != value)  # noqa: PLR0124
    except TypeError:
        return True


def _numbers(name: str, values: object) -> FloatArray:
    column = column_of(name, values)
    if column.dtype.kind in "biuf":
        return column.astype(np.float64, copy=False)
    if column.dtype.kind == "O":
        return np.array([_number(name, row, value) for row, value in enumerate(column)], dtype=np.float64)
    message = f"{name}: {column.dtype} is no number: convert the column first"
    raise InvalidInput(message)


def _number(name: str, row: int, value: Any) -> float:
    if _is_missing(value):
        return np.nan
    if not hasattr(value, "__float__"):
        message = f"{name}: row {row} is {short(value)}, not a number"
        raise InvalidInput(message)
    return float(value)


def _whole(name: str, column: AnyArray, missing: str) -> IntArray:
    """Whole numbers of any dtype as int64; beyond 2**53 a float no longer says which whole number it was."""
    if column.dtype.kind in "iu":
        refuse(name, column, column > np.iinfo(np.int64).max, "too large for 64 bits: give it as text")
        return column.astype(np.int64, copy=False)
    numbers = _numbers(name, column)
    refuse(name, column, np.isnan(numbers), missing)
    refuse(name, column, ~(np.abs(numbers) <= 2**53) | (numbers != np.floor(numbers)), "not a whole number")
    return numbers.astype(np.int64)


def _text_of_objects(name: str, column: AnyArray) -> TextArray:
    """Ids of mixed types as text."""
    refuse(name, column, are_missing(column), MISSING_ID)
    odd = [isinstance(value, bool) or not isinstance(value, (str, int, np.integer)) for value in column]
    refuse(name, column, np.array(odd, dtype=np.bool_), "no identifier: give a whole number or text")
    return np.array([str(value) for value in column], dtype=np.str_)
