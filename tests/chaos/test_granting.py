"""Workers that grant offers on one file and die in the midst of it: no budget is spent twice, nobody is forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retention import facts
from retention.engine import Engine, Granting, Ration
from retention.journey import GRANTED, After, ContactPolicy, Facts, Journey, Step
from retention.offers import Offer
from retention.people import Shop
from retention.senders.memory import MemorySender
from retention.storage.sqlite import SQLiteStorage

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL") or sys.platform == "darwin", reason="forks a process that has numpy in it"
)

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CUSTOMERS, BUDGET = 120, Decimal(30)
WORKER = """
import sys
sys.path.insert(0, {folder!r})
from test_granting import doomed
doomed({db!r}, int(sys.argv[1])).run()
"""


def doomed(db: str, point: int) -> Engine:
    """An engine whose process dies before or after one of the writes from its first round of offers on."""
    engine = at_work(db, 1)
    left = [None]

    def passes() -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] = None if left[0] is None else left[0] - 1

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def writes(*arguments: Any) -> Any:
            if str(arguments[0]).startswith("offers/round/"):
                left[0] = point
            passes()
            done = write(*arguments)
            passes()
            return done

        return writes

    for name in ("remember", "record", "commit"):
        setattr(engine.storage, name, counted(getattr(engine.storage, name)))
    return engine


def at_work(db: str, hours: float) -> Engine:
    """One worker's engine, so many hours later."""
    step = Step(id="gift", moment=After(), template="win_back/miss_you", offer=GRANTED)
    shop = Shop(
        name="Storm", sender="storm@shop.example", timezone="UTC", currency="EUR", base_url="https://shop.example",
        secret="known to everybody who reads the tests",
    )  # fmt: skip
    return Engine(
        SQLiteStorage(db),
        MemorySender(),
        journeys=[Journey(name="win_back", trigger=Facts("asleep"), steps=[step])],
        shop=shop,
        policy=ContactPolicy(quiet_hours=None),
        ration=Ration(share=1.0),
        offers=Granting(catalogue=[Offer(id="mug", kind="gift", amount=9, cost="0.50")], budget=BUDGET),
        clock=lambda: START + timedelta(hours=hours),
    )


def history() -> list[facts.Fact]:
    found: list[facts.Fact] = []
    for n in range(CUSTOMERS):
        about = {"customer_id": f"c{n}", "at": START - timedelta(days=80)}
        found.append(facts.ProfileChanged(id=f"p{n}", email=f"c{n}@mail.example", **about))
        found.append(facts.ConsentChanged(id=f"k{n}", granted=True, **about))
        found.append(facts.OrderPlaced(id=f"o{n}", currency="EUR", total=str(30 + n % 50), **about))
    return found


@pytest.mark.parametrize("point", range(8))
def test_a_kill_while_offers_are_granted(tmp_path: Path, point: int) -> None:
    """Whoever comes next decides once about every run, within the budget, and every letter has what was granted."""
    db = str(tmp_path / "shop.db")
    first = at_work(db, 0)
    first.record(history())
    first.storage.close()
    code = WORKER.format(folder=str(Path(__file__).parent), db=db)
    done = subprocess.run([sys.executable, "-c", code, str(point)], check=False)
    assert done.returncode == -signal.SIGKILL
    last = at_work(db, 10)
    last.run()
    granted = [fact for _, fact in last.storage.facts(["offer"], 0, 10 * CUSTOMERS)[0]]
    assert Counter(fact.about for fact in granted) == Counter(f"o{n}" for n in range(CUSTOMERS))
    assert sum(fact.cost for fact in granted) == (0 if point in (1, 2) else BUDGET)  # announced, and never recorded
    told = last.storage.load([f"c{n}" for n in range(CUSTOMERS)], last._needs)
    sent = {file.customer_id: [row.offer for row in file.ledger if row.kind == "send"] for file in told}
    assert sent == {fact.customer_id: [fact.offer] for fact in granted}
    last.storage.close()
