"""Candidates: what each name means."""

from __future__ import annotations

import numpy as np
import pytest

from retention.churn.activity import matched
from retention.churn.candidates import CANDIDATES, Assumed, Window, check_names, fit_candidate, reasons
from retention.errors import InvalidInput

DAY = int(np.datetime64("2024-12-01").astype(int))


@pytest.fixture(scope="module")
def window(shop):
    log, _ = shop
    return Window.at(log, matched(log, None), DAY, 56, "W")


@pytest.mark.parametrize("name", [*CANDIDATES, "bg/nbd", "mbg/cnbd-k", "pareto/nbd", "plain gap + own rhythm"])
def test_every_name_gives_probabilities(window, name):
    """Whatever the candidate, everybody known at the cut gets a chance between 0 and 1, and those differ."""
    p = fit_candidate(name, window, {}).p_active(window.now)
    assert p.shape == (len(window.now.summary),)
    assert ((p >= 0) & (p <= 1)).all()
    assert np.ptp(p) > 0.1


def test_an_average_is_the_mean_of_its_parts(window):
    """Every part has the same weight, and parts are fitted once."""
    fitted = {}
    mean = fit_candidate("plain gap + signals", window, fitted).p_active(window.now)
    parts = [fitted[name].p_active(window.now) for name in ("plain gap", "signals")]
    assert mean == pytest.approx(np.mean(parts, axis=0))
    again = fit_candidate("signals", window, fitted)
    assert again is fitted["signals"]


def test_the_plain_gap_knows_the_gap_alone(window):
    """Of two customers the one with the shorter silence has the higher chance, whatever else is known."""
    p = fit_candidate("plain gap", window, {}).p_active(window.now)
    order = np.argsort(window.now.summary.days_since_last, kind="stable")
    assert (np.diff(p[order]) <= 1e-15).all()


def test_own_gaps_count_in_gaps(window):
    """The chance falls with the silence in own mean gaps, or in usual gaps for the rhythm."""
    s, found = window.now.summary, window.now.rhythm
    gaps = {"own mean gap": np.where(s.frequency > 0, s.mean_gap, found.shop_gap), "own rhythm": found.usual_gap}
    for name, gap in gaps.items():
        p = fit_candidate(name, window, {}).p_active(window.now)
        order = np.argsort((s.days_since_last + 1) / gap, kind="stable")
        assert (np.diff(p[order]) <= 1e-12).all()


def test_only_signals_have_reasons(window):
    """A scorer made of signals, alone or in part, can say why; others cannot."""
    fitted = {}
    said = {name: fit_candidate(name, window, fitted) for name in ("plain gap", "signals", "plain gap + signals")}
    assert [name for name, scorer in said.items() if reasons(scorer, window.now)] == ["signals", "plain gap + signals"]


def test_the_assumption(window):
    """Without data: a chance that falls with silence and rises with the horizon."""
    near, far = Assumed(7).p_active(window.now), Assumed(70).p_active(window.now)
    assert (near < far).all()
    assert ((near > 0) & (far < 1)).all()
    just_ordered = window.now.summary.days_since_last == 0
    assert far[just_ordered] == pytest.approx(0.7 * -np.expm1(-70 / window.now.rhythm.usual_gap[just_ordered]))


@pytest.mark.parametrize(
    "names, message",
    [
        ("signals", r"models: 'signals' is one name: give a list of names"),
        ([], r"models: \[\]: give at least one name and none twice"),
        (["signals", "signals"], r"none twice"),
        (["plain gap", "signals + magic"], r"models: 'magic' is unknown: say 'plain gap', 'own mean gap'"),
        ([3], r"models: '3' is unknown"),
    ],
)
def test_bad_names(names, message):
    """Names are checked before anything is fitted."""
    with pytest.raises(InvalidInput, match=message):
        check_names(names)
