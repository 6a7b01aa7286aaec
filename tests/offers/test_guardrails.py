"""The ten rules: what each refuses, and that nothing that was let through breaks any."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.offers import Offer, fairness, guardrails
from retention.offers.guardrails import (
    CoolDown,
    DiscountShare,
    EqualPrice,
    MarginFloor,
    NoEscalation,
    NonPriceFirst,
    NoSerialReturners,
    OneOfGroup,
    OnePerWindow,
    UniqueCodes,
    WithinBudget,
    WorthIt,
    review,
)
from retention.offers.plans import STATES, Past, Plan, reserved
from retention.reasons import Reason

OFFERS = (
    Offer(id="ten", kind="discount", amount="0.10", group="coupon"),
    Offer(id="twenty", kind="discount", amount="0.20", group="coupon"),
    Offer(id="five", kind="fixed_amount", amount=5, group="coupon"),
    Offer(id="mug", kind="gift", amount=9, cost=3, group="present"),
    Offer(id="swap", kind="free_exchange", amount=4),
)
SALE = (Offer(id="sale", kind="discount", amount="0.05"), Offer(id="shipping", kind="free_shipping", amount=4))
K = len(OFFERS)
customers = st.sampled_from(["a", "b", "c", "d"])
columns = st.integers(0, K - 1)
code_words = st.sampled_from(["", "A", "B", "C"])


def plan_of(rows: list[tuple]) -> Plan:
    """A plan of rows (customer, offer, value, basket, margin, code)."""
    customer, offer, value, basket, margin, code = map(list, zip(*rows, strict=True)) if rows else ([],) * 6
    return Plan.of(OFFERS, customer, offer, value=value, basket=basket, margin=margin, code=code)


def past_of(rows: list[tuple]) -> Past:
    """A past of rows (customer, offer, days ago, state, depth, cost, code)."""
    who, offer, days, state, depth, cost, code = map(list, zip(*rows, strict=True)) if rows else ([],) * 7
    return Past.of(OFFERS, who, offer, days, state, depth=depth, cost=cost, code=code)


plan_rows = st.lists(
    st.tuples(customers, columns, st.integers(-1, 4), st.integers(0, 60), st.integers(0, 30), code_words),
    min_size=1,
    max_size=12,
)
depths = st.sampled_from([0.0, 0.05, 0.1, 0.2])
past_rows = st.lists(
    st.tuples(customers, columns, st.integers(0, 400), st.sampled_from(STATES), depths, st.integers(0, 9), code_words),
    max_size=8,
)


def rules_for(data, plan: Plan, past: Past) -> list:
    """Every rule, in any order, with settings and columns drawn."""
    m = len(plan)

    def column(elements):
        return data.draw(st.lists(elements, min_size=m, max_size=m))

    rules = [
        WorthIt(),
        MarginFloor(data.draw(st.sampled_from([0.0, 0.2])), data.draw(st.sampled_from([(), SALE]))),
        OnePerWindow(past, 30),
        OneOfGroup(past),
        CoolDown(past, 60),
        DiscountShare(column(st.integers(0, 6)), column(st.integers(0, 3))),
        NoEscalation(past),
        NonPriceFirst(
            np.array(column(st.lists(st.integers(-1, 4).map(float), min_size=K, max_size=K))),
            np.array(column(st.lists(st.booleans(), min_size=K, max_size=K))),
        ),
        UniqueCodes(past),
        NoSerialReturners(column(st.floats(0, 1))),
        EqualPrice(column(st.sampled_from(["lost", "asleep"])), np.array(column(st.booleans()))),
        WithinBudget(data.draw(st.integers(0, 60)), past),
    ]
    return data.draw(st.permutations(rules))


@given(plan_rows, past_rows, st.data())
def test_what_was_let_through_breaks_no_rule(rows: list, before: list, data) -> None:
    """Whatever the order of the rules: every one passes what the review let through, and any part of it."""
    plan, past = plan_of(rows), past_of(before)
    rules = rules_for(data, plan, past)
    found = review(plan, rules)
    assert set(found.reason.tolist()) <= {"", *(rule.code for rule in rules)}
    part = found.let_through
    assert not any(rule.broken(part).any() for rule in rules)
    smaller = part.take(np.array(data.draw(st.lists(st.booleans(), min_size=len(part), max_size=len(part))), bool))
    assert not any(rule.broken(smaller).any() for rule in rules)
    assert_lawful(part, past, {rule.code: rule for rule in rules})


def assert_lawful(plan: Plan, past: Past, rules: dict) -> None:
    """The ten rules once more, row by row and without arrays."""
    rows = list(
        zip(
            plan.row,
            plan.customer_id,
            plan.offer,
            plan.value,
            plan.basket,
            plan.margin,
            plan.code,
            plan.cost,
            strict=True,
        )
    )
    history = list(zip(past.customer_id, past.offer, past.days_ago, past.state, past.depth, past.code, strict=True))
    assert max(Counter(who for _, who, *_ in rows).values(), default=0) <= 1
    spent = sum(past.cost[past.state != "expired"]) + sum(cost for *_, cost in rows)
    assert not rows or spent <= rules["budget"].budget * (1 + 1e-8)
    prices: dict[str, set] = {}
    for row, who, column, value, basket, margin, code, _ in rows:
        offer, own = OFFERS[column], [one for one in history if one[0] == who]
        cut = offer.price_cut([basket])[0]
        assert value > 0
        assert margin >= lowest_margin_needed(offer, basket, rules["margin_floor"])
        assert not any(days < 30 for _, _, days, *_ in own)
        assert not any(OFFERS[o].group == offer.group != "" and s == "open" for _, o, _, s, *_ in own)
        assert code == "" or all((w, o, s) == (who, column, "open") for w, o, _, s, _, c in history if c == code)
        if offer.lowers_price:
            assert not any(s == "redeemed" and depth > 0 and days < 60 for _, _, days, s, depth, _ in own)
            share = rules["discount_share"]
            assert (share.discounted[row] + 1) / (share.orders[row] + 1) <= share.cap
            other = rules["non_price_first"]
            assert not any(
                other.possible[row, j] and other.value[row, j] >= value
                for j in range(K)
                if not OFFERS[j].lowers_price and other.value[row, j] > 0
            )
        for _, _, days, s, depth, _ in own:
            assert s == "redeemed" or days >= 365 or depth == 0 or cut <= depth * basket + 1e-6
        assert offer.kind == "free_exchange" or rules["serial_returner"].rate[row] <= 0.6
        if not rules["unequal_price"].drawn[row]:
            prices.setdefault(str(rules["unequal_price"].situation[row]), set()).add(
                column if offer.lowers_price else -1
            )
    assert all(len(cuts) == 1 for cuts in prices.values())
    codes = [code for *_, code, _ in rows if code]
    assert len(set(codes)) == len(codes)


def lowest_margin_needed(offer: Offer, basket: float, rule: MarginFloor) -> float:
    """The margin that leaves the floor, in the worst of all orders in which what is taken off may be taken off."""
    everything = [offer, *rule.also]
    gifts = sum(one.redemption_cost([basket])[0] - one.price_cut([basket])[0] for one in everything)
    paid = []
    for order in itertools.permutations(everything):
        price = float(basket)
        for one in order:
            price -= one.price_cut([price])[0]
        paid.append(max(0.0, price))
    return max(basket - price + gifts + max(rule.floor * price, 0) for price in paid) - 1e-6


# ---------------------------------------------------------------- one by one


def broken_by(rule, rows: list[tuple]) -> list[bool]:
    """Which rows of the plan break the rule."""
    return rule.broken(plan_of(rows)).tolist()


def row(
    who: str = "a", offer: int = 0, value: float = 1, basket: float = 50, margin: float = 20, code: str = ""
) -> tuple:
    return who, offer, value, basket, margin, code


def test_worth_it() -> None:
    """What brings nothing is refused as what loses is."""
    assert broken_by(WorthIt(), [row(value=0.01), row(value=0), row(value=-1)]) == [False, True, True]


def test_margin_floor() -> None:
    """Twenty per cent of 50 leave 10 of 20, a quarter of the 40 paid; with the sale and free shipping less."""
    assert broken_by(MarginFloor(0.25), [row(offer=1), row(offer=1, margin=19.9)]) == [False, True]
    assert broken_by(MarginFloor(0.0, SALE), [row(offer=1, margin=16), row(offer=1, margin=15.9)]) == [False, True]
    assert broken_by(MarginFloor(0.0), [row(offer=3, margin=3), row(offer=3, margin=2.9)]) == [False, True]


def test_windows_and_groups() -> None:
    """The second in a window is refused, in the plan and after the past; so is the second open one of a group."""
    past = past_of([("a", 0, 29, "expired", 0.1, 0, ""), ("b", 0, 30, "open", 0.1, 0, "")])
    rows = [row("a", 3), row("b", 2), row("c", 0), row("c", 3), row("c", 1)]
    assert broken_by(OnePerWindow(past), rows) == [True, False, False, True, True]
    assert broken_by(OnePerWindow(), rows) == [False, False, False, True, True]
    assert broken_by(OneOfGroup(past), rows) == [False, True, False, False, True]
    assert broken_by(OneOfGroup(), rows) == [False, False, False, False, True]


def test_pauses_and_shares() -> None:
    """A pause after a redeemed price cut, and no more than half of the orders with one; gifts are free of both."""
    past = past_of([("a", 0, 59, "redeemed", 0.1, 5, ""), ("b", 0, 60, "redeemed", 0.1, 5, "")])
    rows = [row("a"), row("a", 3), row("b")]
    assert broken_by(CoolDown(past), rows) == [True, False, False]
    assert broken_by(DiscountShare([1, 1, 3], [1, 1, 1]), rows) == [True, False, False]


def test_no_escalation() -> None:
    """After ten per cent unused: ten again, not twenty; a used one teaches nobody to wait."""
    past = past_of(
        [
            ("a", 0, 100, "expired", 0.1, 5, ""),
            ("a", 1, 200, "expired", 0.2, 5, ""),
            ("b", 0, 9, "redeemed", 0.1, 5, ""),
        ]
    )
    assert broken_by(NoEscalation(past), [row("a", 0), row("a", 1), row("b", 1), row("c", 1)]) == [
        False,
        True,
        False,
        False,
    ]
    assert broken_by(NoEscalation(past_of([])), [row("a", 1)]) == [False]


def test_non_price_first() -> None:
    """A gift that brings as much takes the place of a discount, where it can be had."""
    value = np.array([[2.0, 0, 0, 2.0, 0]] * 3 + [[2.0, 0, 0, 1.9, 0]])
    possible = np.array([[True] * 5, [True, True, True, False, True], [True] * 5, [True] * 5])
    rows = [row(value=2), row(value=2), row(offer=3, value=2), row(value=2)]
    assert broken_by(NonPriceFirst(value, possible), rows) == [True, False, False, False]
    assert broken_by(NonPriceFirst(value, possible, tie=0.2), rows) == [True, False, False, True]


def test_unique_codes() -> None:
    """A code is one customer's for one offer as long as it is open; rows without a code are left alone."""
    past = past_of(
        [
            ("a", 0, 9, "open", 0.1, 5, "A"),
            ("b", 0, 9, "redeemed", 0.1, 5, "B"),
            ("c", 0, 9, "open", 0, 5, "D"),
            ("d", 0, 9, "open", 0, 5, "D"),
        ]
    )
    rows = [
        row("a", code="A"),
        row("b", code="B"),
        row("c", code="A"),
        row("c", code="C"),
        row("d", code="C"),
        row(),
        row(),
    ]
    assert broken_by(UniqueCodes(past), rows) == [False, True, True, False, True, False, False]
    assert broken_by(UniqueCodes(past), [row("a", 1, code="A"), row("c", code="D")]) == [True, True]
    assert broken_by(UniqueCodes(), rows[1:3]) == [False, False]


def test_serial_returners() -> None:
    """Who sends back too much gets no offer, but may exchange free of charge."""
    assert broken_by(NoSerialReturners([0.61, 0.6, 0.9]), [row(), row(), row(offer=4)]) == [True, False, False]


def test_equal_price() -> None:
    """The odd one out of a situation is refused; a lottery is not, and counts for nobody."""
    rows = [row(offer=0), row(offer=0), row(offer=1), row(offer=1), row(offer=3)]
    same = EqualPrice(["lost"] * 4 + ["asleep"])
    assert broken_by(same, rows) == [False, False, True, True, False]
    drawn = EqualPrice(["lost"] * 4 + ["asleep"], np.array([True, True, False, False, False]))
    assert broken_by(drawn, rows) == [False] * 5


def test_the_budget_is_reserved_and_released() -> None:
    """What is open or redeemed counts, what expired does not; rows are served in their order."""
    past = past_of(
        [("a", 0, 9, "open", 0.1, 4, ""), ("b", 0, 9, "redeemed", 0.1, 3, ""), ("c", 0, 99, "expired", 0.1, 50, "")]
    )
    assert reserved(past) == 7
    assert broken_by(WithinBudget(17, past), [row(), row(), row()]) == [False, False, True]
    assert broken_by(WithinBudget(10), [row(), row(), row()]) == [False, False, True]


def test_nothing_is_fine() -> None:
    """An empty plan passes every rule."""
    found = review(
        plan_of([]), [WorthIt(), MarginFloor(0.1), OnePerWindow(), OneOfGroup(), EqualPrice([]), UniqueCodes()]
    )
    assert (len(found.let_through), found.reason.tolist()) == (0, [])


# ---------------------------------------------------------------- rates and audits


def test_rates_of_return() -> None:
    """Few orders move a rate little; who bought nothing is as the shop is; without any return it is 0."""
    bought, returned = [2, 40, 40, 40, 0], [2, 36, 4, 8, 0]
    rate = guardrails.return_rate(bought, returned)
    assert rate[0] < rate[1] < 0.9
    assert rate[2] > 0.1
    assert rate[4] == pytest.approx(rate[[0, 1, 2, 3]].mean(), abs=0.2)
    assert guardrails.return_rate([3, 5], [0, 0]).tolist() == [0, 0]
    assert guardrails.return_rate([3, 5], [3, 5]).tolist() == [1, 1]


def test_only_own_choices_count() -> None:
    """Defects, damage, wrong items and late parcels are nobody's serial returns."""
    own = {reason for reason in Reason if guardrails.are_own_choice([reason])[0]}
    assert not own & {
        Reason.DEFECTIVE,
        Reason.DAMAGED,
        Reason.QUALITY,
        Reason.WRONG_ITEM,
        Reason.NOT_AS_DESCRIBED,
        Reason.DELIVERY,
    }
    assert {Reason.STYLE, Reason.CHANGED_MIND} <= own


def test_an_audit_is_right_about_chance() -> None:
    """Where prices are dealt out by lot within situations, one audit in twenty finds a chance below .05."""
    rng = np.random.default_rng(4)
    chances = []
    for _ in range(400):
        situation = rng.integers(0, 3, 300)
        group = np.where(rng.random(300) < 0.2 + 0.2 * situation, "a", "b")  # the groups differ in their situations
        depth = np.where(rng.random(300) < 0.3 * situation, 0.2, 0.0)  # prices only in the situations
        chances.append(fairness.audit(situation, group, depth)[0].chance)
    assert 0.03 <= np.mean(np.array(chances) < 0.05) <= 0.08


def test_an_audit_finds_a_difference() -> None:
    """A group that pays more in equal situations is found; one that is alone in its situation cannot be compared."""
    situation = ["lost"] * 100 + ["asleep"] * 20
    group = ["a", "b"] * 50 + ["c"] * 20
    depth = [0.1, 0.2] * 50 + [0.3] * 20
    one, other, alone = fairness.audit(situation, group, depth)
    assert (one.group, one.size, other.chance < 1e-6) == ("a", 50, True)
    assert (one.depth, one.expected) == (pytest.approx(0.1), pytest.approx(0.15))
    assert (alone.chance, alone.spread) == (1.0, 0.0)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: plan_of([row(offer=5)]), "offer: row 0 is 5, above 4"),
        (lambda: plan_of([row(value=math.nan)]), "value: row 0 is nan"),
        (lambda: plan_of([row(basket=-1)]), "basket: row 0 is -1.0, below 0"),
        (lambda: past_of([("a", 0, 9, "lost", 0.1, 5, "")]), "state: row 0 is 'lost', none of open, redeemed, expired"),
        (lambda: past_of([("a", 0, -1, "open", 0.1, 5, "")]), "days_ago: row 0 is -1.0, below 0"),
        (lambda: MarginFloor(1.5), "floor: 1.5 is not between 0 and 1"),
        (lambda: WithinBudget(-1), "budget: -1"),
        (lambda: DiscountShare([1.5], [0]), "orders: row 0 is 1.5, not a whole number"),
        (lambda: NonPriceFirst([[1.0]], np.array([True])), "possible: bool of shape (1,)"),
        (lambda: NoSerialReturners([2]), "rate: row 0 is 2.0, above 1"),
        (lambda: guardrails.return_rate([1], [2]), "returned: row 0 is 2.0, more than were bought"),
        (lambda: fairness.audit(["a"], ["b"], [1.5]), "depth: row 0 is 1.5, above 1"),
        (lambda: fairness.audit(["a"], ["b", "c"], [0.5]), "situation has 1 rows but group has 2"),
    ],
)
def test_bad_input_is_named(make, said: str) -> None:
    """The message names the column and the row."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        make()
