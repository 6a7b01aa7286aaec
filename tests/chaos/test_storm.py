"""A small storm in every test run; the long ones are `nox -s chaos`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

STORM = Path(__file__).with_name("storm.py")

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL") or sys.platform == "darwin", reason="forks a process that has numpy in it"
)


def storm(*arguments: object) -> tuple[int, list[dict[str, str]], str]:
    """The exit code, the rows of the table, and everything else that was said."""
    command = [sys.executable, STORM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    table = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("|")]
    rows = [dict(zip(table[0], row, strict=True)) for row in table[2:]]
    return done.returncode, rows, done.stdout + done.stderr


def test_a_small_storm_breaks_no_promise():
    """Killed where an answer is on its way, the one place where nobody can know: each policy does what it says."""
    code, rows, told = storm(
        "--kills", 3, "--stops", 0, "--messages", 60, "--workers", 1, "--point", "received, answer unread"
    )
    assert code == 0, told
    assert [row["policy"] for row in rows] == ["idempotent", "at least once", "at most once"]
    assert all(int(row["kills"]) >= 1 and row["lost"] == "0" for row in rows)
    assert [row["recognised"] != "0" for row in rows] == [True, False, False]
    assert [row["duplicates"] != "0" for row in rows] == [False, True, False]
    assert [row["doubts"] != "0" for row in rows] == [False, False, True]


def test_a_small_storm_from_everywhere():
    """A kill at some of the other points, and at any time."""
    code, rows, told = storm("--kills", 6, "--stops", 0, "--messages", 600, "--workers", 2)
    assert code == 0, told
    assert sum(int(row["kills"]) for row in rows) >= 6


def test_a_worker_that_was_stopped_past_its_lease():
    """Continued with the answer still unread, it settles nothing: its letters are in doubt, and come once."""
    code, rows, told = storm(
        "--kills", 0, "--stops", 1, "--messages", 60, "--workers", 1, "--point", "received, answer unread"
    )
    assert code == 0, told
    assert (rows[-1]["policy"], rows[-1]["stops"], rows[-1]["duplicates"]) == ("at most once", "1", "0")
    assert int(rows[-1]["doubts"]) > 0


@pytest.mark.parametrize("bug, shown", [("forgetful", "duplicates, 0 explained"), ("careless", "letters are lost")])
def test_the_books_show_a_bug(bug, shown):
    """A promise that is broken on purpose fails the storm: the books can be trusted when they balance."""
    code, _, told = storm(
        "--kills", 1, "--stops", 0, "--messages", 20, "--workers", 1, "--point", "received, answer unread", "--bug", bug
    )
    assert code == 1
    assert "BROKEN idempotent: " in told
    assert shown in told
