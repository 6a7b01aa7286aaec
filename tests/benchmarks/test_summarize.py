"""Order log -> one row per customer, beside plain pandas, polars and lifetimes, in CPU seconds of one run.

RETENTION_BENCH_CUSTOMERS sets the size (default 100,000 customers, five orders each; the published figures: 1000000).
Threads count: CPU seconds add up over all of a library's threads, so a parallel library shows its whole price.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from retention import orders

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "100000"))
END = np.datetime64("2024-12-31")
ROUNDS = 3

pytestmark = pytest.mark.benchmark(group=f"summarize {CUSTOMERS * 5} orders", timer=time.process_time)


@pytest.fixture(scope="module")
def table():
    """Five orders a customer on random days of four years: ids, days, amounts."""
    rng = np.random.default_rng(5)
    n = CUSTOMERS * 5
    day = np.datetime64("2020-01-01") + rng.integers(0, 1_500, n)
    return rng.integers(0, CUSTOMERS, n) + 1_000, day, rng.gamma(2, 20, n).round(2)


@pytest.fixture(scope="module")
def customers(table):
    """How many customers every library must find."""
    return len(np.unique(table[0]))


def retention_summary(ids, day, amount):
    """Both steps: the log is made anew each time."""
    return orders.summarize(orders.OrderLog.of(ids, day, amount), at=END)


def test_retention(benchmark, table, customers):
    """Integer ids."""
    assert len(benchmark.pedantic(retention_summary, table, rounds=ROUNDS)) == customers


def test_retention_text_ids(benchmark, table, customers):
    """Ids as text, such as c1042."""
    ids, day, amount = table
    texts = np.char.add("c", ids.astype("U8"))
    assert len(benchmark.pedantic(retention_summary, (texts, day, amount), rounds=ROUNDS)) == customers


def test_pandas(benchmark, table, customers):
    """What a careful user writes with groupby: order days first, then customers."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(dict(zip(("id", "day", "amount"), table, strict=True)))

    def summary():
        days = frame.groupby(["id", "day"], as_index=False).agg(value=("amount", "sum"), orders=("amount", "size"))
        grouped = days.groupby("id")
        result = grouped.agg(
            first=("day", "min"),
            last=("day", "max"),
            days=("day", "size"),
            revenue=("value", "sum"),
            orders=("orders", "sum"),
        )
        repeat = (result["revenue"] - grouped["value"].first()) / (result["days"] - 1)
        return result.assign(recency=result["last"] - result["first"], T=END - result["first"], monetary_value=repeat)

    assert len(benchmark.pedantic(summary, rounds=ROUNDS)) == customers


def test_polars(benchmark, table, customers):
    """The same in polars' lazy engine."""
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(dict(zip(("id", "day", "amount"), table, strict=True)))
    day, value = pl.col("day"), pl.col("value")

    def summary():
        days = frame.lazy().group_by("id", "day").agg(value=pl.col("amount").sum(), orders=pl.len())
        result = days.group_by("id").agg(
            first=day.min(),
            last=day.max(),
            frequency=pl.len() - 1,
            revenue=value.sum(),
            orders=pl.col("orders").sum(),
            repeat=value.sum() - value.get(day.arg_min()),
        )
        return result.with_columns(
            recency=pl.col("last") - pl.col("first"),
            T=pl.lit(END.item()) - pl.col("first"),
            monetary_value=pl.col("repeat") / pl.col("frequency"),
        ).collect()

    assert len(benchmark.pedantic(summary, rounds=ROUNDS)) == customers


def test_lifetimes(benchmark, table, customers):
    """The library most shops use for this."""
    pd = pytest.importorskip("pandas")
    utils = pytest.importorskip("lifetimes.utils")
    frame = pd.DataFrame(dict(zip(("id", "day", "amount"), table, strict=True)))

    def summary():
        return utils.summary_data_from_transaction_data(
            frame, "id", "day", monetary_value_col="amount", observation_period_end=str(END)
        )

    assert len(benchmark.pedantic(summary, rounds=ROUNDS)) == customers
