"""A shop with one-line letters on a SQLite file, and a provider that writes down what it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retention import facts
from retention.engine import Engine
from retention.journey import After, ContactPolicy, Delay, Facts, Journey, Needs, Step
from retention.messages import Message, Result
from retention.people import Shop
from retention.ports import Capabilities
from retention.storage.sqlite import SQLiteStorage

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG = Delay(days=3_650)
TEMPLATE = """
{% block subject %}Thank you{% if customer.name == "Eve" %}{{ 1 // 0 }}{% endif %}{% endblock %}
{% block preheader %}One line.{% endblock %}
{% block text %}One line.{% endblock %}
{% block html %}<p>One line.</p>{% endblock %}
{% block text_part %}One line. {{ unsubscribe_url }}{% endblock %}
{% block html_part %}<p>One line. {{ unsubscribe_url }}</p>{% endblock %}
"""


class Provider:
    """Accepts everything; `delivered` counts the letters, `meanwhile` happens between hand-over and answer."""

    def __init__(self, *, idempotent: bool, window: int = 10) -> None:
        self.capabilities = Capabilities(window, remembers_for=timedelta.max if idempotent else None)
        self.delivered: Counter[str] = Counter()
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, messages: Sequence[Message]) -> list[Result]:
        for message in messages:
            if self.capabilities.remembers_for is None or message.key not in self.delivered:
                self.delivered[message.key] += 1
        self.meanwhile()
        return [Result("accepted")] * len(messages)


class World:
    """One shop; as many engines as the test wants on its one file, each with a clock of its own."""

    def __init__(self, folder: Path, *, promotional: bool, idempotent: bool) -> None:
        self.path, self.now = folder / "shop.db", NOON
        self.letters = folder / "letters"
        for language in ("en", "ru"):
            (self.letters / language / "chaos").mkdir(parents=True)
            (self.letters / language / "chaos" / "note.jinja").write_text(TEMPLATE, "utf-8")
        self.provider = Provider(idempotent=idempotent)
        step = Step(id="note", moment=After(), template="chaos/note", promotional=promotional, valid_for=LONG)
        self.journey = Journey(name="storm", trigger=Facts("order"), steps=[step], accept_for=LONG, lasts=LONG)
        self.shop = Shop(
            name="Storm", sender="storm@shop.example", timezone="UTC", currency="EUR",
            base_url="https://shop.example", secret="known to everybody who reads the tests",
        )  # fmt: skip
        self.opened: list[SQLiteStorage] = []

    def storage(self, **options: object) -> SQLiteStorage:
        self.opened.append(SQLiteStorage(self.path, **options))
        return self.opened[-1]

    def engine(self, storage: object = None, clock: Callable[[], datetime] | None = None) -> Engine:
        return Engine(
            self.storage() if storage is None else storage, self.provider, journeys=[self.journey], shop=self.shop,
            policy=ContactPolicy(quiet_hours=None, caps=()), templates=self.letters, clock=clock or (lambda: self.now),
        )  # fmt: skip

    def orders(self, *customers: str, name: str = "") -> list[facts.Fact]:
        """An order of each, who may be written to."""
        found: list[facts.Fact] = []
        for who in customers:
            about = {"customer_id": who, "at": NOON - timedelta(hours=1)}
            found.append(facts.ProfileChanged(id=f"p-{who}", email=f"{who}@example.org", name=name or None, **about))
            found.append(facts.ConsentChanged(id=f"c-{who}", granted=True, **about))
            found.append(facts.OrderPlaced(id=f"o-{who}", total="30", currency="EUR", **about))
        return found

    def drain(self) -> None:
        """Quiet days, hour by hour."""
        engine = self.engine()
        for _ in range(60):
            self.now += timedelta(hours=1)
            engine.tick()
            engine.deliver()

    def fates(self, *customers: str) -> Counter[str]:
        """The letters of these customers by status; "-" for who has none."""
        files = self.storage().load(customers, Needs())
        return Counter(outcome.status for file in files for outcome in file.outcomes) + Counter(
            {"-": sum(not file.outcomes for file in files)}
        )

    def unsound(self) -> str:
        """What SQLite finds wrong with the file, "ok" for nothing."""
        storage = self.storage()
        with storage._reading() as db:
            return str(db.execute("PRAGMA integrity_check").fetchone()[0])


@pytest.fixture
def make_world(tmp_path):
    """A maker of worlds, each in a folder of its own; their files are closed at the end."""
    worlds: list[World] = []

    def make(*, promotional: bool = True, idempotent: bool = False) -> World:
        worlds.append(World(tmp_path / str(len(worlds)), promotional=promotional, idempotent=idempotent))
        return worlds[-1]

    yield make
    for world in worlds:
        for storage in world.opened:
            storage.close()
