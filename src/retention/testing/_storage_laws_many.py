"""The laws of many at once: what is given to one is given to one of many, and everybody sees whole files.

Each is a race of four that start together, several times over: once four threads share one open storage, and for a
storage that other processes may open each has one of its own, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import Literal, TypeVar

from retention.testing._storage_bench import Bench, Stand, at, letter, order
from retention.testing.laws import Law

__all__ = ["LAWS"]

_MANY, _ROUNDS = 4, 10
_NAMES = ["ann", "ben", "cleo", "dora"]
_ENDS: tuple[Literal["sent", "failed", "cancelled", "in_doubt"], ...] = ("sent", "failed", "cancelled", "in_doubt")

Answer = TypeVar("Answer")


def _at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """What each call answers when all begin together."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _turned(n: int) -> list[str]:
    """The customers, another first for each: whoever locks one after the other must not wait in a circle."""
    return _NAMES[n:] + _NAMES[:n]


def _plans(benches: Sequence[Bench]) -> None:
    first, kept = benches[0], {name: set[str]() for name in _NAMES}
    for turn in range(_ROUNDS):
        plans = [
            [bench.change(name, letter(f"{name}-{turn}-by-{n}")) for name in _turned(n)]
            for n, bench in enumerate(benches)
        ]
        told = _at_once([partial(bench.storage.commit, plan) for bench, plan in zip(benches, plans, strict=True)])
        for plan, answers in zip(plans, told, strict=True):
            for change, applied in zip(plan, answers, strict=True):
                kept[change.customer_id] |= {change.letters[0].message.key} if applied else set()
        found = [len(keys) for keys in kept.values()]
        first.expect(found, [turn + 1] * len(_NAMES), "plans applied to each customer, one in a race")
    first.expect({name: set(first.statuses(name)) for name in _NAMES}, kept, "the letters of those plans")


def _keys(benches: Sequence[Bench]) -> None:
    first = benches[0]
    for turn in range(_ROUNDS):
        changes = [bench.change(f"c{n}", letter(str(turn), subject=f"by c{n}")) for n, bench in enumerate(benches)]
        calls = [partial(bench.storage.commit, [one]) for bench, one in zip(benches, changes, strict=True)]
        first.expect(_at_once(calls), [[True]] * _MANY, "four plans of four customers, who queue one key")
    leases = first.claim()
    first.expect(sorted(lease.message.key for lease in leases), sorted(map(str, range(_ROUNDS))))
    owners = [f"by {lease.customer_id}" for lease in leases]
    first.expect([lease.message.subject for lease in leases], owners, "the letters, each its owner's")


def _facts(benches: Sequence[Bench]) -> None:
    first = benches[0]
    for turn in range(_ROUNDS):
        told = _at_once(
            [
                partial(bench.storage.record, [order(f"{name} {turn}", name) for name in _turned(n)])
                for n, bench in enumerate(benches)
            ]
        )
        found = sorted(answer for answers in told for answer in answers)
        first.expect(found, ["known"] * 12 + ["new"] * 4, "what four are told who record the same four facts")
    first.expect([len(first.facts(name)) for name in _NAMES], [_ROUNDS] * 4, "facts of each customer")


def _begun(benches: Sequence[Bench]) -> None:
    first = benches[0]
    first.queue(*(letter(str(turn)) for turn in range(_ROUNDS)))
    for lease in first.claim():
        told = _at_once([partial(bench.begin, lease, 1) for bench in benches])
        first.expect(sorted(told), [False, False, False, True], "what four are told who begin with one lease")


def _settled(benches: Sequence[Bench]) -> None:
    first = benches[0]
    first.queue(*(letter(str(turn)) for turn in range(_ROUNDS)))
    leases = first.claim()
    first.storage.begin(leases, at())
    for lease in leases:
        told = _at_once([partial(bench.settle, lease, end, 1) for bench, end in zip(benches, _ENDS, strict=True)])
        first.expect(sorted(told), [False, False, False, True], "what four are told who settle with one lease")
        found = first.statuses()[lease.message.key]
        first.expect(found, _ENDS[told.index(True)], "the end of that letter")


def _doubts(benches: Sequence[Bench]) -> None:
    first = benches[0]
    first.queue(*(letter(f"{n:02}") for n in range(40)))
    first.storage.begin(first.claim(), at())
    told = _at_once([partial(bench.doubts, 20, 10) for bench in benches])
    taken = sorted(lease.message.key for leases in [*told, first.doubts(20)] for lease in leases)
    first.expect(taken, [f"{n:02}" for n in range(40)], "the doubts that four claim at once")


def _clock(benches: Sequence[Bench]) -> None:
    for turn in range(_ROUNDS):
        latest = _MANY * (turn + 1)  # and the first to start sets it: who comes late would set the clock back
        _at_once([partial(bench.storage.advance, at(latest - n)) for n, bench in enumerate(benches)])
        found = benches[0].storage.advance(at(-1))
        benches[0].expect(found, at(latest), "the storage's clock after four have set it")


def _notes(benches: Sequence[Bench]) -> None:
    for turn in range(_ROUNDS):
        told = _at_once([partial(bench.storage.remember, str(turn), str(n)) for n, bench in enumerate(benches)])
        kept = benches[0].storage.recall("")[str(turn)]
        benches[0].expect(told, [kept] * _MANY, "what four are told who keep a first note")


def _moments(benches: Sequence[Bench]) -> None:
    writer, reader, done = benches[0], benches[1], Event()

    def write() -> None:
        try:
            for turn in range(3 * _ROUNDS):
                writer.queue(letter(str(turn)))
        finally:
            done.set()

    def read() -> None:
        while not done.is_set():
            file = reader.file()
            found = len(file.outcomes), file.version
            reader.expect(
                found, (len(file.ledger),) * 2, "the number of letters and of plans in a file, as of decisions"
            )

    _at_once([write, read])


_RACES: tuple[tuple[int, str, Callable[[Sequence[Bench]], None]], ...] = (
    (2, "of many plans on one file one is kept", _plans),
    (3, "of many letters with one key one is kept", _keys),
    (4, "whoever reads while others write sees all of a plan or nothing", _moments),
    (12, "of many with one lease one begins", _begun),
    (13, "of many with one lease one settles", _settled),
    (15, "of many who claim a doubt one gets it", _doubts),
    (21, "the storage's clock never goes back, whoever sets it", _clock),
    (23, "of many who record a fact one is told that it is new", _facts),
    (40, "of many first notes one stays", _notes),
)


def _shared(race: Callable[[Sequence[Bench]], None]) -> Callable[[Stand], None]:
    def check(stand: Stand) -> None:
        with stand.place() as place:
            race([place.open()] * _MANY)

    return check


def _each_its_own(stand: Stand) -> None:
    for _, _, race in _RACES:
        with stand.place() as place:
            race([place.open() for _ in range(_MANY)])


LAWS: tuple[Law[Stand], ...] = (
    *(Law(number, name, _shared(race)) for number, name, race in _RACES),
    Law(8, "many who each open the place share it as threads do", _each_its_own, "processes"),
)
"""The laws of many at once, by number."""
