"""The learners find what each offer changes for whom, and say how sure they are."""

from __future__ import annotations

import numpy as np
import pytest

from retention.errors import InvalidInput
from retention.offers import Predicted, fit_uplift, predict_uplift
from retention.offers.uplift import cross_fitted

LEARNERS = ("t", "s", "dr")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def shop(rng: np.random.Generator, n: int, *, binary: bool) -> tuple[np.ndarray, ...]:
    """Features, arm (control, gift, points), outcome and each offer's true uplift: the gift's differs, points' does not."""
    X = rng.normal(size=(n, 2)) * [1, 10] + [0, 50]
    arm = rng.integers(0, 3, n)
    base, gift = 0.3 * X[:, 0] - 1, 0.5 + 0.5 * X[:, 0]
    mean = base[:, None] + np.column_stack([np.zeros(n), gift, np.full(n, 0.4)])
    mean = sigmoid(mean) if binary else mean
    own = mean[np.arange(n), arm]
    y = (rng.random(n) < own).astype(float) if binary else own + rng.normal(size=n)
    return X, np.array(["control", "gift", "points"])[arm], y, mean[:, 1:] - mean[:, :1]


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("binary", [True, False])
def test_several_offers_at_once(learner: str, binary: bool) -> None:
    """Every learner comes near the truth of two offers, for chances and for amounts."""
    X, arm, y, truth = shop(np.random.default_rng(1), 20_000, binary=binary)
    model = fit_uplift(X, arm, y, learner=learner)
    found = predict_uplift(model, X)
    assert model.offers == ("gift", "points")
    assert found.uplift.shape == truth.shape
    assert np.abs(found.uplift - truth).mean() < (0.03 if binary else 0.06)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("binary", [True, False])
def test_standard_errors_and_lower_bounds_keep_their_word(learner: str, binary: bool) -> None:
    """Over 60 tests the uplift varies as told, and what the model's shape can say exceeds the lower bound in about nine of ten."""
    rng = np.random.default_rng(2)
    found = list[Predicted]()
    for _ in range(60):
        X, arm, y, _ = shop(rng, 1_000, binary=binary)
        found.append(predict_uplift(fit_uplift(X, arm, y, learner=learner), [[0, 50]]))
    seen = np.std([f.uplift for f in found], axis=0)
    told = np.mean([f.standard_error for f in found], axis=0)
    assert told == pytest.approx(seen, rel=0.3)
    exceeded = np.mean([f.lower <= np.mean([f.uplift for f in found], axis=0) for f in found])
    assert 0.82 <= exceeded <= 0.97


def test_s_and_t_agree_where_there_are_many_rows() -> None:
    """With an interaction of every column with every offer both say the same but for the ridge, error included."""
    X, arm, y, _ = shop(np.random.default_rng(3), 20_000, binary=True)
    t, s = (predict_uplift(fit_uplift(X, arm, y, learner=learner), X[:50]) for learner in ("t", "s"))
    assert s.uplift == pytest.approx(t.uplift, abs=2e-3)
    assert s.standard_error == pytest.approx(t.standard_error, rel=0.02)


def test_dr_needs_the_propensity_not_the_model() -> None:
    """Customers who would come anyway get the offer more often: known propensities undo that, a wrong model does not hurt."""
    rng = np.random.default_rng(4)
    n = 40_000
    X = rng.normal(size=(n, 1))
    chance = sigmoid(2 * X[:, 0])
    arm = (rng.random(n) < chance).astype(int)
    y = np.exp(X[:, 0]) + arm + rng.normal(size=n)  # far from linear
    received = np.where(arm == 1, chance, 1 - chance)
    right = predict_uplift(fit_uplift(X, arm, y, control=0, learner="dr", propensity=received), X)
    wrong = predict_uplift(fit_uplift(X, arm, y, control=0, learner="t"), X)
    assert right.uplift.mean() == pytest.approx(1, abs=0.15)
    assert abs(wrong.uplift.mean() - 1) > 0.2


def test_the_scale_of_a_column_does_not_matter() -> None:
    """Cents or millions, around 0 or far from it; a constant column is borne."""
    X, arm, y, _ = shop(np.random.default_rng(5), 2_000, binary=True)
    moved = np.column_stack([X * [1e6, 1e-6] + [1e9, 3], np.full(len(X), 7.0)])
    plain, other = (predict_uplift(fit_uplift(columns, arm, y), columns) for columns in (X, moved))
    assert other.uplift == pytest.approx(plain.uplift, abs=1e-6)


def test_many_rows_are_predicted_in_blocks() -> None:
    """A row's prediction does not depend on its block."""
    X, arm, y, _ = shop(np.random.default_rng(6), 20_000, binary=False)
    model = fit_uplift(X, arm, y)
    assert predict_uplift(model, X).lower[-3:] == pytest.approx(predict_uplift(model, X[-3:]).lower, rel=1e-12)


def test_an_arm_that_other_folds_lack_is_average() -> None:
    """Cross-fitting a single row of an arm falls back on the mean of the other rows, and is finite."""
    code = np.zeros(50, dtype=np.int64)
    code[7] = 1
    expected = cross_fitted(np.zeros((50, 1)), code, np.full(50, 3.0), 2, np.random.default_rng(0))
    assert expected == pytest.approx(3.0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"X": [[np.nan]] * 60}, r"X: column 0: row 0 is nan, missing"),
        ({"outcome": [0.0] * 59}, "X has 60 rows but outcome has 59"),
        ({"outcome": [np.inf] + [0.0] * 59}, r"outcome: row 0 is inf"),
        ({"control": "nobody"}, "arm: has 0, 1: the control 'nobody' and another arm must be there"),
        ({"arm": [0] * 60}, "arm: has 0: the control '0' and another arm"),
        ({"arm": [0] * 55 + [1] * 5}, "arm: '1' has 5 rows, 20 are needed"),
        ({"learner": "x"}, "learner: 'x' is unknown; use one of t, s, dr"),
        ({"propensity": [0.5] * 60}, "propensity: learner 't' has no use for it"),
        ({"learner": "dr", "propensity": [0.5] * 59 + [0]}, "propensity: row 59 is 0.0, not above 0"),
        ({"learner": "dr", "propensity": [0.5] * 59 + [np.nan]}, "propensity: row 59 is nan, missing"),
        ({"learner": "dr", "propensity": [0.5] * 59}, "arm has 60 rows but propensity has 59"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    """Named by column and row, with the remedy."""
    data = {"X": [[0.0], [1.0]] * 30, "arm": [0, 1] * 30, "outcome": [0.0, 1.0] * 30, "control": 0} | change
    with pytest.raises(InvalidInput, match=message):
        fit_uplift(**data)


def test_predicting_other_columns_than_were_fitted() -> None:
    """Is refused."""
    model = fit_uplift([[0.0], [1.0]] * 30, [0, 1] * 30, [0.0, 1.0] * 30, control=0)
    with pytest.raises(InvalidInput, match=r"X: has shape \(1, 2\): give \(1, 1\)"):
        predict_uplift(model, [[1, 2]])
