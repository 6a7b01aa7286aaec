"""Groups of about equal size: what a slow reading of the definition gives, and nothing but the order matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats import bins
from retention._stats.bins import cut_offs, groups

few = st.integers(-3, 3).map(float)  # many ties
values = st.lists(few | st.floats(-1e12, 1e12), min_size=1, max_size=30)
numbers = st.integers(2, 9)


def slow(column: list[float], count: int) -> list[float]:
    """The definition: for each k the place between different values that is nearest to k/count of the rows."""
    places = [(sum(x <= value for x in column), value) for value in sorted(set(column))][:-1]
    wanted = [k * len(column) for k in range(1, count)] if places else []
    return sorted({min(places, key=lambda p: (abs(p[0] * count - place), -p[0]))[1] for place in wanted})


@given(values, numbers)
def test_cut_offs_are_the_nearest_places(column: list[float], count: int) -> None:
    """The fast way finds what the definition says, ties upwards; a cut-off is a value of the column."""
    found = cut_offs(np.array(column), count)
    assert found.tolist() == slow(column, count)
    assert len(found) < count


@given(st.lists(st.integers(-10, 300), min_size=1, max_size=400), numbers)
def test_both_ways_agree(column: list[int], count: int) -> None:
    """Whole numbers are counted in a table, others selected by their bits: the same cut-offs."""
    whole = np.array(column, dtype=np.float64)
    assert np.array_equal(cut_offs(whole, count) * 0.1, cut_offs(whole * 0.1, count))


@given(values, numbers)
def test_two_different_values_are_two_groups(column: list[float], count: int) -> None:
    """Cut-offs exist exactly where there is something to part, and both outer groups have a row."""
    array = np.array(column)
    found = cut_offs(array, count)
    assert bool(len(found)) == (len(set(column)) > 1)
    place = groups(array, found)
    assert (place.min(), place.max()) == (0, len(found))


def test_groups_are_equal_without_ties() -> None:
    """A thousand different values in five groups are two hundred in each, also below zero and beyond a table."""
    column = np.random.default_rng(1).permutation(1000) * 1e9 - 3e11
    assert np.bincount(groups(column, cut_offs(column, 5))).tolist() == [200] * 5


def test_a_fraction_far_down_is_seen() -> None:
    """A column that begins with whole numbers and holds a fraction later is not counted in the table."""
    column = np.append(np.arange(2_000.0), 0.5)
    assert len(column) > bins._HEAD
    assert cut_offs(column, 2001).tolist()[:3] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("zeros", [[0.0, -0.0, 1.0], [-0.0, 0.0, 0.0, 0.5]])
def test_zero_has_no_sign(zeros: list[float]) -> None:
    """Zero and minus zero are equal, so never parted."""
    assert cut_offs(np.array(zeros), 4).tolist() == [0.0]
