"""One run of a journey as a plan sees it: what is known, what was decided, and which moments that makes.

Reads a file, writes nothing. `plan` owns the order in which things are judged and every word of the ledger.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from zoneinfo import ZoneInfo

from attrs import frozen

from retention import _wall_time
from retention.facts import Fact, OfferDecided, OfferRedeemed
from retention.journey.definition import After, Before, Delay, Facts, Journey, On, Step
from retention.journey.ledger import Decision, DecisionKey, Entry

__all__ = ["Due", "Known", "Run", "after"]

_OLDEST_FIRST = attrgetter("at", "kind", "id")
"""The order of facts: by time, and where times are equal the same however they arrived."""


def after(instant: datetime, delay: Delay, zone: ZoneInfo) -> datetime:
    """`instant` plus the delay, by the wall clock of the zone."""
    return _wall_time.shift(
        instant, zone, months=delay.months, days=delay.days, hours=delay.hours, minutes=delay.minutes
    )


def before(instant: datetime, delay: Delay, zone: ZoneInfo) -> datetime:
    """`instant` minus the delay, by the wall clock of the zone."""
    return _wall_time.shift(
        instant, zone, months=-delay.months, days=-delay.days, hours=-delay.hours, minutes=-delay.minutes
    )


def moved(anchor: datetime, delay: Delay, step: Step, zone: ZoneInfo) -> datetime:
    """When a step is due that follows `anchor`: after the delay, moved to its local hour and weekday."""
    return _wall_time.on(after(anchor, delay, zone), zone, hour=step.hour, weekday=step.weekday, earliest=anchor)


class Known:
    """The facts known at one moment, by kind, oldest first."""

    def __init__(self, facts: tuple[Fact, ...], now: datetime) -> None:
        self.all = sorted([f for f in facts if f.at <= now], key=_OLDEST_FIRST)
        self.ahead = None if len(self.all) == len(facts) else min(f.at for f in facts if f.at > now)
        self._by_kind: dict[str, list[Fact]] = {}
        for fact in self.all:
            self._by_kind.setdefault(fact.kind, []).append(fact)
        self._by_key: dict[str, dict[str, list[Fact]]] = {}

    def select(self, kind: str, status: str, key: str | None) -> list[Fact]:
        """Facts of the kind, with the status unless "" and the key unless None."""
        found = self._by_kind.get(kind, []) if key is None else self._about(kind).get(key, [])
        return [f for f in found if f.status == status] if status else found

    def _about(self, kind: str) -> dict[str, list[Fact]]:
        # Made when first asked for: a long life has many runs, each of which asks for its own key.
        found = self._by_key.get(kind)
        if found is None:
            found = self._by_key[kind] = {}
            for fact in self._by_kind.get(kind, ()):
                found.setdefault(fact.key, []).append(fact)
        return found


@frozen(eq=False)
class Due:
    """One thing a run may have to do: a step's occurrence and when it is due.

    `dropped`: the letter it was to follow was skipped, and it goes with it. `deadline`: what it reminds of.
    """

    run: Run
    step: Step
    occurrence: str
    due: datetime
    dropped: bool = False
    deadline: datetime | None = None

    @property
    def key(self) -> DecisionKey:
        """What a decision about it owns."""
        return DecisionKey(self.run.journey.name, self.run.key, self.step.id, self.occurrence)

    @cached_property
    def valid_until(self) -> datetime:
        """From when on it is not worth doing."""
        until = after(self.due, self.step.valid_for, self.run.zone)
        return until if self.deadline is None else min(until, self.deadline)


class Run:
    """One entry with its pinned journey and what was decided in it; answers conditions (`conditions.Run`)."""

    def __init__(self, known: Known, zone: ZoneInfo, entry: Entry, journey: Journey, steps: tuple[Step, ...]) -> None:
        self.known, self.zone, self.entry, self.journey, self.steps = known, zone, entry, journey, steps
        self.key, self.basis, self.entered_at = entry.key, entry.basis, entry.entered_at
        self.decided: dict[str, dict[str, Decision]] = {}
        self.deferred: dict[tuple[str, str], Decision] = {}
        self.ended: Decision | None = None
        self._undecided: list[Due] | None = None

    def is_about(self, decision: Decision) -> bool:
        """Whether the decision was made in this run."""
        return (self.journey.name, self.key) == (decision.journey, decision.entry_key)

    def facts(self, kind: str, status: str, key: str | None) -> list[Fact]:
        """The known facts of a kind (and status and key, unless "" and None), oldest first."""
        return self.known.select(kind, status, key)

    def note(self, row: Decision) -> None:
        """Take a row of the ledger, old or new, into account."""
        self._undecided = None
        if row.kind == "exit":
            self.ended = row
        elif row.kind == "defer":
            before = self.deferred.get((row.step, row.occurrence))
            if before is None or before.n < row.n:
                self.deferred[row.step, row.occurrence] = row
        elif row.kind in ("send", "withhold", "skip"):
            self.decided.setdefault(row.step, {})[row.occurrence] = row

    def step(self, name: str) -> Step | None:
        """The step that has, or had, this name."""
        return next((step for step in self.steps if name == step.id or name in step.formerly), None)

    def of_step(self, step: Step) -> dict[str, Decision]:
        """What was decided about a step, under its present and former names, by occurrence."""
        if not step.formerly:
            return self.decided.get(step.id, {})
        found: dict[str, Decision] = {}
        for name in (*step.formerly, step.id):
            found.update(self.decided.get(name, {}))
        return found

    def deferral(self, due: Due) -> Decision | None:
        """The last deferral of an occurrence, under its present or former names."""
        names = (due.step.id, *due.step.formerly)
        return next((d for name in names if (d := self.deferred.get((name, due.occurrence)))), None)

    def undecided(self) -> list[Due]:
        """The occurrences whose time is known and that nothing was decided about, in the order of the steps."""
        if self._undecided is None:
            self._undecided = [due for step in self.steps for due in self._occurrences(step, self.of_step(step))]
        return self._undecided

    def unaccounted(self) -> Iterator[tuple[Step, str]]:
        """Steps that never came up, and deferred occurrences that are not due any more: their deadline has moved."""
        for step in self.steps:
            done = self.of_step(step)
            names = (step.id, *step.formerly)
            waiting = {key for name, key in self.deferred if name in names and key not in done}
            yield from ((step, occurrence) for occurrence in sorted(waiting or ({""} if not done else ())))

    def _occurrences(self, step: Step, done: Container[str]) -> Iterator[Due]:
        moment = step.moment
        if isinstance(moment, Before):
            yield from (due for due in self._deadlines(step, moment) if due.occurrence not in done)
        elif isinstance(moment, On):
            reported = () if moment.once == "once" and "" in done else self._reported(moment)
            for occurrence, at in reported:
                if occurrence not in done:
                    yield self._due(step, occurrence, at, moment.delay)
        elif "" not in done:
            slot, dropped = self._slot(moment)
            if slot is not None:
                yield self._due(step, "", slot, moment.delay, dropped=dropped)

    def _due(self, step: Step, occurrence: str, anchor: datetime, delay: Delay, *, dropped: bool = False) -> Due:
        return Due(self, step, occurrence, moved(anchor, delay, step, self.zone), dropped)

    def _slot(self, moment: After) -> tuple[datetime | None, bool]:
        if moment.anchor == "entry":
            return self.entered_at, False
        anchor = next(step for step in self.steps if step.id == moment.anchor)
        row = self.of_step(anchor).get("")
        if row is None:
            return None, False
        return row.slot, row.kind == "skip" and moment.if_skipped == "drop"

    def _reported(self, moment: On) -> Iterator[tuple[str, datetime]]:
        found = [self._matching(facts) for facts in moment.facts]
        if moment.once == "once":
            firsts = [facts[0].at for facts in found if facts]
            if firsts and (moment.need == "any" or len(firsts) == len(found)):
                yield "", (min if moment.need == "any" else max)(firsts)
            return
        seen = set()
        for fact in sorted((f for facts in found for f in facts), key=_OLDEST_FIRST):
            value = f"{fact.kind}/{fact.id}" if moment.once == "fact" else _text(getattr(fact, moment.attribute))
            if value and value not in seen:
                seen.add(value)
                yield value, fact.at

    def _matching(self, facts: Facts) -> list[Fact]:
        if facts.key == "run":
            return facts.of(self.facts(facts.kind, facts.status, self.key))
        return [f for f in facts.of(self.facts(facts.kind, facts.status, None)) if f.at > self.basis]

    def _deadlines(self, step: Step, moment: Before) -> Iterator[Due]:
        found = [f for f in self._matching(moment.fact) if getattr(f, moment.attribute) is not None]
        if found:
            known, deadline = found[-1].at, getattr(found[-1], moment.attribute)
            wanted = before(deadline, moment.delay, self.zone)
            due = _wall_time.on(wanted, self.zone, hour=step.hour, weekday=step.weekday, earliest=known)
            yield Due(self, step, deadline.isoformat(), due, deadline=deadline)

    def concluded_at(self) -> datetime | None:
        """When what the run is about is over, as far as that is known."""
        ends = self.journey.ends
        reported = [] if ends is None else [after(at, ends.delay, self.zone) for _, at in self._reported(ends)]
        return min(reported, default=None)

    def granted(self) -> OfferDecided | None:
        """What was decided about the run's offer; None as long as nobody did."""
        found = self.facts(OfferDecided.kind, "", self.key)
        mine = (fact for fact in found if isinstance(fact, OfferDecided) and fact.journey == self.journey.name)
        return next(mine, None)

    def open_offer(self, now: datetime) -> str:
        """The granted offer if it can still be used, else ""."""
        grant = self.granted()
        if grant is None or grant.expires_at is None or grant.expires_at <= now:
            return ""
        used = self.facts(OfferRedeemed.kind, "", self.key)
        return "" if any(fact.id == grant.id for fact in used) else grant.offer

    def last_activity(self) -> datetime:
        """When something was last decided in the run, or reported about its subject."""
        own = (row.at for rows in self.decided.values() for row in rows.values())
        reported = (f.at for kind in self.journey.kinds() for f in self.facts(kind, "", self.key))
        return max((self.entered_at, *own, *reported))


def _text(value: object) -> str:
    return "" if value is None else str(value)
