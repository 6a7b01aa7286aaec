"""Activity: events by sort, from columns or from facts, matched to the customers of a log."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from retention.churn import Activity
from retention.churn.activity import matched
from retention.errors import InvalidInput
from retention.facts import ConsentChanged, EmailReported, OrderPlaced, ReturnChanged, Visited
from retention.orders import OrderLog

LOG = OrderLog.of([7, 10, 9], ["2026-01-01", "2026-01-02", "2026-01-03"], [1, 1, 1])


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def email(id_: str, status: str, machine: bool | None) -> EmailReported:
    return EmailReported(id=id_, customer_id=7, at=at(3), message_key="m", status=status, machine=machine)


def test_facts_become_events_on_the_shops_day():
    """A visit at 23 hours UTC is on the next day in Moscow; orders and other topics are passed over."""
    facts = [
        Visited(id="v", customer_id=7, at=at(1, 23)),
        OrderPlaced(id="o", customer_id=7, at=at(1), total="3", currency="EUR"),
        ConsentChanged(id="c", customer_id=7, at=at(2), granted=False, topic="service"),
    ]
    found = Activity.from_facts(facts, timezone="Europe/Moscow")
    assert repr(found) == "Activity(1 visits)"
    assert found.visits.customer_id.tolist() == ["7"]
    assert found.visits.day.view("datetime64[D]").tolist() == [at(2).date()]


def test_machines_are_left_out_and_doubt_is_not():
    """An open or click by a robot is no event, one by nobody knows whom is; deliveries are none."""
    facts = [email(f"{s}{m}", s, m) for s in ("opened", "clicked", "delivered") for m in (True, False, None)]
    found = Activity.from_facts(facts, timezone="UTC")
    assert len(found.opens) == len(found.clicks) == 2


def test_consent_and_complaints():
    """Withdrawn consent, an unsubscribing click and a complaint unsubscribe; consent given subscribes."""
    facts = [
        email("1", "unsubscribed", None),
        email("2", "complained", None),
        ConsentChanged(id="c1", customer_id=7, at=at(2), granted=False),
        ConsentChanged(id="c2", customer_id=7, at=at(5), granted=True),
    ]
    assert repr(Activity.from_facts(facts, timezone="UTC")) == "Activity(3 unsubscribed, 1 subscribed)"


def test_a_return_is_one_event():
    """The stages of one return count once, on the first day, in whatever order they are read."""
    stages = [("b", "received", 9), ("a", "requested", 4), ("c", "approved", 6)]
    facts = [ReturnChanged(id=i, customer_id=7, at=at(d), return_id="r", status=s) for i, s, d in stages]
    returns = Activity.from_facts(facts, timezone="UTC").returns
    assert returns.day.view("datetime64[D]").tolist() == [at(4).date()]


def test_ids_match_across_types():
    """Text ids of facts find the whole numbers of a log, also where text sorts otherwise; strangers are left out."""
    activity = Activity.of(visits=(["10", "7", "x", "9"], ["2026-01-05"] * 4))
    place, day = matched(LOG, activity).events["visits"]
    assert LOG.ids[place].tolist() == [10, 7, 9]
    assert len(day) == 3


def test_what_is_not_recorded_is_absent():
    """None and a sort without any event are both not recorded; no activity at all records nothing."""
    assert matched(LOG, None).events == {}
    empty = Activity.of(visits=None, opens=(np.array([], dtype=int), np.array([], dtype="datetime64[D]")))
    assert matched(LOG, empty).events == {}


@pytest.mark.parametrize(
    "sorts, message",
    [
        ({"views": ([1], ["2026-01-01"])}, "activity: 'views' is unknown: say visits, clicks, opens, unsubscribed"),
        ({"visits": [1, 2]}, "visits: give a pair of columns, customer ids and days"),
        ({"visits": ([1], ["2026-01-01 10:00"])}, "visits day: row 0 is .*, a time: give the day in the shop's zone"),
        ({"visits": ([1, 2], ["2026-01-01"])}, "visits customer_id has 2 rows but visits day has 1"),
        ({"opens": ([None], ["2026-01-01"])}, "opens customer_id: row 0 is None, missing"),
    ],
)
def test_bad_columns(sorts, message):
    """Every refusal names the sort, the column and the row."""
    with pytest.raises(InvalidInput, match=message):
        Activity.of(**sorts)
