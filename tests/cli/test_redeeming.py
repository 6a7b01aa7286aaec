"""The till's command: a code is used once, and what is wrong with it is said."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention import facts
from retention.cli import main
from retention.storage.sqlite import SQLiteStorage

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = {"budget": 5, "catalogue": [{"id": "mug", "kind": "gift", "amount": "9", "cost": "0.50"}]}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a shop's database, in which one offer was granted, and the settings."""
    monkeypatch.chdir(tmp_path)
    Path("offers.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    Path("orders.csv").write_text("client,order,day,total\nann,1,2026-01-05,30\n", encoding="utf-8")
    columns = ("--customer", "client", "--order", "order", "--at", "day", "--price", "total")
    call("import", "orders.csv", "--db", "shop.db", *columns, "--timezone", "UTC", "--currency", "EUR")
    ends = AT + timedelta(days=14)
    granted = {"journey": "win_back", "about": "1", "offer": "mug", "code": "QGEQ-T3XV-85AY", "expires_at": ends}
    storage = SQLiteStorage("shop.db")
    storage.record([facts.OfferDecided(id="win_back/1", customer_id="ann", at=AT, **granted)])
    storage.close()
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def redeem(code: str, *more: str, offers: str = "offers.json", now: str = "2026-03-05T10:00") -> Result:
    return call("redeem", code, "--db", "shop.db", "--offers", offers, "--now", now, *more)


def test_a_code_is_used_once(shop: Path) -> None:
    """By the order that came first, which may ask again."""
    for _ in "ab":
        done = redeem("qgeq t3xv 85ay", "--order", "A-1")
        assert (done.exit_code, done.output) == (0, "accepted: mug for this order\n")
    done = redeem("QGEQ-T3XV-85AY", "--order", "A-2")
    assert (done.exit_code, done.output) == (3, "refused: mug was used on another order\n")


def test_what_is_wrong_with_a_code(shop: Path) -> None:
    """Late, mistyped and unknown ones are told apart, for people and for scripts."""
    late = redeem("QGEQ-T3XV-85AY", now="2026-04-01")
    assert (late.exit_code, late.output) == (3, "refused: mug has ended\n")
    assert redeem("hello").output == "refused: this cannot be a code; type it once more\n"
    Path("pool.json").write_text(json.dumps({**SETTINGS, "pools": {"mug": ["A"]}}), encoding="utf-8")
    assert json.loads(redeem("hello", "--json", offers="pool.json").output) == {"status": "unknown", "offer": ""}


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "offers.json: Expecting property name"),
        ('{"budget": 5}', "offers.json: offers: .*catalogue"),
        ('{"format": 2}', "offers.json: format: 2 is unknown, this version reads up to 1; update the library"),
        ('{"budget": -1, "catalogue": []}', "offers.json: offers: an empty catalogue"),
    ],
)
def test_settings_that_cannot_be_read(shop: Path, text: str, said: str) -> None:
    """One line names the file and what is wrong in it."""
    Path("offers.json").write_text(text, encoding="utf-8")
    done = redeem("QGEQ-T3XV-85AY")
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert re.search(said, done.output)


def test_settings_are_needed(shop: Path) -> None:
    """Without the file, and with one that is not there."""
    assert "--offers: give the file that retention run has" in call("redeem", "X", "--db", "shop.db").output
    assert "gone.json: cannot be read" in redeem("X", offers="gone.json").output
