"""The figures of the docs, on real shops: chosen before the cut, judged after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retention.churn import backtest, score
from retention.orders import OrderLog

pytestmark = pytest.mark.shared_data


def test_cdnow(shared_data: Path) -> None:
    """All customers, cut 1997-12-31, 13 weeks: the average is chosen, AUC >= .805, log loss <= .346, ECE <= .02."""
    names = ["customer", "day", "items", "dollars"]
    rows = pd.read_csv(shared_data / "CDNOW_master.txt.gz", sep=r"\s+", skiprows=1, names=names, dtype={"day": str})
    days = pd.to_datetime(rows.day).to_numpy().astype("datetime64[D]")
    log = OrderLog.of(rows.customer, days, rows.dollars)
    known = days <= np.datetime64("1997-12-31")
    before = OrderLog.of(rows.customer[known], days[known], rows.dollars[known])
    found = score(before, at="1997-12-31", horizon=13)
    assert found.chosen == "signals + mbg/nbd"
    (row,) = backtest(log, at="1997-12-31", horizon=13, models=[found.chosen]).rows
    assert (row.judgement.customers, row.judgement.ordered) == (23_570, 3_831)
    assert row.judgement.auc.value >= 0.805
    assert row.judgement.log_loss.value <= 0.346
    assert row.judgement.ece.value <= 0.02
    assert row.judgement.bias.value == pytest.approx(0.033, abs=0.005)


def test_online_retail(shared_data: Path) -> None:
    """Paid sales, cut 2011-09-09, 13 weeks: a model is chosen; before Christmas all foretell too few orderers."""
    rows = pd.read_csv(shared_data / "online_retail_uci.csv.gz", dtype={"InvoiceNo": str})
    rows = rows[
        rows.CustomerID.notna() & ~rows.InvoiceNo.str.startswith("C") & (rows.Quantity > 0) & (rows.UnitPrice > 0)
    ]
    days = pd.to_datetime(rows.InvoiceDate).to_numpy().astype("datetime64[D]")
    log = OrderLog.of(rows.CustomerID, days, rows.Quantity * rows.UnitPrice)
    found = score(log, at="2011-09-09", horizon=13)
    assert found.chosen == "mbg/nbd"
    table = backtest(log, at="2011-09-09", horizon=13, models=["plain gap", "mbg/nbd"]).columns
    assert table["auc"].tolist() == pytest.approx([0.683, 0.733], abs=0.002)
    assert table["log_loss"].tolist() == pytest.approx([0.674, 0.621], abs=0.002)
    assert (table["bias_upper"] < -0.1).all()
