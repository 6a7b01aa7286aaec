"""The sample-ratio check sees a broken pipeline and does not cry wolf."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from retention.errors import InvalidInput
from retention.experiments import Experiment, reweight, sample_ratio

THREE = Experiment("three", {"control": 0.1, "a": 0.45, "b": 0.45})
DAYS = 90


def test_false_alarms_under_daily_looks() -> None:
    """400 sound experiments looked at for 90 days: at most 1 % alarm, while a daily chi-square at .01 would in 10 %."""
    rng, alarms, naive = np.random.default_rng(21), 0, 0
    for _ in range(400):
        counts = rng.multinomial(300, [0.1, 0.45, 0.45], DAYS)
        alarms += sample_ratio(THREE, counts).alarm
        so_far = counts.cumsum(axis=0)
        expected = so_far.sum(axis=1, keepdims=True) * [0.1, 0.45, 0.45]
        naive += stats.chisquare(so_far, expected, axis=1).pvalue.min() <= 0.01
    assert alarms <= 4
    assert naive >= 20


@pytest.mark.parametrize("lost", ["control", "a"])
def test_a_broken_pipeline_alarms(lost: str) -> None:
    """An arm that loses a tenth of its customers is seen before 90 days of 300 customers are over."""
    rng, arms = np.random.default_rng(22), [name for name, _ in THREE.arms]
    counts = rng.multinomial(300, [0.1, 0.45, 0.45], DAYS)
    place = arms.index(lost)
    counts[:, place] = rng.binomial(counts[:, place], 0.9 if lost == "a" else 0.8)
    found = sample_ratio(THREE, counts)
    assert found.alarm
    assert "do not trust this experiment" in found.sentence
    assert f"{lost} {counts[:, place].sum()}" in found.sentence


def test_p_value_never_rises() -> None:
    """One row per look, valid whenever one looks."""
    found = sample_ratio(THREE, np.random.default_rng(23).multinomial(50, [0.2, 0.4, 0.4], 30))
    assert found.p_value.shape == (30,)
    assert (np.diff(found.p_value) <= 0).all()
    assert found.alarm == (found.p_value[-1] <= 0.01)


def test_active_arms_only() -> None:
    """An arm of weight 0 counts for nothing, and the others share what is drawn; each phase has its own weights."""
    phase = reweight(THREE, {"control": 0.2, "a": 0.8, "b": 0})
    found = sample_ratio(phase, [200, 800, 0])
    assert (found.arms, found.counts.tolist(), found.expected.tolist()) == (("control", "a"), [200, 800], [200, 800])
    assert (found.chi_square, found.chi_square_p, found.alarm) == (0, 1, False)
    assert sample_ratio(THREE, [200, 800, 0]).alarm


def test_nothing_to_compare() -> None:
    """One active arm has the right size by itself, and nobody assigned yet is no evidence."""
    alone = sample_ratio(Experiment("all", {"control": 1.0}), [[5], [7]])
    assert (alone.p_value.tolist(), alone.chi_square_p, alone.alarm) == ([1, 1], 1, False)
    nobody = sample_ratio(THREE, [0, 0, 0])
    assert (nobody.chi_square, nobody.chi_square_p, nobody.alarm) == (0, 1, False)
    assert "sizes they should have" in nobody.sentence


@pytest.mark.parametrize(
    "counts, said",
    [
        ([1, 2], "counts: has shape (1, 2): give a row per look and a column per arm, 3"),
        (np.zeros((0, 3), int), "counts: has shape (0, 3): give a row per look"),
        ([1, 2, -1], "counts, column 2: row 0 is -1, below 0"),
    ],
)
def test_bad_counts_are_named(counts: Any, said: str) -> None:
    """The message names the column, the row and the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        sample_ratio(THREE, counts)


def test_customers_in_a_closed_arm_are_refused() -> None:
    """Whoever is in an arm of weight 0 was drawn in another phase."""
    phase = reweight(THREE, {"control": 0.2, "a": 0.8, "b": 0})
    with pytest.raises(InvalidInput, match="counts of 'b': row 1 is 4, in an arm of weight 0: give the phase"):
        sample_ratio(phase, [[1, 2, 0], [1, 2, 4]])
