"""Other weights in mid-flight move as few customers as can be, and who was drawn keeps what was drawn."""

from __future__ import annotations

import itertools
import pickle
import re
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._hashing import BUCKETS
from retention.errors import InvalidInput
from retention.experiments import Experiment, assign, reweight
from retention.experiments.assignment import _tables

HALVES = Experiment("halves", {"control": 0.5, "a": 0.5})
NAMES = ["control", "a", "b", "c", "d"]


def owners(test: Experiment) -> np.ndarray:
    """The arm of every fraction there is."""
    return _tables(test)[0]


def shares(test: Experiment) -> dict[str | None, float]:
    """What each owner should have of all customers."""
    return {None: 1 - test.coverage} | {name: test.coverage * weight for name, weight in test.arms}


def distance(one: Experiment, other: Experiment) -> float:
    """Total variation, with who takes no part as an owner."""
    before, after = shares(one), shares(other)
    return sum(abs(after.get(name, 0) - before.get(name, 0)) for name in before | after) / 2


weights = st.lists(st.integers(0, 50), min_size=5, max_size=5).filter(sum)
phases = st.lists(st.tuples(weights, st.sampled_from([0.1, 1 / 3, 0.5, 1.0])), min_size=2, max_size=5)


def chain(drawn: list[tuple[list[int], float]]) -> list[Experiment]:
    """Weights and coverage change in turn."""
    tests: list[Experiment] = []
    for parts, coverage in drawn:
        arms = {name: part / sum(parts) for name, part in zip(NAMES, parts, strict=True)}
        if tests:
            tests.append(reweight(tests[-1], arms))
            tests.append(reweight(tests[-1], arms, coverage=coverage))
        else:
            tests.append(Experiment("t", arms, coverage=coverage))
    return tests


@given(phases)
def test_as_few_move_as_can_be(drawn: list[tuple[list[int], float]]) -> None:
    """From phase to phase the total-variation distance moves, and every arm has its weight, both but for rounding."""
    tests = chain(drawn)
    for before, after in itertools.pairwise(tests):
        old, new = owners(before), owners(after)
        assert (old != new).mean() == pytest.approx(distance(before, after), abs=8 / BUCKETS)
        for name, share in shares(after).items():
            assert (new == name).mean() == pytest.approx(share, abs=8 / BUCKETS)
            assert share > 0 or name not in new


@given(phases)
def test_who_does_not_shrink_loses_nobody(drawn: list[tuple[list[int], float]]) -> None:
    """Not one customer leaves an arm whose share of all customers stays or grows."""
    tests = chain(drawn)
    for before, after in itertools.pairwise(tests):
        old, new = owners(before), owners(after)
        for name, share in shares(before).items():
            if shares(after)[name] >= share:
                assert (new[old == name] == name).all()


def test_exact_where_weights_are_whole_parts() -> None:
    """Five arms of .2 to .36 and four times .16: 16 % of the fractions move, not one more."""
    five = Experiment("five", dict.fromkeys(NAMES, 0.2))
    after = reweight(five, dict.fromkeys(NAMES, 0.16) | {"control": 0.36})
    assert (owners(five) != owners(after)).sum() == 1_600
    assert after.phase == 1
    assert after.before == five


def test_a_ramp_moves_nobody_who_takes_part() -> None:
    """The coverage grows in steps: whoever had an arm keeps it, and the newcomers are divided by the weights."""
    arms = {"control": 0.2, "a": 0.3, "b": 0.5}
    test = reweight(Experiment("ramp", dict.fromkeys(arms, 1 / 3), coverage=0.1), arms)
    for coverage in (0.2, 0.5, 1.0):
        after = reweight(test, arms, coverage=coverage)
        taking_part = owners(test) != None  # noqa: E711 -- element by element
        assert (owners(after)[taking_part] == owners(test)[taking_part]).all()
        newcomers = [name for name in owners(after)[~taking_part] if name]
        for name, weight in arms.items():
            assert newcomers.count(name) / len(newcomers) == pytest.approx(weight, abs=3e-3)
        test = after
    assert test.phase == 4


def test_arms_come_and_go() -> None:
    """A new arm takes only what is given up; an arm that is left out or of weight 0 owns nothing."""
    after = reweight(HALVES, {"control": 0.4, "b": 0.6})
    old, new = owners(HALVES), owners(after)
    assert set(new) == {"control", "b"}
    assert ((old == "control") & (new == "control")).sum() == 4_000
    again = reweight(after, {"control": 1, "b": 0})
    assert set(owners(again)) == {"control"}


def test_the_same_weights_move_nobody() -> None:
    """A phase of its own, and the same arms."""
    after = reweight(HALVES, HALVES.arms)
    assert (owners(after) == owners(HALVES)).all()
    assert (after.phase, after.coverage) == (1, 1.0)


@given(phases, st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 4)), max_size=9))
def test_sticky_one_by_one_equals_all_at_once(drawn, customers: list[tuple[int, int]]) -> None:
    """With the phase of the first draw a customer keeps its arm and its propensity, scalar and vectorised."""
    tests = chain(drawn)
    ids = [customer for customer, _ in customers]
    then = np.array([min(phase, len(tests) - 1) for _, phase in customers], np.int64)
    together = assign(tests[-1], ids, phase=then)
    for row, (customer, phase) in enumerate(zip(ids, then.tolist(), strict=True)):
        alone, first = assign(tests[-1], customer, phase=phase), assign(tests[phase], customer)
        assert alone.arm == first.arm == together.arm[row]
        propensities = [alone.propensity, first.propensity, together.propensity[row]]
        assert np.array_equal(propensities, [first.propensity] * 3, equal_nan=True)


def test_one_phase_for_all() -> None:
    """A single phase holds for a whole column; none given is the present one."""
    after = reweight(HALVES, {"control": 0.1, "a": 0.9})
    assert assign(after, range(99), phase=0) == assign(HALVES, range(99))
    assert assign(after, range(99), phase=1) == assign(after, range(99))


def test_a_phase_is_a_value() -> None:
    """Equal, hashable and pickled with its past; another past is another experiment."""
    after = reweight(HALVES, {"control": 0.1, "a": 0.9})
    copy = pickle.loads(pickle.dumps(after))
    assert copy == after
    assert hash(copy) == hash(after)
    assert copy.ranges == after.ranges
    assert attrs.evolve(after, before=None) != after
    assert attrs.evolve(after, name="renamed").phase == 1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: reweight(HALVES, {"a": 1.0}), "control: 'control' is none of the arms a"),
        (lambda: reweight(HALVES, {"control": 0.5}), "arms: the weights {'control': 0.5} add up to 0.5"),
        (lambda: reweight(HALVES, HALVES.arms, coverage=2), "coverage: 2 is not between 0 and 1"),
        (
            lambda: reweight(HALVES, {"control": 0.1, "a": 0.9}, coverage=0.5),
            "coverage: 0.5 was 1 and the weights change too: make these two phases",
        ),
        (lambda: Experiment("other", HALVES.arms, before=HALVES), "is no phase of 'other': use reweight"),
        (lambda: Experiment("other", HALVES.arms, before="halves"), "before: 'halves' is no phase of 'other'"),
        (lambda: assign(HALVES, 1, phase=1), "phase: 1 is no phase of 'halves': it has 0 to 0"),
        (lambda: assign(HALVES, [1, 2], phase=-1), "phase: -1 is no phase"),
        (lambda: assign(HALVES, [1, 2], phase=[0, 1]), "phase: row 1 is 1, above 0"),
        (lambda: assign(HALVES, [1, 2], phase=[0]), "ids has 2 rows but phase has 1"),
    ],
)
def test_bad_phases_are_named(call: Any, said: str) -> None:
    """The message says what is wrong and what there is."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        call()
