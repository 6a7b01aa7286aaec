"""Another process that works on a storage, to be raced with or killed: what it did, it says when the call has returned.

Run as ``python -m retention.testing._storage_worker job``; the first line of its input is the pickled maker and its
folder, the second one says go.
"""

from __future__ import annotations

import pickle
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import TextIO

from retention.ports import Settlement, Storage
from retention.testing._storage_bench import HELD, Bench, at, entry, letter, order

__all__ = ["JOBS", "PLANNED", "packed"]

PLANNED = 200
_BATCH = 7


def packed(make: Callable[[Path], Storage], folder: Path) -> str:
    """The maker and its folder in one line."""
    return b64encode(pickle.dumps((make, folder))).decode()


def deliver(storage: Storage, tell: Callable[[str], None]) -> None:
    """Claim, begin and settle until nothing is left."""
    while leases := storage.claim(at(60), HELD, _BATCH):
        for step, done in (
            ("begun", storage.begin(leases, at(60))),
            ("sent", storage.settle([Settlement(lease, "sent") for lease in leases], at(60))),
        ):
            for lease, well in zip(leases, done, strict=True):
                tell(f"{step if well else 'refused'} {lease.message.key}")
            sleep(0.001)


def plan(storage: Storage, tell: Callable[[str], None]) -> None:
    """Record an order of each customer who has none yet, and commit a run, two decisions and two letters."""
    bench = Bench(storage)
    for n in range(PLANNED):
        name = f"c{n:03}"
        if not bench.file(name).ledger:
            storage.record([order(name, name)])
            letters = [letter(f"{name}-{step}") for step in "ab"]
            storage.commit([bench.change(name, *letters, entries=[entry()], wake=5)])
            tell(f"kept {name}")


JOBS: Mapping[str, Callable[[Storage, Callable[[str], None]], None]] = {"deliver": deliver, "plan": plan}
"""What a worker can do, by name."""


def work(job: str, hears: TextIO, says: TextIO) -> None:
    """Open the storage that is named in the first line, wait for the second, and do the job."""
    make, folder = pickle.loads(b64decode(hears.readline()))  # noqa: S301 - written by the kit that started this

    def tell(line: str) -> None:
        print(line, file=says, flush=True)

    storage = make(folder)
    tell("ready")
    hears.readline()
    JOBS[job](storage, tell)
    storage.close()


if __name__ == "__main__":
    work(sys.argv[1], sys.stdin, sys.stdout)
