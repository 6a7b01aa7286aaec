"""A disk without room: nothing is applied, the error says what to do, and with room it goes on."""

from __future__ import annotations

import pytest

from retention.errors import StorageUnavailable
from retention.storage.sqlite import SQLiteStorage


def test_a_full_disk_applies_nothing(tmp_path, new_shop):
    """One line with the remedy; the file is as before, and the same call works when there is room."""
    shop = new_shop(SQLiteStorage(tmp_path / "shop.db"))
    shop.storage.record([shop.order("1")])
    change = shop.change("ann", *(shop.letter(str(n), text="x" * 20_000) for n in range(50)))
    before = shop.file()
    shop.raw._db.execute("PRAGMA max_page_count = 60")
    with pytest.raises(StorageUnavailable, match=r"shop\.db: database or disk is full; make room on the disk"):
        shop.storage.commit([change])
    assert shop.file() == before
    shop.raw._db.execute("PRAGMA max_page_count = 100000")
    assert shop.storage.commit([change]) == [True]
    assert len(shop.claim()) == 50
    shop.storage.close()
