"""What every fact has, and the line of an order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import field, frozen

from retention import _values


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Fact:
    """What every fact has; build one of the kinds below.

    `id`: the shop's own id of what happened, unique among facts of one kind. `customer_id`: opaque text; whole
    numbers become text. `at`: when it happened, an aware time, kept in UTC.
    """

    kind: ClassVar[str] = ""
    id: str = field(metadata=_values.clean(_values.identifier))
    customer_id: str = field(metadata=_values.clean(_values.identifier))
    at: datetime = field(metadata=_values.clean(_values.instant))

    @property
    def status(self) -> str:
        """The stage this fact reports, "" where the kind has none."""
        return ""

    @property
    def key(self) -> str:
        """What the fact is about: facts of one order or return share it."""
        return self.id


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Line:
    """One product of an order or return: `price` is for one piece, `quantity` at least 1."""

    product_id: str = field(metadata=_values.clean(_values.identifier))
    quantity: int = field(default=1, metadata=_values.clean(_values.count, 1))
    price: Decimal = field(default=Decimal(0), metadata=_values.clean(_values.money))
    name: str = field(default="", metadata=_values.clean(_values.text))
    category: str = field(default="", metadata=_values.clean(_values.text))
    size: str = field(default="", metadata=_values.clean(_values.text))
    color: str = field(default="", metadata=_values.clean(_values.text))
