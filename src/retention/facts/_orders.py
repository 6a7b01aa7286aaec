"""Orders, parcels and what comes back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import Factory, field, frozen

from retention import _values
from retention.errors import InvalidInput
from retention.facts._base import Fact, Line

DELIVERY_STATUSES = ("shipped", "delivered", "failed")
RETURN_ENDS = ("refunded", "exchanged", "rejected", "expired")
RETURN_STATUSES = ("requested", "information", "approved", "in_transit", "received", *RETURN_ENDS)
SERVICE_STATUSES = ("requested", "confirmed", "withdrawn", "ended")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class OrderPlaced(Fact):
    """A paid order; `id` is the order's id. `total` defaults to the sum of the lines."""

    kind: ClassVar[str] = "order"
    currency: str = field(metadata=_values.clean(_values.currency))
    lines: tuple[Line, ...] = field(default=(), metadata=_values.clean(_values.many, Line))
    total: Decimal = field(
        metadata=_values.clean(_values.not_negative, "money given back is a ReturnChanged"),
        default=Factory(lambda self: sum((x.price * x.quantity for x in self.lines), Decimal(0)), takes_self=True),
    )


@frozen(kw_only=True, field_transformer=_values.cleaned)
class DeliveryChanged(Fact):
    """A parcel's stage: shipped, delivered or failed."""

    kind: ClassVar[str] = "delivery"
    order_id: str = field(metadata=_values.clean(_values.identifier))
    status: str = field(metadata=_values.clean(_values.one_of, DELIVERY_STATUSES))

    @property
    def key(self) -> str:
        return self.order_id


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ReturnChanged(Fact):
    """A stage of one return, from requested to one of `RETURN_ENDS`.

    `reason`: a code of `retention.reasons` or "". `comment`: the customer's words. `refund`: money that has moved,
    with status refunded. `deadline`: until when the customer must act.
    """

    kind: ClassVar[str] = "return"
    return_id: str = field(metadata=_values.clean(_values.identifier))
    status: str = field(metadata=_values.clean(_values.one_of, RETURN_STATUSES))
    order_id: str = field(default="", metadata=_values.clean(_values.text))
    lines: tuple[Line, ...] = field(default=(), metadata=_values.clean(_values.many, Line))
    reason: str = field(default="", metadata=_values.clean(_values.text))
    comment: str = field(default="", metadata=_values.clean(_values.text))
    refund: Decimal | None = field(
        default=None, metadata=_values.clean(_values.not_negative, "give what was paid back", optional=True)
    )
    currency: str | None = field(default=None, metadata=_values.clean(_values.currency, optional=True))
    deadline: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))

    def __attrs_post_init__(self) -> None:
        if self.refund is not None and self.currency is None:
            raise InvalidInput("currency: a refund needs its currency")

    @property
    def key(self) -> str:
        return self.return_id


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ServiceCancellationChanged(Fact):
    """A stage of a cancelled service or subscription."""

    kind: ClassVar[str] = "service_cancellation"
    cancellation_id: str = field(metadata=_values.clean(_values.identifier))
    status: str = field(metadata=_values.clean(_values.one_of, SERVICE_STATUSES))
    service: str = field(default="", metadata=_values.clean(_values.text))
    reason: str = field(default="", metadata=_values.clean(_values.text))
    comment: str = field(default="", metadata=_values.clean(_values.text))

    @property
    def key(self) -> str:
        return self.cancellation_id
