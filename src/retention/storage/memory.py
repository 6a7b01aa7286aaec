"""The reference model of `Storage`: plain Python, gone when the process ends.

What the other storages are compared with, and fast enough to live a shop's year in seconds: nothing here looks at all
customers or all letters. What is due is found in heaps whose stale items are dropped when they come to the top.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from threading import Lock
from typing import Literal, TypeAlias, TypeVar

from attrs import define, evolve, field

from retention.errors import StorageUnavailable
from retention.facts import CustomerErased, CustomersMerged, Fact
from retention.journey.ledger import CustomerFile, Decision, Entry, Needs, Outcome
from retention.messages import Message
from retention.ports import Change, Lease, Letter, Settlement

__all__ = ["MemoryStorage"]

_Timer: TypeAlias = tuple[datetime, str]
_Item = TypeVar("_Item", _Timer, str)

_AT_ONCE = datetime.min.replace(tzinfo=UTC)


@define(eq=False)
class _Customer:
    id: str
    version: int = 0
    wake_at: datetime | None = None
    fingerprint: str = ""
    facts: list[Fact] = field(factory=list)
    entries: list[Entry] = field(factory=list)
    ledger: list[Decision] = field(factory=list)
    letters: list[_Letter] = field(factory=list)
    merged: list[str] = field(factory=list)


@define(eq=False)
class _Letter:
    owner: _Customer
    message: Message | None  # None once it is erased
    queued_at: datetime
    due: datetime
    outcome: Outcome
    attempts: int = 0
    until: datetime | None = None  # the end of the lease, while there is one

    @property
    def status(self) -> str:
        return self.outcome.status

    @property
    def token(self) -> str:
        """Unique without chance, because `attempts` only grows."""
        return f"{self.outcome.message_key}:{self.attempts}"

    def change(self, status: str, now: datetime, reason: str = "") -> None:
        self.outcome = evolve(self.outcome, status=status, at=now, reason=reason)

    def lease(self, status: str, now: datetime, until: datetime) -> Lease | None:
        """None, and the letter ends, when there is nothing to send any more."""
        self.attempts += 1
        if self.message is None:
            self.change("failed" if status == "leased" else status, now, "unreadable")
            self.until = None
            return None
        self.change(status, now)
        self.until = until
        return Lease(self.owner.id, self.outcome.key, self.message, self.token, self.attempts, until)

    def erase(self, at: datetime) -> None:
        """Forget what was written; what has not been handed over never will be."""
        self.message = None
        if self.status in {"queued", "leased"}:
            self.change("cancelled", at, "erased")
            self.until = None

    def is_held(self, lease: Lease, now: datetime) -> bool:
        return self.until is not None and now < self.until and lease.token == self.token

    def may_become(self, status: str) -> bool:
        return self.status in {"sending", "in_doubt"} or (self.status == "leased" and status in {"cancelled", "queued"})


class _SortedIds:
    """A set that is sorted when somebody asks for its order."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._sorted: list[str] | None = None

    def add(self, customer_id: str) -> None:
        if customer_id not in self._ids:
            self._ids.add(customer_id)
            self._sorted = None

    def discard(self, customer_id: str) -> None:
        self._ids.discard(customer_id)
        self._sorted = None

    def above(self, after: str, limit: int) -> list[str]:
        if self._sorted is None:
            self._sorted = sorted(self._ids)
        start = bisect_right(self._sorted, after)
        return self._sorted[start : start + limit]


def _fact_order(fact: Fact) -> tuple[datetime, str, str]:
    return fact.at, fact.kind, fact.id


def _entry_order(entry: Entry) -> datetime:
    return entry.entered_at


def _decision_order(decision: Decision) -> datetime:
    return decision.at


def _letter_order(letter: _Letter) -> datetime:
    return letter.queued_at


class MemoryStorage:
    """A shop's memory for as long as the process lives."""

    _letter = _Letter

    def __init__(self) -> None:
        self._lock = Lock()
        self._closed = False
        self._clock = _AT_ONCE
        self._notes: dict[str, str] = {}
        self._customers: dict[str, _Customer] = {}
        self._aliases: dict[str, str] = {}  # an id that was merged away -> the id that holds its file now
        self._ids = _SortedIds()  # of customers with facts
        self._facts: dict[tuple[str, str], int] = {}  # kind and id -> place in the log
        self._log: list[Fact | None] = []  # None for an erased one
        self._letters: dict[str, _Letter] = {}
        self._wakes: list[_Timer] = []
        self._planned: defaultdict[str, list[str]] = defaultdict(list)  # fingerprint -> heap of customer ids
        self._queue: list[_Timer] = []  # by due time: letters to claim
        self._leases: list[_Timer] = []  # by end of the lease: letters leased
        self._doubts: list[_Timer] = []  # by end of the lease: letters handed over

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise StorageUnavailable("the memory storage is closed; make a new one")
            yield

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True

    def remember(self, name: str, text: str) -> str:
        """See `Storage.remember`."""
        with self._alone():
            return self._notes.setdefault(name, text)

    def recall(self, prefix: str) -> Mapping[str, str]:
        """See `Storage.recall`."""
        with self._alone():
            return {name: self._notes[name] for name in sorted(self._notes) if name.startswith(prefix)}

    def advance(self, now: datetime) -> datetime:
        """See `Storage.advance`."""
        with self._alone():
            self._clock = max(self._clock, now)
            return self._clock

    # ------------------------------------------------------------- facts

    def record(self, facts: Sequence[Fact]) -> list[Literal["new", "known", "conflict"]]:
        """See `Storage.record`."""
        with self._alone():
            return [self._record(fact) for fact in facts]

    def _record(self, fact: Fact) -> Literal["new", "known", "conflict"]:
        place = self._facts.setdefault((fact.kind, fact.id), len(self._log))
        if place < len(self._log):
            return "known" if self._log[place] is None or self._log[place] == fact else "conflict"
        customer = self._customer(fact.customer_id)
        if isinstance(fact, CustomersMerged):
            customer = self._merge(customer, self._customer(fact.into))
        elif isinstance(fact, CustomerErased):
            self._erase(customer, fact.at)
        self._ids.add(customer.id)
        insort(customer.facts, fact, key=_fact_order)
        self._log.append(fact)
        customer.version += 1
        self._wake(customer, _AT_ONCE)
        return "new"

    def _customer(self, customer_id: str) -> _Customer:
        holder = self._aliases.get(customer_id, customer_id)
        if holder not in self._customers:
            self._customers[holder] = _Customer(holder)
        return self._customers[holder]

    def _merge(self, old: _Customer, into: _Customer) -> _Customer:
        """Move all of `old` to `into`; nothing to do when they are one already, also by a merge the other way round."""
        if old is into:
            return into
        into.facts = sorted(into.facts + old.facts, key=_fact_order)
        into.ledger = sorted(into.ledger + old.ledger, key=_decision_order)
        into.letters = sorted(into.letters + old.letters, key=_letter_order)
        runs: dict[tuple[str, str], Entry] = {}
        for entry in sorted(into.entries + old.entries, key=_entry_order):
            runs.setdefault((entry.journey, entry.key), entry)
        into.entries = list(runs.values())
        for letter in old.letters:
            letter.owner = into
        into.merged = sorted([*into.merged, old.id, *old.merged])
        self._aliases.update(dict.fromkeys((old.id, *old.merged), into.id))
        del self._customers[old.id]
        self._ids.discard(old.id)
        return into

    def _erase(self, customer: _Customer, at: datetime) -> None:
        for fact in customer.facts:
            self._log[self._facts[fact.kind, fact.id]] = None
        customer.facts = []
        for letter in customer.letters:
            letter.erase(at)

    def facts(self, kinds: Collection[str], after: int, limit: int) -> tuple[list[tuple[str, Fact]], int]:
        """See `Storage.facts`."""
        found: list[tuple[str, Fact]] = []
        with self._alone():
            while after < len(self._log) and len(found) < limit:
                fact = self._log[after]
                after += 1
                if fact is not None and fact.kind in kinds:
                    found.append((self._aliases.get(fact.customer_id, fact.customer_id), fact))
        return found, after

    def owners(self, message_keys: Collection[str]) -> Mapping[str, str]:
        """See `Storage.owners`."""
        with self._alone():
            return {key: self._letters[key].owner.id for key in message_keys if key in self._letters}

    def customers(self, after: str, limit: int) -> list[str]:
        """See `Storage.customers`."""
        with self._alone():
            return self._ids.above(after, limit)

    # ------------------------------------------------------------- planning

    def _wake(self, customer: _Customer, at: datetime | None) -> None:
        if at is not None and at != customer.wake_at:
            heappush(self._wakes, (at, customer.id))
        customer.wake_at = at

    def due(self, now: datetime, fingerprint: str, limit: int) -> list[str]:
        """See `Storage.due`."""
        with self._alone():
            found = [i for _, i in _first(self._wakes, limit, self._wakes_then, lambda timer: timer[0] <= now)]
            for other in sorted(self._planned.keys() - {fingerprint}):
                found += _first(self._planned[other], limit, partial(self._planned_by, other))
            return list(dict.fromkeys(found))[:limit]

    def _wakes_then(self, timer: _Timer) -> bool:
        customer = self._customers.get(timer[1])
        return customer is not None and customer.wake_at == timer[0]

    def _planned_by(self, fingerprint: str, customer_id: str) -> bool:
        customer = self._customers.get(customer_id)
        return customer is not None and customer.fingerprint == fingerprint

    def load(self, customer_ids: Sequence[str], needs: Needs) -> list[CustomerFile]:
        """See `Storage.load`."""
        with self._alone():
            return [self._file(self._aliases.get(i, i), needs.kinds) for i in customer_ids]

    def _file(self, customer_id: str, kinds: frozenset[str] | None) -> CustomerFile:
        customer = self._customers.get(customer_id)
        if customer is None:
            return CustomerFile(customer_id=customer_id)
        facts = customer.facts if kinds is None else [fact for fact in customer.facts if fact.kind in kinds]
        return CustomerFile(
            customer_id=customer_id,
            facts=tuple(facts),
            entries=tuple(customer.entries),
            ledger=tuple(customer.ledger),
            outcomes=tuple(letter.outcome for letter in customer.letters),
            version=customer.version,
            merged=tuple(customer.merged),
        )

    def commit(self, changes: Sequence[Change]) -> list[bool]:
        """See `Storage.commit`."""
        with self._alone():
            return [self._commit(change) for change in changes]

    def _commit(self, change: Change) -> bool:
        customer = self._customers.get(change.customer_id)
        if change.customer_id in self._aliases or change.version != (customer.version if customer else 0):
            return False
        customer = self._customer(change.customer_id)
        for entry in change.plan.entries:
            if all((entry.journey, entry.key) != (known.journey, known.key) for known in customer.entries):
                insort(customer.entries, entry, key=_entry_order)
        for decision in change.plan.decisions:
            insort(customer.ledger, decision, key=_decision_order)
        for letter in change.letters:
            self._enqueue(customer, letter)
        if change.fingerprint != customer.fingerprint:
            heappush(self._planned[change.fingerprint], customer.id)
        customer.fingerprint = change.fingerprint
        customer.version += 1
        self._wake(customer, change.plan.wake_at)
        return True

    # ------------------------------------------------------------- letters

    def _enqueue(self, customer: _Customer, letter: Letter) -> None:
        if letter.message.key in self._letters:
            return
        message = letter.message
        outcome = Outcome(message_key=message.key, key=letter.key, status="queued", at=message.at)
        queued = self._letter(customer, message, message.at, letter.due, outcome)
        self._letters[message.key] = queued
        insort(customer.letters, queued, key=_letter_order)
        heappush(self._queue, (letter.due, message.key))

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        """See `Storage.claim`."""
        leases: list[Lease] = []
        with self._alone():
            self._queue_again(now)
            while len(leases) < limit and self._queue and self._queue[0][0] <= now:
                due, key = heappop(self._queue)
                letter = self._letters[key]
                if letter.due != due or letter.status not in {"queued", "leased"}:
                    continue
                if letter.until is not None and letter.until > now:  # the clock went back
                    heappush(self._leases, (letter.until, key))
                    continue
                if (leased := letter.lease("leased", now, now + lease)) is not None:
                    leases.append(leased)
                    heappush(self._leases, (leased.until, key))
        return leases

    def _queue_again(self, now: datetime) -> None:
        """Look again at the letters whose lease has run out."""
        while self._leases and self._leases[0][0] <= now:
            _, key = heappop(self._leases)
            heappush(self._queue, (self._letters[key].due, key))

    def claim_doubts(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        """See `Storage.claim_doubts`."""
        leases: list[Lease] = []
        with self._alone():
            while len(leases) < limit and self._doubts and self._doubts[0][0] <= now:
                until, key = heappop(self._doubts)
                letter = self._letters[key]
                if letter.until != until or letter.status not in {"sending", "in_doubt"}:
                    continue
                if (leased := letter.lease("in_doubt", now, now + lease)) is not None:
                    leases.append(leased)
            for one in leases:
                heappush(self._doubts, (one.until, one.message.key))
        return leases

    def begin(self, leases: Sequence[Lease], now: datetime) -> list[bool]:
        """See `Storage.begin`."""
        with self._alone():
            return [self._begin(lease, now) for lease in leases]

    def _begin(self, lease: Lease, now: datetime) -> bool:
        letter = self._letters.get(lease.message.key)
        if letter is None or letter.status != "leased" or not letter.is_held(lease, now):
            return False
        letter.change("sending", now)
        heappush(self._doubts, (lease.until, lease.message.key))
        return True

    def settle(self, settlements: Sequence[Settlement], now: datetime) -> list[bool]:
        """See `Storage.settle`."""
        with self._alone():
            return [self._settle(settlement, now) for settlement in settlements]

    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        letter = self._letters.get(settlement.lease.message.key)
        if letter is None or not letter.is_held(settlement.lease, now) or not letter.may_become(settlement.status):
            return False
        letter.change(settlement.status, now, settlement.reason)
        letter.until = None
        if settlement.status == "queued":
            letter.due = settlement.retry_at or letter.due
            heappush(self._queue, (letter.due, settlement.lease.message.key))
        return True


def _first(
    heap: list[_Item], limit: int, live: Callable[[_Item], bool], ready: Callable[[_Item], bool] = lambda _: True
) -> list[_Item]:
    """The first items of the heap that are live, as long as they are ready; drops doubles and dead items above them."""
    found: list[_Item] = []
    while len(found) < limit and heap and ready(heap[0]):
        item = heappop(heap)
        if live(item) and item not in found[-1:]:
            found.append(item)
    for item in found:
        heappush(heap, item)
    return found
