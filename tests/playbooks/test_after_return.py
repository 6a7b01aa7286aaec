"""After a return: what is new, how it was, and a second coupon for who left the first."""

from __future__ import annotations

import json

import pytest

from retention.journey import AfterExit, Delay, definition
from retention.playbooks import after_return, product_return, win_back


@pytest.mark.parametrize("status", ["refunded", "exchanged"])
def test_a_good_end_starts_it(story, status) -> None:
    """A refund or an exchange, whatever came before it; what is new after two weeks."""
    one = story(after_return())
    one.knows(one.returned("requested", -5), one.returned("received", -1), one.returned(status, 0)).over()
    assert one.sent() == {"new_collection": 14}
    assert one.why("second_coupon") == ["condition"]


@pytest.mark.parametrize("status", ["requested", "rejected", "expired"])
def test_nothing_else_does(story, status) -> None:
    """No loyalty letters to somebody whose return is open, or was turned down."""
    one = story(after_return())
    assert one.knows(one.returned(status, 0)).over().file.ledger == ()


def test_the_survey_only_where_nobody_else_asks(story) -> None:
    """Not by default, as the thanks ask; nor of somebody who has answered."""
    one = story(after_return(survey=Delay(days=5)))
    assert one.knows(one.refunded(0)).over().sent() == {"survey": 5, "new_collection": 14}
    answered = story(after_return(survey=Delay(days=5)))
    answered.knows(answered.refunded(0), answered.answered("service", "5", 2)).over()
    assert answered.why("survey") == ["condition"]


def test_a_second_coupon_if_the_first_was_left(story) -> None:
    """Granted by the chain of the return and not used: the engine is asked once more; if it grants none, no letter."""
    one = story(after_return(), grants=True)
    one.knows(one.refunded(0), one.granted("product_return", "r1", 7)).tick(30)
    assert one.wants == (("after_return", "r1"),)
    one.knows(one.granted("after_return", "r1", 30, "ten")).over()
    assert [(row.step, row.offer) for row in one.rows()] == [("new_collection", ""), ("second_coupon", "ten")]
    dry = story(after_return(), grants=True)
    dry.knows(dry.refunded(0), dry.granted("product_return", "r1", 7), dry.granted("after_return", "r1", 9, "")).over()
    assert dry.why("second_coupon") == ["no_offer"]


def test_no_second_coupon_after_the_first_was_used(story) -> None:
    """Nor for somebody to whom none was granted: the guardrails had their reasons."""
    used = story(after_return(), grants=True)
    used.knows(used.refunded(0), used.granted("product_return", "r1", 7), used.redeemed("product_return", "r1", 9))
    assert used.over().why("second_coupon") == ["condition"]
    none = story(after_return(), grants=True)
    none.knows(none.refunded(0), none.granted("product_return", "r1", 7, "")).over()
    assert none.why("second_coupon") == ["condition"]


def test_an_order_is_answer_enough(story) -> None:
    """Who bought since needs neither news nor coupon; the survey stays."""
    one = story(after_return(survey=Delay(days=5)))
    one.knows(one.refunded(0), one.order(1)).over()
    assert set(one.sent()) == {"survey"}
    assert one.why("new_collection") == one.why("second_coupon") == ["cancelled"]


def test_who_sends_much_back_gets_no_more_letters(story) -> None:
    """One run at a time, and a cool-down after it."""
    one = story(after_return())
    one.knows(one.refunded(0), one.refunded(3, name="r2")).tick(4)
    assert one.refused() == ["already_inside"]
    one.tick(40).knows(one.refunded(41, name="r3")).tick(41)
    assert one.refused() == ["already_inside", "cooling_down"]


def test_not_inside_a_win_back(story) -> None:
    """Two campaigns do not talk at once; the chain of the return itself is no campaign."""
    one = story(after_return(), win_back(while_returning=True))
    one.knows(one.asleep()).tick(1).knows(one.refunded(2)).tick(2)
    assert one.refused() == ["inside_another"]
    chain = story(after_return(), product_return())
    chain.knows(chain.returned("requested", 0)).tick(0).knows(chain.refunded(1)).over()
    assert "new_collection" in chain.sent()


def test_promotion_waits_while_a_defect_is_open(story) -> None:
    """What is new waits for the other return's end."""
    one = story(after_return())
    one.knows(one.refunded(0)).tick(13).knows(one.returned("requested", 13, name="r2", reason="DAMAGED")).tick(15)
    assert [row.reason for row in one.rows("defer")] == ["open_defect_return"]


def test_every_number_is_a_parameter() -> None:
    """What is given is what the journey holds."""
    journey = after_return(
        version=2,
        control=0,
        new_after=Delay(days=9),
        second_after=None,
        hour=9,
        weekday=1,
        valid_for=Delay(days=1),
        accept_for=Delay(days=2),
        lasts=Delay(days=20),
        cool_down=Delay(days=90),
        window=Delay(days=60),
        unless_inside=(),
        priority=7,
        topic="news",
    )
    (new,) = journey.steps
    assert (new.moment.delay, new.hour, new.weekday, new.valid_for) == (Delay(days=9), 9, 1, Delay(days=1))
    assert journey.reentry == AfterExit(Delay(days=90))
    assert (journey.accept_for, journey.lasts, journey.window) == (Delay(days=2), Delay(days=20), Delay(days=60))
    assert (journey.unless_inside, journey.priority, journey.topic) == ((), 7, "news")


def test_it_is_stored_and_read_back() -> None:
    """The journey survives JSON."""
    journey = after_return(survey=Delay(days=5))
    assert definition.from_json(json.loads(json.dumps(definition.to_json(journey)))) == journey
