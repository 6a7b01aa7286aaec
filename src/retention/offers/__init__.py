"""Offers: the right one, to whom it pays, within the budget.

Pure functions on arrays, one row per customer, one column per offer.
"""

from __future__ import annotations

from retention.offers.choose import REASONS, Choice, One, Prices, choose, choose_one

__all__ = ["REASONS", "Choice", "One", "Prices", "choose", "choose_one"]
