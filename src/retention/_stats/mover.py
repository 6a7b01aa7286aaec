"""The difference of two means of which most terms are zero: additive MOVER.

The mean per customer is the share of buyers times their mean basket. Each factor has its own interval (Wilson's for the
share, Student's for the basket) and the distances add up as squares, arm by arm and side by side (method of variance
estimates recovery: Zou, Huang, Zhang, Computational Statistics and Data Analysis 53, 2009, 3755-3764). With few
buyers in the control Welch's interval covers .90; this one .95 or a little more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen

from retention._stats.intervals import wilson
from retention._types import FloatArray

__all__ = ["Arm", "mover", "t_quantile"]


@frozen(eq=False)
class Arm:
    """What is known of an arm; numbers, or arrays of one shape.

    `n`: customers. `buyers`: of these, at least 2. `mean`, `sd`: of the buyers' values, the latter with n - 1.
    """

    n: Any
    buyers: Any
    mean: Any
    sd: Any


def t_quantile(df: Any, level: float) -> Any:
    """Student's t for a two-sided interval with ``df`` degrees of freedom."""
    from scipy.special import stdtrit

    return stdtrit(df, (1 + level) / 2)


def mover(treated: Arm, control: Arm, *, level: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limit of the difference of the means per customer, treated minus control."""
    df = treated.buyers + control.buyers - 2
    squares = (treated.buyers - 1) * treated.sd**2 + (control.buyers - 1) * control.sd**2
    pooled, t = np.sqrt(squares / df), t_quantile(df, level)
    below_t, above_t = _distances(treated, pooled, t, level)
    below_c, above_c = _distances(control, pooled, t, level)
    difference = treated.buyers / treated.n * treated.mean - control.buyers / control.n * control.mean
    return difference - np.hypot(below_t, above_c), difference + np.hypot(above_t, below_c)


def _distances(arm: Arm, pooled: Any, t: Any, level: float) -> tuple[FloatArray, FloatArray]:
    """How far the limits of one arm lie below and above its mean."""
    share = arm.buyers / arm.n
    low, high = wilson(arm.buyers, arm.n, level=level)
    down, up = (share - low) * arm.mean, (high - share) * arm.mean
    basket = share * t * np.maximum(pooled, arm.sd) / np.sqrt(arm.buyers)
    loses = arm.mean < 0  # then the larger share of buyers is the lower limit
    return np.hypot(np.where(loses, up, down), basket), np.hypot(np.where(loses, down, up), basket)
