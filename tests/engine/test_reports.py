"""Webhooks and rows of JSON: what comes back from providers and shops, the broken and the doubled included."""

from __future__ import annotations

import json
import logging
import random
from datetime import timedelta
from itertools import cycle

import pytest

from retention import facts
from retention.engine import Received, Recorded
from retention.errors import InvalidInput
from retention.ports import Parsed, Report


class Provider:
    """Signs with one word, for five minutes; an event that is no mapping, or has no letter, is rejected."""

    def sign(self, events, at):
        return {"Signature": "ours", "Sent": at.isoformat()}, json.dumps(events).encode()

    def verify(self, headers, body, now):
        sent = facts.Visited(id="t", customer_id="t", at=headers["Sent"]).at
        return headers["Signature"] == "ours" and abs(now - sent) <= timedelta(minutes=5)

    def parse(self, headers, body):
        reports, rejected, ignored = [], [], 0
        for event in json.loads(body):
            if event == "boring":
                ignored += 1
                continue
            try:
                reports.append(Report(**event))
            except (TypeError, ValueError) as error:
                rejected.append(f"{error} for eve@example.org")
        return Parsed(tuple(reports), ignored, tuple(rejected))


@pytest.fixture
def provider():
    return Provider()


def sent(world, *customers):
    """An engine that has written to the customers, and the keys of their letters."""
    engine = world.engine()
    engine.record(world.asleep(*customers))
    engine.run()
    return engine, {one: world.file(one).outcomes[0].message_key for one in customers}


def event(world, key, status="delivered", **changes):
    at = world.clock.at.isoformat()
    return {"id": world.id("event"), "message_key": key, "status": status, "at": at} | changes


def told(world, customer):
    """What is known of the customer's letters from reports."""
    return [(f.status, f.bounce_class, f.received_at) for f in world.file(customer).facts if f.kind == "email"]


# ---------------------------------------------------------------- webhooks


def test_reports_reach_the_customers_whose_letters_they_are_about(world, provider):
    """Each event becomes a fact about the right customer, with the time at which it was heard of."""
    engine, keys = sent(world, "ann", "eve")
    events = [event(world, keys["eve"]), event(world, keys["ann"], "bounced", bounce_class="hard"), "boring"]
    received = engine.receive(provider, *provider.sign(events, world.clock.at))
    assert received == Received(new=2, ignored=1)
    assert told(world, "eve") == [("delivered", "", world.clock.at)]
    assert told(world, "ann") == [("bounced", "hard", world.clock.at)]


@pytest.mark.parametrize(
    "status, bounce, reason",
    [("bounced", "hard", "no_address"), ("complained", "", "suppressed"), ("unsubscribed", "", "suppressed")],
)
def test_what_is_reported_acts(world, provider, status, bounce, reason):
    """A hard bounce, a complaint and an unsubscribe end the letters of that customer, and of no other."""
    engine, keys = sent(world, "ann", "eve")
    world.clock.passes(days=7)
    events = [event(world, keys["eve"], status, bounce_class=bounce), event(world, keys["ann"], "opened")]
    engine.receive(provider, *provider.sign(events, world.clock.at))
    engine.run()
    assert ("skip", "reminder", reason) in world.ledger("eve")
    assert len(world.fates("ann")) == 2


@pytest.mark.parametrize("headers", [{"Signature": "theirs"}, {"Sent": "2026-03-02T11:00:00+00:00"}])
def test_a_body_that_is_not_signed_lately_is_refused_and_leaves_no_trace(world, provider, headers):
    """One line, nothing kept, and not even the storage's clock moves."""
    engine, keys = sent(world, "eve")
    signed, body = provider.sign([event(world, keys["eve"])], world.clock.at)
    before = world.storage.advance(world.clock.at - timedelta(days=9))
    world.clock.passes(minutes=1)
    with pytest.raises(InvalidInput, match=r"^webhook: not signed by the provider, or long ago; [^\n]*$"):
        engine.receive(provider, signed | headers, body)
    assert told(world, "eve") == []
    assert world.storage.advance(before) == before


def test_law_23_doubles_and_any_order_come_to_the_same(kit, provider):
    """The events shuffled, doubled and in bodies of any size leave the same facts, and each is new once."""
    left = []
    for seed in range(5):
        world = kit.World()
        engine, keys = sent(world, "ann", "eve")
        words = ("delivered", "opened", "clicked", "deferred")
        events = [event(world, key, word) for key in keys.values() for word in words]
        shuffled = random.Random(seed).sample(events * 3, k=len(events) * 3)
        got = Received()
        while shuffled:
            size = seed + 1
            body, shuffled = shuffled[:size], shuffled[size:]
            world.clock.passes(seconds=1)
            one = engine.receive(provider, *provider.sign(body, world.clock.at))
            got = Received(got.new + one.new, got.known + one.known)
        assert got == Received(new=8, known=16)
        left.append([sorted(row[:2] for row in told(world, one)) for one in keys])
    assert left == [left[0]] * 5


def test_reports_of_strange_letters_are_counted(world, provider, caplog):
    """Another system's letters under the same account: counted, logged, and nobody's fact."""
    engine, keys = sent(world, "eve")
    caplog.set_level(logging.INFO)
    events = [event(world, "not-ours"), event(world, keys["eve"])]
    assert engine.receive(provider, *provider.sign(events, world.clock.at)) == Received(new=1, unmatched=1)
    assert "'unmatched': 1" in caplog.text
    assert world.storage.customers("", 9) == ["eve"]


def test_ten_thousand_events_of_which_most_are_broken_are_all_accounted_for(world, provider):
    """What cannot be read is told without an address, and stops none of the others."""
    engine, keys = sent(world, "eve")
    broken = ["nonsense", {"id": "x"}, None, 7, [], event(world, "", "opened"), event(world, "k", "read")]
    events = [event(world, keys["eve"], "opened") if n % 10 == 0 else broken[n % 7] for n in range(10_000)]
    events[5] = "boring"
    received = engine.receive(provider, *provider.sign(events, world.clock.at))
    assert received.new == len(told(world, "eve")) == 1_000
    assert received.ignored == 1
    assert len(received.rejected) == 8_999
    assert not any("@" in reason or "\n" in reason for reason in received.rejected)


@pytest.mark.parametrize("method", ["verify", "parse"])
def test_a_parser_that_breaks_its_contract_is_contained(world, provider, caplog, method):
    """One line without an address, nothing kept; the provider sends again."""

    def broken(*_):
        raise KeyError("eve@example.org")

    engine, keys = sent(world, "eve")
    signed = provider.sign([event(world, keys["eve"])], world.clock.at)
    setattr(provider, method, broken)
    with pytest.raises(InvalidInput, match=r"^webhook: its parser broke; ") as refused:
        engine.receive(provider, *signed)
    assert "@" not in f"{refused.value}{caplog.text}"
    assert "KeyError at test_reports.py" in caplog.text
    assert refused.value.__suppress_context__
    assert told(world, "eve") == []


# ---------------------------------------------------------------- rows of JSON


def rows(world, *happened):
    return [json.dumps(facts.to_json(fact)) for fact in happened]


def test_facts_come_in_as_json(world):
    """Text, bytes and parsed rows alike; the same again is known."""
    engine = world.engine()
    text = rows(world, *world.asleep("eve"))
    given = [text[0], text[1].encode(), json.loads(text[2])]
    assert engine.record_json(given) == Recorded(new=3)
    assert engine.record_json(iter(given)) == Recorded(known=3)


def test_a_row_in_another_currency_is_rejected_alone(world):
    """Money that cannot be added up is told, with its place."""
    engine = world.engine()
    given = rows(world, world.order("eve", currency="USD"), world.order("eve"))
    recorded = engine.record_json(given)
    assert recorded.new == 1
    ((rejected),) = recorded.rejected
    assert (rejected.index, rejected.reason[:21]) == (0, "currency: order order")


def test_ten_thousand_broken_rows_stop_no_other(world):
    """Every row is kept or rejected with its place and a reason in one line that quotes no address; the scan goes on."""
    engine = world.engine()
    good = json.loads(rows(world, world.order("eve", silent=75))[0])
    profile = json.loads(rows(world, world.profile("eve"))[0])
    broken = [
        "",
        "null",
        "[[[",
        b"\xff\xfe",
        "[" * 100_000,
        "1" * 5_000,
        "NaN",
        None,
        17,
        {},
        {"format": 2, "kind": "order"},
        {**good, "kind": "orders"},
        {**good, "kind": ["order"]},
        {**good, "total": "1e400"},
        {**good, "total": "1e-999999"},
        {**good, "total": 30.5},
        {**good, "total": None, "lines": [{"product_id": "p", "price": "1e14", "quantity": 10**300}]},
        {**good, "at": "yesterday"},
        {**good, "at": "2026-03-01T00:00:00"},
        {**good, "customer_id": ""},
        {**good, "customer_id": "\ud800"},
        {**good, "surprise": 1},
        {**profile, "email": "eve @example.org, ann@example.org"},
        {**profile, "timezone": "../../etc/passwd"},
    ]
    worse = cycle(broken)
    given = [{**good, "id": n} if n % 4 == 0 else next(worse) for n in range(10_000)]
    recorded = engine.record_json(given)
    assert recorded.new == 2_500
    assert [one.index for one in recorded.rejected] == [n for n in range(10_000) if n % 4]
    assert all(0 < len(one.reason) <= 200 and "\n" not in one.reason for one in recorded.rejected)
    assert not any("@" in one.reason for one in recorded.rejected)
    assert engine.scan().asleep == 1
