"""Every law of `Storage` on the storage of `own_database.py`: ``python docs/examples/check_own_database.py``."""

from __future__ import annotations

from pathlib import Path

from own_database import OwnStorage

from retention.ports import Storage
from retention.testing.storage import check


def make(place: Path) -> Storage:
    """Open what lives in the folder."""
    return OwnStorage(place / "own.db")


if __name__ == "__main__":
    print(check(make, capabilities=["durable"]))
