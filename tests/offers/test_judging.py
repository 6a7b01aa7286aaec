"""A rule is judged by what was sent: identities, intervals that cover, and no number where nothing can be known."""

from __future__ import annotations

import numpy as np
import pytest

from retention.errors import InvalidInput
from retention.offers import PolicyValue, policy_value


def sent(rng: np.random.Generator, n: int, arms: int = 3) -> tuple[np.ndarray, ...]:
    """Features, what was sent by chances that depend on them, those chances, and the outcome."""
    X = rng.normal(size=(n, 2))
    chance = np.exp(0.5 * X[:, :1] * np.arange(arms))
    chance /= chance.sum(axis=1, keepdims=True)
    offer = (rng.random((n, 1)) > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
    y = X[:, 0] + offer * X[:, 1] + rng.normal(size=n)
    return X, offer, chance[np.arange(n), offer], y


def test_a_constant_rule_has_the_mean_of_its_arm() -> None:
    """SNIPS, to 1e-12, where every row had the same chances, whatever they are taken to be; IPS with the observed ones."""
    rng = np.random.default_rng(1)
    offer, y = rng.integers(0, 3, 3_000), rng.gamma(1, 50, 3_000)
    share = np.bincount(offer) / 3_000
    for arm in range(3):
        mean = y[offer == arm].mean()
        found = policy_value(offer, np.full(3_000, 1 / 3), y, np.full(3_000, arm))
        assert found.snips.value == pytest.approx(mean, rel=1e-12)
        assert found.effective_n == pytest.approx((offer == arm).sum())
        assert policy_value(offer, share[offer], y, np.full(3_000, arm)).ips.value == pytest.approx(mean, rel=1e-12)


def test_what_was_done_is_worth_what_it_brought() -> None:
    """The rule that has the chances of the past: every weight is 1, every estimate the mean, the gain exactly 0."""
    rng = np.random.default_rng(2)
    offer, y = rng.integers(0, 2, 500), rng.normal(size=500)
    found = policy_value(offer, np.full(500, 0.5), y, np.full((500, 2), 0.5))
    for estimate in (found.ips, found.snips, found.done):
        assert estimate.value == pytest.approx(y.mean())
        assert estimate.lower == pytest.approx(found.done.lower)
    assert (found.gain.value, found.gain.lower, found.gain.upper) == pytest.approx((0, 0, 0), abs=1e-12)
    assert found.dr is None


def test_the_estimates_by_hand() -> None:
    """Four rows repeated: weights 2, 0, 4, 0."""
    rows = 100
    found = policy_value([0, 1, 1, 0] * rows, [0.5, 0.5, 0.25, 0.5] * rows, [1.0, 9, 2, 9] * rows, [0, 0, 1, 1] * rows)
    assert (
        found.refused
        == "the weights are 1.50 on average and should be 1: the rule does what some rows had no chance of"
    )
    found = policy_value([0, 1, 1, 0] * rows, [0.5] * 4 * rows, [1.0, 9, 2, 9] * rows, [0, 0, 1, 1] * rows)
    assert (found.ips.value, found.snips.value, found.done.value) == (1.5, 1.5, 5.25)
    assert found.gain.value == pytest.approx(-3.75)
    assert found.effective_n == 200


def test_a_model_makes_intervals_narrower() -> None:
    """DR explains what the features explain; all three estimates hold the truth of the rule that follows the feature."""
    X, offer, chance, y = sent(np.random.default_rng(3), 20_000)
    found = policy_value(offer, chance, y, np.where(X[:, 1] > 0, 2, 0), X=X)
    truth = 2 * np.sqrt(1 / (2 * np.pi))
    for estimate in (found.ips, found.snips, found.dr):
        assert estimate.lower < truth < estimate.upper
    assert found.dr.upper - found.dr.lower < 0.8 * (found.snips.upper - found.snips.lower)
    assert found.gain.value == pytest.approx(found.dr.value - found.done.value)


def test_the_gain_is_paired() -> None:
    """What was done and the rule share their luck, so their difference is known better than from two samples."""
    rng = np.random.default_rng(4)
    X, offer, chance, y = sent(rng, 5_000)
    y = y + 20 * X[:, 0]
    found = policy_value(offer, chance, y, np.where(X[:, 1] > 0, 2, 0), X=X)
    apart = np.hypot(found.dr.upper - found.dr.lower, found.done.upper - found.done.lower)
    assert found.gain.upper - found.gain.lower < 0.3 * apart


def test_no_overlap_no_number() -> None:
    """Agreeing on too few rows, or doing what some rows had no chance of: a sentence, and what was done all the same."""
    rng = np.random.default_rng(5)
    offer, y = rng.integers(0, 2, 1_000), rng.normal(size=1_000)
    never = policy_value(offer, np.full(1_000, 0.5), y, np.where(np.arange(1_000) < 990, 1 - offer, offer))
    assert never.refused == "the rule agrees with what was done as if on 10 rows, 50 are needed"
    half = np.where(np.arange(1_000) < 500, 0, offer)  # the first half always got 0
    chance = np.where(np.arange(1_000) < 500, 1.0, 0.5)
    missing = policy_value(half, chance, y, np.ones(1_000, dtype=int))
    assert missing.refused.startswith("the weights are 0.5")
    for found in (never, missing):
        assert (found.ips, found.snips, found.dr, found.gain) == (None, None, None, None)
        assert found.done.value == pytest.approx(y.mean())
    assert policy_value([0] * 99 + [1], [0.5] * 100, y[:100], [1] * 99 + [0]).effective_n == 0


def test_an_offer_that_was_never_done_counts_for_nothing() -> None:
    """A rule that gives it half its chance: the weights say so, the model alone would not."""
    rng = np.random.default_rng(6)
    offer, y = rng.integers(0, 2, 1_000), rng.normal(size=1_000)
    found = policy_value(offer, np.full(1_000, 0.5), y, np.tile([0.25, 0.25, 0.5], (1_000, 1)), X=y[:, None])
    assert found.refused.startswith("the weights are 0.50")
    fits = policy_value(offer, np.full(1_000, 0.5), y, np.tile([0.5, 0.5, 0.0], (1_000, 1)), X=np.zeros((1_000, 1)))
    assert fits.dr.value == pytest.approx(y.mean(), abs=1e-3)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"offer": [0, -1]}, "offer: row 1 is -1, below 0"),
        ({"propensity": [0.5, 0]}, r"propensity: row 1 is 0\.0, not above 0: what could not happen was done"),
        ({"propensity": [0.5, None]}, "propensity: row 1 is nan, missing"),
        ({"propensity": [0.5, 1.5]}, r"propensity: row 1 is 1\.5, above 1"),
        ({"propensity": [0.5]}, "offer has 2 rows but propensity has 1"),
        ({"outcome": [0.5, np.nan]}, "outcome: row 1 is nan, missing"),
        ({"rule": [0, 2]}, "rule: row 1 is 2, above 1"),
        ({"rule": [0]}, "offer has 2 rows but rule has 1"),
        ({"rule": [[0.5, 0.5]]}, r"rule: has shape \(1, 2\): give \(2, 2\)"),
        ({"rule": [[0.5, 0.5], [0.5, 0.6]]}, r"rule: row 1 is 1\.1, the sum of the row's chances"),
        (
            {"rule": [[0.5, 0.5], [-0.5, 1.5]]},
            r"rule: row 1 is 1\.0, the sum of the row's chances: give numbers from 0",
        ),
        ({"rule": [[1.0], [1.0]]}, "offer: row 1 is 1, but the rule has 1 offers"),
        ({"X": [[1.0], [np.inf]]}, "X: column 0: row 1 is inf"),
        ({"level": 0}, "level: 0: give a number between"),
        ({"least": np.nan}, "least: nan: give a whole number from 2"),
        ({"offer": [0], "propensity": [1], "outcome": [1], "rule": [0]}, "offer: 1 rows, 2 are needed"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    """Named by column and row, with the remedy."""
    data = {"offer": [0, 1], "propensity": [0.5, 0.5], "outcome": [0.0, 1.0], "rule": [0, 1]} | change
    with pytest.raises(InvalidInput, match=message):
        policy_value(**data)


def test_there_is_no_field_for_the_forecast_of_the_model() -> None:
    """What cannot be read cannot be believed."""
    fields = {a.name for a in PolicyValue.__attrs_attrs__}
    assert fields == {"ips", "snips", "dr", "gain", "done", "effective_n", "refused"}
