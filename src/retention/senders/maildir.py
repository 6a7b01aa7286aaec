"""A sender that writes every letter to a folder, one ``.eml`` file each, for any mail program to open.

Only this room writes letters to disk. A file is complete or absent: it is written under a temporary name and renamed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from threading import get_ident
from typing import Literal

from retention.errors import InvalidInput
from retention.messages import Message, Result, as_bytes
from retention.ports import Capabilities
from retention.senders._answers import check_size

__all__ = ["MaildirSender"]

# Errors that the next letter would meet as well, and no waiting cures.
_LASTING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR}


class MaildirSender:
    """Writes letters as ``<key>.eml`` to `directory`, made if it is not there: the same key twice is one file.

    `fsync`: wait until each file is on the disk, so that a power cut loses none. Raises `InvalidInput` for a directory
    that cannot be made or written to.
    """

    capabilities = Capabilities(max_batch=1_000, remembers_for=timedelta.max, looks_up=True)

    def __init__(self, directory: str | os.PathLike[str], *, fsync: bool = False) -> None:
        self._directory = Path(directory)
        self._fsync = fsync
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self._directory):
                pass
        except OSError as error:
            raise InvalidInput(
                f"{self._directory}: letters cannot be written there ({error.strerror}); give another directory"
            ) from error

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Write the messages; raises `InvalidInput` for more than `max_batch`."""
        check_size(messages, self.capabilities.max_batch)
        return [self._send(message) for message in messages]

    def lookup(self, message_keys: Sequence[str]) -> list[Result]:
        """For each key, whether its letter is there; one that somebody has moved away counts as never written."""
        return [self._lookup(key) for key in message_keys]

    def _lookup(self, key: str) -> Result:
        try:
            self._path(key).stat()
        except FileNotFoundError:
            return Result("transient")
        except (OSError, ValueError) as error:  # no access, or no name that a file can have
            return Result("unknown", f"{self._directory}: {type(error).__name__}")
        return Result("accepted")

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.eml"

    def _send(self, message: Message) -> Result:
        try:
            self._write(self._path(message.key), as_bytes(message))
        except OSError as error:
            status: Literal["misconfigured", "transient"] = "misconfigured" if error.errno in _LASTING else "transient"
            return Result(status, f"{self._directory}: {error.strerror}")
        return Result("accepted")

    def _write(self, path: Path, letter: bytes) -> None:
        if path.exists():
            return
        # A name that no other writer has now; left behind by a killed process, it is no letter and may be removed.
        unfinished = path.with_name(f".{path.stem}.{os.getpid()}.{get_ident()}")
        try:
            with unfinished.open("wb") as file:
                file.write(letter)
                file.flush()
                if self._fsync:
                    os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
