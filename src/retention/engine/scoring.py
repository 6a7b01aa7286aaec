"""The score of sleepers: how likely they still are to come back unasked, by what foretold it best in this shop.

Which way of scoring that is, is chosen once in each stretch of `HORIZON` days and kept in the storage, so that every
worker scores alike and a scan that finds somebody asleep does not compare models first. Another version of the library
chooses anew: it may not be able to read what this one kept.
"""

from __future__ import annotations

import json
from datetime import date

from retention import __version__, _records, churn
from retention.orders import OrderLog
from retention.ports import Storage

__all__ = ["HORIZON", "score"]

HORIZON = 91
"""Days within which an order counts as coming back: 13 weeks, the horizon the models were compared on."""


def score(storage: Storage, log: OrderLog, activity: churn.Activity, today: date) -> churn.Score:
    """The score of every customer of the log on the evening of `today`."""
    return churn.apply(_chosen(storage, log, activity, today), log, at=today, activity=activity)


def _chosen(storage: Storage, log: OrderLog, activity: churn.Activity, today: date) -> churn.Chosen:
    name = f"churn/{__version__}/{HORIZON}/{today.toordinal() // HORIZON}"
    kept = storage.recall(name).get(name)
    if kept is None:
        chosen = churn.choose(log, at=today, horizon=HORIZON, unit="D", activity=activity)
        kept = storage.remember(name, _records.text(chosen.to_json()))
    return churn.Chosen.from_json(json.loads(kept))
