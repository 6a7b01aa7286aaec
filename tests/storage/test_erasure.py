"""Law 26: a customer is forgotten, and what was decided stays: in every storage, and in the bytes of the file."""

from __future__ import annotations

import sqlite3
from itertools import count

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.facts import CustomerErased, CustomersMerged, ProfileChanged
from retention.journey.ledger import Needs
from retention.storage.sqlite import SQLiteStorage

ADDRESS = "ann.secret@example.com"


def profile(shop, id_="p", customer="ann"):
    return ProfileChanged(id=id_, customer_id=customer, at=shop.at(), email=ADDRESS)


def erased(shop, customer="ann", id_="e", minutes=5):
    return CustomerErased(id=id_, customer_id=customer, at=shop.at(minutes))


def letter(shop, key, minutes=0):
    one = shop.letter(key, minutes)
    return evolve(one, message=evolve(one.message, to=ADDRESS, text=f"Dear {ADDRESS}"))


def checkpoint(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def test_law_26_facts_become_tombstones(shop):
    """Contents are gone from file and cursor; reported again a fact is known, whatever it says now; later ones are kept."""
    shop.storage.record([profile(shop), shop.order("1"), shop.order("9", "ben"), erased(shop)])
    kinds = ["profile", "order", "erased"]
    assert shop.file().facts == (erased(shop),)
    assert [fact.id for _, fact in shop.storage.facts(kinds, 0, 9)[0]] == ["9", "e"]
    again = [evolve(profile(shop), email="other@example.com"), shop.order("1", total="99"), erased(shop)]
    assert shop.storage.record(again) == ["known"] * 3
    assert shop.file().facts == (erased(shop),)
    assert shop.storage.record([shop.order("2")]) == ["new"]
    assert [fact.id for fact in shop.file().facts] == ["2", "e"]
    assert shop.storage.customers("", 9) == ["ann", "ben"]


def test_law_26_the_customer_is_due_and_the_version_grows(shop):
    """An erasure is a fact like others: a plan made before it is stale, and the customer is planned again."""
    shop.storage.record([shop.order("1")])
    stale = shop.change("ann", letter(shop, "a"), wake=99)
    shop.storage.record([erased(shop)])
    assert shop.storage.commit([stale]) == [False]
    assert shop.storage.due(shop.at(), "book", 9) == ["ann"]


def test_law_26_letters_not_handed_over_are_cancelled(shop):
    """Queued and leased letters end as erased; no lease from before can begin or settle them, and no claim finds them."""
    shop.queue(letter(shop, "a"), letter(shop, "b"), letter(shop, "later", 30))
    lease, _ = shop.claim(limit=2)
    shop.storage.record([erased(shop)])
    assert {(one.status, one.reason, one.at) for one in shop.file().outcomes} == {("cancelled", "erased", shop.at(5))}
    assert not shop.begin(lease, 1)
    assert not shop.settle(lease, "queued", 1)
    assert shop.claimed(99) == shop.doubts(99) == []


def test_law_26_letters_handed_over_keep_their_life(shop):
    """A running worker settles what it sends; a doubt stays one, unreadable; what is to be tried again fails."""
    shop.queue(*(letter(shop, key) for key in "abcd"))
    a, b, c, d = shop.claim()
    assert all(shop.begin(lease) for lease in (a, b, c, d))
    assert shop.settle(d, "sent", 1)
    shop.storage.record([erased(shop)])
    assert shop.settle(a, "sent", 6)
    assert shop.settle(b, "queued", 6, retry=7)
    assert shop.claimed(7) == []
    assert shop.doubts(10) == shop.doubts(99) == []
    assert not shop.settle(c, "sent", 99)
    assert shop.statuses() == {"a": "sent", "b": "failed", "c": "in_doubt", "d": "sent"}
    assert [one.reason for one in shop.file().outcomes] == ["", "unreadable", "unreadable", ""]


def test_law_26_keys_entries_and_ledger_stay(shop):
    """A key is never decided again, and its contents do not come back with a second commit."""
    shop.storage.commit([shop.change("ann", letter(shop, "a"), entries=(shop.entry(),))])
    before = shop.file()
    shop.storage.record([erased(shop)])
    assert shop.file().entries == before.entries
    assert shop.file().ledger == before.ledger
    shop.queue(letter(shop, "a"))
    assert shop.claimed(99) == []
    assert shop.storage.owners(["a"]) == {"a": "ann"}


def test_law_26_whoever_holds_the_file(shop):
    """The erasure of one id empties the file it was merged into; what is merged in later is kept."""
    merge = CustomersMerged(id="m", customer_id="old", at=shop.at(), into="ann")
    shop.storage.record([profile(shop, "1", "old"), profile(shop, "2"), merge, erased(shop, "old")])
    assert shop.file().facts == (erased(shop, "old"),)
    assert shop.file().merged == ("old",)
    shop.storage.record([shop.order("3", "ben"), CustomersMerged(id="n", customer_id="ben", at=shop.at(), into="ann")])
    assert [fact.id for fact in shop.file("old").facts] == ["n", "3", "e"]


def test_law_26_no_byte_is_left_in_the_file(tmp_path, new_shop):
    """After a checkpoint neither the address nor the letters' text is anywhere in the database or its log."""
    path = tmp_path / "shop.db"
    shop = new_shop(SQLiteStorage(path))
    shop.storage.record([profile(shop, str(n)) for n in range(200)])
    letters = [letter(shop, str(n)) for n in range(200)]
    shop.queue(*(evolve(one, message=evolve(one.message, html=f"<p>{ADDRESS}</p>" * 300)) for one in letters))
    checkpoint(path)
    assert ADDRESS.encode() in path.read_bytes()
    shop.storage.record([erased(shop)])
    checkpoint(path)
    shop.storage.close()
    assert not [file for file in tmp_path.iterdir() if ADDRESS.encode() in file.read_bytes()]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "erase", "merge", "queue", "claim", "begin", "settle", "doubts", "wait"]),
        st.sampled_from(["ann", "ben", "cleo"]),
        st.integers(0, 5),
    ),
    max_size=25,
)


def play(shop, steps):
    """Every answer of the storage to these steps, and what is in the files after each."""
    now, leases, tick = 0, [], count()
    for what, who, n in steps:
        other = {"ann": "ben", "ben": "cleo", "cleo": "ann"}[who]
        fact = {
            "order": shop.order(str(n), who, n),
            "erase": erased(shop, who, str(n), n),
            "merge": CustomersMerged(id=str(n), customer_id=who, at=shop.at(n), into=other),
        }
        if what in fact:
            yield shop.storage.record([shop.order(f"before {n}", who, n), fact[what], shop.order("after", who, n)])
        elif what == "queue":
            at = shop.at(next(tick) / 60)
            one = letter(shop, str(n))
            yield shop.storage.commit([shop.change(who, evolve(one, message=evolve(one.message, at=at)), decisions=())])
        elif what in {"claim", "doubts"}:
            leases += shop.claim(now) if what == "claim" else sorted(shop.doubts(now), key=lambda one: one.token)
            yield list(leases)
        elif what == "begin":
            yield [shop.begin(lease, now) for lease in leases[-n:]]
        elif what == "settle":
            yield [shop.settle(lease, ["sent", "queued", "cancelled"][n % 3], now) for lease in leases[-n:]]
        else:
            now += 5
        yield shop.storage.load(["ann", "ben", "cleo"], Needs())
        yield [item for item, _ in [shop.storage.facts(["order", "merge", "erased"], 0, 99)]]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_law_26_all_storages_erase_alike(tmp_path_factory, makers, new_shop, steps):
    """Whatever happens around an erasure, SQLite answers what the model answers."""
    shops = [new_shop(make(tmp_path_factory.mktemp("shop"))) for make in makers.values()]
    told = [list(play(shop, steps)) for shop in shops]
    for shop in shops:
        shop.storage.close()
    assert told[0] == told[1]
