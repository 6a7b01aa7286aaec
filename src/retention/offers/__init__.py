"""Offers: the right one, to whom it pays, within the budget.

Pure functions on arrays, one row per customer, one column per offer: `net_value` says what each is worth, `choose` who
gets which, `guardrails` what must not be offered whatever it is worth, `codes` what the customer types.

    >>> value = net_value(p0=[0.05, 0.40], p1=[[0.12], [0.45]], margin=[30.0, 30.0], cost=[4.0])
    >>> choose(value, [4.0]).reason.tolist()
    ['best', 'not_worth_it']
"""

from __future__ import annotations

from retention.offers import codes, fairness, guardrails
from retention.offers.catalogue import (
    KINDS,
    Condition,
    Offer,
    check_catalogue,
    eligibility,
    from_json,
    net_value,
    to_json,
)
from retention.offers.choose import REASONS, Choice, One, Prices, choose, choose_one
from retention.offers.plans import Past, Plan, reserved

__all__ = [
    "KINDS",
    "REASONS",
    "Choice",
    "Condition",
    "Offer",
    "One",
    "Past",
    "Plan",
    "Prices",
    "check_catalogue",
    "choose",
    "choose_one",
    "codes",
    "eligibility",
    "fairness",
    "from_json",
    "guardrails",
    "net_value",
    "reserved",
    "to_json",
]
