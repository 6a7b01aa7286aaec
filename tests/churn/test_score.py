"""The score: picked on what is known, honest about too little, the same tomorrow unless something happened."""

from __future__ import annotations

import json
import re

import attrs
import numpy as np
import pytest

from retention.churn import Activity, Chosen, apply, backtest, choose, fit_signals, rhythm, score
from retention.churn.activity import matched
from retention.churn.candidates import Assumed, Window, fit_candidate
from retention.churn.score import FALLBACK, _pick
from retention.errors import InvalidInput
from retention.orders import OrderLog, summarize

START = np.datetime64("2024-01-01")
AT = "2025-01-31"
QUICK = ["plain gap", "own rhythm", "signals"]


def days(*numbers):
    return START + np.array(numbers, dtype="timedelta64[D]")


def upto(log, last):
    """The log as it was on that evening."""
    kept = log.ordered_on <= np.datetime64(last)
    return OrderLog.of(log.ids[log.customer[kept]], log.ordered_on[kept], log.amount[kept])


def test_columns(shop):
    """One row for each customer, with the rhythm's state, a chance, a date and a sentence."""
    log, _ = shop
    found = score(log, at=AT, horizon=8, models=QUICK)
    known = rhythm(summarize(log, at=AT))
    assert len(found) == len(known)
    assert (found.customer_id == known.customer_id).all()
    assert (found.state == known.state).all()
    assert found.usual_gap == pytest.approx(known.usual_gap)
    assert ((found.p_active > 0) & (found.p_active < 1)).all()
    due = (found.next_order_on - summarize(log, at=AT).last_ordered_at).astype(int)
    assert due == pytest.approx(known.usual_gap, abs=0.5)
    assert all(found.why(row).startswith(known.why(row)) for row in range(0, len(found), 50))
    assert repr(found) == f"Score({len(found)} customers at {AT}: {found.verdict})"


def test_the_choice_knows_nothing_later(shop):
    """What happens after the evening changes neither the choice nor any chance."""
    log, activity = shop
    one = score(log, at=AT, horizon=8, activity=activity, models=QUICK)
    other = score(upto(log, AT), at=AT, horizon=8, activity=activity, models=QUICK)
    assert one.verdict == other.verdict
    assert one.table == other.table
    assert (one.p_active == other.p_active).all()


def test_the_table_is_the_backtest_of_the_last_horizon(shop):
    """The choice rests on the very table that `backtest` shows for the cut one horizon earlier."""
    log, _ = shop
    found = score(log, at=AT, horizon=8, models=QUICK)
    shown = backtest(log, at="2024-12-06", horizon=8, models=QUICK, until=AT, resamples=200)
    assert found.table == shown
    best = min(found.table.rows, key=lambda row: row.judgement.log_loss.value).model
    assert found.chosen == best == "signals"
    assert found.verdict.startswith("signals: log loss ")


def test_the_plain_gap_is_compared_even_if_not_asked_for(shop):
    """The simplest rule is always in the table, first."""
    found = score(shop[0], at=AT, horizon=8, models=["signals"])
    assert [row.model for row in found.table.rows] == ["plain gap", "signals"]


def test_the_plain_gap_may_be_enough():
    """Where nothing but the gap says anything, the answer is the plain gap, also against a tie by chance."""
    rng = np.random.default_rng(2)
    who, day = np.arange(800).repeat(8), rng.integers(0, 400, 6_400)
    log = OrderLog.of(who, START + day.astype("timedelta64[D]"), np.ones(6_400))
    found = score(log, at="2025-02-01", horizon=4, models=["plain gap", "own mean gap", "own rhythm"])
    assert found.chosen == "plain gap"
    assert found.verdict.startswith("the plain gap is enough: ")


def test_a_difference_that_may_be_chance_does_not_count():
    """Lower on average is not enough: the interval of the paired difference must exclude 0."""
    outcome = np.tile([1.0, 0.0], 50)
    plain, other = np.full(100, 0.5), np.where(outcome > 0, 0.9, 0.1)
    assert _pick({"plain gap": plain, "other": other}, outcome)[0] == "other"
    other[:25] = 1 - other[:25]
    name, verdict = _pick({"plain gap": plain, "other": other}, outcome)
    assert name == "plain gap"
    assert verdict.startswith("the plain gap is enough: other is better by 0.0385 [-0.1")
    other[25:30] = 1 - other[25:30]
    name, verdict = _pick({"plain gap": plain, "other": other}, outcome)
    assert (name, verdict) == ("plain gap", "the plain gap is enough: no other had a lower log loss than its 0.6931")


def test_a_candidate_that_fails_is_left_out():
    """A model without a repeat order to learn k from is no candidate, the verdict says so, and the others compete."""
    rows = [(c, [c % 100]) for c in range(600)]
    rows += [(c, [130 + c % 60]) for c in range(0, 600, 3)] + [(c, [230 + c % 60]) for c in range(0, 600, 6)]
    who, day = zip(*[(c, d) for c, ds in rows for d in ds], strict=True)
    log = OrderLog.of(list(who), days(*day), np.ones(len(who)))
    found = choose(log, at=str(START + np.timedelta64(300, "D")), horizon=13, models=["mbg/cnbd-k", "own rhythm"])
    assert [row.model for row in found.table.rows] == ["plain gap", "own rhythm"]
    assert "; mbg/cnbd-k left out: " in found.verdict


@pytest.mark.parametrize(
    "rows, at, message",
    [
        ([(c, [c % 200, 250, 300]) for c in range(312)], 310, r"312 buyers, 500 needed"),
        ([(c, [c % 90, 100, 120]) for c in range(600)], 130, r"130 days of history, 180 needed"),
        ([(c, [c % 200, 250, 300]) for c in range(600)], 340, r"no order in the last 30 days"),
        ([(c, [c % 200, 300]) for c in range(600)], 310, r"0 buyers with 3 order days, 10 needed"),
        ([(c, [150 * (c >= 20), 250, 300]) for c in range(600)], 310, r"20 buyers two horizons ago, 100 needed"),
        (
            [(c, [c % 100, 300, 301][: 1 + 2 * (c % 2)]) for c in range(600)],
            305,
            r"of the buyers known then 0 of 600 ordered in the .*before",
        ),
        (
            [(c, [c % 100, 130, 305]) for c in range(600)],
            306,
            r"of the buyers known then 600 of 600 ordered .* the last",
        ),
    ],
)
def test_not_enough_data(rows, at, message):
    """A shop too small, too young, too quiet or without regulars falls back on the rhythm and says what is missing."""
    who, day = zip(*[(c, d) for c, ds in rows for d in ds], strict=True)
    log = OrderLog.of(list(who), days(*day), np.ones(len(who)))
    found = score(log, at=str(START + np.timedelta64(at, "D")), horizon=13, models=["signals"])
    assert found.verdict.startswith("not enough data: ")
    assert found.chosen == FALLBACK
    assert found.table is None
    assert pytest.approx(found.p_active) == np.clip(found.p_active, 0, 1)
    assert np.ptp(found.p_active) > 0
    assert re.search(message, found.verdict), found.verdict


def test_a_choice_is_used_later(shop):
    """Chosen once and applied every day: on the same day it is the score, after a week of silence chances are lower."""
    log, activity = shop
    chosen = choose(log, at=AT, horizon=8, activity=activity, models=QUICK)
    assert repr(chosen) == f"Chosen({chosen.verdict})"
    now = apply(chosen, log, at=AT, activity=activity)
    assert (now.p_active == score(log, at=AT, horizon=8, activity=activity, models=QUICK).p_active).all()
    later = apply(chosen, upto(log, AT), at="2025-02-07", activity=activity)
    assert (later.p_active < now.p_active).mean() > 0.8
    assert later.p_active.sum() < now.p_active.sum()
    assert later.verdict == chosen.verdict


@pytest.mark.parametrize(
    "name", ["own rhythm", "mbg/nbd", "signals", "signals + mbg/nbd", "pareto/nbd", "plain gap", FALLBACK]
)
def test_a_choice_is_kept_as_json(shop, name):
    """Written to text and read back, a choice of any kind scores the same to the last digit."""
    log, activity = shop
    day = int(np.datetime64(AT).astype(int))
    window = Window.at(log, matched(log, activity), day, 56, "W")
    scorer = Assumed(56) if name == FALLBACK else fit_candidate(name, window, {})
    chosen = Chosen(name, "said so", None, window.now.summary.at, 56, "W", scorer)
    back = Chosen.from_json(json.loads(json.dumps(chosen.to_json())))
    one, other = (apply(x, log, at=AT, activity=activity) for x in (chosen, back))
    assert (one.p_active == other.p_active).all()
    assert [one.why(row) for row in range(20)] == [other.why(row) for row in range(20)]
    assert back.to_json() == chosen.to_json()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format": 2}, r"format: 2 is unknown, this is 1: choose anew"),
        ({"at": "soon"}, r"choice: cannot be read \(Invalid isoformat"),
        ({"more": 1}, r"choice: cannot be read \(.*'more'\): choose anew"),
        ({"scorer": {"kind": "Magic"}}, r"scorer: cannot be read \(KeyError\('Magic'\)\)"),
        ({"scorer": {"kind": "Average"}}, r"scorer: cannot be read \(KeyError\('parts'\)\)"),
        ({"scorer": None}, r"scorer: cannot be read"),
    ],
)
def test_broken_json(shop, change, message):
    """What `to_json` did not write is refused in one line."""
    stored = choose(shop[0], at="2024-03-01", horizon=8).to_json()
    with pytest.raises(InvalidInput, match=message):
        Chosen.from_json({**stored, **change})


def test_a_choice_is_not_used_earlier(shop):
    """The day of the fit is the first on which it may be used."""
    log, _ = shop
    with pytest.raises(InvalidInput, match=r"at: 2025-01-30 is before 2025-01-31, the day of the fit"):
        apply(fit_signals(log, at=AT, horizon=8), log, at="2025-01-30")


def test_signals_alone_say_so(shop):
    """A fit that nobody compared says that nothing was compared."""
    log, _ = shop
    found = apply(fit_signals(log, at=AT, horizon=8), log, at=AT)
    assert (found.chosen, found.table) == ("signals", None)
    assert found.verdict == "signals: as fitted, nothing was compared"


def test_sentences_at_the_ends(shop):
    """Nobody is given a chance of 0 % or 100 % in words."""
    found = attrs.evolve(score(shop[0], at=AT, horizon=8, models=QUICK), p_active=np.array([0.004, 0.996, 0.5]))
    assert [found.why(row).split("; ")[1 + ("one order" in found.why(row))][:9].strip() for row in range(3)] == [
        "under 1%",
        "over 99%",
        "50% likel",
    ]


ONCE = [(c, c % 280) for c in range(900)]
SHOPS = {
    "one-time buyers only": ONCE,
    "all identical": [(c, d) for c in range(600) for d in range(0, 300, 20)],
    "one customer with thousands of orders": [*ONCE, *((1_000, d) for d in range(300))] * 10,
    "everybody on two days": [(c, d) for c in range(600) for d in (0, 299)],
    "daily buyers beside strangers": ONCE + [(c, d) for c in range(50) for d in range(c, 300)],
}


@pytest.mark.parametrize("scale", [0.05, 1, 100])
@pytest.mark.parametrize("name", SHOPS)
def test_odd_shops(name, scale):
    """Whatever the shop and its pace, everybody gets a chance and a sentence, or the verdict says what is missing."""
    who, day = (np.array(column) for column in zip(*SHOPS[name], strict=True))
    log = OrderLog.of(who, START + (day * scale).astype("timedelta64[D]"), np.ones(len(who)))
    end = START + np.timedelta64(int(299 * scale), "D")
    for horizon in (1, 30, 2_000):
        found = score(log, at=str(end), horizon=horizon, unit="D")
        assert np.isfinite(found.p_active).all()
        assert ((found.p_active >= 0) & (found.p_active <= 1)).all()
        assert "%" in found.why(0)
        assert not np.isnat(found.next_order_on).any()


def test_the_order_of_the_rows_does_not_matter(shop):
    """The same orders in another order give the same choice and, up to rounding, the same chances."""
    log, activity = shop
    order = np.random.default_rng(8).permutation(len(log))
    other = OrderLog.of(log.ids[log.customer[order]], log.ordered_on[order], log.amount[order])
    one, two = (score(x, at=AT, horizon=8, activity=activity) for x in (log, other))
    assert one.chosen == two.chosen
    assert one.p_active == pytest.approx(two.p_active, rel=1e-6)


def test_text_ids_are_as_good(shop):
    """Ids as text, in the log or in the activity, change nothing but the order of the rows."""
    log, activity = shop
    text = OrderLog.of(np.array([f"c{i}" for i in log.ids])[log.customer], log.ordered_on, log.amount)
    visits = Activity.of(
        visits=([f"c{i}" for i in activity.visits.customer_id], activity.visits.day.view("datetime64[D]"))
    )
    one = score(log, at=AT, horizon=8, activity=activity, models=QUICK)
    two = score(text, at=AT, horizon=8, activity=visits, models=QUICK)
    assert dict(zip((f"c{i}" for i in one.customer_id), one.p_active, strict=True)) == pytest.approx(
        dict(zip(two.customer_id.tolist(), two.p_active, strict=True))
    )


def test_bad_questions(shop):
    """Day, horizon and names are checked at the door."""
    with pytest.raises(InvalidInput, match="horizon: -1 W is no whole number of days"):
        score(shop[0], at=AT, horizon=-1)
    with pytest.raises(InvalidInput, match="models: 'magic' is unknown"):
        choose(shop[0], at=AT, horizon=8, models=["magic"])


def test_an_empty_log():
    """No orders at all: no rows, and a verdict that says why."""
    found = score(OrderLog.of([], [], []), at=AT, horizon=8)
    assert len(found) == 0
    assert found.verdict == f"not enough data: 0 buyers, 500 needed; {FALLBACK}, is used"
