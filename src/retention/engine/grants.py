"""What was granted and redeemed so far: what is left of budget and stock, what it taught, and whose a code is.

Read from the facts in the order in which they were recorded, and from the log of rounds. A round is announced, with
what it is going to take, before its facts are recorded: of two workers with the same number one is refused and counts
anew, so no budget is spent twice. One that died in between keeps its announcement until its offers would have ended.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from attrs import define, evolve, frozen

from retention import _hashing, _records
from retention.engine.granting import Granting
from retention.engine.rounds import Decided, Left
from retention.facts import CustomerErased, CustomersMerged, Fact, OfferDecided, OfferRedeemed, OrderPlaced
from retention.offers import Beliefs, Offer, Prices, codes
from retention.ports import Storage

__all__ = ["Grant", "Grants"]

_KINDS = (OfferDecided.kind, OfferRedeemed.kind, OrderPlaced.kind, CustomersMerged.kind, CustomerErased.kind)
_BATCH = 10_000
_LOG, _DONE = "offers/round/", "offers/done/"


@define
class Grant:
    """One decision and what came of it."""

    fact: OfferDecided
    customer_id: str
    used: OfferRedeemed | None = None
    ordered: bool = False

    def status(self, now: datetime) -> str:
        """One of "none", "redeemed", "open" and "expired"."""
        if self.used is not None:
            return "redeemed"
        if self.fact.expires_at is None:
            return "none"
        return "open" if now < self.fact.expires_at else "expired"


@frozen
class _Announced:
    """One round of the log: what it took, in money, pieces by offer and codes of pools, until when, and its prices."""

    cost: float
    taken: dict[str, int]
    codes: list[str]
    until: datetime
    prices: Prices | None


class Grants:
    """The offers of one shop."""

    def __init__(self, granting: Granting) -> None:
        self.granting = granting
        self._cursor = 0
        self._grants: dict[str, Grant] = {}
        self._by_code: dict[str, str] = {}
        self._of: dict[str, list[Grant]] = {}
        self._rounds: list[_Announced] = []
        self._unfinished: dict[int, _Announced] = {}

    # What was recorded.

    def read(self, storage: Storage) -> None:
        """Take in what was announced and recorded since the last call."""
        self._read_rounds(storage)
        while True:
            batch, self._cursor = storage.facts(_KINDS, self._cursor, _BATCH)
            for owner, fact in batch:
                self._take(owner, fact)
            if not batch:
                return

    def _read_rounds(self, storage: Storage) -> None:
        for number in [n for n in self._unfinished if storage.recall(_name(_DONE, n))]:
            del self._unfinished[number]
        while text := storage.recall(_name(_LOG, len(self._rounds))).values():
            announced = _announced(next(iter(text)))
            if not storage.recall(_name(_DONE, len(self._rounds))):
                self._unfinished[len(self._rounds)] = announced
            self._rounds.append(announced)

    def _take(self, owner: str, fact: Fact) -> None:
        if isinstance(fact, OfferDecided):
            grant = self._grants[fact.id] = Grant(fact, owner)
            self._of.setdefault(owner, []).append(grant)
            if fact.code:
                self._by_code[fact.code] = fact.id
        elif isinstance(fact, OfferRedeemed):
            if fact.id in self._grants:
                self._grants[fact.id].used = fact
        elif isinstance(fact, OrderPlaced):
            self._ordered(owner, fact.at)
        else:
            self._leave(fact, owner)

    def _ordered(self, owner: str, at: datetime) -> None:
        for grant in self._of.get(owner, ()):
            within = grant.fact.at < at <= grant.fact.at + timedelta(days=self.granting.horizon)
            grant.ordered = grant.ordered or within

    def _leave(self, fact: Fact, owner: str) -> None:
        """Merged customers' offers go on as the one's; those of who was erased are forgotten."""
        names = {fact.customer_id, fact.into} if isinstance(fact, CustomersMerged) else {fact.customer_id, owner}
        moved = [grant for name in sorted(names) for grant in self._of.pop(name, ())]
        if isinstance(fact, CustomersMerged):
            self._of[owner] = [evolve(grant, customer_id=owner) for grant in moved]
            self._grants.update({grant.fact.id: grant for grant in self._of[owner]})
            return
        for grant in moved:
            del self._grants[grant.fact.id]
            self._by_code.pop(grant.fact.code, None)

    # What follows from it.

    def left(self, now: datetime) -> Left:
        """What may still be granted at `now`."""
        taken = [grant for grant in self._grants.values() if grant.status(now) in ("open", "redeemed")]
        lately = now - timedelta(days=self.granting.days)
        counts = [grant for grant in taken if grant.used is None or grant.used.at > lately]
        pending = [announced for announced in self._unfinished.values() if now < announced.until]
        spent = sum(float(grant.fact.cost) for grant in counts) + sum(announced.cost for announced in pending)
        gone = Counter(grant.fact.offer for grant in taken)
        for announced in pending:
            gone.update(announced.taken)
        free = {name: self._free(pool) for name, pool in self.granting.pools.items()}
        stock = np.array([_pieces(offer, gone[offer.id], free.get(offer.id)) for offer in self.granting.catalogue])
        money = max(0.0, self.granting.budget - spent)
        return Left(money, stock, [free.get(offer.id, ()) for offer in self.granting.catalogue])

    def _free(self, pool: Sequence[str]) -> list[str]:
        """The codes that nobody had, in whatever order the pool is by now; the log knows those of erased customers."""
        gone = self._by_code.keys() | {code for announced in self._rounds for code in announced.codes}
        return [code for code in pool if code not in gone]

    def beliefs(self, now: datetime) -> Beliefs:
        """What the decisions taught whose horizon is over."""
        over = now - timedelta(days=self.granting.horizon)
        learnt = [grant for grant in self._grants.values() if grant.fact.at <= over]
        facts = [grant.fact for grant in learnt]
        return Beliefs.of(
            [fact.cell for fact in facts],
            [fact.offer for fact in facts],
            [fact.propensity for fact in facts],
            [grant.ordered for grant in learnt],
            prior=self.granting.prior,
        )

    @property
    def prices(self) -> Prices | None:
        """Those of the last round that found any for this catalogue."""
        k = len(self.granting.catalogue)
        found = (one.prices for one in reversed(self._rounds) if one.prices is not None)
        return next((prices for prices in found if len(prices.stock) == k), None)

    def find(self, text: str) -> Grant | None:
        """Whose the typed code is; the last one's that it was given to."""
        place = self._by_code.get(codes.normal(text)) or self._by_code.get(text.strip())
        return None if place is None else self._grants[place]

    # What is written.

    def announce(self, storage: Storage, decided: Decided, now: datetime) -> int:
        """Announce a round and return its number, or -1 when another worker was quicker: read, and decide anew."""
        number = len(self._rounds)
        granted = [fact for fact in decided.facts if fact.offer]
        text = _records.text(
            {
                "cost": round(sum(float(fact.cost) for fact in granted), 2),
                "taken": dict(Counter(fact.offer for fact in granted)),
                "codes": [fact.code for fact in granted if fact.offer in self.granting.pools],
                "until": max((f.expires_at for f in granted if f.expires_at), default=now).isoformat(),
                "prices": None if decided.prices is None else decided.prices.to_json(),
                "by": _whose(decided.facts),
            }
        )
        return number if storage.remember(_name(_LOG, number), text) == text else -1

    def finish(self, storage: Storage, number: int) -> None:
        """Say that the facts of the round are recorded."""
        storage.remember(_name(_DONE, number), "done")


def _pieces(offer: Offer, gone: int, free: Sequence[str] | None) -> float:
    """How many are left: what ended unused is there again, the codes of a pool are not."""
    codes_left = math.inf if free is None else len(free)
    return max(0.0, min(math.inf if offer.stock is None else offer.stock - gone, codes_left))


def _name(what: str, number: int) -> str:
    return f"{what}{number:09}"


def _announced(text: str) -> _Announced:
    data = json.loads(text)
    prices = None if data["prices"] is None else Prices.from_json(data["prices"])
    until = datetime.fromisoformat(data["until"])
    return _Announced(data["cost"], data["taken"], data.get("codes", []), until, prices)


def _whose(facts: Sequence[OfferDecided]) -> str:
    """What tells this round from another worker's of the same sums."""
    return _hashing.digest(*(fact.id for fact in facts))
