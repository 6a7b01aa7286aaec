"""The days of the demo shop: facts as they happen, the engine once a day, and readers who take its letters as drawn.

The engine is the real one and knows nothing of the simulation but its facts and its clock. What leaves is read at the
sender, so a letter that was withheld or cancelled moves nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from retention import _values, _wall_time
from retention._types import Json
from retention.demo_shop.customers import Customers
from retention.demo_shop.lives import draw
from retention.demo_shop.truth import Truth, in_groups, windows
from retention.demo_shop.worlds import World
from retention.engine import Engine, Results
from retention.facts import OrderPlaced
from retention.journey import CustomerFile, Journey, Needs
from retention.messages import Message, Result
from retention.people import Shop
from retention.playbooks import win_back
from retention.ports import Sender, Storage
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage

__all__ = ["Simulated", "shop", "simulate"]

_RUN_AT = time(10)  # when win-back letters are due, so that the first one leaves on the day of the entry
_LOADED = 500


@frozen(eq=False)
class Simulated:
    """A simulation that is over: the engine with all that it recorded, its results, and the truth beside them.

    `example`: the id of a customer with an order, a return and a letter, for `engine.explain`; "" if there is none.
    """

    world: World
    seed: int
    engine: Engine
    results: Results
    truth: Truth
    example: str

    def to_json(self) -> Json:
        """World, seed, results and truth as a JSON mapping."""
        return {
            "world": {**attrs.asdict(self.world), "start": self.world.start.isoformat()},
            "seed": self.seed,
            "results": self.results.to_json(),
            "truth": {**attrs.asdict(self.truth), "incremental": self.truth.incremental},
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


def simulate(
    world: World,
    *,
    seed: int = 1,
    storage: Storage | None = None,
    sender: Sender | None = None,
    journey: Journey | None = None,
    days: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Live the world's days through an engine of its own and count what its letters did.

    `seed`: from 0 up; in worlds that differ only in what letters do it gives the same customers. `storage`: empty; in
    memory unless given. `sender`: gets every letter; keeps them in memory unless given. `journey`: `win_back` with a
    fifth of the customers in the control group unless given. `days`: fewer or more than the world's. `progress`: called
    after each day with the days done and the days in all. Raises `InvalidInput` for numbers out of range.

    >>> from retention.demo_shop import WORLDS
    >>> done = simulate(attrs.evolve(WORLDS["aa"], customers=200), days=100)
    >>> done.truth.letters > 0, done.truth.incremental
    (True, 0)
    """
    world = world if days is None else attrs.evolve(world, days=days)
    play = _Play(
        world,
        _values.count("seed", seed),
        MemoryStorage() if storage is None else storage,
        MemorySender() if sender is None else sender,
        win_back(control=0.2) if journey is None else journey,
    )
    for day in range(world.days):
        play.live(world.start + timedelta(days=day))
        if progress is not None:
            progress(day + 1, world.days)
    return Simulated(world, seed, play.engine, play.engine.results(), play.truth(), play.example)


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

    def __init__(self, world: World, seed: int, storage: Storage, sender: Sender, journey: Journey) -> None:
        self.world, self.journey, self.shop = world, journey, shop(seed)
        self.zone = ZoneInfo(self.shop.timezone)
        self.origin = self.now = datetime.combine(world.start - timedelta(days=world.history_days), time(), UTC)
        self.lives = draw(world, seed)
        self.customers = Customers(world, self.lives, origin=self.origin, currency=self.shop.currency)
        self.by_email = {self.customers.email(row): row for row in range(world.customers)}
        self.reader = _Reader(sender)
        self.engine = Engine(storage, self.reader, journeys=[journey], shop=self.shop, clock=lambda: self.now)
        self.letters = 0
        self.example = ""

    def live(self, day: date) -> None:
        """One day: what happened since the last one is recorded, the engine runs, its letters are read."""
        self.now = _wall_time.at(day, _RUN_AT, self.zone)
        second = (self.now - self.origin) // timedelta(seconds=1)
        self.engine.record(self.customers.facts(second))
        self.engine.run()
        for message in self.reader.unread:
            customer = self.by_email[message.to]
            self.customers.read(customer, second)
            if customer in self.customers.sent_back:
                self.example = self.example or self.customers.ids[customer]
        self.letters += len(self.reader.unread)
        self.reader.unread.clear()

    def truth(self) -> Truth:
        """What the letters did, as of the last day."""
        done = self.customers.tally
        over = windows(self._files(), self.lives, self.journey, zone=self.zone, origin=self.origin, now=self.now)
        return Truth(
            **in_groups(over),
            lapsed=int(self.lives.lapsed.sum()),
            letters=self.letters,
            unsubscribed=done["unsubscribed"],
            orders_won=done["won"],
            orders_lost=done["lost"],
            profit=self.customers.profit - self.world.letter_cost * self.letters,
        )

    def _files(self) -> Iterator[tuple[int, CustomerFile]]:
        """Every customer's row and file."""
        needed = Needs(frozenset({OrderPlaced.kind}))
        for start in range(0, len(self.customers.ids), _LOADED):
            files = self.engine.storage.load(self.customers.ids[start : start + _LOADED], needed)
            yield from enumerate(files, start)
