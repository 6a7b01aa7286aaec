"""Sizes of clothes and shoes as places on a scale: numbers (42, 38,5) or letters (S, XL, 2XL); nothing else is read."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Place", "place"]

_LETTERS = {word: step for step, word in enumerate(("XXXS", "XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL", "XXXXL"))}
_TIMES = re.compile(r"([2-4])X([LS])")
_NUMBER = re.compile(r"\d{1,4}([.,]\d{1,2})?")


class Place(NamedTuple):
    """`scale`: 0 for numbers, 1 for letters; places on one scale can be compared and subtracted."""

    scale: int
    step: float


def place(size: str) -> Place | None:
    """Where a size is on its scale; None for one that is on none.

    >>> place("38,5"), place(" 2xl"), place("one size")
    (Place(scale=0, step=38.5), Place(scale=1, step=7), None)
    """
    word = _TIMES.sub(lambda found: "X" * int(found[1]) + found[2], size.strip().upper())
    if _NUMBER.fullmatch(word):
        return Place(0, float(word.replace(",", ".")))
    return Place(1, _LETTERS[word]) if word in _LETTERS else None
