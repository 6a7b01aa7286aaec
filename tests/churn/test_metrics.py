"""Forecasts judged: the six numbers by their definitions, ties fair, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.churn import Estimate, judge
from retention.churn.metrics import METRICS
from retention.errors import InvalidInput

forecasts = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=60
)
both_outcomes = forecasts.filter(lambda rows: len({ordered for _, ordered in rows}) == 2)


def values(found):
    return [getattr(found, metric).value for metric in METRICS]


@given(both_outcomes)
def test_auc_by_pairs(rows):
    """The AUC is the share of pairs in the right order, a tie being half right."""
    p, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    difference = p[y == 1][:, None] - p[y == 0]
    assert judge(p, y, resamples=100).auc.value == pytest.approx(((difference > 0) + (difference == 0) / 2).mean())


@given(both_outcomes)
def test_brier_log_loss_and_bias_by_definition(rows):
    """Means over customers; a forecast that was sure and wrong costs a finite log loss."""
    p, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = judge(p, y, resamples=100)
    assert found.brier.value == pytest.approx(((p - y) ** 2).mean())
    chance = np.clip(np.where(y == 1, p, 1 - p), 1e-9, 1)
    assert found.log_loss.value == pytest.approx(-np.log(chance).mean(), abs=1e-6)
    assert found.bias.value == pytest.approx(p.sum() / y.sum() - 1)
    assert found.customers == len(rows)
    assert found.ordered == y.sum()


@given(both_outcomes, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    """Neither a value nor an interval changes with the order of the customers, ties or not."""
    shuffled = random.sample(rows, len(rows))
    assert judge(*zip(*rows, strict=True), resamples=100) == judge(*zip(*shuffled, strict=True), resamples=100)


def test_calibration_error_of_ten_bins():
    """Without ties the bins are tenths of the customers, each missing by its own mean."""
    rng = np.random.default_rng(3)
    p = np.sort(rng.random(1_000))
    y = rng.random(1_000) < p**2
    expected = np.mean([abs(a.mean() - b.mean()) for a, b in zip(p.reshape(10, -1), y.reshape(10, -1), strict=True)])
    assert judge(p, y, resamples=100).ece.value == pytest.approx(expected)


def test_equal_forecasts_share_a_bin():
    """A forecast that is the same for all has one bin, whose error is the aggregate's."""
    assert judge([0.3] * 40, [1, 0] * 20, resamples=100).ece.value == pytest.approx(0.2)


def test_lift_of_the_top_tenth():
    """The best tenth by forecast, with a tie at its edge counted in part."""
    y = [1] * 10 + [0] * 90
    assert judge(np.linspace(1, 0, 100), y, resamples=100).lift.value == pytest.approx(10)
    assert judge([0.9] * 20 + [0.1] * 80, y, resamples=100).lift.value == pytest.approx(5)
    assert judge([0.5] * 100, y, resamples=100).lift.value == pytest.approx(1)


def test_intervals_cover():
    """In about 95 of 100 samples the interval holds the value of the whole population."""
    rng = np.random.default_rng(11)
    p = rng.beta(1, 3, 200_000)
    y = rng.random(200_000) < p
    truth = judge(p, y, resamples=100)
    covered = {"auc": 0, "brier": 0, "log_loss": 0, "lift": 0, "bias": 0}
    for seed in range(100):
        rows = rng.integers(0, len(p), 600)
        found = judge(p[rows], y[rows], resamples=200, rng=seed)
        for metric in covered:
            estimate = getattr(found, metric)
            covered[metric] += estimate.lower <= getattr(truth, metric).value <= estimate.upper
    assert all(87 <= count <= 100 for count in covered.values()), covered


def test_many_forecasts_are_taken_together():
    """Beyond 250 different forecasts the intervals come from groups, and hardly differ."""
    rng = np.random.default_rng(5)
    p = rng.random(20_000)
    y = rng.random(20_000) < p
    fine, coarse = judge(p, y), judge(np.round(p * 200) / 200, y)
    for metric in METRICS:
        a, b = getattr(fine, metric), getattr(coarse, metric)
        assert (a.lower, a.upper) == pytest.approx((b.lower, b.upper), abs=0.03)
        assert metric == "ece" or a.lower <= a.value <= a.upper


def test_one_orderer_is_enough():
    """Resamples without the only orderer are left out; the limits stay finite."""
    found = judge([0.2, 0.4, 0.6], [0, 1, 0])
    assert np.isfinite([[getattr(found, m).lower, getattr(found, m).upper] for m in METRICS]).all()


def test_the_seed_decides():
    """The same seed gives the same intervals, another one does not; the values never change."""
    rng = np.random.default_rng(6)
    p, y = rng.random(500), rng.integers(0, 2, 500)
    one, other = judge(p, y, rng=1), judge(p, y, rng=2)
    assert one == judge(p, y, rng=np.random.default_rng(1))
    assert one != other
    assert values(one) == values(other)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0.5, 1.5], [0, 1]), "p_active: row 1 is 1.5, above 1"),
        (([0.5, 0.5], [0, 2]), "ordered: row 1 is 2, above 1"),
        (([0.5, 0.5], [0, 1, 1]), "p_active has 2 rows but ordered has 3: give one value per row in each"),
        (([0.5, 0.5], [0, 0]), "ordered: nobody did: to judge"),
        (([0.5, 0.5], [1, 1]), "ordered: everybody did: to judge"),
        (([], []), "ordered: nobody did: to judge"),
    ],
)
def test_bad_columns(arguments, message):
    """Every refusal is one line that names column and row."""
    with pytest.raises(InvalidInput, match=message) as caught:
        judge(*arguments)
    assert "\n" not in str(caught.value)


def test_bad_options():
    """A level that leaves no interval and too few or too many resamples are refused."""
    with pytest.raises(InvalidInput, match=r"level: 1 leaves no interval"):
        judge([0.1, 0.2], [0, 1], level=1)
    with pytest.raises(InvalidInput, match=r"resamples: 3: give 100 to 10000"):
        judge([0.1, 0.2], [0, 1], resamples=3)


def test_an_estimate_as_text():
    """The value, then its interval."""
    assert str(Estimate(0.80756, 0.8, 0.81)) == "0.8076 [0.8000, 0.8100]"
