"""Signals: learns from whatever a shop records, tells browsing from gone, and says what speaks for an order."""

from __future__ import annotations

import numpy as np
import pytest

from retention.churn import Activity, apply, backtest, fit_signals
from retention.churn.activity import matched
from retention.churn.features import take
from retention.churn.signals import Reasons, presence
from retention.errors import InvalidInput
from retention.orders import OrderLog

START = np.datetime64("2024-01-01")
AT = "2025-01-31"


def test_works_on_orders_alone(shop):
    """Without any activity the columns are those of the orders, and there is still a score for everybody."""
    log, _ = shop
    found = apply(fit_signals(log, at=AT, horizon=8), log, at=AT)
    assert ((found.p_active > 0) & (found.p_active < 1)).all()
    assert set(found.presence) == {"buying", "unknown"}


def test_visits_sharpen_it(shop):
    """In a shop whose customers stop to look when they leave, visits lower the log loss clearly."""
    log, activity = shop
    models = ["signals"]
    without, with_visits = (
        backtest(log, at="2024-12-01", horizon=8, models=models, activity=a).rows[0].judgement for a in (None, activity)
    )
    assert with_visits.log_loss.upper < without.log_loss.lower


def test_browsing_is_not_gone(shop):
    """Of those asleep, who still looks around gets a far higher chance than who does not, and the sentences say so."""
    log, activity = shop
    found = apply(fit_signals(log, at=AT, horizon=8, activity=activity), log, at=AT, activity=activity)
    browsing, gone = (np.flatnonzero(found.presence == name) for name in ("browsing", "gone"))
    assert found.p_active[browsing].mean() > 5 * found.p_active[gone].mean()
    assert all("browses but does not buy" in found.why(row) for row in browsing)
    assert all("neither buys nor browses" in found.why(row) for row in gone)
    assert "in the last 30 days" in found.why(int(browsing[0]))
    assert np.isin(found.state[browsing], ["asleep", "lost"]).all()


def test_a_click_is_being_there(shop):
    """Somebody asleep who clicked in a letter within 30 days is browsing, though visits are not recorded."""
    log = OrderLog.of([1, 2], [START, START], [5, 5])
    activity = Activity.of(clicks=([1, 2], [START + np.timedelta64(280, "D"), START + np.timedelta64(2, "D")]))
    snapshot = take(log, matched(log, activity), int(START.astype(int)) + 300, "D")
    assert presence(snapshot).tolist() == ["browsing", "gone"]


def test_contributions_add_up(shop):
    """The groups' contributions and the intercept are the log odds of every customer."""
    log, activity = shop
    fitted = fit_signals(log, at=AT, horizon=8, activity=activity)
    snapshot = take(log, matched(log, activity), int(np.datetime64(AT).astype(int)), "D")
    reasons = fitted.reasons(snapshot)
    assert reasons.names == ("silence", "orders", "spend", "visits")
    log_odds = fitted.logistic.intercept + reasons.contribution.sum(axis=1)
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(fitted.p_active(snapshot))


def test_all_sorts_of_activity(shop):
    """Every recorded sort has its column."""
    log, activity = shop
    pair = (activity.visits.customer_id[::3], activity.visits.day[::3].view("datetime64[D]"))
    everything = Activity.of(visits=pair, clicks=pair, opens=pair, unsubscribed=pair, subscribed=pair, returns=pair)
    fitted = fit_signals(log, at=AT, horizon=8, activity=everything)
    assert fitted.names[7:] == ("last_visit", "last_click", "last_open", "visits", "unsubscribed", "returns")
    assert len(apply(fitted, log, at=AT, activity=everything)) == len(log.ids)


PLAIN = {
    "gap": [12, 300],
    "orders": [5, 1],
    "tenure": [200, 300],
    "spend": [1.75, 0.2],
    "visits": [1, 0],
    "last_visit": [3, 40],
    "last_click": [0, -1],
    "last_open": [1, 7],
    "unsubscribed": [0, 1],
    "returns": [1, 0],
}
GROUPS = ("silence", "orders", "spend", "visits", "clicks", "opens", "consent", "returns")


@pytest.mark.parametrize(
    "group, words",
    [
        ("silence", ("only 12 days of silence", "300 days of silence")),
        ("orders", ("5 order days in 200 days", "1 order day in 300 days")),
        ("spend", ("spends 1.8 times the usual per order", "spends 0.2 times the usual per order")),
        ("visits", ("1 visit in the last 30 days", "last visit 40 days ago")),
        ("clicks", ("click today", "no click on record")),
        ("opens", ("last open 1 day ago", "last open 7 days ago")),
        ("consent", ("still subscribed", "unsubscribed")),
        ("returns", ("1 return of 5 orders", "0 returns of 1 order")),
    ],
)
def test_words(group, words):
    """Each group in words, on the side that it speaks for."""
    plain = {name: np.array(column) for name, column in PLAIN.items()}
    contribution = np.zeros((2, len(GROUPS)))
    contribution[:, GROUPS.index(group)] = 1, -1
    reasons = Reasons(GROUPS, contribution, plain)
    assert reasons.words(0) == f"for it: {words[0]}"
    assert reasons.words(1) == f"against it: {words[1]}"


def test_only_what_weighs_is_said():
    """The two weightiest of each side, the weightiest first; nothing at all if nothing weighs."""
    plain = {name: np.array(column) for name, column in PLAIN.items()}
    contribution = np.array([[0.5, 2.0, 1.0, -0.05, -0.2, 0.0, 0.0, 0.0], np.full(8, 0.09)])
    reasons = Reasons(GROUPS, contribution, plain)
    assert reasons.words(0) == (
        "for it: 5 order days in 200 days, spends 1.8 times the usual per order; against it: click today"
    )
    assert reasons.words(1) == ""


def test_signals_must_stay(shop):
    """A fit that used visits refuses to score without them."""
    log, activity = shop
    fitted = fit_signals(log, at=AT, horizon=8, activity=activity)
    with pytest.raises(InvalidInput, match=r"activity: the signals were fitted with visits: give them again"):
        apply(fitted, log, at=AT)


def test_nobody_to_train_on():
    """A horizon longer than the history is refused with the day that is missing."""
    log = OrderLog.of([1], ["2026-01-10"], [5])
    with pytest.raises(InvalidInput, match=r"at: nobody had ordered by 2026-01-03, one horizon earlier"):
        fit_signals(log, at="2026-01-17", horizon=2)
