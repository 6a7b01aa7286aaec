"""Offers: the right one, to whom it pays, within the budget, and proof of it.

`choose` gives each customer at most one offer under budget and stock. `fit_uplift` and `predict_uplift` learn from a
test whom an offer moves; `qini`, `auuc`, `uplift_at` and `heterogeneity` judge that on customers it has not seen.
`Beliefs` start from stated assumptions; they and `Bandit` learn while sending; `policy_value` says what a rule would
have brought. Pure functions on arrays, one row for each customer, one column for each offer.
`guardrails` say what must not be offered whatever it is worth, `codes` are what the customer types.

    >>> value = net_value(p0=[0.05, 0.40], p1=[[0.12], [0.45]], margin=[30.0, 30.0], cost=[4.0])
    >>> choose(value, [4.0]).reason.tolist()
    ['best', 'not_worth_it']
"""

from __future__ import annotations

from retention.offers import codes, fairness, guardrails
from retention.offers.bandit import Bandit, Decisions
from retention.offers.beliefs import PRIOR, Beliefs, Chances, Prior
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
from retention.offers.heterogeneity import Heterogeneity, heterogeneity
from retention.offers.judging import PolicyValue, policy_value
from retention.offers.plans import Past, Plan, reserved
from retention.offers.ranking import Estimate, auuc, qini, uplift_at
from retention.offers.uplift import Predicted, UpliftModel, fit_uplift, predict_uplift

__all__ = [
    "KINDS",
    "PRIOR",
    "REASONS",
    "Bandit",
    "Beliefs",
    "Chances",
    "Choice",
    "Condition",
    "Decisions",
    "Estimate",
    "Heterogeneity",
    "Offer",
    "One",
    "Past",
    "Plan",
    "PolicyValue",
    "Predicted",
    "Prices",
    "Prior",
    "UpliftModel",
    "auuc",
    "check_catalogue",
    "choose",
    "choose_one",
    "codes",
    "eligibility",
    "fairness",
    "fit_uplift",
    "from_json",
    "guardrails",
    "heterogeneity",
    "net_value",
    "policy_value",
    "predict_uplift",
    "qini",
    "reserved",
    "to_json",
    "uplift_at",
]
