"""Prevention: help where a return is likely and worth preventing, and nothing once something goes back."""

from __future__ import annotations

import json

import pytest

from retention.journey import Delay, definition
from retention.playbooks import post_purchase


def test_help_where_it_is_worth_a_letter(story) -> None:
    """Care at once, the question after three days, size advice before the next order where a fit is known."""
    one = story(post_purchase())
    one.knows(one.delivered(), one.risk(fit="small")).over()
    assert one.sent() == {"care": 0, "feedback": 3, "size_advice": 14}
    assert one.templates()[1] == "post_purchase/feedback"
    assert one.why("exchange") == ["lapsed"]


def test_no_finding_no_letter(story) -> None:
    """A delivery of which nothing was found starts nothing; a finding that is worth nothing is refused."""
    one = story(post_purchase())
    one.knows(one.delivered()).over()
    assert one.file.ledger == ()
    poor = story(post_purchase())
    assert poor.knows(poor.risk(worth="0")).over().refused() == ["condition"]


def test_a_shop_that_wants_it_for_every_delivery(story) -> None:
    """`always`: the delivery starts it; size advice still needs a known fit."""
    one = story(post_purchase(always=True))
    one.knows(one.delivered()).over()
    assert one.sent() == {"care": 0, "feedback": 3}
    assert one.why("size_advice") == ["condition"]


def test_an_exchange_where_the_risk_is_high(story) -> None:
    """Instead of the question."""
    one = story(post_purchase())
    one.knows(one.risk(risk=0.5)).over()
    assert one.templates() == ["post_purchase/care", "post_purchase/exchange"]


@pytest.mark.parametrize("value, helped", [("size", True), ("color", True), ("fine", False), ("defect", False)])
def test_an_exchange_when_the_answer_says_so(story, value, helped) -> None:
    """Size or colour: at once, once, without consent for promotion, as it answers a question."""
    one = story(post_purchase())
    one.knows(one.risk()).tick(3).knows(one.answered("product", value, 4, about="o1")).tick(4)
    one.knows(one.answered("product", "size" if helped else value, 5, about="o1")).over()
    assert ("exchange" in one.sent()) == helped
    assert [row.promotional for row in one.rows() if row.step == "exchange"] == [False] * helped
    assert one.sent().get("exchange", 4) == 4


def test_an_answer_that_changed(story) -> None:
    """First fine, later the size: the exchange is offered then."""
    one = story(post_purchase())
    one.knows(one.risk(), one.answered("product", "fine", 4, about="o1")).tick(5)
    assert one.knows(one.answered("product", "size", 5, about="o1")).over().sent()["exchange"] == 5


def test_a_return_of_that_order_ends_it(story) -> None:
    """Known before: not let in. Opened later: nothing more. Of another order: it goes on. Of no order: better not."""
    before = story(post_purchase())
    assert before.knows(before.returned("requested", -1), before.risk()).over().refused() == ["sent_back"]
    later = story(post_purchase())
    later.knows(later.risk()).tick(1).knows(later.returned("requested", 1)).over()
    assert (later.sent(), later.why("feedback")) == ({"care": 0}, ["sent_back"])
    other = story(post_purchase())
    other.knows(other.risk()).tick(1).knows(other.returned("requested", 1, order_id="o2")).over()
    assert "feedback" in other.sent()
    unknown = story(post_purchase())
    unknown.knows(unknown.risk(), unknown.returned("requested", -5, order_id="")).tick(1)
    assert "care" in unknown.sent()
    unknown.knows(unknown.returned("requested", 1, name="r2", order_id="")).over()
    assert unknown.why("feedback") == ["sent_back"]


def test_a_run_for_each_order(story) -> None:
    """Two orders, two runs."""
    one = story(post_purchase())
    one.knows(one.risk(), one.risk(1, order="o2")).over()
    assert [(row.entry_key, row.step) for row in one.rows()] == [
        ("o1", "care"),
        ("o2", "care"),
        ("o1", "feedback"),
        ("o2", "feedback"),
    ]


def test_promotional_or_not(story) -> None:
    """By default the control gets none and consent is needed; a shop that has other advice says so."""
    control = story(post_purchase(), arm="control")
    control.knows(control.risk()).over()
    assert {row.step for row in control.rows("withhold")} == {"care", "feedback"}
    plain = story(post_purchase(promotional=False), arm="control")
    assert set(plain.knows(plain.risk()).over().sent()) == {"care", "feedback"}


def test_every_number_is_a_parameter() -> None:
    """What is given is what the journey holds."""
    journey = post_purchase(
        version=2,
        control=0.5,
        ask_after=Delay(days=2),
        high_risk=0.7,
        exchange_after=Delay(hours=1),
        advise_after=None,
        owned=["care"],
        owner="care app",
        hour=10,
        valid_for=Delay(days=1),
        accept_for=Delay(days=2),
        lasts=Delay(days=20),
        window=Delay(days=60),
        unless_inside=("win_back",),
        priority=7,
        topic="care",
    )
    care, feedback, exchange = journey.steps
    assert (care.owner, care.hour, exchange.hour) == ("care app", 10, None)
    assert (feedback.moment.delay, feedback.choose[0].when.value) == (Delay(days=2), 0.7)
    assert exchange.moment.delay == Delay(hours=1)
    assert {step.valid_for for step in journey.steps} == {Delay(days=1)}
    assert (journey.accept_for, journey.lasts, journey.window) == (Delay(days=2), Delay(days=20), Delay(days=60))
    assert (journey.unless_inside, journey.priority, journey.topic) == (("win_back",), 7, "care")


@pytest.mark.parametrize("always", [False, True])
def test_it_is_stored_and_read_back(always) -> None:
    """The journey survives JSON."""
    journey = post_purchase(always=always)
    assert definition.from_json(json.loads(json.dumps(definition.to_json(journey)))) == journey
