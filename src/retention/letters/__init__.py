"""Letters: what is written to a customer, in their language, and the signed links in it.

::

    letters = Letters(shop, overrides=Path("our_letters"))
    letters.check(journeys)
    message = letters.write(customer, decision, facts, at)
"""

from __future__ import annotations

from retention.letters import links, preview
from retention.letters.checking import Examined
from retention.letters.context import KINDS, Context
from retention.letters.writing import Letters, message_key

__all__ = ["KINDS", "Context", "Examined", "Letters", "links", "message_key", "preview"]
