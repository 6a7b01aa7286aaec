"""`life`: one customer carried through time, and the laws that hold at every single plan of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from retention import facts as f
from retention.journey import (
    CONTROL,
    REASONS,
    After,
    AfterExit,
    AllOf,
    AnyOf,
    Before,
    Book,
    Cap,
    Choice,
    ContactPolicy,
    CustomerFile,
    Decision,
    Delay,
    Exists,
    Exit,
    Facts,
    First,
    Hold,
    Journey,
    Last,
    Not,
    On,
    Once,
    Open,
    Outcome,
    PerKey,
    QuietHours,
    Step,
    Variant,
    needs,
    plan,
    recheck,
)
from retention.journey.contact_policy import OPEN_DEFECT

FREE = ContactPolicy(quiet_hours=None, caps=(), holds=())
ASLEEP, AT_ONCE = Facts("asleep"), After()
OWNING = ("send", "withhold", "skip")


def at(text: str | datetime) -> datetime:
    """An instant; UTC unless the text says otherwise."""
    when = datetime.fromisoformat(text) if isinstance(text, str) else text
    return when if when.tzinfo else when.replace(tzinfo=UTC)


class Life:
    """A customer's file: facts arrive, plans are committed, wake-ups are followed."""

    FREE = FREE
    at = staticmethod(at)

    def __init__(
        self,
        *journeys: Journey,
        facts: Iterable[f.Fact] = (),
        policy: ContactPolicy = FREE,
        arm: str = "letters",
        timezone: str = "UTC",
        earlier: Iterable[Journey] = (),
        known: bool = True,
    ) -> None:
        self.book = Book.of(journeys, policy=policy, timezone=timezone, earlier=earlier)
        self.file = CustomerFile(customer_id="1", arms={j.name: (arm, 1.0) for j in journeys})
        self.wake: datetime | None = None
        self._reasons = {*REASONS, *self._own_reasons()}
        if known:
            self.knows(self.profile("2025-01-01"), self.consent("2025-01-01"))
        self.knows(*facts)

    def knows(self, *facts: f.Fact) -> Life:
        self.file = evolve(self.file, facts=(*self.file.facts, *facts))
        return self

    def outcome(self, row: Decision, status: str, when: str | datetime) -> None:
        outcome = Outcome(message_key="m", key=row.key, status=status, at=at(when))
        self.file = evolve(self.file, outcomes=(*self.file.outcomes, outcome))

    def edit(self, *journeys: Journey, policy: ContactPolicy | None = None, keep: bool = True) -> Life:
        """Other journeys or another policy from now on; the versions so far stay pinned."""
        earlier = self.book.journeys if keep else ()
        self.book = Book.of(journeys, earlier=earlier, policy=policy or self.book.policy, timezone=self.book.timezone)
        return self

    def plan(self, when: str | datetime) -> tuple[Decision, ...]:
        """Plan and commit; what must hold at every plan is checked here."""
        now = at(when)
        done = plan(self.book, self.file, now)
        self._same_in_any_order(now, done)
        self.commit(done)
        again = plan(self.book, self.file, now)
        assert (again.decisions, again.entries) == ((), ()), "a replay after the commit must yield nothing"
        assert again.wake_at == done.wake_at
        assert done.wake_at is None or done.wake_at > now
        self._keys_are_owned_once()
        self._every_reason_is_known()
        self._ended_runs_account_for_every_step()
        return done.decisions

    def commit(self, done: Any) -> None:
        file = self.file
        self.file = evolve(file, ledger=file.ledger + done.decisions, entries=file.entries + done.entries)
        self.wake = done.wake_at

    def until(self, end: str | datetime) -> list[Decision]:
        """Follow the wake-ups to `end`, itself included."""
        rows: list[Decision] = []
        while self.wake is not None and self.wake <= at(end):
            rows += self.plan(self.wake)
        return rows

    def recheck(self, row: Decision, when: str | datetime) -> Any:
        return recheck(self.book, self.file, row, at(when))

    def _same_in_any_order(self, now: datetime, done: Any) -> None:
        facts = (*self.file.facts[::-1], *self.file.facts[-3:])
        mirrored = evolve(self.file, facts=facts, entries=self.file.entries[::-1], ledger=self.file.ledger[::-1])
        assert plan(self.book, mirrored, now) == done, "neither order nor doubles within a batch may matter"
        kinds = needs(self.book).kinds
        assert kinds is not None
        digest = evolve(self.file, facts=tuple(x for x in self.file.facts if x.kind in kinds))
        assert plan(self.book, digest, now).decisions == done.decisions, "needs() must name all that plan() reads"

    def _keys_are_owned_once(self) -> None:
        rows = self.file.ledger
        assert max(Counter(r.key for r in rows if r.kind in OWNING).values(), default=0) <= 1
        assert max(Counter((*r.key, r.n) for r in rows if r.kind == "defer").values(), default=0) <= 1

    def _every_reason_is_known(self) -> None:
        self._reasons |= self._own_reasons()
        for row in self.file.ledger:
            assert row.reason in self._reasons
            assert row.reason or row.kind in ("enter", "send")

    def _own_reasons(self) -> set[str]:
        exits = (exit_.reason for journey in self.book.journeys for exit_ in journey.exits)
        return {*exits, *(hold.reason for hold in self.book.policy.holds)}

    def _ended_runs_account_for_every_step(self) -> None:
        rows = self.file.ledger
        for end in (row for row in rows if row.kind == "exit"):
            mine = [r for r in rows if (r.journey, r.entry_key) == (end.journey, end.entry_key)]
            decided = {r.key for r in mine if r.kind in OWNING}
            pinned = next(
                entry for entry in self.file.entries if (entry.journey, entry.key) == (end.journey, end.entry_key)
            )
            journey = self.book.journey(pinned)
            assert journey is not None
            for step in journey.steps:
                assert any(key.step in (step.id, *step.formerly) for key in decided), f"{step.id} is not accounted for"
            present = {step.id for step in journey.steps}
            assert {r.key for r in mine if r.kind == "defer" and r.step in present} <= decided
            assert sum(r.kind == "exit" for r in mine) == 1

    # What is read off.

    @staticmethod
    def words(rows: Iterable[Decision]) -> list[str]:
        """Rows as "kind step reason"."""
        return [" ".join(filter(None, (r.kind, r.step, r.reason))) for r in rows]

    def last(self, step: str) -> Decision:
        return next(row for row in reversed(self.file.ledger) if row.step == step)

    # What happens.

    @staticmethod
    def order(name: str, when: str | datetime, total: str = "30") -> f.Fact:
        return f.OrderPlaced(id=name, customer_id="1", at=at(when), currency="EUR", total=total)

    @staticmethod
    def asleep(when: str | datetime, *, order: str = "o1", basis: str | datetime = "2026-01-01") -> f.Fact:
        return f.FellAsleep(id=f"z-{order}", customer_id="1", at=at(when), order_id=order, basis=at(basis))

    @staticmethod
    def ret(status: str, when: str | datetime, *, name: str = "r1", **more: Any) -> f.Fact:
        options = {"return_id": name, "status": status, "id": f"{name}-{status}-{when}", **more}
        return f.ReturnChanged(customer_id="1", at=at(when), **options)

    @staticmethod
    def parcel(order: str, when: str | datetime) -> f.Fact:
        return f.DeliveryChanged(id=f"d-{order}", customer_id="1", at=at(when), order_id=order, status="delivered")

    @staticmethod
    def consent(when: str | datetime, granted: bool = True, topic: str = "marketing") -> f.Fact:
        return f.ConsentChanged(id=f"c-{when}-{topic}", customer_id="1", at=at(when), granted=granted, topic=topic)

    @staticmethod
    def profile(when: str | datetime, email: str = "a@shop.example", timezone: str | None = None) -> f.Fact:
        return f.ProfileChanged(id=f"p-{when}", customer_id="1", at=at(when), email=email, timezone=timezone)

    @staticmethod
    def mail(status: str, when: str | datetime, **more: Any) -> f.Fact:
        return f.EmailReported(
            id=f"{status}-{when}", customer_id="1", at=at(when), message_key="m", status=status, **more
        )

    @staticmethod
    def journey(*steps: Step, name: str = "back", trigger: Facts = ASLEEP, **more: Any) -> Journey:
        return Journey(name=name, trigger=trigger, steps=steps, **more)

    @staticmethod
    def step(name: str = "a", moment: Any = AT_ONCE, **more: Any) -> Step:
        return Step(id=name, moment=moment, template=f"t/{name}", **more)

    @classmethod
    def two_letters(cls, **more: Any) -> Journey:
        """A letter at once and another a week later; an order ends it."""
        steps = (cls.step("a"), cls.step("b", After("a", Delay(days=7))))
        return cls.journey(*steps, **{"exits": (Exit("ordered", Exists("order", since="basis")),), **more})

    # What chance builds, from a seed that hypothesis chooses. All of it falls on whole hours, so that an hourly clock
    # misses nothing.

    @staticmethod
    def any_condition(rng: random.Random) -> Any:
        inner = [Life.any_condition(rng) for _ in range(rng.randrange(3))] if rng.random() < 0.3 else []
        return rng.choice(
            [
                Exists("order", since="basis"),
                Exists("return", "refunded", key="run"),
                Exists("return", since="basis", attribute="reason", values=("STYLE", "DAMAGED")),
                Exists("return", key="order"),
                Exists("order", since="entry"),
                First("order", "total", ">", "20"),
                Last("return", "reason", "in", ("STYLE", "DEFECTIVE")),
                Last("consent", "granted", "==", value=True),
                Last("return", "deadline", "<", "2026-03-30T00:00:00+00:00", key="run"),
                Open("return", f.RETURN_ENDS),
                OPEN_DEFECT.when,
                *[Not(condition) for condition in inner],
                AllOf(inner),
                AnyOf(inner),
            ]
        )

    @staticmethod
    def any_moment(rng: random.Random, before: Sequence[str]) -> Any:
        delay = Delay(days=rng.randrange(3), hours=rng.randrange(20))
        stages = [Facts("return", "received"), Facts("return", attribute="reason"), Facts("order", key="any")]
        facts = rng.sample(stages, rng.randint(1, 2))
        return rng.choice(
            [
                After("entry", delay),
                After(rng.choice(["entry", *before]), delay, rng.choice(["continue", "drop"])),
                After(rng.choice(["entry", *before]), delay),
                On(facts, delay, rng.choice(["all", "any"])),
                On(facts, delay, "any", "fact"),
                On(facts[:1], delay, "any", "value", "at"),
                Before(Facts("return"), "deadline", delay),
            ]
        )

    @staticmethod
    def any_step(rng: random.Random, i: int, before: Sequence[str], arms: Iterable[str]) -> Step:
        def perhaps(share: float, value: Any) -> Any:
            return value if rng.random() < share else None

        variant = Variant(hour=perhaps(0.5, rng.randrange(24)), delay=perhaps(0.3, Delay(hours=rng.randrange(30))))
        choice = Choice(Life.any_condition(rng), "t/choice", rng.choice(["", "gift"]))
        return Step(
            id=f"s{i}",
            moment=Life.any_moment(rng, before),
            template=f"t/{i}",
            hour=perhaps(0.3, rng.randrange(24)),
            weekday=perhaps(0.1, rng.randrange(7)),
            when=perhaps(0.2, Life.any_condition(rng)),
            cancel=perhaps(0.1, Life.any_condition(rng)),
            choose=perhaps(0.3, (choice,)) or (),
            variants=perhaps(0.3, {rng.choice(sorted(arms)): variant}) or {},
            valid_for=Delay(hours=rng.choice([1, 5, 20, 60])),
            promotional=(promotional := rng.random() < 0.8),
            urgent=promotional and rng.random() < 0.2,
            supersedes=(perhaps(0.3, tuple(before[:1])) or ()),
            formerly=perhaps(0.2, (f"old{i}",)) or (),
        )

    @staticmethod
    def any_journey(rng: random.Random, name: str = "j") -> Journey:
        """A valid journey of up to four steps that uses everything there is."""
        arms = rng.choice([{"letters": 1.0}, {"letters": 0.5, "b": 0.25, CONTROL: 0.25}])
        steps: list[Step] = []
        for i in range(rng.randint(1, 4)):
            steps.append(Life.any_step(rng, i, [s.id for s in steps if not s.recurs], arms))
        exits = [Exit(rng.choice(["ordered", "done"]), Life.any_condition(rng))] if rng.random() < 0.3 else []
        return Journey(
            name=name,
            trigger=rng.choice([Facts("asleep"), Facts("return", "requested"), Facts("order")]),
            steps=steps,
            exits=exits,
            lasts=Delay(hours=rng.randint(1, 60)),
            ends=rng.choice([None, None, On((Facts("return", "refunded"),), Delay(hours=rng.randint(0, 30)))]),
            accept_for=Delay(hours=rng.choice([0, 30, 60])),
            reentry=rng.choice([Once(), PerKey(), PerKey(), AfterExit(Delay(hours=10))]),
            arms=arms,
            priority=rng.randint(1, 2),
        )

    @staticmethod
    def any_policy(rng: random.Random) -> ContactPolicy:
        start, end = (f"{rng.randrange(24):02}:00" for _ in range(2))
        holds = [OPEN_DEFECT, Hold("open_return", Open("return", ("refunded",)))]
        return ContactPolicy(
            quiet_hours=rng.choice([None, QuietHours(start, end), QuietHours()]),
            caps=[Cap(rng.choice([0, 1, 1, 2, 2]), rng.randint(1, 4)) for _ in range(rng.randrange(3))],
            holds=rng.sample(holds, rng.randrange(3)),
            closed_days=rng.choice([(), (), (6,), (5, 6)]),
        )

    @staticmethod
    def any_arrivals(rng: random.Random, start: datetime, hours: int) -> list[tuple[datetime, f.Fact]]:
        """(when the shop hears of it, the fact), some late, some dated ahead."""
        kinds = ("order", "order", "asleep", "asleep", "requested", "requested", "received", "refunded")
        rare = ("consent", "profile", "bounced", "complained", "merge")
        found = []
        for i in range(rng.randint(1, 12)):
            heard = rng.randrange(hours)
            happened = max(0, heard + rng.choice([0, 0, 0, -5, -30, 20]))
            kind = rng.choice(rare if rng.random() < 0.2 else kinds)
            fact = Life._happened(kind, start + timedelta(hours=happened), rng.randrange(4))
            found.append((start + timedelta(hours=heard), evolve(fact, id=f"{kind}-{i}")))
        return found

    @classmethod
    def any_life(cls, seed: int, start: datetime, hours: int) -> tuple[Life, list[tuple[datetime, f.Fact]]]:
        """A life with one or two journeys, and what happens in it."""
        rng = random.Random(seed)
        journeys = [cls.any_journey(rng, name) for name in ("first", "second")[: rng.randint(1, 2)]]
        zone = rng.choice(["Europe/London", "UTC", "Asia/Tokyo"])
        one = cls(*journeys, policy=cls.any_policy(rng), timezone=zone)
        arms = {j.name: (rng.choice(sorted(j.arms)), 0.5) for j in journeys}
        one.file = evolve(one.file, arms=arms)
        return one, cls.any_arrivals(rng, start, hours)

    @staticmethod
    def _happened(kind: str, when: datetime, pick: int) -> f.Fact:
        zone = ("UTC", "Asia/Tokyo", "America/New_York", "Europe/London")[pick]
        reason = ("", "STYLE", "DEFECTIVE", "DAMAGED")[pick]
        deadline = when + timedelta(hours=17 * pick) if pick else None
        makers = {
            "order": lambda: Life.order("o", when, total=str(10 * pick)),
            "asleep": lambda: Life.asleep(when, order=f"o{pick}", basis=when - timedelta(hours=30 * pick)),
            "consent": lambda: Life.consent(when, granted=pick > 1),
            "profile": lambda: Life.profile(when, email=f"b{pick}@shop.example", timezone=zone),
            "bounced": lambda: Life.mail(kind, when, bounce_class="hard"),
            "complained": lambda: Life.mail(kind, when),
            "merge": lambda: f.CustomersMerged(id="m", customer_id="2", at=when, into="1"),
        }
        if kind in makers:
            return makers[kind]()
        return Life.ret(kind, when, name=f"r{pick % 2}", reason=reason, deadline=deadline)


@pytest.fixture(scope="session")
def life() -> type[Life]:
    """The class of a customer's life; `life(journey, facts=…).plan("2026-03-02T10:00")`."""
    return Life
