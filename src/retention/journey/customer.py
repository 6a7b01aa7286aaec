"""What the facts about one customer add up to at one moment.

The last word counts: of each part of the profile, and of each consent. A hard bounce takes the address away until
another one comes; a complaint or an unsubscribe ends all promotional letters until a new consent.
"""

from __future__ import annotations

from collections.abc import Iterable

from retention.facts import ConsentChanged, EmailReported, Fact, ProfileChanged
from retention.people import Customer, language_of

__all__ = ["KINDS", "customer_of", "stated"]

KINDS = frozenset({ProfileChanged.kind, ConsentChanged.kind, EmailReported.kind})
"""The kinds of facts that are read here."""


def customer_of(customer_id: str, facts: Iterable[Fact], *, timezone: str, language: str) -> Customer:
    """The customer after these facts, which come oldest first; `timezone` and `language` are the shop's."""
    known = {"name": "", "email": "", "language": language, "timezone": timezone}
    topics: set[str] = set()
    bounced, suppressed = "", False
    for fact in facts:
        if fact.kind not in KINDS:  # most facts are about something else, and told apart quickest so
            continue
        if isinstance(fact, ProfileChanged):
            known.update(stated(fact))
        elif isinstance(fact, ConsentChanged) and fact.channel == "email":
            topics = topics | {fact.topic} if fact.granted else topics - {fact.topic}
            suppressed = suppressed and not fact.granted
        elif isinstance(fact, EmailReported):
            bounced = known["email"] if fact.bounce_class == "hard" else bounced
            suppressed = suppressed or fact.status in ("complained", "unsubscribed")
    if known["email"] == bounced:
        known["email"] = ""
    return Customer(id=customer_id, topics=frozenset(topics), suppressed=suppressed, **known)


def stated(fact: ProfileChanged) -> dict[str, str]:
    """The parts of the profile that a fact states, and that we can use."""
    told = {name: getattr(fact, name) for name in ("name", "email", "language", "timezone")}
    told["language"] = language_of(fact.language or "") or None
    return {name: value for name, value in told.items() if value is not None}
