"""Beliefs: the stated table at first, what was seen the more, the more was seen."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.offers import PRIOR, Beliefs, Offer, Prior
from retention.offers.beliefs import cells

TEN = Offer(id="ten", kind="discount", amount="0.10")
MUG = Offer(id="mug", kind="gift", amount=9, cost=3)
STATES, SEGMENTS = sorted(PRIOR.states), [*sorted(PRIOR.segments), "", "of the shop's own"]
rows = st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(SEGMENTS), st.floats(0.5, 1e4)), min_size=1)


@given(rows)
def test_the_table_is_in_order(who: list[tuple[str, str, float]]):
    """Chances lie between 0 and 1, an offer never lowers them, a deeper one never less than a shallower one."""
    state, segment, basket = zip(*who, strict=True)
    deeper = evolve(TEN, id="twenty", amount="0.20")
    p0, p1 = Beliefs().chances(state, segment, basket, [TEN, deeper, MUG])
    assert ((p0 > 0) & (p0 < 1)).all()
    assert ((p1 >= p0[:, None]) & (p1 < 1)).all()
    assert (p1[:, 1] >= p1[:, 0]).all()


def test_the_table_says_what_it_says():
    """States are the chances themselves, segments multiply the odds; words that are not there are "new" and 1."""
    assert PRIOR.chance("asleep", "at risk") == pytest.approx(0.10)
    odds = 0.10 / 0.90 * 1.6
    assert PRIOR.chance("asleep", "champions") == pytest.approx(odds / (1 + odds))
    assert PRIOR.chance("elsewhere", "") == pytest.approx(PRIOR.states["new"])
    order = [PRIOR.chance(state, "") for state in ("active", "cooling", "asleep", "lost")]
    assert order == sorted(order, reverse=True)


def test_what_was_seen_takes_over():
    """With as many decisions as the prior's weight half is learnt; with very many, nearly all."""
    prior = evolve(PRIOR, weight=10.0)
    base = prior.chance("asleep", "")
    for n in (10, 100_000):
        seen = Beliefs.of(["asleep/"] * n, [""] * n, [1.0] * n, [True] * n, prior=prior)
        p0, p1 = seen.chances(["asleep", "lost"], ["", ""], [50.0, 50.0], [TEN])
        assert p0[0] == pytest.approx((10 * base + n) / (10 + n))
        assert p0[1] == pytest.approx(prior.chance("lost", ""))  # another cell
        assert p1[0, 0] == pytest.approx(Beliefs(prior).chances(["asleep"], [""], [50.0], [TEN]).p1[0, 0])


def test_unlikely_decisions_count_more():
    """Those who got it by a rule that prefers them do not stand for all: weights are inverse chances, evidence is Kish's."""
    found = Beliefs.of(["a/"] * 3, ["ten"] * 3, [0.9, 0.9, 0.05], [True, True, False]).seen["a/", "ten"]
    weight = np.array([1 / 0.9, 1 / 0.9, 20.0])
    assert found.share == pytest.approx(weight[:2].sum() / weight.sum())
    assert found.number == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert found.number < 2


def test_learning_is_fair_under_a_rule_that_prefers():
    """Offers go mostly to those who would come anyway; weighted, the shop learns what they do to everybody."""
    rng = np.random.default_rng(3)
    n = 60_000
    keen = rng.random(n) < 0.5
    chance = np.where(keen, 0.9, 0.1)
    got = rng.random(n) < chance
    ordered = rng.random(n) < np.where(keen, 0.4, 0.1) + 0.05 * got
    found = Beliefs.of(["c/"] * n, np.where(got, "ten", ""), np.where(got, chance, 1 - chance), ordered).seen
    assert found["c/", "ten"].share - found["c/", ""].share == pytest.approx(0.05, abs=0.02)
    assert ordered[got].mean() - ordered[~got].mean() > 0.2  # unweighted: four times too much


def test_cells_are_named():
    """State and segment make a cell."""
    assert cells(["lost", "new"], ["at risk", ""]).tolist() == ["lost/at risk", "new/"]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"states": {"asleep": 0.1}}, 'states: give a chance below 1 for each state, "new" among them'),
        ({"states": {"new": 0.0}}, "states: new: 0.0 is out of range; give 0 to 1"),
        ({"states": {"new": 1.0}}, "states: give a chance below 1"),
        ({"states": [0.1]}, "states: .* is no table"),
        ({"segments": {"loyal": 101}}, "segments: loyal: 101.0 is out of range; give 0 to 100"),
        ({"responses": {"hug": 0.1}}, "responses: 'hug' is no kind of offer; use discount"),
        ({"responses": {"gift": float("nan")}}, "responses: gift: nan is no finite number"),
        ({"weight": 0}, "weight: 0.0 is not above 0"),
    ],
)
def test_a_table_that_cannot_be_is_refused(change: dict, said: str):
    """One line names the table, the word and the range."""
    with pytest.raises(InvalidInput, match=said):
        Prior(**{"states": PRIOR.states, "segments": PRIOR.segments, "responses": PRIOR.responses} | change)


def test_bad_columns_are_refused():
    """Propensities of 0 and baskets of nothing, with their row."""
    with pytest.raises(InvalidInput, match=r"propensity: row 1 is 0.0"):
        Beliefs.of(["a/", "a/"], ["", ""], [1.0, 0.0], [True, True])
    with pytest.raises(InvalidInput, match=r"basket: row 0 is 0.0"):
        Beliefs().chances(["lost"], [""], [0.0], [TEN])
    with pytest.raises(InvalidInput, match="segment"):
        Beliefs().chances(["lost"], ["", ""], [1.0], [TEN])
