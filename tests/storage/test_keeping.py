"""The integrity check and the backup, of the storage and of the command line."""

from __future__ import annotations

import os
import sqlite3
from threading import Event, Thread

import pytest
from click.testing import CliRunner

from retention.cli import main
from retention.errors import StorageUnavailable
from retention.storage.sqlite import SQLiteStorage


@pytest.fixture
def shop(tmp_path, new_shop):
    shop = new_shop(SQLiteStorage(tmp_path / "shop.db"))
    shop.storage.record([shop.order("1")])
    shop.queue(shop.letter("a"), shop.letter("b"))
    yield shop
    shop.storage.close()


def command(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.output


def test_a_sound_database_and_a_damaged_one(shop, tmp_path):
    """Each sort of damage is one line without an address; the command says 0, then 3."""
    path = tmp_path / "shop.db"
    assert shop.storage.check() == []
    assert command("check", "--db", path) == (0, "sound\n")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("UPDATE facts SET fact = '{'")
    db.execute("UPDATE letters SET status = 'lost' WHERE message_key = 'a'")
    db.execute("DELETE FROM payloads WHERE message_key = 'b'")
    db.close()
    lines = ["letters without a payload: 1", "letters with an unknown status: 1", "facts that cannot be read: 1"]
    assert shop.storage.check() == lines
    assert command("check", "--db", path) == (3, "\n".join([*lines, ""]))


def test_a_backup_is_the_whole_shop(shop, tmp_path, new_shop):
    """A copy opens as a database with the same files; one that is there is never overwritten, and nothing is left over."""
    copy = tmp_path / "copy.db"
    assert command("backup", "--db", tmp_path / "shop.db", copy) == (0, f"wrote {copy}\n")
    with pytest.raises(StorageUnavailable, match=r"copy\.db: is there already; give the path of a new file"):
        shop.storage.backup(copy)
    assert {file.name for file in tmp_path.iterdir()} <= {"shop.db", "shop.db-wal", "shop.db-shm", "copy.db"}
    again = new_shop(SQLiteStorage(copy))
    assert again.file() == shop.file()
    again.storage.close()


def test_a_backup_never_replaces_a_file_that_was_made_meanwhile(shop, tmp_path, monkeypatch):
    """Whoever makes the file while the copy is written keeps it, and nothing else is left."""
    copy, link = tmp_path / "copy.db", os.link

    def slow(source, target):
        copy.write_text("mine")
        link(source, target)

    monkeypatch.setattr(os, "link", slow)
    with pytest.raises(StorageUnavailable, match=r"copy\.db: is there already; give the path of a new file"):
        shop.storage.backup(copy)
    assert copy.read_text() == "mine"
    assert not list(tmp_path.glob("*.part"))


def test_backups_while_others_write_are_each_of_one_moment(shop, tmp_path):
    """Facts are recorded in pairs by another connection all the time: every copy is sound and holds whole pairs."""
    stop, written = Event(), []

    def write():
        other = SQLiteStorage(tmp_path / "shop.db")
        while not stop.is_set():
            other.record([shop.order(f"{len(written)}/{half}") for half in "ab"])
            written.append(1)
        other.close()

    writer = Thread(target=write)
    writer.start()
    seen = []
    try:
        while len(seen) < 10 or len(set(seen)) < 2:
            copy = tmp_path / f"{len(seen)}.db"
            shop.storage.backup(copy)
            again = SQLiteStorage(copy)
            assert again.check() == []
            seen.append(len(again.facts(["order"], 0, 1_000_000)[0]) - 1)
            again.close()
    finally:
        stop.set()
        writer.join()
    assert all(pairs % 2 == 0 for pairs in seen)
    assert seen == sorted(seen)
