"""A storage of every sort, and short words for what the laws are about."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retention.facts import OrderPlaced
from retention.journey.ledger import CustomerFile, Decision, DecisionKey, Entry, Needs, Plan
from retention.messages import Message
from retention.ports import Change, Lease, Letter, Settlement, Storage
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "own_database.py"
MAKERS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda folder: MemoryStorage(),
    "sqlite": lambda folder: SQLiteStorage(folder / "shop.db"),
}
EVERY_ONE = MAKERS | {
    "the documentation's": lambda folder: runpy.run_path(str(EXAMPLE))["OwnStorage"](folder / "own.db"),
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELD = timedelta(minutes=10)


class Shop:
    """A storage with the moves that the laws repeat; `at(3)` is three minutes after the start."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    @staticmethod
    def at(minutes: float = 0) -> datetime:
        return START + timedelta(minutes=minutes)

    @staticmethod
    def order(id_: str, customer: str = "ann", minutes: float = 0, total: str = "30") -> OrderPlaced:
        return OrderPlaced(id=id_, customer_id=customer, at=Shop.at(minutes), total=total, currency="EUR")

    @staticmethod
    def message(key: str, subject: str = "Hello", text: str = "Come back") -> Message:
        return Message(
            key=key, to="ann@example.com", sender="shop@example.com", sender_name="Shop", subject=subject, text=text,
            html="<p>Come back</p>", at=START, unsubscribe_url="https://shop.example/u",
        )  # fmt: skip

    @staticmethod
    def letter(key: str, minutes: float = 0, **contents: str) -> Letter:
        return Letter(DecisionKey("win_back", "run", key, ""), Shop.message(key, **contents), Shop.at(minutes))

    @staticmethod
    def entry(key: str = "run", minutes: float = 0, arm: str = "letters") -> Entry:
        return Entry(
            journey="win_back", version=1, key=key, entered_at=Shop.at(minutes), basis=START, arm=arm, propensity=0.9
        )

    @staticmethod
    def decision(step: str, minutes: float = 0) -> Decision:
        return Decision(
            kind="send", journey="win_back", entry_key="run", version=1, at=Shop.at(minutes), step=step,
            due=Shop.at(minutes), slot=Shop.at(minutes), valid_until=Shop.at(minutes + 60), template="letter",
        )  # fmt: skip

    def file(self, customer: str = "ann") -> CustomerFile:
        return self.storage.load([customer], Needs())[0]

    def change(self, customer: str = "ann", *letters: Letter, wake: float | None = None, **parts: object) -> Change:
        """A change of the customer's file as it is now, with one decision for each letter unless told otherwise."""
        plan = Plan(
            decisions=parts.get("decisions", tuple(self.decision(letter.key.step) for letter in letters)),
            entries=parts.get("entries", ()),
            wake_at=None if wake is None else self.at(wake),
        )
        version = parts.get("version", self.file(customer).version)
        return Change(customer, version, plan, parts.get("fingerprint", "book"), letters)

    def queue(self, *letters: Letter, customer: str = "ann") -> None:
        assert self.storage.commit([self.change(customer, *letters)]) == [True]

    def claim(self, minutes: float = 0, limit: int = 100, held: timedelta = HELD) -> list[Lease]:
        return self.storage.claim(self.at(minutes), held, limit)

    def claimed(self, minutes: float = 0, limit: int = 100) -> list[str]:
        return [lease.message.key for lease in self.claim(minutes, limit)]

    def doubts(self, minutes: float = 0) -> list[Lease]:
        return self.storage.claim_doubts(self.at(minutes), HELD, 100)

    def begin(self, lease: Lease, minutes: float = 0) -> bool:
        return self.storage.begin([lease], self.at(minutes))[0]

    def settle(
        self, lease: Lease, status: str, minutes: float = 0, reason: str = "", retry: float | None = None
    ) -> bool:
        retry_at = None if retry is None else self.at(retry)
        return self.storage.settle([Settlement(lease, status, reason, retry_at)], self.at(minutes))[0]

    def statuses(self, customer: str = "ann") -> dict[str, str]:
        return {outcome.message_key: outcome.status for outcome in self.file(customer).outcomes}


@pytest.fixture(params=EVERY_ONE)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    storage = EVERY_ONE[request.param](tmp_path)
    yield Shop(storage)
    storage.close()


@pytest.fixture
def makers() -> dict[str, Callable[[Path], Storage]]:
    return MAKERS


@pytest.fixture
def new_shop() -> type[Shop]:
    return Shop
