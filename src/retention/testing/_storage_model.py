"""A storage beside the reference model: whatever is done in whatever order, both must answer alike.

The moves are drawn by hypothesis without chance, and what fails is cut down to the shortest story. Left to itself such
a machine hardly ever sleeps past a lease and wakes up again, so a rule of its own sends zombies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from retention.facts import Fact
from retention.journey.ledger import CustomerFile, Needs
from retention.ports import Lease
from retention.storage.memory import MemoryStorage
from retention.testing._storage_bench import Bench, Stand, at, decision, entry, erasure, letter, merge, order, visit
from retention.testing._storage_told import say
from retention.testing.laws import LawBroken

__all__ = ["agrees"]

_NAMES = ["ann", "ben", "cleo", "dora", "zoe"]
_CUSTOMERS = st.sampled_from(_NAMES[:4])
_MINUTES = st.integers(0, 40)
_LIMITS = st.integers(0, 4)
_STATUSES = st.sampled_from(["sent", "failed", "cancelled", "queued", "in_doubt"])
_PHASES = (Phase.generate, Phase.shrink)


def agrees(stand: Stand) -> None:
    """Raise `LawBroken` with the shortest story in which the storage does not do what the model does."""

    class Tried(_Agreement):
        tried = stand

    chosen = settings(
        max_examples=stand.examples,
        stateful_step_count=30,
        phases=_PHASES,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Tried, settings=chosen)


def _comparable(answer: Any) -> Any:
    """Tokens and versions are each storage's own."""
    if isinstance(answer, Lease):
        return evolve(answer, token="")
    if isinstance(answer, CustomerFile):
        return evolve(answer, version=0)
    return [_comparable(item) for item in answer] if isinstance(answer, list | tuple) else answer


def _difference(model: Any, found: Any) -> str:
    if isinstance(model, list) and len(model) == len(found):
        pairs = zip(model, found, strict=True)
        model, found = next(pair for pair in pairs if _comparable(pair[0]) != _comparable(pair[1]))
    return f"the model answers {say(model)}, and this storage {say(found)}"


class _Agreement(RuleBasedStateMachine):
    """Every step is taken in both storages, and must be answered alike."""

    tried: Stand

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self.place = self._open.enter_context(self.tried.place())
        self.benches = (Bench(MemoryStorage()), self.place.open())
        self.now = 0
        self.leases: list[tuple[Lease, Lease]] = []
        self.tick = count(1)
        self.cursors: defaultdict[frozenset[str], list[int]] = defaultdict(lambda: [0, 0])  # one reader for each choice

    def teardown(self) -> None:
        self._open.close()

    def both(self, step: Callable[[Bench, int], Any]) -> list[Any]:
        """What both answer; the numbers tell them apart."""
        model = step(self.benches[0], 0)
        try:
            found = step(self.benches[1], 1)
        except Exception as error:
            raise LawBroken(f"{self.place}\n{say(error)}") from error
        if _comparable(found) != _comparable(model):
            raise LawBroken(f"{self.place}\n{_difference(model, found)}")
        return [model, found]

    def lease(self, step: Callable[[Bench], list[Lease]]) -> list[tuple[Lease, Lease]]:
        """What both lease, in pairs."""
        pairs = list(zip(*self.both(lambda bench, _: step(bench)), strict=True))
        self.leases += pairs
        return pairs

    def begun(self, pair: tuple[Lease, Lease]) -> bool:
        """Whether both begin."""
        return bool(self.both(lambda bench, n: bench.begin(pair[n], self.now))[0])

    def settled(self, pair: tuple[Lease, Lease], status: str, retry: int | None) -> bool:
        """Whether both settle."""
        return bool(self.both(lambda bench, n: bench.settle(pair[n], status, self.now, "why", retry))[0])

    def latest(self, pick: int) -> tuple[Lease, Lease]:
        """One of the latest four leases."""
        return self.leases[-1 - pick % min(4, len(self.leases))]

    @rule(minutes=st.sampled_from([0, 1, 5, 10, 10, 30, -15]))
    def time_passes(self, minutes: int) -> None:
        """Mostly forward."""
        self.now += minutes
        self.both(lambda bench, _: bench.storage.advance(at(self.now)))

    @rule(names=st.lists(st.tuples(st.integers(0, 30), _CUSTOMERS, st.sampled_from(["30", "30.0", "31"])), max_size=4))
    def orders(self, names: Sequence[tuple[int, str, str]]) -> None:
        """Some known, some in conflict."""
        self.record([order(str(n), who, n % 7, total) for n, who, total in names])

    @rule(old=_CUSTOMERS, into=_CUSTOMERS, id_=st.integers(0, 9))
    def visit_and_merge(self, old: str, into: str, id_: int) -> None:
        """In circles, too."""
        self.record([visit(str(id_), old, id_), *([merge(str(id_), old, into, id_)] if old != into else [])])

    @rule(who=_CUSTOMERS, id_=st.integers(0, 3))
    def erase(self, who: str, id_: int) -> None:
        """Between two orders of the customer."""
        self.record([order(f"before {id_}", who, id_), erasure(who, str(id_), id_), order(f"after {id_}", who, id_)])

    def record(self, facts: Sequence[Fact]) -> None:
        """Record facts in both."""
        self.both(lambda bench, _: bench.storage.record(facts))

    @rule(
        who=_CUSTOMERS,
        keys=st.lists(st.integers(0, 25), max_size=3),
        due=_MINUTES,
        stale=st.sampled_from([0, 0, 0, 1]),
        wake=st.none() | _MINUTES,
        fingerprint=st.sampled_from(["x", "y", "z"]),
    )
    def plan(self, who: str, keys: Sequence[int], due: int, stale: int, wake: int | None, fingerprint: str) -> None:
        """The same change twice: the second is stale."""
        moment = next(self.tick) / 60  # no two rows at the same time: how ties are broken after a merge is left open
        times = [moment + n / 600 for n in range(len(keys))]
        letters = [letter(str(key), due, written=written) for key, written in zip(keys, times, strict=True)]
        rows = [decision(str(key), written) for key, written in zip(keys, times, strict=True)]

        def step(bench: Bench, _: int) -> list[bool]:
            change = bench.change(
                who, *letters, decisions=rows, entries=[entry(str(due % 5), moment)], wake=wake, fingerprint=fingerprint
            )
            change = evolve(change, version=max(0, change.version - stale))
            return bench.storage.commit([change, change])

        self.both(step)

    @rule(fingerprint=st.sampled_from(["x", "y"]), limit=_LIMITS)
    def due(self, fingerprint: str, limit: int) -> None:
        """In their order."""
        self.both(lambda bench, _: bench.storage.due(at(self.now), fingerprint, limit))

    @rule(kinds=st.frozensets(st.sampled_from(["order", "visit", "merge", "erased"])), limit=st.integers(1, 4))
    def read_on(self, kinds: frozenset[str], limit: int) -> None:
        """One page further."""
        cursors = self.cursors[kinds]

        def step(bench: Bench, n: int) -> list[tuple[str, Fact]]:
            page, cursors[n] = bench.storage.facts(kinds, cursors[n], limit)
            return page

        self.both(step)

    @rule(limit=_LIMITS)
    def claim(self, limit: int) -> None:
        """Letters that are due."""
        self.lease(lambda bench: bench.claim(self.now, limit))

    @rule()
    def claim_doubts(self) -> None:
        """All of them: their order is left open."""
        self.lease(lambda bench: bench.doubts(self.now))

    @precondition(lambda self: self.leases)
    @rule(pick=st.integers(0, 999))
    def begin(self, pick: int) -> None:
        """One of the latest leases, perhaps once more."""
        self.begun(self.latest(pick))

    @precondition(lambda self: self.leases)
    @rule(pick=st.integers(0, 999), status=_STATUSES, retry=st.none() | _MINUTES)
    def settle(self, pick: int, status: str, retry: int | None) -> None:
        """One of the latest leases, perhaps once more."""
        self.settled(self.latest(pick), status, retry)

    @rule(key=st.integers(100, 999), begun=st.booleans(), status=_STATUSES, heir=st.booleans())
    def zombie(self, key: int, begun: bool, status: str, heir: bool) -> None:  # noqa: FBT001 - hypothesis names them
        """Claim, perhaps begin, sleep past the lease, perhaps be replaced, wake up and go on as if nothing was."""
        self.both(lambda bench, _: bench.storage.commit([bench.change("zoe", letter(str(key), self.now))]))
        zombies = self.lease(lambda bench: bench.claim(self.now))
        if begun:
            for pair in zombies:
                self.begun(pair)
        self.now += 10
        if heir:
            self.claim(100)
            self.claim_doubts()
        self.now += 1
        for pair in zombies:
            self.begun(pair)
            self.settled(pair, status, self.now + 2)

    @invariant()
    def files_agree(self) -> None:
        """After every step."""
        self.both(lambda bench, _: bench.raw.load(_NAMES, Needs()))
        self.both(lambda bench, _: bench.raw.customers("", 9))
