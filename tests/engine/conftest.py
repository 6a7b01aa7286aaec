"""A small shop for the engine's tests: a clock that only the test moves, a storage, a sender, and facts by the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from attrs import evolve

from retention import facts, letters, messages
from retention.engine import Engine
from retention.journey import Delay, Journey, Needs
from retention.people import Shop
from retention.playbooks import win_back
from retention.ports import Capabilities
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "do not show this to anybody"
FRESH = 75
"""Days after which a customer with one order fell asleep today, in a shop in which nobody orders twice."""


def shop(**changes: str) -> Shop:
    named = {"name": "Tea & Co", "sender": "tea@shop.example", "timezone": "Europe/Moscow", "currency": "EUR"}
    return Shop(**named | {"base_url": "https://shop.example", "secret": SECRET} | changes)


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **delta: float) -> None:
        self.at += timedelta(**delta)


class Answers:
    """A sender that answers what the test says: a status or `Result` for each key or, last, for every letter."""

    def __init__(self, answer: object = "accepted", *, max_batch: int = 10, remembers: timedelta | None = None) -> None:
        self.capabilities = Capabilities(max_batch=max_batch, remembers_for=remembers)
        self.answer = answer
        self.calls: list[list[messages.Message]] = []

    @property
    def sent(self) -> list[str]:
        return [message.to for call in self.calls for message in call]

    def send(self, batch: Iterable[messages.Message]) -> list[messages.Result]:
        self.calls.append(list(batch))
        return self._answered(self.answer, self.calls[-1])

    def _answered(self, answer: object, asked: list[object]) -> list[messages.Result]:
        if callable(answer):
            return answer(asked)
        if isinstance(answer, messages.Result):
            return [answer] * len(asked)
        return [messages.Result(answer)] * len(asked)


class Knows(Answers):
    """A sender that also tells what became of a letter: `told`, an answer like `answer`."""

    def __init__(self, answer: object, told: object, **options: object) -> None:
        super().__init__(answer, **options)
        self.capabilities = evolve(self.capabilities, looks_up=True)
        self.told = told
        self.asked: list[list[str]] = []

    def lookup(self, keys: Iterable[str]) -> list[messages.Result]:
        self.asked.append(list(keys))
        return self._answered(self.told, self.asked[-1])


class World:
    """One shop with its clock; `engine()` makes as many engines on it as the test wants."""

    def __init__(self, storage: object = None, sender: object = None) -> None:
        self.clock = Clock()
        self.storage = MemoryStorage() if storage is None else storage
        self.sender = MemorySender() if sender is None else sender
        self.n = 0

    def engine(self, *journeys: Journey, **options: object) -> Engine:
        given = {
            "journeys": list(journeys) or [win_back(control=0, offer=None)],
            "shop": shop(),
            "clock": self.clock,
        } | options
        return Engine(given.pop("storage", self.storage), given.pop("sender", self.sender), **given)

    def id(self, kind: str) -> str:
        self.n += 1
        return f"{kind}-{self.n}"

    def order(self, customer: str | int, *, silent: float = 0, **changes: object) -> facts.OrderPlaced:
        at = self.clock.at - timedelta(days=silent)
        given = {"id": self.id("order"), "customer_id": customer, "at": at, "total": "30", "currency": "EUR"}
        return facts.OrderPlaced(**given | changes)

    def profile(self, customer: str | int, **changes: object) -> facts.ProfileChanged:
        given = {"id": self.id("profile"), "customer_id": customer, "at": NOON - timedelta(days=400)}
        return facts.ProfileChanged(**given | {"email": f"{customer}@example.org"} | changes)

    def consent(self, customer: str | int, *, granted: bool = True, **changes: object) -> facts.ConsentChanged:
        given = {"id": self.id("consent"), "customer_id": customer, "at": self.clock.at - timedelta(seconds=1)}
        return facts.ConsentChanged(granted=granted, **given | changes)

    def reachable(self, *customers: str | int) -> list[facts.Fact]:
        return [fact for customer in customers for fact in (self.profile(customer), self.consent(customer))]

    def asleep(self, *customers: str | int, silent: float = FRESH) -> list[facts.Fact]:
        """Customers who may be written to, with one order so many days ago."""
        return [*self.reachable(*customers), *(self.order(customer, silent=silent) for customer in customers)]

    def file(self, customer: str | int) -> object:
        (file,) = self.storage.load([str(customer)], Needs())
        return file

    def ledger(self, customer: str | int) -> list[tuple[str, str, str]]:
        """The decisions about a customer: kind, step, reason."""
        return [(row.kind, row.step, row.reason) for row in self.file(customer).ledger]

    def fates(self, customer: str | int) -> list[tuple[str, str, str]]:
        """The letters of a customer: step, status, reason."""
        return [(row.key.step, row.status, row.reason) for row in self.file(customer).outcomes]


def two_days(**changes: object) -> Journey:
    """A win-back whose reminder follows after two days."""
    return win_back(**{"control": 0, "offer": None, "wait": Delay(days=2)} | changes)


@pytest.fixture(scope="session")
def checked() -> set[str]:
    """The library's own templates that have passed their check."""
    return set()


@pytest.fixture(autouse=True, scope="module")
def checked_once(checked):
    """The library's own letters pass their check once; to try them anew for every engine would take a minute."""
    check = letters.Letters.check

    def once(self, journeys, **more):
        wanted = {template for journey in journeys for step in journey.steps for template in step.templates()}
        if self.overrides is not None or not wanted <= checked:
            check(self, journeys, **more)
        if self.overrides is None:
            checked.update(wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters.Letters, "check", once)
        yield


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The builders themselves, for tests that need more than one world."""
    return SimpleNamespace(
        World=World, Answers=Answers, Knows=Knows, Clock=Clock, shop=shop, two_days=two_days, NOON=NOON, SECRET=SECRET
    )
