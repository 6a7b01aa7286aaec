"""The laws of storages that outlive their process: what reopening, other processes, kills and new versions leave."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from retention.journey.ledger import Needs
from retention.testing import _storage_worker
from retention.testing._storage_bench import Bench, Place, Stand, at, entry, letter, merge, order
from retention.testing.laws import Law, LawBroken

__all__ = ["LAWS"]

_PATIENCE = 60  # seconds for a worker to finish


# ------------------------------------------------------------- 19: reopening


def _reopened(stand: Stand) -> None:
    with stand.place() as place:
        bench = place.open()
        bench.storage.remember("shop", "one")
        bench.storage.advance(at(3))
        bench.storage.record([order("1"), merge("m", "old", "ann")])
        bench.keep(bench.change("ann", *(letter(key) for key in "abc"), entries=[entry()], wake=9))
        a, b, c = bench.claim(3)
        bench.expect([bench.begin(a, 3), bench.begin(b, 3), bench.settle(a, "sent", 3)], [True] * 3)
        before = bench.file()
        bench.storage.close()
        again = place.open()
        again.expect((again.file(), again.file("old")), (before, before), "the file after reopening")
        again.expect(again.statuses(), {"a": "sent", "b": "sending", "c": "leased"})
        again.expect(dict(again.storage.recall("")), {"shop": "one"})
        again.expect(again.storage.advance(at()), at(3), "the clock after reopening")
        again.expect(again.storage.due(at(9), "book", 9), ["ann"])
        found = [again.settle(a, "failed", 4), again.settle(b, "sent", 4), again.begin(c, 4)]
        again.expect(found, [False, True, True], "a settled again, b settled, c begun, all by their old leases")


def _opened_at_once(stand: Stand) -> None:
    with stand.place() as place:
        with ThreadPoolExecutor(8) as pool:
            benches = list(pool.map(lambda _: place.open(), range(8)))
        found = [bench.storage.remember("first", str(n)) for n, bench in enumerate(benches)]
        benches[0].expect(found, ["0"] * 8, "what eight that opened a new place at once keep")


# ------------------------------------------------------------- 8, 20: other processes


class _Worker:
    """A process of its own that works in a place."""

    def __init__(self, stand: Stand, place: Place, job: str) -> None:
        paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path)
        self.process = subprocess.Popen(  # noqa: S603 - this very Python and this very package
            [sys.executable, "-m", _storage_worker.__name__, job],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._say(_storage_worker.packed(stand.make, place.folder))
        if self.told() != "ready":
            raise LawBroken(f"a second process cannot open the place: {self.process.communicate()[1].strip()[-500:]}")

    def _say(self, line: str) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()

    def told(self) -> str:
        """The next line that it says; "" when it is gone."""
        return "" if self.process.stdout is None else self.process.stdout.readline().rstrip("\n")

    def go(self) -> None:
        """Let it work."""
        self._say("go")

    def rest(self) -> list[str]:
        """What else it says until it is done."""
        said, error = self.process.communicate(timeout=_PATIENCE)
        if self.process.returncode > 0:
            raise LawBroken(f"a worker failed: {error.strip()[-500:]}")
        return said.splitlines()


@contextmanager
def _workers(stand: Stand, place: Place, *jobs: str) -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        workers.extend(_Worker(stand, place, job) for job in jobs)
        for worker in workers:
            worker.go()
        yield workers
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.communicate()


def _killed(stand: Stand, place: Place, job: str, after: int) -> list[str]:
    """What a worker said that was killed when it had said so many lines, or somewhat later."""
    with _workers(stand, place, job) as (worker,):
        said = [worker.told() for _ in range(after)]
        worker.process.kill()
        return [line for line in [*said, *worker.process.communicate()[0].splitlines()] if line.count(" ") == 1]


def _processes_disjoint(stand: Stand) -> None:
    with stand.place() as place:
        bench = place.open()
        bench.queue(*(letter(f"{n:04}") for n in range(400)))
        with _workers(stand, place, "deliver", "deliver") as workers:
            said = [line for worker in workers for line in worker.rest()]
        wanted = sorted(f"{step} {n:04}" for step in ("begun", "sent") for n in range(400))
        bench.expect(sorted(said), wanted, "what two processes did together")
        bench.expect(set(bench.statuses().values()), {"sent"})


def _killed_delivering(stand: Stand) -> None:
    with stand.place() as place:
        bench = place.open()
        bench.queue(*(letter(f"{n:04}") for n in range(1000)))
        for after in (20, 75, 130):
            _told_is_true(bench, _killed(stand, place, "deliver", after))
        statuses = bench.statuses()
        left = {lease.message.key for lease in bench.claim(99, limit=9999) + bench.doubts(99, limit=9999)}
        wanted = {key for key, status in statuses.items() if status != "sent"}
        bench.expect(left, wanted, "the letters that are claimable or in doubt after three kills")


def _told_is_true(bench: Bench, said: list[str]) -> None:
    statuses = bench.statuses()
    for line in said:
        step, key = line.split()
        allowed = {"begun": {"sending", "sent"}, "sent": {"sent"}}.get(step, set())
        if statuses[key] not in allowed:
            raise LawBroken(f"a worker said {line!r} and was killed; then the letter was {statuses[key]}")
    bench.expect(set(statuses.values()) - {"queued", "leased", "sending", "sent"}, set(), "states that nobody made")


def _killed_planning(stand: Stand) -> None:
    names = [f"c{n:03}" for n in range(_storage_worker.PLANNED)]
    with stand.place() as place:
        bench = place.open()
        for after in (3, 20, 50):
            said = _killed(stand, place, "plan", after)
            for file in bench.storage.load(names, Needs()):
                found = len(file.entries), len(file.ledger), len(file.outcomes)
                told = f"kept {file.customer_id}" in said
                allowed = [(1, 2, 2)] if told else [(1, 2, 2), (0, 0, 0)]
                what = f"entries, decisions and letters of {file.customer_id}: {found}, after a kill"
                bench.expect(found in allowed, wanted=True, what=what)


# ------------------------------------------------------------- 27: new versions


def _migrated(stand: Stand) -> None:
    for version, build in stand.released.items():
        with stand.place() as place:
            kept = build(place.folder)
            for time in ("first", "second"):
                bench = place.open()
                for one in kept:
                    found = bench.facts(one.customer_id), bench.statuses(one.customer_id)
                    wanted = list(one.facts), dict(one.letters)
                    bench.expect(found, wanted, f"{one.customer_id} of version {version}, opened a {time} time,")
                bench.storage.close()


def _migrated_at_once(stand: Stand) -> None:
    for build in stand.released.values():
        with stand.place() as place:
            kept = build(place.folder)
            with ThreadPoolExecutor(4) as pool:
                benches = list(pool.map(lambda _, place=place: place.open(), range(4)))
            for bench in benches:
                found = {one.customer_id: bench.statuses(one.customer_id) for one in kept}
                bench.expect(found, {one.customer_id: dict(one.letters) for one in kept})


LAWS: tuple[Law[Stand], ...] = (
    Law(8, "claims of several processes are disjoint", _processes_disjoint, "processes"),
    Law(19, "everything survives reopening", _reopened, "durable"),
    Law(19, "many open a new place at once", _opened_at_once, "processes"),
    Law(20, "a kill while delivering leaves a legal state", _killed_delivering, "processes"),
    Law(20, "a kill while planning leaves all of a plan or nothing", _killed_planning, "processes"),
    Law(27, "every released version is migrated, and opened once more", _migrated, "released"),
    Law(27, "of several that open an old version, one migrates", _migrated_at_once, "released"),
)
"""The laws of what is kept, by number."""
