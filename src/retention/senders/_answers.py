"""What senders share: the limit of one call, and details that name nobody and give nothing away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retention.errors import InvalidInput
from retention.messages import Message

_ADDRESS = re.compile(r"[^\s<>\"'`,;:()\[\]]+@[^\s<>\"'`,;:()\[\]]+")
_LONGEST = 200


def check_size(messages: Sequence[Message], most: int) -> None:
    """Raise `InvalidInput` for more messages than one call takes."""
    if len(messages) > most:
        raise InvalidInput(f"messages: {len(messages)} in one call; send at most {most}")


def detail(told: str, *secrets: str) -> str:
    """What the other side told, on one line of at most 200 characters, without addresses and `secrets`."""
    for secret in filter(None, secrets):
        told = told.replace(secret, "<secret>")
    return " ".join(_ADDRESS.sub("<address>", told).split())[:_LONGEST]
