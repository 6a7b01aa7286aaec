"""Law 26 in the bytes of the SQLite file: what was erased is nowhere in it."""

from __future__ import annotations

import sqlite3

from attrs import evolve

from retention.facts import ProfileChanged
from retention.storage.sqlite import SQLiteStorage

ADDRESS = "ann.secret@example.com"


def checkpoint(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def test_law_26_no_byte_is_left_in_the_file(tmp_path, new_shop):
    """After a checkpoint neither the address nor the letters' text is anywhere in the database or its log."""
    path = tmp_path / "shop.db"
    shop = new_shop(SQLiteStorage(path))
    shop.storage.record([ProfileChanged(id=str(n), customer_id="ann", at=shop.at(), email=ADDRESS) for n in range(200)])
    page = f"<p>{ADDRESS}</p>" * 300
    letters = [shop.letter(str(n), text=f"Dear {ADDRESS}") for n in range(200)]
    shop.queue(*(evolve(one, message=evolve(one.message, to=ADDRESS, html=page)) for one in letters))
    checkpoint(path)
    assert ADDRESS.encode() in path.read_bytes()
    shop.storage.record([shop.erasure()])
    checkpoint(path)
    shop.storage.close()
    assert not [file for file in tmp_path.iterdir() if ADDRESS.encode() in file.read_bytes()]
