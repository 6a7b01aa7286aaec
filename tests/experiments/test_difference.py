"""The difference of two shares, its interval and its door."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats.intervals import newcombe
from retention.errors import InvalidInput
from retention.experiments import Difference, Ratio, difference, ratio


def test_numbers_give_numbers() -> None:
    """One experiment: plain floats that JSON takes, the interval around the estimate."""
    found = difference(300, 9_000, 20, 1_000, level=0.9)
    assert [type(value) for value in (found.estimate, found.lower, found.upper)] == [float] * 3
    assert found.estimate == pytest.approx(300 / 9_000 - 20 / 1_000)
    assert (found.lower, found.upper) == newcombe(300, 9_000, 20, 1_000, level=0.9)
    assert found.level == 0.9


def test_columns_give_columns() -> None:
    """Many experiments: row by row what each alone gives."""
    columns = [3, 0, 50], [70, 10, 50], [1, 0, 0], [80, 20, 50]
    together = difference(*columns)
    rows = [difference(*row) for row in zip(*columns, strict=True)]
    expected = (
        np.array([getattr(row, name) for row in rows]) for name in ("estimate", "lower", "upper", "z", "p_value")
    )
    estimate, lower, upper, z, p_value = expected
    assert together == Difference(estimate, lower, upper, 0.95, z, p_value)


arm = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(arm, arm)
def test_always_finite(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """No returner in either arm, or nothing but returners: still an interval that holds the estimate."""
    found = difference(*treated, *control)
    assert -1 <= found.lower <= found.estimate <= found.upper <= 1
    assert found.lower < found.upper
    assert 0 <= found.p_value <= 1


@given(arm, arm)
def test_ratio_is_never_nan(treated: tuple[int, int], control: tuple[int, int]) -> None:
    """The estimate is finite and above 0; a limit is open only on the side where an arm has no returner."""
    found = ratio(*treated, *control)
    assert 0 < found.estimate < np.inf
    assert 0 <= found.lower < found.upper
    assert (found.lower == 0) == (treated[0] == 0)
    assert (found.upper == np.inf) == (control[0] == 0)


def test_ratio_of_columns() -> None:
    """Row by row what each alone gives; numbers give plain floats."""
    columns = [3, 0, 50], [70, 10, 50], [1, 0, 0], [80, 20, 50]
    rows = [ratio(*row, level=0.9) for row in zip(*columns, strict=True)]
    estimate, lower, upper = (np.array([getattr(row, name) for row in rows]) for name in ("estimate", "lower", "upper"))
    assert ratio(*columns, level=0.9) == Ratio(estimate, lower, upper, 0.9)
    assert [type(value) for value in (rows[0].estimate, rows[0].lower, rows[0].upper)] == [float] * 3
    assert rows[0].estimate == pytest.approx(3 / 70 * 80)
    assert rows[1].estimate == pytest.approx(20.5 / 10.5)


@pytest.mark.parametrize("n_t, p_t, n_c, p_c", [(1_900, 0.03, 100, 0.02), (900, 0.02, 100, 0.02)])
def test_coverage_with_a_small_control(n_t: int, p_t: float, n_c: int, p_c: float) -> None:
    """Enumerated over all outcomes the interval covers the truth at least .9498 of the time."""
    x_t, x_c = (grid.ravel() for grid in np.meshgrid(np.arange(200), np.arange(101)))
    chance = stats.binom.pmf(x_t, n_t, p_t) * stats.binom.pmf(x_c, n_c, p_c)
    found = difference(x_t, np.full_like(x_t, n_t), x_c, np.full_like(x_c, n_c))
    assert chance[(found.lower <= p_t - p_c) & (p_t - p_c <= found.upper)].sum() >= 0.9498


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((1, 0, 0, 1), "n_t: row 0 is 0, below 1"),
        ((-1, 5, 0, 1), "returned_t: row 0 is -1, below 0"),
        ((0, 5, 2, 1), "returned_c: row 0 is 2, more than n_c"),
        ((0.5, 5, 0, 1), "returned_t: row 0 is 0.5, not a whole number"),
        ((float("nan"), 5, 0, 1), "returned_t: row 0 is nan"),
        (([1, 2], [5, 5], [0], [1]), "returned_t has 2 rows but returned_c has 1"),
        (([1, 2], [5], [0, 0], [1, 1]), "returned_t has 2 rows but n_t has 1"),
        (([1, 7], [5, 5], [0, 0], [1, 1]), "returned_t: row 1 is 7, more than n_t"),
    ],
)
def test_bad_counts_are_named(arguments: Any, said: str) -> None:
    """The message names the column, the row and the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        difference(*arguments)


@pytest.mark.parametrize("level", [0, 1, 1.2, float("nan")])
def test_bad_levels_are_named(level: float) -> None:
    """A level that leaves no interval is refused."""
    with pytest.raises(InvalidInput, match="level: "):
        difference(1, 2, 1, 2, level=level)
