"""What Resend reports (https://resend.com/docs/webhooks): signatures by Svix, and events in this library's words.

Nothing here raises for what comes in from outside: a body is believed or not, an event is read, ignored or rejected.

===========================  ============================================================
email.delivered              delivered
email.delivery_delayed       deferred
email.bounced                bounced: hard if Permanent, else soft; block if refused for
                             its content, its size or its sender
email.complained             complained
email.opened, .clicked       opened, clicked
email.failed, .suppressed    rejected
everything else              ignored, as are letters that carry no ``message_key``
===========================  ============================================================
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from retention import _hashing
from retention.errors import InvalidInput
from retention.messages import from_tag
from retention.ports import Parsed, Report

__all__ = ["ResendWebhooks"]

_STATUSES = {
    "email.delivered": "delivered",
    "email.delivery_delayed": "deferred",
    "email.bounced": "bounced",
    "email.complained": "complained",
    "email.opened": "opened",
    "email.clicked": "clicked",
    "email.failed": "rejected",
    "email.suppressed": "rejected",
}
_BLOCKS = {"contentrejected", "attachmentrejected", "messagetoolarge", "messagerejected"}
_SECONDS = re.compile(r"[0-9]{1,11}")


class ResendWebhooks:
    """Reads webhooks signed with `secret` (``whsec_…``), which is shown nowhere.

    `tolerance`: how old, or how far ahead, a signature may be. Raises `InvalidInput` for a secret that is none.
    """

    def __init__(self, secret: str, *, tolerance: timedelta = timedelta(minutes=5)) -> None:
        self._key = _decoded(secret)
        self._tolerance = tolerance

    def __repr__(self) -> str:
        return f"ResendWebhooks(tolerance={self._tolerance!r})"

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether Resend signed these very bytes, not longer ago or ahead than the tolerance."""
        named = _lower(headers)
        id_, seconds = named.get("svix-id", ""), named.get("svix-timestamp", "")
        if not id_ or not _SECONDS.fullmatch(seconds) or abs(now.timestamp() - int(seconds)) > self._seconds:
            return False
        content = f"{id_}.{seconds}.".encode("utf-8", "surrogatepass") + body
        claimed = [code for version, _, code in map(_pair, named.get("svix-signature", "").split()) if version == "v1"]
        return _hashing.one_is_mac(self._key, content, claimed)

    @property
    def _seconds(self) -> float:
        return self._tolerance.total_seconds()

    def parse(self, headers: Mapping[str, str], body: bytes) -> Parsed:
        """The reports in a body: one event, or a list of them."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return Parsed(rejected=("the body is no JSON",))
        id_ = _lower(headers).get("svix-id", "")
        if not isinstance(data, list):
            return _parsed([_read(data, id_, "the event")])
        return _parsed([_read(event, f"{id_}/{n}" if id_ else "", f"event {n}") for n, event in enumerate(data)])


def _decoded(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (AttributeError, binascii.Error, ValueError):
        key = b""
    if not key:
        raise InvalidInput("secret: is no signing secret; copy the one that begins with whsec_ from Resend")
    return key


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _pair(signature: str) -> tuple[str, str, str]:
    return signature.partition(",")


def _parsed(events: list[Report | str | None]) -> Parsed:
    """The events sorted out: a report, why it is none, or None for what is not ours to read."""
    return Parsed(
        tuple(event for event in events if isinstance(event, Report)),
        events.count(None),
        tuple(event for event in events if isinstance(event, str)),
    )


def _read(event: Any, id_: str, which: str) -> Report | str | None:
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return f"{which}: has no type"
    status, data = _STATUSES.get(event["type"]), event.get("data")
    at: Any = event.get("created_at")
    if status is None:
        return None
    if not isinstance(data, dict):
        return f"{which}: {event['type']} has no data"
    key = _key(data.get("tags"))
    if key is None:
        return None
    try:
        bounce_class = _bounce_class(data.get("bounce")) if status == "bounced" else ""
        return Report(id=id_, message_key=key, status=status, at=at, bounce_class=bounce_class)
    except InvalidInput as error:
        return f"{which}: {event['type']}: {_NAMES[str(error).partition(':')[0]]}"  # without what it holds


_NAMES = {
    "id": "comes without the header svix-id",
    "message_key": "its tag message_key is empty",
    "at": "created_at is no time with an offset",
}


def _key(tags: Any) -> Any:
    """The letter's key out of the tags, which are an object or a list of names and values; None without one."""
    if isinstance(tags, list):
        (*_, tags) = ({}, *(tag for tag in tags if isinstance(tag, dict) and tag.get("name") == "message_key"))
        tags = {"message_key": tags["value"]} if "value" in tags else {}
    if not isinstance(tags, dict) or "message_key" not in tags:
        return None
    key = tags["message_key"]
    return from_tag(key) if isinstance(key, str) else ""


def _bounce_class(bounce: Any) -> str:
    kind, sort = (_word(bounce, name) for name in ("type", "subType"))
    if sort in _BLOCKS:
        return "block"
    return "hard" if kind == "permanent" else "soft"


def _word(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return value.lower() if isinstance(value, str) else ""
