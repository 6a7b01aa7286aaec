"""Offers: the right one, to whom it pays, within the budget.

Pure functions on arrays, one row per customer, one column per offer.
"""

from __future__ import annotations

from retention.offers import codes
from retention.offers.catalogue import (
    KINDS,
    Condition,
    Offer,
    catalogue,
    eligibility,
    from_json,
    net_value,
    to_json,
)
from retention.offers.choose import REASONS, Choice, One, Prices, choose, choose_one

__all__ = [
    "KINDS",
    "REASONS",
    "Choice",
    "Condition",
    "Offer",
    "One",
    "Prices",
    "catalogue",
    "choose",
    "choose_one",
    "codes",
    "eligibility",
    "from_json",
    "net_value",
    "to_json",
]
