"""The best offer for each within the limits: never too much, proven how good, with a reason."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retention import offers
from retention._stats import knapsack
from retention.errors import InvalidInput
from retention.offers import _exact, _fitting

numbers = st.one_of(st.integers(-4, 9).map(float), st.floats(-10, 10, width=32))


@st.composite
def problems(draw, most: int = 12) -> dict:
    """Small shops of every sort: ties, nothing worth it, no budget, no stock, masks."""
    shape = draw(st.tuples(st.integers(1, most), st.integers(1, 4)))
    cost = draw(arrays(np.float64, shape, elements=st.one_of(st.integers(0, 5).map(float), st.floats(0, 5, width=32))))
    return {
        "value": draw(arrays(np.float64, shape, elements=numbers)),
        "cost": cost,
        "budget": draw(st.one_of(st.sampled_from([0.0, math.inf]), st.floats(0, float(cost.sum()) + 1))),
        "stock": draw(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=shape[1], max_size=shape[1])),
        "eligible": draw(st.one_of(st.none(), arrays(np.bool_, shape))),
    }


def assert_feasible(found: offers.Choice, given: dict) -> None:
    """No limit exceeded, nobody with what they may not have or what does not pay, and sums that are true."""
    value, rows = np.asarray(given["value"]), np.flatnonzero(found.offer >= 0)
    taken = found.offer[rows]
    cost = np.broadcast_to(given["cost"], value.shape)[rows, taken]
    assert math.fsum(cost) <= given["budget"] * (1 + 1e-12)
    assert found.spent == pytest.approx(cost.sum())
    counts = np.bincount(taken, minlength=value.shape[1])
    assert found.taken.tolist() == counts.tolist()
    assert all(stock is None or count <= stock for count, stock in zip(counts, given["stock"], strict=True))
    assert (value[rows, taken] > 0).all()
    assert given.get("eligible") is None or np.asarray(given["eligible"])[rows, taken].all()
    assert found.profit == pytest.approx(value[rows, taken].sum())
    assert found.upper_bound >= found.profit
    assert found.gap >= 0


def brute_force(given: dict) -> float:
    """The best profit of all assignments there are."""
    value, cost = given["value"], np.broadcast_to(given["cost"], given["value"].shape)
    n, k = value.shape
    allowed = np.ones((n, k), dtype=bool) if given["eligible"] is None else given["eligible"]
    stock = [math.inf if one is None else one for one in given["stock"]]
    choices = [[-1, *(j for j in range(k) if allowed[i, j] and value[i, j] > 0)] for i in range(n)]
    most = 0.0
    for each in itertools.product(*choices):
        took = [(i, j) for i, j in enumerate(each) if j >= 0]
        counts = np.bincount([j for _, j in took], minlength=k)
        if sum(cost[at] for at in took) <= given["budget"] * (1 + 1e-12) and (counts <= stock).all():
            most = max(most, sum(value[at] for at in took))
    return most


@given(problems())
def test_never_infeasible(given_: dict) -> None:
    """Whatever the numbers, the dual method keeps every limit, and does not touch what it was given."""
    before = {name: np.array(column, copy=True) for name, column in given_.items() if isinstance(column, np.ndarray)}
    found = offers.choose(**given_, seconds=0)
    assert_feasible(found, given_)
    assert all((given_[name] == column).all() for name, column in before.items())
    again = offers.choose(**given_, seconds=0)
    assert (again.offer == found.offer).all()
    assert again.prices == found.prices


@given(problems(most=5))
def test_the_exact_optimum(given_: dict) -> None:
    """A few customers get what trying every assignment finds, and no bound is below it."""
    most = brute_force(given_)
    found = offers.choose(**given_)
    assert_feasible(found, given_)
    assert found.method == "exact"
    assert found.profit == pytest.approx(most, abs=1e-6)
    assert offers.choose(**given_, seconds=0).upper_bound >= most - 1e-9


@given(problems())
def test_reasons_are_true(given_: dict) -> None:
    """Each reason says what the numbers say."""
    found = offers.choose(**given_, seconds=0)
    allowed = np.ones(given_["value"].shape, bool) if given_["eligible"] is None else given_["eligible"]
    stock = np.array([math.inf if one is None else one for one in given_["stock"]])
    full = found.taken >= stock
    for value, may, offer, reason in zip(given_["value"], allowed, found.offer, found.reason, strict=True):
        assert reason in offers.REASONS
        assert (reason == "not_eligible") == (not may.any())
        assert (reason == "not_worth_it") == (may.any() and value[may].max() <= 0)
        assert (reason == "best") == (offer >= 0 and value[offer] == value[may].max())
        assert (offer >= 0) == reason.startswith("best")
        if reason in ("no_stock", "best_in_stock"):
            assert (full & may & (value > 0)).any()
        if reason in ("no_budget", "best_for_budget"):
            assert given_["budget"] < math.inf


@pytest.mark.parametrize("kind", ["plain", "ties", "segments"])
@pytest.mark.parametrize("n, most", [(10_000, 1e-4), (100_000, 2e-5)])
def test_the_certified_gap(offered, n: int, most: float, kind: str) -> None:
    """From 10,000 customers up hardly anything is left to gain, ties and segments included."""
    given_ = offered(n, kind=kind)
    found = offers.choose(**given_)
    assert_feasible(found, given_)
    assert found.gap <= most


@pytest.mark.parametrize("kind", ["plain", "ties", "segments"])
def test_two_thousand_are_solved_exactly(offered, kind: str) -> None:
    """Up to 2,000 customers the optimum is found, and the dual method comes near it."""
    given_ = offered(2000, kind=kind, seed=3)
    exact, dual = offers.choose(**given_, seconds=20), offers.choose(**given_, seconds=0)
    assert (exact.method, dual.method) == ("exact", "dual")
    assert exact.gap <= 1e-9
    assert exact.profit >= dual.profit
    assert exact.profit <= dual.upper_bound * (1 + 1e-12)


def test_prices_are_worth_a_unit(offered) -> None:
    """Ten more units bring no more than ten times their price before, and no less than ten times their price after."""
    given_ = offered(4000, seed=5)
    found = offers.choose(**given_)
    more = offers.choose(**{**given_, "budget": given_["budget"] + 10})
    gain = more.upper_bound - found.upper_bound
    assert 10 * more.budget_price - 0.02 <= gain <= 10 * found.budget_price + 0.02
    more = offers.choose(**{**given_, "stock": [given_["stock"][0] + 10, *given_["stock"][1:]]})
    gain = more.upper_bound - found.upper_bound
    assert 0 < 10 * more.stock_price[0] - 0.02 <= gain <= 10 * found.stock_price[0] + 0.02


def test_the_price_of_nothing() -> None:
    """Where there is no budget or no stock, its price is what the first unit would bring."""
    value, cost = [[6.0, 1.0], [4.0, 1.0]], [2.0, 0.0]
    none = offers.choose(value, cost, budget=0)
    assert none.offer.tolist() == [1, 1]
    assert none.reason.tolist() == ["best_for_budget"] * 2
    assert none.budget_price == 2.5  # (6 - 1) / 2
    gone = offers.choose(value, cost, stock=[0, 0])
    assert gone.reason.tolist() == ["no_stock"] * 2
    assert gone.stock_price.tolist() == [6.0, 1.0]
    free = offers.choose(value, [0.0, 0.0], budget=0)
    assert (free.profit, free.budget_price) == (10.0, 0.0)


def test_without_limits_everybody_gets_the_best(offered) -> None:
    """No limit, no price, no gap."""
    given_ = offered(500)
    found = offers.choose(given_["value"], given_["cost"])
    assert found.profit == pytest.approx(np.maximum(given_["value"].max(axis=1), 0).sum())
    assert (found.gap, found.budget_price, found.stock_price.any()) == (0, 0, False)


def test_nobody_and_nothing() -> None:
    """No customers are no problem; an empty bound has no gap."""
    found = offers.choose(np.zeros((0, 3)), [1.0, 1, 1], budget=5)
    assert (len(found), found.profit, found.gap) == (0, 0, 0)
    assert found.offer.shape == found.reason.shape == (0,)
    assert repr(found) == "Choice(0 of 0 customers, profit 0.00, gap 0.0e+00, exact)"


@pytest.mark.parametrize("unlucky", ["nothing found", "too many choices", "worse"])
def test_a_failing_solver_is_no_harm(offered, unlucky: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an optimum the dual method's assignment stands, and says so."""
    given_ = offered(300, seed=1)
    dual = offers.choose(**given_, seconds=0)
    patches = {
        "nothing found": (_exact._Groups, "solve", lambda self, problem, seconds: None),
        "too many choices": (_exact, "_MOST_CHOICES", 0),
        "worse": (_exact._Groups, "solve", lambda self, problem, seconds: (np.zeros(len(self.item), int), 1e9, True)),
    }
    monkeypatch.setattr(*patches[unlucky])
    found = offers.choose(**given_)
    assert found.method == "dual"
    assert (found.offer == dual.offer).all()


def test_rows_that_are_alike() -> None:
    """Equal rows are one group; different ones whose sums happen to be equal are not."""
    table = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, _exact._GOLDEN]])
    first, group, size = _exact._alike(table)
    assert (table[first[group]] == table).all()
    assert sorted(size.tolist()) == [1, 1, 2]


def test_nothing_open_is_nothing_to_solve() -> None:
    """Prices at which nobody wants anything, and a bound too near for anybody to: what is at hand stays."""
    problem = knapsack.Problem(np.array([[1.0]]), np.array([[1.0]]), knapsack.Limits(np.array([0.5, np.inf])))
    found = _exact.improve(problem, np.array([5.0, 0.0]), np.array([-1]), seconds=1)
    assert (found.offer.tolist(), found.proven) == ([-1], False)


def test_a_solver_without_time_finds_nothing(offered) -> None:
    """A time limit that cannot be kept leaves the dual method's result or a better one, never a worse."""
    given_ = offered(2000, kind="segments", seed=2)
    assert offers.choose(**given_, seconds=1e-9).profit >= offers.choose(**given_, seconds=0).profit


def test_large_shops_start_from_a_sample(offered, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample leads to the same bound as all rows would."""
    given_ = offered(6000, seed=4)
    whole = offers.choose(**given_, seconds=0)
    monkeypatch.setattr(knapsack, "_SAMPLE", 1400)
    assert offers.choose(**given_, seconds=0).upper_bound == pytest.approx(whole.upper_bound, rel=1e-4)


def test_a_sample_that_misleads_is_given_up(offered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices from ten customers are wrong for six thousand; the whole is looked at then."""
    given_ = offered(6000, seed=4)
    monkeypatch.setattr(knapsack, "_SAMPLE", 10)
    assert offers.choose(**given_, seconds=0).gap <= 1e-4


@pytest.mark.parametrize("constant", ["_PAIRS", "_ROUNDS"])
def test_less_effort_is_still_feasible(offered, constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However early the improving ends, what is there keeps the limits and is at most a little worse."""
    given_ = offered(3000, kind="segments", seed=9)
    full = offers.choose(**given_, seconds=0)
    monkeypatch.setattr(_fitting, constant, 1)
    found = offers.choose(**given_, seconds=0)
    assert_feasible(found, given_)
    assert found.profit == pytest.approx(full.profit, rel=0.02)


def test_cheaper_offers_in_the_budgets_place_run_out_too() -> None:
    """Who gives way to the budget overruns the stock of what is cheaper, and the last of them get nothing."""
    problem = knapsack.Problem(
        np.array([[5.0, 4.9]] * 4), np.array([[2.0, 1.0]] * 4), knapsack.Limits(np.array([5.0, np.inf, 1.0]))
    )
    fitted = _fitting.fit(problem, np.zeros(3), np.zeros(4, dtype=int))
    assert _fitting.fits(problem, fitted)
    assert sorted(fitted.tolist()) == [-1, 0, 0, 1]


# ---------------------------------------------------------------- one customer


@given(problems(), st.floats(0, 3), st.data())
def test_one_customer_decides_as_many_do(given_: dict, budget_price: float, data) -> None:
    """At given prices one customer takes what brings most beyond them, or nothing."""
    k = given_["value"].shape[1]
    prices = offers.Prices(budget_price, data.draw(st.lists(st.floats(0, 3), min_size=k, max_size=k)))
    value, cost = given_["value"][0].tolist(), np.asarray(given_["cost"])[0].tolist()
    may = None if given_["eligible"] is None else given_["eligible"][0].tolist()
    found = offers.choose_one(value, cost, prices, eligible=may)
    left = [
        v - prices.budget * c - s if may is None or may[j] else -math.inf
        for j, (v, c, s) in enumerate(zip(value, cost, prices.stock, strict=True))
    ]
    assert (found.offer >= 0) == (max(left) > 0) == found.reason.startswith("best")
    assert found.offer < 0 or left[found.offer] == max(left)
    assert found.reason in offers.REASONS


@pytest.mark.parametrize(
    "value, prices, eligible, expected",
    [
        ([5, 3], (0, 0), None, (0, "best")),
        ([5, 3], (3, 0), None, (1, "best_in_stock")),
        ([5, 3], (9, 9), None, (-1, "no_stock")),
        ([1, 1], (0, 0), None, (-1, "no_budget")),
        ([-1, 0], (0, 0), None, (-1, "not_worth_it")),
        ([5, 3], (0, 0), [False, True], (1, "best")),
        ([5, 3], (0, 0), [False, False], (-1, "not_eligible")),
    ],
)
def test_reasons_for_one(value: list, prices: tuple, eligible: list | None, expected: tuple) -> None:
    """One customer is told the same reasons as many."""
    assert offers.choose_one(value, [1, 1], offers.Prices(1.5, prices), eligible=eligible) == expected


def test_stored_prices_choose_as_the_batch_did(offered) -> None:
    """Nearly everybody gets alone, at the stored prices, what they got in the batch."""
    given_ = offered(3000, seed=6)
    found = offers.choose(**given_)
    prices = offers.Prices.from_json(found.prices.to_json())
    assert prices == found.prices
    alone = [
        offers.choose_one(v, c, prices) for v, c in zip(given_["value"].tolist(), given_["cost"].tolist(), strict=True)
    ]
    assert np.mean([one.offer for one in alone] == found.offer) > 0.99
    assert np.mean([one.reason for one in alone] == found.reason) > 0.99


# ---------------------------------------------------------------- bad input

GOOD = {"value": [[1.0, 2.0], [3.0, 4.0]], "cost": [[1.0, 1.0], [1.0, 1.0]]}


@pytest.mark.parametrize(
    "bad, said",
    [
        ({"value": [[1.0, 2.0], [3.0, math.nan]]}, "value: row 1, column 1 is nan, not a finite number"),
        ({"value": [[math.inf, 2.0], [3.0, 4.0]]}, "value: row 0, column 0 is inf"),
        ({"value": [1.0, 2.0]}, "value: has shape (2,)"),
        ({"value": [[], []]}, "value: has shape (2, 0), no offer"),
        ({"value": [["a", "b"]]}, "is no number"),
        ({"cost": [[1.0, 1.0], [-1.0, 1.0]]}, "cost: row 1, column 0 is -1.0, below 0"),
        ({"cost": [[1.0, 1.0]]}, "cost: has shape (1, 2) beside (2, 2): give (n, K), or one per offer"),
        ({"cost": [1.0]}, "cost: has shape (1,) beside (2, 2): give"),
        ({"budget": -1}, "budget: -1: give a number from 0 up"),
        ({"budget": math.nan}, "budget: nan"),
        ({"budget": "much"}, "budget: 'much'"),
        ({"budget": True}, "budget: True"),
        ({"stock": [1]}, "stock: 1 numbers for 2 offers"),
        ({"stock": [1, -1]}, "stock: column 1: -1"),
        ({"stock": [1, 1.5]}, "stock: row 1 is 1.5, not a whole number"),
        ({"eligible": [True, False]}, "eligible: bool of shape (2,): give True or False, in shape (2, 2)"),
        ({"eligible": [[1, 0], [1, 1]]}, "eligible: int64 of shape (2, 2)"),
        ({"seconds": -1}, "seconds: -1"),
    ],
)
def test_bad_input_is_named(bad: dict, said: str) -> None:
    """The message names the table, the row and the column."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        offers.choose(**{**GOOD, **bad})


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda p: offers.choose_one([1.0], [1.0, 1.0], p), "value: 1 and 2 costs for 2 prices"),
        (lambda p: offers.choose_one([1.0, 1.0], [1.0, 1.0], p, eligible=[True]), "give one each for every offer"),
        (lambda p: offers.choose_one([1.0, math.nan], [1.0, 1.0], p), "give finite numbers"),
        (lambda p: offers.choose_one([1.0, 1.0], [1.0, -1.0], p), "costs from 0 up"),
        (lambda p: offers.Prices(-1, ()), "budget: -1.0 is below 0"),
        (lambda p: offers.Prices(0, (1, math.nan)), "stock: column 1: nan is no finite number"),
        (lambda p: offers.Prices(0, "12"), "stock: '12': give one price"),
        (lambda p: offers.Prices.from_json({"budget": 1.0, "gift": 2}), "give what to_json wrote"),
    ],
)
def test_bad_prices_are_named(call, said: str) -> None:
    """Prices and single customers are checked as tables are."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        call(offers.Prices(1, (0, 0)))
