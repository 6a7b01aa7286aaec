"""Arms are cut as published, alike for one customer and for a million, and independent between experiments."""

from __future__ import annotations

import pickle
import re
from collections import Counter
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from retention import experiments
from retention.errors import InvalidInput
from retention.experiments import Assignment, Experiment, assign, fraction

THIRDS = Experiment("thirds", {"control": 0.2, "a": 0.3, "b": 0.5})

# "getBucketRange" in the specification's cases.json, 0.7.1 (github.com/growthbook/growthbook-python, tests/): those
# whose weights are valid; there invalid ones become equal weights silently, here they are errors.
PUBLISHED_RANGES = [
    (1.0, [0.5, 0.5], [(0, 0.5), (0.5, 1)]),
    (0.5, [0.5, 0.5], [(0, 0.25), (0.5, 0.75)]),
    (0.0, [0.5, 0.5], [(0, 0), (0.5, 0.5)]),
    (1.0, [0.25, 0.25, 0.25, 0.25], [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]),
    (1.0, [0.4, 0.6], [(0, 0.4), (0.4, 1)]),
    (1.0, [0.2, 0.3, 0.5], [(0, 0.2), (0.2, 0.5), (0.5, 1)]),
    (0.2, [0.2, 0.3, 0.5], [(0, 0.04), (0.2, 0.26), (0.5, 0.6)]),
]


@pytest.mark.parametrize("coverage, weights, expected", PUBLISHED_RANGES)
def test_published_ranges(coverage: float, weights: list[float], expected: list[tuple[float, float]]) -> None:
    """The ranges are those of the published cases."""
    arms = {f"arm{i}": weight for i, weight in enumerate(weights)}
    ranges = [(start, end) for _, _, start, end in Experiment("t", arms, coverage=coverage, control="arm0").ranges]
    assert np.allclose(ranges, expected, atol=1e-12)


weights = st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(sum)
ids = st.lists(st.text(min_size=1, max_size=8) | st.integers(-(10**12), 10**12), max_size=9)


@given(weights, st.floats(0, 1), ids)
def test_one_by_one_equals_all_at_once(parts: list[int], coverage: float, customers: list[str | int]) -> None:
    """The scalar path and the vectorised one give the same arm and propensity, whatever the experiment."""
    arms = {f"arm{i}": part / sum(parts) for i, part in enumerate(parts)}
    test = Experiment("any", arms, coverage=coverage, control="arm0")
    together = assign(test, customers)
    for row, customer in enumerate(customers):
        alone = assign(test, customer)
        assert alone.arm == together.arm[row]
        assert alone.arm in {None, *arms}
        assert alone.propensity == pytest.approx(arms.get(alone.arm, np.nan), abs=0, nan_ok=True)
        assert np.array_equal(alone.propensity, together.propensity[row], equal_nan=True)


@given(weights, st.floats(0, 1), st.floats(0, 1))
def test_coverage_takes_out_and_moves_nobody(parts: list[int], one: float, other: float) -> None:
    """With less coverage a customer keeps the arm or leaves; nobody changes arms."""
    arms = {f"arm{i}": part / sum(parts) for i, part in enumerate(parts)}
    customers = np.arange(300)
    few, many = (
        assign(Experiment("t", arms, coverage=share, control="arm0"), customers).arm for share in sorted([one, other])
    )
    stays = few != None  # noqa: E711 -- element by element
    assert (few[stays] == many[stays]).all()


def test_42_and_its_text_are_one_customer() -> None:
    """Integers of Python and numpy, alone or in a column, are the customer of their decimal text."""
    expected = assign(THIRDS, "42")
    assert expected == assign(THIRDS, 42) == assign(THIRDS, np.int64(42))
    for column in ([42], ["42"], np.array([42]), np.array(["42"])):
        assert assign(THIRDS, column).arm.tolist() == [expected.arm]


def test_scalars_and_columns_have_their_shapes() -> None:
    """One id gives plain values, a column columns; assignments compare as wholes."""
    alone, together = assign(THIRDS, "x"), assign(THIRDS, ["x", "y"])
    assert (type(alone.arm), type(alone.propensity)) == (str, float)
    assert (together.arm.shape, together.propensity.dtype) == ((2,), np.float64)
    assert together == assign(THIRDS, ("x", "y")) != alone
    assert isinstance(fraction("s", "x"), float)
    assert fraction("s", ["x"]).tolist() == [fraction("s", "x")]


def test_who_does_not_take_part() -> None:
    """Outside the coverage there is no arm and no propensity."""
    test = Experiment("nobody", {"control": 1}, coverage=0)
    assert assign(test, 1).arm is None
    assert np.isnan(assign(test, 1).propensity)
    assert assign(test, [1, 2]).arm.tolist() == [None, None]


def test_shares_are_the_weights() -> None:
    """Each arm gets its weight of the customers, times the coverage, within four standard deviations."""
    n = 100_000
    shares = Counter(assign(attrs.evolve(THIRDS, coverage=0.8), range(n)).arm)
    for arm, weight, *_ in THIRDS.ranges:
        assert shares[arm] / n == pytest.approx(0.8 * weight, abs=4 * np.sqrt(weight / n))


def test_fractions_are_uniform() -> None:
    """Kolmogorov-Smirnov over 40 seeds and two kinds of ids: p-values are themselves uniform.

    The fractions are multiples of 1/10000; half of that is added, or the steps would be seen.
    """
    kinds = [np.arange(20_000), [f"customer-{i}@example.com" for i in range(20_000)]]
    p = [stats.kstest(fraction(f"seed{s}", kind) + 5e-5, "uniform").pvalue for s in range(20) for kind in kinds]
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.parametrize("kind", [np.arange(5_000), [f"user{i}" for i in range(5_000)]], ids=["integers", "text"])
def test_experiments_are_independent(kind: Any) -> None:
    """Over all pairs of 200 experiments the correlation of arms, in standard errors, has a deviation in [.9, 1.1]."""
    arms = {"control": 0.5, "letter": 0.5}
    treated = np.array([assign(Experiment(f"experiment-{i}", arms), kind).arm == "letter" for i in range(200)])
    correlation = np.corrcoef(treated)
    z = np.sqrt(len(kind)) * correlation[np.triu_indices(200, 1)]
    assert 0.9 <= z.std() <= 1.1
    assert abs(z.mean()) <= 0.05


def test_an_experiment_is_a_value() -> None:
    """Equal, hashable, copied and pickled like a number; the order of the arms counts; equal seeds, equal arms."""
    same = Experiment("thirds", [("control", 0.2), ("a", 0.3), ("b", 0.5)])
    assert same == THIRDS
    assert hash(same) == hash(THIRDS)
    assert pickle.loads(pickle.dumps(THIRDS)) == THIRDS
    assert Experiment("thirds", {"a": 0.3, "control": 0.2, "b": 0.5}) != THIRDS
    assert dict(THIRDS.arms) == {"control": 0.2, "a": 0.3, "b": 0.5}
    assert THIRDS.seed == "thirds"
    renamed = Experiment("other", dict(THIRDS.arms), seed="thirds")
    assert assign(renamed, range(50)) == assign(THIRDS, range(50))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        renamed.name = "x"


def test_there_may_be_no_control() -> None:
    """Without a control every arm gets a letter; that has to be said."""
    test = Experiment("t", {"a": 0.5, "b": 0.5}, control=None)
    assert set(assign(test, range(100)).arm) == {"a", "b"}


def test_float_sums_are_forgiven() -> None:
    """Weights that miss 1 by rounding are taken, and the last fraction has an arm."""
    test = Experiment("t", {f"{i}": 0.1 for i in range(10)}, control="0")
    assert np.add.accumulate([weight for _, weight in test.arms])[-1] != 1
    assert assign(test, range(20_000)).arm.astype(bool).all()


@pytest.mark.parametrize(
    "options, said",
    [
        ({"arms": {"control": 0.5, "a": 0.6}}, "arms: the weights {'control': 0.5, 'a': 0.6} add up to 1.1"),
        ({"arms": {"control": 0.5, "a": 0.5 + 2e-9}}, "add up to 1.000000002: make that 1"),
        ({"arms": {}}, "arms: the weights {} add up to 0"),
        ({"arms": {"control": 1.2, "a": -0.2}}, "arms: the weight of 'control': 1.2 is not between 0 and 1"),
        ({"arms": {"control": -0.2}}, "arms: the weight of 'control': -0.2"),
        ({"arms": {"control": float("nan")}}, "arms: the weight of 'control': nan"),
        ({"arms": {"control": "1"}}, "arms: the weight of 'control': '1'"),
        ({"arms": {"control": True}}, "arms: the weight of 'control': True"),
        ({"arms": {"": 0.5, "control": 0.5}}, "arms: '' is no name"),
        ({"arms": {1: 0.5, "control": 0.5}}, "arms: 1 is no name"),
        ({"arms": [("control", 0.5), ("control", 0.5)]}, "arms: 'control' stands there twice"),
        ({"arms": ["control", "a"]}, "arms: ['control', 'a'] is no mapping"),
        ({"arms": 3}, "arms: 3 is no mapping"),
        ({"arms": {"a": 0.5, "b": 0.5}}, "control: 'control' is none of the arms a, b"),
        ({"control": ""}, "control: '' is none of the arms control: name one with control=, or None"),
        ({"name": ""}, "name: '' is no name"),
        ({"name": 7}, "name: 7 is no name"),
        ({"seed": ""}, "seed: '' is no name"),
        ({"coverage": 1.01}, "coverage: 1.01 is not between 0 and 1"),
        ({"coverage": None}, "coverage: None is not between 0 and 1"),
    ],
)
def test_bad_experiments_are_named(options: dict[str, Any], said: str) -> None:
    """Nothing invalid becomes something valid silently; the message names the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        Experiment(**{"name": "t", "arms": {"control": 1.0}, **options})


@pytest.mark.parametrize(
    "customers, said", [("", "id is ''"), (["a", ""], "ids: row 1 is ''"), (1.5, "ids: 1.5 is no column")]
)
def test_bad_ids_are_named(customers: Any, said: str) -> None:
    """Assignment refuses an id that nobody could have."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        assign(THIRDS, customers)


def test_the_room_exports_what_it_names() -> None:
    """`experiments` shows functions and records, not its files."""
    assert experiments.Assignment is Assignment
    assert callable(experiments.difference)
