"""Several variants: the doors of the two adjustments."""

from __future__ import annotations

import re

import pytest

from retention.errors import InvalidInput
from retention.experiments import benjamini_hochberg, difference, holm


def test_variants_of_one_experiment() -> None:
    """The p-values of `difference` go in as they come out."""
    p = difference([60, 50, 40], [1_000] * 3, [40] * 3, [1_000] * 3).p_value
    assert holm(p) == pytest.approx([3 * p[0], 2 * p[1], 1])
    assert benjamini_hochberg(p) == pytest.approx([3 * p[0], 1.5 * p[1], 1])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_bad_p_values_are_named(adjust) -> None:
    """The message names the row; one value alone stays as it is, none gives none."""
    with pytest.raises(InvalidInput, match=re.escape("p_values: row 1 is 1.5, above 1")):
        adjust([0.1, 1.5])
    assert adjust(0.3).tolist() == [0.3]
    assert adjust([]).tolist() == []
