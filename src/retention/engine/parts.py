"""Work in parts, so that one customer whose file ends the process does not take everybody else along, run after run.

Such a customer (a history too large for the memory, a crash in a library) raises nothing that could be caught, and is
waiting again at the next run. So the work is done in parts whose order differs from run to run: what comes before
that customer is done, and in the end only that customer is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from retention import _hashing

__all__ = ["parts"]

T = TypeVar("T")

_PARTS = 4  # more would lose less with each death, and cost more transactions


def parts(items: Sequence[T], name: Callable[[T], str], run: str = "") -> Iterator[list[T]]:
    """The items in up to four parts of nearly one size, in an order made of their names and the run's.

    >>> [len(part) for part in parts("abcdefghij", name=str)]
    [3, 3, 3, 1]
    >>> ["".join(part) for part in parts("abc", name=str, run="2")]
    ['c', 'a', 'b']
    """
    mixed = sorted(items, key=lambda item: _hashing.digest(run, name(item)))
    size = -(-len(mixed) // _PARTS)
    return (mixed[start : start + size] for start in range(0, len(mixed), size or 1))
