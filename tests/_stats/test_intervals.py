"""Score intervals agree with the published tables and stay finite everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats.intervals import newcombe, wilson

# Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
# The same author, pages 873-890, table II, method 10.
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
]


def test_published_wilson() -> None:
    """Wilson's limits agree with Newcombe's table to its four decimals, all rows at once."""
    x, n, lower, upper = np.array(WILSON).T
    assert np.round(wilson(x, n), 4).tolist() == [lower.tolist(), upper.tolist()]


def test_published_newcombe() -> None:
    """Newcombe's limits agree with his table to its four decimals, all rows at once."""
    *counts, lower, upper = np.array(NEWCOMBE).T
    assert np.round(newcombe(*counts), 4).tolist() == [lower.tolist(), upper.tolist()]


cells = st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.floats(0.01, 0.999)


@given(cells, levels)
def test_wilson_holds_the_share(cell: tuple[int, int], level: float) -> None:
    """0 <= lower <= share <= upper <= 1, and the mirrored share has the mirrored interval."""
    x, n = cell
    lower, upper = wilson(x, n, level=level)
    assert 0 <= lower <= x / n <= upper <= 1
    mirrored = wilson(n - x, n, level=level)
    assert np.allclose([1 - upper, 1 - lower], mirrored, atol=1e-12)


@given(cells, cells, levels)
def test_newcombe_holds_the_difference(one: tuple[int, int], zero: tuple[int, int], level: float) -> None:
    """Within [-1, 1], around the difference, and turned round with the arms."""
    lower, upper = newcombe(*one, *zero, level=level)
    assert -1 <= lower <= one[0] / one[1] - zero[0] / zero[1] <= upper <= 1
    assert np.allclose(newcombe(*zero, *one, level=level), [-upper, -lower], atol=1e-12)


def test_a_higher_level_is_wider() -> None:
    """More certainty costs width, on both sides."""
    limits = np.array([newcombe(30, 900, 2, 100, level=level) for level in (0.5, 0.8, 0.95, 0.99)])
    assert (np.diff(limits[:, 0]) < 0).all()
    assert (np.diff(limits[:, 1]) > 0).all()


@pytest.mark.shared_data
def test_hillstrom(shared_data: Path) -> None:
    """The intervals of a real e-mail test, counted from its rows, agree with independent figures to 1e-6."""
    rows = pd.read_csv(shared_data / "hillstrom.csv.gz")
    facts = json.loads((shared_data / "hillstrom.facts.json").read_text("utf-8"))
    counts = rows.groupby("segment")[["visit", "conversion"]].sum()
    n = rows.groupby("segment").size()
    counts.loc["Any"], n["Any"] = counts.drop("No E-Mail").sum(), n.drop("No E-Mail").sum()
    for arm in set(rows.segment):
        for event in counts:
            limits = wilson(counts[event][arm], n[arm])
            assert limits == pytest.approx(facts[arm][event]["wilson"], abs=1e-6)
    for contrast, fact in facts["contrasts"].items():
        treated, control = contrast.split(" vs ")
        for event in counts:
            limits = newcombe(counts[event][treated], n[treated], counts[event][control], n[control])
            assert limits == pytest.approx(fact[event]["newcomb"], abs=1e-6)
