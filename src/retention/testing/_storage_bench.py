"""Where the kit for storages tries one: places to open it in, and short words for the moves that laws repeat.

Every call of a storage is written down. What breaks a law, an exception of the storage too, ends as `LawBroken` with
these calls.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from attrs import field, frozen

from retention.facts import CustomerErased, CustomersMerged, OrderPlaced, Visited
from retention.journey.ledger import CustomerFile, Decision, DecisionKey, Entry, Needs, Plan
from retention.messages import Message
from retention.ports import Change, Lease, Letter, Settlement, Storage
from retention.testing._storage_told import START, Told, say
from retention.testing.laws import LawBroken

__all__ = [
    "HELD",
    "Bench",
    "Kept",
    "Place",
    "Stand",
    "at",
    "decision",
    "entry",
    "erasure",
    "letter",
    "merge",
    "message",
    "on_a_bench",
    "order",
    "visit",
]

HELD = timedelta(minutes=10)


def at(minutes: float = 0) -> datetime:
    """So many minutes after the start of every story here."""
    return START + timedelta(minutes=minutes)


def order(id_: str, customer: str = "ann", minutes: float = 0, total: str = "30") -> OrderPlaced:
    """An order of a customer."""
    return OrderPlaced(id=id_, customer_id=customer, at=at(minutes), total=Decimal(total), currency="EUR")


def visit(id_: str, customer: str = "ann", minutes: float = 0) -> Visited:
    """A visit of a customer."""
    return Visited(id=id_, customer_id=customer, at=at(minutes))


def merge(id_: str, customer: str, into: str, minutes: float = 0) -> CustomersMerged:
    """A customer turns out to be another."""
    return CustomersMerged(id=id_, customer_id=customer, at=at(minutes), into=into)


def erasure(customer: str = "ann", id_: str = "e", minutes: float = 5) -> CustomerErased:
    """A customer asked to be forgotten."""
    return CustomerErased(id=id_, customer_id=customer, at=at(minutes))


def message(key: str, subject: str = "Hello", text: str = "Come back", minutes: float = 0) -> Message:
    """What a letter says."""
    return Message(
        key=key, to="ann@example.com", sender="shop@example.com", sender_name="Shop", subject=subject, text=text,
        html="<p>Come back</p>", at=at(minutes), unsubscribe_url="https://shop.example/u",
    )  # fmt: skip


def letter(key: str, minutes: float = 0, *, written: float = 0, **contents: str) -> Letter:
    """A letter that is due after so many minutes."""
    return Letter(DecisionKey("win_back", "run", key, ""), message(key, minutes=written, **contents), at(minutes))


def entry(key: str = "run", minutes: float = 0, arm: str = "letters") -> Entry:
    """A customer's run through a journey."""
    return Entry(journey="win_back", version=1, key=key, entered_at=at(minutes), basis=START, arm=arm, propensity=0.9)


def decision(step: str, minutes: float = 0) -> Decision:
    """The decision to send a step's letter."""
    return Decision(
        kind="send", journey="win_back", entry_key="run", version=1, at=at(minutes), step=step, due=at(minutes),
        slot=at(minutes), valid_until=at(minutes + 60), template="letter",
    )  # fmt: skip


class Bench:
    """One open storage with the moves that laws repeat."""

    def __init__(self, storage: Storage) -> None:
        self.raw = storage  # for looks that are no part of the story
        self.told = Told(storage)
        self.storage = cast("Storage", self.told)

    def expect(self, found: object, wanted: object, what: str = "that") -> None:
        """What was found is what the law wants."""
        if found != wanted:
            raise LawBroken(f"{what} should be {say(wanted)}, and is {say(found)}")

    def file(self, customer: str = "ann") -> CustomerFile:
        """The whole file of a customer."""
        return self.storage.load([customer], Needs())[0]

    def facts(self, customer: str = "ann") -> list[str]:
        """The ids of the facts in a customer's file."""
        return [fact.id for fact in self.file(customer).facts]

    def change(
        self,
        customer: str,
        *letters: Letter,
        decisions: Sequence[Decision] | None = None,
        entries: Sequence[Entry] = (),
        wake: float | None = None,
        version: int | None = None,
        fingerprint: str = "book",
    ) -> Change:
        """A change of the customer's file as it is now, with one decision for each letter unless told otherwise."""
        rows = [decision(one.key.step) for one in letters] if decisions is None else decisions
        plan = Plan(tuple(rows), tuple(entries), None if wake is None else at(wake))
        known = self.raw.load([customer], Needs(frozenset()))[0].version if version is None else version
        return Change(customer, known, plan, fingerprint, letters)

    def keep(self, *changes: Change) -> None:
        """Commit changes, none of which is stale."""
        self.expect(self.storage.commit(changes), [True] * len(changes))

    def queue(self, *letters: Letter, customer: str = "ann") -> None:
        """Commit these letters."""
        self.keep(self.change(customer, *letters))

    def claim(self, minutes: float = 0, limit: int = 100, held: timedelta = HELD) -> list[Lease]:
        """Claim after so many minutes."""
        return self.storage.claim(at(minutes), held, limit)

    def claimed(self, minutes: float = 0, limit: int = 100) -> list[str]:
        """The keys of the letters claimed."""
        return [lease.message.key for lease in self.claim(minutes, limit)]

    def doubts(self, minutes: float = 0, limit: int = 100) -> list[Lease]:
        """Claim doubts, by key: the port leaves their order open."""
        return sorted(self.storage.claim_doubts(at(minutes), HELD, limit), key=lambda lease: lease.message.key)

    def begin(self, lease: Lease, minutes: float = 0) -> bool:
        """Begin to send one letter."""
        return self.storage.begin([lease], at(minutes))[0]

    def settle(
        self, lease: Lease, status: Any, minutes: float = 0, reason: str = "", retry: float | None = None
    ) -> bool:
        """Settle one letter."""
        retry_at = None if retry is None else at(retry)
        return self.storage.settle([Settlement(lease, status, reason, retry_at)], at(minutes))[0]

    def statuses(self, customer: str = "ann") -> dict[str, str]:
        """The status of each letter of a customer."""
        return {outcome.message_key: outcome.status for outcome in self.file(customer).outcomes}


class Place:
    """A folder and what was opened in it."""

    def __init__(self, folder: Path, make: Callable[[Path], Storage]) -> None:
        self.folder = folder
        self.benches: list[Bench] = []
        self._make = make

    def open(self) -> Bench:
        """Open what lives here; once more, when it is durable."""
        self.benches.append(Bench(self._make(self.folder)))
        return self.benches[-1]

    def close(self) -> None:
        """Close whatever is open."""
        for bench in self.benches:
            with suppress(Exception):
                bench.storage.close()

    def __str__(self) -> str:
        return "\n".join(str(bench.told) for bench in self.benches if bench.told.calls)


@contextmanager
def _place(make: Callable[[Path], Storage]) -> Iterator[Place]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder), make)
        try:
            yield place
        except LawBroken as broken:
            raise LawBroken(f"{place}\n{broken}") from broken
        except Exception as error:
            raise LawBroken(f"{place}\n{''.join(traceback.format_exception_only(error)).strip()}") from error
        finally:
            place.close()


@frozen
class Kept:
    """What an older database holds of a customer: ids of facts, oldest first, and the status of each letter."""

    customer_id: str
    facts: Sequence[str] = ()
    letters: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Stand:
    """What is tried: a maker, and what its author told about it."""

    make: Callable[[Path], Storage]
    examples: int = 0
    released: Mapping[str, Callable[[Path], Sequence[Kept]]] = field(factory=dict)

    def place(self) -> AbstractContextManager[Place]:
        """A fresh empty folder to open storages in; what breaks a law there tells what was done."""
        return _place(self.make)


def on_a_bench(law: Callable[[Bench], None]) -> Callable[[Stand], None]:
    """A law that needs one open storage and nothing else."""

    def check(stand: Stand) -> None:
        with stand.place() as place:
            law(place.open())

    return check
