"""Storages that look, let others in, and then do: the reference model, whose lock is let go in the middle of a call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from time import sleep
from typing import Literal

from attrs import evolve

from retention.facts import Fact
from retention.journey.ledger import CustomerFile
from retention.ports import Change, Lease, Letter, Settlement
from retention.storage.memory import MemoryStorage, _Customer

__all__ = ["RACES"]


class _LetsOthersIn(MemoryStorage):
    _pauses = 100  # and then no more, or thousands in one call take seconds
    _for = 0.003

    def _pause(self) -> None:
        """In the middle of a call that holds the lock."""
        self._pauses -= 1
        if self._pauses > 0:
            self._lock.release()
            sleep(self._for)
            self._lock.acquire()


class _TwoPlans(_LetsOthersIn):
    def _commit(self, change: Change) -> bool:
        fits = change.version == self._customer(change.customer_id).version
        self._pause()
        return fits and super()._commit(evolve(change, version=self._customer(change.customer_id).version))


class _TwoPayloads(_LetsOthersIn):
    def _enqueue(self, customer: _Customer, letter: Letter) -> None:
        known = letter.message.key in self._letters
        self._pause()
        super()._enqueue(customer, letter)
        if not known:
            self._letters[letter.message.key].message = letter.message


class _TwoNew(_LetsOthersIn):
    def _record(self, fact: Fact) -> Literal["new", "known", "conflict"]:
        known = (fact.kind, fact.id) in self._facts
        self._pause()
        answer = super()._record(fact)
        return answer if known else "new"


class _TwoBegin(_LetsOthersIn):
    def _begin(self, lease: Lease, now: datetime) -> bool:
        letter = self._letters.get(lease.message.key)
        fits = letter is not None and letter.status == "leased" and letter.is_held(lease, now)
        self._pause()
        return super()._begin(lease, now) or fits


class _TwoSettle(_LetsOthersIn):
    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        letter = self._letters.get(settlement.lease.message.key)
        fits = letter is not None and letter.is_held(settlement.lease, now) and letter.may_become(settlement.status)
        self._pause()
        return super()._settle(settlement, now) or fits


class _TwoNotes(MemoryStorage):
    def remember(self, name: str, text: str) -> str:
        kept = self.recall(name).get(name, text)
        sleep(0.001)
        with self._alone():
            self._notes[name] = kept
            return kept


class _TwoClocks(_LetsOthersIn):
    _for = 0.01  # on a busy machine the others take longer to begin than one call takes

    def advance(self, now: datetime) -> datetime:
        with self._alone():
            later = max(self._clock, now)
            self._pause()
            self._clock = later
            return later


class _TwoMoments(_LetsOthersIn):
    def _file(self, customer_id: str, kinds: frozenset[str] | None) -> CustomerFile:
        earlier = super()._file(customer_id, kinds)
        self._pause()
        return evolve(super()._file(customer_id, kinds), ledger=earlier.ledger)


RACES: Mapping[str, type[MemoryStorage]] = {
    "race: two plans on one file": _TwoPlans,
    "race: a payload is written over": _TwoPayloads,
    "race: a fact is new to two": _TwoNew,
    "race: two begin": _TwoBegin,
    "race: two settle": _TwoSettle,
    "race: two first notes": _TwoNotes,
    "race: the clock goes back": _TwoClocks,
    "race: a file from two moments": _TwoMoments,
}
"""Each race that somebody loses, by its name."""
