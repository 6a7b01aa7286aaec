"""The mathematics of "pareto/nbd", on checked columns.

With R = r + x, up to a factor that alive and left share, the customer is alive with density

    A(T) = (alpha + T)^-R (beta + T)^-s

and left at some moment since the last order with ``s (J(t_x) - J(T))`` for J of R and s + 1, where

    J(t; P, Q) = integral of (alpha + u)^-P (beta + u)^-Q du, u from t to infinity.

J is the hypergeometric function 2F1(1, Q; P + Q; 1 - (alpha + t) / (beta + t)) in another dress (Schmittlein, Morrison,
Colombo 1987; Fader, Hardie 2005, whose formula needs a case for alpha < beta and cancels where the two are close). Here
it is summed: with u - t = c exp(v), c the smaller of alpha + t and beta + t, the integrand is smooth on the whole axis
(`retention._stats.quadrature`), some fifty nodes give eleven digits. J(t_x) - J(T) loses digits only where it does not
matter beside A(T).

An order in (T, T + h] has, by parts, the density ``R (J(T; R + 1, s) - J(T + h; R + 1, s))``: that makes `p_active`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import frozen

from retention import _checks
from retention._stats.optimise import Derivatives
from retention._stats.quadrature import nodes
from retention._stats.special import log_rising, softplus
from retention._types import FloatArray, IntArray
from retention.churn._records import ParetoNBD
from retention.churn._rows import Pairs, Rows, totals

__all__ = ["expected_orders", "expected_orders_new", "log_likelihood", "p_active", "p_alive"]

_LARGEST_LOG = 600.0
# Rows of nodes handled at a time: what they need fits the processor's cache.
_AT_A_TIME = 512


# ---------------------------------------------------------------- the integral


@frozen(eq=False)
class _Integral:
    """The log of J for m pairs of x and t, (m,), and its derivatives by r, alpha, s, beta, (4, m) and (4, 4, m)."""

    log: FloatArray
    slope: FloatArray
    curve: FloatArray

    @classmethod
    def empty(cls, m: int, *, derivatives: bool) -> _Integral:
        d = m if derivatives else 0
        return cls(np.empty(m), np.empty((4, d)), np.empty((4, 4, d)))


def _integral(
    pairs: Pairs, parameters: FloatArray, *, ordered: bool = False, later: float = 0.0, derivatives: bool = False
) -> _Integral:
    """J at each pair's time, ``later`` added, of R and s + 1; with ``ordered`` of R + 1 and s."""
    r, _, s, _ = parameters
    result = _Integral.empty(len(pairs.x), derivatives=derivatives)
    for x, rows in pairs.by_x():
        powers = (r + x + ordered, s + (not ordered))
        for start in range(rows.start, rows.stop, _AT_A_TIME):
            block = slice(start, min(start + _AT_A_TIME, rows.stop))
            _integrate(result, block, pairs.t[block] + later, powers, parameters)
    return result


def _integrate(
    result: _Integral, block: slice, t: FloatArray, powers: tuple[float, float], parameters: FloatArray
) -> None:
    (p, q), (_, alpha, _, beta) = powers, parameters
    v, weight = _nodes(p, q, alpha, beta)
    u, beyond = np.exp(np.minimum(v, _LARGEST_LOG)), np.maximum(v - _LARGEST_LOG, 0)
    base_a, base_b = alpha + t[:, None], beta + t[:, None]
    c = np.minimum(base_a, base_b)
    ratio_a, ratio_b = 1 + c / base_a * u, 1 + c / base_b * u
    log_a, log_b = np.log(ratio_a) + beyond, np.log(ratio_b) + beyond
    terms = np.exp(v - p * log_a - q * log_b) * weight
    total = terms.sum(axis=1)
    result.log[block] = np.log(c[:, 0] * total) - p * np.log(base_a[:, 0]) - q * np.log(base_b[:, 0])
    if not result.slope.size:
        return
    terms /= total[:, None]
    inverse_a, inverse_b = 1 / (base_a * ratio_a), 1 / (base_b * ratio_b)
    slope = -np.array([log_a + np.log(base_a), p * inverse_a, log_b + np.log(base_b), q * inverse_b])
    mean = (terms * slope).sum(axis=2)
    slope -= mean[:, :, None]
    curve = np.einsum("imn,jmn->ijm", terms * slope, slope)
    for i, inverse, power in ((0, inverse_a, p), (2, inverse_b, q)):
        mixed = (terms * inverse).sum(axis=1)
        curve[i, i + 1] -= mixed
        curve[i + 1, i] -= mixed
        curve[i + 1, i + 1] += power * (terms * inverse**2).sum(axis=1)
    result.slope[:, block], result.curve[:, :, block] = mean, curve


def _nodes(p: float, q: float, alpha: float, beta: float) -> tuple[FloatArray, FloatArray]:
    """Nodes for log((u - t) / c): lively from where the powers begin to bite until the larger base has joined in."""
    apart = abs(np.log(alpha / beta))
    return nodes(-np.log1p(p + q) - 4, apart + 4, left_rate=1.0, right_rate=p + q - 1)


# ---------------------------------------------------------------- likelihood


def log_likelihood(rows: Rows) -> Callable[[FloatArray], Derivatives]:
    """The log likelihood of (r, alpha, s, beta) with first and second derivatives."""
    ends, last = (Pairs.among(rows.x, rows.x_place, rows.t, place) for place in (rows.T_place, rows.t_x_place))
    by_x = totals(rows.x_place, rows.weight, len(rows.x))
    total = rows.customers

    def derivatives(parameters: FloatArray) -> Derivatives:
        r, alpha, s, beta = parameters
        rising = [float((by_x * part).sum()) for part in log_rising(r, rows.x)]
        value, gradient, hessian = _alive_or_left(rows, ends, last, parameters)
        value += rising[0] + total * (r * np.log(alpha) + s * np.log(beta))
        gradient += [rising[1] + total * np.log(alpha), total * r / alpha, total * np.log(beta), total * s / beta]
        hessian += np.diag([rising[2], -total * r / alpha**2, 0, -total * s / beta**2])
        hessian[[0, 1, 2, 3], [1, 0, 3, 2]] += total / np.array([alpha, alpha, beta, beta])
        return value, gradient, hessian

    return derivatives


def _alive_or_left(
    rows: Rows, ends: Pairs, last: Pairs, parameters: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """The log of A(T) + s J(t_x) - s J(T); its derivatives are means and variances over the three, by their shares."""
    parts, pairs = _parts(ends, last, parameters, derivatives=True), (ends, last, ends)
    by_pair = [np.zeros(len(part.log)) for part in parts]
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for block in _checks.blocks(len(rows.weight)):
        weight, places = rows.weight[block], [of.place[block] for of in pairs]
        alive, left, right = (part.log[place] for part, place in zip(parts, places, strict=True))
        soft, share, kept = _log_sum(alive, left, right)
        value += float((weight * (alive + soft)).sum())
        mean = np.zeros((4, len(weight)))
        for w, part, place, total in zip((1 - share, kept, share - kept), parts, places, by_pair, strict=True):
            slope = part.slope[:, place]
            mean += w * slope
            hessian += np.einsum("im,jm->ij", weight * w * slope, slope)
            np.add(total, totals(place, weight * w, len(total)), out=total)
        gradient += (weight * mean).sum(axis=1)
        hessian -= np.einsum("im,jm->ij", weight * mean, mean)
    hessian += sum((part.curve * total).sum(axis=2) for part, total in zip(parts, by_pair, strict=True))
    return value, gradient, hessian


def _parts(ends: Pairs, last: Pairs, parameters: FloatArray, *, derivatives: bool) -> tuple[_Integral, ...]:
    """The log of A(T), log s J(t_x), log s J(T)."""
    return (
        _log_alive(ends, parameters, derivatives=derivatives),
        _log_left(last, parameters, derivatives=derivatives),
        _log_left(ends, parameters, derivatives=derivatives),
    )


def _log_sum(alive: FloatArray, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """log(1 + y), y / (1 + y) and y' / (1 + y), where y = y' (1 - e^(right - left)) and y' = e^(left - alive)."""
    with np.errstate(divide="ignore"):  # who ordered on the last day cannot have left since: log 0
        rest = np.log1p(-np.exp(np.minimum(right - left, 0)))
    soft, share = softplus(left - alive + rest)
    return soft, share, np.exp(left - alive - soft)


def _log_alive(pairs: Pairs, parameters: FloatArray, *, derivatives: bool) -> _Integral:
    """The log of A(T)."""
    r, alpha, s, beta = parameters
    power, later, later_b = r + pairs.x, alpha + pairs.t, beta + pairs.t
    result = _Integral.empty(len(pairs.x), derivatives=derivatives)
    result.log[:] = -power * np.log(later) - s * np.log(later_b)
    if derivatives:
        result.slope[:] = -np.array([np.log(later), power / later, np.log(later_b), s / later_b])
        result.curve[:] = 0
        result.curve[[0, 1, 2, 3], [1, 0, 3, 2]] = -1 / np.array([later, later, later_b, later_b])
        result.curve[1, 1], result.curve[3, 3] = power / later**2, s / later_b**2
    return result


def _log_left(pairs: Pairs, parameters: FloatArray, *, derivatives: bool) -> _Integral:
    """log(s J(t))."""
    result = _integral(pairs, parameters, derivatives=derivatives)
    result.log[:] += np.log(parameters[2])
    if derivatives:
        result.slope[2] += 1 / parameters[2]
        result.curve[2, 2] -= 1 / parameters[2] ** 2
    return result


# ---------------------------------------------------------------- what the model says of a customer


def p_alive(m: ParetoNBD, x: IntArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
    """1 / (1 + y), shape (n,)."""
    ends, last = Pairs.of(x, T), Pairs.of(x, t_x)
    return np.exp(-_log_total(m, ends, last)[1])


def p_active(m: ParetoNBD, x: IntArray, t_x: FloatArray, T: FloatArray, horizon: float) -> FloatArray:
    """The density of an order in (T, T + h] against that of alive or left, shape (n,)."""
    parameters = np.array(list(m.parameters.values()))
    ends, last = Pairs.of(x, T), Pairs.of(x, t_x)
    now, then = (_integral(ends, parameters, ordered=True, later=later).log for later in (0.0, horizon))
    log_ordered = np.log(m.r + ends.x) + now + np.log(-np.expm1(np.minimum(then - now, 0)))
    alive, soft = _log_total(m, ends, last)
    return np.minimum(np.exp(log_ordered[ends.place] - alive - soft), 1)


def expected_orders(m: ParetoNBD, x: IntArray, t_x: FloatArray, T: FloatArray, horizon: float) -> FloatArray:
    """P(alive) times the mean rate times the mean time still to live within the horizon, shape (n,)."""
    return p_alive(m, x, t_x, T) * (m.r + x) / (m.alpha + T) * _time_to_live(m, T, horizon)


def expected_orders_new(m: ParetoNBD, t: FloatArray) -> FloatArray:
    """The same for somebody who has just come."""
    return m.r / m.alpha * _time_to_live(m, np.zeros(len(t)), t)


def _time_to_live(m: ParetoNBD, T: FloatArray, horizon: float | FloatArray) -> FloatArray:
    """(beta + T) / (s - 1) * (1 - ((beta + T) / (beta + T + h))^(s - 1)), which has no pole at s = 1; shape (n,)."""
    from scipy.special import exprel

    log_ratio = np.log1p(horizon / (m.beta + T))
    result: FloatArray = (m.beta + T) * log_ratio * exprel((1 - m.s) * log_ratio)
    return result


def _log_total(m: ParetoNBD, ends: Pairs, last: Pairs) -> tuple[FloatArray, FloatArray]:
    """The log of A(T) and log(1 + y) of each row, (n,)."""
    parts = _parts(ends, last, np.array(list(m.parameters.values())), derivatives=False)
    alive, left, right = (part.log[of.place] for part, of in zip(parts, (ends, last, ends), strict=True))
    return alive, _log_sum(alive, left, right)[0]
