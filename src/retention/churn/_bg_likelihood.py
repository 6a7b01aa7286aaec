"""The log likelihood of the BG family and its first two derivatives by (r, alpha, a, b).

Notation and sources are those of `retention.churn._beta_geometric`. With L = log of alive against left, a row adds::

    log s-th rising factorial, beta functions, powers of alpha and alpha + T        the same for alive and left
    log stages(T) + softplus(L),  L = log D - log A                                 the rest

The first line needs no more than sums by x and by T, made once. The second is one pass over the distinct rows, in
pieces that fit the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.optimise import Derivatives
from retention._stats.special import log_rising, softplus
from retention._types import FloatArray, IntArray
from retention.churn._rows import Rows, totals

__all__ = ["log_likelihood", "stage_chances"]


def log_likelihood(rows: Rows, *, first: int, k: int) -> Callable[[FloatArray], Derivatives]:
    """The function to maximise. ``first``: 1 if nobody leaves after the first order, else 0. ``k``: stages of a gap."""
    constant, sums = _log_of_times(rows, k), _Sums.of(rows, k)

    def derivatives(parameters: FloatArray) -> Derivatives:
        value, gradient, hessian = _shared(sums, parameters, first)
        own_value, own_gradient, own_hessian = _alive_or_left(rows, parameters, first, k)
        return value + own_value + constant, gradient + own_gradient, hessian + own_hessian

    return derivatives


def _log_of_times(rows: Rows, k: int) -> float:
    """What Erlang gaps add apart from the parameters: so that models of different k speak of the same data."""
    from scipy.special import gammaln

    if k == 1:
        return 0.0
    repeats = rows.x[rows.x_place] > 0
    x, t_x = rows.x[rows.x_place[repeats]], rows.t[rows.t_x_place[repeats]]
    return float((((k - 1) * x * np.log(t_x) + gammaln(x) - gammaln(k * x)) * rows.weight[repeats]).sum())


# ---------------------------------------------------------------- the part that alive and left share


@frozen(eq=False)
class _Sums:
    """Customers by x, customers by T, stages passed by T; (x,), (t,), (t,)."""

    x: FloatArray
    t: FloatArray
    stages: FloatArray
    by_x: FloatArray
    by_t: FloatArray
    stages_by_t: FloatArray

    @classmethod
    def of(cls, rows: Rows, k: int) -> _Sums:
        stages = k * rows.x
        return cls(
            rows.x,
            rows.t,
            stages,
            totals(rows.x_place, rows.weight, len(rows.x)),
            totals(rows.T_place, rows.weight, len(rows.t)),
            totals(rows.T_place, rows.weight * stages[rows.x_place], len(rows.t)),
        )


def _shared(sums: _Sums, parameters: FloatArray, first: int) -> Derivatives:
    r, alpha, a, b = parameters
    survived = sums.x + 1 - first
    of_r, of_b, of_ab = (
        [float(sums.by_x @ part) for part in log_rising(c, n)]
        for c, n in ((r, sums.stages), (b, survived), (a + b, survived))
    )
    later, log_ratio = alpha + sums.t, np.log1p(sums.t / alpha)
    power = r * sums.by_t + sums.stages_by_t
    value = of_r[0] + of_b[0] - of_ab[0] - r * (sums.by_t @ log_ratio) - sums.stages_by_t @ np.log(later)
    by_r = of_r[1] - sums.by_t @ log_ratio
    by_alpha = (r * sums.by_t / alpha - power / later).sum()
    hessian = np.diag([of_r[2], (power / later**2 - r * sums.by_t / alpha**2).sum(), -of_ab[2], of_b[2] - of_ab[2]])
    hessian[0, 1] = hessian[1, 0] = (sums.by_t * sums.t / (alpha * later)).sum()
    hessian[2, 3] = hessian[3, 2] = -of_ab[2]
    return float(value), np.array([by_r, by_alpha, -of_ab[1], of_b[1] - of_ab[1]]), hessian


# ---------------------------------------------------------------- the part that tells alive from left


@frozen(eq=False)
class _Stages:
    """log of the stages' sum and its derivatives by s and alpha, one value per row; all 0 where a gap is one stage."""

    log: FloatArray | float = 0.0
    s: FloatArray | float = 0.0
    alpha: FloatArray | float = 0.0
    ss: FloatArray | float = 0.0
    s_alpha: FloatArray | float = 0.0
    alpha_alpha: FloatArray | float = 0.0


@frozen(eq=False)
class _Block:
    """Columns of some rows: what they stand for, s, log and inverse of alpha + T less those of alpha + t_x."""

    x_place: IntArray
    weight: FloatArray
    log_odds: FloatArray
    s: FloatArray
    log_ratio: FloatArray
    difference: FloatArray
    both: FloatArray
    stages: _Stages


def _alive_or_left(rows: Rows, parameters: FloatArray, first: int, k: int) -> Derivatives:
    a, b = parameters[2:]
    left = b + rows.x - first
    parts = [_of_block(block, len(rows.x)) for block in _blocks(rows, parameters, first, k)]
    values, sums, sums_by_x = zip(*parts, strict=True)
    by_s, by_alpha, ss, s_alpha, alpha_alpha = np.sum(sums, axis=0)
    chance, curve, curve_s, curve_alpha = np.sum(sums_by_x, axis=0)
    by_a, by_b = 1 / a, -1 / left
    gradient = np.array([by_s, by_alpha, chance.sum() * by_a, (chance * by_b).sum()])
    hessian = np.array(
        [
            [ss, s_alpha, curve_s.sum() * by_a, (curve_s * by_b).sum()],
            [s_alpha, alpha_alpha, curve_alpha.sum() * by_a, (curve_alpha * by_b).sum()],
            [0, 0, (curve - chance).sum() * by_a**2, (curve * by_b).sum() * by_a],
            [0, 0, 0, ((curve + chance) * by_b**2).sum()],
        ]
    )
    return sum(values), gradient, np.triu(hessian) + np.triu(hessian, 1).T


def _of_block(block: _Block, frequencies: int) -> tuple[float, FloatArray, FloatArray]:
    """The block's value, its sums of derivatives by s and alpha, and by x what those by a and b need."""
    stages, weight = block.stages, block.weight
    soft, share = softplus(block.log_odds + block.s * block.log_ratio - stages.log)
    chance = weight * share
    curve = chance * (1 - share)
    alive = weight - chance
    by_s, by_alpha = block.log_ratio - stages.s, block.s * block.difference - stages.alpha
    curve_s, curve_alpha = curve * by_s, curve * by_alpha
    sums = np.array(
        [
            (chance * by_s).sum() + (weight * stages.s).sum(),
            (chance * by_alpha).sum() + (weight * stages.alpha).sum(),
            (curve_s * by_s).sum() + (alive * stages.ss).sum(),
            (curve_s * by_alpha).sum() + (chance * block.difference).sum() + (alive * stages.s_alpha).sum(),
            (curve_alpha * by_alpha).sum()
            - (chance * block.s * block.difference * block.both).sum()
            + (alive * stages.alpha_alpha).sum(),
        ]
    )
    first = np.flatnonzero(_checks.starts(block.x_place))
    by_x = np.zeros((4, frequencies))
    by_x[:, block.x_place[first]] = [np.add.reduceat(part, first) for part in (chance, curve, curve_s, curve_alpha)]
    return float((weight * (soft + stages.log)).sum()), sums, by_x


def _blocks(rows: Rows, parameters: FloatArray, first: int, k: int) -> Iterator[_Block]:
    r, alpha, a, b = parameters
    log_t, inverse = np.log(alpha + rows.t), 1 / (alpha + rows.t)
    s = r + k * rows.x
    log_odds = np.full(len(rows.x), -np.inf)
    may_leave = rows.x >= first
    log_odds[may_leave] = np.log(a / (b + rows.x[may_leave] - first))
    for block in _checks.blocks(len(rows.weight)):
        x_place, end, last = rows.x_place[block], rows.T_place[block], rows.t_x_place[block]
        inverse_end, inverse_last = inverse[end], inverse[last]
        s_here = s[x_place]
        stages = _stages(s_here, (rows.t[end] - rows.t[last]) * inverse_end, inverse_end, k) if k > 1 else _Stages()
        yield _Block(
            x_place,
            rows.weight[block],
            log_odds[x_place],
            s_here,
            log_t[end] - log_t[last],
            inverse_end - inverse_last,
            inverse_end + inverse_last,
            stages,
        )


def _stages(s: FloatArray, rho: FloatArray, inverse: FloatArray, k: int) -> _Stages:
    """Of the k stages that may have passed since the last order; moments over them are the derivatives."""
    j = np.arange(k)[:, None]
    harmonic = np.cumsum(np.vstack([np.zeros_like(s), 1 / (s + j[:-1])]), axis=0)
    squares = np.cumsum(np.vstack([np.zeros_like(s), 1 / (s + j[:-1]) ** 2]), axis=0)
    log_total, chance = stage_chances(s, rho, k)
    of_s, of_j = (chance * harmonic).sum(axis=0), (chance * j).sum(axis=0)
    from_s, from_j = harmonic - of_s, j - of_j
    return _Stages(
        log=log_total,
        s=of_s,
        alpha=-inverse * of_j,
        ss=(chance * (from_s**2 - squares)).sum(axis=0),
        s_alpha=-inverse * (chance * from_s * from_j).sum(axis=0),
        alpha_alpha=inverse**2 * ((chance * from_j**2).sum(axis=0) + of_j),
    )


def stage_chances(s: FloatArray, rho: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """The log of the sum over j < k of (s)_j / j! rho^j, shape (n,), and each term's share in it, (k, n)."""
    j = np.arange(1, k)[:, None]
    term = np.cumprod(np.vstack([np.ones_like(s), (s + j - 1) / j * rho]), axis=0)
    total = term.sum(axis=0)
    return np.log(total), term / total
