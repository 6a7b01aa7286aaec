"""Drift of a column between two periods, and the words for it.

Two questions, two numbers. *Where*: did the values as a whole go up or down? A two-sample estimate with its interval.
*What shape*: do the old groups still hold the shares they held? The population stability index, PSI, beside what
chance alone would give for so many customers.

The verdict, of any kind of drift:

- "moved": the interval excludes no change and the estimate is beyond `tolerance`, or PSI is 0.1 or more (the usual
  mark of a moderate shift) and above what chance gives;
- "steady": the whole interval lies within `tolerance`;
- "unclear": neither; a change that matters can be neither seen nor excluded;
- "not enough data": fewer customers than `needed`; then there are no numbers at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.bins import cut_offs, groups
from retention._stats.drift import psi, psi_by_chance, superiority
from retention._types import ArrayLike, FloatArray
from retention.errors import InvalidInput

__all__ = ["Drift", "compare_shapes", "decide", "drift", "options", "shape_in_words", "too_few", "whole"]

Verdict: TypeAlias = Literal["steady", "moved", "unclear", "not enough data"]
Triple: TypeAlias = tuple[float, float, float]

_MODERATE = 0.1  # Siddiqi, Credit Risk Scorecards, 2006: below 0.1 no change, above 0.25 a major one


@frozen(kw_only=True)
class Drift:
    """How a column changed from an earlier to a later period; numbers are None where data do not suffice.

    `verdict`: "steady", "moved", "unclear" or "not enough data". `why`: one sentence.
    `estimate`, `lower`, `upper`: the two-sample statistic and its interval, see the function that made it.
    `psi`: at least 0. `psi_by_chance`: what it stays below, with the interval's probability, while nothing changes.
    `cuts_before`, `cuts_after`: where the groups ended in the earlier period, and where they would end by the later.
    """

    verdict: Verdict
    why: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    psi: float | None = None
    psi_by_chance: float | None = None
    cuts_before: tuple[float, ...] = ()
    cuts_after: tuple[float, ...] = ()


def drift(
    before: ArrayLike,
    after: ArrayLike,
    *,
    what: str = "value",
    cuts: Sequence[float] | None = None,
    bins: int = 5,
    tolerance: float = 0.05,
    needed: int = 100,
    level: float = 0.95,
) -> Drift:
    """How one column of the customers changed, one value per customer and period.

    ``before``, ``after``: finite numbers, shapes (n,) and (m,). ``what``: what they are, for the sentence. ``cuts``:
    the frozen cut-offs of this column, such as ``rfm.CutOffs.revenue``, or None to fit ``bins`` (2 to 100) groups to
    ``before``. ``needed``: customers in each period, at least 2. ``level``: of the interval.
    Raises `InvalidInput` with column and row.

    `Drift.estimate` is the chance that a customer of the later period has the higher value, ties counting half; .5 is
    no change, and ``tolerance`` is counted from there (0.05 is a shift of some .18 standard deviations). Whatever
    keeps the order of the values changes nothing. Customers may be in both periods: then the interval is too wide
    rather than too narrow.

    >>> then, now = np.arange(1000) % 97, np.arange(1000) % 97 + 20
    >>> found = drift(then, now, what="revenue")
    >>> found.why
    'revenue: higher than before in 68.4 % of pairs (66.1 % to 70.7 %, no change: 50 %), PSI 1.32 (by chance 0.02)'
    >>> found.verdict, found.cuts_before, found.cuts_after
    ('moved', (17.0, 36.0, 56.0, 76.0), (37.0, 56.0, 76.0, 96.0))
    >>> drift([1, 2], [3, 4], what="revenue").why
    'revenue: not enough data: 2 customers in the earlier period, 100 needed'
    """
    earlier, later = _checks.floats("before", before), _checks.floats("after", after)
    options(needed=needed, level=level, bins=bins, tolerance=tolerance, most=0.5)
    edges = None if cuts is None else _edges(cuts)
    few = too_few(what, len(earlier), len(later), needed)
    if few:
        return Drift(verdict="not enough data", why=few)
    edges = cut_offs(earlier, bins) if edges is None else edges
    place = superiority(earlier, later, level=level)
    shape = compare_shapes(earlier, later, edges, (len(earlier), len(later)), level=level)
    share, least, most = (f"{100 * number:.1f} %" for number in place)
    return Drift(
        verdict=decide(place, (0.5 - tolerance, 0.5, 0.5 + tolerance), shape),
        why=f"{what}: higher than before in {share} of pairs ({least} to {most}, no change: 50 %), "
        + shape_in_words(shape),
        estimate=place[0],
        lower=place[1],
        upper=place[2],
        psi=shape[0],
        psi_by_chance=shape[1],
        cuts_before=tuple(edges.tolist()),
        cuts_after=tuple(cut_offs(later, bins).tolist()),
    )


def compare_shapes(
    before: FloatArray, after: FloatArray, cuts: FloatArray, rows: tuple[float, float], *, level: float
) -> tuple[float, float]:
    """PSI over the groups that the cut-offs make, and what chance gives for so many independent rows."""
    counts = [np.bincount(groups(column, cuts), minlength=len(cuts) + 1) for column in (before, after)]
    return psi(*counts), psi_by_chance(*rows, len(cuts) + 1, level=level)


def decide(place: Triple, steady: Triple, shape: tuple[float, float]) -> Verdict:
    """The verdict of an estimate with its interval, the range that counts as steady around no change, and PSI."""
    estimate, lower, upper = place
    least, none, most = steady
    seen = not lower <= none <= upper and not least <= estimate <= most
    if seen or shape[0] >= max(_MODERATE, shape[1]):
        return "moved"
    return "steady" if least <= lower <= upper <= most else "unclear"


def shape_in_words(shape: tuple[float, float]) -> str:
    """PSI for the sentence."""
    return f"PSI {shape[0]:.2f} (by chance {shape[1]:.2f})"


def too_few(what: str, before: int, after: int, needed: int) -> str:
    """The sentence that says so, or "" if both periods have enough customers."""
    for count, period in ((before, "earlier"), (after, "later")):
        if count < needed:
            return f"{what}: not enough data: {count} customers in the {period} period, {needed} needed"
    return ""


def options(*, needed: int, level: float, bins: int, tolerance: float, most: float) -> None:
    """Refuse options that mean nothing."""
    whole("needed", needed, 2, 10**9)
    whole("bins", bins, 2, 100)
    if not 0 < _checks.probability("level", level) < 1:
        raise InvalidInput(f"level: {level!r} leaves no interval: give a number between 0 and 1, .95 for example")
    if not 0 < tolerance <= most:  # catches NaN as well
        raise InvalidInput(f"tolerance: {tolerance!r}: give a number above 0, at most {most:g}")


def whole(name: str, value: object, least: int, most: int) -> None:
    """Refuse an option that is no whole number of this range."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"{name}: {value!r}: give a whole number from {least} to {most}")


def _edges(cuts: Sequence[float]) -> FloatArray:
    edges = _checks.floats("cuts", cuts)
    _checks.refuse("cuts", edges, np.diff(edges, prepend=-np.inf) <= 0, "not above the cut-off before it")
    return edges
