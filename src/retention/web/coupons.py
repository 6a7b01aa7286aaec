"""The page of one granted offer: what it is, its code, and whether it can still be used. It changes nothing."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import ClassVar

from attrs import frozen

from retention.engine import Engine
from retention.errors import InvalidInput
from retention.facts import OfferDecided, OfferRedeemed
from retention.journey.ledger import Decision
from retention.letters import about, links
from retention.web.pages import Pages
from retention.web.visits import Visit, visit
from retention.web.wsgi import Request, Response

__all__ = ["Coupons"]


@frozen
class Coupons:
    """The coupons of one shop."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD")
    engine: Engine
    pages: Pages

    def answer(self, request: Request) -> Response:
        """The coupon; 404 for what is not one of the shop's links, or is not known any more."""
        try:
            customer_id, grant = links.read(self.engine.shop, "coupon", request.name)
            known = visit(self.engine, customer_id, OfferDecided.kind, OfferRedeemed.kind)
        except InvalidInput:
            return self.pages.show("lost", status=HTTPStatus.NOT_FOUND)
        found = [fact for fact in known.facts if isinstance(fact, OfferDecided) and fact.id == grant and fact.offer]
        if not found:
            return self.pages.show("lost", known.language, status=HTTPStatus.NOT_FOUND)
        status = _status(known, found[0], self.engine.present())
        return self.pages.show("coupon", known.language, offer=self._offer(known, found[0]), state=status)

    def _offer(self, known: Visit, granted: OfferDecided) -> about.Offer | None:
        letter = Decision(
            kind="send",
            journey=granted.journey,
            entry_key=granted.about,
            version=1,
            at=granted.at,
            offer=granted.offer,
        )
        return about.offer(self.engine.shop, known.customer, known.facts, letter, self.pages.words)


def _status(known: Visit, granted: OfferDecided, now: datetime) -> str:
    """One of "used", "over" and "open"."""
    if any(isinstance(fact, OfferRedeemed) and fact.id == granted.id for fact in known.facts):
        return "used"
    return "open" if granted.expires_at is not None and now < granted.expires_at else "over"
