"""Shrinking helps where the groups are alike, does no harm where they differ, and never fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats.shrinkage import Shrinkage, fit_shrinkage, shrink

groups = st.lists(st.tuples(st.floats(-10, 10), st.integers(1, 500)), min_size=1, max_size=40)


def columns(rows: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    means, counts = zip(*rows, strict=True)
    return np.array(means), np.array(counts)


@given(groups)
def test_always_between_own_and_centre(rows: list[tuple[float, int]]) -> None:
    """The result is finite, between the group's mean and the centre; the centre is between the means."""
    means, counts = columns(rows)
    fitted = fit_shrinkage(means, counts)
    shrunk = shrink(fitted, means, counts)
    assert 1 / 8 <= fitted.weight <= 128
    assert means.min() - 1e-9 <= fitted.centre <= means.max() + 1e-9
    assert (np.minimum(means, fitted.centre) - 1e-9 <= shrunk).all()
    assert (shrunk <= np.maximum(means, fitted.centre) + 1e-9).all()


@given(groups, st.floats(-5, 5))
def test_moving_everything_moves_the_centre(rows: list[tuple[float, int]], by: float) -> None:
    """A constant added to all means is added to the centre and leaves the weight alone."""
    means, counts = columns(rows)
    fitted, moved = fit_shrinkage(means, counts), fit_shrinkage(means + by, counts)
    assert moved.centre == pytest.approx(fitted.centre + by, abs=1e-9)
    assert moved.weight == pytest.approx(fitted.weight, rel=1e-9)


@given(groups)
def test_order_of_groups_does_not_matter(rows: list[tuple[float, int]]) -> None:
    """The fit knows groups, not rows."""
    one, other = fit_shrinkage(*columns(rows)), fit_shrinkage(*columns(rows[::-1]))
    assert (one.centre, one.weight) == pytest.approx((other.centre, other.weight), rel=1e-9, abs=1e-9)


def test_the_more_observations_the_nearer_to_the_own_mean() -> None:
    """With weight 3, three observations of its own leave a group half-way."""
    shrunk = shrink(Shrinkage(centre=0.0, weight=3.0), np.ones(4), np.array([1, 3, 9, 10_000]))
    assert shrunk[:3].tolist() == [0.25, 0.5, 0.75]
    assert shrunk[3] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "within, between, lowest, highest", [(0.05, 1.0, 0.125, 0.3), (1.0, 0.25, 3, 6), (1.0, 0.0, 30, 128)]
)
def test_the_weight_is_found(within: float, between: float, lowest: float, highest: float) -> None:
    """On data of the model the weight is near within / between, from hardly any shrinking to almost all."""
    rng = np.random.default_rng(5)
    counts = rng.geometric(0.3, 5_000)
    means = rng.normal(4, np.sqrt(between), 5_000) + rng.normal(0, np.sqrt(within / counts))
    fitted = fit_shrinkage(means, counts)
    assert lowest <= fitted.weight <= highest
    assert fitted.centre == pytest.approx(4, abs=0.06)


def test_shrunk_means_are_nearer_to_the_truth() -> None:
    """The reason for shrinking: a smaller error than the own means and than the centre for everybody."""
    rng = np.random.default_rng(6)
    counts = rng.geometric(0.4, 500)
    truth = rng.normal(3, 0.5, 500)
    means = truth + rng.normal(0, 1 / np.sqrt(counts))
    fitted = fit_shrinkage(means, counts)
    errors = [np.mean((guess - truth) ** 2) for guess in (shrink(fitted, means, counts), means, fitted.centre)]
    assert errors[0] < 0.8 * min(errors[1:])


def test_little_data_falls_back_to_the_usual_weight() -> None:
    """One group cannot tell spread from noise: its centre is its mean, its weight near that of shops in general."""
    fitted = fit_shrinkage(np.array([3.5]), np.array([1]))
    assert fitted.centre == 3.5
    assert 2 <= fitted.weight <= 4
