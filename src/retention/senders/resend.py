"""A sender for Resend's HTTP interface (https://resend.com/docs/api-reference); needs the extra ``resend`` (httpx).

One letter is one request to /emails whose idempotency key is the letter's own, so that for 24 hours a second send is
recognised however the letters are grouped. With `batch` up to 100 letters are one request to /emails/batch: fifty
times as fast under a limit of requests, but Resend then remembers the batch and not the letter, so this sender promises
no memory. One bad address fails a batch whole: it is halved until the bad one stands alone.

==================================  ==========================================================
200 with the ids of all letters     accepted
200 with anything else              unknown: something between us and Resend may have answered
400, 413, 422, 451                  rejected; misconfigured where key or sender is at fault
401, 403, 404, 405, 3xx             misconfigured
408, 503                            transient: not taken
409                                 unknown: the key is in use, or was used for other bytes
429                                 throttled, for as long as it says
500, 502, 504, any other answer     unknown: it may have come after the acceptance
no connection                       transient; misconfigured if the certificate is wrong
no answer, connection lost          unknown
==================================  ==========================================================

Each letter carries its key as the tag ``message_key``, which webhooks bring back.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from retention import _hashing, _values
from retention.errors import InvalidInput, MissingExtra
from retention.messages import Message, Result, as_tag
from retention.ports import Capabilities
from retention.senders._answers import check_size, detail

if TYPE_CHECKING:
    import httpx

__all__ = ["ResendSender"]

_MEMORY = timedelta(hours=24)
_BATCH = 100
_QUOTA = timedelta(hours=1)  # a quota of a day or month is spent: no use in asking every minute
_LONGEST_WAIT = 2.0  # Resend's limit is per second; whatever asks for more is `throttled`
_PLAIN_KEY = re.compile(r"[!-~]+")
_PLAIN_NAME = re.compile(r"[\w !#$%&'*+/=?^`{|}~-]*")  # what needs no quotation marks (RFC 5322, atoms)
_REJECTED = (400, 413, 422, 451)
_NOT_TAKEN = (408, 503)
_FINAL = ("accepted", "rejected")


class ResendSender:
    """Sends by Resend under `api_key`, which is shown nowhere.

    `batch`: up to 100 letters in one request, at the price of no memory for keys (see above). `base_url`: another host,
    as for tests. `timeout`: seconds to wait for an answer. `sleep` waits, in seconds, when Resend says that its
    limit of requests is used up for this second. Raises `MissingExtra` without httpx, `InvalidInput` for a key or
    address that cannot be used.
    """

    def __init__(
        self,
        api_key: str,
        *,
        batch: bool = False,
        base_url: str = "https://api.resend.com",
        timeout: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not _PLAIN_KEY.fullmatch(_values.text("api_key", api_key)):
            raise InvalidInput("api_key: empty, or holds spaces or characters beyond ASCII; copy it from Resend")
        self.capabilities = Capabilities(_BATCH) if batch else Capabilities(1, remembers_for=_MEMORY)
        self._secret, self._batch, self._sleep = api_key, batch, sleep
        self._wait = 0.0
        self._client = _client(api_key, _values.web_address("base_url", base_url), timeout)

    def __repr__(self) -> str:
        return f"ResendSender(base_url={str(self._client.base_url)!r}, batch={self._batch})"

    def close(self) -> None:
        """Close the connections that are kept; nothing can be sent afterwards."""
        self._client.close()

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send the messages; raises `InvalidInput` for more than `max_batch`."""
        check_size(messages, self.capabilities.max_batch)
        return self._send(messages) if messages else []

    def _send(self, messages: Sequence[Message]) -> list[Result]:
        result = self._post(messages)
        if result.status != "rejected" or len(messages) == 1:
            return [result] * len(messages)
        half = len(messages) // 2  # one of them is bad, and nobody says which
        results = self._send(messages[:half])
        if results[-1].status in _FINAL:
            return results + self._send(messages[half:])
        return results + [_untried(results[-1])] * (len(messages) - half)

    def _post(self, messages: Sequence[Message]) -> Result:
        import httpx

        if self._wait:
            self._sleep(self._wait)
        try:
            response = self._client.post(**self._request(messages))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return _unconnected(error)
        except httpx.RequestError as error:
            return Result("unknown", f"no answer: {type(error).__name__}")
        self._wait = _wait(response)
        return self._result(response, len(messages))

    def _request(self, messages: Sequence[Message]) -> dict[str, Any]:
        if not self._batch:
            (message,) = messages
            return {"url": "/emails", "json": _letter(message), "headers": {"Idempotency-Key": message.key}}
        headers = {
            "Idempotency-Key": _hashing.digest(*(message.key for message in messages)),
            "x-batch-validation": "strict",  # all or none, so that a refusal means that nothing was taken
        }
        return {"url": "/emails/batch", "json": [_letter(message) for message in messages], "headers": headers}

    def _result(self, response: httpx.Response, letters: int) -> Result:
        data = _json(response)
        if response.status_code == 200:
            ok = _ids(data, batch=self._batch) == letters
            return Result("accepted") if ok else Result("unknown", "200, but no ids of letters")
        name, told = (str(data.get(field, "")) for field in ("name", "message"))
        text = detail(f"{response.status_code} {name} {told}", self._secret)
        if response.status_code == 429:
            return Result("throttled", text, _QUOTA if name.endswith("quota_exceeded") else _retry_after(response))
        return Result(_status(response.status_code, name, told), text)


def _client(api_key: str, base_url: str, timeout: float) -> httpx.Client:
    try:
        import httpx
    except ImportError:
        raise MissingExtra("httpx, which reaches Resend, is not installed; pip install 'retention[resend]'") from None
    headers = {"Authorization": f"Bearer {api_key}", "User-Agent": "retention"}
    return httpx.Client(base_url=base_url, headers=headers, timeout=timeout)


def _letter(message: Message) -> dict[str, Any]:
    data: dict[str, Any] = {
        "from": _mailbox(message.sender_name, message.sender),
        "to": [message.to],
        "subject": message.subject,
        "text": message.text,
        "tags": [{"name": "message_key", "value": as_tag(message.key)}],
    }
    if message.html:
        data["html"] = message.html
    if message.unsubscribe_url:
        data["headers"] = {
            "List-Unsubscribe": f"<{message.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return data


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    if _PLAIN_NAME.fullmatch(name):
        return f"{name} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _json(response: httpx.Response) -> dict[str, Any]:
    """The body as a JSON object, empty for anything else: pages, half an answer, a list."""
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _ids(data: dict[str, Any], *, batch: bool) -> int:
    """How many letters have an id."""
    found = data.get("data") if batch else [data]
    return sum(isinstance(one, dict) and bool(one.get("id")) for one in found) if isinstance(found, list) else 0


def _status(code: int, name: str, told: str) -> Any:
    if code in _NOT_TAKEN:
        return "transient"
    if code in _REJECTED:
        # A malformed key is a 400, a sender's domain that nobody verified a 422 at times: no fault of the letter.
        return "misconfigured" if "API key" in told or name == "invalid_from_address" else "rejected"
    if 300 <= code < 500 and code != 409:
        return "misconfigured"
    return "unknown"


def _retry_after(response: httpx.Response) -> timedelta | None:
    """The pause of a Retry-After in seconds or, counted from the answer's own Date, as a date (RFC 9110)."""
    value = response.headers.get("retry-after", "")
    try:
        return timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        until, since = _date(value), _date(response.headers.get("date", ""))
    return max(until - since, timedelta()) if until and since else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else None


def _wait(response: httpx.Response) -> float:
    """Seconds until the next request, if this one was the last that the limit allows for now."""
    try:
        spent = int(response.headers["ratelimit-remaining"]) <= 0
        return min(max(float(response.headers["ratelimit-reset"]), 0.0), _LONGEST_WAIT) if spent else 0.0
    except (KeyError, ValueError):
        return 0.0


def _untried(last: Result) -> Result:
    """What the letters get that were not sent because of what became of those before them."""
    return Result("transient", "not tried: the request before had no answer") if last.status == "unknown" else last


def _unconnected(error: Exception) -> Result:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return Result("transient" if cause is None else "misconfigured", f"no connection: {type(cause or error).__name__}")
