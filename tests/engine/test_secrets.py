"""No address and no secret in logs, errors, results or the ledger's words, whatever goes wrong (F26's other side)."""

from __future__ import annotations

import json
import logging
import sqlite3

import pytest

from retention import facts
from retention.errors import RetentionError
from retention.messages import Message, Result
from retention.ports import Parsed
from retention.storage.sqlite import SQLiteStorage

ADDRESSES = {
    "ann": "o'brien+tag@shop.example",
    "bob": "bob%20smith@EXAMPLE.org",
    "cleo": "{cleo}=x@sub.example.org",
    "dora": "d.o.r.a@xn--e1afmkfd.example",
    "eve": "a.b-c_d~e@example.org",
    "fay": "fay/dept|x@example.org",
}
KEY = "re_live_provider_key"


class Leaky:
    """A sender whose every failure quotes the recipients and its own key."""

    def __init__(self, capabilities) -> None:
        self.capabilities, self.n = capabilities, 0

    def send(self, messages):
        self.n += 1
        quoted = ", ".join(f"<{message.to}>" for message in messages)
        if self.n % 3 == 0:
            raise OSError(f"cannot reach {quoted} with {KEY}")
        statuses = ("rejected", "transient", "unknown")
        return [
            Result(statuses[(self.n + i) % 3], f"550 {quoted} https://x/?to={m.to}") for i, m in enumerate(messages)
        ]

    def lookup(self, keys):
        raise KeyError(f"eve@example.org {KEY}")


class Chatty:
    """A webhook parser that quotes what it reads."""

    broken = False

    def verify(self, headers, body, now):
        if self.broken:
            raise ValueError(f"{body!r} {KEY}")
        return headers["sign"] == "ours"

    def parse(self, headers, body):
        return Parsed(rejected=(f"event about {body.decode()}", "to=eve%40example.org"))


def attempt(work, *arguments, **options) -> str:
    """What the failing call says, with the errors that a log would show before it."""
    with pytest.raises(RetentionError) as caught:
        work(*arguments, **options)
    error, said = caught.value, []
    assert "\n" not in str(error)
    while error is not None:
        said.append(f"{error} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(said)


def test_nothing_that_goes_wrong_names_an_address_or_a_secret(kit, tmp_path, caplog):
    """A shop lives through broken templates, senders, webhooks, rows and calls; what is said of it all is searched."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "en" / "win_back").mkdir(parents=True)
    (tmp_path / "en" / "win_back" / "reminder.jinja").write_text(
        "{% extends 'retention:en/win_back/reminder.jinja' %}"
        "{% block subject %}{% if customer.name == 'Ann' %}{{ customer.name | date }}{% endif %}Hi{% endblock %}",
        encoding="utf-8",
    )
    path = tmp_path / "shop.db"
    world = kit.World(storage=SQLiteStorage(path), sender=Leaky(kit.Knows("", "").capabilities))
    options = {"templates": tmp_path, "shop": kit.shop()}
    engine = world.engine(kit.two_days(), **options)
    for who, address in ADDRESSES.items():
        named = {"email": address, "name": "Ann" if who == "ann" else address}
        engine.record([*world.asleep(who), world.profile(who, at=world.clock.at, **named)])
    for _ in range(12):
        engine.run()
        world.clock.passes(hours=9)
    said = [str(engine.results().to_json()), repr(engine), repr(engine.shop), repr(list(engine.doubts()))]
    said += [str(engine.explain(who)) for who in ADDRESSES]
    said += [str(row) for who in ADDRESSES for row in world.file(who).outcomes]
    fates = {row.status for who in ADDRESSES for row in world.file(who).outcomes}
    assert {"failed", "in_doubt"} <= fates

    parser, body = Chatty(), b"eve@example.org"
    said += [repr(engine.receive(parser, {"sign": "ours"}, body)), attempt(engine.receive, parser, {"sign": ""}, body)]
    parser.broken = True
    said.append(attempt(engine.receive, parser, {"sign": "ours"}, body))

    profile = facts.to_json(world.profile("eve"))
    rows = [{**profile, "email": f"{address} "} for address in ADDRESSES.values()]
    rows += [{**profile, "id": [address]} for address in ADDRESSES.values()]
    rows += [{**profile, address: 1} for address in ADDRESSES.values()]
    recorded = engine.record_json([*rows, *map(json.dumps, rows), *ADDRESSES.values()])
    assert len(recorded.rejected) == 42
    said.append(repr(recorded))
    words = dict.fromkeys(("key", "sender_name", "subject", "text", "html"), "x")
    letter = {**words, "sender": "shop@shop.example", "at": world.clock.at, "promotional": False}
    for address in ADDRESSES.values():
        said.append(attempt(world.profile, "eve", email=f"{address},{address}"))
        said.append(attempt(kit.shop, sender=f"<{address}>"))
        said.append(attempt(Message, to=f" {address}", **letter))
    said.append(attempt(kit.shop, secret=kit.SECRET[:15]))

    with sqlite3.connect(path) as db:  # a poison row of every sort
        db.execute("UPDATE facts SET fact = replace(fact, '\"kind\"', '\"kin\"') WHERE rowid % 4 = 0")
        db.execute("UPDATE decisions SET decision = substr(decision, 2) WHERE rowid % 3 = 0")
        db.execute("UPDATE payloads SET at = at * 1000")
    db.close()
    world.clock.passes(days=9)
    engine.record(world.asleep("gil"))
    world.engine(kit.two_days(), **options).run()
    said.append(str(engine.results().to_json()))
    assert "cannot be read" in caplog.text
    said.append(attempt(world.engine, shop=kit.shop(id="other")))
    world.storage.close()
    said.append(attempt(engine.run))

    text = "\n".join([caplog.text, *said])
    locals_ = [address.partition("@")[0] for address in ADDRESSES.values()]
    for secret in (*ADDRESSES.values(), *locals_, kit.SECRET[:15], KEY):
        assert secret not in text
    for public in (engine.shop.sender, "write name@example.com"):
        text = text.replace(public, "")
    assert "@" not in text
    assert "(address)" in text
