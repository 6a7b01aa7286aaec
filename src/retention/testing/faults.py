"""Trouble on demand: a storage that fails, a sender whose answers get lost, a clock that jumps.

Each goes wrong exactly where a test says so, by counting calls; nothing is left to chance. What goes right is done by
what is wrapped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any, cast

from retention import _values
from retention.errors import InvalidInput, StorageUnavailable
from retention.messages import Message, Result
from retention.ports import Capabilities, LookupSender, Sender, Storage

__all__ = ["Clock", "failing", "losing"]

_NEVER: Mapping[int, timedelta] = MappingProxyType({})


def failing(storage: Storage, at: Collection[int], *, of: str = "", applied: bool = False) -> Storage:
    """The storage, but its calls with the numbers `at`, 1 is the first, raise `StorageUnavailable`.

    `of`: count calls of this method only, by default all but `close`. `applied`: the call has done its work when it
    raises, as when a connection breaks while the database commits; else it has done nothing. `at` may be a range.

    >>> from retention.storage.memory import MemoryStorage
    >>> storage = failing(MemoryStorage(), at=[2], of="remember", applied=True)
    >>> storage.remember("shop", "one")
    'one'
    >>> storage.remember("colour", "red")
    Traceback (most recent call last):
    retention.errors.StorageUnavailable: call 2, remember, fails as told after it was applied; call again
    >>> dict(storage.recall(""))
    {'colour': 'red', 'shop': 'one'}
    """
    if of and not hasattr(Storage, of):
        raise InvalidInput(f"of: {of!r} is no method of a storage; name one of `retention.ports.Storage`")
    return cast("Storage", _Failing(storage, at, of, applied=applied))


class _Failing:
    def __init__(self, storage: Storage, at: Collection[int], of: str, *, applied: bool) -> None:
        self._storage, self._at, self._of, self._applied = storage, at, of, applied
        self._calls = count(1)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._storage, name)
        counted = name == self._of if self._of else name != "close"

        def call(*given: Any, **named: Any) -> Any:
            if not counted or (number := next(self._calls)) not in self._at:
                return method(*given, **named)
            if self._applied:
                method(*given, **named)
            moment = "after it was applied" if self._applied else "before it did anything"
            raise StorageUnavailable(f"call {number}, {name}, fails as told {moment}; call again")

        return call


def losing(sender: Sender, at: Collection[int], *, handed_over: bool = True) -> LookupSender:
    """The sender, but what it answers to the calls of `send` with the numbers `at`, 1 is the first, gets lost.

    `handed_over`: the messages have reached the provider, so the results are unknown; else nothing has left and they
    are transient. Look-ups are the sender's own.

    >>> from datetime import UTC, datetime
    >>> from retention.senders.memory import MemorySender
    >>> letter = Message(
    ...     key="a",
    ...     to="ann@example.com",
    ...     sender="shop@example.com",
    ...     sender_name="",
    ...     subject="Hello",
    ...     text="Come back",
    ...     html="",
    ...     at=datetime(2026, 3, 1, tzinfo=UTC),
    ...     unsubscribe_url="https://shop.example/u",
    ... )
    >>> sender = losing(MemorySender(), at=[1])
    >>> sender.send([letter])[0].status, sender.lookup(["a"])[0].status, sender.send([letter])[0].status
    ('unknown', 'accepted', 'accepted')
    """
    return _Losing(sender, at, handed_over=handed_over)


class _Losing:
    def __init__(self, sender: Sender, at: Collection[int], *, handed_over: bool) -> None:
        self._sender, self._at, self._handed_over = sender, at, handed_over
        self._calls = count(1)

    @property
    def capabilities(self) -> Capabilities:
        """The sender's own."""
        return self._sender.capabilities

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send, unless told otherwise, and answer, unless told otherwise."""
        if next(self._calls) not in self._at:
            return self._sender.send(messages)
        if not self._handed_over:
            return [Result("transient", "no connection, as told") for _ in messages]
        self._sender.send(messages)
        return [Result("unknown", "the answer got lost, as told") for _ in messages]

    def lookup(self, message_keys: Sequence[str]) -> list[Result]:
        """Ask the sender, which must be able to look up."""
        return cast("LookupSender", self._sender).lookup(message_keys)


class Clock:
    """A clock that stands still until a test moves it, for ``Engine(clock=…)``.

    `now`: where it begins, with a zone. `jumps`: by how much it jumps, forward or back, before the readings with these
    numbers, 1 is the first.

    >>> from datetime import UTC
    >>> clock = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), jumps={2: timedelta(days=-1)})
    >>> clock().isoformat(), clock().isoformat()
    ('2026-03-01T12:00:00+00:00', '2026-02-28T12:00:00+00:00')
    >>> clock.moves(timedelta(hours=3)).isoformat()
    '2026-02-28T15:00:00+00:00'
    """

    def __init__(self, now: datetime, *, jumps: Mapping[int, timedelta] = _NEVER) -> None:
        self.now = _values.instant("now", now)
        self._jumps = jumps
        self._readings = count(1)

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.moves(self._jumps.get(next(self._readings), timedelta(0)))

    def moves(self, by: timedelta) -> datetime:
        """Move it forward, or back, and see what it shows then; no reading."""
        self.now += by
        return self.now
