"""Value per customer: the interval or its refusal, and what CUPED takes out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from retention._stats.mover import Arm, mover
from retention.errors import InvalidInput
from retention.experiments import cuped, value_difference

TREATED, CONTROL = [20.0, 35.0, 50.0, 15.0, 80.0, 40.0], [10.0, 30.0, -25.0, 60.0, 45.0]


def test_value_difference_is_mover() -> None:
    """Counts, means and deviations of the buyers go into the formula; the result is plain floats."""
    found = value_difference(TREATED, 300, CONTROL, 200, level=0.9)
    arms = [Arm(n, len(v), np.mean(v), np.std(v, ddof=1)) for v, n in ((TREATED, 300), (CONTROL, 200))]
    assert (found.lower, found.upper) == pytest.approx(mover(*arms, level=0.9))
    assert found.estimate == pytest.approx(sum(TREATED) / 300 - sum(CONTROL) / 200)
    assert (found.level, found.refused) == (0.9, "")
    assert {type(value) for value in (found.estimate, found.lower, found.upper)} == {float}


@pytest.mark.parametrize(
    "treated, control, said",
    [
        (TREATED, [], "the control has only 0 buyers: 5 are needed"),
        (TREATED, [3.0], "the control has only 1 buyer: 5 are needed"),
        (TREATED, CONTROL[:4], "the control has only 4 buyers: 5 are needed"),
        (TREATED[:2], CONTROL, "the treated group has only 2 buyers: 5 are needed"),
        (TREATED, [9.9] * 7, "all 7 buyers of the control have the same value: how much it varies cannot be seen"),
        ([5] * 6, CONTROL, "all 6 buyers of the treated group have the same value"),
    ],
)
def test_refusals_are_sentences(treated: list[float], control: list[float], said: str) -> None:
    """Too little to give an interval: the estimate, no limits, and why."""
    found = value_difference(treated, 100, control, 100)
    assert (found.lower, found.upper) == (None, None)
    assert said in found.refused
    assert found.estimate == pytest.approx((sum(treated) - sum(control)) / 100)


def test_cuped_is_the_analysis_of_covariance() -> None:
    """Its estimate is the coefficient of the arm in a regression on arm and covariate."""
    rng = np.random.default_rng(11)
    before = rng.gamma(2, 10, 90)
    arm = np.arange(90) < 60
    values = 0.8 * before + 3 * arm + rng.normal(0, 2, 90)
    found = cuped(values[arm], before[arm], values[~arm], before[~arm])
    coefficients = np.linalg.lstsq(np.column_stack([np.ones(90), arm, before]), values, rcond=None)[0]
    assert (found.estimate, found.theta) == pytest.approx((coefficients[1], coefficients[2]))
    assert found.kept < 0.1
    assert found.lower < 3 < found.upper
    assert (found.t > 0, found.p_value < 1e-3, 20 < found.df < 90) == (True, True, True)


def test_without_a_covariate_it_is_welch() -> None:
    """Where everybody was equal before, scipy's Welch test."""
    found = cuped(TREATED, [0] * 6, CONTROL, [0] * 5)
    other = stats.ttest_ind(TREATED, CONTROL, equal_var=False)
    assert (found.t, found.df, found.p_value) == pytest.approx((other.statistic, other.df, other.pvalue))
    assert (found.lower, found.upper) == pytest.approx(tuple(other.confidence_interval()))
    assert (found.theta, found.kept) == (0, 1)


def test_cuped_covers() -> None:
    """Over 1,500 draws with arms of unequal size, slope and noise the interval holds the truth .93 to .97 of the time."""
    rng, hits = np.random.default_rng(12), 0
    for _ in range(1_500):
        before_t, before_c = rng.normal(10, 3, 150), rng.normal(10, 3, 60)
        values_t, values_c = 1 + 1.2 * before_t + rng.normal(0, 3, 150), before_c + rng.normal(0, 1, 60)
        found = cuped(values_t, before_t, values_c, before_c)
        hits += found.lower <= 3 <= found.upper
    assert 0.93 <= hits / 1_500 <= 0.97


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: value_difference([1, 2], 1, CONTROL, 9), "values_t: has 2 buyers but n_t is 1"),
        (lambda: value_difference(TREATED, 9, [1, None], 9), "values_c: row 1 is nan, missing"),
        (lambda: value_difference(TREATED, 9, CONTROL, 0), "n_c: row 0 is 0, below 1"),
        (lambda: value_difference(TREATED, 9, CONTROL, 9, level=1), "level: 1 leaves nothing to say"),
        (lambda: cuped([1], [1], [1, 2], [1, 2]), "values_t: has 1 customers: give at least 2"),
        (lambda: cuped([1, 2], [1], [1, 2], [1, 2]), "values_t has 2 rows but before_t has 1"),
        (lambda: cuped([1, 2], [1, 2], [5, 6], [1, 2]), "nobody differs from anybody"),
        (lambda: cuped([1, 1], [1, 1], [2, 2], [2, 2]), "values_t, values_c: nobody differs from anybody"),
    ],
)
def test_bad_values_are_named(call: Any, said: str) -> None:
    """The message names the column, the row and the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        call()
