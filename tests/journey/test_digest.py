"""The digest plans like the full file, whatever the journeys ask and however long the history is."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import facts as f
from retention.journey import AllOf, Before, ContactPolicy, CustomerFile, Exists, Facts, Not, On, digest, plan, recheck

HOURS = 24 * 6
HOUR = timedelta(hours=1)
START = "2026-03-26T00:00"


def visits(start: Any, count: int) -> list[f.Fact]:
    """Visits that nobody asks for."""
    return [f.Visited(id=f"v{n}", customer_id="1", at=start - n * HOUR) for n in range(count)]


def lived(life: Any, seed: int) -> tuple[Any, list[Any]]:
    """A random life, hour by hour, with a look at every plan; and what was seen."""
    start = life.at(START)
    one, arrivals = life.any_life(seed, start, HOURS)
    one.knows(*visits(start, 30))
    looks = []
    for now in sorted({when for when, _ in arrivals} | {start + i * 7 * HOUR for i in range(HOURS // 7)}):
        one.knows(*(fact for when, fact in arrivals if when == now))
        looks.append((one.file, now))
        one.commit(plan(one.book, one.file, now))
    return one, looks


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_the_digest_plans_like_the_full_file(life: Any, seed: int) -> None:
    """At every moment of a life the decisions, runs and wake-up are the same; so is the last look before the sender."""
    one, looks = lived(life, seed)
    for file, now in looks:
        short = digest(one.book, file, now)
        assert plan(one.book, short, now) == plan(one.book, file, now)
        assert digest(one.book, short, now) == short
        for row in file.ledger:
            if row.kind == "send":
                assert recheck(one.book, short, row, now) == recheck(one.book, file, row, now)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_it_is_a_part_in_the_same_order(life: Any, seed: int) -> None:
    """Nothing is made up or moved; visits that nobody asks for are gone."""
    one, looks = lived(life, seed)
    file, now = looks[-1]
    short = digest(one.book, file, now)
    rest = iter(file.facts)
    assert all(any(fact is other for other in rest) for fact in short.facts)
    assert not any(fact.kind == "visit" for fact in short.facts)
    assert {row for row in file.ledger if row.kind != "defer"} <= set(short.ledger)


def test_a_long_history_becomes_a_short_one(life: Any) -> None:
    """Of ten thousand facts some dozen are left, and they are those that conditions, moments and the profile need."""
    start, rng = life.at(START), random.Random(0)
    history = [*visits(start, 5_000), *(life.order(f"o{n}", start - n * HOUR) for n in range(2_000))]
    history += [life.mail("opened", start - n * HOUR) for n in range(2_000)]
    history += [life.profile(start - n * HOUR, email=f"a{n}@shop.example") for n in range(1, 500)]
    rng.shuffle(history)
    journey = life.journey(life.step("a", On([Facts("order", key="any")])), exits=(), trigger=Facts("asleep"))
    one = life(journey, facts=[*history, life.asleep(start)], policy=ContactPolicy())
    short = digest(one.book, one.file, start)
    assert len(short.facts) < 12
    assert plan(one.book, short, start) == plan(one.book, one.file, start)


def test_what_bounced_and_what_is_dated_ahead_stay(life: Any) -> None:
    """An address that bounced for good is still the one that bounced; facts of tomorrow still join the wake-up."""
    one = life(life.two_letters(), facts=[life.asleep("2026-03-02"), life.order("late", "2026-04-01")])
    one.knows(
        life.profile("2026-02-01", email="b@shop.example"), life.mail("bounced", "2026-02-02", bounce_class="hard"),
        life.profile("2026-02-03", email="c@shop.example"), life.profile("2026-02-04", email="b@shop.example"),
    )  # fmt: skip
    now = life.at("2026-03-02")
    short = digest(one.book, one.file, now)
    assert plan(one.book, short, now) == plan(one.book, one.file, now)
    assert "late" in {fact.id for fact in short.facts}


def test_a_stranger_has_an_empty_digest(life: Any) -> None:
    """Nothing is known, nothing is needed."""
    book = life(life.journey(life.step("a", when=Exists("visit")))).book
    assert digest(book, CustomerFile(customer_id="x"), life.at(START)) == CustomerFile(customer_id="x")
    assert evolve(CustomerFile(customer_id="x")).facts == ()


def test_what_any_fact_may_state_is_kept(life: Any) -> None:
    """A fact between the first and last of its sort, that alone states what a condition or moment asks for."""
    trigger = Facts("return", "requested")
    wanted = Facts("return", "requested", attribute="reason", values=("STYLE",))
    asks = (
        life.step("a", when=Exists("return", key="run", attribute="reason", values=("STYLE",))),
        life.step("a", when=Not(Not(AllOf([Exists("return", "requested", key="order")])))),
        life.step("a", On([wanted])),
        life.step("a", Before(wanted, "deadline")),
    )
    facts = [
        life.ret("requested", f"2026-03-02T0{hour}:00", **more)
        for hour, more in (
            (1, {"order_id": "o1"}),
            (2, {"reason": "STYLE", "order_id": "r1", "deadline": life.at("2026-03-09")}),
            (3, {"order_id": "o1"}),
        )
    ]
    for step in asks:
        one = life(life.journey(step, trigger=trigger, exits=()), facts=facts, policy=ContactPolicy())
        now = life.at("2026-03-10")
        short = digest(one.book, one.file, now)
        assert plan(one.book, short, now) == plan(one.book, one.file, now)
        assert len([fact for fact in short.facts if fact.kind == "return"]) == 3
