"""Journeys: what is due for a customer, by data and pure functions.

`definition` is what a shop writes down, `conditions` what it may ask, `contact_policy` what it allows itself, `ledger`
the rows that are kept, `book` all of it compiled, `plan` the function that decides, `recheck` the last look before the
sender, `account` the sum check, `changes` what an edit changes, `digest` a file with only what a plan asks for.
"""

from __future__ import annotations

from retention.journey.account import Unaccounted, unaccounted
from retention.journey.book import Book, needs
from retention.journey.changes import Changed, diff
from retention.journey.conditions import AllOf, AnyOf, Condition, Exists, First, Last, Not, Open
from retention.journey.contact_policy import Cap, ContactPolicy, Hold, QuietHours
from retention.journey.customer import customer_of
from retention.journey.definition import (
    CONTROL,
    GRANTED,
    After,
    AfterExit,
    Before,
    Choice,
    Delay,
    Exit,
    Facts,
    Journey,
    On,
    Once,
    PerKey,
    Step,
    Variant,
    from_json,
    to_json,
)
from retention.journey.digest import digest
from retention.journey.ledger import (
    REASONS,
    CustomerFile,
    Decision,
    DecisionKey,
    Entry,
    Needs,
    Outcome,
    Plan,
)
from retention.journey.plan import plan
from retention.journey.recheck import Cancel, Wait, recheck

__all__ = [
    "CONTROL",
    "GRANTED",
    "REASONS",
    "After",
    "AfterExit",
    "AllOf",
    "AnyOf",
    "Before",
    "Book",
    "Cancel",
    "Cap",
    "Changed",
    "Choice",
    "Condition",
    "ContactPolicy",
    "CustomerFile",
    "Decision",
    "DecisionKey",
    "Delay",
    "Entry",
    "Exists",
    "Exit",
    "Facts",
    "First",
    "Hold",
    "Journey",
    "Last",
    "Needs",
    "Not",
    "On",
    "Once",
    "Open",
    "Outcome",
    "PerKey",
    "Plan",
    "QuietHours",
    "Step",
    "Unaccounted",
    "Variant",
    "Wait",
    "customer_of",
    "diff",
    "digest",
    "from_json",
    "needs",
    "plan",
    "recheck",
    "to_json",
    "unaccounted",
]
