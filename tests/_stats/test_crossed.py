"""Crossed effects: what is planted is found, nothing is made of nothing, and few rows lean on the others."""

from __future__ import annotations

import numpy as np
import pytest

from retention._stats.crossed import fit_crossed, linear


def drawn(seed=1, n=40_000, spreads=(0.8, 0.5, 0.0), sizes=(400, 60, 30)):
    rng = np.random.default_rng(seed)
    effects = [rng.normal(0, spread, size) for spread, size in zip(spreads, sizes, strict=True)]
    levels = [rng.integers(0, size, n) for size in sizes]
    logit = -1.5 + sum(effect[level] for effect, level in zip(effects, levels, strict=True))
    return levels, sizes, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float), effects


def test_planted_effects_are_found():
    """Variances, effects and intercept are those that the data were drawn with; a factor without effect has none."""
    levels, sizes, outcome, effects = drawn()
    model = fit_crossed(levels, sizes, outcome)
    assert np.sqrt(model.variances[:2]) == pytest.approx([0.8, 0.5], rel=0.15)
    assert model.variances[2] < 0.005
    for found, true in zip(model.effects[:2], effects, strict=False):
        assert np.corrcoef(found, true)[0, 1] > 0.9
    assert model.intercept == pytest.approx(-1.5, abs=0.15)


def test_the_spread_of_an_effect_is_honest():
    """Nine in ten planted effects lie within the 90 % interval around what was found."""
    inside = []
    for seed in range(5):
        levels, sizes, outcome, effects = drawn(seed, n=10_000)
        model = fit_crossed(levels, sizes, outcome)
        inside.append(np.abs(model.effects[0] - effects[0]) < 1.645 * np.sqrt(model.spreads[0]))
    assert 0.87 < np.mean(inside) < 0.93


def test_it_is_the_penalised_maximum():
    """Given the variances, the effects are where the penalised likelihood has no slope."""
    levels, sizes, outcome, _ = drawn(n=5_000, sizes=(50, 10, 5))
    model = fit_crossed(levels, sizes, outcome)
    parts, _ = linear(model, levels)
    residual = outcome - 1 / (1 + np.exp(-model.intercept - parts.sum(axis=1)))
    for factor, (level, size) in enumerate(zip(levels, sizes, strict=True)):
        slope = np.bincount(level, residual, size) - model.effects[factor] / model.variances[factor]
        assert np.abs(slope * model.spreads[factor]).max() < 0.02  # the next step, in log-odds


def test_weights_are_repetitions():
    """A row that counts three times is three rows."""
    levels, sizes, outcome, _ = drawn(n=3_000, sizes=(20, 10, 5))
    times = np.random.default_rng(0).integers(1, 4, 3_000)
    weighted = fit_crossed(levels, sizes, outcome, times.astype(float))
    repeated = fit_crossed([np.repeat(level, times) for level in levels], sizes, np.repeat(outcome, times))
    for one, other in zip(weighted.effects, repeated.effects, strict=True):
        assert one == pytest.approx(other, abs=1e-9)


def test_unseen_levels_and_unused_factors_say_nothing():
    """A level of -1 adds nothing and is as uncertain as its factor; a factor of size 0 is left out altogether."""
    levels, sizes, outcome, _ = drawn(n=2_000, sizes=(20, 10, 5))
    model = fit_crossed([*levels, np.full(2_000, -1)], [*sizes, 0], outcome)
    parts, variance = linear(model, [np.array([-1, 3])] * 4)
    assert parts[0].tolist() == [0.0] * 4
    assert parts[1, 3] == 0.0
    assert model.variances[3] == 0.0
    assert variance[0] == pytest.approx(model.variances.sum())
    assert variance[1] < variance[0]


def test_no_factor_is_the_share():
    """Without any factor the chance is the weighted share."""
    model = fit_crossed([np.zeros(4, int)], [0], np.array([1.0, 0, 0, 0]))
    assert 1 / (1 + np.exp(-model.intercept)) == pytest.approx(0.25)
