"""`retention simulate`: a shop's database in, what journeys would have done out, and nothing changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from retention import _records, facts
from retention.cli import main
from retention.journey import After, Delay, Facts, Journey, Needs, Step, to_json
from retention.playbooks import win_back
from retention.storage.sqlite import SQLiteStorage

DAYS = ("--from", "2026-03-01", "--to", "2026-03-31")
VOUCH = ("--address", "{customer_id}@example.org", "--consent", "marketing")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A database of a shop that has imported the orders of twelve customers, one every ten days each, until they stop."""
    monkeypatch.chdir(tmp_path)
    storage = SQLiteStorage(tmp_path / "shop.db")
    storage.remember("cli/shop", json.dumps({"currency": "EUR", "timezone": "Europe/London"}, sort_keys=True))
    begin = datetime(2026, 1, 1, 12, tzinfo=UTC)
    storage.record(
        [
            facts.OrderPlaced(
                id=f"{who}-{n}", customer_id=who, at=begin + n * timedelta(days=10), currency="EUR", total="9"
            )
            for who in range(12)
            for n in range(5 + who // 4)
        ]
    )
    storage.close()
    return tmp_path


def simulate(*arguments):
    """Run the command on the database."""
    return CliRunner().invoke(main, ["simulate", "--db", "shop.db", *DAYS, *arguments])


def told(*arguments):
    """What the command says as JSON."""
    done = simulate("--json", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def thanks(**options):
    """A letter two days after an order."""
    step = Step(id="thanks", moment=After("entry", Delay(days=2)), template="t/thanks")
    return Journey(name="thanks", trigger=Facts("order"), steps=[step], **options)


def test_win_back_unless_a_file_says_otherwise(shop):
    """The table names months or days, every step and its fates, and how long an experiment would take."""
    done = simulate(*VOUCH)
    assert done.exit_code == 0, done.output
    for word in (
        "win_back",
        "miss_you",
        "reminder",
        "withheld",
        "2026-03-1",
        "not enough data: ",
        "12 customers, 31 runs",
    ):
        assert word in done.output
    assert sum(told(*VOUCH)["journeys"][0]["entered"].values()) > 4
    assert (
        "│ 2026-03 "
        in CliRunner()
        .invoke(main, ["simulate", "--db", "shop.db", "--from", "2026-01-01", "--to", "2026-03-31", *VOUCH])
        .output
    )


def test_without_consent_nobody_is_written_to(shop):
    """An order file knows none; the reasons say so."""
    found = told()
    assert found["letters"] == []
    assert set(found["journeys"][0]["refused"]) == {"no_consent"}


def test_nothing_is_written_into_the_database(shop, request):
    """No fact, no decision, no journey: the vouched consents neither."""
    simulate(*VOUCH)
    storage = SQLiteStorage(shop / "shop.db")
    request.addfinalizer(storage.close)
    files = storage.load(storage.customers("", 99), Needs())
    assert {fact.kind for file in files for fact in file.facts} == {"order"}
    assert not any(file.ledger or file.entries for file in files)
    assert storage.recall("journey/") == {}


def test_findings_of_earlier_scans_are_made_anew(shop):
    """What a live engine found on other days decides nothing here."""
    before = told(*VOUCH)
    storage = SQLiteStorage(shop / "shop.db")
    when = datetime(2026, 3, 2, tzinfo=UTC)
    storage.record(
        [facts.FellAsleep(id="0-4", customer_id=0, at=when, order_id="0-4", basis=when - timedelta(days=20))]
    )
    storage.close()
    assert told(*VOUCH) == before


def test_journeys_from_files(shop):
    """One journey or a list of them; collisions between them are in the table."""
    Path("one.json").write_text(_records.text(to_json(thanks())), encoding="utf-8")
    Path("more.json").write_text(
        json.dumps([to_json(win_back()), to_json(evolve(thanks(), name="again"))]), encoding="utf-8"
    )
    found = told("--journey", "one.json", *VOUCH)
    assert [journey["journey"] for journey in found["journeys"]] == ["thanks"]
    done = simulate("--journey", "one.json", "--journey", "more.json", *VOUCH, "--hour", "9", "--hour", "18")
    assert done.exit_code == 0, done.output
    assert "letters that caps stopped" in done.output
    assert "62 runs" in done.output


def test_outages_and_lift(shop):
    """Days without a run are none; the lift is the one that is asked for."""
    assert told("--outage", "2026-03-02", "2026-03-11", *VOUCH, "--lift", "0.1")["runs"] == 21


@pytest.mark.parametrize(
    "text, words",
    [
        ("no json", "bad.json: is no journey"),
        ('{"is": "step"}', "bad.json: "),
        ("[1]", "bad.json: "),
        ("{}", "bad.json: "),
    ],
)
def test_files_that_are_no_journey_are_refused(shop, text, words):
    """One line that names the file."""
    Path("bad.json").write_text(text, encoding="utf-8")
    done = simulate("--journey", "bad.json")
    assert (done.exit_code, len(done.output.strip().splitlines())) == (1, 1), done.output
    assert words in done.output


def test_days_that_are_none_are_refused(shop):
    """One line, exit code 1."""
    done = CliRunner().invoke(main, ["simulate", "--db", "shop.db", "--from", "spring", "--to", "2026-03-31"])
    assert (done.exit_code, done.output) == (1, "Error: start: 'spring' is no day; write 2026-03-01\n")


def test_customers_that_cannot_be_planned_need_a_look(shop, monkeypatch):
    """Exit code 3, and a line that says how many."""

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("retention.engine.planning.plan", broken)
    done = simulate(*VOUCH)
    assert done.exit_code == 3
    assert "customers could not be planned" in done.output


@pytest.mark.shared_data
def test_online_retail(shared_data, tmp_path, monkeypatch):
    """A real shop's year through the importer and back: letters in every month, every step accounted for."""
    monkeypatch.chdir(tmp_path)
    file = shared_data / "online_retail_uci.csv.gz"
    if not file.exists():
        pytest.skip("the data set is not there")
    columns = "--customer CustomerID --order InvoiceNo --at InvoiceDate --product StockCode --quantity Quantity --price UnitPrice"
    rules = "--returns-prefix C --timezone Europe/London --currency GBP"
    assert (
        CliRunner().invoke(main, ["import", str(file), "--db", "shop.db", *columns.split(), *rules.split()]).exit_code
        == 0
    )
    done = CliRunner().invoke(
        main, ["simulate", "--db", "shop.db", "--from", "2011-01-01", "--to", "2011-12-01", *VOUCH, "--json"]
    )
    found = json.loads(done.output)
    (journey,) = found["journeys"]
    assert found["runs"] == 335
    assert {row["day"][:7] for row in found["letters"]} == {f"2011-{month:02}" for month in range(1, 13)}
    entered = sum(journey["entered"].values())
    assert journey["entered"]["control"] == pytest.approx(0.1 * entered, rel=0.25)
    assert sum(journey["steps"]["miss_you"].values()) == entered
    assert sum(journey["ended"].values()) + journey["open"] == entered
