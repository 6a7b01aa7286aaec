"""Learning while sending: choices follow what is known, propensities are true, sums add up, rewards count once."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.offers import Bandit, Decisions
from retention.offers._arms import best_by_bound, chances_of_best, drawn

OFFERS = ("gift", "points", "nothing")


def taught(bandit: Bandit, n: int = 3_000, seed: int = 1) -> Bandit:
    """One that has seen rewards: the gift works for a positive feature, points for a negative one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, bandit.features)) if bandit.features else None
    waiting = bandit.decide(np.arange(n), X, rng=rng)
    sign = np.array([1, -1, 0])[waiting.offer] * (1 if X is None else X[:, 0])
    return bandit.learn(waiting, waiting.ids, (rng.random(n) < 0.3 + 0.2 * np.tanh(sign)).astype(float))[0]


@pytest.fixture(params=["thompson", "lin_ucb"])
def bandit(request: pytest.FixtureRequest) -> Bandit:
    """Either kind, knowing nothing."""
    return Bandit.thompson(OFFERS) if request.param == "thompson" else Bandit.lin_ucb(OFFERS, features=2)


def features(bandit: Bandit, n: int, seed: int = 5) -> np.ndarray | None:
    return np.random.default_rng(seed).normal(size=(n, bandit.features)) if bandit.features else None


def test_the_first_batch_is_random(bandit: Bandit) -> None:
    """Evenly among the allowed offers, and told so."""
    n = 6_000
    eligible = np.tile([[True, True, True], [True, False, True], [False, False, False]], (n // 3, 1))
    found = bandit.decide(np.arange(n), features(bandit, n), rng=1, eligible=eligible)
    for kind, allowed in enumerate(([0, 1, 2], [0, 2], [-1])):
        own = found.offer[kind::3]
        assert sorted(set(own.tolist())) == allowed
        assert np.bincount(own + 1)[np.array(allowed) + 1] / len(own) == pytest.approx(1 / len(allowed), abs=0.03)
        assert found.propensity[kind::3] == pytest.approx(1 / len(allowed))


@pytest.mark.parametrize("masked", [True, False])
def test_the_propensity_is_how_often_the_offer_is_chosen(bandit: Bandit, masked: bool) -> None:
    """For the same few customers, decided thousands of times, also with an offer that nothing is known of."""
    names = (*OFFERS, "new")
    known = taught(bandit, 200)
    wider = Bandit.lin_ucb(names, features=2) if bandit.features else Bandit.thompson(names)
    gram, moment = wider.gram.copy(), wider.moment.copy()
    gram[:3], moment[:3] = known.gram, known.moment
    wider = Bandit(names, wider.features, gram, moment)
    people, times = 4, 20_000
    X = features(bandit, people)
    eligible = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [0, 1, 0, 0], [1, 1, 1, 0]], dtype=bool) if masked else None
    found = wider.decide(
        np.arange(people * times),
        None if X is None else np.tile(X, (times, 1)),
        rng=2,
        eligible=None if eligible is None else np.tile(eligible, (times, 1)),
        explore=0.1,
    )
    for person in range(people):
        offer, propensity = found.offer[person::people], found.propensity[person::people]
        told = {int(k): float(propensity[offer == k][0]) for k in set(offer.tolist())}
        allowed = 4 if eligible is None else int(eligible[person].sum())
        assert sum(told.values()) == pytest.approx(1, abs=1e-9)
        assert min(told.values()) >= 0.1 / allowed - 1e-12
        for k, count in Counter(offer.tolist()).items():
            assert count / times == pytest.approx(told[k], abs=0.015)
            assert np.all(propensity[offer == k] == told[k])


def test_lin_ucb_takes_the_highest_bound() -> None:
    """Worked out row by row from the sums; the size of the block does not matter."""
    bandit = taught(Bandit.lin_ucb(OFFERS, features=2), 50)
    X = features(bandit, 300)
    x = np.column_stack([np.ones(300), X])
    inverse = np.linalg.inv(bandit.gram + np.eye(3))
    scores = [x @ a @ m + 0.7 * np.sqrt(np.diag(x @ a @ x.T)) for a, m in zip(inverse, bandit.moment, strict=True)]
    best = np.argmax(scores, axis=0)
    assert bandit.decide(np.arange(300), X, rng=1, explore=0, alpha=0.7).offer.tolist() == best.tolist()
    usable = np.ones(3, dtype=bool)
    assert best_by_bound(X, bandit.gram, bandit.moment, usable, 0.7, block=7).tolist() == best.tolist()


def test_lin_ucb_learns_who_wants_what() -> None:
    """The gift where the feature is positive, points where it is negative."""
    bandit = taught(Bandit.lin_ucb(OFFERS, features=1))
    found = bandit.decide(range(4), [[2], [1], [-1], [-2]], rng=1, explore=0)
    assert found.offer.tolist() == [0, 0, 1, 1]
    assert found.propensity.tolist() == [1, 1, 1, 1]


def test_chances_of_best_are_those_of_many_draws() -> None:
    """For offers known well and badly, among all and among some; two offers have a closed form."""
    wins, losses = np.array([3.0, 40, 900]), np.array([20.0, 300, 8_000])
    usable = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=bool)
    found = chances_of_best(wins, losses, usable)
    draws = np.random.default_rng(1).beta(1 + wins, 1 + losses, (200_000, 3))
    for chances, own in zip(found[:3], usable[:3], strict=True):
        best = np.argmax(np.where(own, draws, -1), axis=1)
        assert chances == pytest.approx(np.bincount(best, minlength=3) / len(best), abs=0.006)
    assert found[3].tolist() == [0, 0, 0]
    equal = chances_of_best(np.full(4, 7.0), np.full(4, 70.0), np.ones((1, 4), dtype=bool))
    assert equal == pytest.approx(0.25, abs=1e-12)
    (two,) = chances_of_best(np.array([1.0, 0]), np.zeros(2), np.ones((1, 2), dtype=bool))
    assert two[0] == pytest.approx(2 / 3, abs=1e-3)  # P(Beta(2, 1) > Beta(1, 1))


def test_draws_never_hit_what_has_no_chance() -> None:
    """Nor an offer when there is none."""
    chances = np.array([[0, 0.4, 0, 0.6, 0], [0, 0, 0, 0, 0]])
    offer = drawn(chances, np.array([0, 1] * 5_000), np.random.default_rng(1))
    assert set(offer[::2].tolist()) == {1, 3}
    assert set(offer[1::2].tolist()) == {-1}


def test_rewards_come_late_and_count_once(bandit: Bandit) -> None:
    """In any order and in any parts the sums are the same; what has not come waits, what has is refused."""
    X = features(bandit, 6)
    waiting = bandit.decide(list("abcdef"), X, rng=1)
    reward = dict(zip("abcdef", [1.0, 0, 0.5, 1, 0, 1], strict=True))
    once, rest = bandit.learn(waiting, list("abcdef"), list(reward.values()))
    bits, left = bandit, waiting
    for ids in ("fb", "a", "", "dce"):
        bits, left = bits.learn(left, list(ids), [reward[i] for i in ids])
    assert bits.gram == pytest.approx(once.gram)
    assert bits.moment == pytest.approx(once.moment)
    assert len(rest.ids) == len(left.ids) == 0
    assert once.count.sum() == 6
    assert once.reward.sum() == pytest.approx(3.5)
    for state in (rest, bits.learn(waiting, ["a"], [0])[1]):
        with pytest.raises(InvalidInput, match="ids: row 0 is 'a', not waiting: it was never decided, or"):
            bandit.learn(state, ["a"], [1.0])


def test_a_reward_of_nobody_teaches_nothing(bandit: Bandit) -> None:
    """Who could get nothing waits like all others and leaves the sums alone."""
    waiting = bandit.decide([1], features(bandit, 1), rng=1, eligible=[[False] * 3])
    after, rest = bandit.learn(waiting, [1], [1.0])
    assert (after.count.sum(), len(rest.ids)) == (0, 0)


@given(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from([0, 2]))
def test_workers_learn_apart_and_are_added(seed: int, cut: int, width: int) -> None:
    """Two states from parts of the rewards add up to the state from all of them, through JSON too, in either order."""
    bandit = Bandit.lin_ucb(OFFERS, features=width) if width else Bandit.thompson(OFFERS)
    rng = np.random.default_rng(seed)
    waiting = bandit.decide(np.arange(40), features(bandit, 40), rng=rng)
    reward = rng.integers(0, 2, 40)
    whole, _ = bandit.learn(waiting, waiting.ids, reward)
    first, rest = bandit.learn(waiting, waiting.ids[:cut], reward[:cut])
    second, _ = bandit.learn(Decisions.from_json(json.loads(json.dumps(rest.to_json()))), rest.ids, reward[cut:])
    second = Bandit.from_json(json.loads(json.dumps(second.to_json())))
    for both in (first + second, second + first):
        assert (both.offers, both.features) == (whole.offers, whole.features)
        assert both.gram == pytest.approx(whole.gram)
        assert both.moment == pytest.approx(whole.moment)


def test_decisions_are_added() -> None:
    """Of several batches; the same id twice is refused, 42 and "42" are the same."""
    bandit = Bandit.thompson(OFFERS)
    one, other = bandit.decide([1, 2], rng=1), bandit.decide(["3"], rng=2)
    assert (one + other).ids.tolist() == ["1", "2", "3"]
    with pytest.raises(InvalidInput, match=r"ids: row 2 is '2', there twice: give each once"):
        _ = one + bandit.decide(["2"], rng=1)


def test_the_same_seed_decides_the_same(bandit: Bandit) -> None:
    """And a generator goes on from where it is."""
    bandit, rng = taught(bandit), np.random.default_rng(3)
    one, same = (bandit.decide(range(500), features(bandit, 500), rng=3, explore=0.5) for _ in range(2))
    first, second = (bandit.decide(range(500), features(bandit, 500), rng=rng, explore=0.5) for _ in range(2))
    assert one.offer.tolist() == same.offer.tolist() == first.offer.tolist()
    assert first.offer.tolist() != second.offer.tolist()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"ids": ["a", "a"]}, "ids: row 1 is 'a', there twice"),
        ({"ids": ["a", None]}, "ids: row 1 is None, missing"),
        ({"X": None}, "X: give the 1 features of each customer"),
        ({"X": [[1.0], [np.nan]]}, "X: column 0: row 1 is nan, missing"),
        ({"X": [[1.0]]}, r"X: has shape \(1, 1\): give \(2, 1\)"),
        ({"eligible": [[True, True, True]]}, r"eligible: has shape \(1, 3\): give \(2, 3\)"),
        ({"explore": 1.5}, r"explore: 1\.5 is not between 0 and 1"),
        ({"alpha": -1}, "alpha: row 0 is -1"),
    ],
)
def test_bad_input_to_decide(change: dict, message: str) -> None:
    """Named by column and row, with the remedy."""
    data = {"ids": ["a", "b"], "X": [[1.0], [2.0]], "rng": 1} | change
    with pytest.raises(InvalidInput, match=message):
        Bandit.lin_ucb(OFFERS, features=1).decide(**data)


def test_bad_input_to_learn() -> None:
    """Rewards of Thompson sampling are shares of 1, ids are there once, decisions are this bandit's."""
    bandit = Bandit.thompson(OFFERS)
    waiting = bandit.decide(["a", "b"], rng=1)
    for ids, reward, message in (
        (["a", "a"], [0, 0], "ids: row 1 is 'a', there twice"),
        (["a"], [2.0], r"reward: row 0 is 2\.0, above 1"),
        (["a"], [np.nan], "reward: row 0 is nan, missing"),
        (["a", "b"], [1.0], "ids has 2 rows but reward has 1"),
    ):
        with pytest.raises(InvalidInput, match=message):
            bandit.learn(waiting, ids, reward)
    with pytest.raises(InvalidInput, match="X: 0 features were decided by, this bandit knows 2"):
        Bandit.lin_ucb(OFFERS, features=2).learn(waiting, ["a"], [1.0])
    one = Bandit.thompson(["gift"])
    with pytest.raises(InvalidInput, match=r"offer: row \d is [12], no offer of this bandit"):
        one.learn(bandit.decide(range(99), rng=1), ["1"], [1.0])
    with pytest.raises(InvalidInput, match="offers: "):
        _ = one + bandit
    with pytest.raises(InvalidInput, match="there twice"):
        Bandit.thompson(["gift", "gift"])
    with pytest.raises(InvalidInput, match="offers: their number: 63"):
        Bandit.thompson(map(str, range(63)))


BANDIT = Bandit.lin_ucb(["a", "b"], features=1).to_json()
WAITING = Bandit.thompson(["a"]).decide([1], rng=1).to_json()


@pytest.mark.parametrize(
    "read, data, message",
    [
        (Bandit.from_json, [], "bandit: is none of format 1"),
        (Bandit.from_json, BANDIT | {"format": 2}, "bandit: is none of format 1"),
        (Bandit.from_json, {"format": 1}, "bandit: is none of format 1 with lists of offers, gram, moment"),
        (Bandit.from_json, BANDIT | {"offers": ["a"]}, "gram: 2 offers, but 1 names"),
        (Bandit.from_json, BANDIT | {"moment": [[0.0, np.nan]] * 2}, "moment: column 1: row 0 is nan"),
        (Bandit.from_json, BANDIT | {"offers": 5}, "bandit: is none of format 1 with lists of offers"),
        (Bandit.from_json, BANDIT | {"features": "x"}, "features: 'x': give a whole number from 0 to 100"),
        (Bandit.from_json, BANDIT | {"gram": [3, 4]}, r"gram: int64 of shape \(\): give numbers"),
        (Bandit.from_json, BANDIT | {"features": 2}, r"gram: has shape \(2, 2\): give \(3, 3\)"),
        (Decisions.from_json, {}, "decisions: is none of format 1"),
        (Decisions.from_json, WAITING | {"propensity": [0.0]}, r"propensity: row 0 is 0\.0, not above 0"),
        (Decisions.from_json, WAITING | {"offer": [-2]}, "offer: row 0 is -2, below -1"),
        (Decisions.from_json, WAITING | {"offer": [0, 1]}, "ids has 1 rows but offer has 2"),
    ],
)
def test_bad_json(read: object, data: object, message: str) -> None:
    """What was not written here is refused in one line."""
    with pytest.raises(InvalidInput, match=message):
        read(data)
