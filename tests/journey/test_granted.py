"""Letters that wait for an offer which somebody else grants, and what may keep a run or a letter from being."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from retention import facts as f
from retention.journey import (
    CONTROL,
    GRANTED,
    After,
    Before,
    Book,
    Cancel,
    Choice,
    ContactPolicy,
    CustomerFile,
    Delay,
    Exists,
    Facts,
    Journey,
    Step,
    Variant,
    digest,
    needs,
    plan,
    recheck,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FREE = ContactPolicy(quiet_hours=None, caps=(), holds=())
WHO = {"customer_id": "1", "at": NOW}


def journey(*steps: Step, **more: object) -> Journey:
    return Journey(name="j", trigger=Facts("asleep"), steps=steps, **more)


def step(**more: object) -> Step:
    return Step(**{"id": "gift", "moment": After(), "template": "t", "offer": GRANTED} | more)


def file(*facts: f.Fact, arm: str = "letters") -> CustomerFile:
    known = (
        f.ProfileChanged(id="p", customer_id="1", at=NOW - timedelta(days=90), email="a@example.org"),
        f.ConsentChanged(id="c", customer_id="1", at=NOW - timedelta(days=90), granted=True),
        f.FellAsleep(id="o1", customer_id="1", at=NOW - timedelta(hours=1), order_id="o1", basis=NOW),
    )
    return CustomerFile(customer_id="1", facts=known + facts, arms={"j": (arm, 1.0)})


def granted(offer: str = "ten", **more: object) -> f.OfferDecided:
    ends = NOW + timedelta(days=7) if offer else None
    given = {"id": "j/o1", "journey": "j", "about": "o1", "offer": offer, "expires_at": ends}
    return f.OfferDecided(**WHO | given | more)


def book(*journeys: Journey, grants: bool = True) -> Book:
    return Book.of(journeys or [journey(step())], policy=FREE, grants=grants)


def words(found: object) -> list[str]:
    return [" ".join(filter(None, (r.kind, r.step, r.offer, r.reason))) for r in found.decisions]


def test_a_letter_asks_for_its_offer_and_waits():
    """Nothing is decided about it; the plan says who waits, and asks again in an hour if nobody answers."""
    found = plan(book(), file(), NOW)
    assert (words(found), found.wants) == (["enter"], (("j", "o1"),))
    assert found.wake_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "decided, without, row",
    [
        pytest.param(granted(), "send", "send gift ten", id="granted"),
        pytest.param(granted(""), "send", "send gift", id="none, and it says so much without"),
        pytest.param(granted(""), "skip", "skip gift @granted no_offer", id="none, and nothing to say"),
        pytest.param(granted(expires_at=NOW), "skip", "skip gift @granted no_offer", id="over"),
        pytest.param(granted(expires_at=NOW), "send", "send gift", id="over, sent without"),
    ],
)
def test_the_answer_decides(decided: f.OfferDecided, without: str, row: str):
    """With an offer it is sent with that; without one, as the step wants."""
    one = journey(step(without_offer=without))
    assert words(plan(book(one), file(decided), NOW)) == ["enter", row, "exit completed"]


def test_a_used_offer_is_no_offer():
    """Redeemed before the letter was ready: nothing is promised twice."""
    used = f.OfferRedeemed(id="j/o1", about="o1", **WHO)
    assert words(plan(book(), file(granted(), used), NOW))[1] == "send gift"


def test_nobody_grants():
    """A book whose engine grants nothing does not wait for ever."""
    found = plan(book(grants=False), file(), NOW)
    assert (words(found)[1], found.wants) == ("send gift", ())
    assert book(grants=False).fingerprint != book().fingerprint


def test_the_control_group_costs_no_budget():
    """What is withheld asks for nothing."""
    one = journey(step(), arms={CONTROL: 0.5, "letters": 0.5})
    found = plan(book(one), file(arm=CONTROL), NOW)
    assert (words(found)[1], found.wants) == ("withhold gift @granted control", ())


def test_another_journeys_offer_does_not_count():
    """Two journeys about one order each have an offer of their own."""
    assert plan(book(), file(granted(id="k/o1", journey="k")), NOW).wants == (("j", "o1"),)


def test_branches_and_arms_may_ask():
    """A choice or an arm brings the offer in; a branch without its own has the step's."""
    branch = Choice(Exists("order"), "other", GRANTED)
    bought = f.OrderPlaced(id="o2", currency="EUR", total=1, **WHO)
    one = book(journey(step(offer="", choose=[branch])))
    assert plan(one, file(), NOW).wants == ()
    assert plan(one, file(bought), NOW).wants == (("j", "o1"),)
    arms = book(journey(step(offer="", variants={"letters": Variant(offer=GRANTED)})))
    assert plan(arms, file(), NOW).wants == (("j", "o1"),)
    assert {"offer", "redemption"} <= needs(arms).kinds
    assert not needs(book(journey(step(offer="fixed")))).kinds & {"offer", "redemption"}


def test_a_letter_does_not_leave_with_an_offer_that_is_over():
    """Between the plan and the sender the code was used, or its time ran out."""
    known = file(granted())
    found = plan(book(), known, NOW)
    entered = evolve(known, entries=found.entries, ledger=found.decisions[:2])
    row = found.decisions[1]
    assert recheck(book(), entered, row, NOW) is None
    used = evolve(entered, facts=(*entered.facts, f.OfferRedeemed(id="j/o1", about="o1", **WHO)))
    assert recheck(book(), used, row, NOW) == Cancel("no_offer")
    assert recheck(book(), entered, evolve(row, valid_until=None), NOW + timedelta(days=8)) == Cancel("no_offer")


def test_a_reminder_before_the_offer_ends():
    """A step can count back from the end of the granted offer."""
    last = Before(Facts("offer", "granted"), "expires_at", Delay(days=2))
    one = book(journey(step(), step(id="last", moment=last)))
    known = file(granted())
    found = plan(one, known, NOW)
    later = evolve(known, entries=found.entries, ledger=found.decisions)
    assert found.wake_at == NOW + timedelta(days=5)
    assert words(plan(one, later, NOW + timedelta(days=5)))[0] == "send last ten"


def test_the_digest_keeps_offers():
    """A file without what nobody reads plans the same with offers in it."""
    visits = [f.Visited(id=n, customer_id="1", at=NOW - timedelta(days=n)) for n in range(1, 9)]
    for more in ((), (granted(),), (granted(), f.OfferRedeemed(id="j/o1", about="o1", **WHO)), (granted(""),)):
        known = file(*visits, granted(id="k/o1", journey="k"), *more)
        short = digest(book(), known, NOW)
        assert len(short.facts) < len(known.facts)
        assert plan(book(), short, NOW) == plan(book(), known, NOW)


def test_letters_of_another_tool_are_accounted_for():
    """A letter that somebody else sends is skipped with that reason."""
    assert words(plan(book(journey(step(owner="returns app"))), file(), NOW))[1] == "skip gift @granted owned"


def test_entries_may_ask_for_more():
    """A condition that does not hold when the trigger is judged refuses the run for good."""
    one = book(journey(step(), when=Exists("visit")))
    assert words(plan(one, file(), NOW)) == ["refuse condition"]
    came = f.Visited(id="v", **WHO)
    assert words(plan(one, file(came), NOW)) == ["enter"]
    assert "visit" in needs(one).kinds


def test_a_run_keeps_others_out():
    """While a customer is inside one journey, another that steps aside for it refuses them."""
    first = Journey(name="a", trigger=Facts("asleep"), steps=[step(offer="", moment=After(delay=Delay(days=2)))])
    second = journey(step(), unless_inside=["a"])
    known = evolve(file(), arms={"a": ("letters", 1.0), "j": ("letters", 1.0)})
    assert words(plan(book(first, second), known, NOW)) == ["enter", "refuse inside_another"]
