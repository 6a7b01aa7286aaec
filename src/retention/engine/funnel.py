"""How far the letters of one journey came, by step and arm: one count from the ledger, the outcomes and the reports.

A letter is followed by an order or not within the journey's window; that is said, and credited to nobody: what letters
achieved is only the difference to the control group (`engine.results`). Opens are counted apart, are unreliable and
decide nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from attrs import frozen

from retention.facts import EmailReported, OrderPlaced
from retention.journey import CustomerFile, Decision, DecisionKey, Journey, Outcome
from retention.journey.run import after

__all__ = ["COUNTED", "FATES", "FOLLOWED", "Letters", "StepResult"]

FATES = ("sent", "failed", "queued", "in_doubt", "withheld")
_UNDER_WAY = {"leased": "queued", "sending": "in_doubt"}
FOLLOWED = (
    "delivered", "bounced", "opened", "opened_by_robots", "clicked", "unsubscribed", "complained", "ordered_after",
    "ordered_again",
)  # fmt: skip
COUNTED = (*FATES, *FOLLOWED)
"""The numbers of letters that a `StepResult` has: what became of those due, and of those sent."""


@frozen
class StepResult:
    """What became of the letters of one step in one arm.

    `entered`: runs of the arm. Of the letters that were due: `sent`, `failed`, `queued`, `in_doubt`, `withheld`, and
    why others were `skipped` or `cancelled`; together all that was decided about the step. Of those sent, each letter
    once: what was reported (`opened` is unreliable, `opened_by_robots` is apart from it), and within the journey's
    window after the letter `ordered_after` at least one order, `ordered_again` at least two.
    """

    step: str
    arm: str
    entered: int
    skipped: Mapping[str, int]
    cancelled: Mapping[str, int]
    sent: int = 0
    failed: int = 0
    queued: int = 0
    in_doubt: int = 0
    withheld: int = 0
    delivered: int = 0
    bounced: int = 0
    opened: int = 0
    opened_by_robots: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    complained: int = 0
    ordered_after: int = 0
    ordered_again: int = 0


class Letters:
    """The counts of one journey's letters, customer by customer."""

    def __init__(self, journey: Journey, zone: ZoneInfo) -> None:
        self._window, self._zone = journey.window, zone
        self._names = dict.fromkeys(step.id for step in journey.steps)
        self._counts: dict[tuple[str, str], Counter[str]] = {}

    def add(self, file: CustomerFile, rows: Sequence[Decision]) -> None:
        """Count what was decided on and became of the customer's letters; `rows`: the ledger's, of this journey."""
        for row in rows:
            if row.kind == "withhold":
                self._of(row.step, row.arm)["withheld"] += 1
            elif row.kind == "skip":
                self._of(row.step, row.arm)[f"skipped: {row.reason}"] += 1
        arms = {row.key: row.arm for row in rows if row.kind == "send"}
        if arms:
            self._follow(file, arms)

    def _follow(self, file: CustomerFile, arms: Mapping[DecisionKey, str]) -> None:
        """What became of the letters that were to be sent."""
        heard, orders = _heard(file), [fact.at for fact in file.facts if isinstance(fact, OrderPlaced)]
        for outcome in file.outcomes:
            if outcome.key in arms:
                counts = self._of(outcome.key.step, arms[outcome.key])
                counts[_fate(outcome)] += 1
                if outcome.status == "sent":
                    counts.update(heard.get(outcome.message_key, ()))
                    counts.update(self._orders(outcome.at, orders))

    def _of(self, step: str, arm: str) -> Counter[str]:
        self._names.setdefault(step)
        return self._counts.setdefault((step, arm), Counter())

    def _orders(self, sent_at: datetime, orders: list[datetime]) -> tuple[str, ...]:
        later = [at for at in orders if sent_at < at]
        if not later:  # the end of the window costs more than all the rest
            return ()
        until = after(sent_at, self._window, self._zone)
        return ("ordered_after", "ordered_again")[: sum(at <= until for at in later)]

    def steps(self) -> Mapping[str, Mapping[str, int]]:
        """The fates of each step's letters, all arms together."""
        found = {step: Counter(dict.fromkeys(FATES, 0)) for step in self._names}
        for (step, _), counts in self._counts.items():
            found[step].update({name: n for name, n in counts.items() if name not in FOLLOWED})
        return MappingProxyType({step: dict(sorted(counts.items())) for step, counts in found.items()})

    def of_arm(self, arm: str, fate: str) -> int:
        """How many letters of an arm had this fate, all steps together."""
        return sum(counts[fate] for (_, of), counts in self._counts.items() if of == arm)

    def funnel(self, entered: Mapping[str, int]) -> tuple[StepResult, ...]:
        """Every step in every arm, zeros included; `entered`: the runs of each arm."""
        arms = sorted({*entered, *(arm for _, arm in self._counts)})
        return tuple(
            _step(step, arm, entered.get(arm, 0), self._counts.get((step, arm), Counter()))
            for step in self._names
            for arm in arms
        )


def _step(step: str, arm: str, entered: int, counts: Counter[str]) -> StepResult:
    why = (_reasons(counts, "skipped: "), _reasons(counts, "cancelled: "))
    return StepResult(step, arm, entered, *why, *(counts[name] for name in COUNTED))


def _reasons(counts: Mapping[str, int], prefix: str) -> Mapping[str, int]:
    return {name.removeprefix(prefix): n for name, n in sorted(counts.items()) if name.startswith(prefix)}


def _fate(outcome: Outcome) -> str:
    if outcome.status == "cancelled":
        return f"cancelled: {outcome.reason}"
    return _UNDER_WAY.get(outcome.status, outcome.status)


def _heard(file: CustomerFile) -> Mapping[str, set[str]]:
    """What was reported of each letter, by its key; each sort of report once, and only sorts that are counted."""
    found: dict[str, set[str]] = {}
    for fact in file.facts:
        if isinstance(fact, EmailReported):
            by_robot = fact.status == "opened" and fact.machine
            status = "opened_by_robots" if by_robot else fact.status
            if status in FOLLOWED:
                found.setdefault(fact.message_key, set()).add(status)
    return found
