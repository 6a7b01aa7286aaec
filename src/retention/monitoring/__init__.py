"""Monitoring: whether the shop has changed since its rules were set, and who does less than they used to.

- `drift`: a column of customers then and now, such as the revenue that RFM cut-offs were fitted on.
- `gap_drift`: the time until the next order, then and now.
- `weak_spots`: letters that annoy, or leave silent, more readers than the other letters of their journey;
  `unjudged`: which letters cannot be judged, and why.
- `early_warnings`: customers whose orders or visits fell, or who stopped opening letters; `as_facts` makes them facts
  that can start a journey.

Every answer has an interval or says ``not enough data: …``. Pure functions: columns in, records out.
"""

from retention.monitoring.drift import Drift, drift
from retention.monitoring.early import Activity, EarlyWarning, EarlyWarnings, active_days, as_facts, early_warnings
from retention.monitoring.gaps import gap_drift
from retention.monitoring.weak_spots import WeakSpot, unjudged, weak_spots

__all__ = [
    "Activity",
    "Drift",
    "EarlyWarning",
    "EarlyWarnings",
    "WeakSpot",
    "active_days",
    "as_facts",
    "drift",
    "early_warnings",
    "gap_drift",
    "unjudged",
    "weak_spots",
]
