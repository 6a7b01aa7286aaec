"""Offers: what each changes and for whom, learning it while sending, and judging a rule by what was sent before.

`fit_uplift` and `predict_uplift` learn from a test; `qini`, `auuc`, `uplift_at` and `heterogeneity` judge a ranking of
customers by a test that it has not seen. `Bandit` learns while sending. `policy_value` says what a rule would have
brought.
"""

from retention.offers.bandit import Bandit, Decisions
from retention.offers.heterogeneity import Heterogeneity, heterogeneity
from retention.offers.judging import PolicyValue, policy_value
from retention.offers.ranking import Estimate, auuc, qini, uplift_at
from retention.offers.uplift import Predicted, UpliftModel, fit_uplift, predict_uplift

__all__ = [
    "Bandit",
    "Decisions",
    "Estimate",
    "Heterogeneity",
    "PolicyValue",
    "Predicted",
    "UpliftModel",
    "auuc",
    "fit_uplift",
    "heterogeneity",
    "policy_value",
    "predict_uplift",
    "qini",
    "uplift_at",
]
