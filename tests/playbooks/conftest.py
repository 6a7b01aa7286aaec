"""`Story`: one customer whose facts arrive one by one or together, planned with a playbook until nothing is left."""

from __future__ import annotations

import runpy
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from retention import facts as f
from retention.journey import Book, ContactPolicy, CustomerFile, Decision, Journey, digest, plan, unaccounted

FREE = ContactPolicy(quiet_hours=None, caps=())
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
ENGINE_TESTS = runpy.run_path(str(Path(__file__).parents[1] / "engine" / "conftest.py"))
checked, checked_once = ENGINE_TESTS["checked"], ENGINE_TESTS["checked_once"]


class Story:
    """What is known of a customer, and what was decided; days count from the 2nd of March 2026, 10:00."""

    def __init__(
        self,
        *journeys: Journey,
        policy: ContactPolicy = FREE,
        arm: str = "letters",
        grants: bool = False,
        known: bool = True,
    ) -> None:
        self.book = Book.of(journeys, policy=policy, grants=grants)
        self.file = CustomerFile(customer_id="1", arms={journey.name: (arm, 1.0) for journey in journeys})
        self.now, self.wants, self.n = START, (), 0
        self.wake: datetime | None = None
        if known:
            self.knows(
                f.ProfileChanged(id="p", customer_id="1", at=self.day(-400), email="a@shop.example"),
                f.ConsentChanged(id="c", customer_id="1", at=self.day(-400), granted=True),
            )

    @staticmethod
    def day(days: float) -> datetime:
        return START + timedelta(days=days)

    def knows(self, *facts: f.Fact) -> Story:
        self.file = evolve(self.file, facts=(*self.file.facts, *facts))
        return self

    def tick(self, days: float) -> Story:
        """Plan now, follow the wake-ups to that day, and plan then."""
        end = self.day(days)
        self._plan(self.now)
        while self.wake is not None and self.wake < end:
            self._plan(self.wake)
        self._plan(end)
        return self

    def late(self, days: float) -> Story:
        """Nothing was planned before that day; the first plan is then."""
        self._plan(self.day(days))
        return self

    def _plan(self, now: datetime) -> None:
        done = plan(self.book, self.file, now)
        assert plan(self.book, digest(self.book, self.file, now), now) == done, "a digest plans like the whole file"
        ledger, entries = self.file.ledger + done.decisions, self.file.entries + done.entries
        self.file, self.wants = evolve(self.file, ledger=ledger, entries=entries), done.wants
        self.now, self.wake = now, done.wake_at

    def over(self, days: float = 400) -> Story:
        """Live on until every run has ended; everything must be accounted for."""
        self.tick(days)
        rows = self.file.ledger
        assert sum(row.kind == "exit" for row in rows) == len(self.file.entries)
        assert unaccounted(self.book, self.file, letters=False) == []
        return self

    def rows(self, *kinds: str) -> list[Decision]:
        return [row for row in self.file.ledger if row.kind in (kinds or ("send",))]

    def sent(self) -> dict[str, float]:
        """The letters that were sent, step to day."""
        return {row.step: (row.at - START) / timedelta(days=1) for row in self.rows()}

    def templates(self) -> list[str]:
        return [row.template for row in self.rows()]

    def why(self, step: str) -> list[str]:
        """What became of a step that was not sent."""
        return [row.reason for row in self.file.ledger if row.step == step and row.kind in ("skip", "withhold")]

    def refused(self) -> list[str]:
        return [row.reason for row in self.rows("refuse")]

    # What happens.

    def _id(self, kind: str) -> str:
        self.n += 1
        return f"{kind}-{self.n}"

    def order(self, days: float, name: str = "") -> f.Fact:
        return f.OrderPlaced(id=name or self._id("o"), customer_id="1", at=self.day(days), currency="EUR", total="30")

    def asleep(self, days: float = 0, *, order: str = "o1", **more: Any) -> f.Fact:
        given = {"at": self.day(days), "order_id": order, "basis": self.day(days - 60)}
        return f.FellAsleep(id=order, customer_id="1", **given | more)

    def returned(self, status: str, days: float, *, name: str = "r1", **more: Any) -> f.Fact:
        given = {"return_id": name, "status": status, "at": self.day(days), "order_id": "o1"}
        return f.ReturnChanged(id=f"{name}-{status}", customer_id="1", **given | more)

    def refunded(self, days: float, *, name: str = "r1", **more: Any) -> f.Fact:
        return self.returned("refunded", days, name=name, refund="30", currency="EUR", **more)

    def service(self, status: str, days: float) -> f.Fact:
        given: dict[str, Any] = {"cancellation_id": "s1", "status": status, "service": "Tea club"}
        return f.ServiceCancellationChanged(id=f"s1-{status}", customer_id="1", at=self.day(days), **given)

    def answered(self, question: str, value: str, days: float, *, about: str = "r1") -> f.Fact:
        given = {"question": question, "value": value, "about": about}
        return f.Answered(id=self._id("a"), customer_id="1", at=self.day(days), **given)

    def granted(self, journey: str, about: str, days: float, offer: str = "mug") -> f.Fact:
        given = {"journey": journey, "about": about, "offer": offer, "expires_at": self.day(days + 14)}
        return f.OfferDecided(id=f"{journey}-{about}", customer_id="1", at=self.day(days), **given)

    def redeemed(self, journey: str, about: str, days: float) -> f.Fact:
        return f.OfferRedeemed(id=f"{journey}-{about}", customer_id="1", at=self.day(days), about=about)

    def delivered(self, days: float = 0, order: str = "o1") -> f.Fact:
        return f.DeliveryChanged(id=order, customer_id="1", at=self.day(days), order_id=order, status="delivered")

    def risk(self, days: float = 0, order: str = "o1", **more: Any) -> f.Fact:
        given = {"order_id": order, "at": self.day(days), "risk": 0.3, "worth": "0.50", "product_id": "boots"}
        return f.ReturnRiskFound(id=order, customer_id="1", **given | more)

    def arrive(self, arrivals: Sequence[f.Fact] | Iterable[f.Fact], days: float, apart: float = 1 / 1440) -> Story:
        """The facts become known one after the other from that day on, each followed by a plan."""
        self.now = self.day(days)
        for i, fact in enumerate(arrivals):
            self.knows(fact).tick(days + i * apart)
        return self


@pytest.fixture(scope="session")
def story() -> type[Story]:
    """`story(win_back())`: a customer who may be written to."""
    return Story


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The small shop of the engine's tests, whose clock only the test moves."""
    return SimpleNamespace(World=ENGINE_TESTS["World"], shop=ENGINE_TESTS["shop"])
