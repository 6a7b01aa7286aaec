"""Three RFM columns into five groups each, beside pandas and polars, in CPU seconds of one run.

RETENTION_BENCH_CUSTOMERS sets the size (default 100,000 customers; the published figures: 1000000). Both qcuts only
drop edges that ties make equal; neither keeps the scores' ends nor gives cut-offs that can be used again.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from retention import rfm

CUSTOMERS = int(os.environ.get("RETENTION_BENCH_CUSTOMERS", "100000"))
ROUNDS = 5

pytestmark = pytest.mark.benchmark(group=f"rfm {CUSTOMERS} customers", timer=time.process_time)


@pytest.fixture(scope="module")
def columns():
    """Days since the last order, orders (half of the customers have one), revenue."""
    rng = np.random.default_rng(5)
    count = rng.geometric(0.5, CUSTOMERS)
    return rng.integers(0, 700, CUSTOMERS), count, (count * rng.gamma(2, 20, CUSTOMERS)).round(2)


def test_retention(benchmark, columns):
    """Cut-offs and scores."""
    scores = benchmark.pedantic(lambda: rfm.score(rfm.fit(*columns), *columns), rounds=ROUNDS)
    assert scores.shape == (CUSTOMERS, 3)


def test_retention_with_segments(benchmark, columns):
    """Cut-offs, scores and the names of the segments."""
    names = benchmark.pedantic(lambda: rfm.segment(rfm.score(rfm.fit(*columns), *columns)), rounds=ROUNDS)
    assert len(names) == CUSTOMERS


def test_pandas(benchmark, columns):
    """`qcut` drops the edges that ties make equal."""
    pd = pytest.importorskip("pandas")
    groups = benchmark.pedantic(
        lambda: [pd.qcut(column, 5, labels=False, duplicates="drop") for column in columns], rounds=ROUNDS
    )
    assert len(groups[0]) == CUSTOMERS


def test_pandas_by_rank(benchmark, columns):
    """The recipe of most tutorials: five full groups, equal values parted by the order of the rows."""
    pd = pytest.importorskip("pandas")
    groups = benchmark.pedantic(
        lambda: [pd.qcut(pd.Series(column).rank(method="first"), 5, labels=False) for column in columns], rounds=ROUNDS
    )
    assert len(groups[0]) == CUSTOMERS


@pytest.mark.filterwarnings("ignore:.*qcut.*:DeprecationWarning")
def test_polars(benchmark, columns):
    """`qcut` with equal edges allowed."""
    pl = pytest.importorskip("polars")
    groups = benchmark.pedantic(
        lambda: [pl.Series(column).qcut(5, allow_duplicates=True) for column in columns], rounds=ROUNDS
    )
    assert len(groups[0]) == CUSTOMERS
