"""All SQL of the SQLite storage, in one place.

Instants are microseconds since 1970 in UTC; NULL is never. `owner` is the customer that a row belongs to now: merging
two customers changes it everywhere. Records are JSON text (see `_rows`), with columns only for what is searched;
letters have a column for each part, because they are read most. What is erased is empty: a fact's text, a recipient.
"""

from __future__ import annotations

VERSION = 2
"""The schema's number, kept as `user_version`; a database with a higher one was written by a newer version."""

APPLICATION = 0x5265746E
"""Kept as `application_id`: tells our databases from other programs'."""

_TABLES = """
-- One row: the latest time that anybody came with.
CREATE TABLE clock (only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL) STRICT;
INSERT INTO clock VALUES (1, -62135596800000000);

CREATE TABLE notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- A tick asks whose time has come and who was planned by another fingerprint: both without looking at the others.
CREATE TABLE customers (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, wake_at INTEGER, fingerprint TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX customers_by_wake ON customers (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX customers_by_fingerprint ON customers (fingerprint);

-- An id that was merged away -> the id that holds its file now, never one that was merged away itself.
CREATE TABLE aliases (id TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_holder ON aliases (holder);

-- Writers come one after the other and AUTOINCREMENT never goes back, so `seq` is the order of commits and a
-- reader's cursor misses nothing.
CREATE TABLE facts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    at INTEGER NOT NULL, fact TEXT NOT NULL, UNIQUE (kind, id)
) STRICT;
CREATE INDEX facts_by_owner ON facts (owner);

CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, journey TEXT NOT NULL, key TEXT NOT NULL,
    entered_at INTEGER NOT NULL, entry TEXT NOT NULL, UNIQUE (owner, journey, key)
) STRICT;

CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, at INTEGER NOT NULL, decision TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_owner ON decisions (owner);

-- `until` is the end of the lease while there is one: a letter that has none is waiting or settled. The lease's token
-- is the message key with `attempts`, which only grows, so it is unique without chance.
CREATE TABLE letters (
    seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, message_key TEXT NOT NULL UNIQUE,
    journey TEXT NOT NULL, entry_key TEXT NOT NULL, step TEXT NOT NULL, occurrence TEXT NOT NULL,
    queued_at INTEGER NOT NULL, due INTEGER NOT NULL,
    status TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, until INTEGER
) STRICT;
CREATE INDEX letters_by_owner ON letters (owner);
CREATE INDEX letters_to_claim ON letters (due, message_key) WHERE status IN ('queued', 'leased');
CREATE INDEX letters_in_doubt ON letters (until, message_key) WHERE status IN ('sending', 'in_doubt');
-- Apart from its letter, whose row is written again at every step of the letter's life.
CREATE TABLE payloads (
    message_key TEXT PRIMARY KEY, recipient TEXT NOT NULL, sender TEXT NOT NULL, sender_name TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL, at INTEGER NOT NULL,
    promotional INTEGER NOT NULL, unsubscribe_url TEXT NOT NULL
) STRICT;
"""
CREATE = (
    *_TABLES.split(";\n"),
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
"""The statements that make an empty file a database, to be run in one transaction."""

# ---------------------------------------------------------------- notes and the clock

REMEMBER = "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO NOTHING"
NOTE = "SELECT text FROM notes WHERE name = ?"
NOTES = "SELECT name, text FROM notes WHERE name >= ? ORDER BY name"
CLOCK = "SELECT at FROM clock"
ADVANCE = "UPDATE clock SET at = :now WHERE at < :now"

# ---------------------------------------------------------------- facts; {ids} and {kinds} become question marks

HOLDERS = "SELECT id, holder FROM aliases WHERE id IN ({ids})"
KNOWN_FACTS = "SELECT id, fact FROM facts WHERE kind = ? AND id IN ({ids})"
ADD_FACT = "INSERT INTO facts (owner, kind, id, at, fact) VALUES (?, ?, ?, ?, ?)"
# Of all that the customer's file holds, letters included, only that it was; the fact that asks for it stays.
ERASE = (
    "UPDATE facts SET fact = '', at = 0 WHERE owner = :owner AND NOT (kind = 'erased' AND id = :id)",
    """
    UPDATE payloads SET recipient = '', sender = '', sender_name = '', subject = '', text = '', html = '',
    unsubscribe_url = '' WHERE message_key IN (SELECT message_key FROM letters WHERE owner = :owner)
    """,
    """
    UPDATE letters SET status = 'cancelled', at = :at, reason = 'erased', until = NULL
    WHERE owner = :owner AND status IN ('queued', 'leased')
    """,
)
# A customer with new facts is due at once.
TOUCH = """
INSERT INTO customers VALUES (:id, :facts, :at_once, '')
ON CONFLICT DO UPDATE SET version = version + :facts, wake_at = :at_once
"""
# Plus signs keep the search on `seq`: one walk for all pages together, whatever the kinds.
FACTS = "SELECT seq, owner, fact FROM facts WHERE seq > ? AND +kind IN ({kinds}) AND fact <> '' ORDER BY seq LIMIT ?"
OWNERS = "SELECT message_key, owner FROM letters WHERE message_key IN ({ids})"
LAST_FACT = "SELECT max(seq) FROM facts"
CUSTOMERS = """
SELECT id FROM customers WHERE id > ? AND EXISTS (SELECT 1 FROM facts WHERE owner = customers.id) ORDER BY id LIMIT ?
"""

# Of two runs of one journey with the same key the earlier stays; the holder's when they began together.
MERGE = (
    """
    DELETE FROM entries WHERE owner IN (:old, :into) AND EXISTS (
        SELECT 1 FROM entries AS other
        WHERE other.owner IN (:old, :into) AND other.journey = entries.journey AND other.key = entries.key
        AND (other.entered_at, other.owner = :old) < (entries.entered_at, entries.owner = :old)
    )
    """,
    "UPDATE entries SET owner = :into WHERE owner = :old",
    "UPDATE facts SET owner = :into WHERE owner = :old",
    "UPDATE decisions SET owner = :into WHERE owner = :old",
    "UPDATE letters SET owner = :into WHERE owner = :old",
    "UPDATE aliases SET holder = :into WHERE holder = :old",
    "INSERT INTO aliases VALUES (:old, :into)",
    "DELETE FROM customers WHERE id = :old",
)

# ---------------------------------------------------------------- planning

DUE = "SELECT id FROM customers WHERE wake_at <= ? ORDER BY wake_at, id LIMIT ?"
# Two ranges instead of <>, which no index can answer.
DUE_BY_FINGERPRINT = tuple(
    """
    SELECT id FROM customers WHERE fingerprint < ? AND (wake_at > ? OR wake_at IS NULL)
    ORDER BY fingerprint, id LIMIT ?
    """.replace("<", side)
    for side in "<>"
)

VERSIONS = "SELECT id, version FROM customers WHERE id IN ({ids})"
MERGED = "SELECT holder, id FROM aliases WHERE holder IN ({ids}) ORDER BY id"
FILE_FACTS = "SELECT owner, fact FROM facts WHERE owner IN ({ids}) AND fact <> '' ORDER BY at, kind, id"
FILE_FACTS_OF = """
SELECT owner, fact FROM facts WHERE owner IN ({ids}) AND kind IN ({kinds}) AND fact <> '' ORDER BY at, kind, id
"""
FILE_ENTRIES = "SELECT owner, entry FROM entries WHERE owner IN ({ids}) ORDER BY entered_at, seq"
FILE_DECISIONS = "SELECT owner, decision FROM decisions WHERE owner IN ({ids}) ORDER BY at, seq"
FILE_LETTERS = """
SELECT owner, message_key, journey, entry_key, step, occurrence, status, at, reason
FROM letters WHERE owner IN ({ids}) ORDER BY queued_at, seq
"""

PLANNED = """
UPDATE customers SET version = version + 1, wake_at = :wake_at, fingerprint = :fingerprint
WHERE id = :id AND version = :version
"""
# Somebody nobody knows, whose file is empty and has version 0.
PLANNED_STRANGER = """
INSERT INTO customers SELECT :id, 1, :wake_at, :fingerprint
WHERE :version = 0 AND NOT EXISTS (SELECT 1 FROM aliases WHERE id = :id)
ON CONFLICT DO NOTHING
"""
ADD_ENTRY = """
INSERT INTO entries (owner, journey, key, entered_at, entry) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
ADD_DECISION = "INSERT INTO decisions (owner, at, decision) VALUES (?, ?, ?)"
ADD_LETTER = """
INSERT INTO letters (owner, message_key, journey, entry_key, step, occurrence, queued_at, at, due, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued') ON CONFLICT DO NOTHING
"""
ADD_PAYLOAD = "INSERT INTO payloads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"

# ---------------------------------------------------------------- letters

CLAIM = """
UPDATE letters SET status = 'leased', at = :now, reason = '', attempts = attempts + 1, until = :until
WHERE seq IN (
    SELECT seq FROM letters
    WHERE status IN ('queued', 'leased') AND due <= :now AND (status = 'queued' OR until <= :now)
    ORDER BY due, message_key LIMIT :limit
)
RETURNING due, message_key, owner, journey, entry_key, step, occurrence, attempts
"""
CLAIM_DOUBTS = """
UPDATE letters SET status = 'in_doubt', at = :now, reason = '', attempts = attempts + 1, until = :until
WHERE seq IN (
    SELECT seq FROM letters
    WHERE status IN ('sending', 'in_doubt') AND until <= :now
    ORDER BY until, message_key LIMIT :limit
)
RETURNING due, message_key, owner, journey, entry_key, step, occurrence, attempts
"""
PAYLOADS = """
SELECT message_key, recipient, sender, sender_name, subject, text, html, at, promotional, unsubscribe_url
FROM payloads WHERE message_key IN ({ids}) AND recipient <> ''
"""
UNREADABLE = """
UPDATE letters SET status = iif(status = 'in_doubt', status, 'failed'), reason = 'unreadable', until = NULL
WHERE message_key = ?
"""
BEGIN = """
UPDATE letters SET status = 'sending', at = :now
WHERE message_key = :key AND attempts = :attempts AND until > :now AND status = 'leased'
"""
SETTLE = """
UPDATE letters SET status = :status, at = :now, reason = :reason, until = NULL, due = coalesce(:retry_at, due)
WHERE message_key = :key AND attempts = :attempts AND until > :now
AND (status IN ('sending', 'in_doubt') OR (status = 'leased' AND :status IN ('cancelled', 'queued')))
"""

# ---------------------------------------------------------------- checking: how many rows are wrong

CHECKS = {
    "letters without a payload": (
        "SELECT count(*) FROM letters WHERE message_key NOT IN (SELECT message_key FROM payloads)"
    ),
    "payloads without a letter": (
        "SELECT count(*) FROM payloads WHERE message_key NOT IN (SELECT message_key FROM letters)"
    ),
    "letters with an unknown status": """
        SELECT count(*) FROM letters
        WHERE status NOT IN ('queued', 'leased', 'sending', 'in_doubt', 'sent', 'failed', 'cancelled')
    """,
}
