"""The score: how likely each customer is to order within the horizon, by whatever foretold it best in this shop.

`choose` compares the candidates on the horizon that ended last, all of it known today, and keeps the winner as a frozen
`Chosen`. `apply` uses it, on that day or a later one. `score` does both.

The rule: of all candidates the one with the lowest log loss, if it beats the plain gap by more than chance (the paired
95 % interval of the difference lies above 0); otherwise the plain gap is enough.

A comparison needs something to compare on. Asked for are 500 buyers, 180 days of history, an order in the last 30 days
(what Klaviyo asks for before it forecasts; its "some customers" with three orders are read as ten), and 100
buyers two horizons ago, so that the first training has somebody to learn from. Otherwise the score falls back on the
customer's own rhythm and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from attrs import field, frozen

from retention._types import AnyArray, FloatArray, Json
from retention.churn import _stored
from retention.churn._horizons import days_of, last_day
from retention.churn.activity import Activity, matched
from retention.churn.backtest import Backtest, judged
from retention.churn.candidates import CANDIDATES, Assumed, Scorer, Window, check_names, fit_candidate, reasons
from retention.churn.features import Snapshot, day_of, ordered_within, take
from retention.churn.signals import Reasons, Signals, presence
from retention.errors import InvalidInput
from retention.orders import OrderLog

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Chosen", "Score", "apply", "choose", "score"]

PLAIN = "plain gap"
FALLBACK = "own rhythm, assumed"
MIN_BUYERS = 500
MIN_DAYS = 180
MIN_REGULARS = 10
REGULAR = 3
FRESH_DAYS = 30
MIN_TRAINED = 100

_SURE = 1e-9
_Z = 1.959964
_RESAMPLES = 200


@frozen(eq=False, repr=False)
class Chosen:
    """A way to score this shop's customers, picked and fitted; use it with `apply`.

    `name`: of the candidate. `verdict`: one sentence, why this one. `table`: the backtest it was picked by, None if
    there was too little to compare. `at`: the last day it knows. `days`: of the horizon. `unit`: as it was asked for.
    `scorer`: what was fitted.
    """

    name: str
    verdict: str
    table: Backtest | None
    at: date
    days: int
    unit: str
    scorer: Scorer

    def to_json(self) -> Json:
        """The choice as a JSON mapping, to keep until it is made anew; the table is left out."""
        kept = {"name": self.name, "verdict": self.verdict, "days": self.days, "unit": self.unit}
        return {"format": _stored.FORMAT, "at": self.at.isoformat(), **kept, "scorer": _stored.write(self.scorer)}

    @classmethod
    def from_json(cls, data: Json) -> Chosen:
        """The choice that `to_json` wrote; raises `InvalidInput` for another format or broken contents."""
        rest = dict(data)
        if rest.pop("format", None) != _stored.FORMAT:
            raise InvalidInput(f"format: {data.get('format')!r} is unknown, this is {_stored.FORMAT}: choose anew")
        try:
            rest["at"], scorer = date.fromisoformat(rest["at"]), rest.pop("scorer")
            return cls(table=None, scorer=_stored.read(scorer), **rest)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"choice: cannot be read ({error}): choose anew") from error

    def __repr__(self) -> str:
        return f"Chosen({self.verdict})"


@frozen(eq=False, repr=False)
class Score:
    """What `score` says of every customer, in the order of the ids; every column has shape (n,).

    `customer_id`. `p_active`: the chance of at least one order within the horizon, 0 to 1.
    `state`: "active", "cooling", "asleep" or "lost", by the customer's own rhythm. `usual_gap`: days, above 0.
    `days_since_last`: days of silence. `next_order_on`: when the next order is due by the rhythm, datetime64[D]; a day
    before `at` says that it is overdue. `presence`: "buying", or asleep and "browsing", "gone" or "unknown".
    `chosen`, `verdict`, `table`: which candidate scored and why, as in `Chosen`. `at`, `days`: the evening that is
    scored, and the horizon.
    """

    at: date
    days: int
    chosen: str
    verdict: str
    table: Backtest | None
    customer_id: AnyArray
    p_active: FloatArray
    state: NDArray[np.str_]
    usual_gap: FloatArray
    days_since_last: AnyArray
    next_order_on: NDArray[np.datetime64]
    presence: NDArray[np.str_]
    _snapshot: Snapshot = field(alias="snapshot")
    _reasons: Reasons | None = field(alias="reasons")

    def why(self, row: int) -> str:
        """One sentence for the customer of this row: their rhythm, the score, and what the signals say of them."""
        parts = [
            self._snapshot.rhythm.why(row),
            f"{_percent(self.p_active[row])} likely to order within {self.days} days",
            _PRESENCE.get(str(self.presence[row]), ""),
            "" if self._reasons is None else self._reasons.words(row),
        ]
        return "; ".join(part for part in parts if part)

    def __len__(self) -> int:
        return len(self.customer_id)

    def __repr__(self) -> str:
        return f"Score({len(self)} customers at {self.at}: {self.verdict})"


def _percent(p: float) -> str:
    return "under 1%" if p < 0.01 else "over 99%" if p > 0.99 else f"{p:.0%}"


_PRESENCE = {"browsing": "browses but does not buy", "gone": "neither buys nor browses"}


def score(
    log: OrderLog,
    *,
    at: str | date | np.datetime64,
    horizon: float,
    unit: str = "W",
    activity: Activity | None = None,
    models: Iterable[str] = CANDIDATES,
    rng: int | np.random.Generator = 0,
) -> Score:
    """Every customer's chance of an order within the horizon after ``at``, by the candidate that foretold best so far.

    ``at``: the last day that counts; the log must be complete up to it, what comes later is not looked at.
    ``horizon``: above 0, in ``unit``, "D" days or "W" weeks. ``activity``: what customers did besides ordering.
    ``models``: the candidates to compare; the plain gap is always among them. ``rng``: for the intervals of the table.
    The same as `choose` and `apply` on one day. Raises `InvalidInput` for a horizon, day or name that cannot be.

    >>> from retention import orders
    >>> log = orders.OrderLog.of([7, 7, 9], ["2026-01-01", "2026-01-24", "2026-02-16"], [20, 25, 30])
    >>> found = score(log, at="2026-03-01", horizon=4)
    >>> found.verdict
    'not enough data: 2 buyers, 500 needed; own rhythm, assumed, is used'
    >>> found.why(0)
    'orders every 23 days as a rule, silent for 36; 23% likely to order within 28 days'
    >>> str(found.next_order_on[0])
    '2026-02-16'
    """
    day, days, names = last_day(at), days_of(horizon, unit), check_names(models)
    known = matched(log, activity)
    now = take(log, known, day, unit)
    return _scored(_choose(now, days, names, np.random.default_rng(rng)), now)


def choose(
    log: OrderLog,
    *,
    at: str | date | np.datetime64,
    horizon: float,
    unit: str = "W",
    activity: Activity | None = None,
    models: Iterable[str] = CANDIDATES,
    rng: int | np.random.Generator = 0,
) -> Chosen:
    """The candidate that foretold best on the horizon up to ``at``, fitted to all that is known then; as in `score`.

    It stays valid for days to come: choose once a week or month, keep `Chosen.to_json`, and `apply` it every day.
    """
    day, days, names = last_day(at), days_of(horizon, unit), check_names(models)
    now = take(log, matched(log, activity), day, unit)
    return _choose(now, days, names, np.random.default_rng(rng))


def apply(
    chosen: Chosen | Signals,
    log: OrderLog,
    *,
    at: str | date | np.datetime64,
    activity: Activity | None = None,
) -> Score:
    """The score of every customer on the evening of ``at`` by what `choose` or `fit_signals` returned.

    Raises `InvalidInput` if ``at`` is before the day of the fit, or if it used a sort of activity that is missing.
    """
    if isinstance(chosen, Signals):
        verdict = "signals: as fitted, nothing was compared"
        chosen = Chosen("signals", verdict, None, chosen.at, chosen.days, "D", chosen)
    day = last_day(at)
    if day_of(day) < chosen.at:
        raise InvalidInput(f"at: {day_of(day)} is before {chosen.at}, the day of the fit: give that day or a later one")
    return _scored(chosen, take(log, matched(log, activity), day, chosen.unit))


def _scored(chosen: Chosen, now: Snapshot) -> Score:
    found = now.rhythm
    whole_gap = np.maximum(np.rint(found.usual_gap), 1).astype(np.int64)
    return Score(
        at=day_of(now.day),
        days=chosen.days,
        chosen=chosen.name,
        verdict=chosen.verdict,
        table=chosen.table,
        customer_id=found.customer_id,
        p_active=chosen.scorer.p_active(now),
        state=found.state,
        usual_gap=found.usual_gap,
        days_since_last=found.days_since_last,
        next_order_on=now.summary.last_ordered_at + whole_gap,
        presence=presence(now),
        snapshot=now,
        reasons=reasons(chosen.scorer, now),
    )


# ---------------------------------------------------------------- the choice


def _choose(now: Snapshot, days: int, names: tuple[str, ...], rng: np.random.Generator) -> Chosen:
    log, unit, at = now.log, now.summary.unit, day_of(now.day)
    shortage = _too_few(now)
    if not shortage:
        last = Window.at(log, now.activity, now.day - days, days, unit)
        outcome = ordered_within(last.now, days)
        shortage = _too_little(last, outcome)
    if shortage:
        verdict = f"not enough data: {shortage}; {FALLBACK}, is used"
        return Chosen(FALLBACK, verdict, None, at, days, unit, Assumed(days))
    names = names if PLAIN in names else (PLAIN, *names)
    forecasts, failed = _forecasts(names, last)
    table = Backtest(days, tuple(judged(forecasts, last, resamples=_RESAMPLES, rng=rng)))
    name, verdict = _pick(forecasts, outcome)
    fitted: dict[str, Scorer] = {}
    scorer = fit_candidate(name, Window(last.now, now, outcome, days), fitted)
    return Chosen(name, "; ".join([verdict, *failed]), table, at, days, unit, scorer)


def _too_few(now: Snapshot) -> str:
    """What the shop lacks today, "" if nothing."""
    s = now.summary
    if len(s) < MIN_BUYERS:
        return f"{len(s)} buyers, {MIN_BUYERS} needed"
    history = now.day - int(s.first_ordered_at.min().astype(np.int64))
    if history < MIN_DAYS:
        return f"{history} days of history, {MIN_DAYS} needed"
    silence = int(s.days_since_last.min())
    if silence > FRESH_DAYS:
        return f"no order in the last {FRESH_DAYS} days"
    regulars = int(np.count_nonzero(s.frequency + 1 >= REGULAR))
    if regulars < MIN_REGULARS:
        return f"{regulars} buyers with {REGULAR} order days, {MIN_REGULARS} needed"
    return ""


def _too_little(last: Window, outcome: FloatArray) -> str:
    """What the last horizon or the one before it lacks, "" if nothing."""
    then = len(last.before.summary)
    if then < MIN_TRAINED:
        return f"{then} buyers two horizons ago, {MIN_TRAINED} needed"
    for what, seen in (("last", outcome), ("one before", last.outcome)):
        if seen.sum() in (0, len(seen)):
            return f"of the buyers known then {int(seen.sum())} of {len(seen)} ordered in the horizon, the {what}"
    return ""


def _forecasts(names: tuple[str, ...], last: Window) -> tuple[Mapping[str, FloatArray], list[str]]:
    """What each candidate foretold for the last horizon, and a word on those that could not be fitted."""
    fitted: dict[str, Scorer] = {}
    forecasts: dict[str, FloatArray] = {}
    failed: list[str] = []
    for name in names:
        try:
            forecasts[name] = fit_candidate(name, last, fitted).p_active(last.now)
        except InvalidInput as error:  # a model that this shop cannot be fitted to is no candidate here
            failed.append(f"{name} left out: {error}")
    return forecasts, failed


def _pick(forecasts: Mapping[str, FloatArray], outcome: FloatArray) -> tuple[str, str]:
    """The name of the winner, and why."""
    losses = {name: _losses(p, outcome) for name, p in forecasts.items()}
    best = min(losses, key=lambda name: float(losses[name].mean()))
    if best == PLAIN:
        return PLAIN, f"the plain gap is enough: no other had a lower log loss than its {losses[PLAIN].mean():.4f}"
    gain = losses[PLAIN] - losses[best]
    mean, margin = float(gain.mean()), _Z * float(gain.std(ddof=1)) / len(gain) ** 0.5
    shown = f"{mean:.4f} [{mean - margin:.4f}, {mean + margin:.4f}]"
    if mean <= margin:
        return PLAIN, f"the plain gap is enough: {best} is better by {shown} of log loss, which may be chance"
    return best, (
        f"{best}: log loss {losses[best].mean():.4f} over the last horizon, plain gap {losses[PLAIN].mean():.4f}, "
        f"better by {shown}"
    )


def _losses(p: FloatArray, outcome: FloatArray) -> FloatArray:
    losses: FloatArray = -np.log(np.clip(np.where(outcome > 0, p, 1 - p), _SURE, 1))
    return losses
