"""The laws of customers who turn out to be one, and of those who want to be forgotten."""

from __future__ import annotations

from itertools import permutations

from attrs import evolve

from retention.facts import KINDS, CustomersMerged, Fact, ProfileChanged
from retention.testing._storage_bench import (
    Bench,
    Stand,
    at,
    entry,
    erasure,
    letter,
    merge,
    on_a_bench,
    order,
)  # fmt: skip
from retention.testing.laws import Law

__all__ = ["LAWS"]

_ADDRESS = "ann.secret@example.com"


def _merged(bench: Bench) -> None:
    bench.storage.record([order("1", "old", minutes=5), order("2", "new", minutes=4)])
    old = bench.change("old", letter("a"), entries=[entry("one"), entry("both", 1, "early"), entry("tie", 3, "old")])
    late = [entry("both", 2, "late"), entry("tie", 3, "new")]
    bench.keep(old, bench.change("new", letter("b"), entries=late))
    before = bench.file("new").version
    bench.expect(bench.storage.record([merge("m", "old", "new", 6), order("3", "old", minutes=7)]), ["new", "new"])
    file = bench.file("new")
    bench.expect(bench.file("old"), file, "the file under the old id")
    bench.expect((file.customer_id, file.merged, file.version > before), ("new", ("old",), True))
    bench.expect([fact.id for fact in file.facts], ["2", "1", "m", "3"])
    found = [(one.key, one.arm) for one in file.entries]
    wanted = [("one", "letters"), ("both", "early"), ("tie", "new")]
    bench.expect(found, wanted, "the runs: of two the earlier, of equals that of the holder")
    bench.expect({one.step for one in file.ledger}, {"a", "b"}, "decisions")
    bench.expect(bench.statuses("new"), {"a": "queued", "b": "queued"})
    bench.expect({lease.customer_id for lease in bench.claim()}, {"new"})
    bench.expect(bench.storage.customers("", 9), ["new"])
    bench.expect({customer for customer, _ in bench.storage.facts(set(KINDS), 0, 9)[0]}, {"new"})
    bench.expect(bench.storage.due(at(), "book", 9), ["new"])


def _merged_under_way(bench: Bench) -> None:
    bench.queue(letter("a"), customer="old")
    (lease,) = bench.claim()
    bench.storage.record([merge("m", "old", "new")])
    bench.expect(bench.storage.due(at(), "book", 9), ["new"], "who is due after a merge")
    bench.expect([bench.begin(lease), bench.settle(lease, "sent")], [True, True])
    bench.expect(bench.statuses("new"), {"a": "sent"})


def _merged_while_planning(bench: Bench) -> None:
    bench.storage.record([order("1", "old"), order("2", "new")])
    changes = [bench.change(name) for name in ("old", "new", "stranger")]
    bench.storage.record([merge("m", "old", "new"), merge("n", "stranger", "new")])
    bench.expect(bench.storage.commit(changes), [False] * 3, "plans made before the merge")
    bench.expect(bench.file("new").merged, ("old", "stranger"))


def _chains(stand: Stand) -> None:
    for links in permutations([merge("1", "a", "b"), merge("2", "b", "c"), merge("3", "c", "d")]):
        with stand.place() as place:
            _chain(place.open(), list(links))


def _chain(bench: Bench, links: list[CustomersMerged]) -> None:
    bench.storage.record([order(name, name) for name in "abcd"])
    bench.expect(bench.storage.record(links), ["new"] * 3)
    bench.expect((bench.file("d").customer_id, bench.file("d").merged), ("d", ("a", "b", "c")))
    circle = merge("4", "d", "a")
    bench.expect([bench.storage.record([circle]), bench.storage.record([circle])], [["new"], ["known"]])
    for name in "abcd":
        bench.expect(bench.file(name).customer_id, "d", f"the id of the file of {name}")
        bench.expect(set(bench.facts(name)), set("abcd1234"), f"the facts of {name}")


def _profile(id_: str = "p", customer: str = "ann") -> ProfileChanged:
    return ProfileChanged(id=id_, customer_id=customer, at=at(), email=_ADDRESS)


def _tombstones(bench: Bench) -> None:
    bench.storage.record([_profile(), order("1"), order("9", "ben"), erasure()])
    bench.expect(bench.file().facts, (erasure(),))
    page, _ = bench.storage.facts(["profile", "order", "erased"], 0, 9)
    bench.expect([fact.id for _, fact in page], ["9", "e"], "what a reader finds after the erasure")
    again: list[Fact] = [evolve(_profile(), email="other@example.com"), order("1", total="99"), erasure()]
    bench.expect(bench.storage.record(again), ["known"] * 3, "erased facts, reported again")
    bench.expect(bench.file().facts, (erasure(),))
    bench.expect(bench.storage.record([order("2")]), ["new"])
    bench.expect(bench.facts(), ["2", "e"])
    bench.expect(bench.storage.customers("", 9), ["ann", "ben"])


def _erased_and_due(bench: Bench) -> None:
    bench.storage.record([order("1")])
    stale = bench.change("ann", letter("a"), wake=99)
    bench.storage.record([erasure()])
    bench.expect(bench.storage.commit([stale]), [False], "a plan made before the erasure")
    bench.expect(bench.storage.due(at(), "book", 9), ["ann"])


def _erased_letters(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"), letter("later", 30))
    lease, _ = bench.claim(limit=2)
    bench.storage.record([erasure()])
    found = {(one.status, one.reason, one.at) for one in bench.file().outcomes}
    bench.expect(found, {("cancelled", "erased", at(5))})
    bench.expect([bench.begin(lease, 1), bench.settle(lease, "queued", 1)], [False, False])
    bench.expect([bench.claim(99), bench.doubts(99)], [[], []])


def _erased_under_way(bench: Bench) -> None:
    bench.queue(*(letter(key) for key in "abcd"))
    a, b, c, d = bench.claim()
    bench.expect([bench.begin(lease) for lease in (a, b, c, d)], [True] * 4)
    bench.expect(bench.settle(d, "sent", 1), wanted=True)
    bench.storage.record([erasure()])
    bench.expect(bench.settle(a, "sent", 6), wanted=True)
    bench.expect(bench.settle(b, "queued", 6, retry=7), wanted=True)
    bench.expect(bench.claimed(7), [], "claims of a letter without contents")
    bench.expect([bench.doubts(10), bench.doubts(99)], [[], []])
    bench.expect(bench.settle(c, "sent", 99), wanted=False)
    bench.expect(bench.statuses(), {"a": "sent", "b": "failed", "c": "in_doubt", "d": "sent"})
    bench.expect([one.reason for one in bench.file().outcomes], ["", "unreadable", "unreadable", ""])


def _unreadable(bench: Bench) -> None:
    bench.queue(*(letter(key) for key in "ab"))
    bench.queue(*(letter(key) for key in "cd"), customer="ben")
    a, b = bench.claim(limit=2)
    bench.expect([bench.begin(a), bench.begin(b)], [True, True])
    bench.storage.record([erasure()])
    bench.settle(a, "queued", 1, retry=0)
    bench.settle(b, "queued", 1, retry=0)
    bench.expect(bench.claimed(9, limit=2), ["c", "d"], "claims after a and b, which cannot be read any more")


def _keys_stay(bench: Bench) -> None:
    bench.keep(bench.change("ann", letter("a"), entries=[entry()]))
    before = bench.file()
    bench.storage.record([erasure()])
    bench.expect((bench.file().entries, bench.file().ledger), (before.entries, before.ledger))
    bench.queue(letter("a"))
    bench.expect(bench.claimed(99), [], "claims of a letter that was erased and queued again")
    bench.expect(dict(bench.storage.owners(["a"])), {"a": "ann"})


def _erased_and_merged(bench: Bench) -> None:
    bench.storage.record([_profile("1", "old"), _profile("2"), merge("m", "old", "ann"), erasure("old")])
    bench.expect((bench.file().facts, bench.file().merged), ((erasure("old"),), ("old",)))
    bench.storage.record([order("3", "ben"), merge("n", "ben", "ann")])
    bench.expect(bench.facts("old"), ["n", "3", "e"])


LAWS: tuple[Law[Stand], ...] = (
    Law(18, "a letter that cannot be read blocks no other", on_a_bench(_unreadable)),
    Law(26, "erased facts leave tombstones", on_a_bench(_tombstones)),
    Law(26, "an erasure makes plans stale and its customer due", on_a_bench(_erased_and_due)),
    Law(26, "letters not handed over are cancelled by an erasure", on_a_bench(_erased_letters)),
    Law(26, "letters handed over live on without contents", on_a_bench(_erased_under_way)),
    Law(26, "keys, entries and decisions outlive an erasure", on_a_bench(_keys_stay)),
    Law(26, "an erasure empties the file that a customer was merged into", on_a_bench(_erased_and_merged)),
    Law(45, "a merge moves everything", on_a_bench(_merged)),
    Law(45, "a lease survives a merge", on_a_bench(_merged_under_way)),
    Law(45, "a plan made before a merge is stale", on_a_bench(_merged_while_planning)),
    Law(45, "a chain of merges ends in one file, a circle harms nothing", _chains),
)
"""The laws of customers, by number."""
