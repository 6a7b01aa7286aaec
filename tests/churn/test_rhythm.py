"""A customer's rhythm: between their own and the shop's, honest about thin data, with a reason for everybody."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.churn import Rhythm, rhythm
from retention.errors import InvalidInput
from retention.orders import CustomerSummary, OrderLog, summarize

START = np.datetime64("2020-01-01")


def shop(days_of: dict[Any, list[int]], *, at: int, unit: str = "D") -> CustomerSummary:
    """The summary of customers who ordered on these days, at the end of the day `at`."""
    rows = [(customer, START + np.timedelta64(day, "D")) for customer, days in days_of.items() for day in days]
    customer_id, ordered_at = zip(*rows, strict=True)
    log = OrderLog.of(customer_id=list(customer_id), ordered_at=np.array(ordered_at), amount=np.ones(len(rows)))
    return summarize(log, at=str(START + np.timedelta64(at, "D")), unit=unit)


order_days = st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True)
shops = st.lists(order_days, min_size=1, max_size=12).map(lambda rows: dict(enumerate(rows)))


@given(shops, st.integers(400, 900))
def test_everybody_has_a_rhythm(days_of: dict[int, list[int]], at: int) -> None:
    """No NaN anywhere, gaps above 0, a state, a date and a sentence for each customer, whatever the shop."""
    s = shop(days_of, at=at)
    found = rhythm(s)
    assert len(found) == len(days_of)
    assert np.isfinite(found.usual_gap).all()
    assert (found.usual_gap > 0).all()
    assert np.isfinite(found.overdue).all()
    assert set(found.state) <= {"active", "cooling", "asleep", "lost"}
    assert not np.isnat(found.asleep_since).any()
    assert found.repeat_buyers == sum(len(days) > 1 for days in days_of.values())
    for row in range(len(found)):
        assert re.fullmatch(r"(orders every|one order so far; ).*, (silent for [1-9]\d*|ordered today)", found.why(row))


@given(shops)
def test_the_usual_gap_lies_between(days_of: dict[int, list[int]]) -> None:
    """Shrunk gaps lie between the customer's own mean gap and the shop's; one-time buyers have the shop's."""
    s = shop(days_of, at=401)
    found = rhythm(s)
    once = s.frequency == 0
    assert (found.usual_gap[once] == found.shop_gap).all()
    own = s.mean_gap[~once]
    assert (found.usual_gap[~once] >= np.minimum(own, found.shop_gap) * (1 - 1e-9)).all()
    assert (found.usual_gap[~once] <= np.maximum(own, found.shop_gap) * (1 + 1e-9)).all()


@given(shops, st.sampled_from([2, 7, 30]))
def test_scaling_time_scales_gaps(days_of: dict[int, list[int]], by: int) -> None:
    """A shop whose days are seven times as long has gaps seven times as long, and nobody is more overdue."""
    slow = {customer: [by * day for day in days] for customer, days in days_of.items()}
    one, other = rhythm(shop(days_of, at=500)), rhythm(shop(slow, at=500 * by))
    if one.repeat_buyers:
        assert other.shop_gap == pytest.approx(by * one.shop_gap, rel=1e-9)
        assert np.allclose(other.usual_gap, by * one.usual_gap, rtol=1e-9)
        assert np.allclose(other.overdue, one.overdue, rtol=1e-9)


@given(shops, st.integers(400, 800), st.integers(1, 300))
def test_silence_only_makes_it_worse(days_of: dict[int, list[int]], at: int, later: int) -> None:
    """As time passes without orders everybody is more overdue and no state improves; the usual gap stays."""
    rank = {"active": 0, "cooling": 1, "asleep": 2, "lost": 3}
    now, then = rhythm(shop(days_of, at=at)), rhythm(shop(days_of, at=at + later))
    assert (now.usual_gap == then.usual_gap).all()
    assert (now.overdue < then.overdue).all()
    assert all(rank[a] <= rank[b] for a, b in zip(now.state, then.state, strict=True))
    assert (now.asleep_since == then.asleep_since).all()


@given(shops, st.integers(400, 900))
def test_asleep_since_is_the_day_it_happens(days_of: dict[int, list[int]], at: int) -> None:
    """Asleep or lost is who has passed that day, and on the day before they were neither."""
    s = shop(days_of, at=at)
    found = rhythm(s)
    assert ((found.asleep_since <= np.datetime64(s.at)) == np.isin(found.state, ["asleep", "lost"])).all()
    for row, day in enumerate(found.asleep_since):
        since = int((day - START).astype(int))
        own_last = max(days_of[row])
        if since - 1 >= max(max(days) for days in days_of.values()):
            assert rhythm(shop(days_of, at=since)).state[row] == "asleep"
            assert rhythm(shop(days_of, at=since - 1)).state[row] in {"active", "cooling"}
        assert since > own_last


@given(shops)
def test_the_unit_of_the_summary_does_not_matter(days_of: dict[int, list[int]]) -> None:
    """A summary in weeks has the same rhythm, in days."""
    days, weeks = (rhythm(shop(days_of, at=450, unit=unit)) for unit in ("D", "W"))
    assert (days.usual_gap == weeks.usual_gap).all()
    assert (days.state == weeks.state).all()


@pytest.mark.parametrize(
    "silence, state",
    [(0, "active"), (14, "active"), (15, "cooling"), (24, "cooling"), (25, "asleep"), (59, "asleep"), (60, "lost")],
)
def test_the_thresholds_are_met_on_their_day(silence: int, state: str) -> None:
    """A state begins on the first day that is so many usual gaps away, not a rounding later."""
    s = shop({c: list(range(0, 101, 10)) for c in range(3)}, at=100 + silence)
    found = rhythm(s)
    assert found.usual_gap == pytest.approx([10.0] * 3)
    assert found.state.tolist() == [state] * 3
    assert found.overdue == pytest.approx([silence / 10] * 3)


def test_the_thresholds_are_the_callers() -> None:
    """Other multiples move the borders and the day."""
    s = shop({1: [0, 10, 20]}, at=45)
    found = rhythm(s, cooling=1, asleep=2, lost=2.5)
    assert found.state.tolist() == ["lost"]
    assert found.asleep_since.tolist() == [(START + np.timedelta64(40, "D")).item()]


def test_the_sentences() -> None:
    """The reasons as a shop's staff read them."""
    s = shop({"a": [0, 23, 46], "b": [50], "c": [107]}, at=107)
    found = rhythm(s)
    assert [found.why(row) for row in range(3)] == [
        "orders every 23 days as a rule, silent for 61",
        "one order so far; customers here reorder after 23 days as a rule, silent for 57",
        "one order so far; customers here reorder after 23 days as a rule, ordered today",
    ]
    daily = rhythm(shop({"a": list(range(9)), "b": [1]}, at=9))
    assert daily.why(0) == "orders every day as a rule, silent for 1"
    assert daily.why(1) == "one order so far; customers here reorder after 1 day as a rule, silent for 8"


def test_a_shop_without_repeat_buyers() -> None:
    """Nobody has reordered: a stated gap is taken, and both record and sentence say that it is an assumption."""
    s = shop({1: [0], 2: [30]}, at=40)
    found = rhythm(s)
    assert (found.repeat_buyers, found.shop_gap) == (0, 30.0)
    assert found.usual_gap.tolist() == [30.0, 30.0]
    assert found.why(0) == "one order so far; nobody here has reordered yet, 30 days are assumed, silent for 40"
    assert rhythm(s, default_gap=14).state.tolist() == ["asleep", "active"]


def test_a_shop_with_one_repeat_buyer() -> None:
    """The only gap there is is everybody's."""
    found = rhythm(shop({1: [0, 12], 2: [30]}, at=40))
    assert found.usual_gap == pytest.approx([12.0, 12.0])
    assert found.repeat_buyers == 1


def test_an_empty_shop() -> None:
    """No customers, no rows, no error."""
    found = rhythm(shop({1: [5]}, at=4))
    assert len(found) == 0
    assert repr(found) == "Rhythm(0 customers: 0 active, 0 cooling, 0 asleep, 0 lost; shop_gap=30.0)"


def test_a_rhythm_cannot_be_changed() -> None:
    """The record is frozen."""
    found = rhythm(shop({1: [5]}, at=9))
    assert isinstance(found, Rhythm)
    with pytest.raises(AttributeError):
        found.shop_gap = 3.0


@pytest.mark.parametrize(
    "options, said",
    [
        ({"asleep": 0}, "asleep: 0: give a number of usual gaps above 0, at most 1000"),
        ({"cooling": float("nan")}, "cooling: nan"),
        ({"lost": float("inf")}, "lost: inf"),
        ({"asleep": 1.5}, "cooling=1.5, asleep=1.5, lost=6: the states follow one another"),
        ({"lost": 2}, "cooling=1.5, asleep=2.5, lost=2: the states"),
        ({"default_gap": 0.5}, "default_gap: 0.5: give 1 to 1000 days"),
    ],
)
def test_bad_options_are_named(options: dict[str, float], said: str) -> None:
    """The message names the option and its value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        rhythm(shop({1: [5]}, at=9), **options)


def cdnow(folder: Path) -> pd.DataFrame:
    names = ["customer", "day", "items", "dollars"]
    rows = pd.read_csv(folder / "CDNOW_master.txt.gz", sep=r"\s+", skiprows=1, names=names, dtype={"day": str})
    return rows.assign(day=pd.to_datetime(rows["day"], format="%Y%m%d")).drop_duplicates(["customer", "day"])


def log_of(rows: pd.DataFrame) -> OrderLog:
    return OrderLog.of(rows["customer"].to_numpy(), rows["day"].to_numpy("M8[D]"), np.ones(len(rows)))


@pytest.mark.shared_data
def test_what_the_states_mean_on_cdnow(shared_data: Path) -> None:
    """The shares printed in the docstring: who orders again within 13 weeks, by state."""
    rows = cdnow(shared_data)
    s = summarize(log_of(rows), at="1997-06-30")
    found = rhythm(s)
    end = pd.Timestamp(s.at) + timedelta(days=91)
    back = np.isin(s.customer_id, rows["customer"][(rows["day"] > pd.Timestamp(s.at)) & (rows["day"] <= end)])

    def shares(who: np.ndarray) -> list[float]:
        masks = [who & (found.state == state) for state in ("active", "cooling", "asleep", "lost")]
        return [round(float(back[mask].mean()), 3) for mask in masks if mask.any()]

    assert shares(s.frequency >= 0) == [0.495, 0.327, 0.125, 0.094]
    assert shares(s.frequency == 0) == [0.095, 0.070]
    assert shares(s.frequency >= 3) == [0.687, 0.493, 0.431, 0.25]


@pytest.mark.shared_data
def test_how_well_the_last_gap_is_predicted_on_cdnow(shared_data: Path) -> None:
    """The figures printed in the module's docstring: mean log likelihood of each customer's last gap in training."""
    rows = cdnow(shared_data)
    rows = rows[rows["day"] <= "1997-09-30"].sort_values(["customer", "day"])
    known = summarize(log_of(rows[rows.duplicated("customer", keep="last")]), at="1997-09-30")
    found, judged = rhythm(known), known.frequency > 0
    last = summarize(log_of(rows), at="1997-09-30").select(known.customer_id).last_ordered_at
    gap = (last - known.last_ordered_at).astype(float)

    def score(usual: np.ndarray) -> float:
        return round(float(np.mean(-np.log(usual[judged]) - gap[judged] / usual[judged])), 3)

    shop = np.full(len(known), found.shop_gap)
    assert [score(known.mean_gap), score(shop), score(found.usual_gap)] == [-6.916, -5.241, -5.335]
