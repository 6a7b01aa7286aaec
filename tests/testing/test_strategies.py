"""The public strategies build valid things, every kind of them, and the laws of what they are for hold on them."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from retention import orders
from retention.errors import MissingExtra
from retention.facts import KINDS
from retention.journey import Book, ContactPolicy, CustomerFile, from_json, plan, to_json
from retention.journey.ledger import Needs
from retention.storage.memory import MemoryStorage
from retention.testing import strategies

QUICK = settings(max_examples=30)


def found(strategy, wanted=lambda one: True):
    return find(strategy, wanted, settings=settings(phases=[Phase.generate], derandomize=True, database=None))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fact_is_built(kind):
    """Also of the customers who are asked for."""
    fact = found(strategies.any_facts([kind], customer_id=st.just("ben")))
    assert (fact.kind, fact.customer_id) == (kind, "ben")


@QUICK
@given(strategies.histories(start=datetime(2025, 6, 1, tzinfo=UTC), days=90))
def test_histories_are_files(history):
    """A history comes back from a storage as it is: one customer's, oldest first, nothing twice."""
    storage = MemoryStorage()
    assert set(storage.record(history[::-1])) == {"new"}
    (file,) = storage.load(["ann"], Needs())
    assert file.facts == history
    assert min(fact.at for fact in history) == datetime(2025, 6, 1, tzinfo=UTC)
    known = {fact.id for fact in history if fact.kind == "order"}
    assert {fact.order_id for fact in history if fact.kind in {"delivery", "return", "asleep"}} <= known


@pytest.mark.parametrize(
    "kind, status", [("visit", ""), ("asleep", ""), ("return", "requested"), ("return", "expired")]
)
def test_histories_have_all_sorts(kind, status):
    """Somebody visits, falls asleep, begins a return, ends one."""
    assert found(strategies.histories(), lambda facts: any((x.kind, x.status) == (kind, status) for x in facts))


@QUICK
@given(strategies.journeys(), strategies.histories(), st.integers(0, 400 * 24))
def test_journeys_can_be_planned(journey, history, hours):
    """Any journey survives JSON, and plans any history the same way twice."""
    assert from_json(json.loads(json.dumps(to_json(journey)))) == journey
    book = Book.of([journey], policy=ContactPolicy(), timezone="Europe/London")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    arms = {journey.name: (next(iter(journey.arms)), 0.5)}
    facts = tuple(fact for fact in history if fact.at <= now)
    file = CustomerFile(customer_id="ann", facts=facts, arms=arms)
    assert plan(book, file, now) == plan(book, file, now)


@pytest.mark.parametrize("moment", ["after", "on", "before"])
def test_journeys_use_every_moment(moment):
    """Each sort of moment, and both with one step and with more."""
    journeys = strategies.journeys(max_steps=2)
    journey = found(journeys, lambda one: len(one.steps) == 2 and one.steps[1].moment.tag == moment)
    assert journey.name == "journey"


@QUICK
@given(strategies.order_logs(customers=3, days=60, refunds=False, min_size=1))
def test_order_logs_are_summarized(log):
    """Sums of quarters are exact, whatever their order."""
    summary = orders.summarize(log, at="2025-03-02", unit="D")
    assert set(np.unique(log.ids)) <= {1, 2, 3}
    assert log.amount.min() >= 0
    assert summary.revenue.sum() == log.amount.sum()


def test_without_hypothesis(monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, strategies.__name__)
    with pytest.raises(MissingExtra, match=r"hypothesis is missing; pip install 'retention\[testing\]'$"):
        importlib.import_module(strategies.__name__)
