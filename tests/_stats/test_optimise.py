"""The search ends on the hill where it began, stops at walls, and says so if it did not arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention._stats import optimise
from retention._stats.optimise import maximise

FAR = np.full(2, 50.0)
points = st.tuples(st.floats(-20, 20), st.floats(-20, 20)).map(np.array)


def bowl(top):
    """-(x - top)' A (x - top) / 2 along a narrow ridge."""
    narrow = np.array([[30.0, 9.0], [9.0, 3.0]])
    return lambda x: (-float((x - top) @ narrow @ (x - top)) / 2, -narrow @ (x - top), -narrow)


def rosenbrock(x):
    """The bent valley, upside down."""
    u, v = x
    value = -((1 - u) ** 2 + 100 * (v - u**2) ** 2)
    gradient = np.array([2 * (1 - u) + 400 * u * (v - u**2), -200 * (v - u**2)])
    return value, gradient, np.array([[-2 + 400 * v - 1200 * u**2, 400 * u], [400 * u, -200]])


@given(points, points)
def test_the_top_of_a_hill(start, top):
    """A quadratic hill is climbed to its top from anywhere."""
    found = maximise(bowl(top), start, -FAR, FAR)
    assert found.at == pytest.approx(top, abs=1e-3)
    assert found.found
    assert not found.at_wall.any()


@given(points, points)
def test_walls(start, top):
    """Between walls the answer is the highest point between them, and the walls that hold it are named."""
    lower, upper = np.full(2, -1.0), np.full(2, 1.0)
    found = maximise(bowl(top), start, lower, upper)
    assert found.found
    assert ((found.at >= lower) & (found.at <= upper)).all()
    grid = np.linspace(-1, 1, 41)
    best = max(bowl(top)(np.array([u, v]))[0] for u in grid for v in grid)
    assert found.value >= best - 1e-6
    inside = (np.abs(top) < 0.999).all()
    assert found.at_wall.any() == (not inside) or np.abs(top).max() < 1.001


def test_a_bent_valley():
    """Curvature of the wrong sign does not lead astray."""
    found = maximise(rosenbrock, np.array([-1.2, 1.0]), -FAR, FAR)
    assert found.at == pytest.approx([1, 1], abs=1e-6)
    assert found.found


def test_a_saddle():
    """A step from beside a saddle leads uphill on both sides."""
    found = maximise(
        lambda x: (x[0] ** 2 - x[1] ** 2, np.array([2 * x[0], -2 * x[1]]), np.diag([2.0, -2.0])),
        np.array([0.1, 1.0]),
        -FAR,
        FAR,
    )
    assert found.at == pytest.approx([50, 0], abs=1e-6)
    assert found.at_wall.tolist() == [True, False]


def test_everything_held():
    """In a corner from which no way leads up nothing moves."""
    found = maximise(lambda x: (float(x.sum()), np.ones(2), np.zeros((2, 2))), FAR, -FAR, FAR)
    assert (found.at == FAR).all()
    assert found.at_wall.all()
    assert found.found


def test_no_way_up():
    """A function that contradicts its gradient is not climbed, and the search does not pretend it arrived."""
    found = maximise(lambda x: (-float(np.abs(x).sum()), np.ones(2), -np.eye(2)), np.ones(2), -FAR, FAR)
    assert (found.at == 1).all()
    assert not found.found


def test_out_of_steps(monkeypatch):
    """Neither does it when the steps have run out."""
    monkeypatch.setattr(optimise, "_MOST_STEPS", 3)
    found = maximise(rosenbrock, np.array([-1.2, 1.0]), -FAR, FAR)
    assert found.steps == 3
    assert not found.found
