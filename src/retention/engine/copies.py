"""Which copy of a shop's memory this is: whose, of which environment, and not an older one than was worked with.

A copy of the production database must not write to real people from a test environment, and one that was restored
from a backup does not know which letters left since: working on as if nothing were missing would send them again. So
the storage keeps the name of its environment, and a `Witness`, a small file outside the storage, remembers how far the
storage had come. A storage that is behind its witness is refused until the host says that it was restored. How often
that happened is its epoch, so that of two copies the one that was given up is refused as well.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import get_ident

from attrs import frozen

from retention import _records, _values
from retention.errors import IncompatibleStorage, InvalidInput
from retention.ports import Storage

__all__ = ["Restoration", "Witness", "check", "is_restored", "keep", "latest", "restore", "worked_at"]

log = logging.getLogger("retention.engine")

_NOTE = "restored/"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE = timedelta(seconds=1)


def check(storage: Storage, owner: Mapping[str, str]) -> None:
    """Raise `IncompatibleStorage` for the storage of another shop or environment; one of nobody is welcome."""
    for what, name in owner.items():
        _compare(what, name, storage.recall(what).get(what, name))


def keep(storage: Storage, owner: Mapping[str, str]) -> None:
    """Make the storage this shop's and environment's, unless somebody was quicker."""
    for what, name in owner.items():
        _compare(what, name, storage.remember(what, name))


def _compare(what: str, name: str, kept: str) -> None:
    if kept != name:
        raise IncompatibleStorage(f"storage: belongs to {what} {kept!r}, not {name!r}; open the right one")


@frozen
class Restoration:
    """The storage is a copy that ended at `since` and was taken into work at `at`; what lies between is lost."""

    since: datetime
    at: datetime


def worked_at(storage: Storage) -> datetime | None:
    """The latest time that anybody worked at on the storage, None for nobody; looking moves no clock."""
    clock = storage.advance(_LONG_AGO)
    return clock if clock > _LONG_AGO else None


def latest(storage: Storage) -> tuple[int, Restoration | None]:
    """The storage's epoch, and its last restoration."""
    notes = storage.recall(_NOTE)
    if not notes:
        return 0, None
    since, at = json.loads(notes[max(notes)])
    return len(notes), Restoration(datetime.fromisoformat(since), datetime.fromisoformat(at))


class Witness:
    """A file that remembers how far a storage has come, written whole or not at all.

    Raises `InvalidInput` for a file that is no witness.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch, self.clock = self._read()

    def _read(self) -> tuple[int, datetime]:
        try:
            told = json.loads(self.path.read_text("utf-8"))
            return _values.count("epoch", told["epoch"]), _values.instant("clock", told["clock"])
        except FileNotFoundError:
            return 0, _LONG_AGO
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"{self.path}: cannot be read as a storage's witness ({type(error).__name__}); give another path"
            ) from None

    @property
    def is_new(self) -> bool:
        """Whether it has seen nothing yet."""
        return self.clock == _LONG_AGO

    def saw(self, epoch: int, now: datetime) -> None:
        """Remember the storage's epoch and clock, if it is worth a write; what cannot be written is told in the log."""
        if epoch == self.epoch and now < self.clock + _PAUSE:
            return
        self.epoch, self.clock = epoch, now
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}.{get_ident()}")
        try:
            unfinished.write_text(_records.text({"clock": now.isoformat(), "epoch": epoch}), "utf-8")
            unfinished.replace(self.path)
        except OSError as error:
            log.error("the witness %s cannot be written (%s)", self.path, error.strerror)  # noqa: TRY400 - one line


def is_restored(storage: Storage, witness: Witness | None, *, said: bool) -> bool:
    """Whether the storage is a restored copy that was not taken into work yet; the witness knows better than the host.

    Raises `IncompatibleStorage` for a storage that is behind its witness if the host has not said that it was restored.
    """
    if witness is None or witness.is_new:
        return said
    epoch, _ = latest(storage)
    worked = worked_at(storage)
    if (epoch, worked or _LONG_AGO) >= (witness.epoch, witness.clock):
        return False
    if said:
        return True
    ends = f"ends at {worked:%Y-%m-%d %H:%M:%S} UTC" if worked else "is new"
    raise IncompatibleStorage(
        f"storage: {ends}, but {witness.path} has seen it at {witness.clock:%Y-%m-%d %H:%M:%S} UTC; if it was "
        "restored, start once with restored=True (--restored), so that no promotion leaves twice; if it is another "
        "storage, remove that file"
    )


def restore(storage: Storage, witness: Witness | None, now: datetime) -> None:
    """Keep that the storage is a restored copy, taken into work at `now`; of several workers one keeps it."""
    epoch, _ = latest(storage)
    since = storage.advance(_LONG_AGO)
    at = storage.advance(now if witness is None else max(now, witness.clock))
    storage.remember(f"{_NOTE}{epoch + 1:06}", json.dumps([since.isoformat(), at.isoformat()]))
