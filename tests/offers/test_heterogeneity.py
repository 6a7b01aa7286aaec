"""Treat all, target, nobody: the verdict fits worlds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from retention.errors import InvalidInput
from retention.offers import Heterogeneity, heterogeneity


def judged(effect: object, seed: int = 1, n: int = 10_000, **options: float) -> Heterogeneity:
    rng = np.random.default_rng(seed)
    score, treated = rng.normal(size=n), rng.integers(0, 2, n)
    return heterogeneity(score, treated, rng.normal(size=n) + treated * effect(score), **options)


@pytest.mark.parametrize(
    "effect, worth, verdict, words",
    [
        (lambda s: 0.3 + 0 * s, 0.0, "treat all", "pays and is not shown to do more for some"),
        (lambda s: 2 + 0.3 * s, 0.0, "treat all", "even the least promising fifth gains"),
        (lambda s: 0.5 * s, 0.0, "target", "pay for the most promising fifth"),
        (lambda s: 2 + 0.5 * s, 2.0, "target", "pay for the most promising fifth"),
        (lambda s: 0 * s, 0.0, "nobody", "not shown to pay, nor to do more"),
        (lambda s: 0.5 * s, 3.0, "nobody", "not even the most promising fifth"),
        (lambda s: 0.3 + 0 * s, 1.0, "nobody", "not shown to pay"),
    ],
)
def test_verdicts(effect: object, worth: float, verdict: str, words: str) -> None:
    """What an offer must bring moves the verdict; the sentence says which way it was reached."""
    found = judged(effect, worth=worth)
    assert found.verdict == verdict
    assert words in found.why
    assert str(found.effect) in found.why


def test_the_slope_is_1_for_a_prediction_that_is_right() -> None:
    """And the effect on all and on the fifths are those of the world."""
    found = judged(lambda s: 1 + s, n=40_000)
    assert found.slope.lower < 1 < found.slope.upper
    assert found.effect.value == pytest.approx(1, abs=0.05)
    assert found.top.value == pytest.approx(1 + 1.4, abs=0.1)  # the mean of the best fifth of a normal
    assert found.bottom.value == pytest.approx(1 - 1.4, abs=0.1)


def test_a_prediction_that_says_nothing_is_seldom_believed() -> None:
    """Of 300 rankings by chance about 1 in 40 is shown to separate, and the p-values are even."""
    found = [judged(lambda s: 1 + 0 * s, seed=seed, n=400) for seed in range(300)]
    assert sum(one.slope.lower > 0 for one in found) <= 18
    assert np.mean([one.p_value < 0.5 for one in found]) == pytest.approx(0.5, abs=0.1)


def test_fifths_without_an_arm_are_not_known() -> None:
    """A best fifth that nobody of the control is in proves nothing."""
    rng = np.random.default_rng(3)
    treated = np.arange(1000) % 2
    score = np.where(treated, rng.random(1000) + 1, rng.random(1000))
    found = heterogeneity(score, treated, rng.normal(size=1000))
    assert (found.top.lower, found.top.upper) == (-np.inf, np.inf)
    assert found.verdict == "nobody"


def test_outcomes_without_any_spread() -> None:
    """Nothing happened to anybody: no error, no offer."""
    found = heterogeneity(np.arange(400), np.arange(400) % 2, np.zeros(400))
    assert (found.verdict, found.slope.value) == ("nobody", 0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"uplift": np.ones(400)}, "uplift: is the same for all"),
        ({"treated": np.arange(400) < 30}, "treated: an arm has 30 customers, 100 are needed"),
        ({"outcome": np.full(400, np.nan)}, r"outcome: row 0 is nan, missing"),
        ({"outcome": np.zeros(300)}, "uplift has 400 rows but outcome has 300"),
        ({"worth": np.inf}, "worth: row 0 is inf"),
        ({"level": 0}, "level: 0: give a number between 0 and 1"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    """Named by column and row, with the remedy."""
    data = {"uplift": np.arange(400), "treated": np.arange(400) % 2, "outcome": np.zeros(400)} | change
    with pytest.raises(InvalidInput, match=message):
        heterogeneity(**data)
