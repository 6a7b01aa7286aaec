"""Every storage keeps the laws of `Storage`; the numbers are those of the conformance kit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve

from retention.errors import StorageUnavailable
from retention.facts import KINDS, CustomersMerged, Line, OrderPlaced, Visited
from retention.journey.ledger import CustomerFile, Decision, DecisionKey, Needs, Outcome, Plan
from retention.ports import Change

ODD = "Анна 🎁\x00\u2028 \"quoted\" 'single' \\ %s {} \U0010ffff"


def merge(id_, customer, into, at):
    return CustomersMerged(id=id_, customer_id=customer, at=at, into=into)


# ------------------------------------------------------------- notes and the clock


def test_the_first_note_stays(shop):
    """`remember` keeps what came first and says what is kept; `recall` finds notes by how their names start, in order."""
    assert shop.storage.remember("journey/b", "1") == "1"
    assert shop.storage.remember("journey/b", "2") == "1"
    shop.storage.remember("journey/a", ODD)
    shop.storage.remember("journey", "short")
    shop.storage.remember("journez", "after")
    assert list(shop.storage.recall("journey/").items()) == [("journey/a", ODD), ("journey/b", "1")]
    assert len(shop.storage.recall("")) == 4
    assert shop.storage.recall("k") == {}


def test_the_clock_never_goes_back(shop):
    """`advance` answers with the latest time that anybody came with."""
    assert shop.storage.advance(shop.at(5)) == shop.at(5)
    assert shop.storage.advance(shop.at(1)) == shop.at(5)
    assert shop.storage.advance(shop.at(6)) == shop.at(6)


# ------------------------------------------------------------- facts


def test_facts_are_recorded_once(shop):
    """The same fact is known, another with its kind and id is a conflict, within one call and across calls."""
    first, other = shop.order("1"), shop.order("1", total="31")
    same = shop.order("1", total="30.00")  # equal, though written otherwise
    visit = Visited(id="1", customer_id="ann", at=shop.at())  # the same id of another kind
    assert shop.storage.record([first, first, other, visit]) == ["new", "known", "conflict", "new"]
    assert shop.storage.record([same, other, shop.order("1", "ben")]) == ["known", "conflict", "conflict"]
    assert shop.storage.record([]) == []
    assert shop.file().facts == (first, visit)
    assert shop.file("ben") == CustomerFile(customer_id="ben")


def test_a_file_holds_the_facts_needed_oldest_first(shop):
    """`load` gives files in the order asked for, facts sorted by (at, kind, id) however they came."""
    late, early = shop.order("2", minutes=9), shop.order("3", minutes=1)
    visit = Visited(id="9", customer_id="ann", at=shop.at(1))
    shop.storage.record([late, visit, early, shop.order("4", "ben")])
    ben, nobody, ann = shop.storage.load(["ben", "nobody", "ann"], Needs(frozenset({"order"})))
    assert [fact.id for fact in ben.facts] == ["4"]
    assert nobody == CustomerFile(customer_id="nobody")
    assert ann.facts == (early, late)
    assert shop.file().facts == (early, visit, late)
    assert shop.storage.load(["ann"], Needs(frozenset()))[0].facts == ()
    assert shop.storage.load([], Needs()) == []


def test_a_batch_larger_than_a_query(shop):
    """Thousands of facts and customers in one call are as good as one."""
    facts = [shop.order(str(n), f"c{n % 1100:04}", minutes=n) for n in range(2400)]
    assert set(shop.storage.record([*facts, facts[0]])[:-1]) == {"new"}
    files = shop.storage.load([f"c{n:04}" for n in range(1100)], Needs())
    assert [fact.id for fact in files[1099].facts] == ["1099", "2199"]
    assert sum(len(file.facts) for file in files) == 2400


def test_customers_in_order(shop):
    """Ids of customers who have facts, page by page."""
    shop.storage.record([shop.order("1", "b"), shop.order("2", "a"), shop.order("3", "я"), shop.order("4", "Z")])
    assert shop.storage.commit([shop.change("no facts")]) == [True]
    assert shop.storage.customers("", 3) == ["Z", "a", "b"]
    assert shop.storage.customers("b", 3) == ["я"]
    assert shop.storage.customers("я", 3) == []
    shop.storage.record([shop.order("5", "c")])
    assert shop.storage.customers("b", 3) == ["c", "я"]


def test_law_28_a_cursor_misses_nothing_and_repeats_nothing(shop):
    """Facts come in the order they were recorded, whatever their own times and however the kinds are mixed."""
    shop.storage.record([shop.order("1", minutes=9), Visited(id="v", customer_id="ann", at=shop.at()), shop.order("2")])
    page, cursor = shop.storage.facts({"order"}, 0, 1)
    assert [(customer, fact.id) for customer, fact in page] == [("ann", "1")]
    shop.storage.record([shop.order("0", minutes=-60)])  # older, recorded later
    page, cursor = shop.storage.facts({"order"}, cursor, 10)
    assert [fact.id for _, fact in page] == ["2", "0"]
    page, cursor = shop.storage.facts({"order"}, cursor, 10)
    assert page == []
    shop.storage.record([Visited(id="w", customer_id="ann", at=shop.at()), shop.order("3")])
    assert [fact.id for _, fact in shop.storage.facts({"order"}, cursor, 10)[0]] == ["3"]
    assert [fact.id for _, fact in shop.storage.facts({"order", "visit"}, 0, 10)[0]] == ["1", "v", "2", "0", "w", "3"]
    assert shop.storage.facts((), 0, 10)[0] == []


def test_an_empty_storage_has_nothing(shop):
    """Asking before anything was told is no error."""
    assert shop.storage.facts(set(KINDS), 0, 10) == ([], 0)
    assert shop.storage.customers("", 10) == []
    assert shop.storage.due(shop.at(), "book", 10) == []
    assert shop.claim() == shop.doubts() == []


def test_law_24_any_text_comes_back(shop):
    """Unicode, NUL, characters of four bytes and a megabyte of text survive in facts, ids, letters and reasons."""
    lines = [Line(product_id=ODD, name=ODD * 3)]
    fact = OrderPlaced(id=ODD, customer_id=ODD, at=shop.at(), currency="EUR", lines=lines)
    assert shop.storage.record([fact, fact]) == ["new", "known"]
    letter = evolve(shop.letter("k", text=ODD + "x" * 1_000_000), key=DecisionKey(ODD, ODD, ODD, ODD))
    decision = evolve(shop.decision("k"), entry_key=ODD, reason=ODD)
    entry = evolve(shop.entry(), key=ODD)
    shop.storage.commit([shop.change(ODD, letter, decisions=(decision,), entries=(entry,))])
    (lease,) = shop.claim()
    assert (lease.customer_id, lease.key, lease.message) == (ODD, letter.key, letter.message)
    assert shop.settle(lease, "cancelled", reason=ODD)
    file = shop.file(ODD)
    assert (file.customer_id, file.facts, file.ledger, file.entries) == (ODD, (fact,), (decision,), (entry,))
    assert (file.outcomes[0].key, file.outcomes[0].reason) == (letter.key, ODD)
    assert shop.storage.customers("", 2) == [ODD]


def test_law_25_instants_come_back_to_the_microsecond(shop):
    """Aware instants of any zone and year come back as the same instants."""
    early = datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    east = datetime(2026, 7, 1, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))
    late = datetime(2200, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert shop.storage.advance(east) == east
    facts = [evolve(shop.order(str(n)), at=at) for n, at in enumerate([early, east, late])]
    shop.storage.record(facts)
    decision = evolve(shop.decision("a"), at=early, due=east, slot=late, valid_until=late)
    shop.storage.commit([shop.change("ann", decisions=(decision,))])
    assert shop.file().facts == tuple(facts)
    assert shop.file().ledger == (decision,)
    assert {fact.at.utcoffset() for fact in shop.file().facts} == {timedelta(0)}
    assert shop.storage.advance(late) == late


# ------------------------------------------------------------- merging


def test_merging_moves_everything(shop):
    """Facts, ledger, runs and letters of the old id belong to the new one, and the old id leads there."""
    shop.storage.record([shop.order("1", "old", minutes=5), shop.order("2", "new", minutes=4)])
    shop.storage.commit(
        [
            shop.change("old", shop.letter("a"), entries=(shop.entry("one"), shop.entry("both", 1, "early"))),
            shop.change("new", shop.letter("b"), entries=(shop.entry("both", 2, "late"),)),
        ]
    )
    before = shop.file("new").version
    joined = merge("m", "old", "new", shop.at(6))
    assert shop.storage.record([joined, shop.order("3", "old", minutes=7)]) == ["new", "new"]
    file = shop.file("new")
    assert shop.file("old") == file
    assert (file.customer_id, file.merged) == ("new", ("old",))
    assert file.version > before
    assert [fact.id for fact in file.facts] == ["2", "1", "m", "3"]
    assert [(entry.key, entry.arm) for entry in file.entries] == [("one", "letters"), ("both", "early")]
    assert {decision.step for decision in file.ledger} == {"a", "b"}
    assert shop.statuses("new") == {"a": "queued", "b": "queued"}
    assert {lease.customer_id for lease in shop.claim()} == {"new"}
    assert shop.storage.customers("", 9) == ["new"]
    assert {customer for customer, _ in shop.storage.facts(set(KINDS), 0, 9)[0]} == {"new"}
    assert shop.storage.due(shop.at(), "book", 9) == ["new"]


def test_a_lease_survives_a_merge(shop):
    """A letter that is on its way while its customer is merged is settled like any other."""
    shop.queue(shop.letter("a"), customer="old")
    (lease,) = shop.claim()
    shop.storage.record([merge("m", "old", "new", shop.at())])
    assert shop.begin(lease)
    assert shop.settle(lease, "sent")
    assert shop.statuses("new") == {"a": "sent"}


def test_a_plan_made_before_a_merge_is_refused(shop):
    """Neither side's older file can be planned on, also not that of a stranger who was merged away."""
    shop.storage.record([shop.order("1", "old"), shop.order("2", "new")])
    changes = [shop.change("old"), shop.change("new"), shop.change("stranger")]
    shop.storage.record([merge("m", "old", "new", shop.at()), merge("n", "stranger", "new", shop.at())])
    assert shop.storage.commit(changes) == [False, False, False]
    assert shop.file("new").merged == ("old", "stranger")


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_merges_in_any_order(shop, order):
    """A chain of merges ends in one file, whichever link comes first, and a circle of them neither hangs nor loses."""
    shop.storage.record([shop.order(name, name) for name in "abcd"])
    links = [merge("1", "a", "b", shop.at()), merge("2", "b", "c", shop.at()), merge("3", "c", "d", shop.at())]
    assert shop.storage.record([links[n] for n in order]) == ["new"] * 3
    file = shop.file("d")
    assert (file.customer_id, file.merged) == ("d", ("a", "b", "c"))
    assert shop.storage.record([merge("4", "d", "a", shop.at())]) == ["new"]
    assert shop.storage.record([merge("4", "d", "a", shop.at())]) == ["known"]
    for name in "abcd":
        assert shop.file(name).customer_id == "d"
        assert {fact.id for fact in shop.file(name).facts} == {"a", "b", "c", "d", "1", "2", "3", "4"}


# ------------------------------------------------------------- planning


def test_who_is_due(shop):
    """New facts make a customer due at once; after planning, the wake-up does, or another fingerprint."""
    shop.storage.record([shop.order("1", "b"), shop.order("2", "a")])
    assert shop.storage.due(shop.at(-9999), "book", 9) == ["a", "b"]
    assert shop.storage.commit([shop.change("a", wake=20), shop.change("b", wake=10)]) == [True, True]
    assert shop.storage.due(shop.at(9.9), "book", 9) == []
    assert shop.storage.due(shop.at(10), "book", 9) == ["b"]  # inclusive
    assert shop.storage.due(shop.at(99), "book", 9) == ["b", "a"]  # longest waiting first
    assert shop.storage.due(shop.at(99), "book", 1) == ["b"]
    assert shop.storage.due(shop.at(99), "book", 0) == []
    shop.storage.commit([shop.change("a", fingerprint="new book"), shop.change("b", wake=10)])
    assert shop.storage.due(shop.at(99), "new book", 9) == ["b"]
    assert shop.storage.due(shop.at(1), "new book", 9) == ["b"]
    assert shop.storage.due(shop.at(1), "book", 9) == ["a"]
    assert shop.storage.due(shop.at(99), "newer book", 9) == ["b", "a"]
    assert shop.storage.due(shop.at(99), "newer book", 1) == ["b"]
    shop.storage.record([shop.order("3", "a")])
    assert shop.storage.due(shop.at(1), "book", 9) == ["a"]


def test_nobody_waits_twice(shop):
    """Whoever was woken, planned and woken again many times is due once."""
    for n in range(5):
        shop.storage.record([shop.order(str(n))])
        assert shop.storage.due(shop.at(), f"book {n % 2}", 9) == ["ann"]
        shop.storage.commit([shop.change(wake=n % 3, fingerprint=f"book {n % 2}")])
    assert shop.storage.due(shop.at(9), "book 0", 9) == ["ann"]
    assert shop.storage.due(shop.at(9), "book 3", 9) == ["ann"]
    shop.storage.commit([shop.change(fingerprint="book 0")])
    assert shop.storage.due(shop.at(9), "book 3", 9) == ["ann"]
    assert shop.storage.due(shop.at(9), "book 0", 9) == []


def test_law_1_2_4_a_stale_commit_applies_nothing(shop):
    """A change planned on an older file is refused whole: no row, run, letter or wake-up of it is kept."""
    shop.storage.record([shop.order("1")])
    stale = shop.change("ann", shop.letter("a"), entries=(shop.entry(),), wake=30)
    shop.storage.record([shop.order("2")])
    other = shop.change("ben", shop.letter("b"))
    before = shop.file()
    assert shop.storage.commit([stale, other, evolve(other, letters=(shop.letter("c"),))]) == [False, True, False]
    assert shop.file() == before
    assert shop.claimed(99) == ["b"]
    assert shop.storage.due(shop.at(), "book", 9) == ["ann"]
    assert not any(shop.storage.commit([evolve(other, customer_id="new", version=3)]))


def test_law_4_a_decision_comes_with_its_letter(shop):
    """What a commit brought is there together: rows in their order, the run, the letter, the next version."""
    decisions = (evolve(shop.decision(""), kind="enter", due=None, slot=None), shop.decision("a"))
    assert shop.storage.commit([shop.change("ann", shop.letter("a"), decisions=decisions, entries=(shop.entry(),))])
    file = shop.file()
    assert (file.ledger, file.entries, file.version) == (decisions, (shop.entry(),), 1)
    key = shop.letter("a").key
    assert file.outcomes == (Outcome(message_key="a", key=key, status="queued", at=shop.at()),)
    older, deferred = shop.decision("o", -5), Decision(
        kind="defer", journey="win_back", entry_key="run", version=1, at=shop.at(1), until=shop.at(9), n=1,
        promotional=False, reason="cap", occurrence="x", arm="letters", offer="gift",
    )  # fmt: skip
    shop.storage.commit([shop.change("ann", decisions=(deferred, older))])
    assert shop.file().ledger == (older, *decisions, deferred)


def test_law_3_the_first_payload_stays(shop):
    """A letter whose message key is there already, also another customer's, is not queued again."""
    shop.queue(shop.letter("a", subject="first"))
    shop.queue(shop.letter("a", subject="second"), shop.letter("b"))
    shop.queue(shop.letter("b", subject="other"), customer="ben")
    assert [lease.message.subject for lease in shop.claim()] == ["first", "Hello"]
    assert shop.statuses("ben") == {}
    assert shop.claim() == []


def test_law_29_an_entry_is_unique(shop):
    """A second run with the journey and key of an earlier one is not kept."""
    shop.storage.commit([shop.change(entries=(shop.entry(arm="first"), shop.entry("other", 3)))])
    shop.storage.commit([shop.change(entries=(shop.entry(arm="second"), shop.entry("third", 1)))])
    assert [(entry.key, entry.arm) for entry in shop.file().entries] == [
        ("run", "first"),
        ("third", "letters"),
        ("other", "letters"),
    ]


def test_the_owner_of_a_letter_is_found(shop):
    """A provider's report names a letter, not a customer; after a merge the letter is the new holder's."""
    shop.queue(shop.letter("a"))
    shop.queue(shop.letter("b"), customer="ben")
    assert shop.storage.owners(["a", "b", "c"]) == {"a": "ann", "b": "ben"}
    shop.storage.record([CustomersMerged(id="m", customer_id="ann", at=shop.at(), into="ben")])
    assert shop.storage.owners({"a"}) == {"a": "ben"}


# ------------------------------------------------------------- the end


def test_a_closed_storage_refuses(shop):
    """After `close`, which may be called twice, every call says so in one line."""
    shop.storage.close()
    shop.storage.close()
    change = Change("ann", 0, Plan((), (), None), "book")
    for call in (
        lambda: shop.storage.remember("a", "b"),
        lambda: shop.storage.recall(""),
        lambda: shop.storage.advance(shop.at()),
        lambda: shop.storage.record([shop.order("1")]),
        lambda: shop.storage.facts(["order"], 0, 1),
        lambda: shop.storage.owners(["a"]),
        lambda: shop.storage.customers("", 1),
        lambda: shop.storage.due(shop.at(), "book", 1),
        lambda: shop.storage.load(["ann"], Needs()),
        lambda: shop.storage.commit([change]),
        shop.claim,
        shop.doubts,
        lambda: shop.storage.begin([], shop.at()),
        lambda: shop.storage.settle([], shop.at()),
    ):
        with pytest.raises(StorageUnavailable, match=r"closed[^\n]*$"):
            call()
