"""Before the launch: sample sizes agree with the textbooks and with each other."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.experiments import best_control_share, detectable_effect, difference, weeks_to_power


def test_the_textbooks_number() -> None:
    """2 % base, +1 point, half and half, 80 %: 3,825 per arm, but for rounding up."""
    found = weeks_to_power(0.02, 0.01, 120, control=0.5)
    assert found.control == 3_826
    assert found.customers == 7_651
    assert found.weeks == math.ceil(7_651 / 120)


def test_the_power_is_there() -> None:
    """Experiments of the size that is named reject in about 80 % of the draws."""
    planned = weeks_to_power(0.05, 0.02, 500, control=0.2)
    rng = np.random.default_rng(31)
    n_t, n_c = planned.customers - planned.control, planned.control
    found = difference(
        rng.binomial(n_t, 0.07, 4_000), np.full(4_000, n_t), rng.binomial(n_c, 0.05, 4_000), np.full(4_000, n_c)
    )
    assert (found.p_value <= 0.05).mean() == pytest.approx(0.8, abs=0.02)


shares = st.floats(0.05, 0.95)


@given(st.floats(0.005, 0.4), st.integers(1_000, 10**6), shares, st.floats(0.5, 0.95))
def test_the_two_ways_agree(base: float, customers: int, control: float, power: float) -> None:
    """The smallest lift that so many customers show needs so many customers."""
    found = detectable_effect(base, customers, control=control, power=power)
    if math.isinf(found.lift):
        assert "no lift at all" in found.sentence
    else:
        needed = weeks_to_power(base, found.lift, 1, control=control, power=power)
        assert needed.customers == pytest.approx(customers, rel=1e-3, abs=2)


@given(st.floats(0.01, 0.3), st.floats(0.01, 0.1), shares)
def test_even_arms_need_fewest_by_and_large(base: float, lift: float, control: float) -> None:
    """No control needs much fewer customers than half of them, and harm is seen like help."""
    halves = weeks_to_power(base, lift, 100, control=0.5).customers
    assert weeks_to_power(base, lift, 100, control=control).customers >= 0.8 * halves
    assert weeks_to_power(base + lift, -lift, 100, control=0.5).customers == pytest.approx(halves, abs=1)


def test_sentences() -> None:
    """What a marketer reads."""
    assert weeks_to_power(0.1, 0.05, 120).sentence == (
        "with 120 eligible customers a week you need 34 weeks to see 10% become 15% with 80% power "
        "(3993 customers, 400 in the control)"
    )
    assert weeks_to_power(0.02, 0.005, 50).sentence.endswith(
        ": too long to wait for; expect wide intervals and 'not enough data yet'"
    )
    assert detectable_effect(0.5, 5).sentence == "with 5 customers no lift at all is seen with 80% power"


def test_best_control_share_costs_least() -> None:
    """The more customers its result is applied to, the larger a control pays; with nobody to come, the least."""
    found = [best_control_share(0.05, 0.02, 10_000, later=later) for later in (0, 5_000, 50_000, 10**6)]
    assert [share.share for share in found] == sorted(share.share for share in found)
    assert found[0].share == 0.01
    assert found[-1].share > 0.3
    assert [share.power for share in found] == sorted(share.power for share in found)
    for share in found:
        assert share.withheld == round(share.share * 10_000)
        assert share.cost == pytest.approx(share.withheld * 0.02)


def test_its_power_is_that_of_the_sample_size() -> None:
    """The power named is what `weeks_to_power` asks the same customers for."""
    found = best_control_share(0.05, 0.02, 10_000, later=5_000, value=30)
    again = weeks_to_power(0.05, 0.02, 10_000, control=found.share, power=found.power)
    assert again.customers == pytest.approx(10_000, abs=2)
    assert found.cost == pytest.approx(found.withheld * 0.02 * 30)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: weeks_to_power(0.02, 0.0, 120), "lift: 0.0 makes 0.02 no share or leaves it as it is"),
        (lambda: weeks_to_power(0.02, -0.03, 120), "lift: -0.03 makes 0.02 no share"),
        (lambda: weeks_to_power(0.5, 0.6, 120), "lift: 0.6 makes 0.5 no share"),
        (lambda: weeks_to_power(0, 0.1, 120), "base: 0 leaves nothing to say"),
        (lambda: weeks_to_power(0.02, 0.01, 0), "per_week: 0 is no number of customers"),
        (lambda: weeks_to_power(0.02, 0.01, 9, control=0), "control: 0 leaves nothing to say"),
        (lambda: weeks_to_power(0.02, 0.01, 9, power=1), "power: 1 leaves nothing to say"),
        (lambda: detectable_effect(0.02, 1), "customers: row 0 is 1, below 2"),
        (lambda: best_control_share(0.05, -0.02, 1_000, later=1), "lift, value: -0.02, 1.0 cost nothing to withhold"),
        (lambda: best_control_share(0.05, 0.02, 1_000, later=1, value=0), "lift, value: 0.02, 0 cost nothing"),
        (lambda: best_control_share(0.05, 0.02, 99, later=1), "customers: row 0 is 99, below 100"),
        (lambda: best_control_share(0.05, 0.02, 1_000, later=-1), "later: row 0 is -1, below 0"),
    ],
)
def test_bad_plans_are_named(call: Any, said: str) -> None:
    """The message names the argument and the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        call()
