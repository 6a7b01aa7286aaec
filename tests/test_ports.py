"""A storage and a sender written outside the package plug in: only their methods count, not where they come from."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retention import ports
from retention.facts import OrderPlaced
from retention.journey.ledger import DecisionKey, Plan
from retention.messages import Message, Result
from retention.ports import Capabilities, Change, Letter, Settlement
from retention.senders.maildir import MaildirSender
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class CountingStorage:
    """Somebody's own storage: it has the methods of `Storage` and inherits from nothing."""

    def __init__(self):
        self._kept = MemoryStorage()
        self.calls = []

    def __getattr__(self, name):
        self.calls.append(name)
        return getattr(self._kept, name)


class ShoutingSender:
    """Somebody's own sender, in a few lines."""

    capabilities = Capabilities(max_batch=2)

    def __init__(self):
        self.said = []

    def send(self, messages):
        self.said += [message.subject.upper() for message in messages]
        return [Result("accepted") for _ in messages]


def deliver(storage, sender):
    """What any host does with the two ports: record, plan, claim, begin, send, settle."""
    storage.record([OrderPlaced(id="1", customer_id="ann", at=NOW, total="1", currency="EUR")])
    message = Message(
        key="k", to="ann@example.com", sender="shop@example.com", sender_name="", subject="Hello", text="Hi", html="",
        at=NOW, promotional=False,
    )  # fmt: skip
    letter = Letter(DecisionKey("journey", "run", "step", ""), message, NOW)
    storage.commit([Change("ann", 1, Plan((), (), None), "book", (letter,))])
    leases = storage.claim(NOW, timedelta(minutes=1), sender.capabilities.max_batch)
    assert storage.begin(leases, NOW) == [True]
    results = sender.send([lease.message for lease in leases])
    assert results == [Result("accepted")]
    assert storage.settle([Settlement(lease, "sent") for lease in leases], NOW) == [True]


def test_a_storage_and_a_sender_from_outside():
    """Both are used through the ports' methods alone."""
    storage, sender = CountingStorage(), ShoutingSender()
    deliver(storage, sender)
    assert sender.said == ["HELLO"]
    assert storage.calls == ["record", "commit", "claim", "begin", "settle"]


@pytest.mark.parametrize(
    "make_storage",
    [lambda folder: MemoryStorage(), lambda folder: SQLiteStorage(folder / "a.db")],
    ids=["memory", "sqlite"],
)
@pytest.mark.parametrize("make_sender", [lambda folder: MemorySender(), MaildirSender], ids=["memory", "maildir"])
def test_ours_plug_in_the_same_way(tmp_path: Path, make_storage, make_sender):
    """No storage of ours needs a sender of ours, or the other way round."""
    storage = make_storage(tmp_path)
    deliver(storage, make_sender(tmp_path / "letters"))
    storage.close()


@pytest.mark.parametrize(
    "port, classes",
    [(ports.Storage, [MemoryStorage, SQLiteStorage]), (ports.Sender, [MemorySender, MaildirSender])],
    ids=["storage", "sender"],
)
def test_signatures_are_those_of_the_port(port, classes):
    """Every method of a port is there with the port's arguments, in its order."""
    names = [name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_")]
    assert names
    for cls in classes:
        for name in names:
            wanted = list(inspect.signature(getattr(port, name)).parameters)
            assert list(inspect.signature(getattr(cls, name)).parameters) == wanted
