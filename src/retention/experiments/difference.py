"""By how much two arms differ at a time fixed beforehand.

Looking again every day and stopping when it pleases is another question, with another answer.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats.intervals import newcombe
from retention._types import ArrayLike, IntArray
from retention.errors import InvalidInput

__all__ = ["Difference", "difference"]

_same = attrs.cmp_using(eq=np.array_equal)


@frozen
class Difference:
    """A difference of two shares with its interval; numbers, or columns of shape (n,).

    `estimate`: treated minus control, -1 to 1. `lower`, `upper`: the interval's ends. `level`: its nominal coverage.
    Times the number of treated customers it is the number of incremental ones.
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

    The interval stays finite with no returner at all and covers at least .9498 of the time at level .95 wherever one
    returner or more is expected in the control (2,640 cells, by enumeration); below that down to .92.

    >>> result = difference(56, 70, 48, 80)  # Newcombe 1998, table II
    >>> round(result.estimate, 4), round(result.lower, 4), round(result.upper, 4)
    (0.2, 0.0524, 0.3339)
    """
    if not 0 < _checks.probability("level", level) < 1:
        raise InvalidInput(f"level: {level!r} leaves no interval: give a number between 0 and 1, .95 for example")
    x_t, trials_t = _arm("returned_t", returned_t, "n_t", n_t)
    x_c, trials_c = _arm("returned_c", returned_c, "n_c", n_c)
    _checks.same_length(returned_t=x_t, returned_c=x_c)
    estimate = x_t / trials_t - x_c / trials_c
    lower, upper = newcombe(x_t, trials_t, x_c, trials_c, level=level)
    if np.ndim(returned_t) == 0:
        return Difference(estimate.item(), lower.item(), upper.item(), level)
    return Difference(estimate, lower, upper, level)


def _arm(name: str, returned: ArrayLike, name_n: str, n: ArrayLike) -> tuple[IntArray, IntArray]:
    x = _checks.integers(name, np.atleast_1d(returned), at_least=0)
    trials = _checks.integers(name_n, np.atleast_1d(n), at_least=1)
    _checks.same_length(**{name: x, name_n: trials})
    _checks.refuse(name, x, x > trials, f"more than {name_n}: nobody returns twice")
    return x, trials
