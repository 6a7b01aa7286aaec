"""Monitoring: drift is seen where it is, not where selection makes it; warnings are rare where nothing changed."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import facts, monitoring, rfm
from retention.errors import InvalidInput
from retention.monitoring import Activity, Drift
from retention.orders import OrderLog, summarize

START = np.datetime64("2025-01-01")
AT = datetime(2026, 3, 5, tzinfo=UTC)
columns = st.lists(st.integers(0, 30), min_size=2, max_size=60).map(lambda rows: np.array(rows, dtype=np.float64))


def message(call, *args, **options) -> str:
    """The one line with which the call refuses."""
    with pytest.raises(InvalidInput) as error:
        call(*args, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def has_no_numbers(found: Drift) -> bool:
    """Whether nothing but verdict and sentence is set."""
    return found == Drift(verdict="not enough data", why=found.why) and "not enough data: " in found.why


# ---------------------------------------------------------------- drift of a column


@given(columns, columns)
def test_drift_always_answers(before: np.ndarray, after: np.ndarray) -> None:
    """Whatever the columns: an interval around the estimate, PSI at least 0, cut-offs within the values."""
    found = monitoring.drift(before, after, needed=2)
    assert found.verdict in ("steady", "moved", "unclear")
    assert 0 <= found.lower <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.upper <= 1
    assert found.psi >= 0
    assert math.isfinite(found.psi_by_chance)
    assert set(found.cuts_before) <= set(before)
    assert set(found.cuts_after) <= set(after)


@given(columns, columns)
def test_drift_of_monotone_rescaling(before: np.ndarray, after: np.ndarray) -> None:
    """Only the order counts: in another currency, or as a logarithm, nothing but the cut-offs differs."""
    one = monitoring.drift(before, after, needed=2)
    other = monitoring.drift(np.log1p(before), np.log1p(after), needed=2)
    assert (one.verdict, one.why) == (other.verdict, other.why)


def test_the_same_column_is_steady() -> None:
    """Two draws from one shop are steady, with the cut-offs nearly where they were; 30 % more money has moved."""
    rng = np.random.default_rng(1)
    then, now = rng.gamma(2, 30, 5_000).round(2), rng.gamma(2, 30, 5_000).round(2)
    found = monitoring.drift(then, now, what="revenue")
    assert (found.verdict, found.why[:37]) == ("steady", "revenue: higher than before in 50.2 %")
    assert np.allclose(found.cuts_before, found.cuts_after, rtol=0.1)
    assert monitoring.drift(then, now * 1.3).verdict == "moved"


def test_few_customers_are_unclear() -> None:
    """A hundred customers can neither show nor exclude a shift of five points in a hundred."""
    rng = np.random.default_rng(2)
    assert monitoring.drift(rng.normal(size=100), rng.normal(size=100)).verdict == "unclear"


def test_a_change_of_shape_is_seen() -> None:
    """As many up as down: the chance of the higher value stays at one half, PSI sees that the middle emptied."""
    rng = np.random.default_rng(3)
    then, now = rng.normal(size=4_000), rng.normal(size=4_000) * 3
    found = monitoring.drift(then, now)
    assert found.lower < 0.5 < found.upper
    assert found.psi > 0.25
    assert found.verdict == "moved"


def test_frozen_cut_offs_are_what_is_compared() -> None:
    """With the cut-offs of RFM, the groups are RFM's; the new ones are what a fit by the later period would give."""
    rng = np.random.default_rng(4)
    count, later = rng.geometric(0.5, 2_000), rng.geometric(0.4, 2_000)
    cuts = rfm.fit(np.ones(2_000), count, np.ones(2_000))
    found = monitoring.drift(count, later, what="orders", cuts=cuts.orders)
    assert found.cuts_before == cuts.orders
    assert found.cuts_after == rfm.fit(np.ones(2_000), later, np.ones(2_000)).orders
    assert found.verdict == "moved"


@pytest.mark.parametrize("sizes, period, count", [((99, 500), "earlier", 99), ((500, 0), "later", 0)])
def test_too_few_for_a_number(sizes: tuple[int, int], period: str, count: int) -> None:
    """Below the needed number of customers there is a sentence and nothing that looks like a result."""
    found = monitoring.drift(*(np.arange(size) for size in sizes), what="revenue")
    assert has_no_numbers(found)
    assert found.why == f"revenue: not enough data: {count} customers in the {period} period, 100 needed"


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"before": [1, math.nan]}, "before: row 1 is nan, missing: leave the row out or fill it"),
        ({"after": [math.inf]}, "after: row 0 is inf, not a finite number"),
        ({"after": np.ones((2, 2))}, "after: has shape (2, 2): give one column of shape (n,)"),
        ({"cuts": [2, 2]}, "cuts: row 1 is 2.0, not above the cut-off before it"),
        ({"bins": 1}, "bins: 1: give a whole number from 2 to 100"),
        ({"needed": 1}, "needed: 1: give a whole number from 2 to 1000000000"),
        ({"needed": True}, "needed: True: give a whole number from 2 to 1000000000"),
        ({"tolerance": 0}, "tolerance: 0: give a number above 0, at most 0.5"),
        ({"tolerance": math.nan}, "tolerance: nan: give a number above 0, at most 0.5"),
        ({"level": 1}, "level: 1 leaves no interval: give a number between 0 and 1, .95 for example"),
    ],
)
def test_drift_of_bad_input(change, expected) -> None:
    """Bad columns and options are refused with column and row, or with the option and what it may be."""
    assert message(monitoring.drift, **{"before": [1, 2], "after": [1, 2], **change}) == expected


# ---------------------------------------------------------------- drift of gaps


def shop(usual_gaps: dict[int, float], *, customers: int, days: int, seed: int) -> OrderLog:
    """Customers with exponential gaps of this mean, which changes on the days given; all from the first day on."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        day = rng.uniform(0, 10)
        while day < days:
            rows.append((customer, int(day)))
            usual = usual_gaps[max(start for start in usual_gaps if start <= day)]
            day += 1 + rng.exponential(usual)
    who, when = np.transpose(rows)
    return OrderLog.of(who, START + when, np.ones(len(rows)))


PERIODS = {"before": ("2025-04-01", "2025-06-30"), "after": ("2025-10-01", "2025-12-31")}


def test_longer_gaps_are_seen() -> None:
    """Gaps of 30 days that become 45 have moved, by about the ratio; the sentence says in which direction."""
    found = monitoring.gap_drift(shop({0: 30, 270: 45}, customers=400, days=500, seed=1), **PERIODS)
    assert found.verdict == "moved"
    assert 1.2 < found.lower < found.estimate < found.upper < 1.55
    assert " % longer (" in found.why
    back = monitoring.gap_drift(shop({0: 45, 270: 30}, customers=400, days=500, seed=1), **PERIODS)
    assert back.verdict == "moved"
    assert back.upper < 1
    assert " % shorter (" in back.why


def test_a_young_log_does_not_look_like_drift() -> None:
    """Every customer is new in January and nothing ever changes: steady, though gaps that ended got ever longer."""
    log = shop({0: 60}, customers=1_500, days=500, seed=2)
    assert monitoring.gap_drift(log, before=("2025-01-01", "2025-02-28"), after=PERIODS["after"]).verdict == "steady"


def test_several_orders_of_a_day_are_one_and_refunds_none() -> None:
    """Doubled orders and refunds in between change no gap."""
    log = shop({0: 30}, customers=150, days=500, seed=3)
    ids, days = (
        np.tile(log.ids[log.customer], 3),
        np.concatenate([log.ordered_on, log.ordered_on, log.ordered_on + np.timedelta64(3, "D")]),
    )
    amount = np.repeat([5.0, 6.0, -1.0], len(log))
    assert monitoring.gap_drift(OrderLog.of(ids, days, amount), at=log.ordered_on.max(), **PERIODS) == (
        monitoring.gap_drift(log, **PERIODS)
    )


def test_orders_after_the_last_day_are_not_known() -> None:
    """As of a day, later orders change nothing."""
    log = shop({0: 30}, customers=150, days=600, seed=4)
    cut = log.ordered_on <= np.datetime64("2026-04-10")
    known = OrderLog.of(log.ids[log.customer[cut]], log.ordered_on[cut], log.amount[cut])
    assert monitoring.gap_drift(log, at="2026-04-10", **PERIODS) == monitoring.gap_drift(
        known, at="2026-04-10", **PERIODS
    )


def test_one_frequent_customer_is_not_many() -> None:
    """One customer with a quarter of all orders turns slow: for a shop of a hundred that is no drift, as it may be chance."""
    log = shop({0: 30}, customers=100, days=500, seed=5)
    one = START + np.append(np.arange(0, 270), np.arange(270, 500, 9))
    busy = OrderLog.of(
        np.append(log.ids[log.customer], np.full(len(one), 100)),
        np.append(log.ordered_on, one),
        np.ones(len(log) + len(one)),
    )
    found = monitoring.gap_drift(busy, needed=50, **PERIODS)
    assert found.verdict == "unclear"
    assert found.estimate > 1.3
    assert found.lower < 1


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"needed": 151}, "gaps: not enough data: 150 customers in the earlier period, 151 needed"),
        (
            {"before": ("2024-01-01", "2024-12-31")},
            "gaps: not enough data: 0 customers in the earlier period, 100 needed",
        ),
        (
            {"after": ("2026-01-01", "2026-05-01")},
            "gaps: not enough data: the log ends 15 days after 2026-05-01, 90 needed",
        ),
        ({"at": "2025-12-01"}, "gaps: not enough data: the log ends 0 days after 2025-12-31, 90 needed"),
    ],
)
def test_gaps_that_say_nothing(change, expected) -> None:
    """Too few customers, or a period whose gaps cannot be watched to their end yet: no number at all."""
    log = shop({0: 5}, customers=150, days=500, seed=6)
    found = monitoring.gap_drift(log, **{"at": "2026-05-16", **PERIODS, **change})
    assert has_no_numbers(found)
    assert found.why == expected


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"follow": 1}, "follow: 1: give a whole number from 2 to 3660"),
        ({"tolerance": 2}, "tolerance: 2: give a number above 0, at most 1"),
        ({"before": "2025"}, "before: '2025' is no period: give its first and its last day"),
        (
            {"before": ("2025-01-01", "soon")},
            "before: row 0 is 'soon', no date that can be read: give YYYY-MM-DD or YYYY-MM-DD HH:MM",
        ),
        (
            {"before": ("2025-04-01", "2025-10-01")},
            "before, after: 2025-04-01, 2025-10-01, 2025-10-01, 2025-12-31 do not follow one another: give first and last day of each period",
        ),
    ],
)
def test_gap_drift_of_bad_input(change, expected) -> None:
    """Options and periods that mean nothing are refused by name."""
    log = OrderLog.of([1], ["2025-01-01"], [1.0])
    assert message(monitoring.gap_drift, log, **{**PERIODS, **change}) == expected


def test_an_empty_log_has_no_last_day() -> None:
    """Without orders the last day must be said; then there is not enough data."""
    empty = OrderLog.of([], [], [])
    assert message(monitoring.gap_drift, empty, **PERIODS) == "log: no orders: say at=, the last day that it covers"
    assert has_no_numbers(monitoring.gap_drift(empty, at=date(2026, 12, 31), **PERIODS))


@pytest.mark.simulation
def test_steady_shops_are_not_called_moved() -> None:
    """Of 300 shops without any change about one interval in twenty excludes none, and hardly one is called moved."""
    found = [monitoring.gap_drift(shop({0: 40}, customers=200, days=500, seed=seed), **PERIODS) for seed in range(300)]
    covered = np.mean([drift.lower <= 1 <= drift.upper for drift in found])
    assert 0.92 < covered < 0.98
    assert np.mean([drift.verdict == "moved" for drift in found]) < 0.05
    assert np.mean([drift.psi > drift.psi_by_chance for drift in found]) < 0.05


@pytest.mark.shared_data
def test_cdnow_does_not_drift(shared_data: Path) -> None:
    """Gaps that ended doubled from spring to autumn, because all customers were new; gaps that began did not."""
    names = ["customer", "day", "items", "dollars"]
    rows = pd.read_csv(shared_data / "CDNOW_master.txt.gz", sep=r"\s+", skiprows=1, names=names, dtype={"day": str})
    log = OrderLog.of(rows["customer"], rows["day"], rows["dollars"])
    spring, autumn = ("1997-04-01", "1997-06-30"), ("1997-10-01", "1997-12-31")
    ended = [mean_of_ended_gaps(log, *period) for period in (spring, autumn)]
    assert np.round(ended, 1).tolist() == [46.8, 94.6]
    found = monitoring.gap_drift(log, before=spring, after=autumn)
    assert found.verdict == "unclear"  # 10 % shorter can just not be excluded
    assert (found.estimate, found.lower, found.upper) == pytest.approx((0.953, 0.903, 1.005), abs=5e-4)
    winter = monitoring.gap_drift(log, before=("1997-07-01", "1997-09-30"), after=("1998-01-01", "1998-03-31"))
    assert winter.verdict == "steady"


def mean_of_ended_gaps(log: OrderLog, first: str, last: str) -> float:
    """What a shop would compute that looks at gaps by the day of their end."""
    days = pd.DataFrame({"who": log.customer, "day": log.ordered_on}).drop_duplicates().sort_values(["who", "day"])
    gap = days.groupby("who")["day"].diff().dt.days
    return float(gap[days["day"].between(first, last)].mean())


# ---------------------------------------------------------------- early warnings


def activity(before, recent, *, days: int = 180, window: int = 30) -> Activity:
    """Days with something done, of windows that are alike for all."""
    size = len(before)
    return Activity.of(before, recent, chances_before=[days] * size, chances_recent=[window] * size)


def steady(size: int, seed: int, *, share: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Counts of customers who change nothing."""
    rng = np.random.default_rng(seed)
    return rng.binomial(180, share, size), rng.binomial(30, share, size)


def test_who_falls_is_named_and_who_does_not_is_not() -> None:
    """Of customers who visit every fifth day, those who stopped are named, and hardly anybody else."""
    before, recent = steady(2_000, 1)
    recent[:50] = 0
    ids = np.arange(2_000)
    result = monitoring.early_warnings(ids, ids + 10_000, visits=activity(before, recent))
    named = {int(warning.customer_id) for warning in result.found}
    assert set(range(50)) <= named
    assert len(named - set(range(50))) / 1_950 < 0.05
    assert {warning.status for warning in result.found} == {"visits_fell"}
    assert all(0 <= warning.chance <= 0.05 for warning in result.found)
    assert result.found[0].order_id == "10000"
    assert result.not_enough == {}


@given(st.integers(0, 10**6), st.sampled_from([0.02, 0.1, 0.4]), st.sampled_from([0.01, 0.05, 0.2]))
def test_false_alarms_stay_below_their_share(seed: int, share: float, at_most: float) -> None:
    """Where nothing changed no more than `at_most` are named, but for chance, however active the customers are."""
    ids = np.arange(1_000)
    result = monitoring.early_warnings(ids, ids, visits=activity(*steady(1_000, seed, share=share)), at_most=at_most)
    assert len(result.found) <= 1_000 * at_most + 4 * math.sqrt(1_000 * at_most)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 180))
def test_less_activity_is_never_less_alarming(recent: int, less: int, before: int) -> None:
    """Who is named stays named with even less activity, and the chance does not rise."""
    others, lately = steady(300, 2)
    chances = []
    for count in (recent, min(recent, less)):
        found = monitoring.early_warnings(
            np.arange(301), np.arange(301), visits=activity(np.append(others, before), np.append(lately, count))
        ).found
        chances.append(next((warning.chance for warning in found if warning.customer_id == "300"), 1.0))
    assert chances[1] <= chances[0] + 1e-3  # the shop's own fall, taken off, moves a little with each customer


def test_what_falls_for_everybody_warns_about_nobody() -> None:
    """Half of all visits missing, a holiday or half a tracker: nobody; none recorded: no judgement."""
    before, _ = steady(500, 3)
    ids = np.arange(500)
    assert monitoring.early_warnings(ids, ids, visits=activity(before, before // 12)).found == ()
    silent = monitoring.early_warnings(ids, ids, visits=activity(before, before * 0))
    assert silent.found == ()
    assert silent.not_enough == {
        "visits_fell": "not enough data: nobody was active lately, so perhaps it was not recorded"
    }


def test_a_rise_of_the_shop_is_not_held_against_anybody() -> None:
    """When others do twice as much, who does as much as ever is not named."""
    before = np.full(400, 36)
    recent = np.append(np.full(399, 12), 6)
    assert monitoring.early_warnings(np.arange(400), np.arange(400), visits=activity(before, recent)).found == ()


def test_kinds_of_activity_are_judged_apart() -> None:
    """Opens that stopped, opens that only fell, orders and visits: each has its own status and sentence."""
    size = 200
    ids = [f"c{number}" for number in range(size)]
    opens = Activity.of([20] * size, [4] * (size - 2) + [1, 0], chances_before=[30] * size, chances_recent=[8] * size)
    done = activity([60] * size, [10] * (size - 1) + [1])
    result = monitoring.early_warnings(ids, ids, orders=done, visits=done, opens=opens)
    assert [(warning.customer_id, warning.status) for warning in result.found] == [
        ("c199", "orders_fell"),
        ("c199", "visits_fell"),
        ("c199", "opens_stopped"),
    ]
    assert [warning.why for warning in result.found] == [
        "ordered on 1 of the last 30 days, as a rule on 10.0",
        "visited on 1 of the last 30 days, as a rule on 10.0",
        "opened none of the last 8 letters, as a rule 5.3 (opens are unreliable)",
    ]
    assert monitoring.early_warnings(ids, ids) == monitoring.EarlyWarnings((), {})


def test_new_customers_are_not_looked_at() -> None:
    """Who is known for less than twice the recent window is not judged, and does not count as data."""
    ids = np.arange(150)
    young = Activity.of([20] * 150, [0] * 149 + [3], chances_before=[29] * 150, chances_recent=[30] * 150)
    assert monitoring.early_warnings(ids, ids, visits=young).not_enough == {
        "visits_fell": "not enough data: 0 customers were active before, 100 needed"
    }


def test_twice_is_once() -> None:
    """The same warning at two looks is one fact by its id; a new order makes a new one; facts survive JSON."""
    before, recent = steady(300, 4)
    recent[0] = 0
    ids = np.arange(300)
    looks = [monitoring.early_warnings(ids, ids, visits=activity(before, recent + more)).found for more in (0, 0)]
    first, second = (monitoring.as_facts(found, at=AT + timedelta(days=day)) for day, found in enumerate(looks))
    assert [fact.id for fact in first] == [fact.id for fact in second]
    assert first[0].id == "visits_fell/0"
    assert (first[0].kind, first[0].key, first[0].at) == ("warning", "0", AT)
    assert facts.from_json(facts.to_json(first[0])) == first[0]
    ordered = monitoring.early_warnings(ids, ids + 300, visits=activity(before, recent)).found
    assert not {fact.id for fact in first} & {fact.id for fact in monitoring.as_facts(ordered, at=AT)}
    assert message(monitoring.as_facts, looks[0], at=AT.replace(tzinfo=None)).startswith("at: ")


# ---------------------------------------------------------------- counting days


def later(days: int) -> np.datetime64:
    return START + np.timedelta64(days, "D")


rows = st.lists(st.tuples(st.sampled_from(["1", "2", "3"]), st.integers(0, 120)), max_size=40)


@given(rows, st.integers(0, 60), st.integers(1, 30), st.integers(1, 60))
def test_active_days_by_hand(events: list[tuple[str, int]], since: int, recent: int, usual: int) -> None:
    """Distinct days per customer and window, after the day they are known from; others' rows are left out."""
    found = monitoring.active_days(
        [who for who, _ in events],
        [str(later(day)) for _, day in events],
        ids=[2, 1],
        since=[later(since), START],
        at=later(100),
        recent=recent,
        usual=usual,
    )
    for row, (who, known) in enumerate((("2", since), ("1", 0))):
        days = {day for other, day in events if other == who and day > known}
        assert found.recent[row] == len([day for day in days if 100 - recent < day <= 100])
        assert found.before[row] == len([day for day in days if 100 - recent - usual < day <= 100 - recent])
        assert found.chances_recent[row] == min(recent, 100 - known)
        assert found.chances_before[row] == min(usual, max(100 - known - recent, 0))
    assert (found.before <= found.chances_before).all()
    assert (found.recent <= found.chances_recent).all()


def test_active_days_of_an_order_log() -> None:
    """Orders come from the log itself: the first day of each customer is how they came in."""
    log = OrderLog.of([7, 7, 7, 9], ["2025-01-01", "2025-05-20", "2025-06-20", "2025-06-01"], [1.0] * 4)
    s = summarize(log, at="2025-06-30")
    found = monitoring.active_days(
        log.ids[log.customer], log.ordered_on, ids=s.customer_id, since=s.first_ordered_at, at=s.at
    )
    assert (found.before.tolist(), found.recent.tolist()) == ([1, 0], [1, 0])


def test_active_days_in_the_shops_zone() -> None:
    """A visit at 23:30 UTC is the next day's in Moscow."""
    visit = {"customer_id": ["a"], "happened_at": ["2025-06-30T23:30+00:00"], "ids": ["a"], "since": ["2025-01-01"]}
    assert monitoring.active_days(**visit, at="2025-06-30", timezone="UTC").recent.tolist() == [1]
    assert monitoring.active_days(**visit, at="2025-06-30", timezone="Europe/Moscow").recent.tolist() == [0]


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"ids": ["a", "a"], "since": ["2025-01-01"] * 2}, "ids: row 0 is 'a', there twice: give each customer once"),
        ({"since": []}, "ids has 1 rows but since has 0: give one value per row in each"),
        ({"happened_at": []}, "customer_id has 1 rows but happened_at has 0: give one value per row in each"),
        ({"customer_id": [None]}, "customer_id: row 0 is None, missing: leave the row out or give it an id"),
        ({"recent": 0}, "recent: 0: give a whole number from 1 to 3660"),
        ({"usual": 1.5}, "usual: 1.5: give a whole number from 1 to 3660"),
    ],
)
def test_active_days_of_bad_input(change, expected) -> None:
    """Bad columns and windows are refused with column and row."""
    fine = {
        "customer_id": ["a"],
        "happened_at": ["2025-05-01"],
        "ids": ["a"],
        "since": ["2025-01-01"],
        "at": "2025-06-30",
    }
    assert message(monitoring.active_days, **{**fine, **change}) == expected


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"before": [-1]}, "before: row 0 is -1, below 0"),
        ({"recent": [9]}, "recent: row 0 is 9, more than chances_recent"),
        ({"chances_before": [1, 2]}, "before has 1 rows but chances_before has 2: give one value per row in each"),
    ],
)
def test_bad_activity(change, expected) -> None:
    """Counts that cannot be are refused."""
    fine = {"before": [1], "recent": [1], "chances_before": [9], "chances_recent": [8]}
    assert message(Activity.of, **{**fine, **change}) == expected


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"order_id": []}, "customer_id has 2 rows but order_id has 0: give one value per row in each"),
        ({"visits": activity([1], [1])}, "customer_id has 2 rows but visits has 1: give one value per row in each"),
        ({"at_most": 1}, "at_most: 1: give a share between 0 and 1, .05 for example"),
        ({"needed": 0}, "needed: 0: give a whole number from 1 to 1000000000"),
    ],
)
def test_warnings_of_bad_input(change, expected) -> None:
    """Columns that do not fit each other and options that mean nothing are refused."""
    assert message(monitoring.early_warnings, **{"customer_id": ["a", "b"], "order_id": [1, 2], **change}) == expected


# ------------------------------------------------------------- weak spots


def test_weak_spots_name_what_differs():
    """Each measure by itself, worst first, with the interval of the difference beside it."""
    found = monitoring.weak_spots(
        ["a", "b", "c"], [2_000, 2_000, 2_000], [0, 30, 0], [10, 12, 90], [400, 410, 390], level=0.95
    )
    assert [(spot.letter, spot.what) for spot in found] == [("c", "unsubscribes"), ("b", "complaints")]
    assert all(spot.lower > 0 for spot in found)
    assert found[0].rate == 0.045
    assert found[0].others == pytest.approx(22 / 4_000)
    assert "tone" in found[0].advice


def test_few_letters_are_not_judged():
    """Below the number needed, and where there is nothing to compare with."""
    assert monitoring.weak_spots(["a", "b"], [99, 5_000], [90, 0], [0, 0], [0, 0]) == ()
    assert monitoring.weak_spots(["a"], [5_000], [900], [0], [0]) == ()


def test_a_letter_is_judged_among_those_of_its_journey():
    """A journey whose readers click less is no weak spot; its one letter that annoys is, and says what to test."""
    names, journeys = ["a1", "a2", "b1", "b2"], ["a", "a", "b", "b"]
    columns = [1_000] * 4, [0, 0, 0, 30], [5] * 4, [300, 310, 100, 90]
    (spot,) = monitoring.weak_spots(names, *columns, journeys=journeys)
    assert (spot.letter, spot.journey, spot.what, spot.others) == ("b2", "b", "complaints", 0.0)
    assert spot.sentence == (
        "b2: complaints 3.0% of 1000 letters, 0.0% of its neighbours (2.0 to 4.3 points more); "
        "suggestion: test it against one with less pressure, or without it"
    )
    assert {spot.letter for spot in monitoring.weak_spots(names, *columns)} > {"b2"}


def test_why_a_letter_is_not_judged():
    """Alone, sent too rarely, or beside neighbours sent too rarely; all others are judged."""
    sent, journeys = [500, 99, 5_000, 200, 100], ["a", "a", "b", "c", "c"]
    found = monitoring.unjudged(sent, journeys=journeys)
    few = "its neighbours were sent fewer than 100 times"
    assert found == (few, "sent fewer than 100 times", "alone in its journey", "", "")
    assert monitoring.unjudged(sent) == ("", "sent fewer than 100 times", "", "", "")
    assert monitoring.unjudged([]) == ()
    for row in range(3):
        bad = [sent[n] if n == row else 0 for n in range(5)]
        assert monitoring.weak_spots("vwxyz", sent, bad, bad, [0] * 5, journeys=journeys) == ()


@st.composite
def mailings(draw) -> list[tuple[str, str, int, int, int, int]]:
    """Letters of some journeys: name, journey, sent, complaints, unsubscribes, clicks."""
    rows = []
    for n in range(draw(st.integers(1, 7))):
        sent = draw(st.sampled_from([0, 60, 120, 400]))
        counts = [draw(st.integers(0, sent)) for _ in range(3)]
        rows.append((f"letter{n}", draw(st.sampled_from("ab")), sent, *counts))
    return rows


def spots_of(rows) -> tuple[monitoring.WeakSpot, ...]:
    """The weak spots of letters as `mailings` draws them."""
    letters, journeys, *columns = zip(*rows, strict=True)
    return monitoring.weak_spots(letters, *columns, journeys=journeys)


@given(mailings())
def test_other_journeys_matter_only_through_the_correction(rows):
    """Alone, a journey has the same spots with the same numbers, and those that only the further looks took away."""
    together = spots_of(rows)
    for journey in {row[1] for row in rows}:
        alone = spots_of([row for row in rows if row[1] == journey])
        assert {spot for spot in together if spot.journey == journey} <= set(alone)
    nobody = [(f"x{n}", "c", 99, 99, 99, 0) for n in range(2)]  # not judged, so they are no looks
    assert spots_of(rows + nobody) == together


@given(mailings(), st.randoms())
def test_the_order_of_letters_changes_nothing(rows, chance):
    """Shuffled, the same spots in the same order, and each letter is left out for the same reason."""
    shuffled = chance.sample(rows, len(rows))
    assert spots_of(shuffled) == spots_of(rows)
    why = [
        dict(zip((row[0] for row in some), monitoring.unjudged(sent, journeys=journeys), strict=True))
        for some in (rows, shuffled)
        for _, journeys, sent, *_ in [tuple(zip(*some, strict=True))]
    ]
    assert why[0] == why[1]


@pytest.mark.parametrize("journeys", [None, "aaabbbbb", "aabbccdd"])
def test_equal_letters_are_rarely_blamed(journeys):
    """Of many shops in which the letters of a journey are alike, at most one in twenty names any."""
    rng = np.random.default_rng(1)
    n, times = np.full(8, 500), 1 if journeys is None else np.array([1 + ord(name) - ord("a") for name in journeys])
    blamed = 0
    for _ in range(400):
        counts = [rng.binomial(n, share * times) for share in (0.004, 0.02, 0.2)]
        blamed += bool(monitoring.weak_spots(list("abcdefgh"), n, *counts, journeys=journeys))
    assert blamed / 400 <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5


def test_weak_spots_refuse_impossible_counts():
    """More of something than were sent, and names that do not fit."""
    with pytest.raises(InvalidInput, match="complaints: row 1 is 3, more than were sent"):
        monitoring.weak_spots(["a", "b"], [2, 2], [0, 3], [0, 0], [0, 0])
    with pytest.raises(InvalidInput, match="letters: 1 names for 2 rows"):
        monitoring.weak_spots(["a"], [2, 2], [0, 0], [0, 0], [0, 0])
    with pytest.raises(InvalidInput, match="journeys: 1 names for 2 rows: give one each"):
        monitoring.weak_spots(["a", "b"], [2, 2], [0, 0], [0, 0], [0, 0], journeys=["a"])
