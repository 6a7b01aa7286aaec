"""What may be said of an unexpected error in a log: its class and where it arose, never its text.

Texts of errors quote what they stumbled over: an address, a name, a secret.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb

__all__ = ["trouble"]


def trouble(error: BaseException) -> str:
    """The error's class, file and line.

    >>> try:
    ...     int("eve@example.org")
    ... except ValueError as error:
    ...     trouble(error).split(" at ")[0]
    'ValueError'
    """
    place = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
