"""What is learned and judged comes in clean, or the message names column and row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from retention.errors import InvalidInput
from retention.offers._tables import fewer, inside, marks, mask, table


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_bad_cell_is_named_by_column_and_row(frame: type) -> None:
    """A frame's columns by their names, an array's by their place."""
    columns = {"age": [1.0, 2.0], "visits": [3.0, np.inf]}
    with pytest.raises(InvalidInput, match=r"X: column visits: row 1 is inf"):
        table("X", frame(columns))
    with pytest.raises(InvalidInput, match=r"X: column 1: row 1 is inf, not a finite number"):
        table("X", np.array(list(columns.values())).T)


@pytest.mark.parametrize(
    "values, rows, columns, message",
    [
        ([1, 2], None, None, r"X: int64 of shape \(2,\): give numbers of shape \(n, columns\)"),
        ([["a"]], None, None, r"X: <U1 of shape"),
        ([[1], [1, 2]], None, None, "X: has rows of different lengths: give the same columns in each"),
        ([[1, 2]], 2, None, r"X: has shape \(1, 2\): give \(2, 2\)"),
        ([[1, 2]], None, 3, r"X: has shape \(1, 2\): give \(1, 3\)"),
    ],
)
def test_other_shapes_and_kinds(values: object, rows: int | None, columns: int | None, message: str) -> None:
    """One line says what came and what is wanted."""
    with pytest.raises(InvalidInput, match=message):
        table("X", values, rows=rows, columns=columns)


def test_masks() -> None:
    """Only True and False, of the one shape."""
    assert mask("eligible", [[True, False]], 1, 2).tolist() == [[True, False]]
    with pytest.raises(InvalidInput, match=r"eligible: int64 of shape \(1, 2\): give True and False, \(1, 2\)"):
        mask("eligible", [[1, 0]], 1, 2)
    with pytest.raises(InvalidInput, match=r"eligible: has shape \(1, 2\): give \(2, 2\)"):
        mask("eligible", [[True, False]], 2, 2)


def test_marks_need_both_kinds() -> None:
    """A test without a control says nothing."""
    assert marks("treated", [0, 1]).tolist() == [0, 1]
    for same in ([], [1, 1]):
        with pytest.raises(InvalidInput, match="treated: all rows are the same"):
            marks("treated", same)


def test_options() -> None:
    """Shares leave room on both sides, counts are whole."""
    assert inside("level", 0.9) == 0.9
    assert fewer("features", np.int64(3), 1, 9) == 3
    for bad in (0, 1.0):
        with pytest.raises(InvalidInput, match="level"):
            inside("level", bad)
    for bad in (0, 10, 2.5, True):
        with pytest.raises(InvalidInput, match=r"features: .*: give a whole number from 1 to 9"):
            fewer("features", bad, 1, 9)
