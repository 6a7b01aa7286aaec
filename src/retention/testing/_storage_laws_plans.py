"""The laws of planning: what a commit keeps, whole or not at all, and who is due."""

from __future__ import annotations

from attrs import evolve

from retention.journey.ledger import Decision, Needs, Outcome
from retention.ports import Settlement
from retention.testing._storage_bench import (
    Bench,
    Stand,
    at,
    decision,
    entry,
    letter,
    merge,
    on_a_bench,
    order,
)  # fmt: skip
from retention.testing.laws import Law

__all__ = ["LAWS"]


def _stale(bench: Bench) -> None:
    bench.storage.record([order("1")])
    stale = bench.change("ann", letter("a"), entries=[entry()], wake=30)
    bench.storage.record([order("2")])
    other = bench.change("ben", letter("b"))
    before = bench.file()
    found = bench.storage.commit([stale, other, evolve(other, letters=(letter("c"),))])
    bench.expect(found, [False, True, False], "a stale change, a good one, and one on the file before the good one")
    bench.expect(bench.file(), before)
    bench.expect(bench.claimed(99), ["b"])
    bench.expect(bench.storage.due(at(), "book", 9), ["ann"])
    bench.expect(bench.storage.commit([evolve(other, customer_id="new", version=3)]), [False])


def _all_or_nothing(bench: Bench) -> None:
    """A lone surrogate is text that hardly any database takes: whatever comes of it, comes of the whole call."""
    bench.storage.record([order("1")])
    good = bench.change("ben", letter("b"), wake=1)
    bad = bench.change("ann", letter("a"), decisions=[evolve(decision("a"), reason="\ud800")], entries=[entry()])
    before = bench.storage.load(["ann", "ben"], Needs())
    try:
        applied = bench.storage.commit([good, bad])
    except Exception:  # noqa: BLE001 - which one is not the law's business
        bench.expect(bench.storage.load(["ann", "ben"], Needs()), before, "the files after a commit that raised")
        bench.expect(bench.claimed(99), [], "letters of a commit that raised")
        bench.keep(good)
    else:
        bench.expect(applied, [True, True])
        bench.expect(sorted(bench.claimed(99)), ["a", "b"])


def _settled_all_or_nothing(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    a, b = bench.claim()
    ends = [Settlement(a, "cancelled", "bought"), Settlement(b, "cancelled", "\ud800")]
    before = bench.file()
    try:
        settled = bench.storage.settle(ends, at(1))
    except Exception:  # noqa: BLE001 - which one is not the law's business
        bench.expect(bench.file(), before, "the file after a settle that raised")
    else:
        bench.expect(settled, [True, True])


def _first_payload(bench: Bench) -> None:
    bench.queue(letter("a", subject="first"))
    bench.queue(letter("a", subject="second"), letter("b"))
    bench.queue(letter("b", subject="other"), customer="ben")
    bench.expect([lease.message.subject for lease in bench.claim()], ["first", "Hello"])
    bench.expect(bench.statuses("ben"), {}, "letters of ben, whose key another has")
    (lease, *_) = bench.claim(10)
    bench.begin(lease, 11)
    bench.settle(lease, "sent", 11)
    bench.queue(letter("a", subject="third"))
    bench.expect(bench.statuses()["a"], "sent", "the status of a letter that is queued again after it was sent")
    bench.expect(bench.claimed(99), ["b"])


def _together(bench: Bench) -> None:
    decisions = [evolve(decision(""), kind="enter", due=None, slot=None), decision("a")]
    bench.keep(bench.change("ann", letter("a"), decisions=decisions, entries=[entry()]))
    file = bench.file()
    bench.expect(file.ledger, tuple(decisions), "the decisions kept")
    bench.expect(file.entries, (entry(),), "the entries kept")
    wanted = (Outcome(message_key="a", key=letter("a").key, status="queued", at=at()),)
    bench.expect(file.outcomes, wanted, "the letters kept")
    deferred = Decision(
        kind="defer", journey="win_back", entry_key="run", version=1, at=at(1), until=at(9), n=1, promotional=False,
        reason="cap", occurrence="x", arm="letters", offer="gift",
    )  # fmt: skip
    older = decision("o", -5)
    bench.keep(bench.change("ann", decisions=[deferred, older]))
    bench.expect(bench.file().ledger, (older, *decisions, deferred), "the ledger, oldest first")
    bench.expect(bench.file().version > file.version, wanted=True, what="whether the version grew")


def _oldest_first(bench: Bench) -> None:
    bench.queue(letter("b"), letter("c", written=-5))
    bench.queue(letter("a", written=2))
    bench.expect(
        [one.message_key for one in bench.file().outcomes], ["c", "b", "a"], "letters, by when they were written"
    )
    bench.keep(bench.change("ann", decisions=[decision("b", 9), decision("b", 1)]))
    found = [(one.step, one.at) for one in bench.file().ledger]
    wanted = [("b", at()), ("c", at()), ("a", at()), ("b", at(1)), ("b", at(9))]
    bench.expect(found, wanted, "decisions, by time; one step's may be many")


def _entries(bench: Bench) -> None:
    bench.keep(bench.change("ann", entries=[entry(arm="first"), entry("other", 3)]))
    bench.keep(bench.change("ann", entries=[entry(arm="second"), entry("third", 1)]))
    found = [(one.key, one.arm) for one in bench.file().entries]
    bench.expect(found, [("run", "first"), ("third", "letters"), ("other", "letters")], "the runs, oldest first")
    bench.keep(bench.change("ann", entries=[evolve(entry("run", 9), journey="returns")]))
    bench.expect(len(bench.file().entries), 4, "the number of runs, two of them with one key in two journeys")


def _due(bench: Bench) -> None:
    bench.storage.record([order("1", "b"), order("2", "a")])
    bench.expect(bench.storage.due(at(-9999), "book", 9), ["a", "b"], "who is due: new facts are at once, equals by id")
    bench.keep(bench.change("a", wake=20), bench.change("b", wake=10))
    found = [bench.storage.due(at(minutes), "book", limit) for minutes, limit in ((9.9, 9), (10, 9), (99, 9), (99, 1))]
    bench.expect(found, [[], ["b"], ["b", "a"], ["b"]], "who is due: wake-ups at 10 and 20")
    bench.expect(bench.storage.due(at(99), "book", 0), [])
    bench.storage.record([order("3", "a")])
    bench.expect(bench.storage.due(at(1), "book", 9), ["a"], "who is due: whoever has a new fact")


def _due_by_fingerprint(bench: Bench) -> None:
    bench.keep(bench.change("a", fingerprint="new book"), bench.change("b", wake=10))
    found = [bench.storage.due(at(minutes), "new book", 9) for minutes in (99, 1)]
    bench.expect(found, [["b"], ["b"]], "who is due for a new book: whoever the old one planned")
    bench.expect(bench.storage.due(at(1), "book", 9), ["a"])
    found = [bench.storage.due(at(99), "newer book", limit) for limit in (9, 1)]
    bench.expect(found, [["b", "a"], ["b"]], "who is due for a newer book: whose wake-up has come, then the others")
    bench.keep(bench.change("d"), bench.change("c"))
    found = [bench.storage.due(at(1), "newer book", limit) for limit in (9, 3)]
    wanted = [["b", "c", "d", "a"], ["b", "c", "d"]]
    bench.expect(found, wanted, "who is due for a newer book: by fingerprint, then id")


def _due_once(bench: Bench) -> None:
    for n in range(5):
        bench.storage.record([order(str(n))])
        bench.expect(bench.storage.due(at(), f"book {n % 2}", 9), ["ann"])
        bench.keep(bench.change("ann", wake=n % 3, fingerprint=f"book {n % 2}"))
    bench.expect([bench.storage.due(at(9), f"book {n}", 9) for n in (0, 3)], [["ann"]] * 2)
    bench.keep(bench.change("ann", fingerprint="book 0"))
    bench.expect([bench.storage.due(at(9), f"book {n}", 9) for n in (3, 0)], [["ann"], []])


def _owners(bench: Bench) -> None:
    bench.queue(letter("a"))
    bench.queue(letter("b"), customer="ben")
    bench.expect(dict(bench.storage.owners(["a", "b", "c"])), {"a": "ann", "b": "ben"})
    bench.storage.record([merge("m", "ann", "ben")])
    bench.expect(dict(bench.storage.owners({"a"})), {"a": "ben"})


LAWS: tuple[Law[Stand], ...] = (
    Law(1, "a commit is all or nothing", on_a_bench(_all_or_nothing)),
    Law(1, "a settle is all or nothing", on_a_bench(_settled_all_or_nothing)),
    Law(2, "a stale version is a conflict and applies nothing", on_a_bench(_stale)),
    Law(3, "a key is queued once, and its first payload stays", on_a_bench(_first_payload)),
    Law(4, "a decision comes with its letter", on_a_bench(_together)),
    Law(4, "letters and decisions are kept oldest first", on_a_bench(_oldest_first)),
    Law(29, "an entry is unique", on_a_bench(_entries)),
    Law(44, "due: the wake-up, inclusive, longest waiting first", on_a_bench(_due)),
    Law(44, "due: whoever another fingerprint planned", on_a_bench(_due_by_fingerprint)),
    Law(44, "due: nobody waits twice", on_a_bench(_due_once)),
    Law(46, "the owner of a letter is found", on_a_bench(_owners)),
)
"""The laws of planning, by number."""
