"""Everything about one customer in the order of time: what happened, what was decided and why."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from retention.facts import ActivityFell, ConsentChanged, CustomersMerged, Fact, FellAsleep, OrderPlaced, ReturnChanged
from retention.journey import REASONS, Book, CustomerFile, Decision, Outcome, Unaccounted, unaccounted

__all__ = ["Explanation", "Line", "explain"]

_VERBS = {
    "enter": "enters",
    "refuse": "does not enter",
    "send": "letter decided",
    "withhold": "letter withheld",
    "skip": "letter skipped",
    "defer": "letter put off",
    "exit": "leaves",
}
_OF_DELIVERY = {
    "transient": "the sender could not take it just then",
    "throttled": "the sender asked for a pause",
    "misconfigured": "the sender cannot send anything before it is set up right",
    "unknown": "the sender's answer was lost: it may have left or not",
    "unreadable": "the customer's history could not be read",
}


@frozen
class Line:
    """One event: `what` happened or was decided, and `why`, "" where there is nothing to say."""

    at: datetime
    what: str
    why: str = ""


@frozen
class Explanation:
    """The life of one customer with the shop, oldest first; `str()` prints it in the shop's zone.

    `merged`: other ids of the customer. `unaccounted`: what the ledger owes an answer for; nothing, unless rows were
    damaged or the library is wrong.
    """

    customer_id: str
    timezone: str
    lines: tuple[Line, ...]
    merged: tuple[str, ...] = ()
    unaccounted: tuple[Unaccounted, ...] = ()

    def __str__(self) -> str:
        if not self.lines:
            return f"customer {self.customer_id}: nothing is known"
        told = [f"{_shown(x.at, self.timezone)}  {x.what}" + (f": {x.why}" if x.why else "") for x in self.lines]
        told += [f"not accounted for: {_place(x)} {x.what}" for x in self.unaccounted]
        return "\n".join([", also ".join([f"customer {self.customer_id}", *self.merged]), *told])


def explain(book: Book, file: CustomerFile, timezone: str) -> Explanation:
    """The lines of a customer's whole file."""
    lines = [Line(fact.at, *_fact(fact)) for fact in file.facts]
    lines += [_decision(row, timezone) for row in file.ledger]
    lines += [_letter(row) for row in file.outcomes]
    told = tuple(sorted(lines, key=lambda line: line.at))
    return Explanation(file.customer_id, timezone, told, file.merged, tuple(unaccounted(book, file)))


def _place(found: Unaccounted) -> str:
    return "/".join(filter(None, (found.key.journey, found.key.step, found.key.occurrence)))


def _fact(fact: Fact) -> tuple[str, str]:
    if isinstance(fact, OrderPlaced):
        return f"order {fact.id} of {fact.total} {fact.currency}", ""
    if isinstance(fact, ReturnChanged):
        refund = f", {fact.refund} {fact.currency} paid back" if fact.refund is not None else ""
        return f"return {fact.return_id} {fact.status}{refund}", fact.reason
    if isinstance(fact, FellAsleep | ActivityFell):
        return f"warning {fact.status}" if fact.status else "fell asleep", fact.why
    if isinstance(fact, ConsentChanged):
        return f"consent to {fact.topic} by {fact.channel} {fact.status}", ""
    if isinstance(fact, CustomersMerged):
        return f"customer {fact.customer_id} turned out to be {fact.into}", ""
    return " ".join(filter(None, (fact.kind, fact.status))), ""


def _decision(row: Decision, timezone: str) -> Line:
    subject = f"{row.journey}/{row.step}" if row.step else row.journey
    until = f" until {_shown(row.until, timezone)}" if row.until else ""
    template = f" ({row.template})" if row.kind in ("send", "withhold") else ""
    why = f"arm {row.arm}" if row.kind == "enter" else _words(row.reason)
    return Line(row.at, f"{subject}: {_VERBS[row.kind]}{template}{until}", why)


def _letter(row: Outcome) -> Line:
    why = "handed over, not yet answered" if row.status == "sending" else _words(row.reason)
    return Line(row.at, f"letter {row.key.step} of {row.key.journey} is {row.status}", why)


def _words(reason: str) -> str:
    words = REASONS.get(reason) or _OF_DELIVERY.get(reason)
    return f"{reason} ({words})" if reason and words else reason


def _shown(at: datetime, timezone: str) -> str:
    return f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
