"""A sender that keeps what it gets: for tests, simulations and previews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from retention.messages import Message, Result
from retention.ports import Capabilities
from retention.senders._answers import check_size

__all__ = ["MemorySender"]


class MemorySender:
    """Keeps every letter once: `messages` holds them by key, in the order in which they came."""

    def __init__(self, *, max_batch: int = 1_000) -> None:
        self.capabilities = Capabilities(max_batch=max_batch, remembers_for=timedelta.max, looks_up=True)
        self.messages: dict[str, Message] = {}
        self._lock = Lock()

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Keep the messages; raises `InvalidInput` for more than `max_batch`."""
        check_size(messages, self.capabilities.max_batch)
        with self._lock:
            for message in messages:
                self.messages.setdefault(message.key, message)
        return [Result("accepted") for _ in messages]

    def lookup(self, message_keys: Sequence[str]) -> list[Result]:
        """For each key, whether its letter came."""
        return [Result("accepted" if key in self.messages else "transient") for key in message_keys]
