"""A simulated shop beside a live one: the same facts, the same hours, compared row by row."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from retention import _hashing, _records, _wall_time, facts, letters, messages
from retention.engine import Engine
from retention.journey import ContactPolicy, CustomerFile, Journey, Needs
from retention.people import Shop
from retention.senders.memory import MemorySender
from retention.simulate import Simulation, simulate
from retention.storage.memory import MemoryStorage

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 26, tzinfo=UTC)  # London's clocks change on the 29th
JOURNEY_TESTS = Path(__file__).parents[1] / "journey" / "conftest.py"


def shop(**changes: str) -> Shop:
    named = {"name": "Tea & Co", "sender": "tea@shop.example", "timezone": "Europe/London", "currency": "EUR"}
    return Shop(**named | {"base_url": "https://shop.example", "secret": "nobody must know this"} | changes)


def written(
    _letters: object, customer: Any, row: Any, _known: object, *, at: datetime, **_more: object
) -> messages.Message:
    """A letter that costs nothing to write: the comparison is about decisions."""
    key = _hashing.digest(customer.id, *row.key)
    return messages.Message(
        key=key,
        to="a@shop.example",
        sender="tea@shop.example",
        sender_name="Tea",
        subject="s",
        html="h",
        text="t",
        at=at,
        promotional=row.promotional,
        unsubscribe_url="https://shop.example/u",
    )


def texts(file: CustomerFile) -> tuple[list[str], list[str]]:
    """The rows of a file as the bytes that a storage keeps."""
    return [[_records.text(_records.fields(row)) for row in rows] for rows in (file.entries, file.ledger)]


class Both:
    """One past, lived by the engine and by the simulation."""

    def __init__(
        self,
        journeys: Sequence[Journey],
        history: Iterable[facts.Fact],
        start: date,
        end: date,
        *,
        hours: Sequence[int] = (10,),
        outages: Sequence[tuple[date, date]] = (),
        known_at: Callable[[facts.Fact], datetime] = lambda fact: fact.at,
        policy: ContactPolicy | None = None,
        shop: Shop,
        check: bool = False,
    ) -> None:
        self.history = sorted(history, key=known_at)
        self.files: dict[str, CustomerFile] = {}
        self.simulated: Simulation = simulate(
            journeys,
            self.history,
            start,
            end,
            shop=shop,
            policy=policy,
            hours=hours,
            outages=outages,
            known_at=known_at,
            each=lambda file: self.files.__setitem__(file.customer_id, file),
        )
        self.moments = self._moments(start, end, hours, outages, ZoneInfo(shop.timezone))
        self.engine = self._lived(journeys, policy, shop, known_at, check=check)

    @staticmethod
    def _moments(start: date, end: date, hours: Sequence[int], outages: Any, zone: ZoneInfo) -> list[datetime]:
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        days = [day for day in days if not any(first <= day <= last for first, last in outages)]
        return sorted({_wall_time.at(day, time(hour), zone) for day in days for hour in hours})

    def _lived(self, journeys: Any, policy: Any, shop: Shop, known_at: Any, *, check: bool) -> Engine:
        with pytest.MonkeyPatch.context() as patch:
            if not check:
                patch.setattr(letters.Letters, "check", lambda *_, **_more: None)
                patch.setattr(letters.Letters, "write", written)
            now = self.moments[0]
            engine = Engine(
                MemoryStorage(), MemorySender(), journeys=journeys, shop=shop, policy=policy, clock=lambda: now
            )
            told = 0
            for now in self.moments:
                until = next((i for i, f in enumerate(self.history[told:], told) if known_at(f) > now), None)
                engine.record(self.history[told:until])
                told = len(self.history) if until is None else until
                engine.run()
        return engine

    def lived(self) -> dict[str, CustomerFile]:
        storage = self.engine.storage
        return {file.customer_id: file for file in storage.load(storage.customers("", 10**6), Needs())}

    def agree(self) -> int:
        """Both wrote the same rows, byte for byte, and every letter left at once; how many rows there are."""
        rows = 0
        for customer_id, file in self.lived().items():
            if customer_id not in self.files:
                assert not file.ledger, customer_id  # no fact that a journey looks at
                continue
            assert texts(self.files[customer_id]) == texts(file), customer_id
            assert {outcome.status for outcome in file.outcomes} <= {"sent"}
            rows += len(file.ledger)
        return rows


def crowd(life, rng, start, hours):
    """Several customers' facts with the time at which the shop hears of each; some customers become one."""
    heard = {}
    for customer in map(str, range(rng.randint(2, 6))):
        known = [life.profile(start - 24 * HOUR), life.consent(start - 24 * HOUR)]
        arrived = [(start - HOUR, fact) for fact in known] + life.any_arrivals(rng, start, hours)
        for n, (when, fact) in enumerate(arrived):
            whose = {"customer_id": customer, "id": f"{customer}/{n}/{fact.id}"}
            if isinstance(fact, facts.CustomersMerged):
                whose["into"] = rng.choice([other for other in "01239" if other != customer])
            heard[evolve(fact, **whose)] = when
        if rng.random() < 0.1:
            when = start + rng.randrange(hours) * HOUR
            heard[facts.CustomerErased(id=f"{customer}/erased", customer_id=customer, at=when)] = when
    return heard


def random_past(life: Any, rng: random.Random) -> Both:
    """Any journeys and policy over six days of a few customers, across a clock change, with and without an outage."""
    heard = crowd(life, rng, START, 24 * 6)
    journeys = [life.any_journey(rng, name) for name in ("first", "second")[: rng.randint(1, 2)]]
    doubled = rng.choice(sorted(heard, key=lambda fact: fact.id))
    heard[evolve(doubled, at=doubled.at + HOUR)] = heard[doubled] + HOUR
    return Both(
        journeys,
        heard,
        date(2026, 3, rng.choice([26, 27])),
        date(2026, 3, 31),
        hours=rng.choice([range(24), (3, 10), (10,)]),
        outages=rng.choice([[], [(date(2026, 3, 28), date(2026, 3, 29))]]),
        known_at=heard.__getitem__,
        policy=life.any_policy(rng),
        shop=shop(timezone=rng.choice(["Europe/London", "UTC", "Asia/Tokyo"]), id=f"shop-{rng.random()}"),
    )


@pytest.fixture(scope="session")
def life() -> Any:
    """The builders of random customers that the planner's tests have."""
    return runpy.run_path(str(JOURNEY_TESTS))["Life"]


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """A shop, and a past lived twice."""
    return SimpleNamespace(shop=shop, Both=Both, random_past=random_past)
