"""The vocabulary of return reasons is complete and consistent."""

from __future__ import annotations

import pytest

from retention.reasons import Reason

GROUPS = {"SIZE", "DEFECT", "MIND", "DELIVERY", "OTHER"}
FAULTS = {"buyer_or_content", "seller", "logistics", "buyer", "unknown"}


def test_twelve_reasons_and_other():
    """A thirteenth reason would be a change of the vocabulary that stored facts use."""
    assert len(Reason) == 13


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_group_and_a_fault(reason):
    """Each is its own name as text, belongs to a family and has somebody who caused it."""
    assert reason == reason.name == Reason(str(reason))
    assert reason.group in GROUPS
    assert reason.fault in FAULTS


def test_every_group_is_used():
    """No family is empty, and only OTHER has an unknown cause."""
    assert {reason.group for reason in Reason} == GROUPS
    assert [reason for reason in Reason if reason.fault == "unknown"] == [Reason.OTHER]
