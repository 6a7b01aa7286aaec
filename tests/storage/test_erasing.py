"""Law 26: what an erasure leaves are tombstones, in every storage."""

from __future__ import annotations

import sqlite3

import pytest

from retention.facts import CustomerErased, CustomersMerged, ProfileChanged
from retention.storage.sqlite import SQLiteStorage


def profile(shop, customer="ann", email="secret@home.example"):
    return ProfileChanged(id=f"p-{customer}", customer_id=customer, at=shop.at(), email=email)


def erased(shop, customer="ann", minutes=5):
    return CustomerErased(id=f"e-{customer}-{minutes}", customer_id=customer, at=shop.at(minutes))


def read_all(shop, kinds=("order", "profile", "merge", "erased")):
    return [fact.id for _, fact in shop.storage.facts(kinds, 0, 100)[0]]


def test_law_26_facts_and_letters_are_gone_and_their_keys_are_taken(shop):
    """Contents are gone from files and cursors; reported again a fact is known; letters' keys stay taken."""
    shop.storage.record([profile(shop), shop.order("1"), shop.order("2", "ben")])
    shop.queue(shop.letter("a"))
    before = shop.file()
    assert shop.storage.record([erased(shop)]) == ["new"]
    after = shop.file()
    assert [fact.kind for fact in after.facts] == ["erased"]
    assert (after.ledger, after.entries) == (before.ledger, before.entries)
    assert [(o.status, o.reason, o.at) for o in after.outcomes] == [("cancelled", "erased", shop.at(5))]
    assert after.version > before.version
    assert read_all(shop) == ["2", "e-ann-5"]
    assert shop.storage.record([profile(shop), shop.order("1", total="99"), erased(shop)]) == ["known"] * 3
    shop.queue(shop.letter("a"))
    assert shop.claim(60) == []
    assert shop.storage.owners(["a"]) == {"a": "ann"}


def test_a_letter_on_its_way_may_still_be_settled(shop):
    """A leased one cannot begin any more; one being sent can be settled; nobody can send it again."""
    shop.queue(shop.letter("leased"), shop.letter("sending"), shop.letter("lost"))
    leases = {lease.message.key: lease for lease in shop.claim()}
    assert shop.begin(leases["sending"])
    assert shop.begin(leases["lost"])
    shop.storage.record([erased(shop)])
    assert not shop.begin(leases["leased"], 1)
    assert not shop.settle(leases["leased"], "cancelled", 1)
    assert shop.settle(leases["sending"], "sent", 1)
    assert shop.doubts(30) == []
    assert shop.statuses() == {"leased": "cancelled", "sending": "sent", "lost": "in_doubt"}
    assert shop.doubts(300) == []


def test_who_was_merged_is_erased_whole(shop):
    """An erasure by any of a customer's ids empties the one file they have; the next facts begin anew."""
    shop.storage.record([profile(shop), profile(shop, "ben")])
    shop.storage.record([CustomersMerged(id="m", customer_id="ann", at=shop.at(), into="ben"), erased(shop)])
    assert [fact.kind for fact in shop.file("ben").facts] == ["erased"]
    shop.storage.record([shop.order("9")])
    assert [fact.kind for fact in shop.file("ben").facts] == ["order", "erased"]
    assert shop.storage.record([erased(shop, minutes=6)]) == ["new"]
    assert [fact.id for fact in shop.file("ann").facts] == ["e-ann-6"]


def test_nothing_is_left_in_the_file_of_the_database(tmp_path, new_shop):
    """After a checkpoint the bytes of the database hold no trace of the address."""
    path = tmp_path / "shop.db"
    shop = new_shop(SQLiteStorage(path))
    shop.storage.record([profile(shop), profile(shop, "ben", "kept@home.example")])
    shop.queue(shop.letter("a", text="Dear secret@home.example"))
    shop.storage.record([erased(shop)])
    shop.storage.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"kept@home.example" in data
    assert b"secret@home.example" not in data


@pytest.mark.parametrize("again", [False, True])
def test_the_same_erasure_twice_is_one(shop, again):
    """Reported again it erases nothing that came since."""
    shop.storage.record([shop.order("1"), erased(shop), shop.order("2")])
    if again:
        assert shop.storage.record([erased(shop)]) == ["known"]
    assert [fact.id for fact in shop.file().facts] == ["2", "e-ann-5"]
