"""Evidence that stays valid however often it is looked at: an exact e-process and its confidence sequence.

Whoever comes back was treated with their own propensity w; if the letters change nobody, the arms of the returners are
independent Bernoulli(w) whatever the base rate, the season or the looking. If they multiply the rate of return by
exp(l), they are Bernoulli(w e^l / (1 - w + w e^l)). With X treated among the returners, n_g of them at propensity w_g::

    f(l) = l X - sum_g n_g log(1 - w_g + w_g e^l)          the log-likelihood ratio of l against 0
    E    = sum_j prior_j exp f(l_j)                        on average at most 1 if there is no effect, at every look

By Ville's inequality E ever reaches 1/alpha with a chance of at most alpha (Ramdas, Gruenwald, Vovk, Shafer,
Statistical Science 38, 2023, 576-601). The prior is discrete, so nothing is approximated. The same argument with l in
place of 0 gives the confidence sequence: all l with f(l) >= log E - log(1/alpha).

Arrays: the last axis of ``x`` counts looks and holds cumulated numbers; ``n`` has groups of one propensity behind it,
``w`` (..., groups) is theirs, strictly between 0 and 1. Further axes in front are experiments of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import frozen

from retention._types import FloatArray, IntArray

__all__ = ["Prior", "confidence_sequence", "half_normals", "log_evidence", "most_likely", "running_p_value"]

_NODES = 24
_WIDTH = 4.0  # in scales: what lies beyond is 6e-5 of a half-normal
_STEPS = 60  # Newton's method needs some ten
_SMALL = 1e-10


@frozen(eq=False)
class Prior:
    """Log rate ratios `at`, shape (nodes,), and their probabilities `weight`, which add up to 1."""

    at: FloatArray
    weight: FloatArray


def half_normals(scale: float, above: float) -> Prior:
    """Two half-normals on the log rate ratio, ``above`` (0 to 1) of the weight on the positive side."""
    side = (np.arange(_NODES) + 0.5) * (_WIDTH * scale / _NODES)
    weight = np.exp(-((side / scale) ** 2) / 2)
    weight /= weight.sum()
    return Prior(np.concatenate([-side, side]), np.concatenate([(1 - above) * weight, above * weight]))


def log_evidence(x: IntArray, n: IntArray, w: FloatArray, prior: Prior) -> FloatArray:
    """The logarithm of E at each look: shape (..., looks)."""
    cost = np.log1p(w[..., None] * np.expm1(prior.at))
    terms = x[..., None] * prior.at - n @ cost
    top = terms.max(axis=-1)
    mixed: FloatArray = top + np.log(np.exp(terms - top[..., None]) @ prior.weight)
    return mixed


def running_p_value(log_e: FloatArray) -> FloatArray:
    """One over the largest E so far, at most 1: valid at every look and at whichever the reader stops."""
    return np.exp(-np.maximum(np.maximum.accumulate(log_e, axis=-1), 0.0))


def most_likely(x: IntArray, n: IntArray, w: FloatArray) -> FloatArray:
    """The log rate ratio that explains each look best: shape (..., looks).

    Minus infinity where nobody treated returned, infinity where nobody else did, 0 where nobody did at all.
    """
    total = n.sum(axis=-1)
    inside = (x > 0) & (x < total)
    at = np.zeros(x.shape)
    share = (n * w[..., None, :]).sum(axis=-1) / np.maximum(total, 1)
    at[inside] = _logit(x[inside] / total[inside]) - _logit(share[inside])

    def step(at: FloatArray) -> FloatArray:
        full = _slope(at, x, n, w) / np.maximum(_bend(at, n, w), 1e-300)
        return np.where(inside, np.clip(full, -1, 1), 0.0)

    ends = np.where(x < total, -np.inf, np.inf)
    return np.where(inside | (total == 0), _settled(at, step), ends)


def confidence_sequence(
    x: IntArray, n: IntArray, w: FloatArray, log_e: FloatArray, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limit of the log rate ratio at each look, all earlier looks intersected: shape (..., looks).

    With a chance of at least 1 - alpha the truth, if it is one constant ratio, is inside at all looks at once. Minus
    infinity where nobody treated returned, infinity where nobody else did.
    """
    level = log_e + np.log(alpha)
    total = n.sum(axis=-1)
    # f lies below its two asymptotes, so it meets the level inside of where they do.
    outside_low = (level + (n @ np.log1p(-w)[..., None])[..., 0]) / np.maximum(x, 1)
    outside_high = (-level - (n @ np.log(w)[..., None])[..., 0]) / np.maximum(total - x, 1)
    low, high = (_inwards(start, x, n, w, level) for start in (outside_low, outside_high))
    low, high = np.where(x > 0, low, -np.inf), np.where(x < total, high, np.inf)
    return np.maximum.accumulate(low, axis=-1), np.minimum.accumulate(high, axis=-1)


def _inwards(start: FloatArray, x: IntArray, n: IntArray, w: FloatArray, level: FloatArray) -> FloatArray:
    """Newton's method from outside: f is concave, so no step passes the root, to stop early is safe."""

    def step(at: FloatArray) -> FloatArray:
        slope = _slope(at, x, n, w)
        return np.where(slope == 0, 0.0, (level - _value(at, x, n, w)) / np.where(slope == 0, 1.0, slope))

    return _settled(start, step)


def _settled(at: FloatArray, step: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Where the steps become too small to matter, or after many of them."""
    for _ in range(_STEPS):
        change = step(at)
        at = at + change
        if np.abs(change).max() < _SMALL:
            break
    return at


def _value(at: FloatArray, x: IntArray, n: IntArray, w: FloatArray) -> FloatArray:
    value: FloatArray = x * at - (n * np.logaddexp(_row(np.log1p(-w)), _row(np.log(w)) + at[..., None])).sum(axis=-1)
    return value


def _slope(at: FloatArray, x: IntArray, n: IntArray, w: FloatArray) -> FloatArray:
    slope: FloatArray = x - (n * _treated(at, w)).sum(axis=-1)
    return slope


def _bend(at: FloatArray, n: IntArray, w: FloatArray) -> FloatArray:
    share = _treated(at, w)
    bend: FloatArray = (n * share * (1 - share)).sum(axis=-1)
    return bend


def _treated(at: FloatArray, w: FloatArray) -> FloatArray:
    """The chance that a returner was treated, per look and group."""
    return 1 / (1 + np.exp(-np.clip(at[..., None] + _row(_logit(w)), -700, 700)))


def _logit(share: FloatArray) -> FloatArray:
    return np.log(share) - np.log1p(-share)


def _row(per_group: FloatArray) -> FloatArray:
    return per_group[..., None, :]
