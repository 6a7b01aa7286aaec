"""The way from every released schema to today's, one step for each number.

A step gets the connection within the transaction that opening a file begins, so a process that is killed in the middle
leaves the old schema, and of two that open a file at once one migrates and the other finds it done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from retention import messages
from retention.storage import _rows, _schema

_PAYLOADS_2 = """
CREATE TABLE payloads (
    message_key TEXT PRIMARY KEY, recipient TEXT NOT NULL, sender TEXT NOT NULL, sender_name TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL, at INTEGER NOT NULL,
    promotional INTEGER NOT NULL, unsubscribe_url TEXT NOT NULL
) STRICT
"""
_ADD_PAYLOAD_2 = "INSERT INTO payloads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def migrate(db: Any, version: int) -> None:
    """Bring a database of schema `version` to today's; the connection `db` is in a transaction."""
    for number in range(version, _schema.VERSION):
        _STEPS[number](db)
    db.execute(f"PRAGMA user_version = {_schema.VERSION}")


def _from_1(db: Any) -> None:
    """Letters were JSON text; one that cannot be read gets no row and stays unreadable."""
    db.execute("ALTER TABLE payloads RENAME TO payloads_1")
    db.execute(_PAYLOADS_2)
    old = db.execute("SELECT message_key, message FROM payloads_1")
    db.executemany(_ADD_PAYLOAD_2, (_rows.message_row(one) for _, one in _rows.readable(_message_1, old)))
    db.execute("DROP TABLE payloads_1")


def _message_1(text: str) -> messages.Message:
    return messages.from_json(json.loads(text))


_STEPS: Mapping[int, Callable[[Any], None]] = {1: _from_1}
