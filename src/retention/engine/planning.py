"""What the engine and a simulation do alike: draw arms, and plan so that one broken history stops no other."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from retention import experiments
from retention.engine.trouble import trouble
from retention.journey import CONTROL, Book, CustomerFile, Journey, Plan, plan
from retention.journey.ledger import Arm
from retention.people import Shop

__all__ = ["draw", "experiment", "planned"]

log = logging.getLogger("retention.engine")

_LOOK_AGAIN = timedelta(hours=1)
"""When a customer whose history broke the plan is tried again."""


def experiment(shop: Shop, journey: Journey) -> experiments.Experiment:
    """The experiment that a journey is in this shop."""
    control = CONTROL if CONTROL in journey.arms else None
    # By name: the order of arms decides who is where, and JSON does not keep it.
    return experiments.Experiment(f"{shop.id}/{journey.name}", arms=dict(sorted(journey.arms.items())), control=control)


def draw(tests: Mapping[str, experiments.Experiment], ids: Sequence[str]) -> Iterator[dict[str, Arm]]:
    """For each customer, in order, the arm of each journey they would enter: a hash, so nothing has to be kept."""
    drawn = [(name, experiments.assign(test, ids)) for name, test in tests.items()]
    for row in range(len(ids)):
        yield {name: (str(a.arm[row]), float(a.propensity[row])) for name, a in drawn}


def planned(book: Book, file: CustomerFile, now: datetime) -> tuple[Plan, bool]:
    """The plan, and whether there is one: a history that breaks it gives an empty plan and a line in the log."""
    try:
        return plan(book, file, now), True
    except Exception as error:  # noqa: BLE001 - one broken history must not stop the others
        log.error("a customer cannot be planned: %s", trouble(error))  # noqa: TRY400 - its text may hold personal data
        return Plan((), (), now + _LOOK_AGAIN), False
