"""Which fractions belong to which arm, and how few change hands when the weights change.

A first cut is the published one: arm i gets ``[s, s + coverage * weight)``, s being the weights before it added up.
Cutting anew with other weights would move far more customers than it must (five arms of .2 made .36 and four times .16
move 40 %). So a later phase starts from what everybody owns: who shrinks gives up the last of their 1/10000 parts, who
grows takes only what was given up. That is the least possible, the total-variation distance (16 %); and as
"takes no part" is an owner like the arms, raising the coverage moves nobody who takes part.
"""

from __future__ import annotations

from itertools import accumulate
from math import ceil, floor
from typing import TypeAlias

import numpy as np

from retention._hashing import BUCKETS
from retention._types import IntArray

__all__ = ["Arms", "Range", "cut", "moved"]

Arms: TypeAlias = tuple[tuple[str, float], ...]
Range: TypeAlias = tuple[str, float, float, float]
"""An arm's name, its weight, the fraction at which the range begins and the one at which it ends."""
Masses: TypeAlias = dict[str | None, float]

_SAME = 1e-9


def cut(arms: Arms, coverage: float) -> tuple[Range, ...]:
    """The ranges of a first phase, one per arm."""
    # The sums are rounded as in the vendor's kits (one weight after the other), so the edges agree to the last bit.
    starts = accumulate((weight for _, weight in arms), initial=0.0)
    return tuple(
        (name, weight, start, start + coverage * weight) for (name, weight), start in zip(arms, starts, strict=False)
    )


def moved(ranges: tuple[Range, ...], old: tuple[Arms, float], new: tuple[Arms, float]) -> tuple[Range, ...]:
    """The ranges after the weights (and coverage) ``old`` became ``new``, starting from ``ranges``."""
    before, after = _masses(*old), _masses(*new)
    owners = list(before | after)
    owned = _owned(ranges, owners)
    have = np.bincount(owned, minlength=len(owners)).tolist()
    changes = [(before.get(name, 0.0), after.get(name, 0.0)) for name in owners]
    _hand_over(owned, np.subtract(_shares(have, changes), have))
    return _runs(owned, owners, dict(new[0]))


def _masses(arms: Arms, coverage: float) -> Masses:
    """What each owner has of all customers; None owns those who take no part."""
    return {None: 1 - coverage} | {name: coverage * weight for name, weight in arms}


def _owned(ranges: tuple[Range, ...], owners: list[str | None]) -> IntArray:
    """Who owns each part: places in ``owners``, shape (10000,)."""
    at = np.arange(BUCKETS) / BUCKETS
    owned = np.full(BUCKETS, owners.index(None))
    for name, _, start, end in ranges:
        owned[(start <= at) & (at < end)] = owners.index(name)
    return owned


def _shares(have: list[int], changes: list[tuple[float, float]]) -> list[int]:
    """How many parts each owner gets: its mass but for rounding, which never takes from who does not shrink."""
    want = [round(new * BUCKETS, 6) for _, new in changes]
    gets = [_nearest(own, parts, *change) for own, parts, change in zip(have, want, changes, strict=True)]
    changing = [i for i, (old, new) in enumerate(changes) if abs(new - old) > _SAME]
    while sum(gets) > BUCKETS:
        gets[max((i for i in changing if gets[i]), key=lambda i: gets[i] - want[i])] -= 1
    growing = [i for i in changing if changes[i][1] > changes[i][0]]
    while sum(gets) < BUCKETS:
        gets[min(growing, key=lambda i: gets[i] - want[i])] += 1
    return gets


def _nearest(have: int, parts: float, old: float, new: float) -> int:
    if abs(new - old) <= _SAME:
        return have
    return max(have, floor(parts)) if new > old else min(have, ceil(parts))


def _hand_over(owned: IntArray, change: IntArray) -> None:
    """Who shrinks gives up the last parts, who grows takes of these, in place."""
    free = [np.flatnonzero(owned == i)[parts:] for i, parts in enumerate(change) if parts < 0]
    growing = np.flatnonzero(change > 0)
    if free:
        owned[np.sort(np.concatenate(free))] = np.repeat(growing, change[growing])


def _runs(owned: IntArray, owners: list[str | None], weights: dict[str, float]) -> tuple[Range, ...]:
    """Neighbouring parts of one arm as one range; the edges are the very fractions that the hash gives."""
    edges = np.flatnonzero(np.diff(owned, prepend=-1, append=-1))
    found = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    named = ((owners[owned[start]], start, end) for start, end in found)
    return tuple(
        (name, weights[name], start / BUCKETS, end / BUCKETS) for name, start, end in named if name is not None
    )
