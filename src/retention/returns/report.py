"""What a shop's returns say: rates by product, size and supplier, the reasons, and the listings that mislead.

One pass over the lines and the reasons of those that came back. Every share has an interval; what rests on few sales
leans on the shop's other groups. No number here says what returning does to a customer: see `effect_of_returning`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.intervals import wilson
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray
from retention.errors import InvalidInput
from retention.reasons import Reason
from retention.returns.lines import Lines
from retention.returns.rates import Rates, fit_rates

__all__ = ["Listing", "ProductReturns", "ReasonShare", "Report", "effect_of_returning", "report"]

_SAYS = {
    Reason.SIZE_TOO_SMALL: "runs small: say so beside the sizes, and recommend one size up",
    Reason.SIZE_TOO_LARGE: "runs large: say so beside the sizes, and recommend one size down",
    Reason.NOT_AS_DESCRIBED: "not as described: compare pictures and text with the goods",
}
"""Reasons that a better listing prevents."""
_FEWEST_LISTED = 3
"""Returns for one reason before a listing is blamed."""


@frozen
class ReasonShare:
    """How many returns gave a reason, and the share of all returns that gave any, with its interval."""

    reason: Reason
    returns: int
    share: float
    lower: float
    upper: float


@frozen
class Listing:
    """A product whose returns point at its listing: `count` of its `returns` gave this reason, and what to do.

    `share`: of its returns, drawn to `usual`, that of other products; its lower limit is above that.
    """

    product_id: str
    reason: Reason
    count: int
    returns: int
    share: float
    lower: float
    usual: float
    advice: str


@frozen
class ProductReturns:
    """A product that came back: in how many lines, its `rate` as in `Rates` with the interval, and the reasons.

    `reasons`: how many lines gave each, the most frequent first; those without a reason are in none.
    """

    product_id: str
    returned: int
    rate: float
    lower: float
    upper: float
    reasons: tuple[tuple[Reason, int], ...]


@frozen(eq=False)
class Report:
    """Rates by product, by size of a product and by supplier, the reasons, and the listings to look at, worst first.

    `by_product`: every product that came back, with its reasons, the one with the most returns first.

    `sizes` and `suppliers` are None where the lines have none.
    """

    products: Rates
    sizes: Rates | None
    suppliers: Rates | None
    reasons: tuple[ReasonShare, ...]
    by_product: tuple[ProductReturns, ...]
    listings: tuple[Listing, ...]


def report(
    lines: Lines,
    returned: ArrayLike,
    reason: Sequence[str],
    *,
    supplier: ArrayLike | None = None,
    settled: ArrayLike | None = None,
    level: float = 0.9,
) -> Report:
    """The report on `lines`: `returned`, 0 or 1, and `reason`, a name of `Reason` or "", for each line, (n,).

    `supplier`: of each line. `settled`: as in `fit_rates`. `level`: of all intervals. The size of a product is called
    "product/size". Raises `InvalidInput` naming column and row: a reason on a line that did not come back among them.
    """
    back = _checks.floats("returned", returned, at_least=0, at_most=1)
    words = _checks.labels("reason", reason)
    _checks.same_length(lines=lines.day, returned=back, reason=words)
    _checks.refuse("reason", words, ~np.isin(words, ["", *Reason]), "unknown; use the names of Reason, or nothing")
    _checks.refuse("reason", words, (words != "") & (back != 1), "a reason on a line that did not come back")
    products = fit_rates(lines.product_id, back, settled=settled, level=level)
    return Report(
        products,
        _sizes(lines, back, settled, products, level),
        None if supplier is None else fit_rates(supplier, back, settled=settled, level=level),
        tuple(_reasons(words, level)),
        tuple(_by_product(products, lines.product_id, words)),
        tuple(_listings(lines.product_id, words, back == 1, level)),
    )


def _sizes(lines: Lines, back: FloatArray, settled: ArrayLike | None, products: Rates, level: float) -> Rates | None:
    if not (lines.size != "").any():
        return None
    names = np.char.add(np.char.add(lines.product_id, "/"), lines.size)
    return fit_rates(names, back, settled=settled, within=products, parent=lines.product_id, level=level)


def _reasons(words: AnyArray, level: float) -> list[ReasonShare]:
    counts = Counter(words[words != ""].tolist())
    total = sum(counts.values())
    found = []
    for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        lower, upper = wilson(count, total, level=level)
        found.append(ReasonShare(Reason(name), count, count / total, float(lower), float(upper)))
    return found


def _by_product(products: Rates, product: AnyArray, words: AnyArray) -> list[ProductReturns]:
    told: dict[str, Counter[str]] = {}
    for name, word in zip(product[words != ""].tolist(), words[words != ""].tolist(), strict=True):
        told.setdefault(str(name), Counter())[word] += 1
    rows = sorted(np.flatnonzero(products.returned > 0).tolist(), key=lambda row: (-products.returned[row], row))
    return [_product(products, row, told.get(str(products.group[row]), Counter())) for row in rows]


def _product(products: Rates, row: int, told: Counter[str]) -> ProductReturns:
    return ProductReturns(
        product_id=str(products.group[row]),
        returned=int(products.returned[row]),
        rate=float(products.rate[row]),
        lower=float(products.lower[row]),
        upper=float(products.upper[row]),
        reasons=tuple((Reason(name), count) for name, count in sorted(told.items(), key=lambda one: (-one[1], one[0]))),
    )


def _listings(product: AnyArray, words: AnyArray, back: BoolArray, level: float) -> list[Listing]:
    """Products for whose returns a reason is more frequent than chance makes it."""
    told = back & (words != "")
    found: list[Listing] = []
    for reason, advice in _SAYS.items():
        given = (words[told] == reason).astype(np.float64)
        if not 0 < given.sum() < len(given):
            continue
        shares = fit_rates(product[told], given, level=level)
        rows = np.flatnonzero((shares.lower > shares.usual) & (shares.returned >= _FEWEST_LISTED))
        found += [_listing(shares, row, reason, advice) for row in rows.tolist()]
    return sorted(found, key=lambda listing: (-listing.count, listing.product_id))


def _listing(shares: Rates, row: int, reason: Reason, advice: str) -> Listing:
    return Listing(
        product_id=str(shares.group[row]),
        reason=reason,
        count=int(shares.returned[row]),
        returns=int(shares.sold[row]),
        share=float(shares.rate[row]),
        lower=float(shares.lower[row]),
        usual=float(shares.usual[row]),
        advice=advice,
    )


def effect_of_returning(*_columns: object) -> NoReturn:
    """Refused, always: whether returners buy again more often than others says nothing about returns."""
    raise InvalidInput(
        "returned: customers who send something back buy larger baskets and buy again anyway; "
        "compare arms drawn by chance, such as two return processes, with experiments.difference"
    )
