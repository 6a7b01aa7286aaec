"""Conditions read first, last and exists, know what may be asked, and are plain data."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import _records
from retention.errors import InvalidJourney
from retention.journey import AllOf, AnyOf, Exists, First, Last, Not, Open
from retention.journey.conditions import CLASSES, kinds
from retention.journey.run import Known, Run


def asked(life: Any, condition: Any, *facts: Any) -> bool:
    """The answer for a run about return r1, entered on 2026-03-10 from a basis on 2026-03-05."""
    entry = SimpleNamespace(key="r1", basis=life.at("2026-03-05"), entered_at=life.at("2026-03-10"))
    run = Run(Known(facts, life.at("2026-04-01")), None, entry, None, ())  # type: ignore[arg-type]
    return condition.holds(run)


def test_exists_looks_after_its_since(life: Any) -> None:
    """Rule 5: ever, after the basis, after the entry; the instant itself is not after."""
    for day, expected in (
        ("01", [True, False, False]),
        ("05", [True, False, False]),
        ("07", [True, True, False]),
        ("11", [True] * 3),
    ):
        order = life.order("o", f"2026-03-{day}")
        assert [asked(life, Exists("order", since=since), order) for since in ("ever", "basis", "entry")] == expected
    assert not asked(life, Exists("order"))


def test_key_run_means_this_runs_subject(life: Any) -> None:
    """Facts of another return are no facts of this one."""
    other = life.ret("refunded", "2026-03-11", name="r2")
    assert asked(life, Exists("return", "refunded"), other)
    assert not asked(life, Exists("return", "refunded", key="run"), other)
    assert asked(life, Exists("return", "refunded", key="run"), other, life.ret("refunded", "2026-03-11"))


def test_first_and_last_read_their_own_fact(life: Any) -> None:
    """Rule 13: neither the order of arrival nor doubles matter; nothing known is no."""
    orders = [
        life.order("a", "2026-03-01", "10"),
        life.order("b", "2026-03-02", "20.50"),
        life.order("c", "2026-03-03", "30"),
    ]
    for batch in (orders, orders[::-1], [*orders, *orders]):
        assert asked(life, First("order", "total", "==", 10), *batch)
        assert asked(life, Last("order", "total", ">=", Decimal(30)), *batch)
        assert not asked(life, Last("order", "total", "<", "30"), *batch)
    assert not asked(life, First("order", "total", ">", 0))
    assert not asked(life, Last("order", "total", ">", 0))


@pytest.mark.parametrize(
    "attribute, op, value, expected",
    [
        ("refund", ">", 9.99, True),
        ("refund", "in", ["10", 20], True),
        ("refund", "in", ["11"], False),
        ("reason", "in", ("STYLE", "PRICE"), True),
        ("reason", "!=", "STYLE", False),
        ("deadline", "<=", datetime(2026, 3, 20, 3, tzinfo=timezone(timedelta(hours=3))), True),
        ("deadline", "<", "2026-03-20T00:00:00+00:00", False),
        ("status", "==", "refunded", True),
        ("key", "==", "r1", True),
        ("currency", "==", "EUR", True),
    ],
)
def test_every_sort_of_value_compares(life: Any, attribute: str, op: str, value: Any, expected: bool) -> None:
    """Amounts compare as exact amounts, times as instants, words as words."""
    fact = life.ret(
        "refunded", "2026-03-11", reason="STYLE", refund="10", currency="EUR", deadline="2026-03-20T00:00:00Z"
    )
    assert asked(life, Last("return", attribute, op, value), fact) is expected


def test_what_a_fact_does_not_say_agrees_with_nothing(life: Any) -> None:
    """None is neither equal nor unequal."""
    for op in ("==", "!="):
        assert not asked(life, Last("return", "refund", op, "10"), life.ret("received", "2026-03-11"))


def test_numbers_and_flags_compare(life: Any) -> None:
    """Whole numbers, fractions and yes or no."""
    sleeper = life.asleep("2026-03-11")
    assert asked(life, Last("asleep", "silent_for", "<", 1.5), sleeper)
    assert asked(life, Last("asleep", "usual_gap", "==", 0), sleeper)
    assert asked(life, Last("asleep", "waited", "==", value=False), sleeper)


def test_open_until_one_of_its_ends(life: Any) -> None:
    """A thing is open from its first fact to one with an end, whatever comes after; each key for itself."""
    condition = Open("return", ("refunded", "rejected"))
    begun, ended, other = (
        life.ret("requested", "2026-03-01"),
        life.ret("refunded", "2026-03-02"),
        life.ret("received", "2026-03-03", name="r2"),
    )
    assert not asked(life, condition)
    assert asked(life, condition, begun)
    assert not asked(life, condition, begun, ended, life.ret("information", "2026-03-04"))
    assert asked(life, condition, begun, ended, other)
    assert not asked(life, Open("return", ("refunded",), key="run"), begun, ended, other)


def test_open_with_values_reads_what_was_stated_last(life: Any) -> None:
    """Rule 13: a stage that says nothing of the reason does not take it back."""
    condition = Open("return", ("refunded",), attribute="reason", values=("DEFECTIVE",))
    defect = life.ret("requested", "2026-03-01", reason="DEFECTIVE")
    assert asked(life, condition, defect, life.ret("received", "2026-03-02"))
    assert not asked(life, condition, defect, life.ret("received", "2026-03-02", reason="STYLE"))
    assert not asked(life, condition, life.ret("requested", "2026-03-01"))


def test_conditions_combine(life: Any) -> None:
    """Not, all, any; all of nothing is true, any of nothing is false."""
    yes, no = Exists("order"), Exists("return")
    order = life.order("o", "2026-03-01")
    assert asked(life, Not(no), order)
    assert asked(life, AllOf([yes, Not(no)]), order)
    assert not asked(life, AllOf([yes, no]), order)
    assert asked(life, AnyOf([no, yes]), order)
    assert asked(life, AllOf([]))
    assert not asked(life, AnyOf([]))


def test_kinds_are_found_at_every_depth() -> None:
    """What `needs` reads: every kind that a condition names."""
    deep = AllOf(
        [Not(Exists("order")), AnyOf([First("visit", "product_id", "==", "7"), Open("return", ("refunded",))])]
    )
    assert list(kinds(deep)) == ["order", "visit", "return"]


REFUSED = [
    (lambda: Exists("ordr"), r"kind: 'ordr' is unknown; use one of order, .*"),
    (lambda: Exists("return", "refundd"), r"status: 'refundd' is none of kind 'return'; use requested, .*"),
    (lambda: Exists("order", "paid"), r"status: 'paid' is none of kind 'order'; use none"),
    (lambda: Exists("email", "opened"), r"status: opens decide nothing; name what became of a letter: delivered, .*"),
    (lambda: Exists("email"), r"status: opens decide nothing; .*"),
    (lambda: Open("email", ("clicked",)), r"status: opens decide nothing; .*"),
    (lambda: Exists("order", key="mine"), r"key: 'mine' is unknown; use one of 'any', 'run', 'order'"),
    (lambda: Exists("visit", key="order"), r"attribute: 'order_id' is none of kind 'visit'; use one of .*"),
    (lambda: Exists("return", values=("STYLE",)), r"values: \('STYLE',\) is no list of values of an attribute="),
    (lambda: Exists("return", attribute="reason", values="STYLE"), r"values: 'STYLE' is no list of values .*"),
    (lambda: Exists("return", attribute="color"), r"attribute: 'color' is none of kind 'return'; use one of .*"),
    (
        lambda: Exists("return", attribute="lines", values=("x",)),
        r"attribute: 'lines' of kind 'return' is no single .*",
    ),
    (lambda: Exists("order", since="today"), r"since: 'today' is unknown; use one of 'ever', 'basis', 'entry'"),
    (lambda: Last("order", "totl", ">", 1), r"attribute: 'totl' is none of kind 'order'; use one of at, currency, .*"),
    (
        lambda: Last("order", "lines", "==", "x"),
        r"attribute: 'lines' of kind 'order' is no single value; name another one",
    ),
    (lambda: Last("order", "total", "~", 1), r"op: '~' is unknown; use one of '==', .*"),
    (lambda: Last("order", "total", ">", "much"), r"order\.total: value: 'much' is no amount; write 12\.50"),
    (lambda: Last("order", "total", ">", [1]), r"value: \(1,\) does not go with '>'; a list belongs to 'in' alone"),
    (lambda: Last("order", "total", "in", 1), r"value: 1 does not go with 'in'; a list belongs to 'in' alone"),
    (lambda: Last("order", "at", ">", "2026-03-01"), r"order\.at: value: 2026-03-01T00:00:00 has no timezone; .*"),
    (lambda: First("consent", "granted", "==", 1), r"consent\.granted: value: 1 is neither True nor False"),
    (lambda: Open("return", ()), r"until: \(\) names no end; what is open would stay open for ever"),
    (lambda: Open("return", ("",)), r"until: \('',\) names no end; .*"),
    (lambda: Open("return", ("refunded",), attribute="reason"), r"Open: attribute= and values= belong together"),
    (lambda: Open("return", ("refunded",), values=("x",)), r"Open: attribute= and values= belong together"),
    (lambda: Open("return", ("refunded",), attribute="rason", values=("x",)), r"attribute: 'rason' is none of .*"),
    (lambda: Not(lambda run: True), r"condition: <function .* is no condition; use one of Exists, First, Last, .*"),
    (lambda: AllOf(Exists("order")), r"conditions: Exists\(.*\) is no list of conditions"),
    (lambda: AllOf([Exists("order"), None]), r"conditions: None is no condition; .*"),
]


@pytest.mark.parametrize("build, message", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_asked_is_refused(build: Any, message: str) -> None:
    """F25, F17: a question about what does not exist, or about opens, is an error in one line when it is built."""
    with pytest.raises(InvalidJourney, match=f"^{message}$"):
        build()


@given(seed=st.integers(0, 2**32))
def test_json_round_trip(life: Any, seed: int) -> None:
    """Rule 13: storable, comparable, hashable."""
    condition = life.any_condition(random.Random(seed))
    again = _records.build(CLASSES, json.loads(json.dumps(_records.fields(condition))))
    assert again == condition
    assert hash(again) == hash(condition)


def test_values_are_kept_as_json_keeps_them() -> None:
    """A condition that was stored equals the one that was written: times and amounts are text."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert Last("order", "at", ">", noon).value == "2026-03-01T12:00:00+00:00"
    assert Last("order", "total", "in", [Decimal("1.50"), 2]).value == ("1.50", 2)


def test_a_fact_that_states_something(life: Any) -> None:
    """Any fact of the sort may state it, not the first and last alone; without values, whatever is stated counts."""
    facts = [
        life.ret("requested", "2026-03-11"),
        life.ret("information", "2026-03-12", reason="STYLE"),
        life.ret("received", "2026-03-13", refund="10", currency="EUR"),
        life.ret("refunded", "2026-03-14"),
    ]
    for batch in (facts, facts[::-1], [*facts, *facts]):
        assert asked(life, Exists("return", attribute="reason", values=("STYLE", "PRICE")), *batch)
        assert not asked(life, Exists("return", attribute="reason", values=("PRICE",)), *batch)
        assert asked(life, Exists("return", attribute="reason", values=("",)), *batch)
        assert asked(life, Exists("return", attribute="refund"), *batch)
        assert asked(life, Exists("return", attribute="refund", values=(10,)), *batch)
        assert not asked(life, Exists("return", "refunded", attribute="refund"), *batch)
        assert not asked(life, Exists("return", attribute="deadline"), *batch)
        assert asked(life, Exists("return", attribute="status", values=("refunded",)), *batch)


def test_since_looks_at_what_states_it(life: Any) -> None:
    """What was stated before the entry is not stated since."""
    facts = [life.ret("requested", "2026-03-07", reason="STYLE"), life.ret("received", "2026-03-12")]
    assert asked(life, Exists("return", since="basis", attribute="reason"), *facts)
    assert not asked(life, Exists("return", since="entry", attribute="reason"), *facts)


def test_key_order_means_facts_about_the_runs_order(life: Any) -> None:
    """A return has a key of its own, and names the order that the run is about."""
    other, own = (life.ret("requested", "2026-03-11", name=f"x-{o}", order_id=o) for o in ("o9", "r1"))
    for condition in (
        Exists("return", key="order"),
        Last("return", "status", "==", "requested", key="order"),
        Open("return", ("refunded",), key="order"),
    ):
        assert not asked(life, condition, other)
        assert asked(life, condition, other, own)
