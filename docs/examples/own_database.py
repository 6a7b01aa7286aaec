"""A storage in a shop's own database: other tables than the library's, plain `sqlite3`, nothing shared with it.

Two ideas make it short. A merged customer is moved by one update, because everything keeps the id it came with and
finds its file by `person.home`. And nothing is changed later but letters, so the rest are rows that are only added.
Times are ISO texts in UTC of one length, so they sort as they are.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Literal, TypeVar

import attrs

from retention import facts, messages
from retention.engine import Engine
from retention.errors import InvalidInput, StorageUnavailable
from retention.facts import ConsentChanged, CustomerErased, CustomersMerged, Fact, OrderPlaced, ProfileChanged
from retention.journey.ledger import CustomerFile, Decision, DecisionKey, Entry, Needs, Outcome
from retention.people import Shop
from retention.playbooks import win_back
from retention.ports import Change, Lease, Letter, Settlement
from retention.senders.memory import MemorySender

TABLES = """
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (at TEXT NOT NULL);
INSERT INTO clock SELECT '0001-01-01' WHERE NOT EXISTS (SELECT 1 FROM clock);
-- Every id that was ever heard of. `home`: whose file holds it. `wake_at`: '' for at once.
CREATE TABLE IF NOT EXISTS person (
    id TEXT PRIMARY KEY, home TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0,
    wake_at TEXT, fingerprint TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS person_home ON person (home);
CREATE INDEX IF NOT EXISTS person_wake ON person (wake_at);
-- `body` is NULL when the fact was erased. `n` never goes back, so a reader's cursor misses nothing.
CREATE TABLE IF NOT EXISTS fact (
    n INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, at TEXT NOT NULL,
    body TEXT, UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS fact_person ON fact (person);
-- Entries and decisions, told apart by `what`.
CREATE TABLE IF NOT EXISTS history (
    n INTEGER PRIMARY KEY, person TEXT NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_person ON history (person);
CREATE TABLE IF NOT EXISTS letter (
    n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, person TEXT NOT NULL, step TEXT NOT NULL, written TEXT NOT NULL,
    body TEXT, due TEXT NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, until TEXT
);
CREATE INDEX IF NOT EXISTS letter_person ON letter (person);
CREATE INDEX IF NOT EXISTS letter_due ON letter (status, due);
"""

T = TypeVar("T", Entry, Decision)
TIMES = ("at", "due", "slot", "until", "valid_until", "entered_at", "basis")


class OwnStorage:
    """What the engine keeps, in the shop's own SQLite file; any number of threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(f"BEGIN IMMEDIATE;{TABLES}COMMIT;")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time: the write lock is taken at the beginning."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                with self._db:  # commits, or rolls back what raised
                    yield self._db
            except sqlite3.Error as error:
                raise StorageUnavailable(f"the shop's database: {error}; look after it and try again") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # Notes and the clock.

    def remember(self, name: str, text: str) -> str:
        with self._transaction() as db:
            db.execute("INSERT INTO note VALUES (?, ?) ON CONFLICT DO NOTHING", (name, text))
            return str(_one(db, "SELECT text FROM note WHERE name = ?", name))

    def recall(self, prefix: str) -> Mapping[str, str]:
        with self._transaction() as db:
            return {
                name: text for name, text in db.execute("SELECT * FROM note ORDER BY name") if name.startswith(prefix)
            }

    def advance(self, now: datetime) -> datetime:
        with self._transaction() as db:
            db.execute("UPDATE clock SET at = max(at, ?)", (_text(now),))
            return _time(_one(db, "SELECT at FROM clock"))

    # Facts.

    def record(self, facts: Sequence[Fact]) -> list[Literal["new", "known", "conflict"]]:
        with self._transaction() as db:
            return [_record(db, fact) for fact in facts]

    def facts(self, kinds: Collection[str], after: int, limit: int) -> tuple[list[tuple[str, Fact]], int]:
        found: list[tuple[str, Fact]] = []
        with self._transaction() as db:
            rows = db.execute(
                "SELECT n, home, kind, body FROM fact JOIN person ON person.id = fact.person "
                "WHERE n > ? AND body IS NOT NULL ORDER BY n",
                (after,),
            )
            for n, home, kind, body in rows:
                if len(found) == limit:
                    break
                after = n
                found += [(home, fact) for fact in _facts([body])] if kind in kinds else []
        return found, after

    def owners(self, message_keys: Collection[str]) -> Mapping[str, str]:
        query = "SELECT home FROM letter JOIN person ON person.id = letter.person WHERE key = ?"
        with self._transaction() as db:
            found = {key: _one(db, query, key) for key in message_keys}
        return {key: home for key, home in found.items() if home is not None}

    def customers(self, after: str, limit: int) -> list[str]:
        query = (
            "SELECT DISTINCT home FROM person JOIN fact ON fact.person = person.id WHERE home > ? ORDER BY home LIMIT ?"
        )
        with self._transaction() as db:
            return [home for (home,) in db.execute(query, (after, limit))]

    # Planning.

    def due(self, now: datetime, fingerprint: str, limit: int) -> list[str]:
        query = (
            "SELECT id FROM person WHERE id = home AND (wake_at <= :now OR (fingerprint <> :ours AND version > 0)) "
            "ORDER BY coalesce(wake_at > :now, 1), CASE WHEN wake_at <= :now THEN wake_at ELSE fingerprint END, id "
            "LIMIT :limit"
        )
        with self._transaction() as db:
            rows = db.execute(query, {"now": _text(now), "ours": fingerprint, "limit": limit})
            return [customer_id for (customer_id,) in rows]

    def load(self, customer_ids: Sequence[str], needs: Needs) -> list[CustomerFile]:
        with self._transaction() as db:
            return [_file(db, customer_id, needs) for customer_id in customer_ids]

    def commit(self, changes: Sequence[Change]) -> list[bool]:
        with self._transaction() as db:
            return [_commit(db, change) for change in changes]

    # Letters.

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        query = (
            "SELECT key FROM letter WHERE due <= :now AND (status = 'queued' OR (status = 'leased' AND until <= :now)) "
            "ORDER BY due, key LIMIT :limit"
        )
        return self._lease(query, "leased", now, lease, limit)

    def claim_doubts(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        query = (
            "SELECT key FROM letter WHERE status IN ('sending', 'in_doubt') AND until <= :now "
            "ORDER BY until, key LIMIT :limit"
        )
        return self._lease(query, "in_doubt", now, lease, limit)

    def _lease(self, query: str, status: str, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        leases: list[Lease] = []
        with self._transaction() as db:
            while len(leases) < limit:
                keys = db.execute(query, {"now": _text(now), "limit": limit - len(leases)}).fetchall()
                if not keys:
                    break
                leases += [one for (key,) in keys for one in _leased(db, key, status, now, now + lease)]
        return leases

    def begin(self, leases: Sequence[Lease], now: datetime) -> list[bool]:
        with self._transaction() as db:
            return [_turn(db, lease, now, "sending", ("leased",)) for lease in leases]

    def settle(self, settlements: Sequence[Settlement], now: datetime) -> list[bool]:
        with self._transaction() as db:
            return [_settle(db, settlement, now) for settlement in settlements]


def _record(db: sqlite3.Connection, fact: Fact) -> Literal["new", "known", "conflict"]:
    first = db.execute("SELECT body FROM fact WHERE kind = ? AND id = ?", (fact.kind, fact.id)).fetchone()
    if first is not None:
        return "known" if first[0] is None or list(_facts(first)) == [fact] else "conflict"
    home = _home(db, fact.customer_id)
    if isinstance(fact, CustomersMerged):
        home = _merge(db, home, _home(db, fact.into))
    elif isinstance(fact, CustomerErased):
        _erase(db, home, fact.at)
    row = (fact.customer_id, fact.kind, fact.id, _text(fact.at), json.dumps(facts.to_json(fact)))
    db.execute("INSERT INTO fact (person, kind, id, at, body) VALUES (?, ?, ?, ?, ?)", row)
    db.execute("UPDATE person SET version = version + 1, wake_at = '' WHERE id = ?", (home,))
    return "new"


def _home(db: sqlite3.Connection, customer_id: str) -> str:
    """Whose file holds the customer, who is known from now on."""
    db.execute("INSERT INTO person (id, home) VALUES (?, ?) ON CONFLICT DO NOTHING", (customer_id, customer_id))
    return str(_one(db, "SELECT home FROM person WHERE id = ?", customer_id))


def _merge(db: sqlite3.Connection, old: str, into: str) -> str:
    db.execute("UPDATE person SET home = ? WHERE home = ?", (into, old))
    return into


def _erase(db: sqlite3.Connection, home: str, at: datetime) -> None:
    ids = [row[0] for row in db.execute("SELECT id FROM person WHERE home = ?", (home,))]
    cancel = (
        "UPDATE letter SET status = 'cancelled', reason = 'erased', at = ?, until = NULL "
        "WHERE person = ? AND status IN ('queued', 'leased')"
    )
    for customer_id in ids:
        db.execute("UPDATE fact SET body = NULL WHERE person = ?", (customer_id,))
        db.execute("UPDATE letter SET body = NULL WHERE person = ?", (customer_id,))
        db.execute(cancel, (_text(at), customer_id))


def _file(db: sqlite3.Connection, customer_id: str, needs: Needs) -> CustomerFile:
    home = _one(db, "SELECT home FROM person WHERE id = ?", customer_id) or customer_id
    known = db.execute(
        "SELECT body FROM fact JOIN person ON person.id = person WHERE home = ? AND body IS NOT NULL "
        "ORDER BY at, kind, fact.id",
        (home,),
    )
    letters = db.execute(
        "SELECT key, step, status, at, reason FROM letter JOIN person ON person.id = person WHERE home = ? "
        "ORDER BY written, person <> home, n",
        (home,),
    )
    merged = db.execute("SELECT id FROM person WHERE home = ? AND id <> home ORDER BY id", (home,))
    return CustomerFile(
        customer_id=home,
        facts=tuple(f for f in _facts(body for (body,) in known) if needs.kinds is None or f.kind in needs.kinds),
        entries=tuple(_entries(db, home).values()),
        ledger=tuple(_history(db, home, Decision)),
        outcomes=tuple(
            Outcome(message_key=key, key=DecisionKey(*json.loads(step)), status=status, at=_time(at), reason=reason)
            for key, step, status, at, reason in letters
        ),
        version=_one(db, "SELECT version FROM person WHERE id = ?", home) or 0,
        merged=tuple(customer_id for (customer_id,) in merged),
    )


def _entries(db: sqlite3.Connection, home: str) -> dict[tuple[str, str], Entry]:
    """The runs by journey and key; of two that a merge brought together the earlier one."""
    runs: dict[tuple[str, str], Entry] = {}
    for entry in _history(db, home, Entry):
        runs.setdefault((entry.journey, entry.key), entry)
    return runs


def _history(db: sqlite3.Connection, home: str, cls: type[T]) -> Iterator[T]:
    rows = db.execute(
        "SELECT body FROM history JOIN person ON person.id = history.person WHERE home = ? AND what = ? "
        "ORDER BY at, person <> home, n",
        (home, cls.__name__),
    )
    for (body,) in rows:
        fields = json.loads(body)
        yield cls(**{k: _time(v) if k in TIMES and v else v for k, v in fields.items()})


def _commit(db: sqlite3.Connection, change: Change) -> bool:
    who, plan = change.customer_id, change.plan
    if (_home(db, who), _one(db, "SELECT version FROM person WHERE id = ?", who)) != (who, change.version):
        return False
    known = _entries(db, who)
    for entry in plan.entries:
        if (entry.journey, entry.key) not in known:
            _remember(db, who, entry, entry.entered_at)
    for decision in plan.decisions:
        _remember(db, who, decision, decision.at)
    for letter in change.letters:
        _queue(db, who, letter)
    db.execute(
        "UPDATE person SET version = version + 1, wake_at = ?, fingerprint = ? WHERE id = ?",
        (plan.wake_at and _text(plan.wake_at), change.fingerprint, who),
    )
    return True


def _remember(db: sqlite3.Connection, who: str, row: Entry | Decision, at: datetime) -> None:
    body = json.dumps(attrs.asdict(row), default=_text)
    db.execute(
        "INSERT INTO history (person, what, at, body) VALUES (?, ?, ?, ?)", (who, type(row).__name__, _text(at), body)
    )


def _queue(db: sqlite3.Connection, who: str, letter: Letter) -> None:
    message = letter.message
    body, written = json.dumps(messages.to_json(message)), _text(message.at)
    db.execute(
        "INSERT INTO letter (key, person, step, written, body, due, status, at) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?) "
        "ON CONFLICT DO NOTHING",
        (message.key, who, json.dumps(letter.key), written, body, _text(letter.due), written),
    )


def _leased(db: sqlite3.Connection, key: str, status: str, now: datetime, until: datetime) -> list[Lease]:
    """The lease of one letter; a letter that cannot be read any more ends here, so that it is in nobody's way."""
    db.execute(
        "UPDATE letter SET status = ?, at = ?, reason = '', until = ?, attempts = attempts + 1 WHERE key = ?",
        (status, _text(now), _text(until), key),
    )
    home, step, body, attempts = db.execute(
        "SELECT home, step, body, attempts FROM letter JOIN person ON person.id = letter.person WHERE key = ?", (key,)
    ).fetchone()
    try:
        message = messages.from_json(json.loads(body or "{}"))
    except (ValueError, TypeError):
        end = "in_doubt" if status == "in_doubt" else "failed"
        db.execute("UPDATE letter SET status = ?, reason = 'unreadable', until = NULL WHERE key = ?", (end, key))
        return []
    return [Lease(home, DecisionKey(*json.loads(step)), message, f"{key}:{attempts}", attempts, until)]


def _turn(db: sqlite3.Connection, lease: Lease, now: datetime, status: str, before: Collection[str]) -> bool:
    """Move a letter on, if the lease is the letter's own and has not run out."""
    key = lease.message.key
    held = db.execute("SELECT status, attempts, until FROM letter WHERE key = ?", (key,)).fetchone()
    if held is None:
        return False
    was, attempts, until = held
    if was not in before or until is None or until <= _text(now) or lease.token != f"{key}:{attempts}":
        return False
    db.execute("UPDATE letter SET status = ?, at = ? WHERE key = ?", (status, _text(now), key))
    return True


def _settle(db: sqlite3.Connection, settlement: Settlement, now: datetime) -> bool:
    before = (
        ("leased", "sending", "in_doubt") if settlement.status in {"cancelled", "queued"} else ("sending", "in_doubt")
    )
    if not _turn(db, settlement.lease, now, settlement.status, before):
        return False
    retry_at = settlement.retry_at if settlement.status == "queued" else None
    db.execute(
        "UPDATE letter SET reason = ?, until = NULL, due = coalesce(?, due) WHERE key = ?",
        (settlement.reason, retry_at and _text(retry_at), settlement.lease.message.key),
    )
    return True


def _facts(bodies: Iterator[str] | Sequence[str]) -> Iterator[Fact]:
    """The facts that can be read: one that cannot is in nobody's way."""
    for body in bodies:
        try:
            yield facts.from_json(json.loads(body))
        except (InvalidInput, ValueError, TypeError):
            continue


def _one(db: sqlite3.Connection, query: str, *values: str) -> Any:
    row = db.execute(query, values).fetchone()
    return row and row[0]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main() -> None:
    """A letter on its way through this storage: facts in, a plan, a letter out, and why."""
    shop = Shop(
        name="Tea & Co", sender="tea@shop.example", timezone="Europe/London", currency="GBP",
        base_url="https://shop.example/letters", secret="a secret of this example",
    )  # fmt: skip
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    told = {"customer_id": "ann", "at": now - timedelta(days=75)}
    with TemporaryDirectory() as folder:
        storage, sender = OwnStorage(Path(folder) / "shop.db"), MemorySender()
        engine = Engine(storage, sender, journeys=[win_back(control=0)], shop=shop, clock=lambda: now)
        engine.record([
            ProfileChanged(id="1", email="ann@example.org", **told),
            ConsentChanged(id="1", granted=True, **told),
            OrderPlaced(id="1", total="30", currency="GBP", **told),
        ])  # fmt: skip
        engine.run()
        assert len(sender.messages) == 1
        print(engine.explain("ann"))
        storage.close()


if __name__ == "__main__":
    main()
