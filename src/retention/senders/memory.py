"""A sender that keeps what it gets: for tests, simulations and previews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from retention.errors import InvalidInput
from retention.messages import Message, Result
from retention.ports import Capabilities

__all__ = ["MemorySender"]


class MemorySender:
    """Keeps every letter once: `messages` holds them by key, in the order in which they came."""

    def __init__(self, *, max_batch: int = 1_000) -> None:
        self.capabilities = Capabilities(max_batch=max_batch, remembers_for=timedelta.max)
        self.messages: dict[str, Message] = {}
        self._lock = Lock()

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Keep the messages; raises `InvalidInput` for more than `max_batch`."""
        if len(messages) > self.capabilities.max_batch:
            raise InvalidInput(f"messages: {len(messages)} in one call; send at most {self.capabilities.max_batch}")
        with self._lock:
            for message in messages:
                self.messages.setdefault(message.key, message)
        return [Result("accepted") for _ in messages]
