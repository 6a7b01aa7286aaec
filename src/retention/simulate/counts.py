"""What a simulation counts while it lives, and the frozen result that it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import attrs
from attrs import evolve, frozen

from retention import _wall_time
from retention._types import Json
from retention.journey import Book, CustomerFile, Decision, Journey, Plan, contact_policy, customer_of
from retention.simulate.power import Power

__all__ = ["Collision", "JourneySimulated", "LettersOfDay", "Simulation", "Tally"]

_FATES = {"skip": "skipped", "defer": "put off"}


@frozen
class LettersOfDay:
    """The letters of one step on one day of the shop's calendar: `sent`, and `withheld` from the control group."""

    day: date
    journey: str
    step: str
    sent: int = 0
    withheld: int = 0


@frozen
class Collision:
    """Letters of `journey` that a cap put off, or that were lost to it, because of letters of `because_of` before.

    The caps that were full are asked whose letters had filled them; each journey among these counts. A letter put off
    twice counts twice. A journey may stand in its own way.
    """

    journey: str
    because_of: str
    put_off: int = 0
    lost: int = 0


@frozen
class JourneySimulated:
    """One journey: the runs that began, by arm; the people who were in it, each in the arm of their first run.

    `refused`: why others did not enter. `ended`: why runs ended; `open`: runs that had not. `steps`: for each step how
    often it was sent, withheld, skipped and put off, with reasons. `power`: how long its experiment would have to run.
    """

    journey: str
    entered: Mapping[str, int]
    customers: Mapping[str, int]
    refused: Mapping[str, int]
    ended: Mapping[str, int]
    open: int
    steps: Mapping[str, Mapping[str, int]]
    power: Power


@frozen
class Simulation:
    """What would have happened from `start` to `end`, both included, in so many `runs` of the cron line.

    `customers`: with any fact that matters to the journeys. `letters`: by day, journey and step, days without one left
    out. `unplanned`: customers whose history breaks a plan; the log says where.
    """

    start: date
    end: date
    runs: int
    customers: int
    letters: tuple[LettersOfDay, ...]
    journeys: tuple[JourneySimulated, ...]
    collisions: tuple[Collision, ...]
    unplanned: int = 0

    @property
    def sent(self) -> int:
        """Letters in all."""
        return sum(row.sent for row in self.letters)

    def to_json(self) -> Json:
        """The simulation as a JSON mapping."""
        return attrs.asdict(self, value_serializer=lambda _record, _field, value: _json(value))


def _json(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


class Tally:
    """Counts of everything that is decided."""

    def __init__(self, book: Book, days: Sequence[date]) -> None:
        self._book, self._days = book, days
        self._rows: Counter[tuple[int, str, str, str, str]] = Counter()
        self._entered: Counter[tuple[str, str]] = Counter()
        self._people: Counter[tuple[str, str]] = Counter()
        self._collisions: Counter[tuple[str, str, str]] = Counter()

    def seen(self, run: int, file: CustomerFile, plan: Plan) -> None:
        """Count what a plan adds to the file."""
        for entry in plan.entries:
            self._entered[entry.journey, entry.arm] += 1
        for name in {entry.journey for entry in plan.entries} - {entry.journey for entry in file.entries}:
            first = next(entry for entry in plan.entries if entry.journey == name)
            self._people[name, first.arm] += 1
        for row in plan.decisions:
            self._rows[run, row.journey, row.step, row.kind, row.reason] += 1
            if row.reason == "cap":
                self._collide(file, plan, row)

    def _collide(self, file: CustomerFile, plan: Plan, row: Decision) -> None:
        earlier = [*file.ledger, *plan.decisions[: plan.decisions.index(row)]]
        letters = [one for one in earlier if one.kind == "send" and one.promotional]
        for name in _in_the_way(self._book, file, letters, row.at):
            self._collisions[row.journey, name, row.kind] += 1

    # The result.

    def letters(self) -> tuple[LettersOfDay, ...]:
        """By day, journey and step, in that order."""
        found: dict[tuple[date, str, str], Counter[str]] = {}
        for (run, journey, step, kind, _), n in self._rows.items():
            if kind in ("send", "withhold"):
                found.setdefault((self._days[run], journey, step), Counter())[kind] += n
        return tuple(LettersOfDay(*key, found[key]["send"], found[key]["withhold"]) for key in sorted(found))

    def collisions(self) -> tuple[Collision, ...]:
        """By journey and the one in its way."""
        pairs = sorted({(journey, other) for journey, other, _ in self._collisions})
        return tuple(
            Collision(*pair, put_off=self._collisions[*pair, "defer"], lost=self._collisions[*pair, "skip"])
            for pair in pairs
        )

    def journey(self, journey: Journey, power: Power) -> JourneySimulated:
        """The counts of one journey."""
        name, steps = journey.name, {step.id: Counter({"sent": 0, "withheld": 0}) for step in journey.steps}
        refused: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        for (step, kind, reason), n in self._of(name):
            if kind in ("refuse", "exit"):
                (refused if kind == "refuse" else ended)[reason] += n
            elif kind != "enter":
                steps[step][_fate(kind, reason)] += n
        entered = _by_arm(self._entered, journey)
        return JourneySimulated(
            name,
            entered,
            self.people(journey),
            _sorted(refused),
            _sorted(ended),
            sum(entered.values()) - sum(ended.values()),
            MappingProxyType({step: MappingProxyType(dict(counts)) for step, counts in steps.items()}),
            power,
        )

    def people(self, journey: Journey) -> Mapping[str, int]:
        """The customers of each arm."""
        return _by_arm(self._people, journey)

    def _of(self, name: str) -> Iterator[tuple[tuple[str, str, str], int]]:
        for (_, journey, *rest), n in sorted(self._rows.items()):
            if journey == name:
                step, kind, reason = rest
                yield (step, kind, reason), n


def _fate(kind: str, reason: str) -> str:
    if kind in _FATES:
        return f"{_FATES[kind]}: {reason}"
    return "sent" if kind == "send" else "withheld"


def _by_arm(counts: Mapping[tuple[str, str], int], journey: Journey) -> Mapping[str, int]:
    return MappingProxyType({arm: counts.get((journey.name, arm), 0) for arm in sorted(journey.arms)})


def _sorted(counts: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType(dict(sorted(counts.items())))


def _in_the_way(book: Book, file: CustomerFile, letters: Iterable[Decision], now: datetime) -> set[str]:
    """The journeys whose letters had filled a cap on the day on which a letter wanted to leave."""
    policy = book.policy
    known = sorted((f for f in file.facts if f.at <= now), key=lambda fact: (fact.at, fact.kind, fact.id))
    zone = ZoneInfo(customer_of(file.customer_id, known, timezone=book.timezone, language=book.language).timezone)
    opens, _ = contact_policy.earliest(evolve(policy, caps=()), now, zone, ())
    day = _wall_time.local_date(opens, zone)
    found: set[str] = set()
    for cap in policy.caps:
        counted = [row for row in letters if 0 <= (day - _wall_time.local_date(row.at, zone)).days < cap.days]
        if len(counted) >= cap.count:
            found.update(row.journey for row in counted)
    return found
