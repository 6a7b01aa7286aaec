"""Weak spots: letters that puzzle or annoy more than their neighbours do.

A letter is compared with all others together, by three shares of those sent: who complained, who unsubscribed, and who
stayed silent (did not click). Many letters are looked at and each in three ways,
so the p-values are adjusted (Holm): the chance of blaming any letter wrongly is at most one in twenty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.intervals import newcombe
from retention._stats.multiple import holm
from retention._types import ArrayLike, IntArray
from retention.errors import InvalidInput

__all__ = ["WeakSpot", "weak_spots"]

_ADVICE = {
    "complaints": "test it against one with less pressure, or without it",
    "unsubscribes": "test a later or rarer one, or another tone",
    "silence": "test another subject, or one thing to do instead of several",
}


@frozen
class WeakSpot:
    """A letter that does worse than the others: its `rate` of `what`, theirs, the difference's interval, advice."""

    letter: str
    what: str
    sent: int
    rate: float
    others: float
    lower: float
    upper: float
    advice: str


def weak_spots(
    letters: Sequence[str],
    sent: ArrayLike,
    complaints: ArrayLike,
    unsubscribes: ArrayLike,
    clicks: ArrayLike,
    *,
    needed: int = 100,
    level: float = 0.95,
) -> tuple[WeakSpot, ...]:
    """The letters that do worse than all others together, worst first; (n,) each.

    ``sent``: how many left. ``complaints``, ``unsubscribes``, ``clicks``: how many of those, at most as many. Letters
    with fewer than ``needed`` sent are not judged, but are among the others. Raises `InvalidInput` with column and row.

    >>> found = weak_spots(["a", "b"], [1000, 1000], [0, 20], [5, 5], [200, 190])
    >>> [(spot.letter, spot.what, spot.rate) for spot in found]
    [('b', 'complaints', 0.02)]
    """
    n = _checks.integers("sent", sent, at_least=0)
    counts = {
        "complaints": _count("complaints", complaints, n),
        "unsubscribes": _count("unsubscribes", unsubscribes, n),
        "silence": n - _count("clicks", clicks, n),
    }
    if len(letters) != len(n):
        raise InvalidInput(f"letters: {len(letters)} names for {len(n)} rows: give one each")
    enough = np.flatnonzero((n >= needed) & (n.sum() - n >= needed)).tolist()
    judged = [(what, row) for what in counts for row in enough]
    if not judged:
        return ()
    p = holm(np.array([_chance(counts[what], n, row) for what, row in judged]))
    found = [
        _spot(letters[row], what, counts[what], n, row, level)
        for (what, row), adjusted in zip(judged, p.tolist(), strict=True)
        if adjusted < 1 - level
    ]
    return tuple(sorted(found, key=lambda spot: (spot.others - spot.rate, spot.letter)))


def _count(name: str, values: ArrayLike, sent: IntArray) -> IntArray:
    found = _checks.integers(name, values, at_least=0)
    _checks.same_length(sent=sent, **{name: found})
    _checks.refuse(name, found, found > sent, "more than were sent")
    return found


def _chance(count: IntArray, n: IntArray, row: int) -> float:
    """How probable so many would be, or more, if this letter were like the others: Fisher's exact test, one-sided."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(count[row] - 1, n.sum(), count.sum(), n[row]))


def _spot(letter: str, what: str, count: IntArray, n: IntArray, row: int, level: float) -> WeakSpot:
    others = int(count.sum() - count[row]), int(n.sum() - n[row])
    lower, upper = newcombe(int(count[row]), int(n[row]), *others, level=level)
    return WeakSpot(
        letter,
        what,
        int(n[row]),
        float(count[row] / n[row]),
        others[0] / others[1],
        float(lower),
        float(upper),
        _ADVICE[what],
    )
