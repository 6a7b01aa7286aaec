"""Offers that were granted, and used."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from attrs import field, frozen

from retention import _values
from retention.errors import InvalidInput
from retention.facts._base import Fact

OFFER_STATUSES = ("granted", "none")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class OfferDecided(Fact):
    """Which offer the engine granted to one run of a journey, or that it granted none; `id` is made of the run.

    `journey`, `about`: the run's journey and key. `offer`: the offer's id, "" for none; `offer_kind` and `amount`: what
    it gives, as in `offers.Offer`; `code`: what the customer types, "" if nothing; `expires_at`: until when. `cost`:
    what its redemption would cost, kept back from the budget until then. `reason`: why this one, or why none.

    To judge later what it did: `eligible`, the offers that could have been had; `propensity`, the chance with which
    this one was; `lot`, whether it was drawn by lot; `cell`, the sort of customer, as `offers.Beliefs` calls it.
    """

    kind: ClassVar[str] = "offer"
    journey: str = field(metadata=_values.clean(_values.identifier))
    about: str = field(metadata=_values.clean(_values.identifier))
    offer: str = field(default="", metadata=_values.clean(_values.text))
    offer_kind: str = field(default="", metadata=_values.clean(_values.text))
    amount: Decimal = field(default=Decimal(0), metadata=_values.clean(_values.not_negative, "give what it gives"))
    code: str = field(default="", metadata=_values.clean(_values.text))
    expires_at: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))
    cost: Decimal = field(default=Decimal(0), metadata=_values.clean(_values.not_negative, "give what it costs"))
    reason: str = field(default="", metadata=_values.clean(_values.text))
    eligible: tuple[str, ...] = field(default=(), metadata=_values.clean(_values.words))
    propensity: float = field(default=1.0, metadata=_values.clean(_values.number))
    lot: bool = field(default=False, metadata=_values.clean(_values.flag))
    cell: str = field(default="", metadata=_values.clean(_values.text))

    def __attrs_post_init__(self) -> None:
        if self.offer and self.expires_at is None:
            raise InvalidInput("expires_at: missing; an offer that never ends keeps its cost from the budget for ever")

    @property
    def status(self) -> str:
        return "granted" if self.offer else "none"

    @property
    def key(self) -> str:
        return self.about


@frozen(kw_only=True, field_transformer=_values.cleaned)
class OfferRedeemed(Fact):
    """A granted offer was used; `id` is that of the `OfferDecided`, so one offer is used once.

    `about`: the key of its run. `order_id`: the order that it was used on, "" if nobody knows.
    """

    kind: ClassVar[str] = "redemption"
    about: str = field(metadata=_values.clean(_values.identifier))
    order_id: str = field(default="", metadata=_values.clean(_values.text))

    @property
    def key(self) -> str:
        return self.about
