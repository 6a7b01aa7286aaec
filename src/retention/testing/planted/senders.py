"""Senders with one realistic bug each, every one seen in the field or in a review, and a good one to compare with.

`PLANTED` maps the bug to the kit's verdicts on it: at least one law is broken. The good sender is thirty lines of the
standard library for Resend's dialect, and keeps every law.
"""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve

from retention.errors import InvalidInput
from retention.messages import Message, Result, as_tag
from retention.ports import Capabilities
from retention.senders.memory import MemorySender
from retention.senders.smtp import SMTPSender
from retention.testing.laws import Verdicts
from retention.testing.provider import RESEND
from retention.testing.sender import check

__all__ = ["PLANTED", "GoodSender"]

_SECRET = "re_planted"  # noqa: S105 - of nothing
_CLASSES: Mapping[int, Any] = {401: "misconfigured", 403: "misconfigured", 422: "rejected", 503: "transient"}


class GoodSender:
    """One request for each letter, under the letter's own key; takes three letters in one call."""

    capabilities = Capabilities(max_batch=3, remembers_for=timedelta(hours=24))

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send the messages."""
        if len(messages) > self.capabilities.max_batch:
            raise InvalidInput(f"messages: {len(messages)} in one call; send at most {self.capabilities.max_batch}")
        return [self.send_one(message) for message in messages]

    def send_one(self, message: Message) -> Result:
        """Connect, hand over, read the answer."""
        line = http.client.HTTPConnection(self._host, timeout=0.15)
        try:
            line.connect()
        except OSError:
            return Result("transient", "no connection")
        try:
            line.request("POST", "/emails", json.dumps(self.body(message)), self.headers(message))
            answer = line.getresponse()
            return self.result(answer, answer.read())
        except (OSError, http.client.HTTPException):
            return self.unanswered()
        finally:
            line.close()

    def headers(self, message: Message) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {_SECRET}", "Idempotency-Key": message.key}

    def body(self, message: Message) -> dict[str, Any]:
        """The letter."""
        name = message.sender_name.replace("\\", "\\\\").replace('"', '\\"')
        return {
            "from": f'"{name}" <{message.sender}>',
            "to": [message.to],
            "subject": message.subject,
            "text": message.text,
            "tags": [{"name": "message_key", "value": as_tag(message.key)}],
            "headers": {
                "List-Unsubscribe": f"<{message.unsubscribe_url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        }

    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        """The class of an answer."""
        if answer.status == 200:
            return Result("accepted") if _has_id(body) else Result("unknown", "no id")
        if answer.status == 429:
            return Result("throttled", "", _pause(answer))
        return Result(_CLASSES.get(answer.status, "unknown"), str(answer.status))

    def unanswered(self) -> Result:
        """The class of a letter that was handed over and had no answer."""
        return Result("unknown", "no answer")


def _has_id(body: bytes) -> bool:
    try:
        return bool(json.loads(body).get("id"))
    except ValueError:
        return False


def _pause(answer: http.client.HTTPResponse) -> timedelta:
    after = answer.headers["Retry-After"]
    if after.isdigit():
        return timedelta(seconds=int(after))
    return parsedate_to_datetime(after) - parsedate_to_datetime(answer.headers["Date"])


class _Reversed(GoodSender):
    def send(self, messages: Sequence[Message]) -> list[Result]:
        return super().send(messages)[::-1]


class _OneMissing(GoodSender):
    def send(self, messages: Sequence[Message]) -> list[Result]:
        return [result for result in super().send(messages) if result.status != "rejected"]


class _TimeoutIsTransient(GoodSender):
    capabilities = Capabilities(max_batch=3)

    def unanswered(self) -> Result:
        return Result("transient", "timed out")


class _TimeoutRaises(GoodSender):
    def unanswered(self) -> Result:
        raise TimeoutError


class _NoPause(GoodSender):
    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        return evolve(super().result(answer, body), retry_after=None)


class _SecondsOnly(GoodSender):
    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        if not answer.headers.get("Retry-After", "1").isdigit():
            return Result("throttled")
        return super().result(answer, body)


class _PageRaises(GoodSender):
    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        result = super().result(answer, body)
        return result if result.status == "accepted" else evolve(result, detail=str(json.loads(body)["name"]))


class _AnyAnswerIsGood(GoodSender):
    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        return Result("accepted") if answer.status == 200 else super().result(answer, body)


class _WrongKeyRejectsLetters(GoodSender):
    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        return Result("rejected") if 400 <= answer.status < 429 else super().result(answer, body)


class _ErrorsAreTransient(GoodSender):
    capabilities = Capabilities(max_batch=3)

    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        return Result("transient") if answer.status >= 500 else super().result(answer, body)


class _NoConnectionIsDoubt(GoodSender):
    def send_one(self, message: Message) -> Result:
        result = super().send_one(message)
        return Result("unknown") if result.detail == "no connection" else result


class _NoKey(GoodSender):
    def headers(self, message: Message) -> dict[str, str]:
        headers = super().headers(message)
        del headers["Idempotency-Key"]
        return headers


class _KeyOfTheAttempt(GoodSender):
    attempts = 0

    def headers(self, message: Message) -> dict[str, str]:
        self.attempts += 1
        return super().headers(message) | {"Idempotency-Key": f"{message.key}-{self.attempts}"}


class _NoLimit(GoodSender):
    def send(self, messages: Sequence[Message]) -> list[Result]:
        return [self.send_one(message) for message in messages]


class _NameUnquoted(GoodSender):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"from": f"{message.sender_name} <{message.sender}>"}


class _CopyToTheShop(GoodSender):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"to": [message.to, message.sender]}


class _NoUnsubscribe(GoodSender):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"headers": {"List-Unsubscribe": f"<{message.unsubscribe_url}>"}}


class _SubjectCut(GoodSender):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"subject": message.subject.encode("ascii", "replace").decode()}


class _SecretInRepr(GoodSender):
    def __repr__(self) -> str:
        return f"Sender({vars(self)}, {_SECRET!r})"


class _SecretInDetail(GoodSender):
    def result(self, answer: http.client.HTTPResponse, body: bytes) -> Result:
        result = super().result(answer, body)
        return result if result.status == "accepted" else evolve(result, detail=body.decode("utf-8", "replace"))


class _SecretInLog(GoodSender):
    def headers(self, message: Message) -> dict[str, str]:
        headers = super().headers(message)
        logging.getLogger("planted").debug("sending with %s", headers)
        return headers


class _LookupLies(MemorySender):
    def lookup(self, message_keys: Sequence[str]) -> list[Result]:
        return [Result("accepted") for _ in message_keys]


class _DoubtIsTransient(SMTPSender):
    def send(self, messages: Sequence[Message]) -> list[Result]:
        return [Result("transient") if r.status == "unknown" else r for r in super().send(messages)]


class _NeverGivesUp(SMTPSender):
    def send(self, messages: Sequence[Message]) -> list[Result]:
        return [Result("transient") if r.status == "rejected" else r for r in super().send(messages)]


class _TriesTwice(SMTPSender):
    def send(self, messages: Sequence[Message]) -> list[Result]:
        results = super().send(messages)
        return super().send(messages) if any(r.status == "unknown" for r in results) else results


def _http(sender: Callable[[str], GoodSender]) -> Verdicts:
    return check(sender, dialect=RESEND, secret=_SECRET)


def _smtp(sender: type[SMTPSender]) -> Verdicts:
    return check(lambda url: sender(url, timeout=0.2), smtp=True)


_HTTP: Mapping[str, type[GoodSender]] = {
    "results in another order": _Reversed,
    "no result for a bad address": _OneMissing,
    "a timeout after hand-over is transient": _TimeoutIsTransient,
    "a timeout raises": _TimeoutRaises,
    "429 without its pause": _NoPause,
    "429 with a date is not understood": _SecondsOnly,
    "an HTML error page raises": _PageRaises,
    "any 200 is accepted": _AnyAnswerIsGood,
    "a wrong API key rejects the letters": _WrongKeyRejectsLetters,
    "a 500 after acceptance is transient": _ErrorsAreTransient,
    "no connection is called a doubt": _NoConnectionIsDoubt,
    "the key is not passed on": _NoKey,
    "every attempt has a key of its own": _KeyOfTheAttempt,
    "an oversized call is taken": _NoLimit,
    "the sender's name is not quoted": _NameUnquoted,
    "a copy goes to the shop": _CopyToTheShop,
    "half of the unsubscribe headers": _NoUnsubscribe,
    "the subject is cut to ASCII": _SubjectCut,
    "the secret is in the repr": _SecretInRepr,
    "the secret is in the detail": _SecretInDetail,
    "the secret is in the log": _SecretInLog,
}
_SMTP: Mapping[str, type[SMTPSender]] = {
    "SMTP: a lost answer is transient": _DoubtIsTransient,
    "SMTP: a refusal is transient": _NeverGivesUp,
    "SMTP: a lost answer is sent again": _TriesTwice,
}

PLANTED: Mapping[str, Callable[[], Verdicts]] = {
    **{name: partial(_http, sender) for name, sender in _HTTP.items()},
    **{name: partial(_smtp, sender) for name, sender in _SMTP.items()},
    "look-ups always say accepted": partial(check, lambda _: _LookupLies()),
}
"""Each bug by its name, and how to try the kit on it."""
