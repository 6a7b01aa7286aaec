"""By how much two arms differ at a time fixed beforehand: in shares of returning customers.

Looking again every day and stopping when it pleases is another question, with another answer (`watch`, `planned`).
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats.comparing import ratio_limits, two_sided, z_of_shares
from retention._stats.intervals import newcombe
from retention._types import AnyArray, ArrayLike, IntArray
from retention.experiments._doors import arm_counts, inside

__all__ = ["Difference", "Ratio", "difference", "ratio"]

_same = attrs.cmp_using(eq=np.array_equal)


@frozen
class Difference:
    """A difference of two shares with its interval; numbers, or columns of shape (n,).

    `estimate`: treated minus control, -1 to 1. `lower`, `upper`: the interval's ends. `level`: its nominal coverage.
    `z`, `p_value`: the score test of no difference, two-sided; what `holm` takes when there are several variants.
    Times the number of treated customers the estimate is the number of incremental ones.
    """

    estimate: Any = field(eq=_same)
    lower: Any = field(eq=_same)
    upper: Any = field(eq=_same)
    level: float
    z: Any = field(eq=_same)
    p_value: Any = field(eq=_same)


@frozen
class Ratio:
    """A ratio of two shares with its interval; numbers, or columns of shape (n,).

    `estimate`: treated over control, 1 if there is no effect; the relative effect is this minus 1. `lower`, `upper`:
    the interval's ends. `level`: its nominal coverage.
    """

    estimate: Any = field(eq=_same)
    lower: Any = field(eq=_same)
    upper: Any = field(eq=_same)
    level: float


def difference(
    returned_t: ArrayLike, n_t: ArrayLike, returned_c: ArrayLike, n_c: ArrayLike, *, level: float = 0.95
) -> Difference:
    """The share of returning customers among the treated minus that in the control, with Newcombe's interval.

    ``returned_t``, ``returned_c``: how many came back, 0 to n. ``n_t``, ``n_c``: how many were assigned, at least 1,
    whatever became of their letters. Numbers give numbers, columns give columns of shape (n,). Raises `InvalidInput`
    naming column and row.

    The interval stays finite with no returner at all. At level .95 it covers at least .943 of the time, .956 on
    average, wherever one returner or more is expected in the control (2,100 cells, by enumeration); below that down to
    .92, and .935 where all of the treated return.

    >>> result = difference(56, 70, 48, 80)  # Newcombe 1998, table II
    >>> round(result.estimate, 4), round(result.lower, 4), round(result.upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    level, counts = inside("level", level), _counts(returned_t, n_t, returned_c, n_c)
    x_t, trials_t, x_c, trials_c = counts
    z = z_of_shares(*counts)
    columns = (x_t / trials_t - x_c / trials_c, *newcombe(*counts, level=level), z, two_sided(z))
    estimate, lower, upper, z_shown, p = (_as_given(column, returned_t) for column in columns)
    return Difference(estimate, lower, upper, level, z_shown, p)


def ratio(
    returned_t: ArrayLike, n_t: ArrayLike, returned_c: ArrayLike, n_c: ArrayLike, *, level: float = 0.95
) -> Ratio:
    """The share of returning customers among the treated over that in the control, with Koopman's score interval.

    Arguments as for `difference`. With no returner in one arm the estimate is what half a customer more in each would
    give, and the limit on that side is open: the lower is 0 or the upper infinite, because no count rules it out.
    At level .95 the interval covers at least .941 of the time wherever a returner is expected in the control.

    >>> result = ratio(30, 900, 20, 1000)
    >>> round(result.estimate, 3), round(result.lower, 3), round(result.upper, 3)
    (1.667, 0.96, 2.894)
    """
    level, counts = inside("level", level), _counts(returned_t, n_t, returned_c, n_c)
    x_t, trials_t, x_c, trials_c = counts
    half = np.where((x_t == 0) | (x_c == 0), 0.5, 0.0)
    estimate = (x_t + half) / (trials_t + half) / (x_c + half) * (trials_c + half)
    columns = (estimate, *ratio_limits(*counts, level=level))
    shown, lower, upper = (_as_given(column, returned_t) for column in columns)
    return Ratio(shown, lower, upper, level)


def _counts(returned_t: ArrayLike, n_t: ArrayLike, returned_c: ArrayLike, n_c: ArrayLike) -> tuple[IntArray, ...]:
    treated, control = (
        arm_counts("returned_t", returned_t, "n_t", n_t),
        arm_counts("returned_c", returned_c, "n_c", n_c),
    )
    _checks.same_length(returned_t=treated[0], returned_c=control[0])
    return (*treated, *control)


def _as_given(column: AnyArray, given: ArrayLike) -> Any:
    """A number for who gave numbers, else the column."""
    return column.item() if np.ndim(given) == 0 else column
