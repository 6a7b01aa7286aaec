"""The global holdout: customers who get no marketing letter at all for a while, whatever journey wants to write.

The order of draws: a transactional letter asks nobody; then the global holdout; then the control of the campaign; then
the variant. Each draw has a salt of its own, so they are independent. The holdout's salt changes with the period, so
nobody is left out for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from attrs import field, frozen

from retention._checks import probability
from retention._types import AnyArray
from retention.errors import InvalidInput
from retention.experiments._doors import check_name
from retention.experiments.assignment import Assignment, Experiment, assign

__all__ = ["Holdout", "hold_out"]

_LENGTHS = (1, 2, 3, 4, 6, 12)


def _share(value: Any) -> float:
    return probability("share", value)


@frozen
class Holdout:
    """How many customers are left out of everything, and for how long.

    `name`: of the shop, say; part of the salt. `share`: 0 to 1. `months`: how long one draw holds, a divisor of 12;
    periods begin with the calendar year.
    """

    name: str
    share: float = field(default=0.05, converter=_share)
    months: int = field(default=6, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_name("name", self.name)
        if self.months not in _LENGTHS:
            raise InvalidInput(f"months: {self.months!r} does not divide a year: give 1, 2, 3, 4, 6 or 12")

    def period(self, on: date) -> date:
        """The first day of the period that holds the day."""
        return date(on.year, on.month - (on.month - 1) % self.months, 1)


def hold_out(holdout: Holdout, ids: str | int | Iterable[str | int] | AnyArray, *, on: date) -> Assignment:
    """Who is left out in the period of the day: arm "holdout" or "open", and the propensity of it.

    ``ids`` as in `assign`. ``on``: the shop's local day of the decision. Between periods the draws are independent.

    >>> hold_out(Holdout("Tea & Co", 0.2), ["ann", "bob", "eve"], on=date(2026, 7, 2)).arm
    array(['open', 'holdout', 'open'], dtype=object)
    """
    seed = f"holdout/{holdout.name}/{holdout.period(on).isoformat()}"
    arms = {"holdout": holdout.share, "open": 1 - holdout.share}
    return assign(Experiment(seed, arms=arms, control="holdout"), ids)
