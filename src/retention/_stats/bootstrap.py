"""The bootstrap for grouped cases: each group of equal cases is drawn anew as often as a Poisson number says.

With weights that are Poisson(1) for each case (Hanley and MacGibbon, Computer Methods and Programs in Biomedicine 83,
2006, 57-62) the weight of m equal cases is Poisson(m), so a million cases in a few hundred groups cost a few hundred
draws for each resample. The draws come from the generator handed in.
"""

from __future__ import annotations

import numpy as np

from retention._types import FloatArray, IntArray

__all__ = ["percentile_interval", "resample"]


def resample(counts: IntArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """How often each group's cases occur in each resample, shape (resamples, *counts.shape)."""
    return rng.poisson(counts, (resamples, *counts.shape)).astype(np.float64)


def percentile_interval(values: FloatArray, *, level: float) -> tuple[FloatArray, FloatArray]:
    """The percentile interval over the first axis, of finite values.

    >>> lower, upper = percentile_interval(np.arange(101.0), level=0.9)
    >>> round(float(lower), 6), round(float(upper), 6)
    (5.0, 95.0)
    """
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return lower, upper
