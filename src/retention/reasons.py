"""Why goods come back: twelve reasons and OTHER, the vocabulary of the whole house.

`retention.returns` reads reasons out of codes and texts; journeys branch on them. Compiled from the public return
codes of shop platforms and marketplaces.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """A reason; `group` is its family, `fault` who caused it.

    >>> Reason.WRONG_ITEM.fault, Reason.STYLE.group
    ('seller', 'MIND')
    """

    SIZE_TOO_SMALL = "SIZE_TOO_SMALL"
    SIZE_TOO_LARGE = "SIZE_TOO_LARGE"
    FIT_OTHER = "FIT_OTHER"
    DEFECTIVE = "DEFECTIVE"
    DAMAGED = "DAMAGED"
    QUALITY = "QUALITY"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    WRONG_ITEM = "WRONG_ITEM"
    STYLE = "STYLE"
    CHANGED_MIND = "CHANGED_MIND"
    PRICE = "PRICE"
    DELIVERY = "DELIVERY"
    OTHER = "OTHER"

    @property
    def group(self) -> str:
        """SIZE, DEFECT, MIND, DELIVERY or OTHER."""
        return _ABOUT[self.value][0]

    @property
    def fault(self) -> str:
        """buyer_or_content, seller, logistics, buyer or unknown."""
        return _ABOUT[self.value][1]


_ABOUT = {
    "SIZE_TOO_SMALL": ("SIZE", "buyer_or_content"),
    "SIZE_TOO_LARGE": ("SIZE", "buyer_or_content"),
    "FIT_OTHER": ("SIZE", "buyer_or_content"),
    "DEFECTIVE": ("DEFECT", "seller"),
    "DAMAGED": ("DEFECT", "logistics"),
    "QUALITY": ("DEFECT", "seller"),
    "NOT_AS_DESCRIBED": ("DEFECT", "seller"),
    "WRONG_ITEM": ("DEFECT", "seller"),
    "STYLE": ("MIND", "buyer"),
    "CHANGED_MIND": ("MIND", "buyer"),
    "PRICE": ("MIND", "buyer"),
    "DELIVERY": ("DELIVERY", "logistics"),
    "OTHER": ("OTHER", "unknown"),
}
