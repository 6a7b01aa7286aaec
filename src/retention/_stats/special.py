"""Special functions as the likelihoods need them: no overflow, no digits lost to a difference of large terms."""

from __future__ import annotations

import numpy as np

from retention._types import FloatArray

__all__ = ["log_rising", "softplus"]


# From here on Stirling's series, four terms of it, is exact to the last digits.
_LARGE = 30.0


def log_rising(c: float, n: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The log of Gamma(c + n) / Gamma(c) and its first two derivatives by c, for c > 0 and n >= 0 of shape (m,).

    >>> value, first, second = log_rising(2.0, np.array([3.0]))  # 2 * 3 * 4
    >>> float(np.exp(value[0]).round(9)), float(first[0].round(9)) == round(1 / 2 + 1 / 3 + 1 / 4, 9)
    (24.0, True)
    """
    from scipy.special import digamma, gammaln, zeta

    if c > _LARGE:
        return _log_rising_of_large(c, n)
    return gammaln(c + n) - gammaln(c), digamma(c + n) - digamma(c), zeta(2, c + n) - zeta(2, c)


def _log_rising_of_large(c: float, n: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same by Stirling's series (Abramowitz, Stegun 6.1.41), in which large terms are subtracted on paper."""
    end, ratio = c + n, np.log1p(n / c)

    def rest(*coefficients: float, power: int) -> FloatArray:
        powers = [-(power + 2 * i) for i in range(len(coefficients))]
        result: FloatArray = np.sum([k * (end**j - c**j) for k, j in zip(coefficients, powers, strict=True)], axis=0)
        return result

    value = n * (np.log(c) - 1) + (end - 0.5) * ratio + rest(1 / 12, -1 / 360, 1 / 1260, -1 / 1680, power=1)
    first = ratio + n / (2 * c * end) + rest(-1 / 12, 1 / 120, -1 / 252, 1 / 240, power=2)
    second = -n / (c * end) + rest(1 / 2, power=2) + rest(1 / 6, -1 / 30, 1 / 42, -1 / 30, power=3)
    return value, first, second


def softplus(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """log(1 + exp(x)) and its derivative, the logistic function; neither overflows.

    >>> [column.tolist() for column in softplus(np.array([-1e4, 1e4]))]
    [[0.0, 10000.0], [0.0, 1.0]]
    """
    small = np.exp(-np.abs(x))
    logistic = np.where(x < 0, small, 1.0) / (1 + small)
    return np.maximum(x, 0) + np.log1p(small), logistic
