"""A storm on one SQLite file: workers are killed, and then the books are read.

SIGKILL meets them at every labelled point and at random; some are stopped until others have taken their work.

    python tests/chaos/storm.py --kills 150 --messages 15000

One table row for each policy; the exit code is 1 if a promise was broken. What is promised:

- nothing is lost: every order's letter is sent, or in doubt and listed; what is marked sent was received
- an idempotent sender delivers no letter twice
- without idempotency a transactional letter comes at least once, and a kill or a stop doubles one call's letters at most;
  a promotional one comes at most once, and whoever may have missed it is in doubt
- otherwise a doubt is left only where a letter's every attempt ended in a death
- no key is decided twice, and SQLite finds the file whole
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from attrs import evolve, field, frozen
from receiver import Receiver
from worker import PACE, POINTS, TEMPLATE, WINDOW, Fuse, Policy, Task, drain, work

from retention.engine.delivery import _MAX_ATTEMPTS
from retention.journey import CustomerFile, Needs
from retention.storage.sqlite import SQLiteStorage

POLICIES = (
    Policy("idempotent", promotional=True, idempotent=True),
    Policy("at least once", promotional=False, idempotent=False),
    Policy("at most once", promotional=True, idempotent=False),
)
ANY_TIME = "any time"
LEASE = 1.1 * 15 * 60 / PACE
"""Seconds after which a worker that was stopped has lost what it had leased."""
PATIENCE = 4
"""Seconds a worker may live with a fuse; then its point is not on its way any more, and it is killed where it is."""
COLUMNS = (
    "policy",
    "kills",
    "points",
    "stops",
    "orders",
    "sent",
    "lost",
    "duplicates",
    "recognised",
    "doubts",
    "seconds",
)


# ---------------------------------------------------------------- the storm


@frozen
class Trouble:
    """A signal that meets one worker: when it passes a point for the `visits`-th time, or at any time."""

    point: str
    visits: int = 1
    how: int = signal.SIGKILL


CALM = Trouble("")


class Workers:
    """The children of this process, one in each lane, and what is to happen to each of them."""

    def __init__(self, task: Task, troubles: Sequence[Trouble], chance: random.Random) -> None:
        self._task, self._chance = task, chance
        self._troubles = iter(troubles)
        self._lanes: dict[int, tuple[int, Trouble]] = {}
        self._ends: dict[int, float] = {}
        """When a worker is killed from outside."""
        self._wakes: dict[int, float] = {}
        self.killed: Counter[str] = Counter()
        self.stopped = 0

    def run(self) -> None:
        """Kill and stop as often as was asked for, and let the work end."""
        try:
            for lane in range(self._task.lanes):
                self._start(lane, next(self._troubles, CALM))
            while self._lanes:
                self._act()
                self._look()
        finally:
            for pid in self._lanes:
                os.kill(pid, signal.SIGKILL)

    def _start(self, lane: int, trouble: Trouble) -> None:
        fuse = Fuse(trouble.point, trouble.visits, trouble.how)
        doomed = trouble.point != "" and trouble.how == signal.SIGKILL
        chunks = 3 if trouble.how == signal.SIGSTOP else None  # a rest for one, not the end of the storm for its lane
        pid = child(partial(work, evolve(self._task, lane=lane), fuse, chunks=chunks, forever=doomed))
        self._lanes[pid] = (lane, trouble)
        if doomed:
            life = self._chance.uniform(0, 0.5) if trouble.point == ANY_TIME else PATIENCE
            self._ends[pid] = time.monotonic() + life

    def _act(self) -> None:
        """Continue those whose lease has run out by now, kill those whose time has come."""
        now = time.monotonic()
        for pid in [pid for pid, at in self._wakes.items() if at < now]:
            del self._wakes[pid]
            os.kill(pid, signal.SIGCONT)
        for pid in [pid for pid, at in self._ends.items() if at < now]:
            del self._ends[pid]
            self._lanes[pid] = (self._lanes[pid][0], Trouble(ANY_TIME))
            os.kill(pid, signal.SIGKILL)

    def _look(self) -> None:
        """See who was stopped and who has ended."""
        pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        if not pid:
            time.sleep(0.002)
        elif os.WIFSTOPPED(status):
            self.stopped += 1
            self._wakes[pid] = time.monotonic() + LEASE
        else:
            self._bury(pid, status)

    def _bury(self, pid: int, status: int) -> None:
        lane, trouble = self._lanes.pop(pid)
        self._ends.pop(pid, None)
        follows = next(self._troubles, None)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            self.killed[trouble.point] += 1
        elif status:
            raise SystemExit(f"a worker failed with status {status}; its last words are above")
        elif follows is None and not evolve(self._task, lane=lane).ahead:
            return
        self._start(lane, follows or CALM)


def forecast(kills: int, stops: int, chance: random.Random) -> Iterator[Trouble]:
    """What happens in turn: a kill at every point, each round in another order, some at any time; stops in between."""
    points: list[str] = []
    for n in range(kills + stops):
        points = points or chance.sample([*POINTS, *[ANY_TIME] * 5], len(POINTS) + 5)
        stop = (n + 1) * stops // (kills + stops) > n * stops // (kills + stops)
        point = chance.choice(POINTS) if stop else points.pop()
        visits = chance.randint(1, 400 if point == "any statement" else 2)
        yield Trouble(point, visits, signal.SIGSTOP if stop else signal.SIGKILL)


def child(function: Callable[[], None]) -> int:
    """The id of a new process that does this, and tells when it fails."""
    pid = os.fork()
    if pid:
        return pid
    try:
        function()
    except BaseException:  # noqa: BLE001 - the child must not return into the parent's code
        traceback.print_exc()
        os._exit(2)
    os._exit(0)


# ---------------------------------------------------------------- the books


@frozen
class Books:
    """What the file and the receiver's log say after the storm."""

    orders: int
    fates: Counter[str] = field()
    """Letters by their last status."""
    lost: int
    """Orders without a letter that was sent or is in doubt, and letters marked sent that nobody received."""
    duplicates: int
    recognised: int
    hasty: int
    """Doubts about letters that were not yet tried as often as the engine tries."""
    illegal: list[str]


def read(task: Task, receiver: Receiver) -> Books:
    """Read everything once more, with nobody else at work."""
    delivered, recognised = receiver.received()
    files = list(_files(task))
    fates = {outcome.message_key: outcome.status for file in files for outcome in file.outcomes}
    by_order = {outcome.key.entry: outcome.status for file in files for outcome in file.outcomes}
    ended = sum(status in ("sent", "in_doubt") for status in by_order.values())
    unheard = sum(status == "sent" and not delivered[key] for key, status in fates.items())
    illegal = [trouble for file in files for trouble in _illegal(file)]
    illegal += [f"letter {key} was delivered, and nobody decided it" for key in delivered if key not in fates]
    with sqlite3.connect(task.folder / "shop.db") as db:
        illegal += [text for (text,) in db.execute("PRAGMA integrity_check") if text != "ok"]
        query = "SELECT count(*) FROM letters WHERE status = 'in_doubt' AND attempts < ?"
        (hasty,) = db.execute(query, (_MAX_ATTEMPTS,)).fetchone()
    return Books(
        task.orders,
        Counter(fates.values()),
        task.orders - ended + unheard,
        delivered.total() - len(delivered),
        recognised,
        hasty,
        illegal,
    )


def _files(task: Task) -> Iterator[CustomerFile]:
    storage, after = SQLiteStorage(task.folder / "shop.db"), ""
    while ids := storage.customers(after, 500):
        yield from storage.load(ids, Needs())
        after = ids[-1]
    storage.close()


def _illegal(file: CustomerFile) -> Iterator[str]:
    """What no ledger may hold: a key decided twice, a run entered twice, an order without its run, a loose letter."""
    owned = Counter(row.key for row in file.ledger if row.kind in ("send", "withhold", "skip"))
    entered = Counter((entry.journey, entry.key) for entry in file.entries)
    for what, times in (owned + entered).items():
        if times > 1:
            yield f"{file.customer_id}: {what} {times} times"
    sends = {row.key for row in file.ledger if row.kind == "send"}
    if sends != {outcome.key for outcome in file.outcomes}:
        yield f"{file.customer_id}: decisions to send and letters differ"
    if len(entered) != sum(fact.kind == "order" for fact in file.facts):
        yield f"{file.customer_id}: {len(entered)} runs for other orders"


def broken(policy: Policy, troubles: int, books: Books) -> list[str]:
    """The promises that were not kept."""
    windows = 0 if policy.idempotent or policy.may_miss else troubles * WINDOW
    promises = {
        f"{books.lost} letters are lost": books.lost == 0,
        f"{books.duplicates} duplicates, {windows} explained": books.duplicates <= windows,
        "letters are neither sent nor in doubt": set(books.fates) <= {"sent", "in_doubt"},
        f"{books.hasty} doubts that one more attempt would end": policy.may_miss or books.hasty == 0,
    }
    return [told for told, kept in promises.items() if not kept] + books.illegal[:10]


# ---------------------------------------------------------------- one row of the table


def storm(policy: Policy, troubles: Sequence[Trouble], *, messages: int, workers: int, seed: int) -> list[str]:
    """One policy in its storm: prints its row, returns what is broken."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        folder = Path(name)
        for language in ("en", "ru"):
            (folder / "letters" / language / "chaos").mkdir(parents=True)
            (folder / "letters" / language / "chaos" / "note.jinja").write_text(TEMPLATE, "utf-8")
        receiver = Receiver(folder, idempotent=policy.idempotent and policy.bug != "forgetful")
        receiver.start()
        try:
            size = max(WINDOW, messages // max(2 * len(troubles), 1))
            task = Task(folder, policy, -(-messages // size), size, workers, 0, time.time())
            lanes = Workers(task, troubles, random.Random(seed))
            lanes.run()
            _, status = os.waitpid(child(partial(drain, task)), 0)
            if status:
                raise SystemExit("the quiet days after the storm failed; the last words are above")
            books = read(task, receiver)
        finally:
            receiver.stop()
    points = len(lanes.killed.keys() - {ANY_TIME})
    _print_row(
        policy.name, lanes.killed.total(), f"{points}/{len(POINTS)}", lanes.stopped, books.orders, books.fates["sent"], books.lost,
        books.duplicates, books.recognised, books.fates["in_doubt"], round(time.monotonic() - began),
    )  # fmt: skip
    return [f"{policy.name}: {told}" for told in broken(policy, lanes.killed.total() + lanes.stopped, books)]


def _print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)  # noqa: T201


def main() -> int:
    """The table, and what is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=150, help="of all policies together")
    parser.add_argument("--messages", type=int, default=15_000, help="of all policies together")
    parser.add_argument("--stops", type=int, default=9, help="workers stopped past their lease and continued")
    parser.add_argument("--point", choices=POINTS, help="kill and stop at this one only")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bug", choices=("careless", "forgetful"), help="plant one, and see whether the books show it")
    given = parser.parse_args()
    policies = (evolve(POLICIES[0], bug=given.bug),) if given.bug else POLICIES
    _print_row(*COLUMNS)
    _print_row(*["---"] * len(COLUMNS))
    told: list[str] = []
    for i, policy in enumerate(policies):
        kills, stops, messages = ((total + i) // len(policies) for total in (given.kills, given.stops, given.messages))
        chance = random.Random(f"{given.seed} {policy.name}")
        if given.point:
            troubles = [Trouble(given.point)] * kills + [Trouble(given.point, how=signal.SIGSTOP)] * stops
        else:
            troubles = list(forecast(kills, stops, chance))
        told += storm(policy, troubles, messages=messages, workers=given.workers, seed=given.seed)
    for line in told:
        print(f"BROKEN {line}", flush=True)  # noqa: T201
    return bool(told)


if __name__ == "__main__":
    sys.exit(main())
