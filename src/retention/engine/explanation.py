"""Everything about one customer in the order of time: what happened, what was decided and why."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatch
from zoneinfo import ZoneInfo

from attrs import frozen

from retention.engine.doors import speaks_otherwise
from retention.engine.rounds import REASONS as OFFERED
from retention.facts import (
    ActivityFell,
    Answered,
    ConsentChanged,
    CustomersMerged,
    Fact,
    FellAsleep,
    OfferDecided,
    OfferRedeemed,
    OrderPlaced,
    ProfileChanged,
    ReturnChanged,
    ReturnRiskFound,
)
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


@singledispatch
def _fact(fact: Fact) -> tuple[str, str]:
    """What happened, and why where somebody knows."""
    return " ".join(filter(None, (fact.kind, fact.status))), ""


@_fact.register
def _order(fact: OrderPlaced) -> tuple[str, str]:
    return f"order {fact.id} of {fact.total} {fact.currency}", ""


@_fact.register
def _return(fact: ReturnChanged) -> tuple[str, str]:
    refund = f", {fact.refund} {fact.currency} paid back" if fact.refund is not None else ""
    return f"return {fact.return_id} {fact.status}{refund}", fact.reason


@_fact.register
def _asleep(fact: FellAsleep) -> tuple[str, str]:
    return "fell asleep", fact.why


@_fact.register
def _fell(fact: ActivityFell) -> tuple[str, str]:
    return f"warning {fact.status}", fact.why


@_fact.register
def _profile(fact: ProfileChanged) -> tuple[str, str]:
    unknown = speaks_otherwise(fact)
    return "profile", f"no letters are written in language {fact.language!r}; it stays as it was" if unknown else ""


@_fact.register
def _consent(fact: ConsentChanged) -> tuple[str, str]:
    return f"consent to {fact.topic} by {fact.channel} {fact.status}", ""


@_fact.register
def _merge(fact: CustomersMerged) -> tuple[str, str]:
    return f"customer {fact.customer_id} turned out to be {fact.into}", ""


@_fact.register
def _risk(fact: ReturnRiskFound) -> tuple[str, str]:
    return f"order {fact.order_id} may come back, {fact.risk:.0%} likely", fact.why


@_fact.register
def _answer(fact: Answered) -> tuple[str, str]:
    return f"answer to {fact.question}: {fact.value}", ""


@_fact.register
def _used(fact: OfferRedeemed) -> tuple[str, str]:
    return f"offer of {fact.id} used" + (f" on order {fact.order_id}" if fact.order_id else ""), ""


@_fact.register
def _offer(fact: OfferDecided) -> tuple[str, str]:
    if not fact.offer:
        return f"{fact.journey}: no offer granted", _words(fact.reason)
    code = f", code {fact.code}" if fact.code else ""
    return f"{fact.journey}: offer {fact.offer} granted{code}, until {fact.expires_at:%Y-%m-%d}", _words(fact.reason)


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
    words = REASONS.get(reason) or _OF_DELIVERY.get(reason) or OFFERED.get(reason)
    return f"{reason} ({words})" if reason and words else reason


def _shown(at: datetime, timezone: str) -> str:
    return f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
