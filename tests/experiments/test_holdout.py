"""The global holdout has the share it should have, and other customers in the next period."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
import pytest

from retention.errors import InvalidInput
from retention.experiments import Experiment, Holdout, assign, hold_out

TEN = Holdout("shop", 0.1)
SPRING, SUMMER = date(2026, 3, 2), date(2026, 7, 1)


def test_shares_and_propensities() -> None:
    """A tenth is held out, with the propensity of it, one by one as all at once."""
    found = hold_out(TEN, range(50_000), on=SPRING)
    out = found.arm == "holdout"
    assert out.mean() == pytest.approx(0.1, abs=0.006)
    assert found.propensity.tolist() == np.where(out, 0.1, 0.9).tolist()
    for customer in range(30):
        assert hold_out(TEN, customer, on=SPRING).arm == found.arm[customer]


def test_the_draw_holds_for_a_period() -> None:
    """From the first day to the last the same; in the next period an independent draw."""
    ids = range(50_000)
    first = hold_out(TEN, ids, on=date(2026, 1, 1))
    assert first == hold_out(TEN, ids, on=date(2026, 6, 30))
    one, other = (hold_out(TEN, ids, on=day).arm == "holdout" for day in (SPRING, SUMMER))
    assert (one & other).mean() == pytest.approx(0.01, abs=0.002)


def test_independent_of_campaigns() -> None:
    """Held out and control of an experiment of the same name share no more than chance has it."""
    ids = range(50_000)
    control = assign(Experiment("shop", {"control": 0.1, "a": 0.9}), ids).arm == "control"
    assert (control & (hold_out(TEN, ids, on=SPRING).arm == "holdout")).mean() == pytest.approx(0.01, abs=0.002)


@pytest.mark.parametrize(
    "months, first", [(1, date(2026, 8, 1)), (3, date(2026, 7, 1)), (4, date(2026, 5, 1)), (12, date(2026, 1, 1))]
)
def test_periods_begin_with_the_year(months: int, first: date) -> None:
    """The first day of the period that holds the 15th of August."""
    assert Holdout("shop", months=months).period(date(2026, 8, 15)) == first


@pytest.mark.parametrize(
    "options, said",
    [
        ({"name": ""}, "name: '' is no name"),
        ({"name": 3}, "name: 3 is no name"),
        ({"share": 1.5}, "share: 1.5 is not between 0 and 1"),
        ({"months": 5}, "months: 5 does not divide a year"),
        ({"months": 0}, "months: 0 does not divide a year"),
    ],
)
def test_bad_holdouts_are_named(options: dict[str, Any], said: str) -> None:
    """Refused at construction, with the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        Holdout(**{"name": "shop"} | options)
