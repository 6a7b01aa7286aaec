"""Every storage keeps every law of the kit in `retention.testing`; what is special about one is in its own file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from retention.storage import _schema
from retention.storage.memory import MemoryStorage
from retention.testing._storage_bench import Stand
from retention.testing.laws import LawBroken
from retention.testing.storage import LAWS, Kept, check

(AGREES,) = (law for law in LAWS if law.number == 49)


def schema_1(place):
    """A database of schema 1, and what is in it."""
    db = sqlite3.connect(place / "shop.db")
    db.executescript((Path(__file__).parent / "schema_1.sql").read_text(encoding="utf-8"))
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    letters = {"a": "sent", "b": "in_doubt", "c": "sending", "d": "leased", "e": "queued", "f": "queued"}
    return [Kept("ann", ["m", "1", "p"], letters), Kept("old", ["m", "1", "p"], letters)]


def test_memory():
    """The reference model keeps what it is the model of."""
    check(lambda place: MemoryStorage(), examples=5).insist()


def test_sqlite(makers):
    """SQLite keeps all of them, in other processes and from every released schema, too."""
    declared = ["durable", "processes"]
    verdicts = check(makers["sqlite"], capabilities=declared, examples=20, released={"schema 1": schema_1})
    verdicts.insist()
    assert {verdict.state for verdict in verdicts.all} == {"kept"}


def test_the_documentations(makers):
    """What the how-to shows is a storage that one may copy."""
    check(makers["the documentation's"], capabilities=["durable", "processes"], examples=5).insist()


@pytest.mark.parametrize(
    "name, part, bug",
    [
        ("BEGIN", "AND until > :now ", ""),
        ("SETTLE", "AND until > :now", ""),
        ("CLAIM", "attempts = attempts + 1", "attempts = attempts"),
    ],
)
def test_bugs_in_sql_are_caught(makers, monkeypatch, name, part, bug):
    """The comparison with the model is sharp: alone it catches each of these, in a story of a few calls."""
    statement = getattr(_schema, name)
    assert part in statement
    monkeypatch.setattr(_schema, name, statement.replace(part, bug))
    with pytest.raises(LawBroken, match="the model answers") as caught:
        AGREES.check(Stand(make=makers["sqlite"], examples=100))
    assert len(str(caught.value).splitlines()) < 12
