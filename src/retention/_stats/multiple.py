"""Several p-values at once: adjusted so that each may be read against the one level.

Shapes (tests,) in, (tests,) out; an adjusted p-value is never smaller than the plain one and at most 1.
"""

from __future__ import annotations

import numpy as np

from retention._types import FloatArray, IntArray

__all__ = ["benjamini_hochberg", "holm"]


def holm(p: FloatArray) -> FloatArray:
    """Holm's step-down: the chance of any false claim is held (Scandinavian Journal of Statistics 6, 1979, 65-70).

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    return _back(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    """Benjamini and Hochberg's step-up: the expected share of false claims (JRSS B 57, 1995, 289-300).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p, kind="stable")
    scaled = len(p) / np.arange(1, len(p) + 1) * p[order]
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _back(values: FloatArray, order: IntArray) -> FloatArray:
    result = np.empty_like(values)
    result[order] = values
    return result
