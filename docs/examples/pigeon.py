"""An adapter for a made-up provider, Pigeon: letters over HTTP with idempotency keys, signed webhooks back."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from retention.errors import InvalidInput
from retention.messages import Message, Result
from retention.ports import Capabilities, Parsed, Report

EVENTS = {"delivered": "delivered", "bounce": "bounced", "spam": "complained", "open": "opened", "click": "clicked"}
ANSWERS = {
    **dict.fromkeys((400, 413, 422), "rejected"),
    **dict.fromkeys((301, 302, 307, 308, 401, 403, 404, 405), "misconfigured"),  # the next letter would meet it too
    **dict.fromkeys((408, 503), "transient"),  # Pigeon says that it kept nothing
}


class PigeonSender:
    """Sends by Pigeon under `token`; one letter in one call, recognised by its key for a day."""

    capabilities = Capabilities(max_batch=1, remembers_for=timedelta(hours=24))

    def __init__(self, token: str, *, base_url: str = "https://api.pigeon.example", timeout: float = 30) -> None:
        self._client = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout)

    def send(self, messages: Sequence[Message]) -> list[Result]:
        if len(messages) > self.capabilities.max_batch:
            raise InvalidInput(f"messages: {len(messages)} in one call; send at most {self.capabilities.max_batch}")
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Result:
        try:
            answer = self._client.post("/letters", json=_letter(message), headers={"Idempotency-Key": message.key})
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Result("transient", "no connection")  # nothing was handed over
        except httpx.RequestError as error:
            return Result("unknown", type(error).__name__)  # it may have been
        return _result(answer)


def _letter(message: Message) -> dict[str, Any]:
    headers = {"Message-ID": f"<{message.key}@{message.sender.rpartition('@')[2]}>"}
    if message.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return {
        "reference": message.key,  # comes back in every webhook
        "from": {"name": message.sender_name, "address": message.sender},
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": headers,
    }


def _result(answer: httpx.Response) -> Result:
    """What an answer means. The detail never quotes it: it might repeat an address or the token."""
    detail = f"HTTP {answer.status_code}"
    if answer.status_code == 202 and answer.content == b'{"queued": true}':
        return Result("accepted")
    if answer.status_code == 429:
        return Result("throttled", detail, _retry_after(answer.headers))
    return Result(ANSWERS.get(answer.status_code, "unknown"), detail)  # a 5xx may have come after the acceptance


def _retry_after(headers: httpx.Headers) -> timedelta | None:
    """Seconds, or a date, which is compared with the answer's own: our clock may differ."""
    wait = headers.get("Retry-After", "")
    try:
        if wait.isdigit():
            return timedelta(seconds=int(wait))
        return parsedate_to_datetime(wait) - parsedate_to_datetime(headers["Date"])
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


class PigeonWebhooks:
    """Reads Pigeon's webhooks, signed with `secret` over the time and the very bytes."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        named = {name.lower(): value for name, value in headers.items()}
        seconds, signature = named.get("pigeon-time", ""), named.get("pigeon-signature", "")
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
            return False
        expected = hmac.digest(self._secret, f"{seconds}.".encode() + body, "sha256").hex().encode()
        same = hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
        return same and abs(now.timestamp() - int(seconds)) <= 300

    def parse(self, headers: Mapping[str, str], body: bytes) -> Parsed:  # noqa: ARG002
        try:
            said = json.loads(body)  # one event or a list
        except (ValueError, RecursionError):
            return Parsed(rejected=("the body is no JSON",))
        read = [_read(event) for event in (said if isinstance(said, list) else [said])]
        reports, rejected = (tuple(one for one in read if isinstance(one, kind)) for kind in (Report, str))
        return Parsed(reports, read.count(None), rejected)


def _read(event: Any) -> Report | str | None:
    """One event, which takes no other with it: a report, why it cannot be read, or None for what is of no interest."""
    try:
        if event["type"] not in EVENTS:
            return None
        bounce = {"permanent": "hard", "temporary": "soft"}.get(event.get("bounce", ""), "")
        about = {"id": event["id"], "message_key": event["reference"], "at": event["time"]}
        return Report(**about, status=EVENTS[event["type"]], bounce_class=bounce)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        return f"an event cannot be read: {type(error).__name__}"
