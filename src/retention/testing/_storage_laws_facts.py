"""The laws of facts: recorded once, read in order, back to the character and the microsecond; and of notes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

from attrs import evolve

from retention.errors import StorageUnavailable
from retention.facts import KINDS, Line, OrderPlaced
from retention.journey.ledger import CustomerFile, DecisionKey, Needs, Plan
from retention.ports import Change, Settlement
from retention.testing._storage_bench import (
    Bench,
    Stand,
    at,
    decision,
    entry,
    letter,
    on_a_bench,
    order,
    visit,
)  # fmt: skip
from retention.testing.laws import Law, LawBroken

__all__ = ["LAWS"]

_ODD = "Анна 🎁\x00\u2028 \"quoted\" 'single' \\ %s {} \U0010ffff"


def _once(bench: Bench) -> None:
    first, other = order("1"), order("1", total="31")
    found = bench.storage.record([first, first, other, visit("1")])
    bench.expect(found, ["new", "known", "conflict", "new"], "a fact twice, another with its id, one of another kind")
    found = bench.storage.record([order("1", total="30.00"), other, order("1", "ben")])
    bench.expect(found, ["known", "conflict", "conflict"], "the fact written otherwise, another, another customer's")
    bench.expect(bench.storage.record([]), [])
    bench.expect(bench.file().facts, (first, visit("1")))
    bench.expect(bench.file("ben"), CustomerFile(customer_id="ben"))


def _known(bench: Bench) -> None:
    bench.storage.record([order("1")])
    bench.keep(bench.change("ann", wake=9))
    before = bench.file()
    bench.expect(bench.storage.record([order("1"), order("1", total="31")]), ["known", "conflict"])
    bench.expect(bench.file(), before, "the file after a known fact and a conflict")
    bench.expect(bench.storage.due(at(8), "book", 9), [], "who is due after a known fact and a conflict")


def _any_order(stand: Stand) -> None:
    facts = [order("2", minutes=9), visit("9", minutes=1), order("3", minutes=1), order("1", minutes=1)]
    for arrived in permutations(facts):
        with stand.place() as place:
            bench = place.open()
            for fact in arrived:
                bench.storage.record([fact])
            bench.expect(bench.facts(), ["1", "3", "9", "2"], "facts by (at, kind, id)")


def _needs(bench: Bench) -> None:
    bench.storage.record([order("2", minutes=9), visit("9", minutes=1), order("3", minutes=1), order("4", "ben")])
    ben, nobody, ann = bench.storage.load(["ben", "nobody", "ann"], Needs(frozenset({"order"})))
    bench.expect([[fact.id for fact in file.facts] for file in (ben, ann)], [["4"], ["3", "2"]])
    bench.expect(nobody, CustomerFile(customer_id="nobody"))
    bench.expect(bench.storage.load(["ann"], Needs(frozenset()))[0].facts, ())
    bench.expect(bench.storage.load([], Needs()), [])
    found = [file.customer_id for file in bench.storage.load(["ben", "ann", "ben"], Needs())]
    bench.expect(found, ["ben", "ann", "ben"], "files in the order they were asked for, one that was asked for twice")


def _text(bench: Bench) -> None:
    fact = OrderPlaced(id=_ODD, customer_id=_ODD, at=at(), currency="EUR", lines=(Line(product_id=_ODD, name=_ODD),))
    bench.expect(bench.storage.record([fact, fact]), ["new", "known"])
    long = evolve(letter("k", text=_ODD + "x" * 1_000_000), key=DecisionKey(_ODD, _ODD, _ODD, _ODD))
    row, run = evolve(decision("k"), entry_key=_ODD, reason=_ODD), evolve(entry(), key=_ODD)
    bench.keep(bench.change(_ODD, long, decisions=[row], entries=[run]))
    (lease,) = bench.claim()
    bench.expect((lease.customer_id, lease.key), (_ODD, long.key))
    bench.expect(lease.message == long.message, wanted=True, what="whether a megabyte came back to the character")
    bench.expect(bench.settle(lease, "cancelled", reason=_ODD), wanted=True)
    file = bench.file(_ODD)
    bench.expect((file.customer_id, file.facts, file.ledger, file.entries), (_ODD, (fact,), (row,), (run,)))
    bench.expect((file.outcomes[0].key, file.outcomes[0].reason), (long.key, _ODD))
    bench.expect(bench.storage.customers("", 2), [_ODD])
    bench.storage.remember(_ODD, _ODD)
    bench.expect(dict(bench.storage.recall(_ODD)), {_ODD: _ODD})


def _look_alikes(bench: Bench) -> None:
    """Databases that compare text by the rules of a language call some of these one."""
    alike = ["Ann", "ann", "ann ", "\u00e9", "e\u0301", "ss", "\u00df", "i", "\u0131", "a", "\uff41"]
    found = bench.storage.record([order(name, name) for name in alike])
    bench.expect(found, ["new"] * len(alike), "facts whose ids look alike")
    bench.expect(bench.storage.customers("", 99), sorted(alike))
    bench.queue(letter("Key"), letter("key"), letter("KEY"))
    bench.expect(bench.claimed(), ["KEY", "Key", "key"])
    bench.expect([bench.storage.remember(name, name) for name in alike], alike, "notes whose names look alike")


def _instants(bench: Bench) -> None:
    early = datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    east = datetime(2026, 7, 1, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))
    late = datetime(2200, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    bench.expect(bench.storage.advance(east), east)
    facts = tuple(evolve(order(str(n)), at=moment) for n, moment in enumerate([early, east, late]))
    bench.storage.record(facts)
    row = evolve(decision("a"), at=early, due=east, slot=late, valid_until=late)
    queued = evolve(letter("a"), due=east, message=evolve(letter("a").message, at=early))
    bench.keep(bench.change("ann", queued, decisions=[row]))
    file = bench.file()
    bench.expect((file.facts, file.ledger, file.outcomes[0].at), (facts, (row,), early))
    offsets = {fact.at.utcoffset() for fact in file.facts}
    bench.expect(offsets, {timedelta(0)}, "the offsets of what came back")
    bench.expect(bench.storage.claim(east - timedelta.resolution, timedelta.resolution, 9), [])
    (lease,) = bench.storage.claim(east, timedelta.resolution, 9)
    bench.expect(lease.until, east + timedelta.resolution, "the end of a lease of a microsecond")
    bench.expect(bench.storage.settle([Settlement(lease, "queued", "", late)], east), [True])
    found = [len(bench.storage.claim(late - early, timedelta(1), 9)) for early in (timedelta.resolution, timedelta(0))]
    bench.expect(found, [0, 1], "claims a microsecond before a retry's time and at it")
    bench.keep(evolve(bench.change("ann"), plan=Plan((), (), late)))
    found = [len(bench.storage.due(late - early, "book", 9)) for early in (timedelta.resolution, timedelta(0))]
    bench.expect(found, [0, 1], "who is due a microsecond before a wake-up and at it")
    bench.expect(bench.storage.advance(late), late)


def _cursor(bench: Bench) -> None:
    bench.storage.record([order("1", minutes=9), visit("v"), order("2")])
    page, cursor = bench.storage.facts({"order"}, 0, 1)
    bench.expect([(customer, fact.id) for customer, fact in page], [("ann", "1")])
    bench.storage.record([order("0", minutes=-60)])
    for wanted in (["2", "0"], []):
        page, cursor = bench.storage.facts({"order"}, cursor, 10)
        bench.expect([fact.id for _, fact in page], wanted)
    bench.storage.record([visit("w"), order("3")])
    bench.expect([fact.id for _, fact in bench.storage.facts({"order"}, cursor, 10)[0]], ["3"])
    page, _ = bench.storage.facts({"order", "visit"}, 0, 10)
    bench.expect([fact.id for _, fact in page], ["1", "v", "2", "0", "w", "3"])
    bench.expect(bench.storage.facts((), 0, 10)[0], [])


def _late_rows(bench: Bench) -> None:
    """Three threads record while a fourth reads on."""

    def write(name: str) -> None:
        for n in range(20):
            bench.storage.record([order(f"{name}{n}", name), visit(f"{name}{n}", name)])

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, name) for name in "abc"]
        seen, cursor = list[str](), 0
        while True:
            done = all(writer.done() for writer in writers)
            page, cursor = bench.storage.facts({"order"}, cursor, 7)
            seen += [fact.id for _, fact in page]
            if done and not page:
                break
        for writer in writers:
            writer.result()
    wanted = sorted(f"{name}{n}" for name in "abc" for n in range(20))
    bench.expect(sorted(seen), wanted, "what a reader saw while others wrote")


def _notes(bench: Bench) -> None:
    found = [bench.storage.remember("journey/b", "1"), bench.storage.remember("journey/b", "2")]
    bench.expect(found, ["1", "1"], "what is kept under one name")
    for name, text in (("journey/a", _ODD), ("journey", "short"), ("journez", "after"), ("journey_", "%")):
        bench.storage.remember(name, text)
    bench.expect(dict(bench.storage.recall("journey/")), {"journey/a": _ODD, "journey/b": "1"})
    bench.expect([len(bench.storage.recall(prefix)) for prefix in ("", "journey_", "k")], [5, 1, 0])


def _customers(bench: Bench) -> None:
    bench.storage.record([order("1", "b"), order("2", "a"), order("3", "я"), order("4", "Z")])
    bench.keep(bench.change("no facts"))
    found = [bench.storage.customers(after, 3) for after in ("", "b", "я")]
    bench.expect(found, [["Z", "a", "b"], ["я"], []], "three pages")
    bench.storage.record([order("5", "c")])
    bench.expect(bench.storage.customers("b", 3), ["c", "я"])


def _large(bench: Bench) -> None:
    facts = [order(str(n), f"c{n % 1100:04}", minutes=n) for n in range(2400)]
    bench.expect(set(bench.storage.record([*facts, facts[0]])[:-1]), {"new"})
    files = bench.storage.load([f"c{n:04}" for n in range(1100)], Needs())
    bench.expect([fact.id for fact in files[1099].facts], ["1099", "2199"])
    bench.expect(sum(len(file.facts) for file in files), 2400)


def _empty(bench: Bench) -> None:
    bench.expect(bench.storage.facts(set(KINDS), 0, 10)[0], [])
    bench.expect(bench.storage.customers("", 10), [])
    bench.expect(bench.storage.due(at(), "book", 10), [])
    bench.expect([bench.claim(), bench.doubts()], [[], []])


def _closed(bench: Bench) -> None:
    storage, change = bench.storage, Change("ann", 0, Plan((), (), None), "book")
    storage.close()
    storage.close()
    for call in (
        lambda: storage.remember("a", "b"),
        lambda: storage.recall(""),
        lambda: storage.advance(at()),
        lambda: storage.record([order("1")]),
        lambda: storage.facts(["order"], 0, 1),
        lambda: storage.owners(["a"]),
        lambda: storage.customers("", 1),
        lambda: storage.due(at(), "book", 1),
        lambda: storage.load(["ann"], Needs()),
        lambda: storage.commit([change]),
        bench.claim,
        bench.doubts,
        lambda: storage.begin([], at()),
        lambda: storage.settle([], at()),
    ):
        try:
            call()
        except StorageUnavailable as error:
            bench.expect("\n" in str(error), wanted=False, what="a line break in the error")
        else:
            raise LawBroken("after close() every call should raise StorageUnavailable, and this one did not")


LAWS: tuple[Law[Stand], ...] = (
    Law(23, "a fact is recorded once", on_a_bench(_once)),
    Law(23, "a known fact changes nothing", on_a_bench(_known)),
    Law(23, "facts make the same file in whatever order they come", _any_order),
    Law(24, "any text comes back, a megabyte too", on_a_bench(_text)),
    Law(24, "texts that look alike are others", on_a_bench(_look_alikes)),
    Law(25, "instants come back to the microsecond", on_a_bench(_instants)),
    Law(28, "a reader's cursor repeats nothing and misses nothing", on_a_bench(_cursor)),
    Law(28, "a reader misses nothing that others write meanwhile", on_a_bench(_late_rows)),
    Law(40, "the first note stays, and notes are found by prefix", on_a_bench(_notes)),
    Law(41, "a file holds the facts that are needed", on_a_bench(_needs)),
    Law(42, "customers come in order, page by page", on_a_bench(_customers)),
    Law(43, "thousands in one call are as good as one", on_a_bench(_large)),
    Law(47, "an empty storage has nothing", on_a_bench(_empty)),
    Law(48, "a closed storage refuses every call", on_a_bench(_closed)),
)
"""The laws of facts and notes, by number."""
