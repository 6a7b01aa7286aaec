"""What the journeys achieved, counted from the one ledger.

By intention to treat: a customer counts in the arm of their first entry, whatever letters came of it, once the
journey's window after that entry is over. Letters are never credited with an order: only the difference to the control
group is. Opens and clicks count for nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from retention import experiments
from retention._types import Json
from retention._wall_time import shift
from retention.facts import OrderPlaced
from retention.journey import CONTROL, Book, CustomerFile, Delay, Entry, Journey, Outcome

__all__ = ["ArmResult", "Incremental", "JourneyResult", "Results", "tally"]

_ENOUGH = 30
"""Customers of each group whose window must be over before a difference is told."""
_FATES = ("sent", "failed", "queued", "in_doubt", "withheld")
_UNDER_WAY = {"leased": "queued", "sending": "in_doubt"}


@frozen
class ArmResult:
    """One arm of a journey.

    `entered`: runs. `customers`: people, each in the arm of their first entry. `decided`: those whose window is over,
    and `returned` how many of these ordered within it. `sent`, `withheld`: letters.
    """

    arm: str
    entered: int = 0
    customers: int = 0
    decided: int = 0
    returned: int = 0
    sent: int = 0
    withheld: int = 0


@frozen
class Incremental:
    """Customers who came back because of the letters: the estimate and its interval at `level`, in customers."""

    estimate: float
    lower: float
    upper: float
    level: float
    treated: int
    control: int


@frozen
class JourneyResult:
    """One journey: its arms, the letters by step and fate, who was not let in and why, and the verdict in words.

    `steps`: for each step what became of it, every time it was due: sent, failed, queued, in_doubt and withheld, zeros
    included, and each reason for which a letter was skipped or cancelled; together all that was decided about the step.
    `incremental` is None while there is not enough data; the verdict says what is missing.
    """

    journey: str
    window: Delay
    arms: tuple[ArmResult, ...]
    steps: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, int]
    incremental: Incremental | None
    verdict: str


@frozen
class Results:
    """Every journey's result as of `at`; `at` is the moment of the count."""

    at: datetime
    customers: int
    journeys: tuple[JourneyResult, ...]

    def to_json(self) -> Json:
        """The results as a JSON mapping, zeros included."""
        return attrs.asdict(self, value_serializer=lambda _record, _field, value: _json(value))


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _no_letters() -> Counter[str]:
    return Counter(dict.fromkeys(_FATES, 0))


def _fate(outcome: Outcome) -> str:
    if outcome.status == "cancelled":
        return f"cancelled: {outcome.reason}"
    return _UNDER_WAY.get(outcome.status, outcome.status)


class _Tally:
    """The counts of one journey."""

    def __init__(self, journey: Journey, zone: ZoneInfo, now: datetime) -> None:
        self.journey, self.zone, self.now = journey, zone, now
        self.counts: Counter[tuple[str, str]] = Counter()
        self.steps = {step.id: _no_letters() for step in journey.steps}
        self.refused: Counter[str] = Counter()
        self.arms = set(journey.arms)

    def add(self, file: CustomerFile) -> None:
        runs = {entry.key: entry for entry in file.entries if entry.journey == self.journey.name}
        if runs:
            self._add_person(min(runs.values(), key=lambda entry: (entry.entered_at, entry.key)), file)
        for entry in runs.values():
            self.arms.add(entry.arm)
            self.counts[entry.arm, "entered"] += 1
        self._add_letters(file)

    def _add_person(self, first: Entry, file: CustomerFile) -> None:
        self.counts[first.arm, "customers"] += 1
        end = _after(first.entered_at, self.journey.window, self.zone)
        if end > self.now:
            return
        self.counts[first.arm, "decided"] += 1
        if any(isinstance(f, OrderPlaced) and first.entered_at < f.at <= end for f in file.facts):
            self.counts[first.arm, "returned"] += 1

    def _add_letters(self, file: CustomerFile) -> None:
        rows = [row for row in file.ledger if row.journey == self.journey.name]
        for row in rows:
            if row.kind == "refuse":
                self.refused[row.reason] += 1
            elif row.kind == "withhold":
                self.counts[row.arm, "withheld"] += 1
                self._of_step(row.step)["withheld"] += 1
            elif row.kind == "skip":
                self._of_step(row.step)[f"skipped: {row.reason}"] += 1
        arms = {row.key: row.arm for row in rows if row.kind == "send"}
        for outcome in file.outcomes:
            if outcome.key in arms:
                self.counts[arms[outcome.key], "sent"] += outcome.status == "sent"
                self._of_step(outcome.key.step)[_fate(outcome)] += 1

    def _of_step(self, step: str) -> Counter[str]:
        return self.steps.setdefault(step, _no_letters())

    def result(self) -> JourneyResult:
        names = ("entered", "customers", "decided", "returned", "sent", "withheld")
        arms = tuple(ArmResult(arm, **{n: self.counts[arm, n] for n in names}) for arm in sorted(self.arms))
        incremental, verdict = judge(arms)
        return JourneyResult(
            journey=self.journey.name,
            window=self.journey.window,
            arms=arms,
            steps=MappingProxyType({step: dict(sorted(counts.items())) for step, counts in self.steps.items()}),
            refused=dict(sorted(self.refused.items())),
            incremental=incremental,
            verdict=verdict,
        )


def judge(arms: Iterable[ArmResult]) -> tuple[Incremental | None, str]:
    """How many came back because of the letters, or what is missing to say so."""
    control = [arm for arm in arms if arm.arm == CONTROL]
    treated = [arm for arm in arms if arm.arm != CONTROL]
    if not control or not treated:
        return None, "no control group: nobody can say how many came back because of the letters"
    n_t, n_c = sum(arm.decided for arm in treated), sum(arm.decided for arm in control)
    if min(n_t, n_c) < _ENOUGH:
        short, n = ("control group", n_c) if n_c <= n_t else ("group that gets letters", n_t)
        return None, f"not enough data yet: the {short} has {n} customers whose window is over, {_ENOUGH} needed"
    found = experiments.difference(sum(arm.returned for arm in treated), n_t, sum(arm.returned for arm in control), n_c)
    incremental = Incremental(
        found.estimate * n_t, found.lower * n_t, found.upper * n_t, level=found.level, treated=n_t, control=n_c
    )
    return incremental, _verdict(incremental)


def _verdict(found: Incremental) -> str:
    interval = f"{found.level:.0%} interval {_customers(found.lower)} to {_customers(found.upper)}"
    if found.lower > 0:
        return f"{_customers(found.estimate)} customers came back because of the letters ({interval})"
    if found.upper < 0:
        return f"the letters drove {_customers(-found.estimate)} customers away ({interval})"
    return f"no effect shown yet: {_customers(found.estimate)} customers ({interval})"


def _customers(number: float) -> str:
    """Whole customers, tenths where there are few; never "-0"."""
    return f"{round(number) if abs(number) >= 10 else round(number, 1) + 0.0}"


def _after(instant: datetime, delay: Delay, zone: ZoneInfo) -> datetime:
    return shift(instant, zone, months=delay.months, days=delay.days, hours=delay.hours, minutes=delay.minutes)


def tally(files: Iterable[CustomerFile], book: Book, now: datetime) -> Results:
    """The results of every journey the storage has seen, from the files of all customers."""
    counts = [_Tally(journey, ZoneInfo(book.timezone), now) for journey in book.newest]
    customers = 0
    for file in files:
        customers += 1
        for count in counts:
            count.add(file)
    return Results(at=now, customers=customers, journeys=tuple(count.result() for count in counts))
