"""RFM: customers grouped by how recently they ordered, how often, and for how much.

The rules of the room:

- *Equal values, equal score.* Cut-offs lie between different values, never inside a tie: of two
  customers with one order each none is better than the other. See `retention._stats.bins`.
- *Scores go from 1 (worst) to `bins` (best).* A column whose ties leave fewer groups keeps both ends and spreads the
  rest: two groups are 1 and 5, three are 1, 3, 5, four are 1, 2, 4, 5. A column of one value scores the middle, 3.
- *Cut-offs are kept, not recomputed.* A score says where a customer stands by the cut-offs of the day they were fitted
  on, so a segment means the same next month; `retention.monitoring.drift` says when they no longer fit.

The columns are those of `retention.orders.CustomerSummary`, so membership at a past date is three lines::

    then = orders.summarize(log, at="2026-01-31")
    scores = rfm.score(cuts, then.days_since_last, then.orders, then.revenue)
    names = rfm.segment(scores)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import field, frozen

from retention import _checks, _values
from retention._stats.bins import cut_offs
from retention._types import AnyArray, ArrayLike, FloatArray, IntArray, Json
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DEFAULT", "CutOffs", "SegmentTable", "fit", "from_json", "score", "segment", "to_json"]

FORMAT = 1
"""The number that stored cut-offs carry; a higher one was written by a newer version."""

_MOST_BINS = 9  # a pattern of a segment table gives each score one digit
_COLUMNS = ("days_since_last", "orders", "revenue")


def _bins(name: str, bins: object) -> int:
    if not isinstance(bins, int | np.integer) or isinstance(bins, bool) or not 2 <= bins <= _MOST_BINS:
        raise InvalidInput(f"{name}: {bins!r}: give a whole number from 2 to {_MOST_BINS}")
    return int(bins)


def _rising(name: str, value: object) -> tuple[float, ...]:
    """Cut-offs of one column: finite numbers, each above the one before."""
    cuts = _checks.floats(name, value)  # type: ignore[arg-type]
    _checks.refuse(name, cuts, np.diff(cuts, prepend=-np.inf) <= 0, "not above the cut-off before it")
    return tuple(cuts.tolist())


@frozen(field_transformer=_values.cleaned)
class CutOffs:
    """Where the groups of each column end; made by `fit`, kept as JSON, used as long as segments shall mean the same.

    `bins`: the best score, 2 to 9. `days_since_last`, `orders`, `revenue`: the largest value of every group but the
    uppermost, rising, in the unit of the column; at most `bins` - 1 of them, fewer where ties left fewer groups.
    Raises `InvalidInput` naming column and row.
    """

    bins: int = field(metadata=_values.clean(_bins))
    days_since_last: Sequence[float] = field(metadata=_values.clean(_rising))
    orders: Sequence[float] = field(metadata=_values.clean(_rising))
    revenue: Sequence[float] = field(metadata=_values.clean(_rising))

    def __attrs_post_init__(self) -> None:
        for name in _COLUMNS:
            count = len(getattr(self, name))
            if count >= self.bins:
                raise InvalidInput(f"{name}: {count} cut-offs make {count + 1} groups, more than bins={self.bins}")


def fit(days_since_last: ArrayLike, orders: ArrayLike, revenue: ArrayLike, *, bins: int = 5) -> CutOffs:
    """The cut-offs that part these customers into groups of about equal size, ties kept together.

    ``days_since_last``: days of silence, at least 0. ``orders``: how many so far, at least 0. ``revenue``: what they
    add up to, finite, below 0 where refunds outweigh. Columns of shape (n,), n at least 1. ``bins``: 2 to 9.
    Raises `InvalidInput` with column and row. No sorting: one million customers take some hundredths of a second.

    >>> cuts = fit([3, 10, 40, 90, 400], [7, 2, 1, 1, 1], [500.0, 80, 20, 35, 10])
    >>> cuts
    CutOffs(bins=5, days_since_last=(3.0, 10.0, 40.0, 90.0), orders=(1.0, 2.0), revenue=(10.0, 20.0, 35.0, 80.0))
    """
    bins = _bins("bins", bins)
    columns = _columns(days_since_last, orders, revenue)
    if not len(columns[0]):
        raise InvalidInput("days_since_last: no customers: cut-offs need at least one")
    return CutOffs(bins, *(cut_offs(column, bins).tolist() for column in columns))


def score(cuts: CutOffs, days_since_last: ArrayLike, orders: ArrayLike, revenue: ArrayLike) -> NDArray[np.int8]:
    """Each customer's three scores, 1 worst to `cuts.bins` best: shape (n, 3), int8, in the order of the columns.

    Columns as in `fit`, of any customers; fewer days are better, more orders and more revenue are. A value beyond what
    `fit` saw is in the outermost group.

    >>> cuts = fit([3, 10, 40, 90, 400], [7, 2, 1, 1, 1], [500.0, 80, 20, 35, 10])
    >>> score(cuts, [0, 41, 900], [2, 1, 12], [80.0, 35.5, 9])
    array([[5, 3, 4],
           [2, 1, 4],
           [1, 5, 1]], dtype=int8)
    """
    columns = _columns(days_since_last, orders, revenue)
    scores = np.empty((len(_COLUMNS), len(columns[0])), dtype=np.int8)
    for row, name, column in zip(scores, _COLUMNS, columns, strict=True):
        edges = getattr(cuts, name)
        numbers = _numbers(len(edges) + 1, cuts.bins)
        _fill(row, column, edges, numbers[::-1] if name == "days_since_last" else numbers)
    return scores.T


def to_json(cuts: CutOffs) -> Json:
    """The cut-offs as a JSON mapping with its `format` number.

    >>> to_json(CutOffs(5, days_since_last=[30, 90], orders=[1], revenue=[]))
    {'format': 1, 'bins': 5, 'days_since_last': [30.0, 90.0], 'orders': [1.0], 'revenue': []}
    """
    return {"format": FORMAT, "bins": cuts.bins, **{name: list(getattr(cuts, name)) for name in _COLUMNS}}


def from_json(data: Json) -> CutOffs:
    """The cut-offs that `to_json` wrote; raises `InvalidInput` for a missing or unknown field or a newer format."""
    rest = dict(data)
    written = rest.pop("format", None)
    if not isinstance(written, int) or written > FORMAT:
        raise InvalidInput(f"format: {written!r} is unknown, this version reads up to {FORMAT}; update the library")
    try:
        return CutOffs(**rest)
    except TypeError as error:
        raise InvalidInput(f"cut-offs: {error}; give what to_json wrote") from None


# ---------------------------------------------------------------- segments


@frozen
class SegmentTable:
    """Which name each combination of scores has; made by `of`, every combination has exactly one.

    `bins`: the best score. `names`: the segments. `cells`: for each combination, in the order of its digits from
    1 1 1 on, the place of its name in `names`; shape (bins³,).
    """

    bins: int
    names: tuple[str, ...]
    cells: tuple[int, ...]

    @classmethod
    def of(cls, segments: Mapping[str, str | Iterable[str]], *, bins: int = 5) -> SegmentTable:
        """The table of named patterns: per segment one or more, each of three words for days, orders and revenue.

        A word lists scores, ``45`` is 4 or 5, or is ``*`` for all. Raises `InvalidInput` naming a pattern that
        cannot be read, a combination that two segments claim, or one that none does.

        >>> table = SegmentTable.of({"regulars": "* 345 *", "fresh": "345 12 *", "gone": "12 12 *"})
        >>> segment([[5, 1, 3], [1, 4, 2]], table=table)
        array(['fresh', 'regulars'], dtype='<U8')
        """
        bins = _bins("bins", bins)
        cells = np.full((bins, bins, bins), -1)
        names = tuple(_values.identifier("table", name) for name in segments)
        for place, patterns in enumerate(segments.values()):
            for pattern in [patterns] if isinstance(patterns, str) else patterns:
                box = np.ix_(*_words(names[place], pattern, bins))
                _claim(names, cells, box, place)
        if (cells < 0).any():
            count = f"({np.count_nonzero(cells < 0)} such of {cells.size})"
            raise InvalidInput(
                f"table: no segment has {_combination(np.argwhere(cells < 0)[0])} {count}: add a pattern"
            )
        return cls(bins, names, tuple(cells.ravel().tolist()))


def segment(scores: ArrayLike, *, table: SegmentTable | None = None) -> NDArray[np.str_]:
    """The name of each customer's segment, text of shape (n,).

    ``scores``: as `score` returns them, shape (n, 3), 1 to ``table.bins``. ``table``: `DEFAULT` unless given.
    Raises `InvalidInput` with column and row.

    >>> segment([[5, 5, 5], [5, 1, 1], [1, 5, 5], [1, 1, 1]])
    array(['champions', 'new', 'cannot lose', 'hibernating'], dtype='<U15')
    """
    table = DEFAULT if table is None else table
    block = np.asarray(scores)
    if block.ndim != 2 or block.shape[1] != len(_COLUMNS):
        raise InvalidInput(f"scores: has shape {block.shape}: give (n, 3), as rfm.score returns it")
    cell = np.zeros(len(block), dtype=np.int64)
    for name, column in zip(_COLUMNS, block.T, strict=True):
        cell *= table.bins
        cell += _checks.integers(f"score of {name}", column, at_least=1, at_most=table.bins) - 1
    names: NDArray[np.str_] = np.array(table.names)[np.array(table.cells)[cell]]
    return names


def _words(name: str, pattern: object, bins: int) -> list[list[int]]:
    """The scores, counted from 0, that each of a pattern's three words allows."""
    every = "".join(str(number) for number in range(1, bins + 1))
    words = pattern.split() if isinstance(pattern, str) else []
    if len(words) != len(_COLUMNS) or not all(word == "*" or set(word) <= set(every) for word in words):
        raise InvalidInput(
            f"table: {name}: {pattern!r} is no pattern: give three words such as '45 1 *', scores 1 to {bins}"
        )
    return [[int(digit) - 1 for digit in sorted(set(every if word == "*" else word))] for word in words]


def _claim(names: tuple[str, ...], cells: IntArray, box: tuple[IntArray, ...], place: int) -> None:
    """Give the cells of a box to a segment; none may be another's."""
    before = cells[box]
    taken = np.argwhere((before >= 0) & (before != place))
    if len(taken):
        cell = [int(axis.ravel()[at]) for axis, at in zip(box, taken[0], strict=True)]
        other = names[before[tuple(taken[0])]]
        raise InvalidInput(f"table: {other} and {names[place]} both have {_combination(cell)}: leave it to one of them")
    cells[box] = place


def _combination(cell: Iterable[int]) -> str:
    return " ".join(str(place + 1) for place in cell)


# ---------------------------------------------------------------- columns and numbers


def _columns(days_since_last: ArrayLike, orders: ArrayLike, revenue: ArrayLike) -> list[FloatArray]:
    columns = {
        "days_since_last": _checks.floats("days_since_last", days_since_last, at_least=0),
        "orders": _checks.floats("orders", orders, at_least=0),
        "revenue": _checks.floats("revenue", revenue),
    }
    _checks.same_length(**columns)
    return list(columns.values())


def _numbers(count: int, bins: int) -> list[int]:
    """The scores of so many groups, from the lowest up: both ends, and the rest spread between them."""
    if count == 1:
        return [(bins + 1) // 2]
    return [1 + (2 * (bins - 1) * place + count - 1) // (2 * (count - 1)) for place in range(count)]


def _fill(row: AnyArray, column: FloatArray, edges: tuple[float, ...], numbers: list[int]) -> None:
    """Give each row its group's number; a comparison per cut-off costs a tenth of a search."""
    row[:] = numbers[0]
    for edge, step in zip(edges, np.diff(numbers).tolist(), strict=True):
        row += (column > edge) * np.int8(step)


DEFAULT = SegmentTable.of(
    {
        "champions": "45 45 45",
        "loyal": ("45 45 123", "3 45 *"),
        "promising": "45 23 *",
        "new": "45 1 *",
        "needs attention": "3 23 *",
        "about to leave": "3 1 *",
        "cannot lose": "12 45 45",
        "at risk": ("12 45 123", "12 3 *"),
        "hibernating": "12 12 *",
    }
)
"""The usual segments, for five bins; money tells apart only those who order often."""
