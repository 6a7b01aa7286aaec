"""Offers at work: one round for all who wait, and the codes that come back from the shop's till."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from retention.engine.granting import Granting
from retention.engine.grants import Grant, Grants
from retention.engine.rounds import Request, decide
from retention.engine.standing import Standing
from retention.facts import OfferDecided, OfferRedeemed
from retention.offers import codes
from retention.people import Shop
from retention.ports import Storage

__all__ = ["Offering", "Redemption"]

_BATCH = 5_000


@frozen
class Redemption:
    """What became of a code that somebody typed.

    `status`: "accepted", now or by the same order before; "redeemed" by another order; "expired"; "mistyped"; or
    "unknown". `granted`: the decision that the code belongs to, None for the last two.
    """

    status: str
    granted: OfferDecided | None = None


class Offering:
    """The offers of one shop on one storage; several may work on it at once."""

    def __init__(self, granting: Granting, storage: Storage, shop: Shop) -> None:
        self._granting, self._storage, self._shop = granting, storage, shop
        self._grants = Grants(granting)
        self._alone = threading.Lock()

    def grant(self, requests: Sequence[Request], standing: Standing, now: datetime) -> Counter[str]:
        """Decide on all requests and record the decisions; how many were "granted" an offer and how many "none"."""
        with self._alone:
            number = -1
            while number < 0:
                self._grants.read(self._storage)
                decided = decide(
                    self._granting,
                    requests,
                    standing,
                    self._grants.beliefs(now),
                    self._grants.left(now),
                    self._grants.prices,
                    shop=self._shop,
                    now=now,
                )
                number = self._grants.announce(self._storage, decided, now)
            for start in range(0, len(decided.facts), _BATCH):
                self._storage.record(decided.facts[start : start + _BATCH])
            self._grants.finish(self._storage, number)
        return Counter(fact.status for fact in decided.facts)

    def redeem(self, code: str, *, order_id: str, at: datetime) -> Redemption:
        """Record that a code was used; the same order may say so again, one without a name may not."""
        with self._alone:
            self._grants.read(self._storage)
            grant = self._grants.find(code)
        if grant is None:
            is_ours = codes.check(code) or bool(self._granting.pools)
            return Redemption("unknown" if is_ours else "mistyped")
        if grant.used is None and grant.status(at) == "expired":
            return Redemption("expired", grant.fact)
        return Redemption("accepted" if self._is_first(grant, order_id, at) else "redeemed", grant.fact)

    def _is_first(self, grant: Grant, order_id: str, at: datetime) -> bool:
        """Whether this order is the one that the code is used on; of two at once the storage takes one."""
        if grant.used is not None:
            return order_id != "" and grant.used.order_id == order_id
        used = OfferRedeemed(
            id=grant.fact.id, customer_id=grant.customer_id, at=at, about=grant.fact.about, order_id=order_id
        )
        (state,) = self._storage.record([used])
        return state == "new" or (state == "known" and order_id != "")
