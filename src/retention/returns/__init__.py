"""Returns: why goods come back, what to offer then, and which basket comes back next.

Pure functions of codes, texts and counts.

    >>> from_code("SIZE_TOO_SMALL", platform="shopify")
    <Reason.SIZE_TOO_SMALL: 'SIZE_TOO_SMALL'>
"""

from __future__ import annotations

from retention.reasons import OwnReason, Reason
from retention.returns.classifier import Classifier, fit_classifier
from retention.returns.codes import AnyReason, Coded, Codes, from_code, from_codes
from retention.returns.complaints import Classification, Evidence, classify
from retention.returns.lines import CLUES, Lines
from retention.returns.rates import Delay, Rates, fit_delay, fit_rates
from retention.returns.remedies import KINDS, Remedy, Situation, remedies
from retention.returns.report import Listing, ProductReturns, ReasonShare, Report, effect_of_returning, report
from retention.returns.risk import Risk, RiskModel, fit_risk, risk

__all__ = [
    "CLUES",
    "KINDS",
    "AnyReason",
    "Classification",
    "Classifier",
    "Coded",
    "Codes",
    "Delay",
    "Evidence",
    "Lines",
    "Listing",
    "OwnReason",
    "ProductReturns",
    "Rates",
    "Reason",
    "ReasonShare",
    "Remedy",
    "Report",
    "Risk",
    "RiskModel",
    "Situation",
    "classify",
    "effect_of_returning",
    "fit_classifier",
    "fit_delay",
    "fit_rates",
    "fit_risk",
    "from_code",
    "from_codes",
    "remedies",
    "report",
    "risk",
]
