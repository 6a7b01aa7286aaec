"""The demo from the command line: all four playbooks, or win-back alone, beside the simulated truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from retention.cli import main

FOUR = ("win_back", "product_return", "post_purchase", "after_return")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "retention-demo"


def called(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["demo", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_all_four_playbooks_beside_the_truth(here: Path) -> None:
    """A row for each playbook, for people and for scripts; database, letters and results stay for a look at them."""
    small = ("--customers", "60", "--days", "60")
    told = called(*small)
    assert all(name in told for name in FOUR)
    assert "truth: the same shop lived once more without" in told
    assert {path.name for path in here.iterdir()} == {"shop.db", "letters", "results.json"}
    letters = len(list((here / "letters").iterdir()))
    found = json.loads(called(*small, "--json"))  # replaces what the first one left
    assert tuple(one["journey"] for one in found["effects"]) == FOUR
    assert found["truth"]["letters"] == letters > 50
    assert found["rivals"] == {}
    explained = CliRunner().invoke(main, ["results", "--db", str(here / "shop.db"), "--json"])
    assert {one["journey"] for one in json.loads(explained.output)["journeys"]} == set(FOUR)


def test_win_back_alone_beside_other_ways_of_mailing(here: Path) -> None:
    """What is known beside what was so, for one customer whole, and what others earn with the same customers."""
    arguments = ("--win-back", "--customers", "150", "--days", "90")
    told = called(*arguments)
    assert "what a shop can know, beside the simulated truth" in told
    assert "letter miss_you of win_back is sent" in told
    assert "at risk" in told
    letters = len(list((here / "letters").iterdir()))
    found = json.loads(called(*arguments, "--json"))
    assert found["truth"]["letters"] == letters
    assert set(found["rivals"]) == {"everyone", "at risk", "sleepers"}
    assert found["effects"] == []
