"""The lives of customers, lived again: planned at the first run at or after each new fact and each wake-up.

What the engine does with a storage, for one customer at a time: nobody's plan looks at anybody else. Customers who
turn out to be one, and those who ask to be forgotten, are rare, and what that does to a file is a storage's business:
they live in a `MemoryStorage` of their own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import TypeAlias

from attrs import evolve, frozen

from retention.engine.planning import draw, experiment, planned
from retention.journey import Book, CustomerFile, Needs, Plan, needs
from retention.journey.ledger import Arm, Decision, Entry
from retention.people import Shop
from retention.ports import Change
from retention.simulate.past import Arrivals, Past
from retention.storage.memory import MemoryStorage

__all__ = ["Seen", "files"]

Seen: TypeAlias = Callable[[int, CustomerFile, Plan], None]
"""Called with the number of the run, the file as it was planned, and the plan."""

_Arms: TypeAlias = Mapping[str, dict[str, Arm]]
_AT_A_TIME = 1_000
_FOREVER = 1 << 62


@frozen(eq=False)
class _Replay:
    """What all lives share; `unplanned` gets the ids of those whose history breaks a plan."""

    book: Book
    runs: Sequence[datetime]
    seen: Seen
    unplanned: set[str]
    needs: Needs
    triggers: frozenset[tuple[str, str]]

    def plan(self, run: int, file: CustomerFile) -> Plan:
        plan, works = planned(self.book, file, self.runs[run])
        if not works:
            self.unplanned.add(file.customer_id)
        self.seen(run, file, plan)
        return plan

    def first_visit(self, arrivals: Arrivals) -> int:
        """The run at which something is known that may start a journey; before it no plan says anything."""
        starts = (
            max(run, bisect_left(self.runs, fact.at))
            for run, fact in arrivals
            if (fact.kind, "") in self.triggers or (fact.kind, fact.status) in self.triggers
        )
        return min(starts, default=len(self.runs))

    def alone(self, customer_id: str, arms: dict[str, Arm], arrivals: Arrivals) -> CustomerFile:
        """One customer's life and their file at its end."""
        facts = tuple(fact for _, fact in arrivals)
        entries: tuple[Entry, ...] = ()
        ledger: tuple[Decision, ...] = ()
        visit, known = self.first_visit(arrivals), 0
        while visit < len(self.runs):
            while known < len(facts) and arrivals[known][0] <= visit:
                known += 1
            file = CustomerFile(customer_id=customer_id, facts=facts[:known], entries=entries, ledger=ledger, arms=arms)
            plan = self.plan(visit, file)
            entries, ledger = entries + plan.entries, ledger + plan.decisions
            wake = _FOREVER if plan.wake_at is None else bisect_left(self.runs, plan.wake_at, visit + 1)
            visit = min(wake, arrivals[known][0] if known < len(facts) else _FOREVER)
        return CustomerFile(customer_id=customer_id, facts=facts, entries=entries, ledger=ledger, arms=arms)

    def together(self, arms: _Arms, arrivals: Arrivals) -> Iterator[CustomerFile]:
        """The lives of customers of whom some turn out to be one or are erased, and the files at their end."""
        storage, known = MemoryStorage(), 0
        for run, now in enumerate(self.runs):
            until = bisect_right(arrivals, run, known, key=itemgetter(0))
            storage.record([fact for _, fact in arrivals[known:until]])
            known = until
            while due := storage.due(now, self.book.fingerprint, _AT_A_TIME):
                loaded = [evolve(file, arms=arms[file.customer_id]) for file in storage.load(due, self.needs)]
                storage.commit(
                    [
                        Change(file.customer_id, file.version, self.plan(run, file), self.book.fingerprint)
                        for file in loaded
                    ]
                )
        yield from storage.load(storage.customers("", _FOREVER), Needs())


def files(
    book: Book, shop: Shop, runs: Sequence[datetime], past: Past, *, seen: Seen, unplanned: set[str]
) -> Iterator[CustomerFile]:
    """Every customer's file at the end; all of it happens while this is read, a customer at a time."""
    triggers = frozenset((journey.trigger.kind, journey.trigger.status) for journey in book.current)
    replay = _Replay(book, runs, seen, unplanned, needs(book), triggers)
    tests = {journey.name: experiment(shop, journey) for journey in book.current}
    alone = [customer_id for customer_id in past.lives if customer_id not in past.groups]
    for customer_id, arms in zip(alone, draw(tests, alone), strict=True):
        yield replay.alone(customer_id, arms, past.lives[customer_id])
    for first in past.lives.keys() & past.groups.keys():
        group = past.groups[first]
        yield from replay.together(dict(zip(group, draw(tests, group), strict=True)), past.lives[first])
