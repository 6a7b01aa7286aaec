"""Alternatives: alike by the formula, in stock, in the band, of the category, and with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import alternatives
from retention.errors import InvalidInput
from retention.people import Product
from retention.reasons import OwnReason, Reason


def product(name, price="50", category="coats", **more):
    return Product(id=name, name=name.title(), price=price, category=category, **more)


def coat(color, size, **more):
    return product(f"coat-{color}-{size}", model="coat", color=color, size=size, **more)


COATS = [coat(color, size) for color in ("red", "blue") for size in ("S", "M", "L", "XL")]
OTHERS = [product("parka"), product("cape", price="64"), product("fur", price="900"), product("hat", category="hats")]
BOUGHT = [
    *(("ann", "coat-red-M"), ("ann", "parka"), ("ben", "coat-red-M"), ("ben", "parka"), ("ben", "hat"), ("cy", "cape")),
    *((name, "fur") for name in ("ann", "ben", "cy", "di")), ("di", "cape"), ("ed", "coat-red-M"),
]  # fmt: skip


@pytest.fixture(scope="module")
def similar():
    return alternatives.fit(*zip(*BOUGHT, strict=True))


def proposed(similar, name, products=(*COATS, *OTHERS), **options):
    catalogue = alternatives.Catalogue.of(products, similar)
    return [(one.product.id, one.sort) for one in alternatives.suggest(catalogue, similar, name, **options)]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 8)), min_size=1, max_size=80), st.integers(1, 9))
def test_similarity_is_the_formula(bought, keep):
    """Every kept neighbour has c / sqrt(n m) * c / (c + 10), none is left out that is nearer, none is the product."""
    similar = alternatives.fit(*zip(*bought, strict=True), neighbours=keep)
    buyers = {p: {c for c, other in bought if other == p} for p in {p for _, p in bought}}
    for p, mine in buyers.items():
        wanted = {}
        for other, theirs in buyers.items():
            both = len(mine & theirs)
            if other != p and both:
                wanted[str(other)] = both / np.sqrt(len(mine) * len(theirs)) * both / (both + 10)
        found = dict(similar.near(str(p)))
        assert similar.bought_by(str(p)) == len(mine)
        assert sorted(found.values(), reverse=True) == pytest.approx(sorted(wanted.values(), reverse=True)[:keep])
        assert found == pytest.approx({name: wanted[name] for name in found})
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_only_the_nearest_are_kept():
    """Of more neighbours than are to be kept the nearest stay."""
    bought = [(f"c{i}", p) for i in range(9) for p in ("tea", *(f"mug{j}" for j in range(i)))]
    similar = alternatives.fit(*zip(*bought, strict=True), neighbours=2)
    assert [name for name, _ in similar.near("tea")] == ["mug0", "mug1"]


def test_what_nobody_bought_is_like_nothing(similar):
    """A product without buyers has no neighbours; one whose buyers bought nothing else has none either."""
    assert list(similar.near("unknown")) == []
    assert similar.bought_by("unknown") == 0
    assert list(alternatives.fit(["a", "b"], ["x", "y"]).near("x")) == []


def test_too_small_is_answered_with_the_next_sizes_up(similar):
    """Sizes up only, the nearest first, then what others bought; never the size it was."""
    found = proposed(similar, "coat-red-M", reason=Reason.SIZE_TOO_SMALL, limit=4)
    assert found == [("coat-red-L", "size"), ("parka", "similar"), ("cape", "popular")]
    gone = [coat("red", "L", in_stock=False) if one.id == "coat-red-L" else one for one in COATS]
    assert proposed(similar, "coat-red-M", (*gone, *OTHERS), reason=Reason.SIZE_TOO_SMALL)[0] == ("coat-red-XL", "size")
    assert proposed(similar, "coat-red-M", reason=Reason.SIZE_TOO_LARGE)[0] == ("coat-red-S", "size")
    assert proposed(similar, "coat-red-S", reason=Reason.SIZE_TOO_LARGE) == [("cape", "popular"), ("parka", "popular")]


def test_style_is_answered_with_another_colour(similar):
    """Another colour in the same size; after a defect or an unknown reason of the shop's own no piece of the model."""
    assert proposed(similar, "coat-red-M", reason=Reason.STYLE)[0] == ("coat-blue-M", "colour")
    assert [sort for _, sort in proposed(similar, "coat-red-M", reason=Reason.DEFECTIVE)] == ["similar", "popular"]
    own = OwnReason(value="ALLERGY", group="DEFECT", fault="buyer", en="a", ru="b")
    assert proposed(similar, "coat-red-M", reason=own) == proposed(similar, "coat-red-M", reason=Reason.DEFECTIVE)
    assert proposed(similar, "coat-red-M", reason=Reason.PRICE)[0] == ("parka", "similar")


def test_a_missed_product_comes_in_another_size_or_colour(similar):
    """Sold out: sizes around it first, one piece of each sort of the model, then colours."""
    assert proposed(similar, "coat-red-M", limit=2) == [("coat-red-S", "size"), ("coat-blue-M", "colour")]


def test_every_filter_filters(similar):
    """Out of stock, out of the band, of another category, to be avoided: not proposed."""
    assert "fur" in dict(similar.near("coat-red-M"))
    names = [name for name, _ in proposed(similar, "coat-red-M", reason=Reason.PRICE, limit=9)]
    assert names == ["parka", "cape"]
    assert proposed(similar, "coat-red-M", reason=Reason.PRICE, avoid={"parka"}, limit=9) == [("cape", "popular")]
    assert proposed(similar, "coat-red-M", reason=Reason.PRICE, band=(0.9, 1.1), limit=9) == [("parka", "similar")]
    assert proposed(similar, "coat-red-M", reason=Reason.PRICE, band=(0.5, 100), limit=9)[1] == ("fur", "similar")


def test_sizes_on_no_scale_come_last(similar):
    """Nobody can say whether "tall" is larger than M."""
    more = [coat("red", "tall"), coat("red", "40")]
    found = proposed(similar, "coat-red-XL", (*COATS, *OTHERS, *more), reason=Reason.SIZE_TOO_SMALL)
    assert found[0] == ("coat-red-40", "size")


def test_each_says_why(similar):
    """The reason is in words that a letter can use."""
    catalogue = alternatives.Catalogue.of([*COATS, *OTHERS], similar)
    found = alternatives.suggest(catalogue, similar, "coat-red-M", reason=Reason.SIZE_TOO_SMALL, limit=3)
    assert [one.why for one in found] == [
        "the same in size L",
        "customers who bought it bought this too (likeness 0.14)",
        "bought most often in coats",
    ]


def test_a_product_alone_has_no_alternative():
    """Without model, category and buyers there is nothing to propose, and that is no error."""
    similar = alternatives.fit([], [])
    catalogue = alternatives.Catalogue.of([product("lonely", category="")], similar)
    assert alternatives.suggest(catalogue, similar, "lonely") == ()


def test_bad_input_is_refused_in_one_line(similar):
    """Unknown products, doubles, columns of two lengths, nonsense limits."""
    catalogue = alternatives.Catalogue.of(OTHERS, similar)
    for call, message in (
        (lambda: alternatives.suggest(catalogue, similar, "sock"), "product_id: 'sock' is not in the catalogue"),
        (lambda: alternatives.suggest(catalogue, similar, "hat", limit=0), "limit: 0"),
        (lambda: alternatives.Catalogue.of([OTHERS[0], OTHERS[0]], similar), "products: 'parka' is there twice"),
        (lambda: alternatives.fit(["a"], ["x", "y"]), "customer_id"),
        (lambda: alternatives.fit(["a"], [None]), "product_id: row 0 is None, missing"),
        (lambda: alternatives.fit(["a"], ["x"], neighbours=0), "neighbours: 0"),
    ):
        with pytest.raises(InvalidInput) as error:
            call()
        assert message in str(error.value)
        assert "\n" not in str(error.value)
