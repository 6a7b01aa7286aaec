"""Records <-> the values that a database keeps: JSON text with a `format` number, instants as whole microseconds.

Knows no database: any storage that keeps rows can use it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from retention import _records, facts, messages
from retention.errors import InvalidInput
from retention.facts import Fact
from retention.journey.ledger import Decision, Entry
from retention.messages import Message

FORMAT = 1
"""The number that every stored entry and decision carries; facts and messages carry their own."""

ERASED = ""
"""The text of a fact that is no more; only its kind and id are left."""

DAMAGED = "\0not UTF-8"
"""Stands for a text whose bytes are no UTF-8: this very object, which no record can be read from."""

AT_ONCE = -62_135_596_800_000_000
"""The first microsecond of the calendar: earlier than any `now`."""

R = TypeVar("R")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT, _PROMOTIONAL = messages.FIELDS.index("at"), messages.FIELDS.index("promotional")
_TIMES = ("at", "due", "slot", "until", "valid_until", "entered_at", "basis")


_PARSE = json.JSONDecoder().raw_decode


def _parsed(text: str) -> dict[str, Any]:
    """`json.loads` for text that was written here, in half the time."""
    data: dict[str, Any]
    data, end = _PARSE(text)
    if end != len(text):
        raise InvalidInput(f"character {end}: more than one value")
    return data


def micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    passed = instant - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def instant(micros: int) -> datetime:
    """The instant, in UTC, that `micros` made a number of."""
    return _EPOCH + timedelta(microseconds=micros)


def decoded(raw: bytes) -> str:
    """The text, or `DAMAGED`: one such value must not make a query of many rows fail."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return DAMAGED


def intact(rows: Iterable[tuple[str]]) -> list[str]:
    """The ids that can be read: nothing can be done for the others."""
    return [id_ for (id_,) in rows if id_ is not DAMAGED]


def fact_text(fact: Fact) -> str:
    """The fact as canonical JSON text."""
    return _records.text(facts.to_json(fact))


def fact(text: str) -> Fact:
    """The fact that `fact_text` wrote."""
    return facts.from_storage(_parsed(text))


def message_row(message: Message) -> tuple[object, ...]:
    """The message as a row of the table `payloads`."""
    values = [getattr(message, name) for name in messages.FIELDS]
    values[_AT] = micros(message.at)
    return tuple(values)


def message(row: Sequence[Any]) -> Message:
    """The message that `message_row` made a row of; its values were checked when it was built, and are not again."""
    if any(value is DAMAGED for value in row):
        raise InvalidInput("message: a text is no UTF-8")
    values = list(row)
    values[_AT] = instant(row[_AT])
    values[_PROMOTIONAL] = bool(row[_PROMOTIONAL])
    return messages.trusted(values)


def text(record: Entry | Decision) -> str:
    """An entry or decision as canonical JSON text."""
    return _records.text({"format": FORMAT, **_records.fields(record)})


def entry(text: str) -> Entry:
    """The entry that `text` wrote."""
    return Entry(**_fields(text))


def decision(text: str) -> Decision:
    """The decision that `text` wrote."""
    return Decision(**_fields(text))


def _fields(text: str) -> dict[str, Any]:
    data = _parsed(text)
    if data.pop("format") != FORMAT:
        raise InvalidInput("format: is newer; update the library")
    for name in _TIMES:
        if name in data:
            when = datetime.fromisoformat(data[name])
            data[name] = when if when.tzinfo is UTC else when.astimezone(UTC)
    return data


def read(decode: Callable[[R], T], of: str, row: R) -> T | None:
    """The record; None, and a line in the log, for one that cannot be read, so that it blocks no other."""
    try:
        return decode(row)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        # Only the error's name: its text may quote an address.
        _log.error("a stored record of %r cannot be read and is left out (%s)", of, type(error).__name__)
        return None


def readable(decode: Callable[[R], T], rows: Iterable[tuple[str, R]]) -> Iterator[tuple[str, T]]:
    """The rows (whose it is, what is kept) with the records that can be read."""
    for of, row in rows:
        record = read(decode, of, row)
        if record is not None:
            yield of, record
