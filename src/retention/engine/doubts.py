"""Letters of which nobody knows whether they left: what is done about them, and the list of those that are left.

A letter is in doubt when the sender's answer was lost, by a crash or on the wire. What tells, in this order: a report
about it that came by webhook, the sender's own look-up, a second send that the sender recognises, the shop's policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import field, frozen

from retention import _values
from retention.facts import EmailReported
from retention.journey import CustomerFile, Needs
from retention.messages import Message

__all__ = ["REPORTS", "Doubt", "Doubts", "in_doubt", "reported"]

Policy: TypeAlias = Literal["at_most_once", "at_least_once"]
_POLICIES = ("at_most_once", "at_least_once")

REPORTS = Needs(frozenset({EmailReported.kind}))
"""What the files must hold to be searched for doubts."""


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Doubts:
    """What becomes of a letter in doubt when nobody can tell whether it left.

    at_most_once: it is not sent again, and stays on the list. at_least_once: it is sent again, a few times at most. By
    default a missing promotion is cheaper than a double one, and a missing receipt is worse than two.
    """

    promotional: Policy = field(default="at_most_once", metadata=_values.clean(_values.one_of, _POLICIES))
    transactional: Policy = field(default="at_least_once", metadata=_values.clean(_values.one_of, _POLICIES))

    def repeats(self, message: Message) -> bool:
        """Whether the letter is sent again."""
        return (self.promotional if message.promotional else self.transactional) == "at_least_once"


@frozen
class Doubt:
    """One letter in doubt: whose it is, which, since when."""

    customer_id: str
    journey: str
    step: str
    message_key: str
    at: datetime


def reported(file: CustomerFile, message_key: str) -> str:
    """The last that was reported about a letter, "" for nothing; whatever it is, the provider has the letter."""
    told = [f for f in file.facts if isinstance(f, EmailReported) and f.message_key == message_key]
    return told[-1].status if told else ""


def in_doubt(files: Iterable[CustomerFile]) -> Iterator[Doubt]:
    """The letters handed over of which neither the sender nor a report has told what became of them."""
    for file in files:
        for row in file.outcomes:
            if row.status in ("sending", "in_doubt") and not reported(file, row.message_key):
                yield Doubt(file.customer_id, row.key.journey, row.key.step, row.message_key, row.at)
