"""Maximising a smooth function of a few variables inside a box, the same way each time.

Newton's method with the curvature made negative definite (Greenstadt 1967), in steps of limited length, shortened where
they lead down. It is told value, gradient and second derivatives at once. Where the function still rises at a wall the
answer is on the wall; what that means is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from attrs import frozen

from retention._types import BoolArray, FloatArray

__all__ = ["Derivatives", "Maximum", "maximise"]

Derivatives: TypeAlias = tuple[float, FloatArray, FloatArray]

# A step that promises less than this is the last one; Newton's steps square the error, so it leaves none to speak of.
_PROMISE = 1e-7
_LONGEST = 1.5
_MOST_STEPS = 200
# Curvature this much flatter than the steepest counts as no curvature.
_FLAT = 1e-10
_TINY = 1e-300
_AT_WALL = 1e-9
# What rounding may take from a sum of so many terms, in one step and beside what is still promised.
_SLACK = 1e-14
_ROUNDING = 1e-12
_SHORTER = 0.25 ** np.arange(12)


@frozen(eq=False)
class Maximum:
    """Where the search ended: `at` (k,), `value`, second derivatives `hessian` (k, k), `steps`, `at_wall` (k,).

    `found`: whether no direction inside the box promised any more.
    """

    at: FloatArray
    value: float
    hessian: FloatArray
    steps: int
    at_wall: BoolArray
    found: bool


def maximise(
    function: Callable[[FloatArray], Derivatives], start: FloatArray, lower: FloatArray, upper: FloatArray
) -> Maximum:
    """The top of the hill on which ``start`` stands, between ``lower`` and ``upper``; all of shape (k,).

    >>> found = maximise(lambda x: (-float(x @ x), -2 * x, -2 * np.eye(1)), np.ones(1), -np.ones(1), np.full(1, 9.0))
    >>> found.at.tolist(), found.found
    ([0.0], True)
    """
    box = _Box(lower, upper)
    at = np.clip(start, lower, upper)
    value, gradient, hessian = function(at)
    steps, promise = 0, np.inf
    while steps < _MOST_STEPS and promise >= _PROMISE:
        steps += 1
        step = _step(at, gradient, hessian, box)
        promise = float(gradient @ step)
        moved = _climb(function, at, value, step, box)
        if moved is None:
            break
        at, (value, gradient, hessian) = moved
    left = float(gradient @ _step(at, gradient, hessian, box))
    found = left < max(_PROMISE, _ROUNDING * abs(value))
    return Maximum(at, value, hessian, steps, box.holds(at, gradient), found)


@frozen(eq=False)
class _Box:
    lower: FloatArray
    upper: FloatArray

    def holds(self, at: FloatArray, direction: FloatArray) -> BoolArray:
        """The variables that stand at a wall and would go on in this direction if it were not there."""
        result: BoolArray = ((at <= self.lower) & (direction < 0)) | ((at >= self.upper) & (direction > 0))
        return result

    def reach(self, at: FloatArray, step: FloatArray) -> float:
        """The share of the step, at most 1, after which the first variable stands at a wall."""
        moves = step != 0
        room = np.where(step > 0, self.upper - at, self.lower - at)
        return min(1.0, float((room[moves] / step[moves]).min(initial=1.0)))

    def snap(self, at: FloatArray) -> FloatArray:
        """What has come within rounding of a wall stands at it."""
        at = np.where(at < self.lower + _AT_WALL, self.lower, at)
        return np.where(at > self.upper - _AT_WALL, self.upper, at)


def _step(at: FloatArray, gradient: FloatArray, hessian: FloatArray, box: _Box) -> FloatArray:
    """Newton's step among the variables that no wall holds, uphill whatever the curvature; walls may be in its way."""
    held = box.holds(at, gradient)
    while True:
        step = np.zeros_like(at)
        step[~held] = _uphill(gradient[~held], hessian[np.ix_(~held, ~held)])
        outward = box.holds(at, step)
        if not outward.any():
            return step * min(1.0, _LONGEST / max(float(np.abs(step).max()), _TINY))
        held |= outward


def _uphill(gradient: FloatArray, hessian: FloatArray) -> FloatArray:
    if not len(gradient):
        return gradient
    curvature, axes = np.linalg.eigh(hessian)
    steepness = np.maximum(np.abs(curvature), max(_FLAT * float(np.abs(curvature).max()), _TINY))
    step: FloatArray = axes @ (axes.T @ gradient / steepness)
    return step


def _climb(
    function: Callable[[FloatArray], Derivatives], at: FloatArray, value: float, step: FloatArray, box: _Box
) -> tuple[FloatArray, Derivatives] | None:
    """The first of the step as far as it goes, a quarter of it, ... that does not lead down; None if all do."""
    slack = _SLACK * abs(value)
    step = step * box.reach(at, step)
    for size in _SHORTER:
        there = box.snap(at + size * step)
        found = function(there)
        if found[0] >= value - slack:
            return there, found
    return None
