"""What "bg/nbd", "mbg/nbd" and "mbg/cnbd-k" say of a customer, on checked columns.

One notation for the three. A customer's rate is gamma distributed (r, alpha), gaps are Erlang-k at that rate, and with
x repeat orders ``s = r + k x``. The customer is alive or has left with densities that share a factor; the rest is

    alive  A(T) = (alpha + T)^-s * stages(T)            stages(T) = sum over j < k of (s)_j / j! * rho^j,
    left   D = a / (b + x - first) * (alpha + t_x)^-s   rho = (T - t_x) / (alpha + T)

where ``first`` is 1 under "bg/nbd", in which nobody leaves after the first order, and 0 elsewhere. P(alive) is
A / (A + D). Nobody leaves between orders, so of the living the share A(T + h) / A(T) does not order until T + h.
Sources: Fader, Hardie, Lee 2005; Hoppe, Wagner 2007; Platzer, Reutterer 2016.

Expected orders: given the chance p to leave after an order and N ~ negative binomial (s, z / (1 + z)) stages passed in
the horizon, z = h / (alpha + T), a living customer places ``(1 - E (1-p)^floor((N + j) / k)) / p`` orders, j the
stages already passed. The mean over p, beta distributed (a, b + x + 1 - first), is summed over its whole range: what
the published 2F1 says for k = 1, without its pole at a = 1, and exact for k above 1, where Platzer and Reutterer
approximate.
"""

from __future__ import annotations

import numpy as np

from retention import _checks
from retention._stats.quadrature import beta_nodes
from retention._types import FloatArray, IntArray
from retention.churn._bg_likelihood import stage_chances
from retention.churn._records import BetaGeometric
from retention.churn._rows import Pairs

__all__ = ["expected_orders", "expected_orders_new", "p_active", "p_alive"]

_LARGEST_LOG = 700.0
# Rows of nodes handled at a time: what they need fits the processor's cache.
_AT_A_TIME = 512


def p_alive(m: BetaGeometric, x: IntArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
    """A / (A + D), shape (n,)."""
    result = np.empty(len(x))
    for block in _checks.blocks(len(x)):
        result[block] = _alive(m, x[block], t_x[block], T[block])
    return result


def p_active(m: BetaGeometric, x: IntArray, t_x: FloatArray, T: FloatArray, horizon: float) -> FloatArray:
    """(A(T) - A(T + h)) / (A + D), shape (n,)."""
    result = np.empty(len(x))
    for block in _checks.blocks(len(x)):
        x_here, last, end = x[block], t_x[block], T[block]
        s = _stages_before(m, x_here)
        silent = -s * np.log1p(horizon / (m.alpha + end))
        if m.k > 1:
            now, later = (stage_chances(s, (t - last) / (m.alpha + t), m.k)[0] for t in (end, end + horizon))
            silent = np.minimum(silent + later - now, 0)
        result[block] = -_alive(m, x_here, last, end) * np.expm1(silent)
    return result


def expected_orders(m: BetaGeometric, x: IntArray, t_x: FloatArray, T: FloatArray, horizon: float) -> FloatArray:
    """P(alive) times the orders of a living customer; the latter once for each distinct pair of x and T."""
    pairs = Pairs.of(x, T)
    living = np.array([_living(m, pairs, horizon, j) for j in range(m.k)])
    result = np.empty(len(x))
    for block in _checks.blocks(len(x)):
        x_here, last, end, orders = x[block], t_x[block], T[block], living[:, pairs.place[block]]
        if m.k > 1:
            orders = orders * stage_chances(_stages_before(m, x_here), (end - last) / (m.alpha + end), m.k)[1]
        result[block] = _alive(m, x_here, last, end) * orders.sum(axis=0)
    return result


def expected_orders_new(m: BetaGeometric, t: FloatArray) -> FloatArray:
    """The orders of somebody whose first order is at age 0, and may have been the last unless ``first``."""
    first = _first(m)
    stays = 1.0 if first else m.b / (m.a + m.b)
    z = t / m.alpha
    p = beta_nodes(m.a, m.b + 1 - first, m.r * float(z.max(initial=0.0)))
    return stays * _in_pieces(m.r, z, m.k, 0, p)


def _first(m: BetaGeometric) -> int:
    return int(m.model == "bg/nbd")


def _stages_before(m: BetaGeometric, x: IntArray) -> FloatArray:
    return (m.r + m.k * x).astype(np.float64, copy=False)


def _alive(m: BetaGeometric, x: IntArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
    s, first = _stages_before(m, x), _first(m)
    odds = np.exp(np.minimum(s * np.log((m.alpha + T) / (m.alpha + t_x)), _LARGEST_LOG))
    if m.k > 1:
        odds /= np.exp(stage_chances(s, (T - t_x) / (m.alpha + T), m.k)[0])
    odds *= m.a
    odds /= m.b + x - first if not first else np.where(x > 0, m.b + x - first, np.inf)
    odds += 1
    return np.reciprocal(odds)


def _living(m: BetaGeometric, pairs: Pairs, horizon: float, j: int) -> FloatArray:
    """Orders within the horizon of customers who are alive, j stages into the gap; (m,)."""
    result = np.empty(len(pairs.x))
    for x, rows in pairs.by_x():
        s = m.r + m.k * x + j
        p = beta_nodes(m.a, m.b + x + 1 - _first(m), s * horizon / m.alpha)
        result[rows] = _in_pieces(s, horizon / (m.alpha + pairs.t[rows]), m.k, j, p)
    return result


def _in_pieces(s: float, z: FloatArray, k: int, j: int, p: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    result = np.empty(len(z))
    for start in range(0, len(z), _AT_A_TIME):
        piece = slice(start, start + _AT_A_TIME)
        column = z[piece, None]
        result[piece] = _orders_of_random_gaps(s, column, p) if k == 1 else _orders_of_stages(s, column, k, j, p)
    return result


def _orders_of_random_gaps(s: float, z: FloatArray, nodes: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    """The mean over p of (1 - (1 + z p)^-s) / p; z of shape (m, 1)."""
    p, _, weight = nodes
    silent = z * p
    np.log1p(silent, out=silent)
    silent *= -s
    np.expm1(silent, out=silent)
    silent *= weight / p
    result: FloatArray = -silent.sum(axis=1)
    return result


def _orders_of_stages(
    s: float, z: FloatArray, k: int, j: int, nodes: tuple[FloatArray, FloatArray, FloatArray]
) -> FloatArray:
    """The mean over p of (1 - E q^floor((N + j) / k)) / p, q = 1 - p; z of shape (m, 1), s that of N.

    With the k-th roots u of q, q^floor(n / k) is the sum over u of c(u) u^n, c(u) = (1 + 1/u + ... + u^(1-k)) / k, and
    E u^N = (1 + z (1 - u))^-s. Divided by p on paper: c(u) / p = u / (k q (1 - u)) for all u but the positive one.
    """
    p, log_q, weight = nodes
    root, per_stage = np.exp(log_q / k), -log_q / k
    log_c = np.log1p(np.mean([np.expm1(d * per_stage) for d in range(k)], axis=0))
    total = -np.expm1(log_c - j * per_stage - s * np.log1p(z * -np.expm1(-per_stage))) / p
    for turn in range(1, k):
        u = root * np.exp(2j * np.pi * turn / k)
        total -= (u ** (j + 1) / (1 - u) * np.exp(-s * np.log1p(z * (1 - u)) - log_q)).real / k
    result: FloatArray = (total * weight).sum(axis=1)
    return result
