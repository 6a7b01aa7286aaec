"""Orders: the log says what the table said, the summary what a slow reading of the log says."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retention import orders
from retention.errors import InvalidInput

DAY = dt.date(2020, 1, 1)
COLUMNS = [
    "customer_id",
    "frequency",
    "recency",
    "T",
    "monetary_value",
    "orders",
    "revenue",
    "days_since_last",
    "mean_gap",
    "first_ordered_at",
    "last_ordered_at",
]


def message(call, *args, **options):
    """The one line with which the call refuses."""
    with pytest.raises(InvalidInput) as error:
        call(*args, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- the summary, the slow way


def slow_summary(rows, at, days_per_unit, refunds):
    """The definitions, customer by customer, in exact arithmetic: {customer: [columns after the id]}."""
    known = [(customer, day, Fraction(amount)) for customer, day, amount in rows if day <= at]
    table = {}
    for customer in sorted({customer for customer, _, _ in known}):
        own = [(day, amount) for other, day, amount in known if other == customer]
        days = sorted({day for day, amount in own if amount >= 0})
        if not days:
            continue
        money = dict.fromkeys(days, Fraction(0))
        for day, amount in own:
            if amount >= 0 or refunds == "net":
                money[max([d for d in days if d <= day], default=days[0])] += amount
        repeats = days[1:]
        table[customer] = [
            len(repeats),
            (days[-1] - days[0]).days / days_per_unit,
            (at - days[0]).days / days_per_unit,
            float(sum(money[day] for day in repeats) / len(repeats)) if repeats else 0.0,
            sum(amount >= 0 for _, amount in own),
            float(sum(money.values())),
            (at - days[-1]).days,
            (days[-1] - days[0]).days / len(repeats) if repeats else math.nan,
            days[0],
            days[-1],
        ]
    return table


def as_rows(summary):
    """The summary as `slow_summary` writes it."""
    columns = [getattr(summary, name).tolist() for name in COLUMNS]
    return {customer: list(rest) for customer, *rest in zip(*columns, strict=True)}


def log_of(rows):
    """An OrderLog of (customer, date, amount) rows."""
    customers, days, amounts = zip(*rows, strict=True) if rows else ((), (), ())
    return orders.OrderLog.of(customers, days, amounts)


# Quarters add up exactly in floats, so that nothing needs a tolerance.
amounts = st.integers(-200, 400).map(lambda quarters: quarters / 4)
days = st.integers(0, 40).map(lambda n: DAY + dt.timedelta(days=n))
logs = st.lists(st.tuples(st.integers(1, 5), days, amounts), max_size=40)


@given(logs, days, st.sampled_from(["D", "W"]), st.sampled_from(["net", "ignore"]))
@example([(1, DAY, -5.0), (1, DAY, 10.0), (2, DAY, -1.0)], DAY, "D", "net")
@example([(1, DAY + dt.timedelta(days=9), 1.0)], DAY, "D", "net")
def test_summarize_is_the_slow_reading(rows, at, unit, refunds):
    """Every column of every log agrees with the definitions, refunds and unknown orders included."""
    summary = orders.summarize(log_of(rows), at=at, unit=unit, refunds=refunds)
    expected = slow_summary(rows, at, {"D": 1, "W": 7}[unit], refunds)
    found = as_rows(summary)
    assert list(found) == list(expected)
    for customer, columns in expected.items():
        np.testing.assert_array_equal(found[customer][:-2], columns[:-2])
        assert found[customer][-2:] == columns[-2:]


@given(logs, days, st.randoms(use_true_random=False))
def test_row_order_and_labels_mean_nothing(rows, at, random):
    """Shuffled rows and text ids give the same columns."""
    summary = orders.summarize(log_of(rows), at=at)
    shuffled = random.sample(rows, len(rows))
    again = orders.summarize(log_of([(f"c{customer}", *rest) for customer, *rest in shuffled]), at=at)
    for name in COLUMNS[1:]:
        np.testing.assert_array_equal(getattr(summary, name), getattr(again, name))


def test_long_histories_of_many_customers():
    """Where customer and day need more than 32 bits the answer is the same."""
    rng = np.random.default_rng(1)
    customers, ordinals = rng.integers(0, 2_000, 3_000).tolist(), rng.integers(2, 3_600_000, 3_000).tolist()
    rows = [(customer, dt.date.fromordinal(day), 1.0) for customer, day in zip(customers, ordinals, strict=True)]
    summary = orders.summarize(log_of(rows), at="9999-12-01")
    expected = (
        pd.DataFrame({"customer": customers, "day": ordinals}).groupby("customer")["day"].agg(["nunique", "min", "max"])
    )
    assert summary.customer_id.tolist() == expected.index.tolist()
    assert (summary.frequency + 1).tolist() == expected["nunique"].tolist()
    assert summary.recency.tolist() == (expected["max"] - expected["min"]).tolist()
    assert summary.first_ordered_at.tolist() == [dt.date.fromordinal(day) for day in expected["min"].tolist()]


def test_refund_rules_on_one_customer():
    """A refund after the second order day lowers its value; after the first, the first day's; ignored, nothing's."""
    rows = [
        (1, DAY, 10.0),
        (1, DAY + dt.timedelta(days=1), -4.0),
        (1, DAY + dt.timedelta(days=5), 20.0),
        (1, DAY + dt.timedelta(days=9), -6.0),
    ]
    at = DAY + dt.timedelta(days=9)
    net = orders.summarize(log_of(rows), at=at, refunds="net")
    assert (net.frequency[0], net.orders[0], net.revenue[0], net.monetary_value[0], net.days_since_last[0]) == (
        1,
        2,
        20.0,
        14.0,
        4,
    )
    ignored = orders.summarize(log_of(rows), at=at, refunds="ignore")
    assert (ignored.revenue[0], ignored.monetary_value[0]) == (30.0, 20.0)
    said = message(orders.summarize, log_of(rows), at=at, refunds="raise")
    assert said == "amount: row 1 is -4.0, a refund: say refunds='net' or 'ignore' (2 such rows of 4)"
    assert len(orders.summarize(log_of(rows), at=DAY, refunds="raise")) == 1


def test_a_free_repeat_order_has_value_zero():
    """The value of repeat days is added up by itself: 0.1 + 0.2 − 0.3 would leave a rest."""
    rows = [(1, DAY, 0.1), (1, DAY, 0.2), (1, DAY + dt.timedelta(days=5), 0.0)]
    assert orders.summarize(log_of(rows), at=DAY + dt.timedelta(days=9)).monetary_value.tolist() == [0.0]


@pytest.mark.parametrize(
    "at",
    ["2020-01-03", dt.date(2020, 1, 3), np.datetime64("2020-01-03"), dt.datetime(2020, 1, 3)],  # noqa: DTZ001
)
def test_at_is_a_day_that_counts(at):
    """Orders of the day itself are known, those of the next are not."""
    log = log_of(
        [(1, DAY, 1.0), (1, dt.date(2020, 1, 3), 1.0), (1, dt.date(2020, 1, 4), 1.0), (2, dt.date(2020, 1, 4), 1.0)]
    )
    summary = orders.summarize(log, at=at)
    assert (summary.at, summary.customer_id.tolist(), summary.frequency.tolist()) == (dt.date(2020, 1, 3), [1], [1])


@pytest.mark.parametrize(
    "options, said",
    [
        (
            {"at": "2020-01-03T10:00"},
            "at: 2020-01-03T10:00 is a time: give the last day that counts, such as '1997-09-30'",
        ),
        (
            {"at": "2020-01-03T00:00Z"},
            "at: 2020-01-03T00:00Z is a time: give the last day that counts, such as '1997-09-30'",
        ),
        ({"at": None}, "at: row 0 is None, missing: leave the row out or fill it"),
        ({"at": DAY, "unit": "M"}, "unit: 'M' is unknown: say 'D' or 'W'"),
        ({"at": DAY, "refunds": "keep"}, "refunds: 'keep' is unknown: say 'net' or 'ignore' or 'raise'"),
    ],
)
def test_summarize_refuses(options, said):
    """A misspelt option is never a default."""
    assert message(orders.summarize, log_of([(1, DAY, 1.0)]), **options) == said


# ---------------------------------------------------------------- parts of a summary


def test_a_summary_is_sliced_by_mask_rows_and_ids():
    """A part of a summary is a summary."""
    summary = orders.summarize(log_of([(3, DAY, 1.0), (1, DAY, 2.0), (2, DAY, 3.0)]), at=DAY, unit="W")
    assert summary[summary.revenue > 1.5].customer_id.tolist() == [1, 2]
    assert summary[np.array([2, 0])].revenue.tolist() == [1.0, 2.0]
    part = summary.select([3, 1])
    assert (part.customer_id.tolist(), part.revenue.tolist(), part.unit, part.at) == ([3, 1], [1.0, 2.0], "W", DAY)
    assert len(summary[:2]) == 2
    assert repr(part) == "CustomerSummary(2 customers at 2020-01-01, unit 'W')"
    for ids in ([1, 4], [4]):
        assert "4, not in the summary" in message(summary.select, ids)
    assert "1, not in the summary" in message(summary[:0].select, [1])
    assert "'1', not in the summary" in message(summary.select, ["1"])
    assert len(summary.select([])) == 0


def test_columns_cannot_be_written():
    """A log is what it was when it was made; the caller's own array stays writable."""
    amount = np.array([1.0])
    log = orders.OrderLog.of([1], [DAY], amount)
    summary = orders.summarize(log, at=DAY)
    for column in (log.ids, log.customer, log.day, log.amount, *(getattr(summary, name) for name in COLUMNS)):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = column[0]
    amount[0] = 2.0


# ---------------------------------------------------------------- the log

LATE = dt.datetime(2011, 7, 1, 23, 30, tzinfo=dt.UTC)
IDS, AMOUNTS = [7, 9], [1.5, 2.0]
FRAMES = [
    lambda at: pd.DataFrame({"who": IDS, "when": at, "paid": AMOUNTS}),
    lambda at: pd.DataFrame(
        {"who": pd.array(IDS, dtype="Int64"), "when": at, "paid": pd.array(AMOUNTS, dtype="Float64")}, index=[5, 3]
    ),
    lambda at: pl.DataFrame({"who": IDS, "when": at, "paid": AMOUNTS}),
    lambda at: pa.table({"who": IDS, "when": at, "paid": AMOUNTS}),
]
NAMES = {"customer_id": "who", "ordered_at": "when", "amount": "paid"}


@pytest.mark.parametrize("frame", FRAMES, ids=["pandas", "pandas nullable", "polars", "pyarrow"])
def test_from_frame_reads_every_library(frame):
    """Zoned times, dates and text give the same log, whatever holds them."""
    zoned = orders.OrderLog.from_frame(frame([LATE, LATE]), **NAMES, timezone="Europe/London")
    dates = orders.OrderLog.from_frame(frame([dt.date(2011, 7, 2)] * 2), **NAMES)
    texts = orders.OrderLog.from_frame(frame(["2011-07-02"] * 2), **NAMES)
    for log in (zoned, dates, texts):
        assert log.ids.tolist() == IDS
        assert log.customer.tolist() == [0, 1]
        assert log.ordered_on.tolist() == [dt.date(2011, 7, 2)] * 2
        assert log.amount.tolist() == AMOUNTS


def test_from_frame_uses_the_shops_day_not_the_frames_zone():
    """The column's own zone only says which instant it is."""
    frame = pd.DataFrame({"who": IDS, "when": pd.Series([LATE, LATE]).dt.tz_convert("Asia/Tokyo"), "paid": AMOUNTS})
    assert orders.OrderLog.from_frame(frame, **NAMES, timezone="America/New_York").ordered_on[0] == np.datetime64(
        "2011-07-01"
    )


def test_from_frame_refuses():
    """A missing column, a lazy frame, a hole: each is named in the frame's own words."""
    frame = pd.DataFrame(
        {"CustomerID": [17850.0, np.nan, np.nan], "ordered_at": ["2011-01-01"] * 3, "amount": [1.0, 2.0, 3.0]}
    )
    said = message(orders.OrderLog.from_frame, frame, customer_id="CustomerID")
    assert said == "CustomerID: row 1 is nan, missing: leave the row out or give it an id (2 such rows of 3)"
    assert "customer_id: the frame has no such column" in message(orders.OrderLog.from_frame, frame)
    assert message(orders.OrderLog.from_frame, frame, customer_id="CustomerId").endswith("did you mean 'CustomerID'?")
    assert message(orders.OrderLog.from_frame, frame, customer_id="x").endswith(
        "it has 'CustomerID', 'ordered_at', 'amount'"
    )
    assert "row 1 is" in message(
        orders.OrderLog.from_frame,
        pl.DataFrame({"customer_id": [1, 2], "ordered_at": [DAY, DAY], "amount": [1.0, None]}),
    )
    assert "LazyFrame is no data frame held in memory" in message(orders.OrderLog.from_frame, pl.LazyFrame({"a": [1]}))


NAIVE = ["2011-07-01 23:30", "2011-07-02 00:00"]


def test_naive_times_are_the_shops_wall_clock():
    """With the zone stated, the day of a naive time is the day it shows."""
    log = orders.OrderLog.of(IDS, NAIVE, AMOUNTS, timezone="Asia/Tokyo")
    assert log.ordered_on.tolist() == [dt.date(2011, 7, 1), dt.date(2011, 7, 2)]


def test_midnights_need_no_zone():
    """Data frames know no dates: a column of midnights is one."""
    midnights = pd.to_datetime(["2011-07-01", "2011-07-02"])
    assert orders.OrderLog.of(IDS, midnights, AMOUNTS).ordered_on.tolist() == [dt.date(2011, 7, 1), dt.date(2011, 7, 2)]


@pytest.mark.parametrize(
    "ordered_at, options, said",
    [
        (
            NAIVE,
            {},
            "ordered_at: row 0 is 2011-07-01T23:30:00.000000, a time without a zone: say timezone=, where its clock hung",
        ),
        ([LATE, LATE], {}, "ordered_at: the times have an offset, but days are the shop's: say timezone=, its zone"),
        (NAIVE, {"timezone": "Europe/Lodnon"}, "timezone: 'Europe/Lodnon' is unknown: did you mean 'Europe/London'?"),
        (
            ["1/2/2011"] * 2,
            {},
            "ordered_at: row 0 is '1/2/2011', day or month first? say day_first=True or False (2 such rows of 2)",
        ),
        ([DAY], {}, "customer_id has 2 rows but ordered_at has 1: give one value per row in each"),
        ([20110701, 20110702], {}, "ordered_at: int64 says no day: give dates, times or text such as 2010-12-01"),
    ],
)
def test_of_refuses(ordered_at, options, said):
    """Times that mean no day of the shop's are named with the remedy."""
    assert message(orders.OrderLog.of, IDS, ordered_at, AMOUNTS, **options) == said


def test_the_log_shows_its_extent():
    """A log in a notebook is one line, an empty one too."""
    assert repr(orders.OrderLog.of([], [], [])) == "OrderLog(0 orders of 0 customers)"
    log = orders.OrderLog.of(IDS, ["1/2/2011", "3/2/2011"], AMOUNTS, day_first=True)
    assert repr(log) == "OrderLog(2 orders of 2 customers, 2011-02-01 to 2011-02-03)"


# ---------------------------------------------------------------- lines


def test_lines_add_up_to_orders():
    """An order is the sum of its lines on the day of its first; a return is a refund."""
    lines = orders.OrderLines.of(
        customer_id=["b", "b", "a", "b"],
        order_id=[2, 2, 1, 3],
        product_id=["x", "y", "x", "x"],
        quantity=[2, 1, 1, -1],
        price=[1.5, 4.0, 1.5, 1.5],
        ordered_at=["2011-01-03", "2011-01-02", "2011-01-01", "2011-01-05"],
    )
    log = lines.orders()
    assert log.ids[log.customer].tolist() == ["a", "b", "b"]
    assert log.ordered_on.tolist() == [dt.date(2011, 1, 1), dt.date(2011, 1, 2), dt.date(2011, 1, 5)]
    assert log.amount.tolist() == [1.5, 7.0, -1.5]
    assert (len(lines), repr(lines)) == (4, "OrderLines(4 lines, 2011-01-01 to 2011-01-05)")


def test_no_lines_are_no_orders():
    """An empty table is a table."""
    lines = orders.OrderLines.of([], [], [], [], [], [])
    assert (repr(lines), len(lines.orders())) == ("OrderLines(0 lines)", 0)


def test_an_order_belongs_to_one_customer():
    """Order ids that two customers share are refused, not added up."""
    lines = orders.OrderLines.of(["a", "b"], [1, 1], ["x", "x"], [1, 1], [1.0, 1.0], [DAY, DAY])
    assert message(lines.orders) == "order_id: row 1 is 1, an order of two customers: make order ids unique"
    assert "price: row 0 is -1.0, below 0" in message(orders.OrderLines.of, ["a"], [1], ["x"], [1], [-1.0], [DAY])


# ---------------------------------------------------------------- published data


@pytest.fixture(scope="module")
def cdnow(shared_data):
    """All CDNOW orders: id, YYYYMMDD, items, dollars."""
    with gzip.open(shared_data / "CDNOW_master.txt.gz", "rt") as file:
        rows = [line.split() for line in file]
    start = next(i for i, row in enumerate(rows) if row[0].isdigit())
    customers, days, _, dollars = zip(*rows[start:], strict=True)
    return orders.OrderLog.of([int(c) for c in customers], days, [float(d) for d in dollars])


@pytest.mark.shared_data
def test_cdnow(cdnow):
    """The summary that the models of the literature are fitted to."""
    assert repr(cdnow) == "OrderLog(69659 orders of 23570 customers, 1997-01-01 to 1998-06-30)"
    summary = orders.summarize(cdnow, at="1997-09-30")
    assert len(summary) == 23_570
    means = [getattr(summary, name).mean() for name in ("frequency", "recency", "T", "monetary_value")]
    assert means == pytest.approx([1.03254, 47.9272, 229.0936, 14.2857], abs=5e-5)


@pytest.mark.shared_data
def test_cdnow_sample(shared_data):
    """The 1/10 sample in weeks: 2,357 customers, 946 of them repeaters."""
    rows = [line.split() for line in (shared_data / "CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    _, customers, days, _, dollars = zip(*rows, strict=True)
    log = orders.OrderLog.of(customers, days, [float(d) for d in dollars])
    summary = orders.summarize(log, at="1997-09-30", unit="W")
    assert (len(summary), int((summary.frequency > 0).sum())) == (2_357, 946)
    first = summary.select(["0001"])
    assert (first.frequency[0], round(first.recency[0], 2), round(first.T[0], 2)) == (2, 30.43, 38.86)


@pytest.mark.shared_data
def test_online_retail(shared_data):
    """The invoice lines of a real shop: paid sales, their orders, the gaps between order days."""
    facts = json.loads((shared_data / "online_retail_uci.facts.json").read_text())
    with gzip.open(shared_data / "online_retail_uci.csv.gz", "rt", newline="", encoding="utf-8") as file:
        paid = [
            (
                row["CustomerID"],
                row["InvoiceNo"],
                row["StockCode"],
                row["Quantity"],
                row["UnitPrice"],
                row["InvoiceDate"],
            )
            for row in csv.DictReader(file)
            if row["CustomerID"]
            and row["InvoiceNo"][0] != "C"
            and int(row["Quantity"]) > 0
            and float(row["UnitPrice"]) > 0
        ]
    customer, order, product, quantity, price, at = (np.array(column) for column in zip(*paid, strict=True))
    lines = orders.OrderLines.of(
        customer, order, product, quantity.astype(int), price.astype(float), at, timezone="Europe/London"
    )
    assert len(lines) == facts["paid_sale_rows_known"]
    log = lines.orders()
    assert (len(log), len(log.ids)) == (facts["paid_sale_invoices_known"], facts["customers_with_paid_sale"])
    assert log.amount.sum() == pytest.approx(facts["gross_sales_known"])
    summary = orders.summarize(log, at="2011-12-10")
    assert summary.orders.mean() == pytest.approx(facts["orders_per_customer_mean"], abs=5e-4)
    assert (summary.frequency > 0).mean() == pytest.approx(facts["repeat_rate_by_day"], abs=5e-7)
    assert summary.frequency.sum() == facts["n_gaps_day"]
    gaps = np.nansum(summary.mean_gap * summary.frequency) / summary.frequency.sum()
    assert gaps == pytest.approx(facts["gap_day_mean"], abs=5e-5)
    assert np.median(summary.revenue) == pytest.approx(facts["rfm"]["monetary_median"], abs=5e-3)
    assert gap_median(log) == facts["gap_day_median"]


def gap_median(log):
    """Median days between neighbouring order days, over all customers."""
    pairs = np.unique(np.column_stack([log.customer, log.day]), axis=0)
    same = pairs[1:, 0] == pairs[:-1, 0]
    return np.median(np.diff(pairs[:, 1])[same])


@given(st.lists(st.datetimes(dt.datetime(2011, 1, 1), dt.datetime(2012, 1, 1)), min_size=1, max_size=5))  # noqa: DTZ001
def test_aware_times_fall_on_the_shops_day(moments):
    """Each order's day is the date its instant has in the shop's zone."""
    zone = ZoneInfo("America/New_York")
    aware = [moment.replace(tzinfo=dt.UTC) for moment in moments]
    log = orders.OrderLog.of([1] * len(aware), aware, [1.0] * len(aware), timezone=zone.key)
    assert log.ordered_on.tolist() == [moment.astimezone(zone).date() for moment in aware]
