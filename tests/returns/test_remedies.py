"""Every guard of the remedies as a property: whatever the situation, these things are never done."""

from __future__ import annotations

from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.returns import KINDS, OwnReason, Reason, Situation, remedies

MONEY = st.decimals(0, 500, places=2)
SITUATIONS = st.builds(
    Situation,
    price=MONEY, resale=MONEY, shipping=MONEY, handling=MONEY, abuse=MONEY, found_for=st.none() | MONEY,
    bonus=st.decimals(0, 1, places=2), in_stock=st.booleans(), other_sizes=st.booleans(), other_variants=st.booleans(),
    other_models=st.booleans(), asked=st.integers(0, 9), sent_back=st.integers(0, 30),
)  # fmt: skip
OWN = st.builds(
    OwnReason, value=st.just("OWN"), group=st.sampled_from(["SIZE", "DEFECT", "MIND", "DELIVERY", "OTHER"]),
    fault=st.sampled_from(["seller", "buyer"]), en=st.just("a"), ru=st.just("b"),
)  # fmt: skip
REASONS = st.sampled_from(Reason) | OWN
CREDITS = ("store_credit", "apology_credit", "price_match")


def kinds(reason, **situation):
    given = {"price": "60", "resale": "50", "shipping": "4", "handling": "3"} | situation
    return [remedy.kind for remedy in remedies(reason, Situation(**given))]


@given(REASONS, SITUATIONS)
def test_the_refund_is_always_there_and_whole(reason, situation):
    """Guard: no remedy hides or lowers the money back; each kind comes once, with words and a cost of its own."""
    found = remedies(reason, situation)
    refund = [remedy for remedy in found if remedy.kind == "refund"]
    assert [remedy.amount for remedy in refund] == [situation.price]
    assert len({remedy.kind for remedy in found}) == len(found)
    assert {remedy.kind for remedy in found} <= set(KINDS)
    assert all(remedy.why for remedy in found)


@given(REASONS.filter(lambda reason: reason.group == "DEFECT"), SITUATIONS)
def test_a_defect_is_never_answered_with_a_coupon(reason, situation):
    """Guard: where the goods are at fault there is a replacement, another product or the money; no credit at all."""
    assert not {remedy.kind for remedy in remedies(reason, situation)} & set(CREDITS)


@given(REASONS, SITUATIONS, st.integers(1, 5))
def test_asking_again_never_raises_an_offer(reason, situation, times):
    """Guard: whoever asks once more gets no more of anything."""
    first = {remedy.kind: remedy.amount for remedy in remedies(reason, situation)}
    for remedy in remedies(reason, evolve(situation, asked=situation.asked + times)):
        assert remedy.amount <= first[remedy.kind]


@given(REASONS, SITUATIONS, st.integers(1, 5))
def test_a_repeat_returner_never_gets_a_larger_bonus(reason, situation, more):
    """Guard: the more somebody has sent back, the smaller the bonus; the first return costs nothing."""
    assert evolve(situation, sent_back=situation.sent_back + more).extra <= situation.extra
    assert evolve(situation, sent_back=0).extra == evolve(situation, sent_back=1).extra
    first = {remedy.kind: remedy.amount for remedy in remedies(reason, situation)}
    for remedy in remedies(reason, evolve(situation, sent_back=situation.sent_back + more)):
        assert remedy.amount <= first[remedy.kind]


@given(REASONS, SITUATIONS)
def test_it_is_kept_only_where_that_is_cheaper(reason, situation):
    """Guard: keeping the thing is offered exactly where it costs less than the refund, and before the refund."""
    found = {remedy.kind: remedy for remedy in remedies(reason, situation)}
    cheaper = situation.resale < situation.shipping + situation.handling - situation.abuse
    assert ("keep_it" in found) == cheaper
    if cheaper:
        order = list(found)
        assert found["keep_it"].cost < found["refund"].cost
        assert order.index("keep_it") == order.index("refund") - 1


@given(REASONS.filter(lambda reason: reason.fault == "seller"), SITUATIONS)
def test_who_is_at_fault_pays_the_shipping(reason, situation):
    """Nobody pays for sending back what the shop got wrong; a refund after a change of mind may cost postage."""
    assert all(remedy.free for remedy in remedies(reason, situation))
    assert not remedies(Reason.CHANGED_MIND, situation)[-1].free


def test_each_reason_has_its_remedy_first():
    """The first proposal of each reason, as published practice has it; without stock the next best."""
    first = {reason: kinds(reason, found_for="55")[0] for reason in Reason}
    assert first == {
        Reason.SIZE_TOO_SMALL: "exchange",
        Reason.SIZE_TOO_LARGE: "exchange",
        Reason.FIT_OTHER: "other_model",
        Reason.DEFECTIVE: "replacement",
        Reason.DAMAGED: "replacement",
        Reason.WRONG_ITEM: "replacement",
        Reason.QUALITY: "refund",
        Reason.NOT_AS_DESCRIBED: "refund",
        Reason.STYLE: "other_variant",
        Reason.CHANGED_MIND: "store_credit",
        Reason.PRICE: "price_match",
        Reason.DELIVERY: "apology_credit",
        Reason.OTHER: "ask",
    }
    assert kinds(Reason.SIZE_TOO_LARGE, other_sizes=False) == ["other_model", "refund"]
    assert kinds(Reason.FIT_OTHER) == ["other_model", "exchange", "refund"]
    assert kinds(Reason.DEFECTIVE, in_stock=False) == ["refund"]
    assert kinds(Reason.STYLE, other_variants=False, other_models=False) == ["store_credit", "refund"]
    assert kinds(Reason.PRICE, found_for="70", bonus="0") == ["refund"]
    assert kinds(Reason.DAMAGED, price="6", resale="0") == ["replacement", "keep_it", "refund"]


def test_costs_are_those_of_the_arithmetic():
    """A refund costs price, less what the thing brings, and its way back; a credit its bonus on top."""
    costs = {
        r.kind: r.cost
        for r in remedies(Reason.CHANGED_MIND, Situation(price="60", resale="50", shipping="4", handling="3"))
    }
    assert costs == {"store_credit": Decimal("23.00"), "refund": Decimal(17)}


def test_bad_money_is_refused():
    """Negative and inexact amounts, and a bonus beyond the price, in one line."""
    for name, value in (("price", "-1"), ("resale", 0.5), ("shipping", "x")):
        with pytest.raises(InvalidInput, match=f"^{name}: "):
            Situation(**{"price": "1"} | {name: value})
    with pytest.raises(InvalidInput, match=r"^bonus: 1\.5 is more than the price; give a share such as 0\.10$"):
        Situation(price="1", bonus="1.5")
