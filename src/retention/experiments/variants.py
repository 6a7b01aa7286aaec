"""Several variants against one control: p-values adjusted for being several.

`holm` for decisions that each must stand, `benjamini_hochberg` for a list in which some may be wrong.
"""

from __future__ import annotations

import numpy as np

from retention import _checks
from retention._stats import multiple
from retention._types import ArrayLike, FloatArray

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_values: ArrayLike) -> FloatArray:
    """P-values to be read against the one level, so that the chance of any false claim stays below it: shape (n,).

    ``p_values``: 0 to 1, shape (n,). Raises `InvalidInput` naming the row.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    return multiple.holm(_p_values(p_values))


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """P-values to be read against the share of false claims that is tolerated among the claims made: shape (n,).

    ``p_values``: 0 to 1, shape (n,). Raises `InvalidInput` naming the row.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    return multiple.benjamini_hochberg(_p_values(p_values))


def _p_values(values: ArrayLike) -> FloatArray:
    return _checks.floats("p_values", np.atleast_1d(values), at_least=0, at_most=1)
