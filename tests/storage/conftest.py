"""What the tests of storages share: the kit's bench with the moves of its laws, and makers that other processes can import."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retention.ports import Storage
from retention.testing import _storage_bench
from retention.testing._storage_bench import Bench

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
SQLITE = """
from retention.storage.sqlite import SQLiteStorage

def make(place):
    return SQLiteStorage(place / "shop.db")
"""


class Shop(Bench):
    """The kit's bench; `shop.at(3)` is three minutes after the start."""

    at = staticmethod(_storage_bench.at)
    decision = staticmethod(_storage_bench.decision)
    entry = staticmethod(_storage_bench.entry)
    erasure = staticmethod(_storage_bench.erasure)
    letter = staticmethod(_storage_bench.letter)
    message = staticmethod(_storage_bench.message)
    order = staticmethod(_storage_bench.order)


@pytest.fixture
def new_shop() -> type[Shop]:
    return Shop


@pytest.fixture(scope="session")
def makers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Callable[[Path], Storage]]]:
    """SQLite's and the documentation's storage, by functions of modules."""
    folder = tmp_path_factory.mktemp("makers")
    (folder / "make_sqlite.py").write_text(SQLITE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for path in (folder, EXAMPLES):
            patch.syspath_prepend(path)
        yield {
            "sqlite": importlib.import_module("make_sqlite").make,
            "the documentation's": importlib.import_module("check_own_database").make,
        }
    for name in ("make_sqlite", "check_own_database", "own_database"):
        sys.modules.pop(name, None)
