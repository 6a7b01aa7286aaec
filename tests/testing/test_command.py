"""`python -m retention.testing`: verdicts on what can be imported, and the table of planted bugs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from retention.storage.memory import MemoryStorage
from retention.testing import sender, storage, webhook
from retention.testing.__main__ import main
from retention.testing.planted import senders, storages

MADE = """
from retention.ports import Parsed
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage
from retention.testing.planted.senders import GoodSender

def storage(place):
    return MemoryStorage()

class Shortened(MemoryStorage):
    def recall(self, prefix):
        return {}

def shortened(place):
    return Shortened()

def sender(url):
    return MemorySender(max_batch=2)

class Webhooks:
    def verify(self, headers, body, now):
        return True

    def parse(self, headers, body):
        return Parsed()

def sign(body, at):
    return {}

def join(bodies):
    return b"".join(bodies)

BODIES = {"sent": b"{}"}
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    (tmp_path / "made.py").write_text(MADE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "made"
    sys.modules.pop("made", None)


def test_a_storage_that_keeps_the_laws(made, capsys):
    """One line for each law, and status 0."""
    assert main(["storage", "made:storage", "--examples", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "law 1, a commit is all or nothing: kept"
    assert lines[-1] == "law 49, whatever is done, it answers what the reference model answers: kept"


def test_a_storage_that_breaks_one(made, capsys):
    """Status 1, and the broken laws among the others."""
    assert main(["storage", "made:shortened", "--examples", "0"]) == 1
    told = capsys.readouterr().out
    assert "law 40, the first note stays, and notes are found by prefix: broken" in told
    assert "law 5, claims only what is due, inclusive: kept" in told


def test_capabilities_are_passed_on(made, capsys):
    """Laws of what is declared are tried."""
    assert main(["storage", "made:storage", "--examples", "0", "--capability", "durable"]) == 1
    assert "law 19, everything survives reopening: broken" in capsys.readouterr().out


def test_a_sender(made, capsys):
    """The laws that need no wire."""
    assert main(["sender", "made:sender"]) == 0
    assert "law 34, more than a batch is refused: kept" in capsys.readouterr().out


def test_a_sender_and_its_provider(made, capsys):
    """With a dialect those that look at the wire are tried, with a secret those that keep it."""
    words = ["--dialect", "retention.testing.provider:RESEND", "--secret", "re_planted"]
    assert main(["sender", "made:GoodSender", *words]) == 0
    assert "law 34, the secret is shown nowhere: kept" in capsys.readouterr().out


def test_a_webhook_parser(made, capsys):
    """One that believes everything and understands nothing, with and without batches."""
    words = ["webhook", "made:Webhooks", "--sign", "made:sign", "--bodies", "made:BODIES"]
    assert main(words) == 1
    assert "law 38, one bad event drops none of its siblings: skipped" in capsys.readouterr().out
    assert main([*words, "--join", "made:join"]) == 1
    assert "law 38, one bad event drops none of its siblings: broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, why",
    [
        (["storage", "nowhere:make"], "nowhere:make: No module named 'nowhere'; give package.module:name"),
        (["storage", "made:nothing"], "made:nothing: module 'made' has no attribute 'nothing'; give"),
        (["storage", ""], ": Empty module name; give package.module:name"),
        (
            ["storage", "made:storage", "--capability", "fast"],
            "capabilities: 'fast' is unknown; use durable, processes",
        ),
    ],
)
def test_words_that_make_no_sense(made, capsys, words, why):
    """Status 2, and one line that says what to write instead."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(why)


def test_the_table_of_planted_bugs(monkeypatch, capsys):
    """Each bug with the laws that caught it and its seconds; all are caught within a minute."""
    some = {"the last payload wins": storages.PLANTED["the last payload wins"]}
    monkeypatch.setattr(storages, "PLANTED", some)
    monkeypatch.setattr(senders, "PLANTED", {"look-ups lie": lambda: senders.check(lambda url: senders._LookupLies())})
    assert main(["mutants"], clock=count().__next__) == 0
    assert [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()] == [
        ["bug", "seconds", "caught by"],
        ["storage: the last payload wins", "1.00", "law 3"],
        ["sender: look-ups lie", "1.00", "law 31"],
        ["2 bugs, 0 not caught", "5.00", "60 s are allowed"],
    ]


def test_a_bug_that_nobody_catches(monkeypatch, capsys):
    """Status 1 for a bug without a broken law, and for a table that takes too long."""
    some = {"the last payload wins": storages.PLANTED["the last payload wins"]}
    monkeypatch.setattr(senders, "PLANTED", {})
    monkeypatch.setattr(storages, "PLANTED", some)
    assert main(["mutants"], clock=count(step=25).__next__) == 1
    monkeypatch.setattr(
        storages, "PLANTED", {"none": lambda: storages.check(lambda place: MemoryStorage(), examples=0)}
    )
    assert main(["mutants"]) == 1
    assert "NOTHING" in capsys.readouterr().out


def test_as_a_module(made, tmp_path):
    """The command of the documentation, in a process of its own."""
    words = [sys.executable, "-m", "retention.testing", "storage", "made:storage", "--examples", "0"]
    paths = os.pathsep.join(str(Path(path).resolve()) for path in sys.path)
    env = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_documentation_lists_every_law():
    """The table of the how-to is what the kits try, by number."""
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "test-your-adapter.md"
    rows = [line for line in page.read_text("utf-8").splitlines() if re.match(r"\| \d", line)]
    laws = sorted((law for kit in (storage, sender, webhook) for law in kit.LAWS), key=lambda law: law.number)
    assert rows == [f"| {law.number} | {law.name} | {law.needs or 'always'} |" for law in laws]
