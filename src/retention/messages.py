"""A letter ready to leave the house, and what a sender says became of it.

A `Message` is complete and frozen when the decision is committed: the same key always means the same bytes. Nothing
here talks to anybody.
"""

from __future__ import annotations

import re
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal

import attrs
from attrs import field, frozen

from retention import _records, _values
from retention._types import Json
from retention.errors import InvalidInput

__all__ = ["FIELDS", "Message", "Result", "as_bytes", "as_tag", "from_json", "from_tag", "to_json", "trusted"]


# What every provider takes as an idempotency key, and every file system as a name.
_KEY = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TAGGED = re.compile("_([_-])")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Text that needs no encoding in a header: "=?" would be decoded, outer spaces lost, long lines (RFC 5322: 998) cut.
_PLAIN_HEADER = re.compile(r"(?!.*=\?)[!-~]([ -~]{0,800}[!-~])?")
# What a body cannot hold as it is.
_ODD = re.compile(r"[^\t\n -~]")
_LONG_LINE = 900  # RFC 5322 allows 998


def _key(name: str, value: object) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise InvalidInput(f"{name}: {value!r} is no key; use 1 to 128 letters, digits, dots, hyphens and underscores")
    return value


def _one_line(name: str, value: object) -> str:
    line = _values.text(name, value)
    if _BREAKS.search(line):
        raise InvalidInput(f"{name}: {line!r} holds a control character or line break; a header is one line")
    return line


def _link(name: str, value: object) -> str:
    return "" if value == "" else _values.web_address(name, value)


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Message:
    """One letter to one recipient.

    `key`: unique and the same on every attempt (idempotency key, Message-ID and file name). `at`: when it was
    decided, its Date header. `unsubscribe_url`: the one-click link of RFC 8058, required on promotional letters.
    """

    key: str = field(metadata=_values.clean(_key))
    to: str = field(metadata=_values.clean(_values.address))
    sender: str = field(metadata=_values.clean(_values.address))
    sender_name: str = field(metadata=_values.clean(_one_line))
    subject: str = field(metadata=_values.clean(_one_line))
    text: str = field(metadata=_values.clean(_values.text))
    html: str = field(metadata=_values.clean(_values.text))
    at: datetime = field(metadata=_values.clean(_values.instant))
    promotional: bool = field(default=True, metadata=_values.clean(_values.flag))
    unsubscribe_url: str = field(default="", metadata=_values.clean(_link))

    def __attrs_post_init__(self) -> None:
        if not self.text.strip():
            raise InvalidInput("text: empty; every letter needs a text part")
        if self.promotional and not self.unsubscribe_url:
            raise InvalidInput("unsubscribe_url: missing; a promotional letter must offer one-click unsubscribe")


FIELDS: tuple[str, ...] = tuple(a.name for a in attrs.fields(Message))
"""The names of a message's fields, in order."""


def trusted(values: Iterable[object]) -> Message:
    """The message with these values of its `FIELDS`, which a `Message` had before: nothing is checked again.

    For storages, which read thousands of letters a second and wrote every one of them from a `Message`.
    """
    message = object.__new__(Message)
    for put, value in zip(_PUT, values, strict=True):
        put(message, value)
    return message


# The slots' own setters: a frozen record has no others.
_PUT = tuple(getattr(Message, name).__set__ for name in FIELDS)


def to_json(message: Message) -> Json:
    """The message as a JSON mapping."""
    return {"format": 1, **_records.fields(message)}


def from_json(data: Json) -> Message:
    """The message that `to_json` wrote."""
    rest = dict(data)
    if rest.pop("format", None) != 1:
        raise InvalidInput(f"format: {data.get('format')!r} of a message is unknown; update the library")
    return Message(**rest)


def as_tag(key: str) -> str:
    """The key in the letters, digits, hyphens and underscores that providers take as a tag; `from_tag` undoes it.

    >>> as_tag("win_back.1"), from_tag("win__back_-1")
    ('win__back_-1', 'win_back.1')
    """
    return key.replace("_", "__").replace(".", "_-")


def from_tag(tag: str) -> str:
    """The key that `as_tag` wrote."""
    return _TAGGED.sub(lambda pair: "_" if pair[1] == "_" else ".", tag)


def as_bytes(message: Message) -> bytes:
    """The letter as RFC 5322 bytes with a text and an HTML part; equal messages give equal bytes.

    Written by hand because the standard library's `EmailMessage` builds some 900 letters a second, and this 20,000.
    """
    return "\r\n".join((*_headers(message), *_body(message), "")).encode("ascii")


def _headers(message: Message) -> Iterator[str]:
    yield f"From: {_mailbox(message.sender_name, message.sender)}"
    yield f"To: {message.to}"
    yield f"Subject: {_words(message.subject)}"
    yield f"Date: {format_datetime(message.at)}"
    yield f"Message-ID: <{message.key}@{message.sender.rpartition('@')[2]}>"
    if message.unsubscribe_url:
        yield f"List-Unsubscribe: <{message.unsubscribe_url}>"
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    yield "MIME-Version: 1.0"


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    if not _PLAIN_HEADER.fullmatch(name):
        return f"{_words(name)} <{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _words(text: str) -> str:
    """The text as it is where that is safe, else as encoded words of RFC 2047, one on a line."""
    if not text or _PLAIN_HEADER.fullmatch(text):
        return text
    size = 45 // len(max(text).encode())  # so many characters are at most 45 bytes, and those 72 characters in base64
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    return "\r\n ".join(f"=?utf-8?b?{b64encode(piece.encode()).decode()}?=" for piece in pieces)


def _body(message: Message) -> Iterator[str]:
    if not message.html:
        yield from _part("plain", message.text)
        return
    boundary = f"=_{message.key}"  # neither encoding can produce "=_", and plain bodies have no "--="
    yield f'Content-Type: multipart/alternative; boundary="{boundary}"'
    yield ""
    for subtype, text in (("plain", message.text), ("html", message.html)):
        yield f"--{boundary}"
        yield from _part(subtype, text)
    yield f"--{boundary}--"


def _part(subtype: str, text: str) -> Iterator[str]:
    encoding, body = _encoded(text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n"))
    yield f'Content-Type: text/{subtype}; charset="utf-8"'
    yield f"Content-Transfer-Encoding: {encoding}"
    yield ""
    yield body.rstrip("\n").replace("\n", "\r\n")


def _is_plain(lines: str) -> bool:
    """Whether a body needs no encoding; "--=" might end the part."""
    return "--=" not in lines and not _ODD.search(lines) and max(map(len, lines.split("\n"))) < _LONG_LINE


def _encoded(lines: str) -> tuple[str, str]:
    """The text as it is where that is safe, else in the shorter of the two encodings of RFC 2045."""
    if _is_plain(lines):
        return "7bit", lines
    data = lines.encode()
    quoted = b2a_qp(data)
    if len(quoted) <= -(-len(data) // 3) * 4 + -(-len(data) // 57):  # the length of the other
        return "quoted-printable", quoted.decode("ascii")
    return "base64", encodebytes(data).decode("ascii")


@frozen
class Result:
    """What became of one attempt to send.

    accepted · rejected (never will be) · transient (later perhaps) · throttled (after `retry_after`) ·
    misconfigured (this sender cannot send anything now) · unknown (handed over, answer lost: in doubt).
    """

    status: Literal["accepted", "rejected", "transient", "throttled", "misconfigured", "unknown"]
    detail: str = ""
    retry_after: timedelta | None = None
