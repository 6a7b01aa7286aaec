"""Alternatives to a product that was returned or missed, each with its reason.

Two halves: `fit` learns from the order log which products the same customers buy (item-item cosine, shrunk), `suggest`
puts together what fits one customer now: in stock, of the same category, in the price band, and not sent back for the
same reason as the product at hand. Each alternative says why it is there. Nothing here writes or sends.

The similarity of two products bought by n_i and n_j customers, both by c::

    c / sqrt(n_i * n_j) * c / (c + 10)

The second factor keeps two products that one customer happened to buy from being twins (Koren 2008, KDD, section 2.2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from attrs import field, frozen

from retention import _checks, _sizes, _values
from retention._types import AnyArray, ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.people import Product
from retention.reasons import OwnReason, Reason

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Alternative", "Catalogue", "Similar", "fit", "suggest"]

Sort: TypeAlias = Literal["size", "colour", "similar", "popular"]

_SHRINK = 10.0
_ROWS = 1_000
"""Products whose neighbours are worked out at one time."""
_ANOTHER_MODEL = ("DEFECT",)
"""Families of reasons after which the same model in another colour is no help."""


@frozen(eq=False)
class Similar:
    """For each product those that its customers bought too; made by `fit`.

    `product_id`: sorted, (p,). `buyers`: of each, (p,). `neighbours`: places of its most similar products, the nearest
    first, (p, k), -1 where there are no more; `similarity`: theirs, (p, k), 0 to 1.
    """

    product_id: AnyArray
    buyers: IntArray
    neighbours: IntArray
    similarity: FloatArray
    _place: Mapping[str, int] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_place", {name: row for row, name in enumerate(self.product_id.tolist())})

    def near(self, product_id: str) -> Iterator[tuple[str, float]]:
        """The products most like this one, and how like; none for one that nobody bought."""
        row = self._place.get(product_id)
        if row is None:
            return
        for place, likeness in zip(self.neighbours[row].tolist(), self.similarity[row].tolist(), strict=True):
            if place >= 0:
                yield str(self.product_id[place]), likeness

    def bought_by(self, product_id: str) -> int:
        """How many customers bought it."""
        row = self._place.get(product_id)
        return 0 if row is None else int(self.buyers[row])


def fit(customer_id: ArrayLike, product_id: ArrayLike, *, neighbours: int = 50) -> Similar:
    """Learn which products the same customers buy, from one row for each line bought, (n,) each.

    Neither the order of rows nor doubles matter. `neighbours`: how many to keep for each product, at least 1. Raises
    `InvalidInput` naming column and row.

    >>> similar = fit(["ann", "ann", "ben", "ben", "cy"], ["tea", "mug", "tea", "mug", "hat"])
    >>> [(name, round(likeness, 2)) for name, likeness in similar.near("tea")]
    [('mug', 0.17)]
    """
    from scipy import sparse

    keep = _values.count("neighbours", neighbours, 1)
    customers, customer = _checks.distinct(_checks.ids("customer_id", customer_id))
    products, product = _checks.distinct(_checks.text_ids("product_id", product_id))
    _checks.same_length(customer_id=customer, product_id=product)
    shape = (len(customers), len(products))
    bought = sparse.csr_array((np.ones(len(product), dtype=np.float32), (customer, product)), shape=shape)
    bought.data[:] = 1  # however often
    by_product = bought.T.tocsr()
    buyers = np.diff(by_product.indptr).astype(np.int64)
    places = np.full((len(products), keep), -1)
    likeness = np.zeros((len(products), keep))
    for start in range(0, len(products), _ROWS):
        together = (by_product[start : start + _ROWS] @ bought).tocsr()
        _nearest(together, start, buyers, places, likeness)
    return Similar(products, buyers, places, likeness)


def _nearest(together: sparse.csr_array, start: int, buyers: IntArray, places: IntArray, likeness: FloatArray) -> None:
    """Fill in the neighbours of the products from ``start`` on; ``together``: how many customers bought both."""
    keep = places.shape[1]
    row = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    both = together.data.astype(np.float64)
    score = both / np.sqrt(buyers[start + row] * buyers[together.indices]) * both / (both + _SHRINK)
    score[together.indices == start + row] = 0  # itself
    for line in range(together.shape[0]):
        part = slice(together.indptr[line], together.indptr[line + 1])
        scores, others = score[part], together.indices[part]
        if len(scores) > keep:
            best = np.argpartition(-scores, keep)[:keep]
            scores, others = scores[best], others[best]
        order = np.lexsort((others, -scores))
        order = order[scores[order] > 0]
        places[start + line, : len(order)] = others[order]
        likeness[start + line, : len(order)] = scores[order]


@frozen(eq=False)
class Catalogue:
    """The shop's products as they are today, found by id, model and category; made by `of`."""

    products: Mapping[str, Product]
    _models: Mapping[str, tuple[Product, ...]]
    _popular: Mapping[str, tuple[Product, ...]]

    @staticmethod
    def of(products: Iterable[Product], similar: Similar) -> Catalogue:
        """Put the products in order: those of a category by how many bought them, as `similar` knows.

        Raises `InvalidInput` for an id that comes twice.
        """
        by_id: dict[str, Product] = {}
        models: dict[str, list[Product]] = {}
        categories: dict[str, list[Product]] = {}
        for product in products:
            if product.id in by_id:
                raise InvalidInput(f"products: {product.id!r} is there twice; give each id once")
            by_id[product.id] = product
            if product.model:
                models.setdefault(product.model, []).append(product)
            if product.category:
                categories.setdefault(product.category, []).append(product)
        for group in categories.values():
            group.sort(key=lambda product: (-similar.bought_by(product.id), product.id))
        return Catalogue(
            by_id,
            {name: tuple(group) for name, group in models.items()},
            {name: tuple(group) for name, group in categories.items()},
        )

    def model(self, product: Product) -> tuple[Product, ...]:
        """The product in all its sizes and colours."""
        return self._models.get(product.model, (product,))

    def popular(self, category: str) -> tuple[Product, ...]:
        """The products of a category, those that most customers bought first."""
        return self._popular.get(category, ())


@frozen
class Alternative:
    """One product to propose: which `sort` of alternative it is, and `why`, in a few words."""

    product: Product
    sort: Sort
    why: str


def suggest(
    catalogue: Catalogue,
    similar: Similar,
    product_id: str,
    *,
    reason: Reason | OwnReason | None = None,
    avoid: Collection[str] = (),
    band: tuple[float, float] = (0.7, 1.3),
    limit: int = 3,
) -> tuple[Alternative, ...]:
    """What to propose instead of the product, the best first, at most `limit`; pieces of one model count as one.

    `reason`: why it came back; None if it was missed, such as sold out. `avoid`: products never to propose: what the
    customer has or sent back, and what `fit_rates` finds to come back for this very reason. `band`: the prices that
    count as similar, as shares of the product's. Raises `InvalidInput` for a product that the catalogue does not hold.
    """
    _values.count("limit", limit, 1)
    if product_id not in catalogue.products:
        raise InvalidInput(f"product_id: {product_id!r} is not in the catalogue; add it, sold out or not")
    product = catalogue.products[product_id]
    found: list[Alternative] = []
    models: set[str] = set()
    for one in _candidates(catalogue, similar, product, reason, band):
        name = f"{one.sort == 'size'}{one.product.model}" if one.product.model else one.product.id
        if one.product.id not in avoid and one.product.in_stock and name not in models:
            models.add(name)
            found.append(one)
        if len(found) == limit:
            break
    return tuple(found)


def _candidates(
    catalogue: Catalogue,
    similar: Similar,
    product: Product,
    reason: Reason | OwnReason | None,
    band: tuple[float, float],
) -> Iterator[Alternative]:
    group = reason.group if reason is not None else ""
    if group not in _ANOTHER_MODEL:
        yield from _of_the_model(catalogue.model(product), product, reason)
    lowest, highest = (product.price * Decimal(str(share)) for share in band)

    def fits(other: Product) -> bool:
        same = other.id == product.id or (product.model != "" and other.model == product.model)
        return not same and other.category == product.category and lowest <= other.price <= highest

    for name, likeness in similar.near(product.id):
        other = catalogue.products.get(name)
        if other is not None and fits(other):
            yield Alternative(other, "similar", f"customers who bought it bought this too (likeness {likeness:.2f})")
    for other in catalogue.popular(product.category):
        if fits(other):
            yield Alternative(other, "popular", f"bought most often in {product.category}")


def _of_the_model(
    model: tuple[Product, ...], product: Product, reason: Reason | OwnReason | None
) -> Iterator[Alternative]:
    """Other sizes and colours of the product itself, as far as the reason leaves them worth proposing."""
    others = [one for one in model if one.id != product.id]
    sizes = [one for one in others if one.color == product.color and one.size != product.size]
    colours = [one for one in others if one.size == product.size and one.color != product.color]
    if reason is None or reason.group == "SIZE":
        for one in _by_size(sizes, product.size, reason):
            yield Alternative(one, "size", f"the same in size {one.size}")
    if reason is None or reason is Reason.STYLE:
        for one in sorted(colours, key=lambda one: one.id):
            yield Alternative(one, "colour", f"the same in {one.color}")


def _by_size(sizes: list[Product], size: str, reason: Reason | OwnReason | None) -> list[Product]:
    """The nearest sizes first; only larger ones if it was too small, only smaller ones if it was too large."""
    steps = [(_steps(size, one.size), one) for one in sizes]
    known = [(step, one) for step, one in steps if step is not None]
    if reason is Reason.SIZE_TOO_SMALL:
        known = [(step, one) for step, one in known if step > 0]
    elif reason is Reason.SIZE_TOO_LARGE:
        known = [(step, one) for step, one in known if step < 0]
    # Nobody can say whether a size on no scale is larger: it comes last.
    unknown = sorted((one for step, one in steps if step is None), key=lambda one: one.id)
    return [one for _, one in sorted(known, key=lambda pair: (abs(pair[0]), pair[0], pair[1].id))] + unknown


def _steps(size: str, other: str) -> float | None:
    """How much larger the other size is, on their scale; None if they are not on one."""
    here, there = _sizes.place(size), _sizes.place(other)
    return None if here is None or there is None or here.scale != there.scale else there.step - here.step
