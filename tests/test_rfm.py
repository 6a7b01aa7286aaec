"""RFM: equal values in equal bins, both ends kept, cut-offs that can be used again, and a table that covers all."""

from __future__ import annotations

import json
import math
from pathlib import Path

import attrs
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import orders, rfm
from retention.errors import InvalidInput
from retention.rfm import CutOffs, SegmentTable

customers = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 6), st.integers(-5, 40).map(lambda units: units / 4)),
    min_size=1,
    max_size=40,
)
numbers = st.integers(2, 9)


def columns(rows: list[tuple[int, int, float]]) -> list[np.ndarray]:
    """Days, orders and revenue of rows."""
    return [np.array(column) for column in zip(*rows, strict=True)]


def message(call, *args, **options) -> str:
    """The one line with which the call refuses."""
    with pytest.raises(InvalidInput) as error:
        call(*args, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- laws


@given(customers, numbers)
def test_scores_follow_the_values(rows: list[tuple[int, int, float]], bins: int) -> None:
    """Equal values score equally; fewer days, more orders and more revenue never score lower."""
    given_columns = columns(rows)
    scores = rfm.score(rfm.fit(*given_columns, bins=bins), *given_columns)
    assert (scores.shape, scores.dtype) == ((len(rows), 3), np.int8)
    for score, column, better in zip(scores.T, given_columns, (-1, 1, 1), strict=True):
        order = np.argsort(better * column, kind="stable")
        steps, rises = np.diff(score[order].astype(int)), np.diff(better * column[order])
        assert (steps >= 0).all()
        assert (steps[rises == 0] == 0).all()


@given(customers, numbers)
def test_both_ends_are_kept(rows: list[tuple[int, int, float]], bins: int) -> None:
    """The best value scores `bins`, the worst 1; a column of one value scores the middle; at most `bins` scores."""
    given_columns = columns(rows)
    scores = rfm.score(rfm.fit(*given_columns, bins=bins), *given_columns)
    for score, column in zip(scores.T, given_columns, strict=True):
        ends = (1, bins) if len(set(column.tolist())) > 1 else ((bins + 1) // 2,) * 2
        assert (score.min(), score.max()) == ends


@given(customers, numbers)
def test_monotone_rescaling_changes_nothing(rows: list[tuple[int, int, float]], bins: int) -> None:
    """Another currency, hours for days, a logarithm or a cube: the same scores, because only the order counts."""
    days, count, revenue = columns(rows)
    scores = rfm.score(rfm.fit(days, count, revenue, bins=bins), days, count, revenue)
    scaled = [days * 24.0, np.log(count), revenue**3 / 7]
    assert (rfm.score(rfm.fit(*scaled, bins=bins), *scaled) == scores).all()


@given(customers, st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(rows: list[tuple[int, int, float]], random) -> None:
    """Shuffled customers give the same cut-offs."""
    shuffled = random.sample(rows, len(rows))
    assert rfm.fit(*columns(shuffled)) == rfm.fit(*columns(rows))


@given(customers, numbers)
def test_cut_offs_survive_json(rows: list[tuple[int, int, float]], bins: int) -> None:
    """Through JSON text and back nothing changes, so next month's scores mean the same."""
    cuts = rfm.fit(*columns(rows), bins=bins)
    again = rfm.from_json(json.loads(json.dumps(rfm.to_json(cuts))))
    assert again == cuts
    assert hash(again) == hash(cuts)


@given(customers)
def test_every_customer_has_one_segment(rows: list[tuple[int, int, float]]) -> None:
    """Each combination of scores has a name of the table."""
    given_columns = columns(rows)
    names = rfm.segment(rfm.score(rfm.fit(*given_columns), *given_columns))
    assert len(names) == len(rows)
    assert set(names.tolist()) <= set(rfm.DEFAULT.names)


# ---------------------------------------------------------------- what ties leave


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param([7] * 6, [3] * 6, id="one value: the middle"),
        pytest.param([1, 1, 1, 1, 1, 9], [1, 1, 1, 1, 1, 5], id="two: both ends"),
        pytest.param([1, 9, 9, 9, 9, 9], [1, 5, 5, 5, 5, 5], id="two, the other way round"),
        pytest.param([1, 1, 2, 2, 3, 3], [1, 1, 3, 3, 5, 5], id="three: 1 3 5"),
        pytest.param([1, 1, 2, 2, 3, 3, 4, 4], [1, 1, 2, 2, 4, 4, 5, 5], id="four: 1 2 4 5"),
        pytest.param([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], id="five"),
    ],
)
def test_fewer_groups_than_bins(values: list[int], expected: list[int]) -> None:
    """Ties leave fewer groups; their scores are spread between the ends, in either direction."""
    cuts = rfm.fit(values, values, values)
    assert rfm.score(cuts, values, values, values)[:, 1:].tolist() == [[number, number] for number in expected]
    assert rfm.score(cuts, values, values, values)[:, 0].tolist() == [6 - number for number in expected]


def test_values_beyond_what_was_seen() -> None:
    """Frozen cut-offs score any customer: beyond them is the outermost group, between two values the upper one."""
    cuts = CutOffs(5, days_since_last=[30, 90], orders=[1, 2, 3, 5], revenue=[])
    assert rfm.score(cuts, [10_000, 0, 30, 31], [99, 1, 4, 5], [-1, 0, 1, 2]).tolist() == [
        [1, 5, 3],
        [5, 1, 3],
        [5, 4, 3],
        [3, 4, 3],
    ]


def test_no_customers_have_no_scores() -> None:
    """Nobody to score is no error; nobody to fit on is."""
    cuts = rfm.fit([1], [1], [1])
    assert rfm.score(cuts, [], [], []).shape == (0, 3)
    assert rfm.segment(np.empty((0, 3), dtype=np.int8)).tolist() == []
    assert message(rfm.fit, [], [], []) == "days_since_last: no customers: cut-offs need at least one"


# ---------------------------------------------------------------- a table of one's own


def test_a_table_of_ones_own() -> None:
    """A host names its own segments, for its own number of bins."""
    table = SegmentTable.of({"new": "2 1 *", "regular": ["2 2 *"], "gone": ["1 1 *", "1 2 12"]}, bins=2)
    assert rfm.segment([[2, 1, 1], [1, 2, 2], [2, 2, 1]], table=table).tolist() == ["new", "gone", "regular"]


def test_the_default_table_reads_as_it_should() -> None:
    """One purchase just now is new, many long ago cannot be lost, and money tells apart only who orders often."""
    scores = {
        (5, 1, 5): "new",
        (1, 5, 5): "cannot lose",
        (2, 4, 1): "at risk",
        (5, 5, 1): "loyal",
        (1, 1, 5): "hibernating",
    }
    assert {cell: str(rfm.segment([cell])[0]) for cell in scores} == scores


@pytest.mark.parametrize(
    "segments, bins, expected",
    [
        ({"a": "* * *", "b": "5 1 *"}, 5, "table: a and b both have 5 1 1: leave it to one of them"),
        ({"a": "1234 * *"}, 5, "table: no segment has 5 1 1 (25 such of 125): add a pattern"),
        ({}, 2, "table: no segment has 1 1 1 (8 such of 8): add a pattern"),
        ({"a": "* *"}, 5, "table: a: '* *' is no pattern: give three words such as '45 1 *', scores 1 to 5"),
        ({"a": ["6 * *"]}, 5, "table: a: '6 * *' is no pattern: give three words such as '45 1 *', scores 1 to 5"),
        ({"a": [5]}, 5, "table: a: 5 is no pattern: give three words such as '45 1 *', scores 1 to 5"),
        ({"": "* * *"}, 5, "table: the id is empty; give text or a whole number"),
        ({"a": "* * *"}, 10, "bins: 10: give a whole number from 2 to 9"),
    ],
)
def test_tables_that_cannot_work(segments, bins, expected) -> None:
    """Two names for one combination, none, and a pattern that cannot be read are refused when the table is made."""
    assert message(SegmentTable.of, segments, bins=bins) == expected


def test_a_segment_may_repeat_itself() -> None:
    """Patterns of one segment may overlap: they mean the same."""
    assert SegmentTable.of({"all": ["* * *", "5 5 5"]}) == SegmentTable.of({"all": "* * *"})


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "days, count, revenue, expected",
    [
        ([1, math.nan], [1, 1], [1, 1], "days_since_last: row 1 is nan, missing: leave the row out or fill it"),
        ([1, -1], [1, 1], [1, 1], "days_since_last: row 1 is -1.0, below 0"),
        ([1, 1], [1, -2], [1, 1], "orders: row 1 is -2.0, below 0"),
        ([1, 1], [1, 1], [math.inf, 1], "revenue: row 0 is inf, not a finite number"),
        ([1, 1], [1], [1, 1], "days_since_last has 2 rows but orders has 1: give one value per row in each"),
        (np.ones((1, 1)), [1], [1], "days_since_last: has shape (1, 1): give one column of shape (n,)"),
        ([1], ["x"], [1], "orders: <U1 is no number: convert the column first"),
        ([1], [1], [None], "revenue: row 0 is nan, missing: leave the row out or fill it"),
    ],
)
def test_bad_columns(days, count, revenue, expected) -> None:
    """Fit and score refuse the same columns in the same words, with column and row."""
    assert message(rfm.fit, days, count, revenue) == expected
    assert message(rfm.score, rfm.fit([1], [1], [1]), days, count, revenue) == expected


@pytest.mark.parametrize("bins", [1, 10, 2.0, True, None, "5"])
def test_bad_bins(bins) -> None:
    """Fewer than two bins part nobody, more than nine do not fit a pattern's digits."""
    assert message(rfm.fit, [1], [1], [1], bins=bins) == f"bins: {bins!r}: give a whole number from 2 to 9"


@pytest.mark.parametrize(
    "scores, expected",
    [
        ([[1, 1]], "scores: has shape (1, 2): give (n, 3), as rfm.score returns it"),
        ([1, 1, 1], "scores: has shape (3,): give (n, 3), as rfm.score returns it"),
        ([[1, 1, 1], [1, 6, 1]], "score of orders: row 1 is 6, above 5"),
        ([[0, 1, 1]], "score of days_since_last: row 0 is 0, below 1"),
        ([[1, 1, 1.5]], "score of revenue: row 0 is 1.5, not a whole number"),
    ],
)
def test_bad_scores(scores, expected) -> None:
    """What `score` cannot have returned is refused with column and row."""
    assert message(rfm.segment, scores) == expected


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"format": 2}, "format: 2 is unknown, this version reads up to 1; update the library"),
        ({"format": None}, "format: None is unknown, this version reads up to 1; update the library"),
        (
            {"mood": []},
            "cut-offs: CutOffs.__init__() got an unexpected keyword argument 'mood'; give what to_json wrote",
        ),
        ({"orders": [2, 1]}, "orders: row 1 is 1.0, not above the cut-off before it"),
        ({"orders": [1, math.nan]}, "orders: row 1 is nan, missing: leave the row out or fill it"),
        ({"orders": [1, 2, 3, 4, 5]}, "orders: 5 cut-offs make 6 groups, more than bins=5"),
        ({"revenue": 3}, "revenue: 3 is no column: give a list, an array or a series"),
        ({"revenue": [[1, 2]]}, "revenue: row 0 is [1, 2], not a number"),
        ({"bins": 1}, "bins: 1: give a whole number from 2 to 9"),
    ],
)
def test_unreadable_json(change, expected) -> None:
    """Cut-offs of another shape, a newer format or with unknown fields each say so in one line."""
    data = rfm.to_json(rfm.fit([1, 2], [1, 2], [1, 2])) | change
    assert message(rfm.from_json, data) == expected


def test_cut_offs_are_frozen() -> None:
    """Nobody edits what a segment means."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        rfm.fit([1], [1], [1]).bins = 3


# ---------------------------------------------------------------- past dates and real shops


def segments_at(log: orders.OrderLog, cuts: CutOffs, at: str) -> dict:
    """The documented recipe."""
    then = orders.summarize(log, at=at)
    names = rfm.segment(rfm.score(cuts, then.days_since_last, then.orders, then.revenue))
    return dict(zip(then.customer_id.tolist(), names.tolist(), strict=True))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200)), min_size=1, max_size=30), st.integers(0, 200))
def test_the_past_does_not_change(rows: list[tuple[int, int]], until: int) -> None:
    """Membership at a past date is the same whether or not later orders are known."""
    start = np.datetime64("2025-01-01")
    cuts = CutOffs(5, days_since_last=[20, 50], orders=[1, 2], revenue=[5, 10])
    logs = [
        orders.OrderLog.of(
            [c for c, _ in some], [str(start + np.timedelta64(d, "D")) for _, d in some], [5.0] * len(some)
        )
        for some in (rows, [row for row in rows if row[1] <= until])
        if some
    ]
    found = [segments_at(log, cuts, str(start + np.timedelta64(until, "D"))) for log in logs]
    assert all(names == found[0] for names in found)


@pytest.fixture(scope="module")
def cdnow(shared_data: Path) -> orders.OrderLog:
    """All CDNOW orders."""
    names = ["customer", "day", "items", "dollars"]
    rows = pd.read_csv(shared_data / "CDNOW_master.txt.gz", sep=r"\s+", skiprows=1, names=names, dtype={"day": str})
    return orders.OrderLog.of(rows["customer"], rows["day"], rows["dollars"])


@pytest.mark.shared_data
def test_loyal_customers_are_not_at_risk_because_of_ties(cdnow: orders.OrderLog) -> None:
    """None of CDNOW's 1,074 customers with ten order days or more is at risk: all are among the most recent 60 %."""
    s = orders.summarize(cdnow, at="1998-06-30")
    cuts = rfm.fit(s.days_since_last, s.orders, s.revenue)
    assert cuts.orders == (1, 2, 3)
    scores = rfm.score(cuts, s.days_since_last, s.orders, s.revenue)
    loyal = s.frequency + 1 >= 10
    names, counts = np.unique(rfm.segment(scores)[loyal], return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"champions": 1073, "loyal": 1}
    assert scores[loyal, 0].min() == 3
    assert (scores[loyal, 1] == 5).all()
    once = s.orders == 1
    assert (scores[once, 1] == 1).all()


@pytest.mark.shared_data
def test_loyal_customers_are_at_risk_when_silent(cdnow: orders.OrderLog) -> None:
    """By the same cut-offs they would be at risk, every one, had they been silent 500 days longer: recency says so."""
    s = orders.summarize(cdnow, at="1998-06-30")
    cuts = rfm.fit(s.days_since_last, s.orders, s.revenue)
    loyal = s[s.frequency + 1 >= 10]
    names = rfm.segment(rfm.score(cuts, loyal.days_since_last + 500, loyal.orders, loyal.revenue))
    assert set(names.tolist()) <= {"at risk", "cannot lose"}


@pytest.mark.shared_data
def test_online_retail_facts(shared_data: Path) -> None:
    """Recency, frequency and money of the paid sales are the published facts, from the CSV."""
    facts = json.loads((shared_data / "online_retail_uci.facts.json").read_text())["rfm"]
    rows = pd.read_csv(shared_data / "online_retail_uci.csv.gz", dtype={"CustomerID": "Int64", "InvoiceNo": str})
    paid = rows.dropna(subset=["CustomerID"]).query("Quantity > 0 and UnitPrice > 0")
    paid = paid[~paid["InvoiceNo"].str.startswith("C")]
    names = ["CustomerID", "InvoiceNo", "StockCode", "Quantity", "UnitPrice"]
    day = pd.to_datetime(paid["InvoiceDate"]).dt.normalize()
    log = orders.OrderLines.of(*(paid[name] for name in names), day).orders()
    s = orders.summarize(log, at=facts["ref"])
    assert np.median(s.days_since_last) == facts["recency_median"]
    assert s.days_since_last.mean() == pytest.approx(facts["recency_mean"], abs=5e-5)
    assert s.orders.mean() == pytest.approx(facts["freq_mean"], abs=5e-4)
    assert np.median(s.revenue) == pytest.approx(facts["monetary_median"], abs=5e-3)
    assert s.revenue.mean() == pytest.approx(facts["monetary_mean"], abs=5e-5)
    top = np.sort(s.revenue)[::-1][: round(len(s) / 5)]
    assert top.sum() / s.revenue.sum() == pytest.approx(facts["pareto_top20_share"], abs=5e-5)
    cuts = rfm.fit(s.days_since_last, s.orders, s.revenue)
    assert (cuts.days_since_last, cuts.orders) == ((13, 33, 72, 179), (1, 3, 5))
    scores = rfm.score(cuts, s.days_since_last, s.orders, s.revenue)
    best = scores[:, 2] == 5
    assert best.mean() == pytest.approx(0.2, abs=5e-4)
    assert s.revenue[best].sum() / s.revenue.sum() == pytest.approx(facts["pareto_top20_share"], abs=1e-3)
