"""What is due for one customer now, and when to look again: a timetable read once more from the start each time.

    plan(book, file, now) -> Plan(decisions, entries, wake_at)

Pure: the file says what happened and what was already decided, the book what the shop wants. There is no pointer to a
current step, so nothing can get stuck: planning again after a commit yields nothing, an edit never resends, a resume is
a replay. Inside one plan, steps that are due go by priority, due time and key, without looking ahead.

Rules of the room: send, withhold and skip own their key for good; a deferral for time binds until it ends, one for a
hold is judged again with every new fact; what is false when a step is due is final; every run ends and accounts for
every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from retention import _values, _wall_time
from retention.errors import InvalidInput
from retention.facts import Fact
from retention.journey import contact_policy
from retention.journey.book import Book
from retention.journey.contact_policy import Hold
from retention.journey.customer import customer_of
from retention.journey.definition import CONTROL, GRANTED, AfterExit, Choice, Delay, Journey, Once, PerKey, Step
from retention.journey.ledger import Arm, CustomerFile, Decision, DecisionKey, DecisionKind, Entry, Plan
from retention.journey.run import Due, Known, Run, after
from retention.people import Customer

__all__ = ["Desk", "plan"]

_ASK_AGAIN = timedelta(hours=1)
"""When a letter that waits for an offer asks for it once more, if nobody has decided by then."""

_BINDING = ("cap", "closed_day", "quiet_hours")
"""Deferrals that wait for a time, not for a fact: they are not judged again before their end."""


def _binds(deferral: Decision) -> bool:
    return deferral.reason in _BINDING


def plan(book: Book, file: CustomerFile, now: datetime) -> Plan:
    """Everything that is due for the customer at `now`, an aware time; the same file and moment give the same plan.

    Raises `InvalidInput` when the file draws no arm for a journey that the customer enters.
    """
    desk = Desk(book, file, now)
    desk.let_in()
    desk.let_out()
    desk.judge_all()
    desk.close()
    return Plan(tuple(desk.decisions), tuple(desk.entries), desk.wake_at(), tuple(desk.wants))


class Desk:
    """The work of one plan: the file spread out, and the rows written so far."""

    def __init__(self, book: Book, file: CustomerFile, now: datetime) -> None:
        self.book, self.file, self.now = book, file, _values.instant("now", now)
        self.known = Known(file.facts, self.now)
        self.decisions: list[Decision] = []
        self.entries: list[Entry] = []
        self.wants: list[tuple[str, str]] = []
        self._waiting: set[DecisionKey] = set()
        self.runs: list[Run] = []
        self._wakes: list[datetime] = []
        self._runs_by_key: dict[tuple[str, str], Run] = {}
        self._refused = {(row.journey, row.entry_key) for row in file.ledger if row.kind == "refuse"}
        for entry in sorted(file.entries, key=lambda e: (e.entered_at, e.journey, e.key)):
            self._open(entry)
        for row in file.ledger:
            run = self._runs_by_key.get((row.journey, row.entry_key))
            if run is not None:
                run.note(row)

    # Most plans find nothing to do: what they do not ask for is not worked out.

    @cached_property
    def customer(self) -> Customer:
        """What the known facts say about the person."""
        book = self.book
        return customer_of(self.file.customer_id, self.known.all, timezone=book.timezone, language=book.language)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The customer's zone."""
        return ZoneInfo(self.customer.timezone)

    @cached_property
    def _sent_days(self) -> list[date]:
        """The local days of promotional letters that the caps count; those of this plan are added as it goes."""
        since = self.now - timedelta(days=self.book.policy.remembers_days + 1)
        cancelled = {outcome.key for outcome in self.file.outcomes if outcome.status == "cancelled"}
        return [
            _wall_time.local_date(row.at, self.zone)
            for row in self.file.ledger
            if row.kind == "send" and row.promotional and row.at >= since and row.key not in cancelled
        ]

    def _open(self, entry: Entry) -> None:
        journey = self.book.journey(entry)
        # Merged customers may both be inside with one key: the ledger's rows are those of one run, the earlier.
        if journey is not None and (entry.journey, entry.key) not in self._runs_by_key:
            run = self._run(entry, journey)
            self.runs.append(run)
            self._runs_by_key[entry.journey, entry.key] = run

    def _after(self, instant: datetime, delay: Delay) -> datetime:
        return after(instant, delay, self.zone)

    def _run(self, entry: Entry, journey: Journey) -> Run:
        return Run(self.known, self.zone, entry, journey, self.book.steps(journey, entry.arm))

    # Who comes in.

    def let_in(self) -> None:
        """Start the runs that a trigger asks for, or say why not."""
        for journey in self.book.current:
            trigger = journey.trigger
            for fact in trigger.of(self.known.select(trigger.kind, trigger.status, None)):
                key = (journey.name, fact.key)
                if key not in self._runs_by_key and key not in self._refused:
                    self._admit(journey, fact)

    def _admit(self, journey: Journey, fact: Fact) -> None:
        arm, propensity = self._arm(journey)
        entry = Entry(
            journey=journey.name,
            version=journey.version,
            key=fact.key,
            entered_at=self.now,
            basis=getattr(fact, "basis", fact.at),
            arm=arm,
            propensity=propensity,
        )
        reason = self._why_not(journey, fact, entry)
        if reason:
            self._refused.add((journey.name, fact.key))
        else:
            self.entries.append(entry)
            self._open(entry)
        self._write("refuse" if reason else "enter", entry, reason=reason)

    def _arm(self, journey: Journey) -> Arm:
        for run in self.runs:
            if run.entry.journey == journey.name and run.entry.arm in journey.arms:
                return run.entry.arm, run.entry.propensity
        if journey.name not in self.file.arms:
            raise InvalidInput(f"arms: customer {self.file.customer_id!r} has none drawn for journey {journey.name}")
        return self.file.arms[journey.name]

    def _why_not(self, journey: Journey, fact: Fact, entry: Entry) -> str:
        if self._after(fact.at, journey.accept_for) < self.now:
            return "stale"
        if self.book.is_lost(fact.at, promotional=journey.promotional):
            return "restored"
        reason = self._not_again(journey) or self._not_wanted(journey, self._run(entry, journey))
        if reason or not journey.promotional:
            return reason
        return contact_policy.refusal(self.customer, journey.topic, promotional=True)

    def _not_wanted(self, journey: Journey, run: Run) -> str:
        for exit_ in journey.exits:
            if exit_.when.holds(run):
                return exit_.reason
        if journey.when is not None and not journey.when.holds(run):
            return "condition"
        inside = any(run.journey.name in journey.unless_inside for run in self._open_runs())
        return "inside_another" if inside else ""

    def _not_again(self, journey: Journey) -> str:
        earlier = [run for run in self.runs if run.entry.journey == journey.name]
        if isinstance(journey.reentry, PerKey) or not earlier:
            return ""
        if isinstance(journey.reentry, Once):
            return "once"
        return self._too_soon(journey.reentry, earlier)

    def _too_soon(self, reentry: AfterExit, earlier: list[Run]) -> str:
        for run in earlier:
            if run.ended is None:
                return "already_inside"
            if self._after(run.ended.at, reentry.cool_down) > self.now:
                return "cooling_down"
        return ""

    # Who goes out.

    def let_out(self) -> None:
        """End the runs that have reached an exit."""
        for run in self._open_runs():
            for exit_ in run.journey.exits:
                if exit_.when.holds(run):
                    self._end(run, exit_.reason)
                    break

    def close(self) -> None:
        """End the runs in which nothing more can happen."""
        for run in self._open_runs():
            if run.undecided():
                continue
            if all(not step.recurs and run.of_step(step) for step in run.steps):
                self._end(run, "completed")
                continue
            over, reason = min(self._ends(run))
            if over <= self.now:
                self._end(run, reason)
            else:
                self._wakes.append(over)

    def _ends(self, run: Run) -> Iterator[tuple[datetime, str]]:
        """When the run is over although some steps never came up, and why."""
        yield self._after(run.last_activity(), run.journey.lasts), "lapsed"
        concluded = run.concluded_at()
        if concluded is not None:
            yield concluded, "concluded"

    def _open_runs(self) -> list[Run]:
        return [run for run in self.runs if run.ended is None]

    def _end(self, run: Run, reason: str) -> None:
        for due in run.undecided():
            self._decide("skip", due, reason)
        for step, occurrence in list(run.unaccounted()):
            self._write(
                "skip",
                run.entry,
                step=step.id,
                occurrence=occurrence,
                reason=reason,
                slot=self.now,
                promotional=step.promotional,
            )
        self._write("exit", run.entry, reason=reason)

    # What is due.

    def judge_all(self) -> None:
        """Decide about every letter that is due."""
        parked: set[DecisionKey] = set()
        while True:
            ready = [d for d in self._pending() if d.due <= self.now and d.key not in parked]
            if not ready:
                break
            for due in sorted(ready, key=lambda d: (d.run.journey.priority, d.due, d.key)):
                if due.occurrence not in due.run.of_step(due.step):
                    parked.add(due.key)
                    self._judge(due)
        for due in self._pending():
            self._wakes.append(self._next_look(due))

    def _next_look(self, due: Due) -> datetime:
        if due.key in self._waiting:
            return self.now + _ASK_AGAIN
        deferral = due.run.deferral(due)
        if deferral is None or deferral.until is None or due.due > self.now:
            return due.due
        # A new timezone moves what is still undecided, so the end of a hold is not what the row said.
        return deferral.until if _binds(deferral) else due.valid_until

    def _pending(self) -> list[Due]:
        return [due for run in self.runs for due in run.undecided()]

    def _judge(self, due: Due) -> None:
        run, step = due.run, due.step
        deferral = run.deferral(due)
        if deferral is not None and _binds(deferral) and deferral.until is not None and deferral.until > self.now:
            return
        reason = self._final_reason(due, deferral)
        if not reason and self.book.is_lost(due.due, promotional=step.promotional):
            reason = "restored"
        if reason:
            self._decide("skip", due, reason)
            return
        until, reason = self._wait(due) if step.promotional else (self.now, "")
        if until > self.now:
            self._postpone(due, deferral, until, reason)
            return
        # The control is an experiment about promotion: whoever waits for a parcel hears of it.
        if step.promotional and run.entry.arm == CONTROL:
            self._settle(due, deferral, "withhold", CONTROL)
        elif self._offer(due) != GRANTED:
            self._settle(due, deferral, "send", "")
        else:
            self._send_granted(due, deferral)

    def _send_granted(self, due: Due, deferral: Decision | None) -> None:
        """Send the letter with the offer that its run was granted, or ask for one if nobody decided on it yet."""
        offer = due.run.open_offer(self.now)
        if self.book.grants and due.run.granted() is None:
            self.wants.append((due.run.journey.name, due.run.key))
            self._waiting.add(due.key)
        elif not offer and due.step.without_offer == "skip":
            self._decide("skip", due, "no_offer")
        else:
            self._settle(due, deferral, "send", "", offer=offer)

    def _settle(self, due: Due, deferral: Decision | None, kind: DecisionKind, reason: str, **extra: Any) -> None:
        self._decide(kind, due, reason, slot=self.now if deferral else due.due, **extra)
        self._supersede(due.run, due.step)

    def _choice(self, due: Due) -> Choice | None:
        return next((choice for choice in due.step.choose if choice.when.holds(due.run)), None)

    def _offer(self, due: Due) -> str:
        chosen = self._choice(due)
        return (chosen.offer if chosen else "") or due.step.offer

    def _final_reason(self, due: Due, deferral: Decision | None) -> str:
        run, step = due.run, due.step
        reason = self._given_up(due)
        if reason:
            return reason
        if due.valid_until <= self.now:
            return "late" if deferral is None or _binds(deferral) else deferral.reason
        if step.when is not None and not step.when.holds(run):
            return "condition"
        return contact_policy.refusal(self.customer, run.journey.topic, promotional=step.promotional)

    def _given_up(self, due: Due) -> str:
        """Why the letter is not wanted any more, whenever it is due."""
        run, step = due.run, due.step
        if run.ended is not None:
            return "closed"
        if due.dropped:
            return "anchor_skipped"
        if step.cancel is not None and step.cancel.holds(run):
            return "cancelled"
        return "owned" if step.owner else ""

    def _wait(self, due: Due) -> tuple[datetime, str]:
        hold = self.hold(due.run)
        if hold:
            return due.valid_until, hold.reason
        if due.step.urgent:
            return self.now, ""
        return contact_policy.earliest(self.book.policy, self.now, self.zone, self._sent_days)

    def hold(self, run: Run) -> Hold | None:
        """The policy's first hold that keeps the run's promotional letters back now."""
        return next((hold for hold in self.book.policy.holds if hold.when.holds(run)), None)

    def _postpone(self, due: Due, before: Decision | None, until: datetime, reason: str) -> None:
        if until >= due.valid_until and reason in _BINDING:
            self._decide("skip", due, reason)
        elif before is None or before.reason != reason or (before.until or self.now) < until:
            n = before.n + 1 if before else 1
            self._decide("defer", due, reason, until=until, n=n, slot=None)

    def _supersede(self, run: Run, step: Step) -> None:
        for due in run.undecided():
            if due.step.id in step.supersedes:
                self._decide("skip", due, "superseded")

    def _decide(self, kind: DecisionKind, due: Due, reason: str, **extra: Any) -> None:
        step = due.step
        template, offer = step.template, step.offer
        if kind in ("send", "withhold"):
            chosen = self._choice(due)
            template, offer = (chosen.template, chosen.offer or offer) if chosen else (template, offer)
        self._write(
            kind,
            due.run.entry,
            **{
                "step": step.id,
                "occurrence": due.occurrence,
                "due": due.due,
                "slot": due.due,
                "reason": reason,
                "valid_until": due.valid_until,
                "template": template,
                "subject": step.subject,
                "offer": offer,
                "promotional": step.promotional,
                **extra,
            },
        )

    def _write(self, kind: DecisionKind, entry: Entry, **values: Any) -> None:
        row = Decision(
            kind=kind,
            journey=entry.journey,
            entry_key=entry.key,
            version=entry.version,
            at=self.now,
            arm=entry.arm,
            **values,
        )
        self.decisions.append(row)
        run = self._runs_by_key.get((entry.journey, entry.key))
        if run is not None:
            run.note(row)
        if kind == "send" and row.promotional:
            self._sent_days.append(_wall_time.local_date(self.now, self.zone))

    def wake_at(self) -> datetime | None:
        """The next moment at which a plan could say something new without a new fact."""
        ahead = [] if self.known.ahead is None else [self.known.ahead]
        return min((*self._wakes, *ahead), default=None)
