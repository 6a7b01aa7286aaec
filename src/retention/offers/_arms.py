"""Which offer looks best: by an upper bound that rests on features, or by the chance of being the best one.

Arrays were checked at the door. An offer that may not be used is never named; where none may, the answer is -1.
"""

from __future__ import annotations

import numpy as np

from retention._types import BoolArray, FloatArray, IntArray

__all__ = ["best_by_bound", "chances_of_best", "drawn"]

_BLOCK = 1 << 12
_RIDGE = 1.0
_QUANTILES = 128
_LEAST = 1e-300


def best_by_bound(
    X: FloatArray, gram: FloatArray, moment: FloatArray, usable: BoolArray, alpha: float, *, block: int = _BLOCK
) -> IntArray:
    """The usable offer with the highest xᵀb + alpha √(xᵀ A⁻¹ x), A = gram + 1, b = A⁻¹ moment; (n,).

    ``X``: (n, d), without the 1 that x begins with. ``usable``: (K,) or (n, K). Of equals the first. The quadratic
    forms of all offers are one product of the squares and cross products of x, block by block.
    """
    width = gram.shape[1]
    inverse = np.linalg.inv(gram + _RIDGE * np.eye(width))
    slope = np.einsum("kij,kj->ki", inverse, moment)
    i, j = np.triu_indices(width)
    form = alpha**2 * inverse[:, i, j] * np.where(i == j, 1.0, 2.0)
    best = np.empty(len(X), dtype=np.int64)
    for start in range(0, len(X), block):
        rows = slice(start, start + block)
        x = np.ones((width, len(X[rows])))
        x[1:] = X[rows].T
        score = np.sqrt(np.maximum(form @ (x[i] * x[j]), 0.0)) + slope @ x
        best[rows] = _highest(score, usable if usable.ndim == 1 else usable[rows].T)
    return best


def _highest(score: FloatArray, usable: BoolArray) -> IntArray:
    """Which of the rows (K, n) is the highest usable one in each column: running, as K is small."""
    best = np.full(score.shape[1], -1)
    most = np.full(score.shape[1], -np.inf)
    for k, values in enumerate(score):
        better = (values > most) & usable[k]
        best[better] = k
        np.copyto(most, values, where=better)
    return best


def chances_of_best(wins: FloatArray, losses: FloatArray, usable: BoolArray) -> FloatArray:
    """With which chance each offer is the best of those usable, (groups, K), after a uniform prior; rows add up to 1.

    ``wins``, ``losses``: 0 or more, (K,). ``usable``: (groups, K). By the trapezoidal rule at the quantiles of all
    offers; a group without a usable offer has chances of 0.
    """
    from scipy.special import betainc, betaincinv

    a, b = 1 + wins[:, None], 1 + losses[:, None]
    level = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    nodes = np.unique(np.concatenate([[0.0, 1.0], betaincinv(a, b, level).ravel()]))
    below = betainc(a, b, nodes)
    log_below, step = np.log(np.maximum(below, _LEAST)), np.diff(below, axis=1)
    chances = np.zeros(usable.shape)
    for group, own in zip(chances, usable, strict=True):
        others = np.exp(log_below[own].sum(axis=0) - log_below[own])
        group[own] = (step[own] * (others[:, 1:] + others[:, :-1])).sum(axis=1)
    total = chances.sum(axis=1, keepdims=True)
    return chances / np.where(total > 0, total, 1.0)


def drawn(chances: FloatArray, group: IntArray, rng: np.random.Generator) -> IntArray:
    """One offer for each row by the chances (groups, K) of its group; (n,), -1 where the chances are 0."""
    total = np.cumsum(chances, axis=1)
    edges = np.divide(total, total[:, -1:], out=np.ones_like(total), where=total[:, -1:] > 0)
    u = 1 - rng.random(len(group))  # above 0: an offer of no width is never hit
    offer = np.zeros(len(group), dtype=np.int64)
    for edge in edges[:, :-1].T:
        offer += u > edge[group]
    return np.where(total[group, -1] > 0, offer, -1)
