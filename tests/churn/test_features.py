"""Features: what was known on an evening, and nothing that came later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.churn import Activity
from retention.churn.activity import matched
from retention.churn.features import features, ordered_within, reach, take
from retention.orders import OrderLog

START = np.datetime64("2026-01-01")
DAY = int(START.astype(int))
LOG = OrderLog.of(
    customer_id=[1, 1, 1, 2, 3],
    ordered_at=START + np.array([0, 20, 60, 10, 90], dtype="timedelta64[D]"),
    amount=[10, 10, 40, 20, 5],
)


def on(day, log=LOG, activity=None):
    return take(log, matched(log, activity), DAY + day, "W")


def events(*pairs):
    who, day = zip(*pairs, strict=True)
    return list(who), START + np.array(day, dtype="timedelta64[D]")


def column(found, name):
    return found.columns[:, found.names.index(name)].tolist()


def test_columns_of_orders():
    """The documented transformations, by hand, at day 70: customers 1 and 2."""
    found = features(on(70), {})
    assert found.names == ("gap", "gap_root", "overdue", "orders", "tenure", "spend", "spend_trend")
    assert column(found, "gap") == pytest.approx(np.log1p([10, 60]))
    assert column(found, "gap_root") == pytest.approx(np.sqrt([10, 60]))
    assert column(found, "orders") == pytest.approx(np.log([3, 1]))
    assert column(found, "tenure") == pytest.approx(np.log1p([70, 60]))
    assert column(found, "spend") == pytest.approx([0, 0])
    assert column(found, "spend_trend") == pytest.approx([(40 - 20) / (40 + 20), 0])
    assert column(found, "overdue") == pytest.approx(np.log([11, 61] / on(70).rhythm.usual_gap))


def test_ordered_within_counts_order_days_after_the_snapshot():
    """Orders on the evening itself are known, orders on the last day of the horizon count, refunds never do."""
    log = OrderLog.of([1, 1, 2, 2], START + np.array([0, 10, 0, 11], dtype="timedelta64[D]"), [5, 5, 5, -5])
    assert ordered_within(on(0, log), 10).tolist() == [1, 0]
    assert ordered_within(on(0, log), 9).tolist() == [0, 0]
    assert ordered_within(on(10, log), 5).tolist() == [0, 0]


ACTIVITY = Activity.of(
    visits=events((1, 5), (1, 45), (1, 69), (2, 30), (1, 71)),
    clicks=events((2, 0), (2, 70)),
    opens=events((1, 60)),
    unsubscribed=events((1, 20), (2, 40)),
    subscribed=events((1, 50), (2, 40)),
    returns=events((1, 5), (1, 70), (2, 75)),
)


def test_columns_of_activity():
    """Days since the latest event on a log scale to the reach, counts of 30 days, consent, returns for each order."""
    snapshot = on(70, activity=ACTIVITY)
    back = reach(snapshot.activity, snapshot.day)
    assert back == {"visits": 65, "clicks": 70, "unsubscribed": 50, "returns": 65}  # opens: only 10 days
    found = features(snapshot, back)
    assert found.plain["last_visit"].tolist() == [1, 40]
    assert column(found, "last_visit") == pytest.approx([1 - np.log(2) / np.log(66), 1 - np.log(41) / np.log(66)])
    assert found.plain["visits"].tolist() == [2, 0]
    assert found.plain["last_click"].tolist() == [-1, 0]
    assert column(found, "last_click") == [0, 1]
    assert column(found, "unsubscribed") == [0, 1]
    assert column(found, "returns") == pytest.approx([2 / 3, 0])


def test_nothing_older_than_the_reach_is_seen():
    """An event beyond the reach is as none; the limit itself is 0 on the scale."""
    found = features(on(70, activity=ACTIVITY), {"visits": 39})
    assert found.plain["last_visit"].tolist() == [1, -1]
    found = features(on(70, activity=ACTIVITY), {"visits": 40})
    assert found.plain["last_visit"].tolist() == [1, 40]
    assert column(found, "last_visit")[1] == pytest.approx(0)


def test_unsubscribed_without_any_subscription():
    """Consent that was only ever withdrawn is withdrawn."""
    activity = Activity.of(unsubscribed=events((1, 20)))
    assert column(features(on(70, activity=activity), {"unsubscribed": 50}), "unsubscribed") == [1, 0]


def test_a_reach_is_at_most_a_year():
    """However long something was recorded, a year of it counts."""
    activity = Activity.of(visits=events((1, 0)))
    assert reach(matched(LOG, activity), DAY + 1_000) == {"visits": 365}


def test_free_orders():
    """A shop that charges nothing has no NaN: everybody spends the same."""
    log = OrderLog.of([1, 2], [START, START], [0.0, 0.0])
    assert np.isfinite(features(on(5, log), {}).columns).all()
    assert column(features(on(5, log), {}), "spend_trend") == [0, 0]


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 150)), min_size=1, max_size=40))
def test_the_future_changes_nothing(rows):
    """Dropping every order and visit after the evening leaves all columns as they are."""
    rows = [(1, 0), (2, 50), *rows]
    who, day = (np.array(values) for values in zip(*rows, strict=True))
    when = START + day.astype("timedelta64[D]")
    known = day <= 100

    def columns(rows_kept):
        log = OrderLog.of(who[rows_kept], when[rows_kept], np.ones(rows_kept.sum()))
        activity = Activity.of(visits=(who[rows_kept], when[rows_kept]), returns=(who[rows_kept], when[rows_kept]))
        snapshot = take(log, matched(log, activity), DAY + 100, "D")
        return snapshot.summary.customer_id, features(snapshot, reach(snapshot.activity, snapshot.day)).columns

    (ids, before), (ids_after, after) = columns(known), columns(np.ones(len(rows), dtype=bool))
    assert (ids == ids_after).all()
    assert before == pytest.approx(after)
