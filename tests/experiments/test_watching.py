"""Watching and planning: what the records say, and the door. How often they err is in tests/simulations."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention._stats import sequential
from retention.errors import InvalidInput
from retention.experiments import planned, planned_ratio, watch

TREATED, CONTROL = [30, 34, 41], [9, 10, 8]
THIRDS = [1 / 3, 2 / 3, 1]


def test_watch_is_the_e_process() -> None:
    """Cumulated and with its prior, evidence and limits are those of the statistics."""
    found = watch(TREATED, CONTROL, 0.6, alpha=0.1)
    x, n, w = np.cumsum(TREATED), np.cumsum(np.add(TREATED, CONTROL))[:, None], np.array([0.6])
    log_e = sequential.log_evidence(x, n, w, sequential.half_normals(0.4, 0.8))
    low, high = sequential.confidence_sequence(x, n, w, log_e, 0.1)
    assert found.p_value == pytest.approx(1 / np.exp(np.maximum.accumulate(log_e)))
    assert found.lower == pytest.approx(np.exp(low))
    assert found.upper == pytest.approx(np.exp(high))
    assert found.estimate[0] == pytest.approx(30 / 9 * 0.4 / 0.6)
    assert found.alpha == 0.1


def test_nothing_yet() -> None:
    """Looks without returners say nothing: no evidence, no limits."""
    found = watch([0, 0], [0, 0], 0.9)
    assert found.p_value == pytest.approx([1, 1])
    assert (found.lower.tolist(), found.upper.tolist(), found.estimate.tolist()) == ([0, 0], [np.inf] * 2, [1, 1])


def test_open_sides() -> None:
    """No treated returner leaves the lower limit at 0, no other the upper at infinity; the other side closes."""
    none_treated, all_treated = watch([0], [40], 0.5), watch([40], [0], 0.5)
    assert (none_treated.lower[0], none_treated.estimate[0]) == (0, 0)
    assert 0 < none_treated.upper[0] < 1
    assert (all_treated.upper[0], all_treated.estimate[0]) == (np.inf, np.inf)
    assert 1 < all_treated.lower[0] < np.inf


tables = st.integers(1, 4).flatmap(
    lambda groups: st.lists(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.2, 0.5, 0.9])),
            min_size=groups,
            max_size=groups,
        ),
        min_size=1,
        max_size=5,
    )
)


@given(tables)
def test_groups_in_any_order(rows: list[list[tuple[int, int, float]]]) -> None:
    """Only who came back by when and with which propensity counts, not how the columns are cut."""
    x, y, w = np.moveaxis(np.array(rows), 2, 0)
    found = watch(x.astype(int), y.astype(int), w)
    turned = watch(x[:, ::-1].astype(int), y[:, ::-1].astype(int), w[:, ::-1])
    padded = watch(
        *(np.hstack([t, np.zeros_like(t)]).astype(int) for t in (x, y)), np.hstack([w, np.full_like(w, 0.7)])
    )
    for other in (turned, padded):
        assert np.allclose(found.p_value, other.p_value)
        for name in ("lower", "estimate", "upper"):
            assert np.allclose(getattr(found, name), getattr(other, name), atol=1e-8)


@given(tables)
def test_arms_mirror(rows: list[list[tuple[int, int, float]]]) -> None:
    """With the attention shared evenly the exchanged arms give the same p-value and the reciprocal limits."""
    x, y, w = np.moveaxis(np.array(rows), 2, 0)
    found = watch(x.astype(int), y.astype(int), w, helpful=0.5)
    mirrored = watch(y.astype(int), x.astype(int), 1 - w, helpful=0.5)
    assert np.allclose(found.p_value, mirrored.p_value)
    with np.errstate(divide="ignore"):
        assert np.allclose(found.lower, 1 / mirrored.upper, rtol=1e-6)


def test_one_sided_attention_sees_more() -> None:
    """Attention for help alone gives a smaller p-value to letters that help, and a larger one to letters that harm."""
    help_only, both = watch(TREATED, CONTROL, 0.6, helpful=1), watch(TREATED, CONTROL, 0.6)
    assert help_only.p_value[-1] < both.p_value[-1]
    assert watch(CONTROL, TREATED, 0.6, helpful=1).p_value[-1] == 1


def test_planned_single_look_is_the_exact_test() -> None:
    """With one look at the end it says what the two exact one-sided tests at alpha / 2 say."""
    for x in range(60, 101):
        found = planned([x], [100 - x], 0.8, fraction=[1.0])
        p_more = stats.binomtest(x, 100, 0.8, alternative="greater").pvalue
        p_fewer = stats.binomtest(x, 100, 0.8, alternative="less").pvalue
        assert found.effect == (1 if p_more <= 0.025 else -1 if p_fewer <= 0.025 else 0)
        assert found.stopped == (0 if found.effect else None)


def test_planned_stops_once() -> None:
    """The first look beyond a boundary decides, whatever comes after it."""
    help_first = planned([30, 34, 5], [3, 2, 60], 0.5, fraction=THIRDS)
    assert (help_first.stopped, help_first.effect) == (0, 1)
    harm = planned([3, 2, 40], [30, 34, 1], 0.5, fraction=THIRDS)
    assert (harm.stopped, harm.effect) == (0, -1)
    open_end = planned([5, 5], [5, 5], 0.5, fraction=[0.1, 0.2])
    assert (open_end.stopped, open_end.effect, open_end.alpha) == (None, 0, 0.05)
    assert (open_end.too_few < open_end.returned).all()
    assert (open_end.too_many > open_end.returned).all()


def test_planned_ratio_agrees_with_planned() -> None:
    """The interval leaves 1 out exactly where the plan stops, and a ratio at its edge is just not ruled out."""
    for treated, control in ((TREATED, CONTROL), (CONTROL, TREATED), ([20, 20, 20], [13, 14, 13])):
        found, said = (
            planned_ratio(treated, control, 0.6, fraction=THIRDS),
            planned(treated, control, 0.6, fraction=THIRDS),
        )
        assert (found.lower > 1) == (said.effect == 1)
        assert (found.upper < 1) == (said.effect == -1)
        assert found.lower < found.estimate < found.upper
        assert found.level == pytest.approx(0.95)
        for limit, step, effect in ((found.lower, -2e-3, 1), (found.lower, 2e-3, 0), (found.upper, 2e-3, -1)):
            odds = 1.5 * limit * math.exp(step)
            assert planned(treated, control, odds / (1 + odds), fraction=THIRDS).effect == effect


def test_planned_ratio_with_open_sides() -> None:
    """No returner in an arm leaves that side open."""
    all_treated, none_treated = (planned_ratio([a], [b], 0.5, fraction=[1]) for a, b in ((20, 0), (0, 20)))
    assert (all_treated.estimate, all_treated.upper) == (np.inf, np.inf)
    assert all_treated.lower > 1
    assert (none_treated.estimate, none_treated.lower) == (0, 0)
    assert none_treated.upper < 1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: watch([1, 2], [1], 0.5), "returned_control: has shape (1, 1), returned_treated (2, 1)"),
        (lambda: watch([], [], 0.5), "returned_treated: has no look"),
        (
            lambda: watch([[[1]]], [[[1]]], 0.5),
            "returned_treated: has shape (1, 1, 1): give (looks,) or (looks, groups)",
        ),
        (lambda: watch([1, -2], [1, 1], 0.5), "returned_treated: row 1 is -2, below 0"),
        (lambda: watch([[1, 2], [3, -1]], [[1, 1], [1, 1]], 0.5), "returned_treated, column 1: row 1 is -1, below 0"),
        (lambda: watch([1, 2], [1, 1.5], 0.5), "returned_control: row 1 is 1.5, not a whole number"),
        (lambda: watch([1, 2], [1, 1], [0.5, 1.0]), "propensity: row 1 is 1.0, not between 0 and 1"),
        (lambda: watch([1, 2], [1, 1], [0.5, 0.0]), "propensity: row 1 is 0.0, not between 0 and 1"),
        (lambda: watch([1, 2], [1, 1], [0.5]), "propensity: has shape (1,): give one number or one per count (2, 1)"),
        (lambda: watch([1, 2], [1, 1], float("nan")), "propensity: row 0 is nan"),
        (lambda: watch([1], [1], 0.5, alpha=0), "alpha: 0 leaves nothing to say"),
        (lambda: watch([1], [1], 0.5, helpful=2), "helpful: 2 is not between 0 and 1"),
        (lambda: watch([1], [1], 0.5, scale=0), "scale: 0 is no log rate ratio"),
        (lambda: planned([1], [1], 0.5, fraction=[0.5, 1]), "fraction: has 2 rows for 1 looks"),
        (lambda: planned([1, 1], [1, 1], 0.5, fraction=[0.5, 0.4]), "fraction: row 1 is 0.4, below the one before"),
        (lambda: planned([1, 1], [1, 1], 0.5, fraction=[0, 0.4]), "fraction: row 0 is 0.0, not above 0"),
        (lambda: planned([1, 1], [1, 1], 0.5, fraction=[0.5, 1.4]), "fraction: row 1 is 1.4, above 1"),
        (lambda: planned([1], [1], 0.5, fraction=[1], alpha=1), "alpha: 1 leaves nothing to say"),
    ],
)
def test_bad_looks_are_named(call: Any, said: str) -> None:
    """The message names the column, the row and the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        call()
