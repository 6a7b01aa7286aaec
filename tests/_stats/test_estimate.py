"""A number and its interval."""

from __future__ import annotations

import pytest

from retention import churn, offers
from retention._stats.estimate import Estimate


@pytest.mark.parametrize(
    "numbers, text",
    [
        ((0.0679, 0.05, 0.09), "0.0679 [0.0500, 0.0900]"),
        ((0.80756, 0.8, 0.81), "0.8076 [0.8000, 0.8100]"),
    ],
)
def test_an_estimate_as_text(numbers: tuple[float, float, float], text: str) -> None:
    """The value, then its interval."""
    assert str(Estimate(*numbers)) == text


def test_rooms_that_measure_share_it() -> None:
    """An estimate of one is an estimate of the other."""
    assert churn.Estimate is offers.Estimate is Estimate
