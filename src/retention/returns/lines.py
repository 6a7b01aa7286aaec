"""Lines of baskets as columns, and what each says about its return before it is delivered.

Nine *clues*: the product, its size, the customer, the category, the size within the category, whether the size is
another than the customer's usual one, whether the basket holds one product in several sizes, whether the customer buys
from the category for the first time, and the line's value. Each gives every line one of a few or many levels. What came
before a line is what `Past` keeps of the lines that were learned from, and the lines of earlier days handed in with it.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve, field, frozen

from retention import _checks, _sizes
from retention._stats.bins import cut_offs, groups
from retention._types import AnyArray, ArrayLike, BoolArray, FloatArray, IntArray
from retention.orders.log import order_days, sealed

__all__ = ["CLUES", "Lines", "Past", "clues", "learn"]

CLUES = (
    "product",
    "size",
    "customer",
    "category",
    "category_size",
    "unusual_size",
    "bracketing",
    "first_time",
    "value",
)
"""The clues, in the order of their columns."""
_LEVELS = {"unusual_size": 12, "bracketing": 2, "first_time": 3, "value": 11}
_STEPS = (-4.5, -2.5, -1.5, -0.75, -0.25, 0.25, 0.75, 1.5, 2.5, 4.5)
"""Where the levels of an unusual size begin, in the shop's usual step between two sizes of one customer."""


@frozen(eq=False, repr=False)
class Lines:
    """Lines of baskets, one row per product and size of an order; made by `of`, every column has shape (n,).

    `customer_id`, `order_id`, `product_id`, `size`, `category`: text, the last two "" where unknown. `value`: of the
    line, in the shop's currency, NaN where unknown. `day`: in the shop's zone, in days since 1970-01-01.
    """

    customer_id: AnyArray = field(converter=sealed)
    order_id: AnyArray = field(converter=sealed)
    product_id: AnyArray = field(converter=sealed)
    size: AnyArray = field(converter=sealed)
    category: AnyArray = field(converter=sealed)
    value: FloatArray = field(converter=sealed)
    day: IntArray = field(converter=sealed)

    @classmethod
    def of(
        cls,
        customer_id: ArrayLike,
        order_id: ArrayLike,
        product_id: ArrayLike,
        ordered_at: ArrayLike,
        *,
        size: ArrayLike | None = None,
        category: ArrayLike | None = None,
        value: ArrayLike | None = None,
        timezone: str | None = None,
        day_first: bool | None = None,
    ) -> Lines:
        """The lines of columns of one length; `ordered_at`, `timezone` and `day_first` as in `OrderLog.of`.

        Raises `InvalidInput` naming column and row; the columns with a default may be left out, not be incomplete,
        but for `value`, which may be NaN, and "" for a size or category that is not known.

        >>> Lines.of([7, 7], ["A1", "A1"], ["coat", "coat"], ["2026-03-01"] * 2, size=["M", "L"])
        Lines(2 lines, 2026-03-01 to 2026-03-01)
        """
        columns = {
            "customer_id": _checks.text_ids("customer_id", customer_id),
            "order_id": _checks.text_ids("order_id", order_id),
            "product_id": _checks.text_ids("product_id", product_id),
            "ordered_at": order_days("ordered_at", ordered_at, timezone=timezone, day_first=day_first),
        }
        rows = len(columns["customer_id"])
        columns["size"] = _labels("size", size, rows)
        columns["category"] = _labels("category", category, rows)
        columns["value"] = np.full(rows, np.nan) if value is None else _checks.floats("value", value, allow_nan=True)
        _checks.same_length(**columns)
        return cls(day=columns.pop("ordered_at"), **columns)

    def __len__(self) -> int:
        return len(self.day)

    def __repr__(self) -> str:
        days = self.day.view("datetime64[D]")
        return f"Lines({len(self)} lines{f', {days.min()} to {days.max()}' if len(self) else ''})"


def _labels(name: str, values: ArrayLike | None, rows: int) -> AnyArray:
    return np.zeros(rows, dtype="U1") if values is None else _checks.labels(name, values)


@frozen(eq=False)
class Past:
    """What was learned of the lines so far, by which new ones are read; every column is sorted.

    `sizes_sum`, `sizes_count`: of each customer's sizes, in numbers and in letters apart, (customers, 2).
    `bought`: customer and category in one number. `categorised`: whether any line has a category. `step`: the shop's
    usual difference between two sizes of one customer, in numbers and in letters. `values`: where the levels of a
    line's value begin.
    """

    customers: AnyArray
    products: AnyArray
    sizes: AnyArray
    categories: AnyArray
    product_sizes: IntArray
    category_sizes: IntArray
    sizes_sum: FloatArray
    sizes_count: FloatArray
    bought: IntArray
    categorised: bool
    step: FloatArray
    values: FloatArray

    def levels(self) -> list[int]:
        """How many levels each clue has, 0 for one that the shop's lines do not show."""
        sized = len(self.sizes) > 1
        return [
            len(self.products),
            len(self.product_sizes) * sized,
            len(self.customers),
            len(self.categories) * self.categorised,
            len(self.category_sizes) * (sized and self.categorised),
            _LEVELS["unusual_size"] * bool(self.sizes_count.any()),
            _LEVELS["bracketing"] * sized,
            _LEVELS["first_time"],
            _LEVELS["value"] * bool(len(self.values)),
        ]


def learn(lines: Lines) -> Past:
    """The past that these lines are for later ones."""
    ids = [_checks.distinct(c) for c in (lines.customer_id, lines.product_id, lines.size, _kind(lines))]
    (customers, customer), (products, product), (sizes, size), (categories, category) = ids
    sort, place = _on_a_scale(sizes)
    sums, counts = np.zeros((2, len(customers), 2))
    placed = sort[size] >= 0
    np.add.at(sums, (customer[placed], sort[size][placed]), place[size][placed])
    np.add.at(counts, (customer[placed], sort[size][placed]), 1)
    past = Past(
        customers=customers,
        products=products,
        sizes=sizes,
        categories=categories,
        product_sizes=np.unique(product * len(sizes) + size),
        category_sizes=np.unique(category * len(sizes) + size),
        sizes_sum=sums,
        sizes_count=counts,
        bought=np.unique(customer * len(categories) + category),
        categorised=bool((lines.category != "").any()),
        step=np.ones(2),
        values=_value_cuts(lines.value),
    )
    return evolve(past, step=_usual_step(lines, past))


def clues(lines: Lines, past: Past, *, learning: bool = False) -> list[IntArray]:
    """The level of every clue for each line, shape (n,) each, in the order of `CLUES`; -1 for one never seen.

    `learning`: the lines are those that `past` was learned from, so only their own earlier days came before them.
    """
    product, size, customer = (
        _find(past.products, lines.product_id),
        _find(past.sizes, lines.size),
        _find(past.customers, lines.customer_id),
    )
    category = _find(past.categories, _kind(lines))
    return [
        product,
        _find_pair(past.product_sizes, product, size, len(past.sizes)),
        customer,
        category,
        _find_pair(past.category_sizes, category, size, len(past.sizes)),
        _unusual_size(lines, past, None if learning else customer),
        _bracketing(lines),
        _first_time(lines, past, None if learning else customer, category),
        _value(lines, past),
    ]


def _kind(lines: Lines) -> AnyArray:
    """What a customer can buy of for the first time: the category, or the product where there is none."""
    return np.where(lines.category == "", lines.product_id, lines.category)


def _find(values: AnyArray, wanted: AnyArray) -> IntArray:
    """Where in the sorted values each wanted one is, -1 for none; there is at least one value."""
    place = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    return np.where(values[place] == wanted, place, -1)


def _find_pair(pairs: IntArray, first: IntArray, second: IntArray, seconds: int) -> IntArray:
    return np.where((first >= 0) & (second >= 0), _find(pairs, first * seconds + second), -1)


def _on_a_scale(sizes: AnyArray) -> tuple[IntArray, FloatArray]:
    """For each size its scale, -1 for none, and its place there."""
    found = [_sizes.place(size) or _sizes.Place(-1, 0.0) for size in sizes.tolist()]
    return np.array([one.scale for one in found], dtype=np.int64), np.array(
        [one.step for one in found], dtype=np.float64
    )


def _value_cuts(values: FloatArray) -> FloatArray:
    known = values[~np.isnan(values)]
    return cut_offs(known, _LEVELS["value"] - 1) if len(known) else known


def _value(lines: Lines, past: Past) -> IntArray:
    return np.where(np.isnan(lines.value), 0, 1 + groups(lines.value, past.values))


def _before(group: IntArray, day: IntArray, value: FloatArray) -> FloatArray:
    """For each row the sum of the values of its group's earlier days."""
    order = np.lexsort((day, group))
    group, day = group[order], day[order]
    total = np.concatenate([[0.0], np.cumsum(value[order])])
    begins = np.diff(group, prepend=-1) != 0
    start = _last(begins)
    result = np.empty(len(group))
    result[order] = total[_last(begins | (np.diff(day, prepend=-1) != 0))] - total[start]
    return result


def _last(marks: BoolArray) -> IntArray:
    """For each row the last marked row up to it; the first one is marked."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), 0))


def _off_by(lines: Lines, past: Past, known: IntArray | None) -> tuple[IntArray, FloatArray]:
    """The scale of each line's size, and how far it is from the customer's mean so far; NaN where nothing is known."""
    distinct_sizes, size = _checks.distinct(lines.size)
    scales, places = _on_a_scale(distinct_sizes)
    scale, place = scales[size], places[size]
    on_scale = scale >= 0
    who = _checks.distinct(lines.customer_id)[1] * 2 + np.maximum(scale, 0)
    total = _before(who, lines.day, np.where(on_scale, place, 0.0))
    count = _before(who, lines.day, on_scale.astype(np.float64))
    if known is not None:
        seen = (known >= 0) & on_scale
        total[seen] += past.sizes_sum[known[seen], scale[seen]]
        count[seen] += past.sizes_count[known[seen], scale[seen]]
    usual = on_scale & (count > 0)
    return scale, np.where(usual, place - total / np.maximum(count, 1), np.nan)


def _usual_step(lines: Lines, past: Past) -> FloatArray:
    scale, off = _off_by(lines, past, None)
    steps = np.ones(2)
    for sort in (0, 1):
        differences = np.abs(off[(scale == sort) & (np.abs(off) > 0)])
        if len(differences):
            steps[sort] = np.median(differences)
    return steps


def _unusual_size(lines: Lines, past: Past, known: IntArray | None) -> IntArray:
    scale, off = _off_by(lines, past, known)
    steps = off / past.step[np.maximum(scale, 0)]
    return np.where(np.isnan(off), 0, 1 + np.searchsorted(_STEPS, steps, side="right"))


def _bracketing(lines: Lines) -> IntArray:
    """1 where the order holds the product in another size too."""
    order, product, size = (_checks.distinct(c)[1] for c in (lines.order_id, lines.product_id, lines.size))
    _, pair = np.unique(order * (product.max(initial=0) + 1) + product, return_inverse=True)
    _, first = np.unique(pair * (size.max(initial=0) + 1) + size, return_index=True)
    different = np.bincount(pair[first], minlength=pair.max(initial=-1) + 1)
    return (different[pair] > 1).astype(np.int64)


def _first_time(lines: Lines, past: Past, known: IntArray | None, category: IntArray) -> IntArray:
    """0: bought of the category before, 1: never of it, 2: never anything."""
    who, what = (_checks.distinct(column)[1] for column in (lines.customer_id, _kind(lines)))
    one = np.ones(len(lines))
    of_it = _before(who * (what.max(initial=0) + 1) + what, lines.day, one) > 0
    anything = _before(who, lines.day, one) > 0
    if known is not None:
        anything |= known >= 0
        of_it |= _find_pair(past.bought, known, category, len(past.categories)) >= 0
    return np.where(of_it, 0, np.where(anything, 1, 2))
