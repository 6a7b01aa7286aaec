"""`retention letters check`: every letter is written, and all that is wrong is told at once."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from retention.cli import main
from retention.letters import Examined, Letters


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["letters", "check", *words])


def pretend(monkeypatch, *problems: str) -> None:
    looked = (Examined("own/a", "en", 7, problems), Examined("own/a", "ru", 7, ()))
    monkeypatch.setattr(Letters, "examine", lambda *_: looked)


def test_good_letters(monkeypatch) -> None:
    """A table, nothing on standard error, exit code 0."""
    pretend(monkeypatch)
    done = call()
    assert (done.exit_code, done.stderr) == (0, "")
    assert "own/a" in done.stdout


def test_problems_are_lines(monkeypatch) -> None:
    """One line for each problem, each once, and exit code 1."""
    pretend(monkeypatch, "one", "two")
    done = call()
    assert (done.exit_code, done.stderr) == (1, "one\ntwo\n")


def test_a_replaced_letter_is_looked_at(tmp_path: Path) -> None:
    """A mistake in the shop's own folder is told with its file, as JSON too."""
    (tmp_path / "en" / "win_back").mkdir(parents=True)
    words = '{% extends "retention:en/win_back/miss_you.jinja" %}{% block subject %}{{ nobody }}{% endblock %}'
    (tmp_path / "en" / "win_back" / "miss_you.jinja").write_text(words, "utf-8")
    done = call("--templates", str(tmp_path), "--json")
    assert done.exit_code == 1
    found = {(one["template"], one["language"]): one["problems"] for one in json.loads(done.stdout)}
    assert "'nobody' is unknown" in found["win_back/miss_you", "en"][0]
    assert found["win_back/miss_you", "ru"] == []
