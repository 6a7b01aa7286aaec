"""What other ways of mailing would have done on the very same lives: everybody, all sleepers, a segment, nobody.

A rival needs no engine: it names the customers to write to on a day, and its letters are read as the engine's are, by
the same readers in the same moods. What differs between two policies is then due to whom they write to and what they
offer. Rivals keep the law: nobody without consent gets a letter. They hold back no control group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from attrs import frozen

from retention import churn, orders, rfm
from retention._types import BoolArray
from retention.demo_shop.customers import Coupon, Customers
from retention.demo_shop.lives import DAY, draw, earned
from retention.demo_shop.worlds import World
from retention.facts import ConsentChanged, OrderPlaced
from retention.offers import Offer

__all__ = ["RIVALS", "Mailed", "mail"]

Rule: TypeAlias = Callable[[orders.CustomerSummary], BoolArray]
"""Which customers of the summary to write to, (n,)."""

_HOUR = 10 * 3_600
_LOOKS_EVERY = 7


def _everyone(s: orders.CustomerSummary) -> BoolArray:
    return np.ones(len(s.orders), dtype=np.bool_)


def _sleepers(s: orders.CustomerSummary) -> BoolArray:
    return np.asarray(churn.rhythm(s).state == "asleep", dtype=np.bool_)


def _at_risk(s: orders.CustomerSummary) -> BoolArray:
    columns = s.days_since_last, s.orders, s.revenue
    return np.asarray(rfm.segment(rfm.score(rfm.fit(*columns), *columns)) == "at risk", dtype=np.bool_)


def _nobody(s: orders.CustomerSummary) -> BoolArray:
    return np.zeros(len(s.orders), dtype=np.bool_)


RIVALS: Mapping[str, Rule] = MappingProxyType(
    {"everyone": _everyone, "sleepers": _sleepers, "at risk": _at_risk, "nobody": _nobody}
)
"""Whom each rival writes to, looking once a week: everyone, who is asleep by the own rhythm, an RFM segment, nobody."""


@frozen
class Mailed:
    """What a rival did: `letters` that left, codes `redeemed`, and the shop's `margin`, less letters and offers."""

    letters: int
    redeemed: int
    margin: float


def mail(world: World, rule: Rule, *, seed: int = 1, offer: Offer | None = None, rest_days: int = 28) -> Mailed:
    """Live the world's days with letters by a rule, each with the offer, at most one to a customer in `rest_days` days.

    `seed`: as for `simulate`; the same lives.
    """
    play = _Play(world, seed, rule, offer, rest_days)
    for day in range(world.days):
        play.live(world.history_days + day)
    return play.mailed()


class _Play:
    """A rival at work; days count from the beginning of the history."""

    def __init__(self, world: World, seed: int, rule: Rule, offer: Offer | None, rest_days: int) -> None:
        self.world, self.rule, self.offer, self.rest_days = world, rule, offer, rest_days
        self.origin = datetime.combine(world.start - timedelta(days=world.history_days), time(), UTC)
        self.lives = draw(world, seed)
        self.customers = Customers(world, self.lives, origin=self.origin, currency="GBP", till=lambda *_: True)
        self.rows = {customer_id: row for row, customer_id in enumerate(self.customers.ids)}
        self.agrees = np.zeros(world.customers, dtype=np.bool_)
        self.rests_until = np.zeros(world.customers, dtype=np.int64)
        self.log: list[tuple[int, date, float]] = []
        self.letters = 0

    def live(self, day: int) -> None:
        """One day: what happened until the hour of the letters, then the letters."""
        for fact in self.customers.facts(day * DAY + _HOUR):
            if isinstance(fact, ConsentChanged):
                self.agrees[self.rows[fact.customer_id]] = fact.granted
            elif isinstance(fact, OrderPlaced):
                self.log.append((self.rows[fact.customer_id], fact.at.date(), float(fact.total)))
        if day % _LOOKS_EVERY == 0 and self.log:
            self._write(day)

    def _write(self, day: int) -> None:
        customer, days, amount = zip(*self.log, strict=True)
        ordered_at = np.array(days, dtype="datetime64[D]")
        log = orders.OrderLog.of(customer_id=customer, ordered_at=ordered_at, amount=amount)
        s = orders.summarize(log, at=(self.origin + timedelta(days=day)).date())
        chosen = s.customer_id[self.rule(s)]
        second = day * DAY + _HOUR
        coupon = None if self.offer is None else Coupon(self.offer, "", second + self.offer.days * DAY)
        for row in chosen[self.agrees[chosen] & (self.rests_until[chosen] <= day)].tolist():
            self.customers.read(row, second, coupon)
            self.rests_until[row] = day + self.rest_days
            self.letters += 1

    def mailed(self) -> Mailed:
        """The account as of the last letter hour."""
        first, last = self.world.history_days * DAY, (self.world.history_days + self.world.days - 1) * DAY + _HOUR
        margin = earned(self.world, self.lives, first, last) + self.customers.profit(self.letters)
        return Mailed(self.letters, self.customers.tally["redeemed"], margin)
