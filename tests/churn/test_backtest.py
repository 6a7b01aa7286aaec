"""The backtest: an honest table; nothing after the cut is known before the verdict."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from retention.churn import backtest
from retention.churn._horizons import days_of
from retention.errors import InvalidInput
from retention.orders import OrderLog

NAMES = ["plain gap", "own mean gap", "signals"]


def test_rows_by_cut_and_candidate(shop):
    """Several cuts give a row for each candidate at each, in the order asked for."""
    log, _ = shop
    table = backtest(log, at=["2024-10-01", "2024-12-01"], horizon=8, models=NAMES)
    assert [(row.at, row.model) for row in table.rows] == [
        (cut, name) for cut in (date(2024, 10, 1), date(2024, 12, 1)) for name in NAMES
    ]
    assert table.days == 56
    assert len(table) == 6
    assert repr(table) == "Backtest(6 rows, 56 days)"


def test_the_table_in_three_forms(shop):
    """Columns for a data frame, JSON, and text say the same."""
    log, _ = shop
    table = backtest(log, at="2024-12-01", horizon=56, unit="D", models=NAMES, activity=shop[1])
    columns = table.columns
    assert set(map(len, columns.values())) == {3}
    assert columns["at"].dtype == "datetime64[D]"
    assert (columns["auc_lower"] < columns["auc"]).all()
    stored = json.loads(json.dumps(table.to_json()))
    assert [row["auc"]["value"] for row in stored["rows"]] == columns["auc"].tolist()
    head, *lines = str(table).splitlines()
    assert head.split()[:4] == ["at", "model", "customers", "ordered"]
    assert [line.split("  ")[1] for line in lines] == NAMES
    assert f"{columns['auc'][0]:.4f} [" in lines[0]


def test_the_future_is_not_known(shop):
    """Orders after the horizon change nothing; what happens after the cut moves no forecast, only the verdict."""
    log, _ = shop
    short = OrderLog.of(*(column[log.day <= 20_113] for column in (log.ids[log.customer], log.ordered_on, log.amount)))
    assert str(short.ordered_on.max()) == "2025-01-25"
    one, other = (backtest(x, at="2024-11-30", horizon=8, models=NAMES, until="2025-01-25") for x in (log, short))
    assert one == other


def test_the_seed_decides(shop):
    """The same seed gives the same table."""
    log, _ = shop
    assert backtest(log, at="2024-12-01", horizon=8, models=NAMES, rng=5) == backtest(
        log, at="2024-12-01", horizon=8, models=NAMES, rng=np.random.default_rng(5)
    )


@pytest.mark.parametrize(
    "options, message",
    [
        ({"at": "2025-05-01"}, r"at: 2025-05-01 and 56 days end after 2025-05-14: give 2025-03-19 or earlier"),
        ({"at": ["2024-12-01", "2025-04-01"], "until": "2025-05-02"}, r"at: 2025-04-01 .* give 2025-03-07 or earlier"),
        ({"at": "2024-01-20"}, r"at: of 0 customers known on 2023-11-25, one horizon earlier, 0 ordered"),
        ({"at": "0001-03-01"}, r"at: 0001-03-01 is before 0100-01-01: give a later day"),
        ({"at": []}, r"at: no cut: give the last day"),
        ({"at": "2024-12-01 10:00"}, r"at: 2024-12-01 10:00 is a time: give the last day that counts"),
        ({"at": "2024-12-01", "models": ["magic"]}, r"models: 'magic' is unknown"),
        ({"at": "2024-12-01", "horizon": "13"}, r"horizon: '13' is no number: give how many weeks"),
        ({"at": "2024-12-01", "horizon": 0}, r"horizon: 0 W is no whole number of days: give 1 to 3650 days"),
        ({"at": "2024-12-01", "horizon": float("nan")}, r"horizon: nan W is no whole number"),
        ({"at": "2024-12-01", "unit": "M"}, r"unit: 'M' is unknown: say 'D' or 'W'"),
    ],
)
def test_bad_questions(shop, options, message):
    """Each refusal is one line with the place and the remedy."""
    with pytest.raises(InvalidInput, match=message) as caught:
        backtest(shop[0], **{"horizon": 8, "models": NAMES, **options})
    assert "\n" not in str(caught.value)


def test_no_orders():
    """An empty log is refused by name."""
    with pytest.raises(InvalidInput, match="log: no orders"):
        backtest(OrderLog.of([], [], []), at="2024-12-01", horizon=8)


def test_horizons_in_days():
    """A horizon is a whole number of days in either unit."""
    assert [days_of(13, "W"), days_of(1 / 7, "W"), days_of(np.int64(9), "D")] == [91, 1, 9]
    with pytest.raises(InvalidInput, match="horizon: True is no number: give how many days"):
        days_of(True, "D")
