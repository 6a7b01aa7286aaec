"""The mean of answers on a scale: its interval covers with few answers, whatever their shape."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import exp, lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats.bounded import mean_within
from retention._stats.mover import t_quantile

SHAPES = [
    (0, 0, 0, 5, 5), (1, 0, 0, 0, 9), (1, 0, 0, 0, 30), (1, 1, 2, 8, 16), (2, 1, 1, 2, 14), (1, 1, 1, 1, 1),
    (5, 1, 1, 1, 5), (0, 0, 1, 18, 1), (0, 0, 0, 1, 20), (1, 0, 0, 10, 10), (0, 1, 3, 1, 0), (1, 3, 8, 12, 20),
]  # fmt: skip
"""Of answers 1 to 5: how often each is given; satisfied shops, angry ones, and ones of two minds."""
SCALE = np.arange(1.0, 6.0)
answers = st.lists(st.integers(1, 5), min_size=1, max_size=60).map(lambda rows: np.array(rows, dtype=np.float64))


def coverage(n: int) -> np.ndarray:
    """For each shape the exact chance that the interval of n answers has the true mean in it: every outcome counted."""
    shares = np.array([np.array(shape) / sum(shape) for shape in SHAPES])
    truth, found = shares @ SCALE, np.zeros(len(SHAPES))
    for outcome in combinations_with_replacement(range(5), n):
        counts = np.bincount(outcome, minlength=5)
        ways = exp(lgamma(n + 1) - sum(lgamma(count + 1) for count in counts.tolist()))
        _, lower, upper = mean_within(SCALE[list(outcome)], low=1, high=5)
        covers = (lower <= truth + 1e-9) & (truth <= upper + 1e-9)
        found += covers * ways * (shares**counts).prod(axis=1)
    return found


@pytest.mark.parametrize("n", [2, 3, 5, 8, 12])
def test_it_covers_with_few_answers(n):
    """Enumerated exactly, .95 is held but for half a point, in every shape."""
    assert coverage(n).min() >= 0.945


@pytest.mark.parametrize("n", [30, 200])
def test_it_covers_with_more(n):
    """Drawn, .95 is held but for half a point and the chance of four thousand draws."""
    rng = np.random.default_rng(n)
    for shape in SHAPES:
        share = np.array(shape) / sum(shape)
        drawn = [mean_within(rng.choice(SCALE, n, p=share), low=1, high=5) for _ in range(4_000)]
        covered = np.mean([lower <= share @ SCALE <= upper for _, lower, upper in drawn])
        assert covered >= 0.945 - 3 * (0.05 * 0.95 / 4_000) ** 0.5


@given(answers, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_mean_is_inside_and_the_scale_outside(values, level):
    """The plain mean lies within its limits, these lie within the scale and never on one another."""
    mean, lower, upper = mean_within(values, low=1, high=5, level=level)
    assert mean == values.mean()
    assert 1 <= lower <= mean <= upper <= 5
    assert upper - lower > 0.1


@given(answers)
def test_turned_round_it_is_its_mirror_image(values):
    """On a scale that runs the other way the limits change places."""
    found, mirrored = mean_within(values, low=1, high=5), mean_within(6 - values, low=1, high=5)
    assert found == pytest.approx([6 - mirrored[0], 6 - mirrored[2], 6 - mirrored[1]])


def test_with_many_answers_it_is_students():
    """The two answers added weigh nothing among ten thousand."""
    values = np.random.default_rng(3).choice(SCALE, 10_000, p=[0.1, 0.1, 0.2, 0.3, 0.3])
    mean, lower, upper = mean_within(values, low=1, high=5)
    half = t_quantile(9_999, 0.95) * values.std(ddof=1) / 100
    assert (lower, upper) == pytest.approx((mean - half, mean + half), abs=5e-4)
