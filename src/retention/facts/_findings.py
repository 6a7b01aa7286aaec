"""What the library's own looks at the facts found: silence, less activity, a return that is likely."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import field, frozen

from retention import _values
from retention.facts._base import Fact

WARNING_STATUSES = ("orders_fell", "visits_fell", "opens_stopped")
FITS = ("", "small", "large")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class FellAsleep(Fact):
    """The scan's finding that a customer is silent beyond their rhythm; at most one for each last order.

    `order_id`: the last order known; `basis`: its time; `usual_gap` and `silent_for` in days; `p_active`: the chance of
    an order all the same within the score's horizon, None if nobody scored; `why`: one sentence.
    `waited`: the customer was already asleep when the journey was switched on, so the entry was rationed.
    """

    kind: ClassVar[str] = "asleep"
    order_id: str = field(metadata=_values.clean(_values.identifier))
    basis: datetime = field(metadata=_values.clean(_values.instant))
    usual_gap: float = field(default=0.0, metadata=_values.clean(_values.number))
    silent_for: int = field(default=0, metadata=_values.clean(_values.count))
    p_active: float | None = field(default=None, metadata=_values.clean(_values.number, optional=True))
    why: str = field(default="", metadata=_values.clean(_values.text))
    waited: bool = field(default=False, metadata=_values.clean(_values.flag))

    @property
    def key(self) -> str:
        return self.order_id


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ActivityFell(Fact):
    """Monitoring's finding that a customer does less of one thing than they used to; at most one for each last order.

    `status`: which thing. `order_id`: the last order known. `chance`: how probable so little would be if nothing had
    changed, 0 to 1. `why`: one sentence. "opens_stopped" rests on opens, which are unreliable.
    """

    kind: ClassVar[str] = "warning"
    status: str = field(metadata=_values.clean(_values.one_of, WARNING_STATUSES))
    order_id: str = field(metadata=_values.clean(_values.identifier))
    chance: float = field(default=0.0, metadata=_values.clean(_values.number))
    why: str = field(default="", metadata=_values.clean(_values.text))

    @property
    def key(self) -> str:
        return self.order_id


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ReturnRiskFound(Fact):
    """The scan's finding that help after this order is worth more than the letter costs; at most one for each order.

    `order_id`: the order; `risk`: the chance, 0 to 1, that something of it is sent back; `worth`: what the letter
    saves, the share of such returns that it prevents reckoned in, less its cost, money. `product_id`: the riskiest
    product. `fit`: which way it usually fits, "small" or "large", "" when nothing is known. `why`: one sentence.
    """

    kind: ClassVar[str] = "return_risk"
    order_id: str = field(metadata=_values.clean(_values.identifier))
    risk: float = field(default=0.0, metadata=_values.clean(_values.number))
    worth: Decimal = field(default=Decimal(0), metadata=_values.clean(_values.money))
    product_id: str = field(default="", metadata=_values.clean(_values.text))
    fit: str = field(default="", metadata=_values.clean(_values.one_of, FITS))
    why: str = field(default="", metadata=_values.clean(_values.text))

    @property
    def key(self) -> str:
        return self.order_id
