"""What happened: the only way anything enters the house.

A fact is frozen, checked when it is built, belongs to one customer and one instant, and carries its own id: the
same kind and id twice is the same fact, however often a shop reports it. Nothing here decides anything.

Every fact answers to the planner's three words: `kind` (what sort), `status` (which stage, or "") and `key` (what it
is about: an order, a return, a letter).

    >>> from datetime import datetime, timezone
    >>> order = OrderPlaced(
    ...     id="A-17", customer_id=42, at=datetime(2026, 3, 1, tzinfo=timezone.utc), total="30", currency="EUR"
    ... )
    >>> from_json(to_json(order)) == order
    True
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import Factory, field, frozen

from retention import _calendar, _records, _values
from retention._types import Json
from retention.errors import InvalidInput

__all__ = [
    "BOUNCE_CLASSES",
    "DELIVERY_STATUSES",
    "EMAIL_STATUSES",
    "FORMAT",
    "KINDS",
    "RETURN_ENDS",
    "RETURN_STATUSES",
    "SERVICE_STATUSES",
    "WARNING_STATUSES",
    "ActivityFell",
    "ConsentChanged",
    "CustomerErased",
    "CustomersMerged",
    "DeliveryChanged",
    "EmailReported",
    "Fact",
    "FellAsleep",
    "Line",
    "OrderPlaced",
    "PreferenceStated",
    "ProfileChanged",
    "ReturnChanged",
    "ServiceCancellationChanged",
    "Visited",
    "from_json",
    "to_json",
]

FORMAT = 1
"""The number that every stored fact carries; a higher one was written by a newer version."""

DELIVERY_STATUSES = ("shipped", "delivered", "failed")
RETURN_ENDS = ("refunded", "exchanged", "rejected", "expired")
RETURN_STATUSES = ("requested", "information", "approved", "in_transit", "received", *RETURN_ENDS)
SERVICE_STATUSES = ("requested", "confirmed", "withdrawn", "ended")
EMAIL_STATUSES = ("delivered", "deferred", "bounced", "opened", "clicked", "complained", "unsubscribed", "rejected")
BOUNCE_CLASSES = ("", "hard", "soft", "block")
WARNING_STATUSES = ("orders_fell", "visits_fell", "opens_stopped")


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


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Visited(Fact):
    """A visit to the shop; `product_id` if one was looked at."""

    kind: ClassVar[str] = "visit"
    product_id: str = field(default="", metadata=_values.clean(_values.text))


@frozen(kw_only=True, field_transformer=_values.cleaned)
class EmailReported(Fact):
    """What a provider says became of a letter.

    `at` is when it happened, `received_at` when the shop heard of it. `machine`: whether a robot did it, None when
    nobody knows. Opens are unreliable: they decide nothing.
    """

    kind: ClassVar[str] = "email"
    message_key: str = field(metadata=_values.clean(_values.identifier))
    status: str = field(metadata=_values.clean(_values.one_of, EMAIL_STATUSES))
    bounce_class: str = field(metadata=_values.clean(_values.one_of, BOUNCE_CLASSES), default="")
    machine: bool | None = field(default=None, metadata=_values.clean(_values.flag, optional=True))
    received_at: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))

    @property
    def key(self) -> str:
        return self.message_key


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ProfileChanged(Fact):
    """What is known about the person; None leaves what was known before."""

    kind: ClassVar[str] = "profile"
    name: str | None = field(default=None, metadata=_values.clean(_values.text, optional=True))
    email: str | None = field(default=None, metadata=_values.clean(_values.address, optional=True))
    language: str | None = field(default=None, metadata=_values.clean(_values.text, optional=True))
    timezone: str | None = field(default=None, metadata=_values.clean(_calendar.zone_name, optional=True))


@frozen(kw_only=True, field_transformer=_values.cleaned)
class ConsentChanged(Fact):
    """Permission for letters on one topic, given or withdrawn; without one there is no marketing letter."""

    kind: ClassVar[str] = "consent"
    granted: bool = field(metadata=_values.clean(_values.flag))
    topic: str = field(default="marketing", metadata=_values.clean(_values.identifier))
    channel: str = field(default="email", metadata=_values.clean(_values.identifier))

    @property
    def status(self) -> str:
        return "granted" if self.granted else "withdrawn"

    @property
    def key(self) -> str:
        return f"{self.channel}/{self.topic}"


@frozen(kw_only=True, field_transformer=_values.cleaned)
class PreferenceStated(Fact):
    """What the customer said about sizes, tastes and wishes: `topic` such as "size/shoes", `value` such as "41"."""

    kind: ClassVar[str] = "preference"
    topic: str = field(metadata=_values.clean(_values.identifier))
    value: str = field(metadata=_values.clean(_values.text))

    @property
    def key(self) -> str:
        return self.topic


@frozen(kw_only=True, field_transformer=_values.cleaned)
class CustomersMerged(Fact):
    """`customer_id` turned out to be `into`: both histories become one; the earliest arm of each journey stays."""

    kind: ClassVar[str] = "merge"
    into: str = field(metadata=_values.clean(_values.identifier))

    def __attrs_post_init__(self) -> None:
        if self.into == self.customer_id:
            raise InvalidInput(f"into: {self.into!r} is the customer that is merged; name another one")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class CustomerErased(Fact):
    """The customer asked to be forgotten: the storage keeps of the facts and letters so far that they were, no more.

    The customer's id stays, and so does what was decided: it is the shop's own opaque text, no address.
    """

    kind: ClassVar[str] = "erased"


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


KINDS: Mapping[str, type[Fact]] = {
    cls.kind: cls
    for cls in (
        OrderPlaced,
        DeliveryChanged,
        ReturnChanged,
        ServiceCancellationChanged,
        Visited,
        EmailReported,
        ProfileChanged,
        ConsentChanged,
        PreferenceStated,
        CustomersMerged,
        CustomerErased,
        FellAsleep,
        ActivityFell,
    )
}
"""Every kind of fact by its name."""


def to_json(fact: Fact) -> Json:
    """The fact as a JSON mapping with its kind and `format` number."""
    return {"format": FORMAT, "kind": fact.kind, **_records.fields(fact)}


def from_json(data: Json) -> Fact:
    """The fact that `to_json` wrote; raises `InvalidInput` for an unknown kind, field or newer format."""
    rest = dict(data)
    written, kind = rest.pop("format", None), rest.pop("kind", None)
    if not isinstance(written, int) or written > FORMAT:
        raise InvalidInput(f"format: {written!r} is unknown, this version reads up to {FORMAT}; update the library")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidInput(f"kind: {kind!r} is unknown; use one of {', '.join(KINDS)}")
    try:
        return KINDS[kind](**rest)
    except TypeError as error:
        raise InvalidInput(f"{kind}: {error}") from None
