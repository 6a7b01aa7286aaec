"""What the playbooks share refuses what would silently never happen."""

from __future__ import annotations

import pytest

from retention.errors import InvalidJourney
from retention.journey.definition import Variant
from retention.playbooks import product_return, win_back


@pytest.mark.parametrize("arms", [{}, {"control": {}}])
def test_arms_need_names(arms) -> None:
    """No arm, or one called control, is no way to write."""
    with pytest.raises(InvalidJourney, match="must name at least one arm"):
        win_back(arms=arms)


def test_a_step_that_is_not_there() -> None:
    """A typo in arms or in owned is an error that lists the steps."""
    with pytest.raises(InvalidJourney, match="arms: there is no step 'misyou'; use miss_you, offer, reminder"):
        win_back(arms={"letters": {"misyou": Variant(hour=9)}})
    with pytest.raises(InvalidJourney, match="owned: there is no step 'requested'; use received, question"):
        product_return(owned=["requested"])
