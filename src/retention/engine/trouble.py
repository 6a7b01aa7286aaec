"""What may be said of trouble in a log, an error or the ledger: never an address, a name or a secret.

Texts of errors quote what they stumbled over, and providers' explanations quote the recipient.
"""

from __future__ import annotations

import re
from pathlib import Path
from traceback import extract_tb

__all__ = ["scrubbed", "trouble"]

_ADDRESS = re.compile(r"\S*(?:@|%40)\S*")


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


def scrubbed(text: str) -> str:
    """The text without whatever might be an e-mail address.

    >>> scrubbed("550 <eve@example.org>: no such mailbox")
    '550 (address) no such mailbox'
    """
    return _ADDRESS.sub("(address)", text)
