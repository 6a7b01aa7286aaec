"""The mean of answers on a scale that has two ends, from few of them.

Few answers are often all alike: "5, 5, 5" has no scatter, and Student's interval no width, though the next answer may
be a 1. So one answer at each end of the scale is added before Student's interval is taken, as Agresti and Coull
(American Statistician 52, 1998, 119-126) add two successes and two failures. In twelve shapes of answers to 1..5, 2 to
200 of each, the nominal .95 covers at least .945, where Student's own covers as little as .06. Wilson's interval of the
rescaled mean falls to .85 with five answers and is half as wide again with two hundred; the bootstrap draws from what
was answered, so it has Student's fault.
"""

from __future__ import annotations

import numpy as np

from retention._stats.mover import t_quantile
from retention._types import FloatArray

__all__ = ["mean_within"]


def mean_within(values: FloatArray, *, low: float, high: float, level: float = 0.95) -> tuple[float, float, float]:
    """The plain mean and the limits of its interval, which lie within the scale from ``low`` to ``high``.

    ``values``: (n,), at least one, each within the scale. ``level``: .90 or more, so that the mean is inside.

    >>> [round(value, 1) for value in mean_within(np.array([5.0, 5.0, 4.0, 5.0]), low=1, high=5)]
    [4.8, 2.5, 5.0]
    """
    known = np.append(values, [low, high])
    half = float(t_quantile(len(known) - 1, level)) * known.std(ddof=1) / len(known) ** 0.5
    lower, upper = np.clip([known.mean() - half, known.mean() + half], low, high).tolist()
    return float(values.mean()), lower, upper
