"""A real e-mail test with a control: every published figure comes out, counted from its rows, to 1e-6."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from retention._stats.intervals import wilson
from retention.experiments import Experiment, cuped, difference, ratio, sample_ratio, value_difference

pytestmark = pytest.mark.shared_data
EVENTS = ("visit", "conversion")
Z = NormalDist().inv_cdf(0.975)


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> pd.DataFrame:
    """The customers, with who got any letter as a segment of its own."""
    found = pd.read_csv(shared_data / "hillstrom.csv.gz")
    return pd.concat([found, found[found.segment != "No E-Mail"].assign(segment="Any")])


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> dict:
    """The figures, measured elsewhere."""
    return json.loads((shared_data / "hillstrom.facts.json").read_text("utf-8"))


def close(expected: object) -> object:
    return pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_arms(rows: pd.DataFrame, facts: dict) -> None:
    """Per arm: counts, shares, Wilson's and Wald's intervals, and the spend with Student's."""
    assert (rows.segment != "Any").sum() == facts["n"]
    for arm in set(rows.segment) - {"Any"}:
        own, fact = rows[rows.segment == arm], facts[arm]
        assert len(own) == fact["n"]
        for event in EVENTS:
            count, figures = int(own[event].sum()), fact[event]
            share = count / len(own)
            half = Z * np.sqrt(share * (1 - share) / len(own))
            assert (count, share) == (figures["count"], close(figures["rate"]))
            assert wilson(count, len(own)) == close(figures["wilson"])
            assert [share - half, share + half] == close(figures["wald"])
        spend = own.spend.to_numpy()
        half = stats.t.ppf(0.975, len(own) - 1) * spend.std(ddof=1) / np.sqrt(len(own))
        figures = fact["spend"]
        assert [spend.sum(), spend.mean(), spend.std(ddof=1)] == close(
            [figures[k] for k in ("sum", "mean", "std_ddof1")]
        )
        assert [spend.mean() - half, spend.mean() + half] == close(figures["t_ci"])
        assert spend[spend > 0].mean() == close(fact["spend_per_buyer"])


def test_shares(rows: pd.DataFrame, facts: dict) -> None:
    """Each contrast of visits and conversions: Newcombe, the score test and the ratio; Wald and Agresti-Caffo beside."""
    for contrast, event in [(c, e) for c in facts["contrasts"] for e in EVENTS]:
        (x1, n1), (x0, n0) = ((int(own.sum()), len(own)) for own in arms(rows, contrast, event))
        found, fact = difference(x1, n1, x0, n0), facts["contrasts"][contrast][event]
        assert (found.estimate, found.z) == close((fact["diff"], fact["z"]))
        assert found.p_value == pytest.approx(fact["p"], rel=1e-6)
        assert [found.lower, found.upper] == close(fact["newcomb"])
        relative = ratio(x1, n1, x0, n0)
        assert relative.estimate - 1 == close(fact["rel"])
        assert relative.lower > 1
        assert plain(x1, n1, x0, n0) == close(fact["wald"])
        assert plain(x1 + 1, n1 + 2, x0 + 1, n0 + 2) == close(fact["agresti_caffo"])


def test_spend(rows: pd.DataFrame, facts: dict) -> None:
    """Each contrast of spend: Welch, which CUPED is without a covariate; MOVER about as wide with arms this large."""
    for contrast, figures in facts["contrasts"].items():
        treated, control = (own.to_numpy() for own in arms(rows, contrast, "spend"))
        found, fact = cuped(treated, np.zeros(len(treated)), control, np.zeros(len(control))), figures["spend"]
        assert (found.estimate, found.t, found.df) == close((fact["diff"], fact["t"], fact["df"]))
        assert found.p_value == pytest.approx(fact["p"], rel=1e-6)
        assert [found.lower, found.upper] == close(fact["welch_ci"])
        per_buyer = value_difference(treated[treated > 0], len(treated), control[control > 0], len(control))
        assert per_buyer.estimate == close(fact["diff"])
        assert per_buyer.upper - per_buyer.lower == pytest.approx(found.upper - found.lower, rel=0.1)


def test_history_explains_little_spend(rows: pd.DataFrame) -> None:
    """CUPED with last year's spend keeps nearly all of the variance here, and the estimate near where it was."""
    treated, control = (arms(rows, "Any vs No E-Mail", name) for name in ("spend", "history"))
    found = cuped(treated[0], control[0], treated[1], control[1])
    assert 0.95 < found.kept <= 1
    assert found.estimate == pytest.approx(0.5968, abs=0.05)


def test_sample_ratio(rows: pd.DataFrame, facts: dict) -> None:
    """Three equal arms: chi-square .2025, and no alarm."""
    counts = rows.segment.value_counts()
    names = list(facts["srm"]["counts"])
    assert [counts[name] for name in names] == list(facts["srm"]["counts"].values())
    test = Experiment("hillstrom", dict.fromkeys(names, 1 / 3), control="No E-Mail")
    found = sample_ratio(test, [counts[name] for name in names])
    assert (found.chi_square, found.chi_square_p) == close((facts["srm"]["chi2"], facts["srm"]["p"]))
    assert not found.alarm


def arms(rows: pd.DataFrame, contrast: str, column: str) -> list[pd.Series]:
    return [rows.loc[rows.segment == arm, column] for arm in contrast.split(" vs ")]


def plain(x1: int, n1: int, x0: int, n0: int) -> list[float]:
    p1, p0 = x1 / n1, x0 / n0
    half = Z * np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    return [p1 - p0 - half, p1 - p0 + half]
