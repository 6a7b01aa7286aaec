"""Offers, products and the cost of a return, as the command line takes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention import facts
from retention.cli import main
from retention.storage.sqlite import SQLiteStorage

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop in which every second order of boots came back, and ann has just bought some."""
    monkeypatch.chdir(tmp_path)
    Path("orders.csv").write_text("client,order,day,total\nzoe,z,2025-01-05,30\n", encoding="utf-8")
    columns = ("--customer", "client", "--order", "order", "--at", "day", "--price", "total")
    call("import", "orders.csv", "--db", "shop.db", *columns, "--timezone", "UTC", "--currency", "EUR")
    storage = SQLiteStorage("shop.db")
    storage.record([fact for number in range(120) for fact in bought(f"c{number}", 100, back=number % 2 == 0)])
    storage.record(bought("ann", 1, back=False))
    storage.close()
    return tmp_path


def bought(who: str, days_ago: int, *, back: bool) -> list[facts.Fact]:
    at = NOW - timedelta(days=days_ago)
    line = facts.Line(product_id="boots", price="80", name="Boots", category="shoes")
    order = facts.OrderPlaced(id=f"{who}-1", customer_id=who, at=at, currency="EUR", lines=[line])
    asked = facts.ReturnChanged(
        id=f"{who}-r", customer_id=who, at=at + timedelta(days=4), return_id=f"{who}-r", order_id=order.id,
        status="refunded", lines=[line], refund="80", currency="EUR", reason="SIZE_TOO_SMALL",
    )  # fmt: skip
    return [order, asked] if back else [order]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def run(*more: str) -> Result:
    vouched = ("--address", "{customer_id}@example.com", "--consent", "marketing", "--control", "0")
    return call("run", "--db", "shop.db", "--now", NOW.isoformat(), *vouched, *more)


def letters(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted((folder / "letters").iterdir())]


def test_help_goes_where_a_return_costs_enough(shop: Path) -> None:
    """With the cost of a return the risky order is found and written about; without it nobody is."""
    prevention = ("--playbook", "post_purchase")
    assert json.loads(run(*prevention, "--json").output)["scan"]["risks"] == 0
    cheap = run(*prevention, "--return-cost", "1", "--letter-cost", "5", "--json")
    assert json.loads(cheap.output)["scan"]["risks"] == 0
    done = json.loads(run(*prevention, "--return-cost", "20", "--letter-cost", "0.1", "--json").output)
    assert done["scan"]["risks"] == 1
    (letter,) = letters(shop)
    assert "To: ann@example.com" in letter


def test_letters_show_products_of_the_catalogue(shop: Path) -> None:
    """What a sleeper bought before leads to its like in the file."""
    catalogue = [
        {"id": f"p{n}", "name": f"Lined Boots {n}", "price": "90", "category": "shoes", "url": None} for n in range(5)
    ]
    Path("products.json").write_text(json.dumps(catalogue), encoding="utf-8")
    storage = SQLiteStorage("shop.db")
    storage.record([fact for n, days in enumerate((300, 280, 260, 240)) for fact in again("ann", n, days)])
    storage.close()
    later = (NOW + timedelta(days=120)).isoformat()
    assert run("--products", "products.json", "--now", later).exit_code == 0
    assert any("Lined Boots" in letter for letter in letters(shop))


def again(who: str, number: int, days_ago: int) -> list[facts.Fact]:
    (order,) = bought(f"{who}{number}", days_ago, back=False)
    return [facts.OrderPlaced(id=order.id, customer_id=who, at=order.at, currency="EUR", lines=order.lines)]


@pytest.mark.parametrize(
    "text, told",
    [
        ("{}", "is no list"),
        ('[{"id": "a", "name": "A", "price": "1"}, {"id": "b", "name": "B"}]', "product 2:"),
        ('[{"id": "a", "name": "A", "price": "-1"}]', "product 1: price"),
        ("[1]", "product 1: fields: 1 is no Product"),
        ("[", "products.json"),
    ],
)
def test_a_wrong_catalogue_is_refused(shop: Path, text: str, told: str) -> None:
    """With the file and the product; nothing is sent."""
    Path("products.json").write_text(text, encoding="utf-8")
    done = run("--products", "products.json")
    assert done.exit_code != 0
    assert "products.json" in done.output
    assert told in done.output
    assert not Path("letters").exists() or not letters(shop)


def test_what_cannot_be(shop: Path) -> None:
    """A file that is not there, a letter's cost alone and a negative cost are refused by name."""
    assert "--products" in run("--products", "gone.json").output
    assert "give both" in run("--letter-cost", "1").output
    assert "--return-cost" in run("--return-cost", "-1").output
