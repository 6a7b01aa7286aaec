"""The command line: what a shop types, what it prints, how it fails."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention.cli import main
from retention.storage.sqlite import SQLiteStorage
from retention.testing.relay import Relay

HEADER = "client,invoice,date,code,pieces,price"
LINES = [
    *(f"ann,A{month},2025-{month:02}-01 12:00,tea,2,5.00" for month in range(1, 6)),
    "ann,R1,2025-05-03 12:00,tea,-1,5.00",
    "bob,B1,2025-09-20 12:00,tea,1,5.00",
]
COLUMNS = [
    "--customer",
    "client",
    "--order",
    "invoice",
    "--at",
    "date",
    "--product",
    "code",
    "--quantity",
    "pieces",
    "--price",
    "price",
]
RULES = ["--returns-prefix", "R", "--timezone", "Europe/London", "--currency", "GBP"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in, with an order file."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "orders.csv", LINES)
    return tmp_path


def write(path: Path, lines: Sequence[str], header: str = HEADER) -> None:
    """An order file of these lines."""
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def call(*arguments: str) -> Result:
    """Run one command in this process."""
    return CliRunner().invoke(main, arguments)


def import_(*more: str) -> Result:
    """Import the order file."""
    return call("import", "orders.csv", "--db", "shop.db", *COLUMNS, *RULES, *more)


def refused(result: Result, *words: str) -> None:
    """The command failed with exit code 1 and one line that holds the words."""
    assert result.exit_code == 1, result.output
    assert len(result.output.strip().splitlines()) == 1, result.output
    for word in words:
        assert word in result.output


VOUCH = ("--address", "{customer_id}@example.invalid", "--consent", "marketing")
# The usual gap is about a month: on this day Ann has just fallen asleep.
NOW = ("--now", "2025-07-16T18:00")


def test_from_file_to_letter(shop: Path) -> None:
    """Import, run, explain and results: an order, a return and a letter are all told."""
    assert import_().exit_code == 0
    done = call("run", "--db", "shop.db", *NOW, "--letters", "out", *VOUCH, "--control", "0")
    assert done.exit_code == 0, done.output
    (letter,) = (shop / "out").iterdir()
    assert letter.suffix == ".eml"
    assert b"To: ann@example.invalid" in letter.read_bytes()
    told = call("explain", "ann", "--db", "shop.db").output
    assert all(word in told for word in ("order A1 of 10.00 GBP", "return R1 refunded", "fell asleep", "is sent"))
    assert "win_back" in call("results", "--db", "shop.db").output


def test_import_counts(shop: Path) -> None:
    """Every line is counted, in the table and in JSON."""
    counts = json.loads(import_("--json").output)
    assert (counts["lines"], counts["kept"], counts["orders"], counts["returns"], counts["customers"]) == (
        7,
        7,
        6,
        1,
        2,
    )
    assert counts["facts"] == {"new": 7, "known": 0, "conflict": 0}
    again = import_()
    assert "facts known" in again.output
    assert "facts new" in again.output


def test_rejects_are_written(shop: Path) -> None:
    """Each line that is not kept stands in the rejects with its reason and remedy."""
    write(shop / "orders.csv", [*LINES, ",C9,2025-05-05 12:00,tea,1,5.00", "ann,A9,yesterday-ish,tea,1,5.00"])
    assert import_("--rejects", "rejects.csv").exit_code == 0
    rows = (shop / "rejects.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == f"line,column,reason,also,detail,remedy,{HEADER}"
    assert [row.split(",")[0] for row in rows[1:]] == ["9", "10"]
    assert not (shop / "rejects.csv.part").exists()


def test_nobody_is_mailed_without_address_or_consent(shop: Path) -> None:
    """Without `--address` or `--consent` the ledger says why no letter was written."""
    import_()
    call("run", "--db", "shop.db", *NOW, "--consent", "marketing")
    assert "no_address" in call("explain", "ann", "--db", "shop.db").output
    import_("--db", "other.db")
    call("run", "--db", "other.db", *NOW, "--address", "{customer_id}@example.invalid")
    assert "no_consent" in call("explain", "ann", "--db", "other.db").output
    assert list((shop / "letters").iterdir()) == []


@pytest.mark.parametrize("address", ["{customer}@example.invalid", "{customer_id@example.invalid"])
def test_an_address_for_everybody_by_mistake(shop: Path, address: str) -> None:
    """A placeholder that is none would give every customer one wrong address for good: nothing is recorded."""
    import_()
    refused(call("run", "--db", "shop.db", *NOW, "--address", address), "--address", "{customer_id}")
    call("run", "--db", "shop.db", *NOW, "--consent", "marketing")
    assert "no_address" in call("explain", "ann", "--db", "shop.db").output


def test_a_customer_whose_id_makes_no_address(shop: Path) -> None:
    """The error names the option and the customer."""
    write(shop / "orders.csv", [*LINES, "anna maria,M1,2025-05-05 12:00,tea,1,5.00"])
    import_()
    refused(call("run", "--db", "shop.db", *NOW, *VOUCH), "--address", "'anna maria'", "e-mail address")


@pytest.mark.parametrize("by", ["option", "environment"])
def test_letters_leave_by_the_sender_that_is_named(shop: Path, monkeypatch, installed, by: str) -> None:
    """`--sender` takes an address, also from the environment, where no list of processes shows it."""
    import_()
    monkeypatch.setenv("RETENTION_SENDER", "maildir:elsewhere" if by == "environment" else "nobody:key-123")
    option = ("--sender", "maildir:elsewhere") if by == "option" else ()
    done = call("run", "--db", "shop.db", *NOW, *VOUCH, "--control", "0", *option)
    assert done.exit_code == 0, done.output
    assert len(list((shop / "elsewhere").glob("*.eml"))) == 1
    assert not (shop / "letters").exists()


def test_letters_leave_by_smtp(shop: Path, installed) -> None:
    """A relay gets the letter of the run, and a goodbye."""
    import_()
    with Relay() as relay:
        done = call("run", "--db", "shop.db", *NOW, *VOUCH, "--control", "0", "--sender", f"smtp://{relay.address}")
        assert done.exit_code == 0, done.output
        (taken,) = relay.accepted
    assert taken.to == ("ann@example.invalid",)


def test_an_unknown_sender(shop: Path, installed) -> None:
    """One line that lists those that are known, and does not repeat a secret."""
    import_()
    done = call("run", "--db", "shop.db", "--sender", "pst:key-123")
    refused(done, "no plugin of 'pst'", "maildir", "smtp")
    assert "key-123" not in done.output


def test_run_twice_changes_nothing(shop: Path) -> None:
    """The second run leaves the database's contents and the letters as they were, to the byte."""
    import_()
    arguments = ("run", "--db", "shop.db", *NOW, "--letters", "out", *VOUCH, "--control", "0")
    call(*arguments)
    before = dump(shop)
    assert json.loads(call(*arguments, "--json").output) == {
        "scan": {"asleep": 0, "waiting": 0, "risks": 0, "unjudged": 0},
        "tick": {},
        "deliver": {},
    }
    assert dump(shop) == before


def dump(shop: Path) -> tuple[list[str], dict[str, bytes]]:
    """Everything in the database and in the letters' directory."""
    connection = sqlite3.connect(shop / "shop.db")
    try:
        rows = list(connection.iterdump())
    finally:
        connection.close()
    return rows, {path.name: path.read_bytes() for path in (shop / "out").iterdir()}


def test_json_of_explain_and_results(shop: Path) -> None:
    """What prints data prints JSON for scripts."""
    import_()
    call("run", "--db", "shop.db", *NOW, *VOUCH)
    assert json.loads(call("explain", "ann", "--db", "shop.db", "--json").output)["customer_id"] == "ann"
    (journey,) = json.loads(call("results", "--db", "shop.db", "--json").output)["journeys"]
    assert journey["journey"] == "win_back"


@pytest.mark.parametrize(
    "lines, more, words",
    [
        (LINES, ("--customer", "Client"), ("orders.csv", "Client", "client")),
        (LINES, ("--timezone", "Europe/Lodnon"), ("Europe/Lodnon", "Europe/London")),
        (LINES, ("--currency", "pounds"), ("pounds",)),
    ],
)
def test_import_errors(shop: Path, lines: list[str], more: tuple[str, ...], words: tuple[str, ...]) -> None:
    """A wrong column, zone or currency is one line with place and remedy, and nothing is stored."""
    write(shop / "orders.csv", lines)
    refused(import_(*more), *words)


def test_no_zone(shop: Path) -> None:
    """Times without a zone need one to be stated."""
    options = [*COLUMNS, "--currency", "GBP", "--returns-prefix", "R"]
    refused(call("import", "orders.csv", "--db", "shop.db", *options), "orders.csv", "line 2", "date", "timezone")


def test_failed_import_leaves_nothing(shop: Path) -> None:
    """A call that was wrong from the start leaves no database that would bind the next one."""
    refused(import_("--customer", "Client", "--currency", "EUR"), "Client")
    assert not (shop / "shop.db").exists()
    assert import_().exit_code == 0


def test_interrupted_import_resumes(shop: Path) -> None:
    """An import that broke off and is begun again stores what one whole import does."""
    write(shop / "orders.csv", LINES[:3])
    import_()
    write(shop / "orders.csv", LINES)
    assert json.loads(import_("--json").output)["facts"] == {"new": 4, "known": 3, "conflict": 0}


def test_contradicting_facts(shop: Path) -> None:
    """An order that comes again with other contents is named; the first stays, and scripts see exit code 3."""
    import_()
    write(shop / "orders.csv", ["ann,A1,2025-01-01 12:00,tea,9,5.00"])
    again = import_()
    assert again.exit_code == 3
    assert "order A1" in again.output
    assert "order A1 of 10.00 GBP" in call("explain", "ann", "--db", "shop.db").output


def test_missing_file(shop: Path) -> None:
    """A file that is not there is one line."""
    refused(call("import", "none.csv", "--db", "shop.db", *COLUMNS, *RULES), "none.csv")


def test_another_shop_in_the_same_database(shop: Path) -> None:
    """One database is one shop: another currency is refused."""
    import_()
    refused(import_("--currency", "EUR"), "GBP", "EUR", "database")


@pytest.mark.parametrize("command", ["explain ann", "results", "run"])
def test_database_that_is_not_there(shop: Path, command: str) -> None:
    """No command but import makes a database, which `check` would call sound; they say where to begin."""
    refused(call(*command.split(), "--db", "none.db"), "none.db", "retention import")
    assert not (shop / "none.db").exists()


def test_run_before_import(shop: Path) -> None:
    """A database without a shop says where to begin."""
    SQLiteStorage("new.db").close()
    refused(call("run", "--db", "new.db"), "retention import")


def test_unknown_customer(shop: Path) -> None:
    """Nobody knows this customer: an error, not an empty answer."""
    import_()
    refused(call("explain", "zoe", "--db", "shop.db"), "zoe")


@pytest.mark.parametrize(
    "now, word", [("soon", "ISO 8601"), ("2025-03-30T01:30", "does not exist"), ("2025-10-26T01:30", "twice")]
)
def test_bad_now(shop: Path, now: str, word: str) -> None:
    """A time that is none, or that a clock change skips or repeats, is one line."""
    import_()
    refused(call("run", "--db", "shop.db", "--now", now), word)


def test_unwritable_places(shop: Path) -> None:
    """A directory in the way of a file, a file in the way of a directory: one line each."""
    (shop / "folder").mkdir()
    (shop / "file").write_text("")
    refused(import_("--rejects", "file/rejects.csv"), "file/rejects.csv", "--rejects")
    import_()
    refused(call("run", "--db", "shop.db", "--letters", "file/letters"), "file/letters")
    refused(call("preview", "--output", "folder"), "folder", "--output")
    refused(call("results", "--db", "folder"), "folder")


def test_database_of_a_newer_version(shop: Path) -> None:
    """A database that a newer version wrote is refused, unchanged."""
    import_()
    connection = sqlite3.connect(shop / "shop.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    refused(call("results", "--db", "shop.db"), "shop.db", "999")


def test_preview(shop: Path) -> None:
    """The preview is one page with every letter in both languages and no reference to the network."""
    assert call("preview", "--output", "page.html").exit_code == 0
    page = (shop / "page.html").read_text(encoding="utf-8")
    assert page.count("<iframe") >= 4
    assert "<script" not in page


def test_wrong_usage() -> None:
    """A missing option is exit code 2."""
    assert call("import", "orders.csv").exit_code == 2


def test_help_is_quick() -> None:
    """`--help` loads nothing heavy: no numpy, no rich, no templates."""
    code = (
        "import sys\n"
        "from retention.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'scipy', 'rich', 'jinja2', 'babel'} & set(sys.modules)))"
    )
    begun = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.process_time() - begun < 1


def test_demo_touches_nothing_else(shop: Path) -> None:
    """A directory that holds something of somebody else's is left as it is; an unknown world is named."""
    (shop / "retention-demo").mkdir()
    (shop / "retention-demo" / "thesis.txt").write_text("years of work")
    refused(call("demo"), "thesis.txt", "--directory")
    refused(call("demo", "--world", "mars"), "mars", "losing")
    (shop / "file").write_text("")
    refused(call("demo", "--directory", "file"), "file", "--directory")


def test_bars_where_somebody_watches(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal long work shows a bar, and the output stays what it is."""
    monkeypatch.setattr("retention.cli.output.watched", lambda: True)
    assert "paid orders" in import_().output
    assert call("run", "--db", "shop.db", *NOW).exit_code == 0


def test_a_restored_database_is_refused_until_said(shop: Path) -> None:
    """The witness beside the database remembers the work that the copy does not know; --restored goes on."""
    import_()
    shutil.copy(shop / "shop.db", shop / "backup.db")
    arguments = ("run", "--db", "shop.db", *NOW, "--letters", "out", *VOUCH, "--control", "0")
    assert call(*arguments).exit_code == 0
    for name in ("shop.db", "shop.db-wal", "shop.db-shm"):
        (shop / name).unlink(missing_ok=True)
    shutil.copy(shop / "backup.db", shop / "shop.db")
    refused(call(*arguments), "shop.db.witness", "--restored", "is new")
    done = call(*arguments, "--restored", "--json")
    assert json.loads(done.stdout)["tick"] == {"refuse": 1}
    assert call(*arguments).exit_code == 0
    assert len(list((shop / "out").iterdir())) == 1


def test_a_copy_of_the_production_database_writes_to_nobody_in_staging(shop: Path) -> None:
    """The environment's name is kept by the first run; looking works everywhere."""
    import_()
    arguments = ("run", "--db", "shop.db", *NOW, "--letters", "out", "--environment")
    assert call(*arguments, "staging").exit_code == 0
    refused(call(*arguments, "production"), "environment 'staging'", "not 'production'")
    assert call("results", "--db", "shop.db").exit_code == 0


def test_playbooks_are_named(shop: Path) -> None:
    """Each by its name, win-back unless said otherwise; an unknown one is refused with the known ones."""
    import_()
    done = call("run", "--db", "shop.db", *VOUCH, *NOW, "--playbook", "product_return", "--playbook", "win_back")
    assert done.exit_code == 0
    refused(call("run", "--db", "shop.db", *NOW, "--playbook", "hug"), "'hug' is unknown", "product_return", "win_back")
