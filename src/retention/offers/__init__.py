"""Offers: what each changes and for whom, learning it while sending, and judging a rule by what was sent before.

`fit_uplift` and `predict_uplift` learn from a test; `qini`, `auuc`, `uplift_at` and `heterogeneity` judge a ranking of
customers by a test that it has not seen. `Bandit` learns while sending. `policy_value` says what a rule would have
brought.
"""

from retention.offers.uplift import Predicted, UpliftModel, fit_uplift, predict_uplift

__all__ = [
    "Predicted",
    "UpliftModel",
    "fit_uplift",
    "predict_uplift",
]
