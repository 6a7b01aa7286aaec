"""Trouble comes where it was told to, and nowhere else; the engine gets over it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from retention import facts
from retention.engine import Engine
from retention.errors import InvalidInput, StorageUnavailable
from retention.journey import After, ContactPolicy, Facts, Journey, Needs, Step
from retention.messages import Message
from retention.people import Shop
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage
from retention.testing.faults import Clock, failing, losing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
THANKS = """
{% block subject %}Thank you{% endblock %}
{% block preheader %}One line.{% endblock %}
{% block text %}One line.{% endblock %}
{% block html %}<p>One line.</p>{% endblock %}
{% block text_part %}One line. {{ unsubscribe_url }}{% endblock %}
{% block html_part %}<p>One line. {{ unsubscribe_url }}</p>{% endblock %}
"""
SHOP = Shop(
    name="Fault", sender="fault@shop.example", timezone="UTC", currency="EUR", base_url="https://shop.example",
    secret="known to everybody who reads the tests",
)  # fmt: skip


def letter(key: str) -> Message:
    return Message(
        key=key, to="ann@example.com", sender="shop@example.com", sender_name="", subject="Hello", text="Come back",
        html="", at=NOON, unsubscribe_url="https://shop.example/u",
    )  # fmt: skip


# ------------------------------------------------------------- storages


def test_a_call_fails_before_it_does_anything():
    """The second call of any method raises and changes nothing; the third works."""
    storage = failing(MemoryStorage(), at=[2])
    assert storage.remember("a", "1") == "1"
    with pytest.raises(
        StorageUnavailable, match=r"^call 2, remember, fails as told before it did anything; call again$"
    ):
        storage.remember("b", "2")
    assert dict(storage.recall("")) == {"a": "1"}


def test_a_call_fails_after_it_was_applied():
    """Only calls of the method named are counted, and what failed is there all the same."""
    storage = failing(MemoryStorage(), at=range(1, 3), of="remember", applied=True)
    assert dict(storage.recall("")) == {}
    for name in ("a", "b"):
        with pytest.raises(StorageUnavailable, match="after it was applied"):
            storage.remember(name, "1")
    assert storage.remember("c", "1") == "1"
    assert sorted(storage.recall("")) == ["a", "b", "c"]


def test_closing_is_never_told_to_fail():
    """Cleaning up after a test works whatever was ordered; it is no call that counts."""
    storage = failing(MemoryStorage(), at=[1])
    storage.close()
    with pytest.raises(StorageUnavailable, match="call 1, recall"):
        storage.recall("")


def test_a_method_that_no_storage_has():
    """A name that no call has would never fail, so it is refused."""
    with pytest.raises(InvalidInput, match="of: 'erase' is no method of a storage"):
        failing(MemoryStorage(), at=[1], of="erase")


# ------------------------------------------------------------- senders


def test_an_answer_gets_lost():
    """The letter has arrived and the result is unknown; every other call is the sender's own."""
    inner = MemorySender()
    sender = losing(inner, at=[2])
    assert sender.capabilities == inner.capabilities
    told = [[result.status for result in sender.send([letter(key), letter(key + "x")])] for key in "ab"]
    assert told == [["accepted"] * 2, ["unknown"] * 2]
    assert list(inner.messages) == ["a", "ax", "b", "bx"]
    assert [result.status for result in sender.lookup(["b", "c"])] == ["accepted", "transient"]


def test_nothing_was_handed_over():
    """The letter has not arrived and the result is transient."""
    inner = MemorySender()
    sender = losing(inner, at=[1], handed_over=False)
    assert [result.status for result in sender.send([letter("a")])] == ["transient"]
    assert inner.messages == {}
    assert [result.status for result in sender.send([letter("a")])] == ["accepted"]


# ------------------------------------------------------------- clocks


def test_a_clock_jumps_when_it_is_told_to():
    """Before the readings named, forward and back; moving it by hand is no reading."""
    clock = Clock(NOON, jumps={2: timedelta(days=1), 3: timedelta(days=-2)})
    assert [clock() - NOON for _ in range(4)] == [timedelta(days) for days in (0, 1, -1, -1)]
    assert clock.moves(timedelta(hours=1)) == clock() == clock.now == NOON - timedelta(hours=23)


def test_a_clock_begins_with_a_zone():
    """A naive time is refused at the door."""
    with pytest.raises(InvalidInput, match="now: "):
        Clock(datetime(2026, 3, 2))  # noqa: DTZ001 - that is what is refused


# ------------------------------------------------------------- the engine


@pytest.fixture
def thanks(tmp_path):
    """A journey of one letter after an order, and where its template is."""
    for language in ("en", "ru"):
        (tmp_path / language / "fault").mkdir(parents=True)
        (tmp_path / language / "fault" / "thanks.jinja").write_text(THANKS, "utf-8")
    step = Step(id="thanks", moment=After(), template="fault/thanks")
    return Journey(name="thanks", trigger=Facts("order"), steps=[step]), tmp_path


@pytest.mark.parametrize("applied", [False, True])
def test_the_engine_gets_over_any_one_failure(thanks, applied):
    """Whichever call of the storage fails, before or after its work, the letter is sent once and no failure is lost."""
    journey, templates = thanks
    failed = 0
    for number in range(1, 25):
        storage, sender, clock = MemoryStorage(), MemorySender(), Clock(NOON)
        troubled = failing(storage, at=[number], applied=applied)
        for _ in range(5):
            try:
                engine = Engine(
                    troubled, sender, journeys=[journey], templates=templates, clock=clock,
                    policy=ContactPolicy(quiet_hours=None, caps=()), shop=SHOP,
                )  # fmt: skip
                engine.record(ordered())
                engine.run()
            except StorageUnavailable:
                failed += 1
            clock.moves(timedelta(minutes=30))
        (outcome,) = storage.load(["ann"], Needs())[0].outcomes
        assert (outcome.status, list(sender.messages)) == ("sent", [outcome.message_key]), number
    assert failed > 9


def ordered() -> list[facts.Fact]:
    about = {"customer_id": "ann", "at": NOON - timedelta(hours=1)}
    return [
        facts.ProfileChanged(id="p", email="ann@example.org", **about),
        facts.ConsentChanged(id="c", granted=True, **about),
        facts.OrderPlaced(id="o", total="30", currency="EUR", **about),
    ]
