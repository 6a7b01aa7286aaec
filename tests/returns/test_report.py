"""The report counts what there is, finds the listings that were planted, and refuses what nobody can know."""

from __future__ import annotations

import numpy as np
import pytest

from retention import returns
from retention.returns import Reason

DAY = np.datetime64("2026-01-01")


def shop(seed=0, n=6_000):
    """Twenty products; the returns of "dress" are for its size, those of "lamp" for its description."""
    rng = np.random.default_rng(seed)
    product = rng.choice(["dress", "lamp", *(f"p{i}" for i in range(18))], n)
    size = rng.choice(["S", "M", "L"], n)
    of = returns.Lines.of(
        rng.integers(0, 900, n), np.arange(n), product, DAY + np.sort(rng.integers(0, 200, n)), size=size
    )
    back = rng.random(n) < np.where(product == "dress", 0.4, 0.15)
    usual = rng.choice(
        ["SIZE_TOO_SMALL", "STYLE", "DEFECTIVE", "NOT_AS_DESCRIBED", ""], n, p=[0.1, 0.4, 0.3, 0.05, 0.15]
    )
    small, told = (product == "dress") & (rng.random(n) < 0.6), (product == "lamp") & (rng.random(n) < 0.7)
    reason = np.select([~back, small, told], ["", "SIZE_TOO_SMALL", "NOT_AS_DESCRIBED"], usual)
    return of, back.astype(int), reason, np.where(np.isin(product, ["dress", "p1"]), "west", "east")


def test_the_planted_listings_are_found_and_no_other():
    """A product that runs small and one that is not as described are listed, with advice; twenty others are not."""
    of, back, reason, supplier = shop()
    found = returns.report(of, back, reason, supplier=supplier)
    assert [(one.product_id, one.reason) for one in found.listings] == [
        ("dress", Reason.SIZE_TOO_SMALL),
        ("lamp", Reason.NOT_AS_DESCRIBED),
    ]
    assert found.listings[0].advice.startswith("runs small: ")
    for one in found.listings:
        assert one.lower > one.usual
        assert one.count <= one.returns


def test_every_share_has_its_interval():
    """Rates by product, size and supplier, and the reasons of returns that gave one, sum up as counted."""
    of, back, reason, supplier = shop()
    found = returns.report(of, back, reason, supplier=supplier, level=0.8)
    assert found.products.group[np.argmax(found.products.rate)] == "dress"
    assert set(found.sizes.group) >= {"dress/S", "lamp/L"}
    assert found.suppliers.group.tolist() == ["east", "west"]
    assert found.suppliers.rate[1] > found.suppliers.upper[0]
    assert sum(one.returns for one in found.reasons) == (reason != "").sum()
    assert sum(one.share for one in found.reasons) == pytest.approx(1)
    assert all(one.lower < one.share < one.upper for one in found.reasons)


def test_products_that_came_back_are_told_with_their_reasons():
    """Each with its returns as counted, the one with the most first; a product that nobody sent back is not there."""
    of, back, reason, _ = shop(n=600)
    kept = of.product_id == "p3"
    back, reason = np.where(kept, 0, back), np.where(kept, "", reason)
    found = returns.report(of, back, reason).by_product
    assert {one.product_id for one in found} == set(of.product_id) - {"p3"}
    assert [one.returned for one in found] == sorted((one.returned for one in found), reverse=True)
    for one in found:
        own = of.product_id == one.product_id
        assert one.returned == back[own].sum()
        assert dict(one.reasons) == {Reason(name): (reason[own] == name).sum() for name in set(reason[own]) - {""}}
        assert one.lower < one.rate < one.upper
    dress = next(one for one in found if one.product_id == "dress")
    assert dress.reasons[0][0] is Reason.SIZE_TOO_SMALL


def test_without_sizes_suppliers_and_reasons():
    """What the lines do not have is not reported."""
    of, back, _, _ = shop()
    bare = returns.Lines.of(of.customer_id, of.order_id, of.product_id, DAY + np.zeros(len(of), int))
    found = returns.report(bare, back, [""] * len(of))
    assert (found.sizes, found.suppliers, found.reasons, found.listings) == (None, None, (), ())


def test_what_cannot_be_reported_is_refused(raises):
    """Unknown reasons, and reasons on lines that did not come back; and the comparison that fools everybody."""
    of, back, reason, _ = shop(n=200)
    raises("reason: row 0 is 'TASTE', unknown", returns.report, of, back, ["TASTE"] * 200)
    raises("a reason on a line that did not come back", returns.report, of, back, ["STYLE"] * 200)
    raises("compare arms drawn by chance", returns.effect_of_returning, back, reason)
