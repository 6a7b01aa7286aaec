"""A shop's memory in one SQLite file: the only room that may touch ``sqlite3``.

One connection behind one lock, so that threads may share a storage; several processes may open the same file. Every
method is one transaction, batches included: readers see a snapshot, writers begin with the write lock
(``BEGIN IMMEDIATE``) and so never find at their end that somebody was faster. In WAL mode with ``synchronous=NORMAL``
a killed process loses nothing that a call has returned from; only a power cut may take the last moments.

What the SQL is lives in `_schema`, how records become rows in `_rows`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta
from itertools import groupby, takewhile
from pathlib import Path
from threading import Lock, get_ident
from typing import Any, Literal, TypeAlias, TypeVar

from retention.errors import IncompatibleStorage, StorageUnavailable
from retention.facts import CustomerErased, CustomersMerged, Fact
from retention.journey.ledger import CustomerFile, DecisionKey, Needs, Outcome
from retention.messages import Message
from retention.ports import Change, Lease, Letter, Settlement
from retention.storage import _check, _migrations, _rows, _schema

__all__ = ["SQLiteStorage"]

T = TypeVar("T")
_Recorded: TypeAlias = Literal["new", "known", "conflict"]

# `secure_delete`: what is erased is overwritten, not only unlinked.
_SETTINGS = ("synchronous = NORMAL", "cache_size = -16384", "temp_store = MEMORY", "secure_delete = ON")
_PAUSE = timedelta(milliseconds=20)
_CHUNK = 500  # ids in one query, and facts in memory as text at one time


class SQLiteStorage:
    """A shop's memory in the file `path`, made if it is not there.

    `patience`: how long a call waits for other processes that write before it raises `StorageUnavailable`. Raises
    `IncompatibleStorage` for a file that a newer version of this library or another program wrote.
    """

    def __init__(self, path: str | os.PathLike[str], *, patience: timedelta = timedelta(seconds=30)) -> None:
        self._path = Path(path)
        self._lock = Lock()
        with self._trouble():
            self._db = sqlite3.connect(
                self._path, timeout=patience.total_seconds(), isolation_level=None, check_same_thread=False
            )
        self._db.text_factory = _rows.decoded
        try:
            self._open(patience)
        except BaseException:
            self._db.close()
            raise

    def _open(self, patience: timedelta) -> None:
        with self._reading():
            self._is_empty()  # before anything is written into a file that is not ours
        with self._trouble():
            self._write_ahead(patience)
            for setting in _SETTINGS:
                self._db.execute(f"PRAGMA {setting}")
        with self._writing():
            if self._is_empty():
                for statement in _schema.CREATE:
                    self._db.execute(statement)
            elif (version := self._one("PRAGMA user_version")) < _schema.VERSION:
                _migrations.migrate(self._db, version)

    def _write_ahead(self, patience: timedelta) -> None:
        """Switch to WAL mode; others who open the file at this moment are not waited for by SQLite, but here."""
        for pauses in reversed(range(patience // _PAUSE + 1)):
            try:
                if self._one("PRAGMA journal_mode") != "wal":
                    self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not pauses or not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                    raise
                time.sleep(_PAUSE.total_seconds())
            else:
                return

    def _is_empty(self) -> bool:
        """Whether there is no database yet; raises `IncompatibleStorage` if there is one that we cannot read."""
        application, version = (self._one(f"PRAGMA {name}") for name in ("application_id", "user_version"))
        if application == _schema.APPLICATION and version > _schema.VERSION:
            raise IncompatibleStorage(
                f"{self._path}: its schema {version} was written by a newer version of this library, "
                f"which reads up to {_schema.VERSION}; update the library"
            )
        if application == _schema.APPLICATION:
            return False
        if application or self._one("SELECT count(*) FROM sqlite_master"):
            raise IncompatibleStorage(f"{self._path}: holds another program's tables; give the path of another file")
        return True

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        """Whatever SQLite complains of, in one line with the path and a remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{self._path}: {error}; {_check.remedy(error)}") from error

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._trouble():
            self._db.execute(begin)
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        return self._transaction("BEGIN")

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        return self._transaction("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close the file; further calls raise `StorageUnavailable`."""
        with self._lock:
            self._db.close()

    def check(self) -> list[str]:
        """What is wrong with the file, one line for each sort of damage, without personal data; [] when it is sound."""
        with self._reading() as db:
            return list(_check.problems(db))

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the database to the new file `path`, whole or not at all, also while others write."""
        part = Path(f"{os.fspath(path)}.{os.getpid()}.{get_ident()}.part")
        try:
            with self._lock, self._trouble(), closing(sqlite3.connect(part)) as copy:
                self._db.backup(copy)
            os.link(part, path)  # a rename would replace a file that was made meanwhile
        except FileExistsError:
            raise StorageUnavailable(f"{path}: is there already; give the path of a new file") from None
        finally:
            part.unlink(missing_ok=True)

    def _one(self, query: str, *values: object) -> Any:
        """The first value of the first row."""
        row = self._db.execute(query, values).fetchone()
        return row and row[0]

    def _select(
        self, query: str, ids: Iterable[str], *, kind: Sequence[str] = (), kinds: Sequence[str] = ()
    ) -> Iterator[Any]:
        """The rows of a query that names ids, however many they are."""
        for chunk in _chunks(list(ids)):
            marked = query.format(ids=_marks(chunk), kinds=_marks(kinds))
            yield from self._db.execute(marked, (*kind, *chunk, *kinds))

    # ------------------------------------------------------------- notes and the clock

    def remember(self, name: str, text: str) -> str:
        """See `Storage.remember`."""
        with self._writing() as db:
            db.execute(_schema.REMEMBER, (name, text))
            return str(self._one(_schema.NOTE, name))

    def recall(self, prefix: str) -> Mapping[str, str]:
        """See `Storage.recall`."""
        with self._reading() as db:
            return dict(takewhile(lambda note: note[0].startswith(prefix), db.execute(_schema.NOTES, (prefix,))))

    def advance(self, now: datetime) -> datetime:
        """See `Storage.advance`."""
        with self._writing() as db:
            db.execute(_schema.ADVANCE, {"now": _rows.micros(now)})
            return _rows.instant(self._one(_schema.CLOCK))

    # ------------------------------------------------------------- facts

    def record(self, facts: Sequence[Fact]) -> list[_Recorded]:
        """See `Storage.record`."""
        results: list[_Recorded] = []
        with self._writing():
            for alone, run in groupby(facts, key=lambda fact: isinstance(fact, (CustomersMerged, CustomerErased))):
                for chunk in _chunks(list(run), 1 if alone else _CHUNK):
                    results += self._record(chunk)
                    if alone and results[-1] == "new":
                        self._follow(chunk[-1])
        return results

    def _follow(self, fact: Fact) -> None:
        """What a fact that was just recorded does to the whole file."""
        if isinstance(fact, CustomersMerged):
            self._merge(fact)
        else:
            (owner,) = self._holders([fact.customer_id]).values()
            for statement in _schema.ERASE:
                self._db.execute(statement, {"owner": owner, "id": fact.id, "at": _rows.micros(fact.at)})

    def _record(self, facts: Sequence[Fact]) -> list[_Recorded]:
        first = self._known(facts)
        results: list[_Recorded] = []
        new: list[tuple[Fact, str]] = []
        for fact in facts:
            text = _rows.fact_text(fact)
            known = first.setdefault((fact.kind, fact.id), text)
            if known is text:
                new.append((fact, text))
                results.append("new")
            else:
                same = known in {text, _rows.ERASED} or _rows.read(_rows.fact, fact.customer_id, known) == fact
                results.append("known" if same else "conflict")
        self._add(new)
        return results

    def _known(self, facts: Sequence[Fact]) -> dict[tuple[str, str], str]:
        """The texts of those facts that are there already, by kind and id."""
        ids = defaultdict(list)
        for fact in facts:
            ids[fact.kind].append(fact.id)
        return {
            (kind, id_): text for kind in ids for id_, text in self._select(_schema.KNOWN_FACTS, ids[kind], kind=[kind])
        }

    def _add(self, facts: Sequence[tuple[Fact, str]]) -> None:
        holders = self._holders(fact.customer_id for fact, _ in facts)
        rows = [(holders[fact.customer_id], fact.kind, fact.id, _rows.micros(fact.at), text) for fact, text in facts]
        self._db.executemany(_schema.ADD_FACT, rows)
        self._touch(Counter(row[0] for row in rows))

    def _touch(self, customers: Mapping[str, int]) -> None:
        values = [{"id": i, "facts": n, "at_once": _rows.AT_ONCE} for i, n in customers.items()]
        self._db.executemany(_schema.TOUCH, values)

    def _holders(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """For each id the one that holds its file now."""
        holders = {customer_id: customer_id for customer_id in customer_ids}
        return holders | dict(self._select(_schema.HOLDERS, holders))

    def _merge(self, fact: CustomersMerged) -> None:
        """Move all of one customer to another; nothing to do when they are one, also by a merge the other way round."""
        holders = self._holders((fact.customer_id, fact.into))
        old, into = holders[fact.customer_id], holders[fact.into]
        if old != into:
            for statement in _schema.MERGE:
                self._db.execute(statement, {"old": old, "into": into})
            self._touch({into: 1})

    def facts(self, kinds: Collection[str], after: int, limit: int) -> tuple[list[tuple[str, Fact]], int]:
        """See `Storage.facts`."""
        query = _schema.FACTS.format(kinds=_marks(kinds))
        with self._reading() as db:
            while rows := db.execute(query, (after, *kinds, limit)).fetchall():
                after = rows[-1][0]
                found = list(_rows.readable(_rows.fact, (row[1:] for row in rows)))
                if found:
                    return found, after
            return [], max(after, self._one(_schema.LAST_FACT) or 0)

    def owners(self, message_keys: Collection[str]) -> Mapping[str, str]:
        """See `Storage.owners`."""
        with self._reading():
            return dict(self._select(_schema.OWNERS, message_keys))

    def customers(self, after: str, limit: int) -> list[str]:
        """See `Storage.customers`."""
        with self._reading() as db:
            return _rows.intact(db.execute(_schema.CUSTOMERS, (after, limit)))

    # ------------------------------------------------------------- planning

    def due(self, now: datetime, fingerprint: str, limit: int) -> list[str]:
        """See `Storage.due`."""
        when = _rows.micros(now)
        with self._reading() as db:
            found = db.execute(_schema.DUE, (when, limit)).fetchall()
            for query in _schema.DUE_BY_FINGERPRINT:
                found += db.execute(query, (fingerprint, when, limit - len(found))).fetchall()
        return _rows.intact(found)

    def load(self, customer_ids: Sequence[str], needs: Needs) -> list[CustomerFile]:
        """See `Storage.load`."""
        with self._reading():
            return [file for chunk in _chunks(customer_ids) for file in self._files(chunk, needs)]

    def _files(self, customer_ids: Sequence[str], needs: Needs) -> list[CustomerFile]:
        holders = self._holders(customer_ids)
        owners = list(dict.fromkeys(holders.values()))
        query = _schema.FILE_FACTS if needs.kinds is None else _schema.FILE_FACTS_OF
        facts = _grouped(_rows.readable(_rows.fact, self._select(query, owners, kinds=sorted(needs.kinds or ()))))
        entries = _grouped(_rows.readable(_rows.entry, self._select(_schema.FILE_ENTRIES, owners)))
        ledger = _grouped(_rows.readable(_rows.decision, self._select(_schema.FILE_DECISIONS, owners)))
        outcomes = _grouped(map(_outcome, self._select(_schema.FILE_LETTERS, owners)))
        merged = _grouped(self._select(_schema.MERGED, owners))
        versions = dict(self._select(_schema.VERSIONS, owners))
        return [
            CustomerFile(
                customer_id=owner,
                facts=tuple(facts[owner]),
                entries=tuple(entries[owner]),
                ledger=tuple(ledger[owner]),
                outcomes=tuple(outcomes[owner]),
                version=versions.get(owner, 0),
                merged=tuple(merged[owner]),
            )
            for owner in (holders[customer_id] for customer_id in customer_ids)
        ]

    def commit(self, changes: Sequence[Change]) -> list[bool]:
        """See `Storage.commit`."""
        with self._writing() as db:
            applied = [self._plan(change) for change in changes]
            done = [change for change, is_applied in zip(changes, applied, strict=True) if is_applied]
            db.executemany(_schema.ADD_ENTRY, [row for change in done for row in _entry_rows(change)])
            db.executemany(_schema.ADD_DECISION, [row for change in done for row in _decision_rows(change)])
            letters = [(change.customer_id, letter) for change in done for letter in change.letters]
            db.executemany(_schema.ADD_LETTER, [_letter_row(owner, letter) for owner, letter in letters])
            db.executemany(_schema.ADD_PAYLOAD, [_rows.message_row(letter.message) for _, letter in letters])
        return applied

    def _plan(self, change: Change) -> bool:
        wake_at = change.plan.wake_at
        values = {
            "id": change.customer_id,
            "version": change.version,
            "wake_at": None if wake_at is None else _rows.micros(wake_at),
            "fingerprint": change.fingerprint,
        }
        statement = _schema.PLANNED if change.version else _schema.PLANNED_STRANGER
        return self._db.execute(statement, values).rowcount == 1

    # ------------------------------------------------------------- letters

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        """See `Storage.claim`."""
        return self._lease(_schema.CLAIM, now, now + lease, limit)

    def claim_doubts(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        """See `Storage.claim_doubts`."""
        return self._lease(_schema.CLAIM_DOUBTS, now, now + lease, limit)

    def _lease(self, query: str, now: datetime, until: datetime, limit: int) -> list[Lease]:
        """Lease letters; one whose message cannot be read fails and makes room for the next."""
        leases: list[Lease] = []
        values = {"now": _rows.micros(now), "until": _rows.micros(until)}
        with self._writing() as db:
            while True:
                rows = sorted(db.execute(query, {**values, "limit": limit - len(leases)}).fetchall())
                messages = self._messages(row[1] for row in rows)
                leases += [_leased(row, messages[row[1]], until) for row in rows if row[1] in messages]
                unreadable = [(row[1],) for row in rows if row[1] not in messages]
                if not unreadable:
                    return leases
                db.executemany(_schema.UNREADABLE, unreadable)

    def _messages(self, keys: Iterable[str]) -> dict[str, Message]:
        """Those of the messages that can be read."""
        rows = self._select(_schema.PAYLOADS, keys)
        return dict(_rows.readable(_rows.message, ((row[0], row) for row in rows)))

    def begin(self, leases: Sequence[Lease], now: datetime) -> list[bool]:
        """See `Storage.begin`."""
        with self._writing():
            return self._change(_schema.BEGIN, [_held(lease, now) for lease in leases])

    def settle(self, settlements: Sequence[Settlement], now: datetime) -> list[bool]:
        """See `Storage.settle`."""
        with self._writing():
            return self._change(_schema.SETTLE, [_held(one.lease, now) | _settled(one) for one in settlements])

    def _change(self, statement: str, rows: Sequence[dict[str, object]]) -> list[bool]:
        """For each row whether it changed a letter: all in one call, and one by one only when some did not."""
        self._db.execute("SAVEPOINT letters")
        if self._db.executemany(statement, rows).rowcount == len(rows):
            return [True] * len(rows)
        self._db.execute("ROLLBACK TO letters")
        return [self._db.execute(statement, row).rowcount == 1 for row in rows]


def _chunks(items: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))


def _grouped(pairs: Iterable[tuple[str, T]]) -> defaultdict[str, list[T]]:
    groups = defaultdict(list)
    for owner, item in pairs:
        groups[owner].append(item)
    return groups


def _outcome(row: Sequence[Any]) -> tuple[str, Outcome]:
    owner, message_key, journey, entry, step, occurrence, status, at, reason = row
    key = DecisionKey(journey, entry, step, occurrence)
    return owner, Outcome(message_key=message_key, key=key, status=status, at=_rows.instant(at), reason=reason)


def _entry_rows(change: Change) -> Iterator[tuple[object, ...]]:
    for entry in change.plan.entries:
        at = _rows.micros(entry.entered_at)
        yield change.customer_id, entry.journey, entry.key, at, _rows.text(entry)


def _decision_rows(change: Change) -> Iterator[tuple[object, ...]]:
    for decision in change.plan.decisions:
        yield change.customer_id, _rows.micros(decision.at), _rows.text(decision)


def _letter_row(owner: str, letter: Letter) -> tuple[object, ...]:
    at = _rows.micros(letter.message.at)
    return owner, letter.message.key, *letter.key, at, at, _rows.micros(letter.due)


def _token(key: str, attempts: int) -> str:
    return f"{key}:{attempts}"


def _leased(row: Sequence[Any], message: Message, until: datetime) -> Lease:
    _due, message_key, owner, *key, attempts = row
    return Lease(owner, DecisionKey(*key), message, _token(message_key, attempts), attempts, until)


def _held(lease: Lease, now: datetime) -> dict[str, object]:
    """What a statement needs to find the letter, if this lease holds it; a false token finds none."""
    key, attempts = lease.message.key, lease.attempts
    is_true = lease.token == _token(key, attempts)
    return {"key": key, "attempts": attempts if is_true else None, "now": _rows.micros(now)}


def _settled(settlement: Settlement) -> dict[str, object]:
    retry_at = settlement.retry_at if settlement.status == "queued" else None
    return {
        "status": settlement.status,
        "reason": settlement.reason,
        "retry_at": None if retry_at is None else _rows.micros(retry_at),
    }
