"""What the journeys achieved, counted from the one ledger.

By intention to treat: a customer counts in the arm of their first entry, whatever letters came of it, once the
journey's window after that entry is over and unless they were erased since. Letters are never credited with an order:
only the difference to the control group is. How far the letters came, opens and clicks with them, is told by step and
arm (`engine.funnel`) and counts for nothing in that.

Money is what was ordered within the window less what was paid back within it, whichever order that was for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from retention import experiments
from retention._types import Json
from retention.engine.funnel import Letters, StepResult
from retention.experiments import Lift
from retention.facts import CustomerErased, EmailReported, Fact, OrderPlaced, ReturnChanged
from retention.journey import CONTROL, Book, CustomerFile, Delay, Entry, Journey, Needs
from retention.journey.run import after

__all__ = ["NEEDED", "ArmResult", "Incremental", "JourneyResult", "Results", "StepResult", "tally"]

NEEDED = Needs(frozenset({OrderPlaced.kind, ReturnChanged.kind, CustomerErased.kind, EmailReported.kind}))
"""What the files must hold to be counted."""
_NO_CONTROL = "no control group: nobody can say how many came back because of the letters"


@frozen
class ArmResult:
    """One arm of a journey.

    `entered`: runs. `customers`: people, each in the arm of their first entry. `decided`: those whose window is over;
    of these `returned` ordered within it, `orders` times in all, for `revenue`, refunds taken off. `sent`, `withheld`:
    letters.
    """

    arm: str
    entered: int = 0
    customers: int = 0
    decided: int = 0
    returned: int = 0
    sent: int = 0
    withheld: int = 0
    orders: int = 0
    revenue: float = 0.0


@frozen
class Incremental:
    """Customers who came back because of the letters: the estimate and its interval at `level`, in customers.

    `treated`, `control`: how many were compared. `orders`, `revenue`: what the letters added of these.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    treated: int
    control: int
    orders: Lift | None = None
    revenue: Lift | None = None


@frozen
class JourneyResult:
    """One journey: its arms, the letters by step and fate, who was not let in and why, and the verdict in words.

    `steps`: for each step what became of it, every time it was due: sent, failed, queued, in_doubt and withheld, zeros
    included, and each reason for which a letter was skipped or cancelled; together all that was decided about the step.
    `funnel`: the same by step and arm, and how far the letters came.
    `incremental` is None while there is not enough data; the verdict says what is missing. `alarm`: the arms do not
    have the sizes that were drawn, so no number here can be trusted; the verdict then says that. `notes`: what else is
    to be told, a sentence each.
    """

    journey: str
    window: Delay
    arms: tuple[ArmResult, ...]
    steps: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, int]
    incremental: Incremental | None
    verdict: str
    alarm: bool = False
    notes: tuple[str, ...] = ()
    funnel: tuple[StepResult, ...] = ()


@frozen
class Results:
    """Every journey's result as of `at`; `at` is the moment of the count.

    `overlapping`: customers who have been in more than one journey; `notes` then says what follows from that.
    """

    at: datetime
    customers: int
    journeys: tuple[JourneyResult, ...]
    overlapping: int = 0
    notes: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """The results as a JSON mapping, zeros included."""
        return attrs.asdict(self, value_serializer=lambda _record, _field, value: _json(value))


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


@frozen
class _Person:
    """One customer from their first entry: `weights` of the arms then, and what came within the window."""

    arm: str
    propensity: float
    weights: int
    entered_at: datetime
    decided: bool
    orders: int = 0
    revenue: Decimal = Decimal(0)


class _Tally:
    """The counts of one journey; `weights`: for each of its versions a number, equal where the arms' shares are."""

    def __init__(self, journey: Journey, weights: Mapping[int, int], zone: ZoneInfo, now: datetime) -> None:
        self.journey, self.weights, self.zone, self.now = journey, weights, zone, now
        self.letters = Letters(journey, zone)
        self.refused: Counter[str] = Counter()
        self.entered: Counter[str] = Counter(dict.fromkeys(journey.arms, 0))
        self.people: list[_Person] = []

    def add(self, file: CustomerFile) -> bool:
        """Count the customer; whether they have been in this journey."""
        runs = {entry.key: entry for entry in file.entries if entry.journey == self.journey.name}
        if runs:
            first = min(runs.values(), key=lambda entry: (entry.entered_at, entry.key))
            self.people.append(self._person(first, file.facts))
            self.entered.update(entry.arm for entry in runs.values())
        rows = [row for row in file.ledger if row.journey == self.journey.name]
        self.refused.update(row.reason for row in rows if row.kind == "refuse")
        self.letters.add(file, rows)
        return bool(runs)

    def _person(self, first: Entry, facts: Iterable[Fact]) -> _Person:
        end = after(first.entered_at, self.journey.window, self.zone)
        drawn = (first.arm, first.propensity, self.weights.get(first.version, -first.version), first.entered_at)
        if end > self.now or any(first.entered_at <= erased.at for erased in _erasures(facts)):
            return _Person(*drawn, decided=False)
        within = [fact for fact in facts if first.entered_at < fact.at <= end]
        paid = [fact.total for fact in within if isinstance(fact, OrderPlaced)]
        back = [fact.refund for fact in within if isinstance(fact, ReturnChanged) and fact.refund is not None]
        return _Person(*drawn, decided=True, orders=len(paid), revenue=sum(paid, Decimal(0)) - sum(back, Decimal(0)))

    def result(self) -> JourneyResult:
        found = _compared(self.people)
        control = CONTROL in self.entered and len(self.entered) > 1
        return JourneyResult(
            journey=self.journey.name,
            window=self.journey.window,
            arms=tuple(self._arm(arm) for arm in sorted(self.entered)),
            steps=self.letters.steps(),
            refused=dict(sorted(self.refused.items())),
            incremental=_incremental(found),
            verdict=found.verdict if control or found.alarm else _NO_CONTROL,
            alarm=found.alarm,
            notes=found.notes if control else (),
            funnel=self.letters.funnel(self.entered),
        )

    def _arm(self, arm: str) -> ArmResult:
        people = [person for person in self.people if person.arm == arm]
        decided = [person for person in people if person.decided]
        return ArmResult(
            arm,
            entered=self.entered[arm],
            customers=len(people),
            decided=len(decided),
            returned=sum(person.orders > 0 for person in decided),
            sent=self.letters.of_arm(arm, "sent"),
            withheld=self.letters.of_arm(arm, "withheld"),
            orders=sum(person.orders for person in decided),
            revenue=float(sum(person.revenue for person in decided)),
        )


def _compared(people: list[_Person]) -> experiments.Incremental:
    return experiments.incremental(
        [person.arm for person in people],
        [person.propensity for person in people],
        [person.orders > 0 for person in people],
        decided=[person.decided for person in people],
        phase=[person.weights for person in people],
        at=[person.entered_at.timestamp() for person in people],
        orders=[person.orders for person in people],
        revenue=[float(person.revenue) for person in people],
        control=CONTROL,
    )


def _incremental(found: experiments.Incremental) -> Incremental | None:
    back = found.returning
    if back is None or back.lower is None or back.upper is None:
        return None
    return Incremental(
        back.estimate,
        back.lower,
        back.upper,
        level=back.level,
        treated=found.treated,
        control=found.control,
        orders=found.orders,
        revenue=found.revenue,
    )


def _weights(book: Book, name: str) -> dict[int, int]:
    """The versions of one journey, numbered by their arms' shares."""
    numbers: dict[frozenset[tuple[str, float]], int] = {}
    versions = [journey for journey in book.journeys if journey.name == name]
    return {j.version: numbers.setdefault(frozenset(j.arms.items()), len(numbers)) for j in versions}


def tally(files: Iterable[CustomerFile], book: Book, now: datetime) -> Results:
    """The results of every journey the storage has seen, from the files of all customers."""
    zone = ZoneInfo(book.timezone)
    counts = [_Tally(journey, _weights(book, journey.name), zone, now) for journey in book.newest]
    customers = overlapping = erased = 0
    for file in files:
        customers += 1
        erased += bool(_erasures(file.facts))
        overlapping += sum([count.add(file) for count in counts]) > 1
    journeys = tuple(count.result() for count in counts)
    notes = (_overlap(overlapping),) if overlapping else ()
    return Results(now, customers, journeys, overlapping, (*notes, _erased(erased)) if erased else notes)


def _erasures(facts: Iterable[Fact]) -> list[CustomerErased]:
    return [fact for fact in facts if isinstance(fact, CustomerErased)]


def _erased(customers: int) -> str:
    return f"{customers} customers were erased: what they ordered is unknown, so they do not count among the decided"


def _overlap(customers: int) -> str:
    return (
        f"{customers} customers were in more than one journey: one order can count in each, so the journeys' numbers "
        "must not be added up"
    )
