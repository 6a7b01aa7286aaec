"""The days of the demo shop: facts as they happen, the engine once a day, and readers who take its letters as drawn.

The engine is the real one and knows nothing of the simulation but its facts and its clock. What leaves is read at the
sender, so a letter that was withheld or cancelled moves nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from retention import _values, _wall_time
from retention._types import Json
from retention.demo_shop import brake
from retention.demo_shop.catalogue import OFFERS
from retention.demo_shop.customers import Coupon, Customers
from retention.demo_shop.lives import draw, earned
from retention.demo_shop.truth import Truth, in_groups, windows
from retention.demo_shop.worlds import World
from retention.engine import Engine, Granting, Prevention, Results
from retention.facts import OfferDecided, OrderPlaced
from retention.journey import CustomerFile, Delay, Journey, Needs
from retention.messages import Message, Result
from retention.people import Shop
from retention.playbooks import win_back
from retention.ports import Sender, Storage
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage

__all__ = ["Simulated", "granting", "shop", "simulate", "targeted"]

_RUN_AT = time(10)  # when win-back letters are due, so that the first one leaves on the day of the entry
_LOADED = 500
_OFFERS = Needs(frozenset({OfferDecided.kind}))


@frozen(eq=False)
class Simulated:
    """A simulation that is over: the engine with all that it recorded, its results, and the truth beside them.

    `journeys`: what ran, the one that the truth is about first. `example`: the id of a customer with an order, a return
    and a letter, for `engine.explain`; "" if there is none.
    `stopped`: the day on which the shop took its letters off the timetable, see `brake`; None if it did not.
    """

    world: World
    seed: int
    engine: Engine
    journeys: tuple[Journey, ...]
    results: Results
    truth: Truth
    example: str
    stopped: date | None = None

    def to_json(self) -> Json:
        """World, seed, results and truth as a JSON mapping."""
        return {
            "world": {**attrs.asdict(self.world), "start": self.world.start.isoformat()},
            "seed": self.seed,
            "results": self.results.to_json(),
            "stopped": None if self.stopped is None else self.stopped.isoformat(),
            "truth": {**attrs.asdict(self.truth), "incremental": self.truth.incremental, "margin": self.truth.margin},
        }


def shop(seed: int) -> Shop:
    """The demo shop; another seed is another shop, so that its customers' arms are drawn anew."""
    return Shop(
        id=f"demo-{seed}",
        name="Larch & Linen",
        sender="hello@larch-and-linen.example",
        timezone="Europe/London",
        currency="GBP",
        base_url="https://larch-and-linen.example",
        secret="the demo shop has no secrets",  # noqa: S106 - its letters reach nobody
    )


def targeted(*, control: float = 0.2, most_active: float = 0.7) -> Journey:
    """Win-back as the demo shop runs it: for sleepers who are not likely to come anyway, the offer after five days.

    `control`: the share of customers who get no letter. `most_active`: the `p_active` from which on nobody is written
    to, 0 to 1; customers of this shop come often, so that most sleepers are still above the playbook's own .5.
    """
    return win_back(control=control, most_active=most_active, wait=Delay(days=5), remind_after=Delay(days=12))


def granting(world: World) -> Granting:
    """What the demo shop lets its engine grant."""
    budget = world.budget * world.customers
    return Granting(catalogue=OFFERS, budget=budget, margin=world.margin, explore=world.explore)


def _prevention(world: World) -> Prevention:
    return Prevention(saved=Decimal(str(world.return_cost)), letter_cost=Decimal(str(world.letter_cost)))


def simulate(
    world: World,
    *,
    seed: int = 1,
    storage: Storage | None = None,
    sender: Sender | None = None,
    journeys: Sequence[Journey] = (),
    days: int | None = None,
    may_stop: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Live the world's days through an engine of its own and count what its letters did.

    `seed`: from 0 up; in worlds that differ only in what letters do it gives the same customers. `storage`: empty; in
    memory unless given. `sender`: gets every letter; keeps them in memory unless given. `journeys`: `targeted` alone
    unless given; where there are several the truth is about the first one, parcels are told of, and help after a
    delivery prevents some returns. `days`: fewer or more than the world's. `may_stop`: whether the shop stops writing
    when too many unsubscribe, see `brake`. `progress`: called after each day with the days done and the days in all.
    Raises `InvalidInput` for numbers out of range.

    >>> from retention.demo_shop import WORLDS
    >>> done = simulate(attrs.evolve(WORLDS["aa"], customers=200), days=100)
    >>> done.truth.letters > 0, done.truth.incremental
    (True, 0)
    """
    world = world if days is None else attrs.evolve(world, days=days)
    running = tuple(journeys) or (targeted(),)
    play = _Play(
        world,
        _values.count("seed", seed),
        MemoryStorage() if storage is None else storage,
        MemorySender() if sender is None else sender,
        running,
        may_stop=may_stop,
    )
    for day in range(world.days):
        play.live(world.start + timedelta(days=day))
        if progress is not None:
            progress(day + 1, world.days)
    results = play.engine.results()
    return Simulated(world, seed, play.engine, running, results, play.truth(), play.example, play.stopped)


class _Reader:
    """A sender that keeps what the one behind it accepted, until it is read."""

    def __init__(self, sender: Sender) -> None:
        self.sender, self.capabilities = sender, sender.capabilities
        self.unread: list[Message] = []

    def send(self, messages: Sequence[Message]) -> list[Result]:
        results = self.sender.send(messages)
        self.unread += [m for m, result in zip(messages, results, strict=True) if result.status == "accepted"]
        return results


class _Play:
    """A simulation under way."""

    def __init__(
        self,
        world: World,
        seed: int,
        storage: Storage,
        sender: Sender,
        journeys: Sequence[Journey],
        *,
        may_stop: bool,
    ) -> None:
        self.may_stop = may_stop
        self.world, self.journey, self.shop = world, journeys[0], shop(seed)
        self.zone = ZoneInfo(self.shop.timezone)
        self.origin = self.now = datetime.combine(world.start - timedelta(days=world.history_days), time(), UTC)
        self.lives = draw(world, seed)
        self.customers = Customers(
            world,
            self.lives,
            origin=self.origin,
            currency=self.shop.currency,
            till=self._accepts,
            delivers=len(journeys) > 1,
        )
        self.by_email = {self.customers.email(row): row for row in range(world.customers)}
        self.reader = _Reader(sender)
        self.offers = {offer.id: offer for offer in OFFERS}
        self.engine = Engine(
            storage,
            self.reader,
            journeys=journeys,
            shop=self.shop,
            offers=granting(world),
            prevention=_prevention(world) if len(journeys) > 1 else None,
            clock=lambda: self.now,
        )
        self.letters = 0
        self.granted: set[str] = set()
        self.helps: set[str] = set()
        self.example = ""
        self.stopped: date | None = None

    def live(self, day: date) -> None:
        """One day: what happened since the last one is recorded, the engine runs, its letters are read."""
        self.now = _wall_time.at(day, _RUN_AT, self.zone)
        second = self._second(self.now)
        self.engine.record(self.customers.facts(second))
        if self.stopped is not None or (day - self.world.start).days % self.world.runs_every:
            self.engine.now()  # time passes
            return
        self.engine.run()
        coupons = self._coupons()
        for message in self.reader.unread:
            customer = self.by_email[message.to]
            if message.promotional:
                self.customers.read(customer, second, coupons.get(message.key))
            if message.key in self.helps:
                self.customers.is_helped(customer, second)
            if customer in self.customers.sent_back:
                self.example = self.example or self.customers.ids[customer]
        self.letters += len(self.reader.unread)
        self.granted |= {coupon.code for coupon in coupons.values()}
        self.reader.unread.clear()
        if self.may_stop and brake.harms(self.letters, self.customers.tally["unsubscribed"]):
            self.stopped = day

    def _second(self, at: datetime) -> int:
        return (at - self.origin) // timedelta(seconds=1)

    def _accepts(self, code: str, at: datetime, order_id: str) -> bool:
        return self.engine.redeem(code, at=at, order_id=order_id).status == "accepted"

    def _coupons(self) -> dict[str, Coupon]:
        """What today's letters offer, by the letter's key, as the engine's own records have it."""
        readers = sorted({self.customers.ids[self.by_email[message.to]] for message in self.reader.unread})
        found: dict[str, Coupon] = {}
        for file in self.engine.storage.load(readers, _OFFERS):
            granted = {(fact.journey, fact.about): fact for fact in file.facts if isinstance(fact, OfferDecided)}
            offers = {row.key: row.offer for row in file.ledger if row.kind == "send"}
            for outcome in file.outcomes:
                if outcome.key.journey == "post_purchase":
                    self.helps.add(outcome.message_key)
                fact = granted.get((outcome.key.journey, outcome.key.entry))
                if fact is not None and fact.expires_at is not None and offers.get(outcome.key) == fact.offer:
                    until = self._second(fact.expires_at)
                    found[outcome.message_key] = Coupon(self.offers[fact.offer], fact.code, until)
        return {message.key: found[message.key] for message in self.reader.unread if message.key in found}

    def truth(self) -> Truth:
        """What the letters did, as of the last day."""
        done = self.customers.tally
        start = datetime.combine(self.world.start, time(), UTC)
        over = windows(self._files(), self.lives, self.journey, zone=self.zone, origin=self.origin, now=self.now)
        return Truth(
            **in_groups(over),
            lapsed=int(self.lives.lapsed.sum()),
            letters=self.letters,
            unsubscribed=done["unsubscribed"],
            orders_won=done["won"],
            orders_lost=done["lost"],
            granted=len(self.granted),
            redeemed=done["redeemed"],
            redeemed_anyway=done["redeemed anyway"],
            offers_cost=self.customers.given,
            profit=self.customers.profit(self.letters),
            margin_without=earned(self.world, self.lives, self._second(start), self._second(self.now)),
        )

    def _files(self) -> Iterator[tuple[int, CustomerFile]]:
        """Every customer's row and file."""
        needed = Needs(frozenset({OrderPlaced.kind}))
        for start in range(0, len(self.customers.ids), _LOADED):
            files = self.engine.storage.load(self.customers.ids[start : start + _LOADED], needed)
            yield from enumerate(files, start)
