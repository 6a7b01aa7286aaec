"""`retention letters check`: every letter is written, and all that is wrong is told at once."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from retention.cli import main
from retention.letters import Examined, Letters
from retention.playbooks import after_return


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


def test_pages_are_looked_at(tmp_path: Path, monkeypatch) -> None:
    """A mistake in a page of the shop's own is told like one in a letter."""
    pretend(monkeypatch)
    (tmp_path / "pages" / "en").mkdir(parents=True)
    words = '{% extends "retention:pages/en/lost.jinja" %}{% block title %}{{ nobody }}{% endblock %}'
    (tmp_path / "pages" / "en" / "lost.jinja").write_text(words, "utf-8")
    done = call("--templates", str(tmp_path))
    assert done.exit_code == 1
    assert done.stderr.startswith("pages/en/lost.jinja: block title: 'nobody' is unknown; this page has shop, language")


def test_sites_can_be_named(tmp_path: Path, monkeypatch) -> None:
    """`--allow-link` may be given several times; a letter that leads to another site is told with the remedy."""
    monkeypatch.setattr("retention.playbooks.ready", lambda: (after_return(),))
    (tmp_path / "en").mkdir()
    words = (
        '{% extends "retention:en/layout.jinja" %}{% block why_you %}https://t.me/tea https://vk.com/tea{% endblock %}'
    )
    (tmp_path / "en" / "layout.jinja").write_text(words, "utf-8")
    assert call("--templates", str(tmp_path), "--allow-link", "t.me", "--allow-link", "vk.com").exit_code == 0
    done = call("--templates", str(tmp_path), "--allow-link", "t.me")
    assert done.exit_code == 1
    assert "leads to vk.com, which is neither the shop's nor named" in done.stderr
    assert "t.me" not in done.stderr
