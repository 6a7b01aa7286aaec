"""What customers did besides ordering, as columns that grow with the facts: the activity that the score looks at."""

from __future__ import annotations

from math import floor
from zoneinfo import ZoneInfo

import numpy as np

from retention import _calendar, churn
from retention._types import AnyArray, IntArray
from retention.churn.activity import sort_of
from retention.facts import ConsentChanged, EmailReported, Fact, ReturnChanged, Visited

__all__ = ["KINDS", "NOBODY", "Happenings"]

KINDS = (Visited.kind, EmailReported.kind, ConsentChanged.kind, ReturnChanged.kind)
"""The kinds of facts that are read here."""

NOBODY = -1
"""Stands for the customer of a code whom the shop has forgotten."""


class Happenings:
    """Visits, clicks, opens, consents and returns of one shop; a return counts once, at the first fact about it."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._new: dict[str, list[tuple[int, int]]] = {}
        self._columns: dict[str, tuple[IntArray, IntArray]] = {}
        self._returns: set[str] = set()

    def take(self, code: int, fact: Fact) -> None:
        """Note a fact of the customer with this code."""
        sort = sort_of(fact)
        if sort == "returns":
            if fact.key in self._returns:
                return
            self._returns.add(fact.key)
        if sort:
            self._new.setdefault(sort, []).append((code, floor(fact.at.timestamp())))

    def activity(self, root: IntArray) -> churn.Activity:
        """Everything so far; `root` gives for each code the one whose customer it belongs to now, or `NOBODY`."""
        for sort, events in self._new.items():
            code, second = (np.array(column, dtype=np.int64) for column in zip(*events, strict=True))
            day = _calendar.local_days(second.view("datetime64[s]"), self._zone)
            old = self._columns.get(sort, (code[:0], day[:0]))
            self._columns[sort] = np.concatenate([old[0], code]), np.concatenate([old[1], day])
        self._new.clear()
        return churn.Activity.of(**{sort: _known(root[code], day) for sort, (code, day) in self._columns.items()})


def _known(customer: IntArray, day: IntArray) -> tuple[IntArray, AnyArray]:
    known = customer != NOBODY
    return customer[known], day[known].view("datetime64[D]")
