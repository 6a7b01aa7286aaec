"""All playbooks together: what is ready to use, and the real returns of a shop living with them."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from retention.engine import Engine, Prevention
from retention.facts import ConsentChanged, Fact, OrderPlaced, ProfileChanged, ReturnChanged
from retention.importers.csv import Columns, Rules, read
from retention.journey import Book, Needs, unaccounted
from retention.people import Shop
from retention.playbooks import ready
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage

COLUMNS = Columns(
    customer="CustomerID",
    order="InvoiceNo",
    at="InvoiceDate",
    product="StockCode",
    quantity="Quantity",
    price="UnitPrice",
    name="Description",
)
RULES = Rules(currency="GBP", timezone="Europe/London", returns_prefix="C")
SHOP = Shop(
    name="Gifts",
    sender="gifts@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example",
    secret="sixteen characters",
)


def test_they_live_together() -> None:
    """One book takes them all; each has a name and a control of its own, transactional ones go first."""
    book = Book.of(ready())
    assert [journey.name for journey in book.current] == [
        "cancelled_service",
        "product_return",
        "post_purchase",
        "after_return",
        "win_back",
    ]
    assert all(dict(journey.arms) == {"control": 0.1, "letters": 0.9} for journey in ready())


def test_who_keeps_whom_out_exists() -> None:
    """A journey is kept out by journeys that there are."""
    names = {journey.name for journey in ready()}
    assert all(names.issuperset(journey.unless_inside) for journey in ready())


# What a file says of a return is that it was paid back; the days before are derived from that.
STAGES = (("requested", 6), ("approved", 5), ("received", 1))


def history(file: Path, customers: int) -> Iterator[Fact]:
    """The orders and returns of the first customers with a return; every fifth has no name, every ninth no address."""
    facts = [fact for batch in read(file, COLUMNS, RULES) for fact in batch.facts]
    chosen = list(dict.fromkeys(fact.customer_id for fact in facts if isinstance(fact, ReturnChanged)))[:customers]
    begin = min(fact.at for fact in facts) - timedelta(days=1)
    for n, who in enumerate(chosen):
        name, email = None if n % 5 == 0 else "Ada", None if n % 9 == 0 else f"c{who}@mail.example"
        language = ("en", "ru", "tlh", None)[n % 4]
        yield ProfileChanged(id=who, customer_id=who, at=begin, name=name, email=email, language=language)
        yield ConsentChanged(id=who, customer_id=who, at=begin, granted=n % 7 > 0)
    for fact in facts:
        if fact.customer_id in set(chosen):
            yield fact
            if isinstance(fact, ReturnChanged):
                yield from before(fact)


def before(paid: ReturnChanged) -> Iterator[Fact]:
    """The stages of a return that the file leaves out; every third knows its reason."""
    reason = ("", "SIZE_TOO_SMALL", "DEFECTIVE")[int(paid.id.lstrip("C")) % 3]
    for status, days in STAGES:
        at = paid.at - timedelta(days=days)
        yield evolve(paid, id=f"{paid.id}-{status}", status=status, at=at, refund=None, reason=reason)


def live(folder: Path, customers: int, end: str) -> tuple[Engine, list[Fact]]:
    """Online Retail up to a day, a day at a time, with every playbook."""
    facts = sorted(history(folder / "online_retail_uci.csv.gz", customers), key=lambda fact: (fact.at, fact.id))
    now = [facts[0].at]
    prevention = Prevention(saved="10", letter_cost="0.10")
    engine = Engine(
        MemoryStorage(), MemorySender(), journeys=ready(), shop=SHOP, prevention=prevention, clock=lambda: now[0]
    )
    known, until = 0, datetime.fromisoformat(f"{end}T12:00:00+00:00")
    while now[0] < until:
        now[0] += timedelta(days=1)
        heard = [fact for fact in facts[known:] if fact.at <= now[0]]
        known += len(heard)
        engine.record(heard)
        engine.run()
    return engine, facts[:known]


@pytest.fixture(scope="module")
def lived(shared_data: Path) -> tuple[Engine, list[Fact]]:
    """Three months of some customers."""
    return live(shared_data, 60, "2011-03-01")


@pytest.mark.shared_data
@pytest.mark.simulation
def test_the_whole_file(shared_data: Path) -> None:
    """A year of every customer who sent something back: each return has its run, each customer is explainable."""
    whole = live(shared_data, 10_000, "2011-12-31")
    test_real_returns_start_their_chains(whole)
    test_no_word_of_a_refund_before_the_file_has_it(whole)
    test_every_customers_letters_are_explainable(whole)
    engine, facts = whole
    letters = engine.sender.messages
    print(f"{len({fact.customer_id for fact in facts})} customers, {len(facts)} facts, {len(letters)} letters")  # noqa: T201


@pytest.mark.shared_data
def test_real_returns_start_their_chains(lived: tuple[Engine, list[Fact]]) -> None:
    """Each return that was requested has its run, and no letter of one is sent twice."""
    engine, facts = lived
    asked = {fact.key for fact in facts if isinstance(fact, ReturnChanged) and fact.status == "requested"}
    files = list(engine.storage.load(sorted({fact.customer_id for fact in facts}), Needs()))
    runs = [entry.key for file in files for entry in file.entries if entry.journey == "product_return"]
    assert sorted(runs) == sorted(asked)
    assert len(asked) > 50
    sent = [(file.customer_id, row.key) for file in files for row in file.ledger if row.kind == "send"]
    assert max(Counter(sent).values()) == 1
    steps = {key.step for _, key in sent if key.journey == "product_return"}
    assert steps >= {"received", "question", "help", "approved", "arrived", "refunded", "recommendations", "thanks"}


@pytest.mark.shared_data
def test_no_word_of_a_refund_before_the_file_has_it(lived: tuple[Engine, list[Fact]]) -> None:
    """Not an hour earlier than the cancellation in the file."""
    engine, facts = lived
    moved = {fact.key: fact.at for fact in facts if isinstance(fact, ReturnChanged) and fact.refund is not None}
    files = engine.storage.load(sorted({fact.customer_id for fact in facts}), Needs())
    told = [row for file in files for row in file.ledger if row.kind == "send" and row.step == "refunded"]
    assert told
    assert all(row.at >= moved[row.entry_key] for row in told)


@pytest.mark.shared_data
def test_every_customers_letters_are_explainable(lived: tuple[Engine, list[Fact]]) -> None:
    """Every decision in words, nothing that does not add up, no letter that could not be written."""
    engine, facts = lived
    for who in sorted({fact.customer_id for fact in facts}):
        told = engine.explain(who)
        (file,) = engine.storage.load([who], Needs())
        assert len(told.lines) >= len(file.ledger)
        assert str(told)
        assert unaccounted(engine.book, file) == []
        assert not [row for row in file.ledger if row.reason == "unwritable"]


@pytest.mark.shared_data
def test_the_slice_is_the_files(lived: tuple[Engine, list[Fact]], shared_data: Path) -> None:
    """Orders and refunds are those that the file has of these customers, not made up."""
    _, facts = lived
    own = {fact.customer_id for fact in facts}
    with gzip.open(shared_data / "online_retail_uci.csv.gz", "rt") as file:
        rows = {line.split(",")[0] for line in file}
    assert {fact.id for fact in facts if isinstance(fact, OrderPlaced)} <= rows
    assert len(own) == 60
