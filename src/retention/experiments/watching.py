"""Looking at a running experiment: as often as one likes (`watch`), or up to an end stated beforehand (`planned`).

Both look at nothing but the customers who came back and the propensity with which each of them was drawn. That makes
them exact at any base rate and in any season, however small the control.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats import sequential, spending
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.experiments._doors import inside, returners
from retention.experiments.difference import Ratio

__all__ = ["Planned", "Watch", "planned", "planned_ratio", "watch"]

_same = attrs.cmp_using(eq=np.array_equal)
_FURTHEST = 8.0  # a rate ratio of 3,000 either way: as far as a limit is searched for
_FINE = 1e-4


@frozen
class Watch:
    """What each look says; columns of shape (looks,), each row final and valid whenever one stops.

    `p_value`: against "the letters change nobody"; never rises. `estimate`: how many times as often the treated come
    back (1 is no effect). `lower`, `upper`: limits of that ratio, simultaneous over all looks at 1 - `alpha`; 0 or
    infinity until an arm has a returner. Should they cross, no constant ratio explains all looks.
    Of `x` treated returners ``x * (1 - 1 / ratio)`` came back because of the letters.
    """

    p_value: Any = field(eq=_same)
    estimate: Any = field(eq=_same)
    lower: Any = field(eq=_same)
    upper: Any = field(eq=_same)
    alpha: float


@frozen
class Planned:
    """What each look up to the stated end says; columns of shape (looks,).

    `returned`: treated returners so far. `too_few`, `too_many`: the letters are shown to harm at or below the one, to
    help at or above the other; just outside of what can happen where no count stops yet. `stopped`: the first look that
    stops, or None. `effect`: 1 if it says help, -1 harm, 0 nothing yet.
    """

    returned: Any = field(eq=_same)
    too_few: Any = field(eq=_same)
    too_many: Any = field(eq=_same)
    alpha: float
    stopped: int | None
    effect: int


def watch(
    returned_treated: ArrayLike,
    returned_control: ArrayLike,
    propensity: ArrayLike,
    *,
    alpha: float = 0.05,
    helpful: float = 0.8,
    scale: float = 0.4,
) -> Watch:
    """Whether the letters work, valid at every look, under weights that change and whenever one stops.

    ``returned_treated``, ``returned_control``: customers who came back since the last look (each counted once, ever),
    shape (looks,), or (looks, groups) where those of one look were drawn with several propensities. ``propensity``: the
    share of treated with which they were drawn (not the one in force when they came back), strictly between 0 and 1;
    of the same shape, or one number. The weights may respond to anything but the arms of who has not come back yet.
    ``helpful``: how much of the attention goes to letters that help, 0 to 1. ``scale``: the log rate ratio one
    expects; both decide about power alone, whatever they are the promise holds. Raises `InvalidInput` naming column and
    row.

    The p-value falls below ``alpha`` by mistake with a chance of at most ``alpha`` over the whole life of the
    experiment; the exact mathematics stands in `retention._stats.sequential`.

    >>> found = watch([30, 34, 41], [9, 10, 8], 0.6)
    >>> found.p_value.round(3).tolist(), found.lower.round(2).tolist()
    ([0.236, 0.022, 0.0], [0.81, 1.06, 1.32])
    """
    x, y, w = returners(returned_treated, returned_control, propensity)
    alpha = inside("alpha", alpha)
    if not 0 < scale < np.inf:
        raise InvalidInput(f"scale: {scale!r} is no log rate ratio: give a number above 0, .4 for example")
    shares, n = _by_share(x + y, w)
    treated = x.sum(axis=1).cumsum()
    prior = sequential.half_normals(scale, _checks.probability("helpful", helpful))
    log_e = sequential.log_evidence(treated, n, shares, prior)
    low, high = sequential.confidence_sequence(treated, n, shares, log_e, alpha)
    ratios = (np.exp(sequential.most_likely(treated, n, shares)), np.exp(low), np.exp(high))
    return Watch(sequential.running_p_value(log_e), *ratios, alpha)


def planned(
    returned_treated: ArrayLike,
    returned_control: ArrayLike,
    propensity: ArrayLike,
    *,
    fraction: ArrayLike,
    alpha: float = 0.05,
) -> Planned:
    """Whether the letters work, judged by looks up to an end that was stated before the first of them.

    ``returned_treated``, ``returned_control``, ``propensity``: as for `watch`, but the weights must not respond to what
    came of the letters. ``fraction``: how much of the planned enrolment is done by each look, in (0, 1], never falling;
    1 at the end. It comes from the plan and the calendar, never from who came back. ``alpha``: two-sided.
    Raises `InvalidInput` naming column and row.

    Exact given how many came back at each look; as `alpha` is spent in the manner of O'Brien and Fleming the looks
    cost almost no power.

    >>> found = planned([30, 34, 41], [9, 10, 8], 0.6, fraction=[1 / 3, 2 / 3, 1])
    >>> found.returned.tolist(), found.too_many.tolist(), found.stopped, found.effect
    ([30, 64, 105], [35, 62, 91], 1, 1)
    """
    x, y, w = returners(returned_treated, returned_control, propensity)
    alpha = inside("alpha", alpha)
    allowed = spending.spent(_fraction(fraction, len(x)), alpha / 2)
    few, many = spending.boundaries(x + y, w, allowed)
    treated = x.sum(axis=1).cumsum()
    stopped, effect = _first_crossing(treated, few, many)
    return Planned(treated, few, many, alpha, stopped, effect)


def planned_ratio(
    returned_treated: ArrayLike,
    returned_control: ArrayLike,
    propensity: ArrayLike,
    *,
    fraction: ArrayLike,
    alpha: float = 0.05,
) -> Ratio:
    """How many times as often the treated come back, with the interval that belongs to `planned`, as of the last look.

    Arguments as for `planned`. The limits hold every constant ratio that no look so far has ruled out, to 1e-4 of
    themselves; beyond 1/3,000 and 3,000 they are 0 and infinity.

    >>> found = planned_ratio([30, 34, 41], [9, 10, 8], 0.6, fraction=[1 / 3, 2 / 3, 1])
    >>> round(found.lower, 2), round(found.estimate, 2), round(found.upper, 2)
    (1.67, 2.59, 4.13)
    """
    x, y, w = returners(returned_treated, returned_control, propensity)
    allowed = spending.spent(_fraction(fraction, len(x)), inside("alpha", alpha) / 2)
    treated, n, odds = x.sum(axis=1).cumsum(), x + y, np.log(w) - np.log1p(-w)

    def ruled_out(log_ratio: float) -> int:
        return _first_crossing(treated, *spending.boundaries(n, 1 / (1 + np.exp(-odds - log_ratio)), allowed))[1]

    lower = _switch(lambda log_ratio: ruled_out(log_ratio) > 0)
    upper = -_switch(lambda log_ratio: ruled_out(-log_ratio) < 0)
    shares, together = _by_share(n, w)
    estimate = float(np.exp(sequential.most_likely(treated, together, shares)[-1]))
    return Ratio(estimate, float(np.exp(lower)), float(np.exp(upper)), 1 - alpha)


def _by_share(n: IntArray, w: FloatArray) -> tuple[FloatArray, IntArray]:
    """The distinct propensities, shape (groups,), and the returners of each so far, shape (looks, groups)."""
    shares, place = np.unique(w, return_inverse=True)
    table = np.zeros((len(n), len(shares)), np.int64)
    looks = np.broadcast_to(np.arange(len(n))[:, None], n.shape)
    np.add.at(table, (looks, place.reshape(n.shape)), n)
    return shares, table.cumsum(axis=0)


def _fraction(values: ArrayLike, looks: int) -> FloatArray:
    fraction = _checks.floats("fraction", np.atleast_1d(values), at_most=1)
    if len(fraction) != looks:
        raise InvalidInput(f"fraction: has {len(fraction)} rows for {looks} looks: give one per look")
    _checks.refuse("fraction", fraction, fraction <= 0, "not above 0: give the part of the plan that is done")
    _checks.refuse(
        "fraction", fraction, np.diff(fraction, prepend=0) < 0, "below the one before: what is done stays done"
    )
    return fraction


def _first_crossing(treated: IntArray, few: IntArray, many: IntArray) -> tuple[int | None, int]:
    """The first look whose count lies on or beyond a boundary, and on which side: 1 too many, -1 too few, 0 neither."""
    crossed = np.flatnonzero((treated <= few) | (treated >= many))
    if not len(crossed):
        return None, 0
    look = int(crossed[0])
    return look, 1 if treated[look] >= many[look] else -1


def _switch(ruled_out: Callable[[float], bool]) -> float:
    """The last log ratio, coming from far below, that is ruled out; minus infinity if none is."""
    low, high = -_FURTHEST, _FURTHEST
    if not ruled_out(low):
        return -np.inf
    while high - low > _FINE:
        middle = (low + high) / 2
        low, high = (middle, high) if ruled_out(middle) else (low, middle)
    return low
