"""Returns: why goods come back, what to offer then, and which basket comes back next.

Pure functions of codes, texts and counts.

    >>> from_code("SIZE_TOO_SMALL", platform="shopify")
    <Reason.SIZE_TOO_SMALL: 'SIZE_TOO_SMALL'>
"""

from __future__ import annotations

from retention.reasons import OwnReason, Reason
from retention.returns.codes import AnyReason, Coded, Codes, from_code, from_codes

__all__ = ["AnyReason", "Coded", "Codes", "OwnReason", "Reason", "from_code", "from_codes"]
