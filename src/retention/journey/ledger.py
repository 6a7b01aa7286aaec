"""The rows that planning reads and writes: entries, decisions, outcomes, and the file of one customer.

Every decision is kept with its reason, letters *not* sent included. Keys leave the customer out, so merging two
customers unites their ledgers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from attrs import field, frozen

from retention.facts import Fact

__all__ = ["REASONS", "Arm", "CustomerFile", "Decision", "DecisionKey", "Entry", "Needs", "Outcome", "Plan"]

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "": "as planned",
        "control": "in the control group: planned, recorded, not sent",
        "no_consent": "no consent on file for this topic",
        "no_address": "no e-mail address on file, or the address bounced for good",
        "suppressed": "the customer complained or unsubscribed",
        "once": "this journey takes a customer only once",
        "already_inside": "an earlier run of this journey is not over",
        "cooling_down": "too soon after the last run of this journey",
        "stale": "what would have started the run is too long ago",
        "late": "the letter was not ready while it was worth sending",
        "condition": "what the journey or the step asks for did not hold when it was due",
        "cancelled": "the step was cancelled by what happened",
        "superseded": "a later letter replaced this one",
        "anchor_skipped": "the letter it was to follow was not sent",
        "unwritable": "the letter could not be written from its template",
        "no_offer": "no offer was granted, or the granted one is over",
        "owned": "another tool of the shop sends this letter",
        "inside_another": "a run of another journey is not over",
        "closed": "it was due only after the run had ended",
        "unknown_journey": "the journey it belongs to is not known any more, so nothing could be checked",
        "restored": "the storage was restored from a copy, and nobody knows whether it was sent before",
        "erased": "the customer asked to be forgotten",
        "quiet_hours": "the customer's quiet hours",
        "cap": "enough letters lately",
        "closed_day": "a day of the week on which no promotion is sent",
        "completed": "every letter of the run is decided",
        "lapsed": "nothing more happened in the run",
        "concluded": "what the run was about is over",
    }
)
"""The planner's reasons in words. Journeys and policies add the names of their own exits and holds."""

DecisionKind: TypeAlias = Literal["enter", "refuse", "send", "withhold", "skip", "defer", "exit"]
Arm: TypeAlias = tuple[str, float]
"""An arm of an experiment and the propensity it was drawn with."""


class DecisionKey(NamedTuple):
    """What a send, withhold or skip owns: no second one is ever made for the same key."""

    journey: str
    entry: str
    step: str
    occurrence: str


@frozen(kw_only=True)
class Entry:
    """One run of one journey: `basis` is the time of the last order (or of the trigger) that it started from."""

    journey: str
    version: int
    key: str
    entered_at: datetime
    basis: datetime
    arm: str
    propensity: float = 1.0


@frozen(kw_only=True)
class Decision:
    """One row of the ledger.

    `at`: when it was decided. `due`: when the step was due by its timetable. `slot`: what later steps count from.
    `until`: the end of a deferral. `n` numbers the deferrals of one key from 1; it is 0 for all other rows.
    """

    kind: DecisionKind
    journey: str
    entry_key: str
    version: int
    at: datetime
    step: str = ""
    occurrence: str = ""
    due: datetime | None = None
    slot: datetime | None = None
    reason: str = ""
    until: datetime | None = None
    valid_until: datetime | None = None
    template: str = ""
    subject: str = "subject"
    offer: str = ""
    arm: str = ""
    promotional: bool = True
    n: int = 0

    @property
    def key(self) -> DecisionKey:
        """What the row is about."""
        return DecisionKey(self.journey, self.entry_key, self.step, self.occurrence)


@frozen(kw_only=True)
class Outcome:
    """What became of one letter: `status` queued, leased, sending, sent, failed, cancelled or in_doubt."""

    message_key: str
    key: DecisionKey
    status: str
    at: datetime
    reason: str = ""


@frozen
class Needs:
    """Which kinds of facts a file must hold; None for every kind."""

    kinds: frozenset[str] | None = None


@frozen(kw_only=True)
class CustomerFile:
    """Everything known and decided about one customer, at one version of the storage's record.

    `arms`: for each journey the arm that the customer would enter, drawn by hash. `merged`: other ids of the customer.
    """

    customer_id: str
    facts: tuple[Fact, ...] = ()
    entries: tuple[Entry, ...] = ()
    ledger: tuple[Decision, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    version: int = 0
    merged: tuple[str, ...] = ()
    arms: Mapping[str, Arm] = field(default=MappingProxyType({}), hash=False)


@frozen
class Plan:
    """What follows from a file at one moment: new rows, new runs, and when to look again (None: when a fact comes).

    `wants`: the runs, by journey and key, whose letter is ready but for the offer that somebody must decide on first.
    """

    decisions: tuple[Decision, ...]
    entries: tuple[Entry, ...]
    wake_at: datetime | None
    wants: tuple[tuple[str, str], ...] = ()
