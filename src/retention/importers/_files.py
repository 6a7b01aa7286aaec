"""A file on disk -> records of text cells, each with the number of the line it begins on.

Streams, and knows nothing of orders. What cannot be parsed is one line lost, never its neighbours: after a quote
that does not close, the lines it swallowed are read again.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from attrs import frozen

from retention.errors import InvalidInput

__all__ = ["Record", "Source", "opened", "records"]

_GZIP = b"\x1f\x8b"

Record: TypeAlias = tuple[int, list[str]]
"""The number of its first line, from 1, and its cells."""


@frozen
class Source:
    """An open file: `name` for messages, its `lines`, and `progress()`, the share of it that was read, 0 to 1."""

    name: str
    lines: Iterator[str]
    progress: Callable[[], float]


@contextmanager
def opened(path: str | os.PathLike[str], encoding: str) -> Iterator[Source]:
    """The file, unpacked if it is gzip by its first bytes. Bytes that are no text become lone surrogates."""
    try:
        raw = open(path, "rb")  # noqa: PTH123, SIM115 (closed below; a path may be any os.PathLike)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path}: cannot be opened ({_short(error)}); check the path and the rights") from error
    with raw:
        size = os.fstat(raw.fileno()).st_size
        unpacked = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == _GZIP else raw
        if codecs.lookup(encoding).name == "utf-8":
            encoding = "utf-8-sig"
        with io.TextIOWrapper(unpacked, encoding, "surrogateescape", newline="") as text:
            yield Source(str(path), text, lambda: min(1.0, raw.tell() / size) if size else 0.0)


def _short(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def records(source: Source, delimiter: str) -> Iterator[Record]:
    """Every record that is not empty. One whose quotes are broken is a record of a single cell, its first line.

    Raises `InvalidInput` if the file cannot be read to its end.
    """
    again: deque[str] = deque()
    held: list[str] = []
    number = 1
    rows = _rows(source.lines, again, held, delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            row = [held[0].rstrip("\r\n")]
            again.extendleft(reversed(held[1:]))
            del held[1:]
            rows = _rows(source.lines, again, held, delimiter)
        except (EOFError, OSError, UnicodeError, zlib.error) as error:
            raise InvalidInput(f"{source.name}: line {number}: {_unreadable(error)}") from error
        if row is None:
            return
        if row:
            yield number, row
        number += len(held)
        held.clear()


def _rows(lines: Iterator[str], again: deque[str], held: list[str], delimiter: str) -> Iterator[list[str]]:
    """The records of the lines `again` and then of the others; `held` collects the lines of the one being read."""

    def taken() -> Iterator[str]:
        while again:
            held.append(again.popleft())
            yield held[-1]
        for line in lines:
            held.append(line)
            yield line

    return csv.reader(taken(), delimiter=delimiter, strict=True)


def _unreadable(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return f"{error}; say which encoding the file has"
    whole = "get the whole file and import it again: what is known already is not doubled"
    return f"the file is cut off or damaged here ({_short(error)}); {whole}"
