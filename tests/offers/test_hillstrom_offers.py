"""A real e-mail test: rankings beat chance, the verdicts are the known ones, constant rules have their arm's mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retention.offers import fit_uplift, heterogeneity, policy_value, predict_uplift, qini

pytestmark = pytest.mark.shared_data
SEEDS = (42, *range(9))
ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> pd.DataFrame:
    """The customers."""
    return pd.read_csv(shared_data / "hillstrom.csv.gz")


def features(rows: pd.DataFrame) -> np.ndarray:
    """All that was known before: numbers as they are, words as zeros and ones."""
    words = pd.get_dummies(rows[["history_segment", "zip_code", "channel"]], dtype=float)
    return np.column_stack([rows[["recency", "history", "mens", "womens", "newbie"]].astype(float), words])


def halves(rows: pd.DataFrame, letter: str, seed: int, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    own = rows[rows.segment.isin([letter, "No E-Mail"])].reset_index(drop=True)
    order = np.random.default_rng(seed).permutation(len(own))
    cut = int(share * len(own))
    return own.iloc[order[:cut]], own.iloc[order[cut:]]


def ranked(rows: pd.DataFrame, letter: str, seed: int, share: float, learner: str = "t") -> tuple[np.ndarray, ...]:
    """Uplift of customers that the model has not seen, who of them got the letter, and who visited."""
    learned, judged = halves(rows, letter, seed, share)
    model = fit_uplift(features(learned), learned.segment, learned.visit, control="No E-Mail", learner=learner)
    found = predict_uplift(model, features(judged)).uplift[:, 0]
    return found, (judged.segment == letter).to_numpy().astype(int), judged.visit.to_numpy()


def test_qini_of_womens_visits(rows: pd.DataFrame) -> None:
    """Mean over the ten splits, with the defaults: .0687."""
    found = [qini(*ranked(rows, "Womens E-Mail", seed, 0.7), resamples=100) for seed in SEEDS]
    assert np.mean([one.value for one in found]) >= 0.0675
    assert all(one.lower > 0 for one in found)


@pytest.mark.parametrize("learner", ["s", "dr"])
def test_the_other_learners_rank_about_as_well(rows: pd.DataFrame, learner: str) -> None:
    """On the first split, within a third of the T-learner's Qini."""
    t, other = (qini(*ranked(rows, "Womens E-Mail", 42, 0.7, name), resamples=100).value for name in ("t", learner))
    assert other == pytest.approx(t, rel=1 / 3)


@pytest.mark.parametrize("letter, verdict", [("Womens E-Mail", "target"), ("Mens E-Mail", "treat all")])
def test_verdicts(rows: pd.DataFrame, letter: str, verdict: str) -> None:
    """The women's letter draws some and not others, the men's draws everybody."""
    for seed in SEEDS[:4]:
        assert heterogeneity(*ranked(rows, letter, seed, 0.5)).verdict == verdict


@pytest.mark.parametrize("outcome", ["visit", "conversion", "spend"])
def test_constant_rules_have_their_arms_mean(rows: pd.DataFrame, outcome: str) -> None:
    """SNIPS to 1e-12; DR has it within its interval."""
    offer = rows.segment.map(ARMS.index).to_numpy()
    y = rows[outcome].to_numpy().astype(float)
    for arm in range(3):
        found = policy_value(offer, np.full(len(y), 1 / 3), y, np.full(len(y), arm), X=features(rows))
        assert abs(found.snips.value - y[offer == arm].mean()) < 1e-12
        assert found.dr.lower < y[offer == arm].mean() < found.dr.upper


def test_the_best_of_several_forecasts_is_the_luckiest(rows: pd.DataFrame) -> None:
    """Sending what a model of spend likes best: its own forecast is beyond what is delivered on average over splits."""
    offer, y, X = rows.segment.map(ARMS.index).to_numpy(), rows.spend.to_numpy(), features(rows)
    claimed, delivered = [], []
    for seed in SEEDS[:5]:
        order = np.random.default_rng(seed).permutation(len(y))
        learned, judged = order[: len(y) // 2], order[len(y) // 2 :]
        model = fit_uplift(X[learned], offer[learned], y[learned], control=0)
        uplift = np.column_stack([np.zeros(len(judged)), predict_uplift(model, X[judged]).uplift])
        found = policy_value(offer[judged], np.full(len(judged), 1 / 3), y[judged], uplift.argmax(axis=1))
        without = y[learned][offer[learned] == 0].mean()
        claimed.append(without + uplift.max(axis=1).mean())
        delivered.append(found.snips.value)
    assert np.mean(claimed) > np.mean(delivered) + 0.1
    assert np.mean(delivered) < y[offer == 1].mean()
