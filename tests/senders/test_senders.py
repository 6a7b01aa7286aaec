"""Every sender keeps the laws of `Sender`; what is special about the maildir follows."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from retention.errors import InvalidInput
from retention.messages import Message, Result, as_bytes
from retention.senders.maildir import MaildirSender
from retention.senders.memory import MemorySender

AT = datetime(2026, 3, 1, tzinfo=UTC)


def message(key, subject="Hello"):
    return Message(
        key=key, to="ann@example.com", sender="shop@example.com", sender_name="Shop", subject=subject, text="Come back",
        html="", at=AT, unsubscribe_url="https://shop.example/u",
    )  # fmt: skip


def files(folder):
    return sorted(path.name for path in folder.iterdir())


MAKERS = {
    # sort of sender -> how to make it, and the subjects that reached the other side
    "memory": lambda folder: (
        sender := MemorySender(),
        lambda: {key: kept.subject for key, kept in sender.messages.items()},
    ),
    "maildir": lambda folder: (
        MaildirSender(folder / "letters"),
        lambda: {
            path.stem: message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"]
            for path in (folder / "letters").iterdir()
        },
    ),
}


@pytest.fixture(params=MAKERS)
def sender_and_arrived(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def test_law_30_one_result_each_in_order(sender_and_arrived):
    """Every message has its result, and all of them arrive."""
    sender, arrived = sender_and_arrived
    assert sender.send([message("b"), message("a"), message("c")]) == [Result("accepted")] * 3
    assert sorted(arrived()) == ["a", "b", "c"]
    assert sender.send([]) == []


def test_law_32_the_same_key_twice_is_one_letter(sender_and_arrived):
    """Both sends are accepted and the first letter stays, for as long as the sender says that it remembers."""
    sender, arrived = sender_and_arrived
    assert sender.capabilities.remembers_for == timedelta.max
    assert sender.send([message("a", "first"), message("a", "second")]) == [Result("accepted")] * 2
    assert sender.send([message("a", "third")]) == [Result("accepted")]
    assert arrived() == {"a": "first"}


def test_law_34_more_than_a_batch_is_refused(sender_and_arrived):
    """`max_batch` is kept to by all and nothing of a larger call is sent."""
    sender, arrived = sender_and_arrived
    most = sender.capabilities.max_batch
    with pytest.raises(InvalidInput, match=rf"messages: {most + 1} in one call; send at most {most}"):
        sender.send([message("a")] * (most + 1))
    assert arrived() == {}


def test_what_became_of_a_letter_can_be_looked_up(sender_and_arrived):
    """A key that was sent is accepted, another one never came."""
    sender, _ = sender_and_arrived
    sender.send([message("a"), message("c")])
    assert sender.capabilities.looks_up
    assert sender.lookup(["c", "b", "a"]) == [Result("accepted"), Result("transient"), Result("accepted")]
    assert sender.lookup([]) == []


def test_the_memory_takes_smaller_batches():
    """A test may ask for a provider's `max_batch`."""
    assert MemorySender(max_batch=1).capabilities.max_batch == 1


# ------------------------------------------------------------- maildir


@pytest.mark.parametrize("key", ["x" * 300, "a\0"])
def test_a_key_that_cannot_be_looked_up(tmp_path, key):
    """Where the disk gives no answer, nobody can tell."""
    assert MaildirSender(tmp_path).lookup([key])[0].status == "unknown"


@pytest.mark.parametrize("fsync", [False, True])
def test_a_file_holds_the_letter(tmp_path, fsync):
    """One complete .eml file for each letter and nothing else, in a directory made with its parents."""
    folder = tmp_path / "out" / "letters"
    MaildirSender(folder, fsync=fsync).send([message("a")])
    MaildirSender(str(folder)).send([message("b")])
    assert files(folder) == ["a.eml", "b.eml"]
    assert (folder / "a.eml").read_bytes() == as_bytes(message("a"))


def test_a_directory_that_cannot_be_made(tmp_path):
    """The path and a remedy, when the sender is made and not when the first letter leaves."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidInput, match=rf"^{folder}: letters cannot be written there \(.*\); give another"):
            MaildirSender(folder)


@pytest.mark.parametrize(
    "number, status",
    [
        (errno.ENOSPC, "transient"),
        (errno.EIO, "transient"),
        (errno.EACCES, "misconfigured"),
        (errno.EROFS, "misconfigured"),
    ],
)
def test_trouble_with_the_disk_is_a_result(tmp_path, monkeypatch, number, status):
    """A full disk may have room later, a forbidden one will not; neither leaves half a letter or raises."""
    sender = MaildirSender(tmp_path, fsync=True)

    def fail(_file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    assert sender.send([message("a")]) == [Result(status, f"{tmp_path}: {os.strerror(number)}")]
    assert files(tmp_path) == []
    monkeypatch.undo()
    assert sender.send([message("a")]) == [Result("accepted")]


def test_a_directory_that_went_away(tmp_path):
    """Removed while the sender lives: misconfigured, since no letter can be written until somebody looks."""
    folder = tmp_path / "letters"
    sender = MaildirSender(folder)
    folder.rmdir()
    (result,) = sender.send([message("a")])
    assert (result.status, result.detail) == ("misconfigured", f"{folder}: No such file or directory")


def test_no_key_leaves_the_directory():
    """A key is one file name: separators, spaces and nothing at all are refused when the message is built."""
    for key in ("../a", "a/b", "a\\b", "", "a b", "a:b", "é", "x" * 129, Path("a"), "a\n"):
        with pytest.raises(InvalidInput, match=r"key: .* is no key; use 1 to 128 letters"):
            message(key)
