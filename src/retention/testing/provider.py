"""A provider on this machine that misbehaves on demand: an HTTP server for trying senders, and the webhooks it sends.

It listens on the loopback only, in a thread of its own, and speaks the dialect it is given, Resend's unless told
otherwise. What it accepts it writes down, so that a test can compare what a sender believes with what is true.

    >>> from retention.senders.resend import ResendSender
    >>> with Provider() as provider:
    ...     sender = ResendSender("re_secret", base_url=provider.url)
    ...     provider.faults.append("lost answer")
    ...     sender.capabilities.max_batch
    1
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen

from retention import _hashing
from retention.messages import as_tag, from_tag
from retention.testing._loopback import Loopback

__all__ = ["FAULTS", "RESEND", "Answer", "Dialect", "Fault", "Provider", "Request", "Sent", "resend_webhooks"]

_PATIENCE = 5.0  # how long a slow provider waits for a client to give up


@frozen
class Request:
    """What reached the provider; names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises `ValueError` for anything else."""
        return json.loads(self.body)


@frozen
class Answer:
    """What the provider answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {"Content-Type": "application/json"}

    @classmethod
    def json(cls, status: int, data: Any) -> Answer:
        """An answer in JSON."""
        return cls(status, json.dumps(data).encode())


@frozen(kw_only=True)
class Sent:
    """A letter as the provider understood it; `sender` is the whole From field, `headers` what was asked for beside."""

    key: str
    to: tuple[str, ...]
    sender: str
    subject: str
    text: str
    headers: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Dialect:
    """How to play one provider.

    `read`: the letters in a request, `ValueError` for one that makes no sense. `answer`: what the provider says to
    these letters, given which of them it refuses; those of a 2xx that it does not refuse are accepted.
    `key_header`: the header by which it recognises a request, "" if it has no memory.
    """

    read: Callable[[Request], Sequence[Sent]]
    answer: Callable[[Sequence[Sent], Sequence[bool]], Answer]
    key_header: str = ""


@frozen(kw_only=True)
class Fault:
    """What goes wrong with one request: whether its letters are accepted all the same, and how it ends."""

    accepts: bool = False
    end: Literal["answer", "close", "reset", "wait"] = "answer"
    answer: Answer = Answer(200)


_PAGE = b"<!doctype html><title>Something went wrong</title>"
_HTML = {"Content-Type": "text/html"}
_DATE = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT", "Retry-After": "Sun, 01 Mar 2026 12:01:30 GMT"}

FAULTS: Mapping[str, Fault] = {
    "lost answer": Fault(accepts=True, end="close"),
    "reset": Fault(accepts=True, end="reset"),
    "slow": Fault(accepts=True, end="wait"),
    "html after acceptance": Fault(accepts=True, answer=Answer(502, _PAGE, _HTML)),
    "error after acceptance": Fault(accepts=True, answer=Answer.json(500, {"name": "application_error"})),
    "html with 200": Fault(accepts=True, answer=Answer(200, _PAGE, _HTML)),
    "malformed": Fault(accepts=True, answer=Answer(200, b'{"data": [{"id": "1"')),
    "empty": Fault(accepts=True, answer=Answer(200)),
    "unavailable": Fault(answer=Answer(503, _PAGE, _HTML)),
    "busy": Fault(answer=Answer(429, b'{"name": "rate_limit_exceeded"}', {"Retry-After": "7"})),
    "busy until": Fault(answer=Answer(429, b'{"name": "rate_limit_exceeded"}', _DATE)),
    "unauthorized": Fault(answer=Answer.json(401, {"name": "missing_api_key", "message": "Missing API key"})),
    "forbidden": Fault(answer=Answer.json(403, {"name": "suspended_api_key", "message": "This API key is suspended"})),
    "echo": Fault(answer=Answer(422)),  # the body is what the provider was sent, headers included
}
"""What can go wrong, by name; put names into `Provider.faults`."""


class Provider(Loopback):
    """An HTTP provider at `url`, until it is closed; a context manager.

    `faults`: names out of `FAULTS`, one for each request to come; then all goes well. `refuses`: addresses that it
    takes for bad ones. `accepted`: every letter that it will deliver, in order; `log`: a file that gets their keys as
    well, a line each and at once, to outlive whoever is killed. Keys are remembered for `window` by `clock`, without
    one until `forget()`.
    """

    def __init__(
        self,
        dialect: Dialect | None = None,
        *,
        refuses: Collection[str] = (),
        log: Path | None = None,
        window: timedelta = timedelta(hours=24),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.faults: deque[str] = deque()
        self.accepted: list[Sent] = []
        self.requests: list[Request] = []
        self.refuses = frozenset(refuses)
        self._dialect = dialect or RESEND
        self._log, self._window, self._clock = log, window, clock
        self._memory: dict[tuple[str, str], tuple[datetime | None, bytes, Answer]] = {}
        self._lock = threading.Lock()
        server = _Server(("127.0.0.1", 0), _Handler)
        server.provider = self
        super().__init__(server)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}"

    def forget(self) -> None:
        """Let every key's window end now."""
        self._memory.clear()

    def handle(self, request: Request) -> Fault:
        """What becomes of a request: what goes wrong, or the answer of a provider that is well."""
        with self._lock:
            self.requests.append(request)
            fault = FAULTS[self.faults.popleft()] if self.faults else None
            if fault is None:
                return Fault(answer=self._answer(request))
            if fault.accepts:
                self._answer(request)
            return evolve(fault, answer=_echo(request)) if fault is FAULTS["echo"] else fault

    def _answer(self, request: Request) -> Answer:
        name = (request.path, request.headers.get(self._dialect.key_header, ""))
        known = self._memory.get(name)
        if known and not self._expired(known[0]):
            same = known[1] == request.body
            return known[2] if same else Answer.json(409, {"name": "invalid_idempotent_request"})
        answer = self._accept(request)
        if name[1] and answer.status < 300:
            self._memory[name] = (self._clock and self._clock(), request.body, answer)
        return answer

    def _expired(self, since: datetime | None) -> bool:
        return self._clock is not None and since is not None and self._clock() - since >= self._window

    def _accept(self, request: Request) -> Answer:
        try:
            letters = list(self._dialect.read(request))
        except (ValueError, LookupError, TypeError) as error:
            return Answer.json(422, {"name": "validation_error", "message": str(error)})
        refused = [not self.refuses.isdisjoint(letter.to) for letter in letters]
        answer = self._dialect.answer(letters, refused)
        if answer.status < 300:
            self._write_down([letter for letter, no in zip(letters, refused, strict=True) if not no])
        return answer

    def _write_down(self, letters: Sequence[Sent]) -> None:
        self.accepted.extend(letters)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(f"{letter.key}\n" for letter in letters)


def _echo(request: Request) -> Answer:
    told = f"{dict(request.headers)} {request.body.decode('utf-8', 'replace')}"
    return Answer.json(422, {"name": "validation_error", "message": told})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: Provider


class _Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and does what the provider says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Answer, or don't."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fate = self.server.provider.handle(Request(self.path, headers, body))
        self.close_connection = fate.end != "answer"
        if fate.end == "answer":
            self._write(fate.answer)
        elif fate.end == "wait":
            self._wait()
        elif fate.end == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _write(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        with suppress(OSError):  # the client has gone
            self.end_headers()
            self.wfile.write(answer.body)

    def _wait(self) -> None:
        self.connection.settimeout(_PATIENCE)
        with suppress(OSError):
            self.connection.recv(1)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


# ------------------------------------------------------------- Resend


def _read_resend(request: Request) -> list[Sent]:
    if not request.headers.get("authorization", "").startswith("Bearer re_"):
        raise ValueError("API key is invalid")
    if request.path not in {"/emails", "/emails/batch"}:
        raise ValueError(f"no such endpoint: {request.path}")
    data = request.json()
    letters = data if request.path == "/emails/batch" else [data]
    if not 1 <= len(letters) <= 100:
        raise ValueError(f"{len(letters)} letters in a batch")
    return [_read_letter(letter) for letter in letters]


def _read_letter(data: Mapping[str, Any]) -> Sent:
    (tag,) = data["tags"]
    if not tag["value"].replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"a tag's value is {tag['value']!r}")
    return Sent(
        key=from_tag(tag["value"]),
        to=tuple(data["to"]),
        sender=data["from"],
        subject=data["subject"],
        text=data["text"],
        headers=data.get("headers", {}),
    )


def _answer_resend(letters: Sequence[Sent], refused: Sequence[bool]) -> Answer:
    if any(refused):
        told = "Invalid `to` field. The email address needs to follow the `email@example.com` format."
        return Answer.json(422, {"statusCode": 422, "name": "validation_error", "message": told})
    ids = [{"id": _hashing.key("resend", letter.key)} for letter in letters]
    return Answer.json(200, ids[0] | {"data": ids})


RESEND = Dialect(read=_read_resend, answer=_answer_resend, key_header="idempotency-key")
"""https://resend.com/docs/api-reference: a letter each at /emails, up to 100 and all or none at /emails/batch."""

_BOUNCE = {"bounce": {"type": "Permanent", "subType": "General", "message": "550 5.1.1 no such mailbox"}}


def resend_webhooks(
    letters: Sequence[Sent],
    secret: str,
    at: datetime,
    *,
    rng: np.random.Generator,
    statuses: Sequence[str] = ("delivered", "opened"),
    copies: int = 2,
) -> list[tuple[dict[str, str], bytes]]:
    """Signed webhooks about letters, as Resend sends them: header and body, each `copies` times and out of order."""
    calls = []
    for letter in letters:
        for minute, status in enumerate(statuses):
            event = _event(letter, status, at + timedelta(minutes=minute))
            calls += [_signed(event, f"msg_{_hashing.key(letter.key, status)}", secret, at)] * copies
    return [calls[i] for i in rng.permutation(len(calls))]


def _event(letter: Sent, status: str, at: datetime) -> dict[str, Any]:
    data = {
        "created_at": at.isoformat(),
        "email_id": _hashing.key("resend", letter.key),
        "from": letter.sender,
        "to": list(letter.to),
        "subject": letter.subject,
        "tags": {"message_key": as_tag(letter.key)},
    }
    return {
        "type": f"email.{status}",
        "created_at": at.isoformat(),
        "data": data | (_BOUNCE if status == "bounced" else {}),
    }


def _signed(event: Mapping[str, Any], id_: str, secret: str, at: datetime) -> tuple[dict[str, str], bytes]:
    body = json.dumps(event).encode()
    stamp = str(int(at.timestamp()))
    code = _hashing.mac(base64.b64decode(secret.removeprefix("whsec_")), f"{id_}.{stamp}.".encode() + body)
    return {"svix-id": id_, "svix-timestamp": stamp, "svix-signature": f"v1,{code}"}, body
