"""Names from strangers, made fit for a sentence: a registration form or a catalogue may hold anything."""

from __future__ import annotations

import re

__all__ = ["LONGEST_NAME", "LONGEST_PRODUCT", "greetable", "line", "product"]

LONGEST_NAME = 40
"""A customer's name beyond this many characters is no name to greet anybody with."""
LONGEST_PRODUCT = 60
"""A product's name beyond this many characters is cut, so that a subject stays a subject."""
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# People register as "WIN MONEY http://…" to have a shop mail their advertisement.
_NO_NAME = re.compile(r"[@/<>\\{}]|:|www\.", re.IGNORECASE)
_ONLY_MARKS = re.compile(r"\W*\Z")
# What programs write where they know nothing, and what is left around it in "last name, first name".
_NOTHING = frozenset({"None", "none", "NULL", "null", "NaN", "nan", "undefined"})
_LEFT_OVER = " ,;!?"


def line(text: str) -> str:
    """The text on one line, without control characters."""
    return _BREAKS.sub(" ", text).strip()


def product(name: str) -> str:
    """A product's name, cut where it is too long; "" for what names nothing: only marks, or a program's "None"."""
    name = line(name)
    if _ONLY_MARKS.match(name) or name in _NOTHING:
        return ""
    return name if len(name) <= LONGEST_PRODUCT else name[: LONGEST_PRODUCT - 1].rstrip() + "…"


def greetable(name: str) -> str:
    """A customer's name, "" if it is not fit for a greeting; without what is left of a part that was not known.

    >>> greetable(", Ann"), greetable("Ann None"), greetable("None")
    ('Ann', 'Ann', '')
    """
    name = " ".join(word for word in line(name).split(" ") if word not in _NOTHING).strip(_LEFT_OVER)
    return "" if len(name) > LONGEST_NAME or _NO_NAME.search(name) or _ONLY_MARKS.match(name) else name
