"""What to do about each trouble of SQLite, by the name of its result code (https://sqlite.org/rescode.html)."""

from __future__ import annotations

__all__ = ["remedy"]

_REMEDIES = {
    "SQLITE_BUSY": "another process writes for long; try again, or give more patience",
    "SQLITE_CANTOPEN": "make its directory, and let this user write there",
    "SQLITE_CORRUPT": "restore a backup",
    "SQLITE_FULL": "make room on the disk and try again",
    "SQLITE_IOERR": "look after the disk and try again",
    "SQLITE_NOTADB": "give the path of a database that this library made",
    "SQLITE_READONLY": "let this user write the file and its directory",
}


def remedy(error: Exception) -> str:
    """The end of a message about an error of the `sqlite3` module."""
    name = getattr(error, "sqlite_errorname", "")
    return next((remedy for start, remedy in _REMEDIES.items() if name.startswith(start)), "open the storage again")
