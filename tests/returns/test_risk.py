"""The risk of a line: every clue counts when there is something to it, nothing looks ahead, and the reasons add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import returns
from retention.errors import InvalidInput
from retention.returns.lines import clues, learn

DAY = np.datetime64("2026-01-01")


def basket(customer="ann", order="o1", product="coat", day=0, **more):
    """One line, as columns of one row."""
    return {
        "customer_id": [customer],
        "order_id": [order],
        "product_id": [product],
        "ordered_at": [DAY + np.timedelta64(day, "D")],
        **more,
    }


def lines(*rows):
    """Lines from `basket`s, all with the same columns."""
    return returns.Lines.of(**{name: [value for row in rows for value in row[name]] for name in rows[0]})


def levels(of, past=None, **options):
    """Each clue's levels by name."""
    past = learn(of) if past is None else past
    return dict(zip(returns.CLUES, (column.tolist() for column in clues(of, past, **options)), strict=True))


def history(seed=0, n=4_000):
    """A shop in which coats come back, size L of anything does, and customer c0 sends most things back."""
    rng = np.random.default_rng(seed)
    product, size = rng.choice(["coat", "scarf", "hat"], n), rng.choice(["S", "M", "L"], n)
    customer = rng.choice([f"c{i}" for i in range(200)], n)
    logit = -2.5 + 1.5 * (product == "coat") + 1.0 * (size == "L") + 3.0 * (customer == "c0")
    day = np.sort(rng.integers(0, 300, n))
    of = returns.Lines.of(
        customer, np.arange(n), product, DAY + day, size=size, category=product, value=rng.gamma(2, 20, n)
    )
    return of, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)


def test_what_is_planted_is_found():
    """Product, size and customer raise the risk; the reasons say so, and add up to the chance."""
    of, back = history()
    model = returns.fit_risk(of, back)
    extra = {"size": ["L"], "category": ["coat"], "value": [40.0]}
    worst = basket("c0", product="coat", day=400, **extra)
    best = basket("c1", order="o2", product="hat", day=400, **extra | {"size": ["M"], "category": ["hat"]})
    found = returns.risk(model, lines(worst, best))
    assert found.p[0] > 0.6
    assert found.p[1] < 0.15
    assert found.why(0).startswith(f"{found.p[0]:.0%} against the usual {model.rate:.0%}; odds: this product ×")
    assert "this customer ×" in found.why(0)
    logit = model.effects.intercept + found.effect.sum(axis=1)
    assert found.p == pytest.approx(1 / (1 + np.exp(-logit)))
    assert ((found.lower < found.p) & (found.p < found.upper)).all()
    assert model.spread["customer"] > 0.2 > model.spread["value"]


def test_strangers_are_average():
    """A product, customer and category nobody knows have the intercept's risk and the widest interval."""
    of, back = history()
    model = returns.fit_risk(of, back)
    found = returns.risk(
        model, lines(basket("new", product="new", day=400, size=["9"], category=["new"], value=[np.nan]))
    )
    quiet = [
        i for i, name in enumerate(returns.CLUES) if name not in ("first_time", "value", "unusual_size", "bracketing")
    ]
    assert found.effect[0, quiet].tolist() == [0.0] * len(quiet)


def test_bracketing_is_one_product_in_two_sizes_of_one_order():
    """Not two pieces of one size, not two products, not two orders."""
    of = lines(
        basket(size=["M"]), basket(size=["L"]), basket(product="scarf", size=["M"]), basket(product="scarf", size=["M"]),
        basket(order="o2", size=["S"]), basket(order="o2", product="scarf", size=["L"]),
    )  # fmt: skip
    assert levels(of)["bracketing"] == [1, 1, 0, 0, 0, 0]


def test_first_time_looks_back_only():
    """2 for a customer's first day, 1 for a new category later, 0 for one bought from before; the same day is no past."""
    of = lines(
        basket(day=5, category=["warm"]), basket(day=5, product="scarf", category=["warm"]),
        basket(day=9, order="o3", product="mug", category=["home"]), basket(day=9, order="o3", category=["warm"]),
        basket(day=1, customer="ben", order="o4", category=["home"]),
    )  # fmt: skip
    assert levels(of, learning=True)["first_time"] == [2, 2, 1, 0, 2]
    later = lines(
        basket(day=20, order="o5", category=["warm"]), basket(day=20, customer="ben", order="o6", category=["warm"])
    )
    assert levels(later, learn(of))["first_time"] == [0, 1]
    without = lines(basket(day=1), basket(day=2, order="o2"), basket(day=2, order="o2", product="mug"))
    assert levels(without, learning=True)["first_time"] == [2, 0, 1]


@pytest.mark.parametrize("usual, other", [(["40", "40"], "46"), (["M", "m"], "2XL"), (["38,5", "39.5"], "44")])
def test_an_unusual_size_is_measured_on_its_own_scale(usual, other):
    """Numbers against numbers, letters against letters; what is on no scale, or the first of its scale, says nothing."""
    rows = [
        basket(day=i, order=f"o{i}", size=[size])
        for i, size in enumerate([*usual, other, "one size", "7" if other == "2XL" else "S"])
    ]
    found = levels(lines(*rows), learning=True)["unusual_size"]
    assert found[0] == found[3] == found[4] == 0
    assert found[2] >= 8
    later = levels(
        lines(basket(day=50, size=[other]), basket(day=50, customer="ben", size=[other])), learn(lines(*rows))
    )
    assert later["unusual_size"][0] > 6
    assert later["unusual_size"][1] == 0


def test_a_clue_that_the_shop_does_not_have_is_left_out():
    """Without sizes, categories and values these clues neither count nor take from the others."""
    rng = np.random.default_rng(1)
    of = returns.Lines.of(
        rng.integers(0, 50, 900), np.arange(900), rng.integers(0, 9, 900), DAY + np.sort(rng.integers(0, 90, 900))
    )
    model = returns.fit_risk(of, rng.random(900) < 0.2)
    absent = ("size", "category", "category_size", "unusual_size", "bracketing", "value")
    assert [model.spread[name] for name in absent] == [0.0] * len(absent)
    assert not returns.risk(model, of).effect[:, [returns.CLUES.index(name) for name in absent]].any()
    assert len(of) == len(returns.risk(model, of).p)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(0, 3_999))
def test_one_more_return_of_a_product_never_lowers_its_risk(seed, row):
    """Learned from the same lines with one more of them returned, the risk of that very line is not lower."""
    of, back = history(seed % 5)
    changed = back.copy()
    changed[row], back[row] = 1, 0
    with_it, without = (returns.risk(returns.fit_risk(of, b), of).p[row] for b in (changed, back))
    assert with_it > without


def test_lines_not_settled_count_less():
    """Half of the sales so recent that no return could be known yet do not lower the risk."""
    of, back = history()
    recent = np.arange(len(of)) % 2 == 1
    back = np.where(recent, 0, back)
    settled = np.where(recent, 0.001, 1.0)
    aware, naive = returns.fit_risk(of, back, settled=settled), returns.fit_risk(of, back)
    assert aware.rate > 1.8 * naive.rate
    assert returns.risk(aware, of).p.mean() > 1.7 * returns.risk(naive, of).p.mean()


def test_empty_baskets_and_bad_columns():
    """No lines give no risk; what cannot be learned from is refused in one line that names column and row."""
    of, back = history(n=300)
    model = returns.fit_risk(of, back)
    empty = returns.Lines.of([], [], [], np.array([], dtype="M8[D]"), size=[], category=[], value=[])
    assert returns.risk(model, empty).p.shape == (0,)
    assert repr(empty) == "Lines(0 lines)"
    for call, message in (
        (lambda: returns.fit_risk(of, back[:-1]), "returned"),
        (lambda: returns.fit_risk(of, np.zeros(300)), "returned: 0 of 300 lines; some must and some must not"),
        (lambda: returns.fit_risk(of, back + 0.5), "returned: row"),
        (lambda: returns.Lines.of(["a"], ["b"], [None], ["2026-01-01"]), "product_id: row 0 is None, missing"),
        (lambda: returns.Lines.of(["a"], ["b"], ["c"], ["2026-01-01"], size=["S", "M"]), "size"),
        (lambda: returns.Lines.of(["a"], ["b"], ["c"], ["2026-01-01"], value=[np.inf]), "value: row 0 is inf"),
        (lambda: returns.risk(model, of, level=1.5), "level"),
    ):
        with pytest.raises(InvalidInput) as error:
            call()
        assert message in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.shared_data
def test_rent_the_runway(shared_data):
    """Learned before 2017-07, on what came after: log loss, order, calibration and lift as the goals say."""
    import polars as pl

    rows = pl.read_csv(shared_data / "rtr_fit.csv.gz", infer_schema_length=0)
    column = {
        name: rows[name].to_numpy().astype(str) for name in ("user_id", "item_id", "size", "category", "review_date")
    }
    day = column["review_date"].astype("M8[D]")
    back, before = (rows["fit"] != "fit").to_numpy(), day < np.datetime64("2017-07-01")

    def of(chosen):
        user = column["user_id"][chosen]
        order = np.char.add(user, column["review_date"][chosen])
        more = {name: column[name][chosen] for name in ("size", "category")}
        return returns.Lines.of(user, order, column["item_id"][chosen], day[chosen], **more)

    p = returns.risk(returns.fit_risk(of(before), back[before]), of(~before)).p
    y = back[~before]
    riskiest = np.argsort(-p)[: len(p) // 5]
    groups = np.array_split(np.argsort(p), 10)
    assert -np.log(np.where(y, p, 1 - p)).mean() <= 0.555
    assert y[riskiest].mean() >= 1.65 * y.mean()
    assert sum(len(g) * abs(y[g].mean() - p[g].mean()) for g in groups) / len(p) <= 0.01
