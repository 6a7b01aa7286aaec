"""Weak spots: letters that puzzle or annoy more than their neighbours do.

A letter is compared with its neighbours, the other letters of its journey together, by three shares of those sent: who
complained, who unsubscribed, and who stayed silent (did not click). Letters of other journeys go to other people at
another time, so they say nothing about it. Many letters are looked at and each in three ways, so the p-values of all
journeys are adjusted at once (Holm): the chance of blaming any letter wrongly is at most one in twenty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.intervals import newcombe
from retention._stats.multiple import holm
from retention._types import ArrayLike, IntArray
from retention.errors import InvalidInput

__all__ = ["WeakSpot", "unjudged", "weak_spots"]

_ADVICE = {
    "complaints": "test it against one with less pressure, or without it",
    "unsubscribes": "test a later or rarer one, or another tone",
    "silence": "test another subject, or one thing to do instead of several",
}


@frozen
class WeakSpot:
    """A letter that does worse than its neighbours: its `rate` of `what`, theirs, the difference's interval, advice.

    `advice`: what to test. `journey`: "" if no journeys were told.
    """

    letter: str
    what: str
    sent: int
    rate: float
    others: float
    lower: float
    upper: float
    advice: str
    journey: str = ""

    @property
    def sentence(self) -> str:
        """What was found and what to test, in words."""
        return (
            f"{self.letter}: {self.what} {self.rate:.1%} of {self.sent} letters, {self.others:.1%} of its neighbours "
            f"({100 * self.lower:.1f} to {100 * self.upper:.1f} points more); suggestion: {self.advice}"
        )


def weak_spots(
    letters: Sequence[str],
    sent: ArrayLike,
    complaints: ArrayLike,
    unsubscribes: ArrayLike,
    clicks: ArrayLike,
    *,
    journeys: Sequence[str] | None = None,
    needed: int = 100,
    level: float = 0.95,
) -> tuple[WeakSpot, ...]:
    """The letters that do worse than their neighbours together, worst first; (n,) each.

    ``sent``: how many left. ``complaints``, ``unsubscribes``, ``clicks``: how many of those, at most as many.
    ``journeys``: the journey of each letter, whose other letters are its neighbours; without it all others are. Letters
    that `unjudged` names are not judged, but are among the neighbours. Raises `InvalidInput` with column and row.

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
    group = _numbered(journeys, len(n))
    enough = np.flatnonzero(np.array([not why for why in _unjudged(n, group, needed)], dtype=bool)).tolist()
    judged = [(what, row) for what in counts for row in enough]
    if not judged:
        return ()
    looks = [_Look(*(_split(column, group, row) for column in (counts[what], n))) for what, row in judged]
    p = holm(np.array([look.chance() for look in looks]))
    found = [
        _spot(letters[row], what, look, level, "" if journeys is None else journeys[row])
        for (what, row), look, adjusted in zip(judged, looks, p.tolist(), strict=True)
        if adjusted < 1 - level
    ]
    return tuple(sorted(found, key=lambda spot: (spot.others - spot.rate, spot.letter, spot.journey, spot.what)))


def unjudged(sent: ArrayLike, *, journeys: Sequence[str] | None = None, needed: int = 100) -> tuple[str, ...]:
    """Of each letter why `weak_spots` does not judge it, in words; "" of those that it judges. Columns as there.

    >>> unjudged([500, 40, 900], journeys=["a", "a", "b"])
    ('its neighbours were sent fewer than 100 times', 'sent fewer than 100 times', 'alone in its journey')
    """
    n = _checks.integers("sent", sent, at_least=0)
    return tuple(_unjudged(n, _numbered(journeys, len(n)), needed))


def _unjudged(n: IntArray, group: IntArray, needed: int) -> Iterator[str]:
    """Alone comes first: waiting will not help there."""
    for row, sent in enumerate(n.tolist()):
        if (group == group[row]).sum() == 1:
            yield "alone in its journey"
        elif sent < needed:
            yield f"sent fewer than {needed} times"
        else:
            few = _split(n, group, row)[1] < needed
            yield f"its neighbours were sent fewer than {needed} times" if few else ""


def _numbered(journeys: Sequence[str] | None, size: int) -> IntArray:
    """The journey of each letter as a number."""
    names = [""] * size if journeys is None else journeys
    if len(names) != size:
        raise InvalidInput(f"journeys: {len(names)} names for {size} rows: give one each")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _count(name: str, values: ArrayLike, sent: IntArray) -> IntArray:
    found = _checks.integers(name, values, at_least=0)
    _checks.same_length(sent=sent, **{name: found})
    _checks.refuse(name, found, found > sent, "more than were sent")
    return found


def _split(values: IntArray, group: IntArray, row: int) -> tuple[int, int]:
    """The value of one letter, and the sum of its neighbours'."""
    own = int(values[row])
    return own, int(values[group == group[row]].sum()) - own


class _Look(NamedTuple):
    """One letter looked at in one way: how many did it, of how many; the letter's own and its neighbours'."""

    did: tuple[int, int]
    sent: tuple[int, int]

    def chance(self) -> float:
        """How probable so many would be, or more, were the letter like its neighbours: Fisher's exact, one-sided."""
        from scipy.stats import hypergeom

        return float(hypergeom.sf(self.did[0] - 1, sum(self.sent), sum(self.did), self.sent[0]))


def _spot(letter: str, what: str, look: _Look, level: float, journey: str) -> WeakSpot:
    (count, others), (sent, others_sent) = look
    lower, upper = newcombe(count, sent, others, others_sent, level=level)
    rates = (count / sent, others / others_sent)
    return WeakSpot(letter, what, sent, *rates, float(lower), float(upper), _ADVICE[what], journey)
