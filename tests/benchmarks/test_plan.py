"""What a plan costs, by how much there is to read: one customer's file, one moment, CPU seconds, one core.

Bounds: with fifteen facts and two open runs at least 10,000 customers a second, with one fact at least 20,000; in files
that grow at least a million facts and 600,000 rows of the ledger a second. Without a bound stands the digest of the
longest file beside making it. Every plan is checked to do what its name says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from retention import facts as f
from retention.journey import (
    After,
    Book,
    CustomerFile,
    Delay,
    Exists,
    Exit,
    Facts,
    Journey,
    On,
    Plan,
    Step,
    digest,
    plan,
)
from retention.playbooks import win_back

NOON, DAY = datetime(2026, 3, 2, 12, tzinfo=UTC), timedelta(days=1)
ABOUT_RETURN = Journey(
    name="return",
    trigger=Facts("return", "requested"),
    steps=[
        Step(id="received", moment=After(), template="t/received", promotional=False),
        Step(id="again", moment=On([Facts("return", "refunded")], Delay(days=3)), template="t/again"),
    ],
    exits=[Exit("ordered", Exists("order", since="entry"))],
)
BOOK = Book.of([win_back(control=0.0), ABOUT_RETURN])
STRANGER = CustomerFile(customer_id="1", arms={"win_back": ("letters", 1.0), "return": ("letters", 1.0)})


def order(n: int) -> f.Fact:
    return f.OrderPlaced(id=f"o{n}", customer_id="1", at=NOON - (60 + n) * DAY, currency="EUR", total="30")


def returned(name: str, status: str, days_ago: float) -> f.Fact:
    at = NOON - days_ago * DAY
    return f.ReturnChanged(id=f"{name}-{status}", customer_id="1", at=at, return_id=name, status=status)


def asleep(days_ago: float) -> f.Fact:
    at, basis = NOON - days_ago * DAY, NOON - 60 * DAY
    return f.FellAsleep(id="z", customer_id="1", at=at, order_id="o0", basis=basis)


WHO = (
    f.ProfileChanged(id="p", customer_id="1", at=NOON - 999 * DAY, email="a@shop.example", timezone="Europe/Berlin"),
    f.ConsentChanged(id="c", customer_id="1", at=NOON - 999 * DAY, granted=True),
)


def later(file: CustomerFile, days_ago: float, *facts: f.Fact) -> CustomerFile:
    """The file after these facts came and a plan was committed that many days ago."""
    file = evolve(file, facts=(*file.facts, *facts))
    done = plan(BOOK, file, NOON - days_ago * DAY)
    return evolve(file, ledger=file.ledger + done.decisions, entries=file.entries + done.entries)


def two_runs(facts: int, file: CustomerFile = STRANGER) -> CustomerFile:
    """So many facts more; a win-back run and one about a return are open, and the letter after the refund is due now."""
    history = [order(n) for n in range(facts - len(WHO) - 4)]
    file = later(file, 9, *WHO, *history, returned("r", "requested", 9))
    return later(file, 3.1, returned("r", "received", 5), returned("r", "refunded", 3), asleep(3.2))


def many_runs(runs: int) -> CustomerFile:
    """Two open runs after so many about other returns that are over."""
    file = evolve(STRANGER, facts=WHO)
    for n in range(runs):
        then = 900 - n
        file = later(file, then, returned(f"r{n}", "requested", then), returned(f"r{n}", "refunded", then))
        file = later(file, then - 3.9)
    return two_runs(15, file)


def per_second(benchmark: Any, function: Callable[..., Any], file: CustomerFile, now: datetime, times: int) -> float:
    """Calls a second, the best of five rounds of so many."""

    def run() -> None:
        for _ in range(times):
            function(BOOK, file, now)

    benchmark.extra_info["facts"], benchmark.extra_info["ledger"] = len(file.facts), len(file.ledger)
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    rate = times / float(benchmark.stats.stats.min)
    benchmark.extra_info["per second"] = round(rate)
    return rate


@pytest.fixture(autouse=True)
def cpu_time(benchmark: Any) -> None:
    """Other processes of the machine do not count."""
    benchmark._timer = time.process_time


def kinds(done: Plan) -> list[str]:
    return [row.kind for row in done.decisions]


@pytest.mark.benchmark(group="15 facts, two open runs, 2,000 plans")
def test_a_letter_is_decided(benchmark: Any) -> None:
    """A send and the end of its run, at least 10,000 a second."""
    file = two_runs(15)
    assert len(file.facts) == 15
    assert kinds(plan(BOOK, file, NOON)) == ["send", "exit"]
    assert per_second(benchmark, plan, file, NOON, 2_000) >= 10_000


@pytest.mark.benchmark(group="15 facts, two open runs, 2,000 plans")
def test_nothing_is_due(benchmark: Any) -> None:
    """The way of most plans: both runs wait; at least 10,000 a second."""
    file, yesterday = two_runs(15), NOON - DAY
    assert kinds(plan(BOOK, file, yesterday)) == []
    assert per_second(benchmark, plan, file, yesterday, 2_000) >= 10_000


@pytest.mark.benchmark(group="one fact, 2,000 plans")
@pytest.mark.parametrize("fact, decided", [(order(0), []), (asleep(1), ["refuse"])], ids=["nothing", "refusal"])
def test_the_smallest_file(benchmark: Any, fact: f.Fact, decided: list[str]) -> None:
    """An order that concerns no journey, or somebody who may not be written to: at least 20,000 a second."""
    file = evolve(STRANGER, facts=(fact,))
    assert kinds(plan(BOOK, file, NOON)) == decided
    assert per_second(benchmark, plan, file, NOON, 2_000) >= 20_000


@pytest.mark.benchmark(group="long files, two open runs, nothing due, 20 plans")
@pytest.mark.parametrize("facts", [121, 1_000, 10_000])
def test_many_facts(benchmark: Any, facts: int) -> None:
    """Cost grows with the facts and no faster: at most a microsecond for each."""
    file, yesterday = two_runs(facts), NOON - DAY
    assert kinds(plan(BOOK, file, yesterday)) == []
    assert facts * per_second(benchmark, plan, file, yesterday, 20) >= 1_000_000


@pytest.mark.benchmark(group="long files, two open runs, nothing due, 20 plans")
@pytest.mark.parametrize("runs", [10, 100, 300])
def test_many_runs(benchmark: Any, runs: int) -> None:
    """Cost grows with the runs that are over and no faster; every one has a return of its own to look at."""
    file, yesterday = many_runs(runs), NOON - DAY
    assert len(file.entries) == runs + 2
    assert kinds(plan(BOOK, file, yesterday)) == []
    assert len(file.ledger) * per_second(benchmark, plan, file, yesterday, 20) >= 600_000


@pytest.mark.benchmark(group="the digest of 10,000 facts, 20 times")
@pytest.mark.parametrize("function", [plan, digest], ids=["planned from", "made"])
def test_the_digest(benchmark: Any, function: Callable[..., Any]) -> None:
    """A file of 10,000 facts plans from its digest like a short one; making it costs more than one plan saves."""
    file, yesterday = two_runs(10_000), NOON - DAY
    short = digest(BOOK, file, yesterday)
    assert plan(BOOK, short, yesterday) == plan(BOOK, file, yesterday)
    assert len(short.facts) < 15
    per_second(benchmark, function, short if function is plan else file, yesterday, 20)
