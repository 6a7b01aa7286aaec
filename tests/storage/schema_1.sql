-- A database of schema 1 as its version wrote it; the payload of letter f is damaged.
PRAGMA application_id = 1382380654;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE aliases (id TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "aliases" VALUES('old','ann');
CREATE TABLE clock (only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL) STRICT;
INSERT INTO "clock" VALUES(1,1772366580000000);
CREATE TABLE customers (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, wake_at INTEGER, fingerprint TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "customers" VALUES('ann',4,1772366940000000,'book');
INSERT INTO "customers" VALUES('ben',1,-62135596800000000,'');
CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, at INTEGER NOT NULL, decision TEXT NOT NULL
) STRICT;
INSERT INTO "decisions" VALUES(1,'ann',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","due":"2026-03-01T12:00:00+00:00","entry_key":"run","format":1,"journey":"win_back","kind":"send","slot":"2026-03-01T12:00:00+00:00","step":"a","template":"letter","valid_until":"2026-03-01T13:00:00+00:00","version":1}');
INSERT INTO "decisions" VALUES(2,'ann',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","due":"2026-03-01T12:00:00+00:00","entry_key":"run","format":1,"journey":"win_back","kind":"send","slot":"2026-03-01T12:00:00+00:00","step":"b","template":"letter","valid_until":"2026-03-01T13:00:00+00:00","version":1}');
INSERT INTO "decisions" VALUES(3,'ann',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","due":"2026-03-01T12:00:00+00:00","entry_key":"run","format":1,"journey":"win_back","kind":"send","slot":"2026-03-01T12:00:00+00:00","step":"c","template":"letter","valid_until":"2026-03-01T13:00:00+00:00","version":1}');
INSERT INTO "decisions" VALUES(4,'ann',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","due":"2026-03-01T12:00:00+00:00","entry_key":"run","format":1,"journey":"win_back","kind":"send","slot":"2026-03-01T12:00:00+00:00","step":"d","template":"letter","valid_until":"2026-03-01T13:00:00+00:00","version":1}');
INSERT INTO "decisions" VALUES(5,'ann',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","due":"2026-03-01T12:00:00+00:00","entry_key":"run","format":1,"journey":"win_back","kind":"send","slot":"2026-03-01T12:00:00+00:00","step":"e","template":"letter","valid_until":"2026-03-01T13:00:00+00:00","version":1}');
INSERT INTO "decisions" VALUES(6,'ann',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","due":"2026-03-01T12:00:00+00:00","entry_key":"run","format":1,"journey":"win_back","kind":"send","slot":"2026-03-01T12:00:00+00:00","step":"f","template":"letter","valid_until":"2026-03-01T13:00:00+00:00","version":1}');
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, journey TEXT NOT NULL, key TEXT NOT NULL,
    entered_at INTEGER NOT NULL, entry TEXT NOT NULL, UNIQUE (owner, journey, key)
) STRICT;
INSERT INTO "entries" VALUES(1,'ann','win_back','run',1772366400000000,'{"arm":"letters","basis":"2026-03-01T12:00:00+00:00","entered_at":"2026-03-01T12:00:00+00:00","format":1,"journey":"win_back","key":"run","propensity":0.9,"version":1}');
CREATE TABLE facts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    at INTEGER NOT NULL, fact TEXT NOT NULL, UNIQUE (kind, id)
) STRICT;
INSERT INTO "facts" VALUES(1,'ann','order','1',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","currency":"EUR","customer_id":"ann","format":1,"id":"1","kind":"order","total":"30"}');
INSERT INTO "facts" VALUES(2,'ann','profile','p',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","customer_id":"ann","email":"ann@example.com","format":1,"id":"p","kind":"profile"}');
INSERT INTO "facts" VALUES(3,'ann','merge','m',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","customer_id":"old","format":1,"id":"m","into":"ann","kind":"merge"}');
INSERT INTO "facts" VALUES(4,'ben','order','2',1772366400000000,'{"at":"2026-03-01T12:00:00+00:00","currency":"EUR","customer_id":"ben","format":1,"id":"2","kind":"order","total":"30"}');
CREATE TABLE letters (
    seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, message_key TEXT NOT NULL UNIQUE,
    journey TEXT NOT NULL, entry_key TEXT NOT NULL, step TEXT NOT NULL, occurrence TEXT NOT NULL,
    queued_at INTEGER NOT NULL, due INTEGER NOT NULL,
    status TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, until INTEGER
) STRICT;
INSERT INTO "letters" VALUES(1,'ann','a','win_back','run','a','',1772366400000000,1772366400000000,'sent',1772366580000000,'',1,NULL);
INSERT INTO "letters" VALUES(2,'ann','b','win_back','run','b','',1772366400000000,1772366400000000,'in_doubt',1772366580000000,'lost',1,NULL);
INSERT INTO "letters" VALUES(3,'ann','c','win_back','run','c','',1772366400000000,1772366400000000,'sending',1772366580000000,'',1,1772367180000000);
INSERT INTO "letters" VALUES(4,'ann','d','win_back','run','d','',1772366400000000,1772366400000000,'leased',1772366580000000,'',1,1772367180000000);
INSERT INTO "letters" VALUES(5,'ann','e','win_back','run','e','',1772366400000000,1772366400000000,'queued',1772366400000000,'',0,NULL);
INSERT INTO "letters" VALUES(6,'ann','f','win_back','run','f','',1772366400000000,1772366400000000,'queued',1772366400000000,'',0,NULL);
CREATE TABLE notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "notes" VALUES('shop','one');
CREATE TABLE payloads (message_key TEXT PRIMARY KEY, message TEXT NOT NULL) STRICT;
INSERT INTO "payloads" VALUES('a','{"at":"2026-03-01T12:00:00+00:00","format":1,"html":"<p>Come back</p>","key":"a","sender":"shop@example.com","sender_name":"Shop","subject":"Hello","text":"Line\nMöwe 🐦 \u0000 end","to":"ann@example.com","unsubscribe_url":"https://shop.example/u"}');
INSERT INTO "payloads" VALUES('b','{"at":"2026-03-01T12:00:00+00:00","format":1,"html":"<p>Come back</p>","key":"b","sender":"shop@example.com","sender_name":"Shop","subject":"Hello","text":"Line\nMöwe 🐦 \u0000 end","to":"ann@example.com","unsubscribe_url":"https://shop.example/u"}');
INSERT INTO "payloads" VALUES('c','{"at":"2026-03-01T12:00:00+00:00","format":1,"html":"<p>Come back</p>","key":"c","sender":"shop@example.com","sender_name":"Shop","subject":"Hello","text":"Line\nMöwe 🐦 \u0000 end","to":"ann@example.com","unsubscribe_url":"https://shop.example/u"}');
INSERT INTO "payloads" VALUES('d','{"at":"2026-03-01T12:00:00+00:00","format":1,"html":"<p>Come back</p>","key":"d","sender":"shop@example.com","sender_name":"Shop","subject":"Hello","text":"Line\nMöwe 🐦 \u0000 end","to":"ann@example.com","unsubscribe_url":"https://shop.example/u"}');
INSERT INTO "payloads" VALUES('e','{"at":"2026-03-01T12:00:00+00:00","format":1,"html":"<p>Come back</p>","key":"e","sender":"shop@example.com","sender_name":"Shop","subject":"Hello","text":"Line\nMöwe 🐦 \u0000 end","to":"ann@example.com","unsubscribe_url":"https://shop.example/u"}');
INSERT INTO "payloads" VALUES('f','{');
CREATE INDEX customers_by_wake ON customers (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX customers_by_fingerprint ON customers (fingerprint);
CREATE INDEX aliases_by_holder ON aliases (holder);
CREATE INDEX facts_by_owner ON facts (owner);
CREATE INDEX decisions_by_owner ON decisions (owner);
CREATE INDEX letters_by_owner ON letters (owner);
CREATE INDEX letters_to_claim ON letters (due, message_key) WHERE status IN ('queued', 'leased');
CREATE INDEX letters_in_doubt ON letters (until, message_key) WHERE status IN ('sending', 'in_doubt');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('facts',4);
COMMIT;
