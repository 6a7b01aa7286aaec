"""What became of the letters, counted from the ledger and from what happened: by journey, step and arm.

A letter is followed by an order or not within the journey's window; that is said, and credited to nobody: what letters
achieved is only the difference to the control group (`engine.results`). Opens are counted apart and called unreliable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from attrs import define, field

from retention import _values
from retention.facts import Answered, EmailReported, OfferDecided, OfferRedeemed, OrderPlaced
from retention.journey import Book, CustomerFile, Delay, Outcome
from retention.journey.run import after as after_delay

__all__ = ["COUNTED", "NEEDED", "Comment", "Counted", "Offered", "Place"]

NEEDED = frozenset({OrderPlaced.kind, EmailReported.kind, Answered.kind, OfferDecided.kind, OfferRedeemed.kind})
"""The kinds of facts that are counted here."""
COUNTED = (
    "sent", "withheld", "skipped", "failed", "delivered", "bounced", "opened", "opened by robots", "clicked",
    "unsubscribed", "complained", "ordered after", "ordered again",
)  # fmt: skip
"""What is counted of each letter; orders within the journey's window after it."""
_SHOWN = 12
_LONGEST = 300


class Place(NamedTuple):
    """Where in which journey, and in which arm."""

    journey: str
    step: str
    arm: str


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
    """All counts: of letters by place, why letters were not sent, offers by id, why there was none, and answers.

    `windows`: of each journey, how long after a letter orders are looked for, by the clocks of the `zone`. `now`: when
    it is counted. `began`: when each journey decided first. `spent`: what redeemed offers of each journey cost.
    """

    windows: Mapping[str, Delay]
    zone: ZoneInfo
    now: datetime
    letters: dict[Place, Counter[str]] = field(factory=dict)
    reasons: dict[tuple[str, str], Counter[str]] = field(factory=dict)
    offers: dict[str, Offered] = field(factory=dict)
    no_offer: Counter[str] = field(factory=Counter)
    answers: dict[str, Counter[str]] = field(factory=dict)
    comments: list[Comment] = field(factory=list)
    began: dict[str, datetime] = field(factory=dict)
    spent: dict[str, Decimal] = field(factory=dict)

    def by_step(self) -> Mapping[tuple[str, str], Counter[str]]:
        """The counts of letters with all arms together."""
        found: dict[tuple[str, str], Counter[str]] = {}
        for place, counts in self.letters.items():
            found.setdefault((place.journey, place.step), Counter()).update(counts)
        return found

    @classmethod
    def of(cls, book: Book, now: datetime) -> Counted:
        """Nothing counted yet."""
        return cls({journey.name: journey.window for journey in book.newest}, ZoneInfo(book.timezone), now)

    def passing(self, files: Iterable[CustomerFile]) -> Iterator[CustomerFile]:
        """The files, each counted as it passes; they hold the facts of the kinds `NEEDED`."""
        for file in files:
            _letters(self, file)
            _offers(self, file)
            _answers(self, file)
            yield file
        self.comments = sorted(self.comments, key=lambda comment: comment.at, reverse=True)[:_SHOWN]


def _letters(found: Counted, file: CustomerFile) -> None:
    if not file.ledger:
        return
    reports = _reports(file)
    orders = [fact.at for fact in file.facts if isinstance(fact, OrderPlaced)]
    outcomes = {outcome.key: outcome for outcome in file.outcomes}
    for row in file.ledger:
        found.began[row.journey] = min(row.at, found.began.get(row.journey, row.at))
        if row.kind in ("send", "withhold", "skip"):
            counts = found.letters.setdefault(Place(row.journey, row.step, row.arm), Counter())
            if row.kind == "send":
                window = found.windows.get(row.journey, Delay())
                _letter(counts, outcomes.get(row.key), reports, orders, window, found.zone)
            else:
                counts["withheld" if row.kind == "withhold" else "skipped"] += 1
                found.reasons.setdefault((row.journey, row.step), Counter())[row.reason] += 1


def _reports(file: CustomerFile) -> dict[str, set[str]]:
    """What was reported of each letter, by its key; each report once."""
    found: dict[str, set[str]] = {}
    for fact in file.facts:
        if isinstance(fact, EmailReported):
            by_robot = fact.status == "opened" and fact.machine
            found.setdefault(fact.message_key, set()).add("opened by robots" if by_robot else fact.status)
    return found


def _letter(
    counts: Counter[str],
    outcome: Outcome | None,
    reports: Mapping[str, set[str]],
    orders: Sequence[datetime],
    window: Delay,
    zone: ZoneInfo,
) -> None:
    if outcome is None or outcome.status != "sent":
        counts["failed"] += outcome is not None and outcome.status == "failed"
        return
    counts["sent"] += 1
    counts.update(reports.get(outcome.message_key, set()) & set(COUNTED))
    until = after_delay(outcome.at, window, zone) if orders else outcome.at
    after = sum(outcome.at < at <= until for at in orders)
    counts["ordered after"] += after > 0
    counts["ordered again"] += after > 1


def _offers(found: Counted, file: CustomerFile) -> None:
    used = {fact.id for fact in file.facts if isinstance(fact, OfferRedeemed)}
    for fact in file.facts:
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


def _answers(found: Counted, file: CustomerFile) -> None:
    last = {(fact.question, fact.key): fact for fact in file.facts if isinstance(fact, Answered)}
    for fact in last.values():
        found.answers.setdefault(fact.question, Counter())[fact.value] += 1
        if fact.comment:
            text = " ".join(_values.scrubbed(fact.comment).split())[:_LONGEST]
            found.comments.append(Comment(fact.question, fact.value, text, fact.at))
