"""What is wrong with a database, one line each and without anything personal, and what to do when SQLite complains.

Only reads; the connection belongs to `sqlite`, which gives it within one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retention.storage import _rows, _schema


def problems(db: Any) -> Iterator[str]:
    """One line for each sort of damage; none for a sound database."""
    yield from (line for (line,) in db.execute("PRAGMA integrity_check") if line != "ok")
    for what, query in _schema.CHECKS.items():
        (found,) = db.execute(query).fetchone()
        if found:
            yield f"{what}: {found}"
    for table, (decode, query) in _RECORDS.items():
        found = sum(not _is_readable(decode, row) for row in db.execute(query))
        if found:
            yield f"{table} that cannot be read: {found}"


def _is_readable(decode: Any, row: tuple[Any, ...]) -> bool:
    return _rows.read(decode, "check", row if decode is _rows.message else row[0]) is not None


_RECORDS = {
    "facts": (_rows.fact, "SELECT fact FROM facts WHERE fact <> ''"),
    "entries": (_rows.entry, "SELECT entry FROM entries"),
    "decisions": (_rows.decision, "SELECT decision FROM decisions"),
    "payloads": (_rows.message, "SELECT * FROM payloads WHERE recipient <> ''"),
}


def remedy(error: Exception) -> str:
    """What to do about it, by the name of SQLite's result code (https://sqlite.org/rescode.html)."""
    name = getattr(error, "sqlite_errorname", "")
    return next((remedy for start, remedy in _REMEDIES.items() if name.startswith(start)), "open the storage again")


_REMEDIES = {
    "SQLITE_BUSY": "another process writes for long; try again, or give more patience",
    "SQLITE_CANTOPEN": "make its directory, and let this user write there",
    "SQLITE_CORRUPT": "restore a backup",
    "SQLITE_FULL": "make room on the disk and try again",
    "SQLITE_IOERR": "look after the disk and try again",
    "SQLITE_NOTADB": "give the path of a database that this library made",
    "SQLITE_READONLY": "let this user write the file and its directory",
}
