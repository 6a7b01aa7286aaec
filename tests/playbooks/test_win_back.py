"""Win-back is data: letters, an offer, a control, an exit; every number can be changed."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from retention.errors import InvalidJourney
from retention.facts import EmailReported, Visited
from retention.journey import definition
from retention.journey.conditions import Exists
from retention.journey.definition import GRANTED, After, AfterExit, Delay, Exit, Facts, Variant
from retention.playbooks import product_return, win_back


def test_three_letters_and_an_end() -> None:
    """The first at once, the others only if that was written; an order ends it."""
    journey = win_back()
    first, second, third = journey.steps
    assert journey.trigger == Facts("asleep")
    assert (first.moment, second.moment) == (After(), After("miss_you", Delay(days=7), "drop"))
    assert third.moment == After("miss_you", Delay(days=14), "drop")
    assert journey.exits == (Exit("ordered", Exists("order", since="basis")),)
    assert journey.promotional


def test_two_letters_a_week_apart() -> None:
    """Without an offer the reminder follows after the wait, and speaks of none."""
    first, second = win_back(offer=None).steps
    assert (first.moment, second.moment) == (After(), After("miss_you", Delay(days=7), "drop"))
    assert (second.id, second.offer) == ("reminder", "")


def test_the_defaults() -> None:
    """A tenth is the control; a customer enters again sixty days after a run."""
    journey = win_back()
    assert dict(journey.arms) == {"control": 0.1, "letters": 0.9}
    assert journey.reentry == AfterExit(Delay(days=60))
    assert (journey.accept_for, journey.window) == (Delay(days=7), Delay(days=28))


def test_every_number_is_a_parameter() -> None:
    """What is given is what the journey holds."""
    journey = win_back(
        version=3,
        control=0.25,
        wait=Delay(days=10),
        remind_after=Delay(days=20),
        offer="ten",
        without_offer="send",
        hour=18,
        weekday=3,
        valid_for=Delay(days=1),
        accept_for=Delay(days=2),
        lasts=Delay(days=40),
        cool_down=Delay(months=6),
        window=Delay(days=14),
        unless_inside=(),
        priority=5,
        topic="news",
    )
    assert (journey.version, journey.priority, journey.topic) == (3, 5, "news")
    assert dict(journey.arms) == {"control": 0.25, "letters": 0.75}
    assert [(step.hour, step.weekday, step.valid_for) for step in journey.steps] == [(18, 3, Delay(days=1))] * 3
    assert [step.moment.delay for step in journey.steps] == [Delay(), Delay(days=10), Delay(days=20)]
    assert [step.offer for step in journey.steps] == ["", "ten", "ten"]
    assert journey.steps[1].without_offer == "send"
    assert (journey.accept_for, journey.lasts, journey.window) == (Delay(days=2), Delay(days=40), Delay(days=14))
    assert journey.reentry == AfterExit(Delay(months=6))
    assert journey.unless_inside == ()


def test_without_control() -> None:
    """A shop may do without a control; then everybody gets letters."""
    assert dict(win_back(control=0).arms) == {"letters": 1.0}


@pytest.mark.parametrize("control", [-0.1, 1, 1.5, float("nan")])
def test_a_control_that_is_no_share(control: float) -> None:
    """A share below 0 or that leaves nobody to write to is refused."""
    with pytest.raises(InvalidJourney, match="arms"):
        win_back(control=control)


def test_arms_vary_tone_subject_delay_and_time() -> None:
    """Every arm is a way to write; the step as the arm gets it has what it changes."""
    evening = {"miss_you": Variant(hour=19, weekday=3), "offer": Variant(delay=Delay(days=3), subject="subject_b")}
    journey = win_back(arms={"plain": {}, "evening": evening}, control=0.2)
    assert dict(journey.arms) == {"control": 0.2, "plain": 0.4, "evening": 0.4}
    first, second, _ = (step.for_arm("evening") for step in journey.steps)
    assert (first.hour, first.weekday, second.moment.delay, second.subject) == (19, 3, Delay(days=3), "subject_b")
    assert journey.steps[0].for_arm("plain") == journey.steps[0]


def test_it_is_stored_and_read_back() -> None:
    """The journey survives JSON, its arms and conditions with it."""
    for journey in (win_back(), win_back(offer=None, arms={"a": {"reminder": Variant(hour=9)}}, most_active=0.25)):
        assert definition.from_json(json.loads(json.dumps(definition.to_json(journey)))) == journey


def test_the_letters_in_their_time(story) -> None:
    """At once, after a week with the granted offer, after two weeks with what is left of it."""
    one = story(win_back(), grants=True).knows(story(win_back()).asleep()).tick(8)
    assert one.sent() == {"miss_you": 0}
    assert one.wants == (("win_back", "o1"),)
    one.knows(one.granted("win_back", "o1", 8)).over()
    assert one.sent() == {"miss_you": 0, "offer": 8, "reminder": 14}
    assert [(row.step, row.offer) for row in one.rows()] == [("miss_you", ""), ("offer", "mug"), ("reminder", "mug")]
    assert one.rows("exit")[0].reason == "completed"


def test_no_offer_no_letter_about_it(story) -> None:
    """Whom the engine grants nothing gets no letter about an offer, and still the reminder, once."""
    one = story(win_back(), grants=True)
    one.knows(one.asleep(), one.granted("win_back", "o1", 1, offer="")).over()
    assert one.sent() == {"miss_you": 0, "reminder": 14}
    assert one.why("offer") == ["no_offer"]


def test_a_shop_may_send_it_without_one(story) -> None:
    """`without_offer="send"`: the letter is sent all the same."""
    one = story(win_back(without_offer="send"))
    assert one.knows(one.asleep()).over().sent() == {"miss_you": 0, "offer": 7, "reminder": 14}


def test_a_coupon_that_is_over_is_not_reminded_of(story) -> None:
    """The reminder names no offer that nobody can use any more."""
    one = story(win_back(), grants=True)
    one.knows(one.asleep(), one.granted("win_back", "o1", -1)).over()
    assert [row.offer for row in one.rows()] == ["", "mug", ""]


def test_an_order_ends_it(story) -> None:
    """Nothing is sent to somebody who has bought."""
    one = story(win_back())
    one.knows(one.asleep()).tick(1).knows(one.order(2)).over()
    assert one.sent() == {"miss_you": 0}
    assert one.why("offer") == one.why("reminder") == ["ordered"]


@pytest.mark.parametrize("kind", ["visit", "click"])
def test_who_looks_around_is_asked_softly(story, kind) -> None:
    """A visit or click since the last order: still looking? One before it does not count."""
    for days, template in ((-5, "win_back/still_looking"), (-70, "win_back/miss_you")):
        one = story(win_back())
        at = one.day(days)
        seen = {
            "visit": Visited(id="v", customer_id="1", at=at),
            "click": EmailReported(id="v", customer_id="1", at=at, message_key="m", status="clicked"),
        }[kind]
        assert one.knows(one.asleep(), seen).tick(0).templates() == [template]


def test_the_score_decides_where_it_is_known(story) -> None:
    """Who will probably order anyway is left alone; an unknown score, or none asked for, keeps nobody out."""
    for most, p_active, refused in ((0.5, 0.5, True), (0.5, 0.49, False), (0.5, None, False), (None, 0.9, False)):
        one = story(win_back(most_active=most))
        one.knows(one.asleep(p_active=p_active)).tick(0)
        assert one.refused() == ["condition"] * refused


def test_not_while_something_goes_back(story) -> None:
    """An open return keeps out; an ended one does not, and a shop may write all the same."""
    one = story(win_back())
    assert one.knows(one.asleep(), one.returned("requested", -1)).tick(0).refused() == ["condition"]
    done = story(win_back())
    assert done.knows(done.asleep(), done.returned("rejected", -1)).tick(0).sent() == {"miss_you": 0}
    bold = story(win_back(while_returning=True, most_active=None))
    assert win_back(while_returning=True, most_active=None).when is None
    assert bold.knows(bold.asleep(), bold.returned("requested", -1)).tick(0).sent() == {"miss_you": 0}


def test_not_inside_a_return_chain(story) -> None:
    """While the letters about a return are not over, nobody enters, though the return itself is."""
    one = story(win_back(), product_return())
    one.knows(one.returned("requested", 0), one.refunded(1)).tick(2)
    assert one.knows(one.asleep(2)).tick(2).refused() == ["inside_another"]
    assert "miss_you" not in one.over().sent()


def test_the_control_is_recorded_not_written_to(story) -> None:
    """Every letter of the control is withheld, offers are asked for nobody."""
    one = story(win_back(), arm="control", grants=True)
    one.knows(one.asleep()).over()
    assert [row.reason for row in one.rows("withhold")] == ["control"] * 3
    assert (one.sent(), one.wants) == ({}, ())


@pytest.mark.parametrize("known, reason", [(False, "no_consent"), (True, "no_address")])
def test_nobody_who_cannot_be_written_to(story, known, reason) -> None:
    """No consent, or no address: refused with that reason."""
    one = story(win_back(), known=known)
    if known:
        one.file = evolve(one.file, facts=tuple(fact for fact in one.file.facts if fact.kind == "consent"))
    assert one.knows(one.asleep()).tick(0).refused() == [reason]


def test_the_offer_waits_for_the_engine() -> None:
    """By default the engine chooses the offer."""
    assert [step.offer for step in win_back().steps] == ["", GRANTED, GRANTED]
