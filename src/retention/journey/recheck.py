"""The last look before the sender: whether a letter that was decided may still leave.

    recheck(book, file, decision, now) -> Cancel | Wait | None

Pure, and on a fresh file: what happened since the letter was planned counts, what the plan decided stays decided.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from retention.journey import contact_policy
from retention.journey.book import Book
from retention.journey.definition import GRANTED
from retention.journey.ledger import CustomerFile, Decision
from retention.journey.plan import Desk
from retention.journey.run import Run

__all__ = ["Cancel", "Wait", "recheck"]

_LOOK_AGAIN = timedelta(hours=6)
"""How long a letter that is held back at the last moment rests before it is checked again."""


@frozen
class Cancel:
    """The letter must not leave any more."""

    reason: str


@frozen
class Wait:
    """The letter may leave, but not before `until`."""

    until: datetime
    reason: str


def recheck(book: Book, file: CustomerFile, decision: Decision, now: datetime) -> Cancel | Wait | None:
    """Whether a letter that was decided may still leave at `now`, on a fresh file; None: let it go.

    The letter holds its place among the sent ones, so only a cap of 0 stops it now. One whose journey the book does not
    know cannot be checked, and does not leave.
    """
    desk = Desk(book, file, now)
    run = next((run for run in desk.runs if run.is_about(decision)), None)
    if run is None:
        return Cancel("unknown_journey")
    reason = _overtaken(run, decision, desk.now) or contact_policy.refusal(
        desk.customer, run.journey.topic, promotional=decision.promotional
    )
    if reason:
        return Cancel(reason)
    if decision.valid_until is not None and decision.valid_until <= desk.now:
        return Cancel("late")
    if book.is_lost(decision.at, promotional=decision.promotional):
        return Cancel("restored")
    return _promotional_wait(desk, run, decision) if decision.promotional else None


def _overtaken(run: Run, decision: Decision, now: datetime) -> str:
    for exit_ in run.journey.exits:
        if exit_.when.holds(run):
            return exit_.reason
    step = run.step(decision.step)
    if step is not None and decision.offer and GRANTED in step.offers() and not run.open_offer(now):
        return "no_offer"
    return "cancelled" if step is not None and step.cancel is not None and step.cancel.holds(run) else ""


def _promotional_wait(desk: Desk, run: Run, decision: Decision) -> Cancel | Wait | None:
    hold = desk.hold(run)
    if hold:
        return Wait(desk.now + _LOOK_AGAIN, hold.reason)
    step = run.step(decision.step)
    if step is not None and step.urgent:
        return None
    until, reason = contact_policy.earliest(desk.book.policy, desk.now, desk.zone, ())
    if until == desk.now:
        return None
    if decision.valid_until is not None and until >= decision.valid_until:
        return Cancel(reason)
    return Wait(until, reason)
