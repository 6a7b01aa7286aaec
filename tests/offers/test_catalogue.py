"""Offers as data: what they cost, whom they are for, what they bring; through JSON and back."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retention import offers
from retention.errors import InvalidInput
from retention.offers import Condition, Offer

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TEN = Offer(id="ten", kind="discount", amount="0.10")


@pytest.mark.parametrize(
    "given_, cut, cost",
    [
        ({"kind": "discount", "amount": "0.10"}, [1, 5], [1, 5]),
        ({"kind": "discount", "amount": "0.10", "cost": "2"}, [1, 5], [3, 7]),
        ({"kind": "fixed_amount", "amount": 20}, [10, 20], [10, 20]),
        ({"kind": "gift", "amount": 9, "cost": "3.50"}, [0, 0], [3.5, 3.5]),
        ({"kind": "points", "amount": 5}, [0, 0], [5, 5]),
        ({"kind": "free_shipping", "amount": 4}, [0, 0], [4, 4]),
        ({"kind": "free_exchange", "amount": 4, "cost": 0}, [0, 0], [0, 0]),
        ({"kind": "store_credit", "amount": 6}, [0, 0], [6, 6]),
    ],
)
def test_costs(given_: dict, cut: list, cost: list) -> None:
    """On baskets of 10 and 50: what is taken off the price, and what the shop gives away in all."""
    offer = Offer(id="x", **given_)
    assert offer.price_cut([10, 50]).tolist() == cut
    assert offer.redemption_cost([10, 50]).tolist() == cost
    assert offer.lowers_price == any(cut)


@given(st.sampled_from(offers.KINDS), st.decimals(0, 1, places=2), st.floats(0, 100))
def test_a_price_cut_is_never_more_than_the_basket(kind: str, amount, basket: float) -> None:
    """Nobody is paid for ordering."""
    cut = Offer(id="x", kind=kind, amount=amount).price_cut([basket])
    assert 0 <= cut[0] <= basket


table = arrays(np.float64, (3, 2), elements=st.floats(0, 1))


@given(table, arrays(np.float64, 3, elements=st.floats(0, 1)), st.floats(0, 50), st.floats(0, 9))
def test_net_value_is_the_difference_of_two_worlds(p1, p0, margin: float, cost: float) -> None:
    """What is left with the offer, less what is left without it; a lower bound of the uplift never makes it better."""
    found = offers.net_value(p0, p1, np.full(3, margin), [cost, cost])
    assert found == pytest.approx((margin - cost) * p1 - margin * p0[:, None], abs=1e-9)
    careful = offers.net_value(
        p0, p1, np.full(3, margin), [cost, cost], least_uplift=np.maximum(p1 - p0[:, None] - 0.1, -1)
    )
    assert (careful <= found).all()


def test_margins_and_costs_may_be_of_each_cell() -> None:
    """A margin or cost of each customer and offer is taken as it is."""
    found = offers.net_value([0.1], [[0.2, 0.4]], [[10.0, 20.0]], [[1.0, 2.0]])
    assert found.tolist() == [[pytest.approx(0.8), pytest.approx(5.2)]]


@pytest.mark.parametrize(
    "bad, said",
    [
        ({"p1": [[0.2, math.nan]]}, "p1: row 0, column 1 is nan"),
        ({"p1": [[0.2, 1.2]]}, "p1: row 0, column 1 is 1.2, above 1"),
        ({"p0": [-0.1]}, "p0: row 0, column 0 is -0.1, below 0"),
        ({"p0": [0.1, 0.2]}, "p0: has shape (2,) beside (1, 2): give (n, K), or one per customer"),
        ({"cost": [1.0, -1.0]}, "cost: row 0, column 1 is -1.0, below 0"),
        ({"margin": [math.inf]}, "margin: row 0, column 0 is inf"),
        ({"least_uplift": [[0.1]]}, "least_uplift: has shape (1, 1) beside (1, 2)"),
    ],
)
def test_bad_values_are_named(bad: dict, said: str) -> None:
    """The message names the table, the row and the column."""
    good = {"p0": [0.1], "p1": [[0.2, 0.3]], "margin": [10.0], "cost": [1.0, 1.0]}
    with pytest.raises(InvalidInput, match=re.escape(said)):
        offers.net_value(**{**good, **bad})


# ---------------------------------------------------------------- whom it is for


def test_eligibility() -> None:
    """Validity and every condition must hold; the end of validity is not included."""
    lost = Condition(column="state", within=["asleep", "lost"])
    rich = Condition(column="basket", at_least=20, at_most=100)
    catalogue = [
        TEN,
        Offer(id="both", kind="gift", amount=5, conditions=[lost, rich]),
        Offer(id="over", kind="gift", amount=5, valid_until=NOW),
        Offer(id="from", kind="gift", amount=5, valid_from=NOW),
        Offer(id="soon", kind="gift", amount=5, valid_from="2026-05-02T00:00:00+00:00"),
        Offer(id="small", kind="gift", amount=5, conditions=[Condition(column="basket", at_most=20)]),
    ]
    customers = {"state": ["lost", "lost", "active"], "basket": [20.0, 101, 50]}
    found = offers.eligibility(catalogue, customers, at=NOW, n=3)
    assert found.astype(int).tolist() == [[1, 1, 0, 1, 0, 1], [1, 0, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0]]


@pytest.mark.parametrize(
    "customers, said",
    [
        ({"segment": ["a"]}, "state: a condition names this column and customers has segment"),
        ({"state": ["a", "b"]}, "state: has shape (2,): give one value per customer, (1,)"),
    ],
)
def test_missing_columns_are_named(customers: dict, said: str) -> None:
    """A condition without its column is no condition that does not hold."""
    offer = Offer(id="x", kind="gift", amount=5, conditions=[{"column": "state", "within": ["lost"]}])
    with pytest.raises(InvalidInput, match=re.escape(said)):
        offers.eligibility([offer], customers, at=NOW, n=1)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Offer(id="x", kind="coupon", amount=1), "kind: 'coupon' is unknown; use one of discount"),
        (lambda: Offer(id="x", kind="discount", amount="1.5"), "amount: 1.5 is more than the basket"),
        (lambda: Offer(id="x", kind="gift", amount=-1), "amount: -1 is negative"),
        (lambda: Offer(id="x", kind="gift", amount=1, margin=2), "margin: 2 is more than the basket"),
        (lambda: Offer(id="x", kind="gift", amount=1, stock=-1), "stock: -1 is no whole number"),
        (lambda: Offer(id="x", kind="gift", amount=1, days=0), "days: 0 is no whole number from 1 up"),
        (lambda: Offer(id="x", kind="gift", amount=1, valid_from=NOW, valid_until=NOW), "is not after valid_from"),
        (lambda: Condition(column="state"), "state: give either within= or at_least= and at_most="),
        (lambda: Condition(column="state", within=["a"], at_most=1), "state: give either within="),
        (lambda: Condition(column="state", within="lost"), "within: 'lost': give a list of words"),
        (lambda: offers.check_catalogue([]), "offers: an empty catalogue"),
        (lambda: offers.check_catalogue([TEN, TEN]), "offers: columns 0 and 1 are both 'ten'"),
        (lambda: offers.from_json({"format": 2, "offers": []}), "format: 2 is unknown"),
        (lambda: offers.from_json({"format": 1}), "offers: None is no list"),
    ],
)
def test_bad_offers_are_named(make, said: str) -> None:
    """An offer that exists is valid."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        make()


def test_json_and_back() -> None:
    """What is stored comes back equal."""
    catalogue = (
        TEN,
        Offer(
            id="mug",
            kind="gift",
            amount="9.90",
            cost="3.10",
            margin="0.5",
            stock=40,
            valid_from=NOW,
            group="presents",
            conditions=[Condition(column="state", within=["lost"]), Condition(column="basket", at_least=20)],
        ),
    )
    assert offers.from_json(json.loads(json.dumps(offers.to_json(catalogue)))) == catalogue
