"""Sizes are compared only on a scale that both are on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import _sizes


def test_letters_and_numbers_rise():
    """Every scale has its order, however the letters are written."""
    letters = ["3xs", "XXS", "xs", " s", "M ", "l", "XL", "2XL", "XXXL", "4xl"]
    assert [_sizes.place(size).step for size in letters] == list(range(10))
    assert {_sizes.place(size).scale for size in letters} == {1}
    assert [_sizes.place(size) for size in ("38", "38,5", "39.25")] == [(0, 38.0), (0, 38.5), (0, 39.25)]


@pytest.mark.parametrize("size", ["", "one size", "38-40", "12345", "5XL", "XM", "-3", "M/L"])
def test_what_is_on_no_scale(size):
    """Anything else says nothing."""
    assert _sizes.place(size) is None


@given(st.text())
def test_any_text_is_read(size):
    """Nothing that a catalogue holds is an error."""
    found = _sizes.place(size)
    assert found is None or found.scale in (0, 1)
