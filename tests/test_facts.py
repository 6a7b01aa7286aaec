"""Facts are checked when they are built, frozen afterwards, and the same in JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import given

from retention import _records, facts
from retention.errors import InvalidInput
from retention.facts import (
    KINDS,
    ActivityFell,
    Answered,
    ConsentChanged,
    CustomersMerged,
    DeliveryChanged,
    EmailReported,
    FellAsleep,
    Line,
    OfferDecided,
    OfferRedeemed,
    OrderPlaced,
    PreferenceStated,
    ProfileChanged,
    ReturnChanged,
    ReturnRiskFound,
    ServiceCancellationChanged,
    Visited,
)
from retention.testing import strategies

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACT = {"id": "1", "customer_id": "ann", "at": AT}

any_fact = strategies.any_facts()


def test_every_kind_is_known():
    """Every subclass of `Fact` is registered under its own name; each is tried below."""
    kinds = {cls for cls in vars(facts).values() if isinstance(cls, type) and issubclass(cls, facts.Fact) and cls.kind}
    assert set(KINDS.values()) == kinds
    assert [cls.kind for cls in KINDS.values()] == list(KINDS)


@given(any_fact)
def test_facts_survive_json(fact):
    """Through JSON text and back nothing changes, and the same fact gives the same text."""
    written = _records.text(facts.to_json(fact))
    again = facts.from_json(json.loads(written))
    assert again == fact
    assert type(again) is type(fact)
    assert _records.text(facts.to_json(again)) == written
    assert (again.kind, again.status, again.key) == (fact.kind, fact.status, fact.key)


@given(any_fact)
def test_facts_answer_the_planner(fact):
    """Kind, status and key are text, the instant is in UTC, and a fact can stand in a set."""
    assert KINDS[fact.kind] is type(fact)
    assert isinstance(fact.status, str)
    assert fact.key
    assert fact.at.tzinfo is UTC
    assert len({fact, attrs.evolve(fact)}) == 1


def test_facts_are_frozen():
    """Nobody edits what happened."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Visited(**FACT).at = AT


def test_an_older_record_still_loads():
    """What was written before a field existed gets the field's default; defaults are not written."""
    assert facts.to_json(Visited(**FACT)) == {
        "format": 1, "kind": "visit", "id": "1", "customer_id": "ann", "at": "2026-03-01T12:00:00+00:00"
    }  # fmt: skip


@pytest.mark.parametrize(
    "change, match",
    [
        ({"format": 2}, "format: 2 is unknown, this version reads up to 1; update the library"),
        ({"format": None}, "format: None is unknown"),
        ({"kind": "gossip"}, "kind: 'gossip' is unknown; use one of order, delivery"),
        ({"kind": None}, "kind: None is unknown"),
        ({"kind": []}, r"kind: \[\] is unknown"),
        ({"mood": "good"}, "visit: .*unexpected keyword argument 'mood'"),
        ({"at": "yesterday"}, "at: 'yesterday' is no ISO 8601 time"),
    ],
)
def test_unreadable_json(change, match):
    """A newer format, an unknown kind or field and a bad value each say so in one line."""
    with pytest.raises(InvalidInput, match=match):
        facts.from_json(facts.to_json(Visited(**FACT)) | change)


def test_a_field_that_is_missing():
    """A record without what every fact has is refused."""
    with pytest.raises(InvalidInput, match=r"visit: .*missing 1 required"):
        facts.from_json({"format": 1, "kind": "visit", "id": "1", "customer_id": "ann"})


@pytest.mark.parametrize(
    "cls, fields, match",
    [
        (Visited, {"id": ""}, "id: the id is empty"),
        (Visited, {"customer_id": None}, "customer_id: None is no id"),
        (Visited, {"at": datetime(2026, 3, 1)}, "at: .* has no timezone"),  # noqa: DTZ001
        (OrderPlaced, {"currency": "EUR", "total": -1}, "total: -1 is negative; money given back is a ReturnChanged"),
        (OrderPlaced, {"currency": "EUR", "total": 0.1}, "total: 0.1 is not exact"),
        (
            OrderPlaced,
            {"currency": "EUR", "total": "1e400"},
            r"total: 1.000e\+400 is no amount; write at most 15 digits",
        ),
        (OrderPlaced, {"currency": "EUR", "total": "1e-31"}, "total: 1.000e-31 is no amount; .* and 30 decimals"),
        (OrderPlaced, {"currency": "euro"}, "currency: 'euro' is no ISO 4217"),
        (OrderPlaced, {"currency": "EUR", "lines": [{"product_id": "1", "quantity": 0}]}, "quantity: 0 is no whole"),
        (DeliveryChanged, {"order_id": "1", "status": "lost"}, "status: 'lost' is unknown; use one of shipped"),
        (ReturnChanged, {"return_id": "1", "status": "refunded", "refund": 5}, "currency: a refund needs its currency"),
        (ReturnChanged, {"return_id": "1", "status": "refunded", "refund": -5}, "refund: -5 is negative"),
        (ReturnChanged, {"return_id": "", "status": "refunded"}, "return_id: the id is empty"),
        (EmailReported, {"message_key": "k", "status": "read"}, "status: 'read' is unknown"),
        (EmailReported, {"message_key": "k", "status": "bounced", "bounce_class": "loud"}, "bounce_class: 'loud'"),
        (EmailReported, {"message_key": "k", "status": "opened", "machine": "no"}, "machine: 'no' is neither"),
        (ProfileChanged, {"email": "ann"}, "email: 'ann' is no e-mail address"),
        (ProfileChanged, {"email": "ann@@example.org"}, r"email: \(address\) is no e-mail address"),
        (ProfileChanged, {"timezone": "Mars"}, "timezone: 'Mars' is unknown"),
        (ConsentChanged, {"granted": "yes"}, "granted: 'yes' is neither True nor False"),
        (CustomersMerged, {"into": "ann"}, "into: 'ann' is the customer that is merged; name another one"),
        (FellAsleep, {"order_id": "1", "basis": AT, "usual_gap": float("nan")}, "usual_gap: nan is no finite number"),
        (FellAsleep, {"order_id": "1", "basis": AT, "usual_gap": 10**400}, "usual_gap: 10+ is no finite number"),
        (FellAsleep, {"order_id": "1", "basis": AT, "silent_for": 10**15}, "silent_for: 10+ is no whole number"),
        (FellAsleep, {"order_id": "1", "basis": AT, "silent_for": -1}, "silent_for: -1 is no whole number"),
        (ActivityFell, {"order_id": "1", "status": "bored"}, "status: 'bored' is unknown; use one of orders_fell, "),
        (Answered, {"question": "weather", "value": "fine"}, "question: 'weather' is unknown; use one of away"),
        (Answered, {"question": "service", "value": "6"}, "value: '6' is unknown; use one of 5, 4, 3, 2, 1"),
        (ReturnRiskFound, {"order_id": "1", "fit": "tight"}, "fit: 'tight' is unknown"),
        (OfferDecided, {"journey": "j", "about": "o", "offer": "ten"}, "expires_at: missing; an offer that never ends"),
        (OfferDecided, {"journey": "j", "about": "o", "eligible": "ten"}, "eligible: 'ten': give a list of words"),
    ],
)
def test_facts_that_cannot_be(cls, fields, match):
    """Each wrong value is named with its field and a remedy."""
    with pytest.raises(InvalidInput, match=match):
        cls(**{**FACT, **fields})


@pytest.mark.parametrize(
    "row, reason",
    [
        ("{", "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\xff", "no JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        ("[]", "fact: a list is no JSON object; give what to_json wrote"),
        (None, "fact: a NoneType is no JSON object; give what to_json wrote"),
        ("[" * 100_000, "nested too deep"),
        (
            {"format": 1, "kind": "order eve@example.org"},
            "kind: 'order (address) is unknown; use one of order, delivery",
        ),
        ({"format": 1, "kind": "x" * 9_999}, f"kind: '{'x' * 193}"),
    ],
)
def test_rows_that_are_no_facts_are_told_apart(row, reason):
    """One result for each row, in order: facts stay facts, the others say what is wrong, without an address."""
    good = Visited(**FACT)
    first, second, third = facts.read([facts.to_json(good), row, json.dumps(facts.to_json(good))])
    assert (first, third, second.index) == (good, good, 1)
    assert second.reason.startswith(reason)
    assert len(second.reason) <= 200


def test_an_order_sums_its_lines():
    """Without a total, an order is worth its lines; with one, the shop knows better."""
    cups = [Line(product_id=7, quantity=3, price="1.10"), {"product_id": "8", "price": 2}]
    order = OrderPlaced(**FACT, currency="EUR", lines=cups)
    assert order.total == Decimal("5.30")
    assert [line.product_id for line in order.lines] == ["7", "8"]
    assert OrderPlaced(**FACT, currency="EUR", lines=cups, total="5").total == 5
    assert OrderPlaced(**FACT, currency="EUR").total == 0


def test_what_facts_are_about():
    """Facts of one order, return, letter, topic or cancellation share a key; consent says whether it was given."""
    assert OrderPlaced(**FACT, currency="EUR").key == "1"
    assert DeliveryChanged(**FACT, order_id=5, status="shipped").key == "5"
    assert ReturnChanged(**FACT, return_id="r", status="refunded", refund="5", currency="EUR").key == "r"
    assert ServiceCancellationChanged(**FACT, cancellation_id="c", status="ended").key == "c"
    assert EmailReported(**FACT, message_key="k", status="opened").key == "k"
    assert PreferenceStated(**FACT, topic="size/shoes", value="41").key == "size/shoes"
    assert FellAsleep(**FACT, order_id="o", basis=AT).key == "o"
    assert ActivityFell(**FACT, order_id="o", status="visits_fell").key == "o"
    assert ReturnRiskFound(**FACT, order_id="o").key == "o"
    answer = Answered(**FACT, question="reason", value="OF_OUR_OWN", about="r")
    assert (answer.key, answer.status, Answered(**FACT, question="away", value="price").key) == ("r", "reason", "1")
    none = OfferDecided(**FACT, journey="j", about="o")
    some = OfferDecided(**FACT, journey="j", about="o", offer="ten", expires_at=AT)
    assert (none.key, none.status, some.status) == ("o", "none", "granted")
    assert OfferRedeemed(**FACT, about="o").key == "o"
    given, withdrawn = (ConsentChanged(**FACT, granted=granted) for granted in (True, False))
    assert (given.key, given.status, withdrawn.status) == ("email/marketing", "granted", "withdrawn")
    assert Visited(**FACT).status == ""


def test_times_are_kept_in_utc():
    """A fact reported in a shop's own zone is the same fact."""
    east = AT.astimezone(tz=datetime.strptime("+0900", "%z").tzinfo)
    assert Visited(**{**FACT, "at": east}) == Visited(**FACT)
    assert Visited(**{**FACT, "at": east}).at.utcoffset() == timedelta(0)
