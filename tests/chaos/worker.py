"""One worker of the storm: records, ticks and delivers on the common file until somebody kills it.

Its storage and sender pass every point by name, and a fuse that was set for one of them kills the process there, with
SIGKILL: nothing is closed, flushed or rolled back.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import frozen
from receiver import Line

from retention import facts
from retention.engine import Engine
from retention.journey import After, ContactPolicy, Delay, Facts, Journey, Step
from retention.messages import Message, Result
from retention.people import Shop
from retention.ports import Capabilities
from retention.storage.sqlite import SQLiteStorage

METHODS = (
    "remember", "recall", "advance", "record", "due", "load", "commit", "claim", "claim_doubts", "begin", "settle",
)  # fmt: skip
POINTS = (
    *(f"{side} {method}" for method in METHODS for side in ("before", "after")),
    "before the hand-over",
    "handed over, nothing read",
    "received, answer unread",
    "answer read",
    "any statement",
)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
PACE = 300
"""The workers' clock goes five minutes a second, so that a lease of a quarter of an hour is over in three seconds."""
WINDOW = 20
"""Letters in one call: what one kill can double at most."""
ORDERS = 4
"""Orders of one customer, each with a letter of its own."""
SHOP = Shop(
    name="Storm", sender="storm@shop.example", timezone="UTC", currency="EUR", base_url="https://shop.example",
    secret="known to everybody who reads the tests",
)  # fmt: skip
TEMPLATE = """
{% block subject %}Thank you{% endblock %}
{% block preheader %}One line.{% endblock %}
{% block text %}One line.{% endblock %}
{% block html %}<p>One line.</p>{% endblock %}
{% block text_part %}One line. {{ unsubscribe_url }}{% endblock %}
{% block html_part %}<p>One line. {{ unsubscribe_url }}</p>{% endblock %}
"""


@frozen
class Policy:
    """A sender's promise and the sort of letter it carries, which together decide what a doubt becomes."""

    name: str
    promotional: bool
    idempotent: bool
    bug: str = ""
    """Planted, for the books to show: a "forgetful" provider delivers what it knows, a "careless" sender loses some."""

    @property
    def may_miss(self) -> bool:
        """Whether a letter in doubt is rather missed than doubled."""
        return self.promotional and not self.idempotent

    @property
    def journey(self) -> Journey:
        long = Delay(days=3_650)
        step = Step(id="note", moment=After(), template="chaos/note", promotional=self.promotional, valid_for=long)
        return Journey(name="storm", trigger=Facts("order"), steps=[step], accept_for=long, lasts=long)


@frozen
class Task:
    """What one worker is to do: every `lanes`-th chunk from `lane` on, on the file in `folder`."""

    folder: Path
    policy: Policy
    chunks: int
    size: int
    lanes: int
    lane: int
    began: float

    @property
    def orders(self) -> int:
        """How many there are, and letters."""
        return self.chunks * self.size

    @property
    def customers(self) -> int:
        """How many people order."""
        return -(-self.orders // ORDERS)

    @property
    def progress(self) -> Path:
        """A byte for every chunk that is recorded: what a shop knows of its own export."""
        return self.folder / f"lane-{self.lane}"

    @property
    def ahead(self) -> range:
        """The chunks of this lane that are not known to be recorded."""
        done = self.progress.stat().st_size if self.progress.exists() else 0
        return range(self.lane + done * self.lanes, self.chunks, self.lanes)


class Fuse:
    """Sends this process a signal, SIGKILL or SIGSTOP, when it passes `point` for the `visits`-th time."""

    def __init__(self, point: str = "", visits: int = 1, number: int = signal.SIGKILL) -> None:
        self._point, self._visits, self._number = point, visits, number

    def reach(self, point: str) -> None:
        """Pass the point, end there, or rest there for a while."""
        if point == self._point:
            self._visits -= 1
            if not self._visits:
                os.kill(os.getpid(), self._number)


class Labelled:
    """A storage with a point before and after every call."""

    def __init__(self, storage: SQLiteStorage, fuse: Fuse) -> None:
        self._storage, self._fuse = storage, fuse
        storage._db.set_trace_callback(lambda statement: fuse.reach("any statement"))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._storage, name)

        def passing(*arguments: Any) -> Any:
            self._fuse.reach(f"before {name}")
            result = method(*arguments)
            self._fuse.reach(f"after {name}")
            return result

        return passing


class WireSender:
    """Hands letters to the receiver, with a point at every step of the way."""

    def __init__(self, address: str, fuse: Fuse, policy: Policy) -> None:
        self.capabilities = Capabilities(WINDOW, remembers_for=timedelta.max if policy.idempotent else None)
        self._line, self._fuse, self._careless = Line(address), fuse, policy.bug == "careless"

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """One call: its batch leaves, arrives, and the answer comes back, unless we die."""
        self._fuse.reach("before the hand-over")
        self._line.send([message.key for message in messages[self._careless :]])
        self._fuse.reach("handed over, nothing read")
        self._line.wait()
        self._fuse.reach("received, answer unread")
        self._line.answer()
        self._fuse.reach("answer read")
        return [Result("accepted")] * len(messages)


def chunk(task: Task, n: int) -> Iterator[facts.Fact]:
    """The `n`-th piece of the shop's history: `size` orders of customers who may be written to.

    All customers order in turn, so that every lane has something of everybody.
    """
    for i in range(n * task.size, (n + 1) * task.size):
        customer = i % task.customers
        about = {"customer_id": f"c{customer}", "at": START - timedelta(days=1)}
        yield facts.ProfileChanged(id=f"p{customer}", email=f"c{customer}@example.org", **about)
        yield facts.ConsentChanged(id=f"k{customer}", granted=True, **about)
        yield facts.OrderPlaced(id=f"o{i}", total="30", currency="EUR", **about)


def engine(task: Task, fuse: Fuse, clock: Callable[[], datetime]) -> Engine:
    """An engine on the common file, with labels on all that it touches."""
    return Engine(
        Labelled(SQLiteStorage(task.folder / "shop.db"), fuse),
        WireSender(str(task.folder / "socket"), fuse, task.policy),
        journeys=[task.policy.journey],
        shop=SHOP,
        policy=ContactPolicy(quiet_hours=None, caps=()),
        templates=task.folder / "letters",
        clock=clock,
    )


def work(task: Task, fuse: Fuse, *, chunks: int | None = None, forever: bool = False) -> None:
    """Record, tick and deliver, `chunks` of them or to the end of the lane; then `forever` what others left, or stop."""
    at_work = engine(task, fuse, lambda: _fast(task))
    ahead = iter(task.ahead[:chunks])
    while True:
        n = next(ahead, None)
        if n is not None:
            at_work.record(chunk(task, n))
            with task.progress.open("ab") as progress:
                progress.write(b".")
        at_work.tick()
        at_work.deliver()
        if n is None and not forever:
            return


def drain(task: Task) -> None:
    """What cron does on quiet days: hour by hour, until nothing is left to do for the longest pause."""
    hours = 0
    at_work = engine(task, Fuse(), lambda: _fast(task) + timedelta(hours=hours))
    while hours < 8:
        hours += 1
        at_work.tick()
        at_work.deliver()


def _fast(task: Task) -> datetime:
    return START + PACE * timedelta(seconds=time.time() - task.began)
