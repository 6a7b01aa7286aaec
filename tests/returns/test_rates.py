"""Rates lean on the others as far as the data say, know what is not known yet, and say how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import returns
from retention.errors import InvalidInput


def sales(seed=0, groups=300, mean=20):
    rng = np.random.default_rng(seed)
    rate = rng.beta(2, 8, groups)
    group = np.repeat(np.arange(groups), rng.poisson(mean, groups) + 1)
    return rate, group, (rng.random(len(group)) < rate[group]).astype(int)


def test_a_rate_lies_between_its_own_share_and_the_usual_one():
    """The more sales, the nearer to its own share; the order of groups is that of their ids."""
    rates = returns.fit_rates(["b"] * 2 + ["a"] * 50 + ["c"] * 50, [1, 1] + [1, 0] * 25 + [0] * 49 + [1])
    own = rates.returned / rates.sold
    assert rates.group.tolist() == ["a", "b", "c"]
    assert ((rates.rate - own) * (rates.rate - rates.usual) <= 0).all()
    assert abs(rates.rate[0] - own[0]) < abs(rates.rate[1] - own[1])
    assert (rates.lower < rates.rate).all()
    assert (rates.rate < rates.upper).all()


def test_intervals_cover_as_promised():
    """Nine in ten true rates, and nine in ten or more next counts, lie in the intervals of level .9."""
    rng, inside, counted = np.random.default_rng(1), [], []
    for seed in range(8):
        rate, group, back = sales(seed)
        rates = returns.fit_rates(group, back)
        true = rate[rates.group.astype(int)]
        inside.append((rates.lower <= true) & (true <= rates.upper))
        lower, upper = rates.counts(np.full(len(true), 40))
        drawn = rng.binomial(40, true)
        counted.append((lower <= drawn) & (drawn <= upper))
    assert 0.885 < np.mean(inside) < 0.915
    assert 0.9 < np.mean(counted) < 0.96


def test_more_returns_never_lower_a_rate():
    """Given what the others are like, a further return raises the rate and a further kept sale lowers it."""
    rates = [
        returns.Rates(np.array(["a"]), np.array([10.0]), np.array([float(n)]), np.array([0.2]), 8.0, 0.9)
        for n in range(11)
    ]
    for column in ("rate", "lower", "upper"):
        assert (np.diff([float(getattr(one, column)[0]) for one in rates]) > 0).all()


def test_a_size_leans_on_its_product():
    """A size sold twice is like its product; a product that nobody knows is like the shop."""
    product = np.repeat(["coat", "scarf"], [200, 200])
    size = np.char.add(np.char.add(product, "/"), np.tile(["S", "S", "M", "M"], 100))
    back = np.concatenate([np.tile([1, 0], 100), np.zeros(200, int)])
    products = returns.fit_rates(product, back)
    sizes = returns.fit_rates([*size, "coat/XXL"], [*back, 0], within=products, parent=[*product, "coat"])
    rare = sizes.rate[sizes.group == "coat/XXL"][0]
    assert products.of(["coat"])[0] > 0.4
    assert products.of(["scarf"])[0] < 0.05
    assert rare > 0.3
    assert products.of(["hat"])[0] == pytest.approx(products.usual[0])


def test_delay_is_that_of_the_returns_still_to_come():
    """Seen from a day on which the late ones are still out, the shares are those of all returns."""
    rng = np.random.default_rng(5)
    age = rng.uniform(0, 120, 60_000)
    lag = rng.exponential(10, 60_000)
    known = lag <= age
    delay = returns.fit_delay(lag[known], age[known])
    for days in (3, 10, 30):
        assert delay.share([days])[0] == pytest.approx(1 - np.exp(-days / 10), abs=0.015)
    assert delay.share([0, 1_000]).tolist() == [0, 1]


def test_recent_sales_count_by_what_is_known_of_them():
    """A product that is sold lately has fewer returns so far, and yet its own rate."""
    rng = np.random.default_rng(6)
    new = np.arange(40_000) % 2 == 0
    age, lag = np.where(new, 5.0, 200.0), rng.exponential(10, 40_000)
    returned = (rng.random(40_000) < 0.1) & (lag <= age)
    delay = returns.Delay(np.linspace(0, 100, 1_001), 1 - np.exp(-np.linspace(0, 10, 1_001)))
    naive = returns.fit_rates(np.where(new, "new", "old"), returned)
    aware = returns.fit_rates(np.where(new, "new", "old"), returned, settled=delay.share(age))
    assert naive.rate[0] < 0.06
    assert aware.rate == pytest.approx([0.1, 0.1], abs=0.01)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), min_size=2, max_size=60))
def test_any_sales_give_rates_between_0_and_1(lines):
    """Whatever was sold: every group has a rate strictly inside its interval, or the data say nothing at all."""
    group, back = zip(*lines, strict=True)
    if len(set(back)) == 1:
        with pytest.raises(InvalidInput, match=r"^returned: .* some must and some must not$"):
            returns.fit_rates(group, back)
        return
    rates = returns.fit_rates(group, back)
    assert ((rates.lower >= 0) & (rates.lower < rates.rate) & (rates.rate < rates.upper) & (rates.upper <= 1)).all()


def test_bad_input_names_column_and_row():
    """What cannot be rates is refused in one line."""
    rates = returns.fit_rates(["a", "b"], [1, 0])
    for call, message in (
        (lambda: returns.fit_rates(["a", "b"], [1, 2]), "returned: row 1 is 2.0, above 1"),
        (lambda: returns.fit_rates(["a", "b"], [1, 0.5]), "returned: row 1 is 0.5, neither 0 nor 1"),
        (lambda: returns.fit_rates(["a", None], [1, 0]), "group: row 1 is None, missing"),
        (lambda: returns.fit_rates(["a", "b"], [1, 0], settled=[1, 1.5]), "settled: row 1 is 1.5, above 1"),
        (lambda: returns.fit_rates(["a", "b"], [1, 0], within=rates), "parent: missing"),
        (
            lambda: returns.fit_rates(["s", "s"], [1, 0], within=rates, parent=["a", "b"]),
            "parent: row 0 is 'a', a group of",
        ),
        (lambda: returns.fit_delay([5], [3]), "lag: row 0 is 5.0, longer than the sale is old"),
        (lambda: returns.fit_delay([], []), "lag: no return is known"),
        (lambda: rates.counts([1]), "sales"),
    ):
        with pytest.raises(InvalidInput) as error:
            call()
        assert message in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.shared_data
def test_rent_the_runway_by_item(shared_data):
    """The published anchor: rates of items, learned before 2017-07, have log loss .55738 after; the raw ones .63776."""
    import polars as pl

    rows = pl.read_csv(shared_data / "rtr_fit.csv.gz", infer_schema_length=0)
    before = (rows["review_date"] < "2017-07-01").to_numpy()
    item, back = rows["item_id"].to_numpy().astype(str), (rows["fit"] != "fit").to_numpy()
    chance = returns.fit_rates(item[before], back[before]).of(item[~before])
    loss = -np.log(np.where(back[~before], chance, 1 - chance)).mean()
    assert loss == pytest.approx(0.55738, abs=1e-5)
