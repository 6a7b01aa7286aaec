"""What became of offers and what customers answered, counted from what happened.

What became of the letters is in the engine's results, by step and arm (`engine.funnel`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from attrs import define, field

from retention import _values
from retention.facts import Answered, Fact, OfferDecided, OfferRedeemed
from retention.journey import CustomerFile

__all__ = ["NEEDED", "Comment", "Counted", "Offered"]

_COUNTED = (Answered, OfferDecided, OfferRedeemed)
NEEDED = frozenset(cls.kind for cls in _COUNTED)
"""The kinds of facts that are counted here."""
_SHOWN = 12
_LONGEST = 300


class Comment(NamedTuple):
    """What somebody wrote to an answer; without addresses, and cut."""

    question: str
    value: str
    text: str
    at: datetime


@define
class Offered:
    """What became of one offer: how often it was granted, redeemed, is open and ended; what redemptions cost."""

    granted: int = 0
    redeemed: int = 0
    open: int = 0
    ended: int = 0
    cost: Decimal = Decimal(0)
    kept_back: Decimal = Decimal(0)


@define
class Counted:
    """All counts: offers by id, why there was none, and answers.

    `now`: when it is counted. `began`: when each journey decided first. `spent`: what redeemed offers of each journey
    cost.
    """

    now: datetime
    offers: dict[str, Offered] = field(factory=dict)
    no_offer: Counter[str] = field(factory=Counter)
    answers: dict[str, Counter[str]] = field(factory=dict)
    comments: list[Comment] = field(factory=list)
    began: dict[str, datetime] = field(factory=dict)
    spent: dict[str, Decimal] = field(factory=dict)

    def passing(self, files: Iterable[CustomerFile]) -> Iterator[CustomerFile]:
        """The files, each counted as it passes; they hold the facts of the kinds `NEEDED`."""
        for file in files:
            for row in file.ledger:
                self.began[row.journey] = min(row.at, self.began.get(row.journey, row.at))
            known = [fact for fact in file.facts if isinstance(fact, _COUNTED)]
            if known:
                _offers(self, known)
                _answers(self, known)
            yield file
        self.comments = sorted(self.comments, key=lambda comment: comment.at, reverse=True)[:_SHOWN]


def _offers(found: Counted, known: Sequence[Fact]) -> None:
    used = {fact.id for fact in known if isinstance(fact, OfferRedeemed)}
    for fact in known:
        if not isinstance(fact, OfferDecided):
            continue
        if fact.expires_at is None:
            found.no_offer[fact.reason] += 1
            continue
        offered = found.offers.setdefault(fact.offer, Offered())
        offered.granted += 1
        if fact.id in used:
            offered.redeemed += 1
            offered.cost += fact.cost
            found.spent[fact.journey] = found.spent.get(fact.journey, Decimal(0)) + fact.cost
        elif found.now < fact.expires_at:
            offered.open += 1
            offered.kept_back += fact.cost
        else:
            offered.ended += 1


def _answers(found: Counted, known: Sequence[Fact]) -> None:
    last = {(fact.question, fact.key): fact for fact in known if isinstance(fact, Answered)}
    for fact in last.values():
        found.answers.setdefault(fact.question, Counter())[fact.value] += 1
        if fact.comment:
            text = " ".join(_values.scrubbed(fact.comment).split())[:_LONGEST]
            found.comments.append(Comment(fact.question, fact.value, text, fact.at))
