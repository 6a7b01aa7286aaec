"""Storages with one realistic bug each, most of them seen in the field: the reference model with one part changed.

`PLANTED` maps the bug to the kit's verdicts on it: at least one law is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from heapq import heappush
from pathlib import Path
from typing import Literal

from attrs import evolve

from retention.facts import CustomerErased, CustomersMerged, Fact
from retention.journey.ledger import CustomerFile, Entry, Needs
from retention.ports import Change, Lease, Letter, Settlement, Storage
from retention.storage.memory import MemoryStorage, _Customer, _Letter
from retention.testing.laws import Verdicts
from retention.testing.planted._races import RACES
from retention.testing.storage import check

__all__ = ["PLANTED"]


# ------------------------------------------------------------- claims


class _DueExclusive(MemoryStorage):
    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        leases = super().claim(now - timedelta.resolution, lease, limit)
        return [evolve(one, until=now + lease) for one in leases]


class _NewestFirst(MemoryStorage):
    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        return super().claim(now, lease, limit)[::-1]


class _LimitIgnored(MemoryStorage):
    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        return super().claim(now, lease, max(limit, 1000))


class _ClaimedTwice(MemoryStorage):
    """Two that claim at once get the same letters: a lock that came too late."""

    _lately: tuple[datetime, list[Lease]] | None = None

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        leases = super().claim(now, lease, limit)
        if not leases and self._lately and self._lately[0] == now and limit:
            leases, self._lately = self._lately[1], None
        else:
            self._lately = now, leases
        return leases


class _TokenOfTheLetter(_Letter):
    @property
    def token(self) -> str:
        return self.outcome.message_key


class _TokenReused(MemoryStorage):
    _letter = _TokenOfTheLetter


class _AttemptsFromOne(_Letter):
    def lease(self, status: str, now: datetime, until: datetime) -> Lease | None:
        lease = super().lease(status, now, until)
        return None if lease is None else evolve(lease, attempts=1)


class _AttemptsReset(MemoryStorage):
    _letter = _AttemptsFromOne


class _NeverReclaimed(MemoryStorage):
    def _queue_again(self, now: datetime) -> None:
        """Whatever was leased once stays with whoever died."""


class _ReclaimedEarly(MemoryStorage):
    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        leases = super().claim(now, lease - timedelta(seconds=1), limit)
        return [evolve(one, until=now + lease) for one in leases]


# ------------------------------------------------------------- fencing


class _AnybodyBegins(MemoryStorage):
    def _begin(self, lease: Lease, now: datetime) -> bool:
        letter = self._letters.get(lease.message.key)
        return letter is not None and super()._begin(evolve(lease, token=letter.token), now)


class _BeginsLate(MemoryStorage):
    def _begin(self, lease: Lease, now: datetime) -> bool:
        return super()._begin(lease, min(now, lease.until - timedelta.resolution))


class _BeginsTwice(MemoryStorage):
    def _begin(self, lease: Lease, now: datetime) -> bool:
        letter = self._letters.get(lease.message.key)
        again = letter is not None and letter.status == "sending" and letter.is_held(lease, now)
        return again or super()._begin(lease, now)


class _ClockBackBegins(MemoryStorage):
    """Trusts a clock that goes back to before the letter was begun."""

    def _begin(self, lease: Lease, now: datetime) -> bool:
        letter = self._letters.get(lease.message.key)
        again = letter is not None and letter.status == "sending" and now < letter.outcome.at
        return again or super()._begin(lease, now)


class _AnybodySettles(MemoryStorage):
    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        letter = self._letters.get(settlement.lease.message.key)
        if letter is None:
            return False
        return super()._settle(evolve(settlement, lease=evolve(settlement.lease, token=letter.token)), now)


class _SettlesLate(MemoryStorage):
    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        return super()._settle(settlement, min(now, settlement.lease.until - timedelta.resolution))


class _AnyLetterIsSent(_Letter):
    def may_become(self, status: str) -> bool:
        return self.status == "leased" or super().may_become(status)


class _SentUnbegun(MemoryStorage):
    _letter = _AnyLetterIsSent


# ------------------------------------------------------------- doubts, retries, ends


class _SendingIsQueuedAgain(MemoryStorage):
    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        for key, letter in self._letters.items():
            if letter.status == "sending" and letter.until is not None and letter.until <= now:
                letter.change("queued", now)
                heappush(self._queue, (letter.due, key))
        return super().claim(now, lease, limit)


class _DoubtsForgotten(MemoryStorage):
    def claim_doubts(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        return super().claim_doubts(now, lease, min(limit, 0))


class _DoubtsHeldForEver(MemoryStorage):
    def claim_doubts(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        leases = super().claim_doubts(now, timedelta(days=9999), limit)
        return [evolve(one, until=now + lease) for one in leases]


class _RetryAtOnce(MemoryStorage):
    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        return super()._settle(evolve(settlement, retry_at=None), now)


class _FailedIsTriedAgain(MemoryStorage):
    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        done = super()._settle(settlement, now)
        if done and settlement.status == "failed":
            self._letters[settlement.lease.message.key].change("queued", now, settlement.reason)
            heappush(self._queue, (now, settlement.lease.message.key))
            self._letters[settlement.lease.message.key].due = now
        return done


class _StopsAtTheFirst(MemoryStorage):
    """What comes in one call after a settlement that is refused is refused, too."""

    def settle(self, settlements: Sequence[Settlement], now: datetime) -> list[bool]:
        done: list[bool] = []
        with self._alone():
            for one in settlements:
                done.append(all(done) and self._settle(one, now))
        return done


class _ReasonLost(MemoryStorage):
    def _settle(self, settlement: Settlement, now: datetime) -> bool:
        return super()._settle(evolve(settlement, reason=""), now)


# ------------------------------------------------------------- plans


class _StaleAccepted(MemoryStorage):
    def _commit(self, change: Change) -> bool:
        return super()._commit(evolve(change, version=self._customer(change.customer_id).version))


class _HalfACommit(MemoryStorage):
    """The letters are written before the version is looked at."""

    def _commit(self, change: Change) -> bool:
        for letter in change.letters:
            self._enqueue(self._customer(change.customer_id), letter)
        return super()._commit(change)


class _DecisionWithoutLetter(MemoryStorage):
    def _commit(self, change: Change) -> bool:
        return super()._commit(evolve(change, letters=change.letters[1:]))


class _LastPayloadWins(MemoryStorage):
    def _enqueue(self, customer: _Customer, letter: Letter) -> None:
        super()._enqueue(customer, letter)
        self._letters[letter.message.key].message = letter.message


class _QueuedOnceMore(MemoryStorage):
    def _enqueue(self, customer: _Customer, letter: Letter) -> None:
        known = self._letters.get(letter.message.key)
        if known is not None and known.status in {"sent", "failed", "cancelled"}:
            known.change("queued", letter.message.at)
            heappush(self._queue, (known.due, letter.message.key))
        super()._enqueue(customer, letter)


class _EntryTwice(MemoryStorage):
    def _commit(self, change: Change) -> bool:
        done = super()._commit(change)
        if done:
            customer = self._customer(change.customer_id)
            customer.entries += [one for one in change.plan.entries if one not in customer.entries]
        return done


class _EntryByKeyAlone(MemoryStorage):
    def _commit(self, change: Change) -> bool:
        known = {one.key for one in self._customer(change.customer_id).entries}
        entries = tuple(one for one in change.plan.entries if one.key not in known)
        return super()._commit(evolve(change, plan=evolve(change.plan, entries=entries)))


class _WakeUpInSeconds(MemoryStorage):
    def _wake(self, customer: _Customer, at: datetime | None) -> None:
        super()._wake(customer, at and at.replace(microsecond=0))


class _WakeUpLost(MemoryStorage):
    """A customer who is planned with an earlier wake-up keeps the later one."""

    def _wake(self, customer: _Customer, at: datetime | None) -> None:
        if at is None or customer.wake_at is None or at > customer.wake_at:
            super()._wake(customer, at)


class _FingerprintIgnored(MemoryStorage):
    def due(self, now: datetime, fingerprint: str, limit: int) -> list[str]:
        wakes = {i: self._customers[i].wake_at for i in super().due(now, fingerprint, limit)}
        return [i for i, at in wakes.items() if at is not None and at <= now]


# ------------------------------------------------------------- facts


class _KnownByIdAlone(MemoryStorage):
    def _record(self, fact: Fact) -> Literal["new", "known", "conflict"]:
        return "known" if (answer := super()._record(fact)) == "conflict" else answer


class _KnownWakes(MemoryStorage):
    def _record(self, fact: Fact) -> Literal["new", "known", "conflict"]:
        answer = super()._record(fact)
        self._wake(self._customer(fact.customer_id), fact.at)
        return answer


class _BlanksAreNothing(MemoryStorage):
    """A database that compares text as SQL's CHAR does."""

    def _customer(self, customer_id: str) -> _Customer:
        return super()._customer(customer_id.rstrip())


class _AsTheyCame(MemoryStorage):
    def _file(self, customer_id: str, kinds: frozenset[str] | None) -> CustomerFile:
        file = super()._file(customer_id, kinds)
        return evolve(file, facts=tuple(fact for fact in self._log if fact in file.facts and fact is not None))


class _MicrosecondsLost(MemoryStorage):
    def _record(self, fact: Fact) -> Literal["new", "known", "conflict"]:
        return super()._record(evolve(fact, at=fact.at.replace(microsecond=0)))


class _CutAtNul(MemoryStorage):
    def remember(self, name: str, text: str) -> str:
        return super().remember(name, text.partition("\0")[0])


class _PatternsInPrefix(MemoryStorage):
    """`LIKE` without an escape: an underscore is any character."""

    def recall(self, prefix: str) -> Mapping[str, str]:
        found = super().recall(prefix.partition("_")[0])
        return {name: text for name, text in found.items() if len(name) >= len(prefix)}


class _CursorByTime(MemoryStorage):
    def facts(self, kinds: Collection[str], after: int, limit: int) -> tuple[list[tuple[str, Fact]], int]:
        found, cursor = super().facts(kinds, after, limit)
        return sorted(found, key=lambda item: item[1].at), cursor


class _CursorSkips(MemoryStorage):
    """The numbers of rows that are written right now are passed over."""

    def facts(self, kinds: Collection[str], after: int, limit: int) -> tuple[list[tuple[str, Fact]], int]:
        found, cursor = super().facts(kinds, after, limit)
        return found, cursor if len(found) == limit else cursor + 1


class _ErasureForgetsTombstones(MemoryStorage):
    def _erase(self, customer: _Customer, at: datetime) -> None:
        for fact in customer.facts:
            del self._facts[fact.kind, fact.id]
        customer.facts = []
        for letter in customer.letters:
            letter.erase(at)


class _ErasedAreSent(MemoryStorage):
    def _erase(self, customer: _Customer, at: datetime) -> None:
        letters, customer.letters = customer.letters, []
        super()._erase(customer, at)
        customer.letters = letters


class _MergeLosesLetters(MemoryStorage):
    def _merge(self, old: _Customer, into: _Customer) -> _Customer:
        if old is not into:
            old.letters = []
        return super()._merge(old, into)


class _MergeKeepsTheLaterRun(MemoryStorage):
    def _merge(self, old: _Customer, into: _Customer) -> _Customer:
        known: dict[tuple[str, str], Entry] = {(one.journey, one.key): one for one in into.entries}
        old.entries = [one for one in old.entries if (one.journey, one.key) not in known]
        return super()._merge(old, into)


class _OldIdIsNew(MemoryStorage):
    """Facts that come under the old id after a merge begin a new file."""

    def _record(self, fact: Fact) -> Literal["new", "known", "conflict"]:
        if not isinstance(fact, CustomersMerged | CustomerErased):
            self._aliases.pop(fact.customer_id, None)
        return super()._record(fact)


class _AnswersWhenClosed(MemoryStorage):
    def load(self, customer_ids: Sequence[str], needs: Needs) -> list[CustomerFile]:
        return [self._file(self._aliases.get(i, i), needs.kinds) for i in customer_ids]


_STORAGES: Mapping[str, type[MemoryStorage]] = {
    "due is exclusive": _DueExclusive,
    "claims in another order": _NewestFirst,
    "the limit is ignored": _LimitIgnored,
    "two claims get the same letters": _ClaimedTwice,
    "a token is used again": _TokenReused,
    "attempts begin again": _AttemptsReset,
    "a lease that ran out is lost": _NeverReclaimed,
    "a lease ends before its time": _ReclaimedEarly,
    "begin: the token is not looked at": _AnybodyBegins,
    "begin: the lease's end is not looked at": _BeginsLate,
    "begin: sending is begun again": _BeginsTwice,
    "begin: the clock goes back": _ClockBackBegins,
    "settle: the token is not looked at": _AnybodySettles,
    "settle: the lease's end is not looked at": _SettlesLate,
    "settle: sent without begin": _SentUnbegun,
    "sending that ran out is queued again": _SendingIsQueuedAgain,
    "doubts are never handed out": _DoubtsForgotten,
    "a doubt is handed out once": _DoubtsHeldForEver,
    "a retry comes at once": _RetryAtOnce,
    "failed is tried again": _FailedIsTriedAgain,
    "settle: stops at the first that is refused": _StopsAtTheFirst,
    "the reason is lost": _ReasonLost,
    "a stale plan is taken": _StaleAccepted,
    "half a commit is kept": _HalfACommit,
    "a decision without its letter": _DecisionWithoutLetter,
    "the last payload wins": _LastPayloadWins,
    "a sent letter is queued again": _QueuedOnceMore,
    "an entry is there twice": _EntryTwice,
    "an entry is known by its key alone": _EntryByKeyAlone,
    "a wake-up is lost": _WakeUpLost,
    "a wake-up comes in whole seconds": _WakeUpInSeconds,
    "a new book wakes nobody": _FingerprintIgnored,
    "a conflict is called known": _KnownByIdAlone,
    "a known fact wakes its customer": _KnownWakes,
    "blanks at the end are nothing": _BlanksAreNothing,
    "facts in the order they came": _AsTheyCame,
    "microseconds are lost": _MicrosecondsLost,
    "text ends at NUL": _CutAtNul,
    "prefixes are patterns": _PatternsInPrefix,
    "the cursor goes by the facts' time": _CursorByTime,
    "the cursor skips late rows": _CursorSkips,
    "an erasure leaves no tombstone": _ErasureForgetsTombstones,
    "letters of the erased are sent": _ErasedAreSent,
    "a merge loses letters": _MergeLosesLetters,
    "a merge keeps the later run": _MergeKeepsTheLaterRun,
    "a merged id begins anew": _OldIdIsNew,
    "closed, it answers": _AnswersWhenClosed,
    **RACES,
}


def _make(storage: type[MemoryStorage], place: Path) -> Storage:  # noqa: ARG001 - a maker gets one
    return storage()


def _tried(storage: type[MemoryStorage]) -> Verdicts:
    return check(partial(_make, storage), examples=0)


PLANTED: Mapping[str, Callable[[], Verdicts]] = {name: partial(_tried, bug) for name, bug in _STORAGES.items()}
"""Each bug by its name, and how to try the kit on it."""
