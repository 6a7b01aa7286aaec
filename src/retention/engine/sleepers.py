"""The scan: who is silent beyond their own rhythm, and who of them may start a journey today.

Reads the facts that tell of it from the storage once, keeps them as columns, and reads on where it stopped. Owns
nothing that could not be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from math import ceil, floor
from zoneinfo import ZoneInfo

import numpy as np
from attrs import field, frozen

from retention import _calendar, _values, churn, orders
from retention._types import IntArray
from retention.churn import Rhythm, Score
from retention.engine import happenings
from retention.engine.copies import Restoration
from retention.engine.standing import Base, Standing, nobody
from retention.errors import InvalidInput
from retention.facts import CustomerErased, CustomersMerged, Fact, FellAsleep, OrderPlaced
from retention.ports import Storage

__all__ = ["KINDS", "Ration", "Sleepers", "batches"]

_BATCH = 10_000
_EPOCH = date(1970, 1, 1).toordinal()
_ROUNDING = 1e-9
"""5 % of 140 is 7, though .05 * 140 is a little more."""
KINDS = (OrderPlaced.kind, FellAsleep.kind, CustomersMerged.kind, CustomerErased.kind, *happenings.KINDS)
"""The kinds of facts that the scan reads."""


@frozen
class Ration:
    """How a journey that is switched on for an existing base takes the sleepers in.

    Who fell asleep within `fresh_days` goes in at once. The others wait: `share` of those waiting go in each day, the
    ones who fell asleep last first. Raises `InvalidInput` for a share outside (0, 1] and for days below 0.
    """

    share: float = field(default=0.05)
    fresh_days: int = field(default=7)

    @share.validator
    def _check_share(self, _attribute: object, value: object) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
            raise InvalidInput(f"share: {value!r} is no share of those who wait; give a number above 0, at most 1")

    @fresh_days.validator
    def _check_fresh_days(self, _attribute: object, value: object) -> None:
        _values.count("fresh_days", value)


class Sleepers:
    """The order log of one shop, and the customers whose silence was recorded already."""

    def __init__(self, timezone: str, restoration: Restoration | None = None) -> None:
        self._zone = ZoneInfo(timezone)
        self._restoration = restoration
        self._cursor = 0
        self._codes: dict[str, int] = {}
        self._names: list[str] = []
        self._merged: dict[int, list[int]] = {}  # a code that stays -> the codes that were merged into it
        self._moved = False  # whether anybody was merged or erased
        self._root: list[int] = []  # of each code the one that stays, or that it is nobody's any more
        self._last: list[tuple[datetime, str]] = []
        self._ahead: list[tuple[datetime, str, int, float]] = []  # heap: orders whose time has not come
        self._new: list[tuple[int, int, float]] = []
        self._customer = np.empty(0, dtype=np.int64)
        self._day = np.empty(0, dtype=np.int64)
        self._amount = np.empty(0, dtype=np.float64)
        self._happenings = happenings.Happenings(self._zone)
        self._recorded: set[str] = set()
        self._told = bytearray()  # of each code whether the silence after the last order is known to be recorded
        self._waited: dict[date, int] = {}

    def read(self, storage: Storage, now: datetime) -> None:
        """Take in the facts that were recorded since the last call; orders dated after `now` wait for their time."""
        while True:
            batch, cursor = storage.facts(KINDS, self._cursor, _BATCH)
            for owner, fact in batch:
                self._take(owner, fact)
            self._cursor = cursor
            if not batch:
                break
        while self._ahead and self._ahead[0][0] <= now:
            self._add_order(*heappop(self._ahead))

    def _take(self, owner: str, fact: Fact) -> None:
        if isinstance(fact, OrderPlaced):
            heappush(self._ahead, (fact.at, fact.id, self._code(owner), float(fact.total)))
        elif isinstance(fact, FellAsleep):
            self._recorded.add(fact.order_id)
            if fact.waited:
                day = fact.at.astimezone(self._zone).date()
                self._waited[day] = self._waited.get(day, 0) + 1
        elif isinstance(fact, CustomersMerged):
            # The owner is whose file it is by now: both ids are theirs, whatever was merged in between.
            for name in (fact.customer_id, fact.into):
                self._merge(self._code(name), self._code(owner))
        elif isinstance(fact, CustomerErased):
            self._forget(self._code(owner))
        else:
            self._happenings.take(self._code(owner), fact)

    def _code(self, name: str) -> int:
        code = self._codes.setdefault(name, len(self._names))
        if code == len(self._names):
            self._names.append(name)
            self._root.append(code)
            self._told.append(False)
            self._last.append((datetime.min.replace(tzinfo=UTC), ""))
        return self._root[code]

    def _merge(self, gone: int, stays: int) -> None:
        if gone == stays:
            return
        self._moved = True
        moved = [gone, *self._merged.pop(gone, [])]
        self._merged.setdefault(stays, []).extend(moved)
        for code in moved:
            self._root[code] = stays
        self._last[stays] = max(self._last[stays], self._last[gone])
        self._told[stays] = False

    def _roots(self) -> IntArray:
        return np.array(self._root, dtype=np.int64)

    def _forget(self, code: int) -> None:
        """Whatever else is heard of the customer belongs to a code of its own."""
        self._moved = True
        for gone in (code, *self._merged.pop(code, ())):
            self._root[gone] = happenings.NOBODY
            del self._codes[self._names[gone]]

    def _add_order(self, at: datetime, order_id: str, code: int, amount: float) -> None:
        root = self._root[code]
        if root == happenings.NOBODY:
            return
        self._new.append((code, floor(at.timestamp()), amount))
        if (at, order_id) > self._last[root]:
            self._last[root] = at, order_id
            self._told[root] = False

    def _add_new(self) -> None:
        if not self._new:
            return
        customer, seconds, amount = zip(*self._new, strict=True)
        day = _calendar.local_days(np.array(seconds, dtype="datetime64[s]"), self._zone)
        self._customer = np.concatenate([self._customer, customer])
        self._day = np.concatenate([self._day, day])
        self._amount = np.concatenate([self._amount, amount])
        self._new.clear()

    def log(self) -> orders.OrderLog:
        """The orders so far; the ids of customers are places in a list of names."""
        self._add_new()
        customer, days, amount = self._customer, self._day.view("datetime64[D]"), self._amount
        if self._moved:
            customer = self._roots()[customer]
            known = customer != happenings.NOBODY
            customer, days, amount = customer[known], days[known], amount[known]
        return orders.OrderLog.of(customer_id=customer, ordered_at=days, amount=amount)

    def asleep(
        self, now: datetime, ration: Ration, score: Callable[[orders.OrderLog, churn.Activity, date], Score] | None
    ) -> tuple[list[FellAsleep], int]:
        """The facts to record at `now`, and how many sleepers must wait for another day.

        `score` is asked only when somebody fell asleep; without one the facts carry no `p_active`.
        """
        today = now.astimezone(self._zone).date()
        if not self._names:
            return [], 0
        log = self.log()
        rhythm = churn.rhythm(orders.summarize(log, at=today))
        fresh, waiting = self._split(rhythm, today, ration)
        lost = self._lost(rhythm, ration)
        fresh, waiting = fresh + [row for row in waiting if row in lost], [row for row in waiting if row not in lost]
        used = self._waited.get(today, 0)
        allowed = max(0, ceil(ration.share * (len(waiting) + used) - _ROUNDING) - used)
        if not fresh and not allowed:
            return [], len(waiting)
        scored = rhythm if score is None else score(log, self._happenings.activity(self._roots()), today)
        facts = [self._fact(scored, row, lost.get(row, now), waited=False) for row in fresh]
        facts += [self._fact(scored, row, now, waited=True) for row in waiting[:allowed]]
        return facts, max(0, len(waiting) - allowed)

    def stands(self, found: FellAsleep) -> bool:
        """Whether that is still so: who was erased or has ordered since is not asleep."""
        code = self._codes.get(found.customer_id)
        return code is not None and self._last[self._root[code]][1] == found.order_id

    def standing(self, customer_ids: Sequence[str], now: datetime) -> Standing:
        """Who these customers are today, by all orders so far."""
        today, log = now.astimezone(self._zone).date(), self.log()
        if not len(log):
            return nobody(len(customer_ids))
        codes = [self._codes.get(name) for name in customer_ids]
        ids = [happenings.NOBODY if code is None else self._root[code] for code in codes]
        return Base(log, today).of(np.array(ids, dtype=np.int64))

    def _split(self, rhythm: Rhythm, today: date, ration: Ration) -> tuple[list[int], list[int]]:
        """The rows of `rhythm` that may go in at once, and those that wait, in the order in which they go in."""
        told = np.frombuffer(self._told, dtype=np.bool_)[rhythm.customer_id]
        asleep = np.flatnonzero((rhythm.state == "asleep") & ~told)
        found = zip(asleep.tolist(), rhythm.customer_id[asleep].tolist(), strict=True)
        rows = {row: code for row, code in found if self._is_new(code)}
        since = rhythm.asleep_since.view(np.int64)[list(rows)].tolist()
        first_fresh = today.toordinal() - _EPOCH - ration.fresh_days
        fresh = [row for row, day in zip(rows, since, strict=True) if day >= first_fresh]
        waiting = {row: day for row, day in zip(rows, since, strict=True) if day < first_fresh}
        return fresh, sorted(waiting, key=lambda row: (-waiting[row], self._names[rows[row]]))

    def _lost(self, rhythm: Rhythm, ration: Ration) -> dict[int, datetime]:
        """The rows of those who may have been found while a copy of the storage was at work that is lost, and when."""
        if self._restoration is None:
            return {}
        first, last = (
            np.datetime64(at.astimezone(self._zone).date(), "D")
            for at in (self._restoration.since, self._restoration.at)
        )
        since = rhythm.asleep_since
        rows = np.flatnonzero((first - np.timedelta64(ration.fresh_days, "D") <= since) & (since <= last))
        return dict.fromkeys(rows.tolist(), self._restoration.at - timedelta.resolution)

    def _is_new(self, code: int) -> bool:
        """Whether the silence after the last order was not recorded yet; remembers who need not be asked again."""
        told = self._last[code][1] in self._recorded
        self._told[code] = told
        return not told

    def _fact(self, scored: Score | Rhythm, row: int, now: datetime, *, waited: bool) -> FellAsleep:
        code = scored.customer_id[row]
        ordered_at, order_id = self._last[code]
        return FellAsleep(
            id=order_id,
            customer_id=self._names[code],
            at=now,
            order_id=order_id,
            basis=ordered_at,
            usual_gap=round(float(scored.usual_gap[row]), 1),
            silent_for=int(scored.days_since_last[row]),
            p_active=round(float(scored.p_active[row]), 4) if isinstance(scored, Score) else None,
            why=scored.why(row),
            waited=waited,
        )


def batches(storage: Storage, size: int) -> Iterator[list[str]]:
    """The ids of all customers, in order, some at a time."""
    after = ""
    while ids := storage.customers(after, size):
        yield ids
        after = ids[-1]
