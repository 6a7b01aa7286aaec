"""The backtest: fit on what was known before a cut, judge by what happened after it, beside the simplest rules.

Heuristics and signals are trained one horizon before the cut on what happened up to it; models are fitted to the orders
up to it. Nothing after the cut is looked at before the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import attrs
import numpy as np
from attrs import frozen

from retention._types import AnyArray, FloatArray, Json
from retention.churn._horizons import days_of, last_day
from retention.churn.activity import Activity, matched
from retention.churn.candidates import CANDIDATES, Scorer, Window, check_names, fit_candidate
from retention.churn.features import day_of, ordered_within
from retention.churn.metrics import METRICS, Judgement, judge
from retention.errors import InvalidInput
from retention.orders import OrderLog

__all__ = ["Backtest", "Row", "backtest"]


@frozen
class Row:
    """One candidate at one cut: the last day that it knew, its name, and what became of its forecasts."""

    at: date
    model: str
    judgement: Judgement


@frozen(repr=False)
class Backtest:
    """The table: `rows` by cut and candidate, for a horizon of so many `days`; `str` prints it.

    `columns` has one array for each column, shape (rows,), as a data frame takes them.
    """

    days: int
    rows: tuple[Row, ...]

    @property
    def columns(self) -> Mapping[str, AnyArray]:
        """at, model, customers, ordered, and of each metric the value, its lower and its upper limit."""
        found: dict[str, AnyArray] = {
            "at": np.array([row.at for row in self.rows], dtype="datetime64[D]"),
            "model": np.array([row.model for row in self.rows], dtype=np.str_),
            "customers": np.array([row.judgement.customers for row in self.rows], dtype=np.int64),
            "ordered": np.array([row.judgement.ordered for row in self.rows], dtype=np.int64),
        }
        for metric in METRICS:
            estimates = [getattr(row.judgement, metric) for row in self.rows]
            for end, column in (("value", metric), ("lower", f"{metric}_lower"), ("upper", f"{metric}_upper")):
                found[column] = np.array([getattr(estimate, end) for estimate in estimates], dtype=np.float64)
        return found

    def to_json(self) -> Json:
        """The table as a JSON mapping."""
        rows = [{"at": row.at.isoformat(), "model": row.model, **attrs.asdict(row.judgement)} for row in self.rows]
        return {"days": self.days, "rows": rows}

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        return f"Backtest({len(self.rows)} rows, {self.days} days)"


def backtest(
    log: OrderLog,
    *,
    at: str | date | np.datetime64 | Sequence[str | date | np.datetime64],
    horizon: float,
    unit: str = "W",
    models: Iterable[str] = CANDIDATES,
    activity: Activity | None = None,
    until: str | date | np.datetime64 | None = None,
    resamples: int = 400,
    rng: int | np.random.Generator = 0,
) -> Backtest:
    """How well each of ``models`` foretold, at each cut, who would order within the horizon.

    ``at``: one cut or several, the last day that a fit knows. ``horizon``: above 0, in ``unit``, "D" days or "W" weeks.
    ``models``: names as in `retention.churn.candidates`. ``until``: the last day for which the log is complete; its
    last order's unless given. ``resamples``, ``rng``: of the bootstrap, as in `judge`. Judged are all customers known
    at the cut. Raises `InvalidInput` for a cut whose horizon is not over, or before which there is too little to train.

    >>> from retention import orders
    >>> rng = np.random.default_rng(1)
    >>> day = np.datetime64("2025-01-01") + rng.integers(0, 365, 2_000)
    >>> log = orders.OrderLog.of(rng.integers(0, 500, 2_000), day, np.ones(2_000))
    >>> print(backtest(log, at="2025-09-30", horizon=4, models=["plain gap"]))  # random orders: nothing to foretell
    at          model      customers  ordered  auc                      brier  ...
    2025-09-30  plain gap        478      137  0.4554 [0.3981, 0.5169]  0.2077 ...
    """
    days, names = days_of(horizon, unit), check_names(models)
    cuts = [last_day(cut) for cut in ([at] if isinstance(at, str | date | np.datetime64) else at)]
    if not cuts:
        raise InvalidInput("at: no cut: give the last day that a fit may know")
    known = matched(log, activity)
    _check_cuts(log, cuts, days, None if until is None else last_day(until))
    draws = np.random.default_rng(rng)
    rows: list[Row] = []
    for cut in cuts:
        window = Window.at(log, known, cut, days, unit)
        _check_window(window)
        fitted: dict[str, Scorer] = {}
        p = {name: fit_candidate(name, window, fitted).p_active(window.now) for name in names}
        rows += judged(p, window, resamples=resamples, rng=draws)
    return Backtest(days, tuple(rows))


def judged(p: Mapping[str, FloatArray], window: Window, *, resamples: int, rng: np.random.Generator) -> list[Row]:
    """One row for each candidate's forecasts at the end of a window."""
    outcome = ordered_within(window.now, window.days)
    at = day_of(window.now.day)
    return [Row(at, name, judge(forecast, outcome, resamples=resamples, rng=rng)) for name, forecast in p.items()]


def _check_cuts(log: OrderLog, cuts: Sequence[int], days: int, until: int | None) -> None:
    if not len(log):
        raise InvalidInput("log: no orders: nothing can be fitted or judged")
    end = int(log.day.max()) if until is None else until
    for cut in cuts:
        if cut + days > end:
            latest = day_of(end - days)
            raise InvalidInput(f"at: {day_of(cut)} and {days} days end after {day_of(end)}: give {latest} or earlier")


def _check_window(window: Window) -> None:
    day, n = day_of(window.before.day), len(window.before.summary)
    ordered = int(window.outcome.sum())
    if n == 0 or ordered in (0, n):
        raise InvalidInput(
            f"at: of {n} customers known on {day}, one horizon earlier, {ordered} ordered within it: training needs "
            "some who did and some who did not; give a later cut or another horizon"
        )


def _lines(table: Backtest) -> list[str]:
    head = ["at", "model", "customers", "ordered", *(metric.replace("_", " ") for metric in METRICS)]
    cells = [
        [row.at.isoformat(), row.model, f"{row.judgement.customers:,}", f"{row.judgement.ordered:,}"]
        + [str(getattr(row.judgement, metric)) for metric in METRICS]
        for row in table.rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    sides = ["<", "<", ">", ">", *("<" for _ in METRICS)]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True)).rstrip()
        for line in [head, *cells]
    ]
