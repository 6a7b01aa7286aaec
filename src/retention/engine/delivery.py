"""From the queue to the sender: claim, look again, mark, hand over, settle.

A letter is marked durably before it is handed over and settled after the answer. If the answer is lost, by a crash or
on the wire, the letter stays marked until its lease runs out; then it is in doubt, and stays so unless a second send
cannot be a second letter, or missing it would be worse. Nothing that one customer's file or the sender does stops the
other letters for longer than a pause, and every letter ends: at the latest when it is not worth sending any more.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from retention.engine.trouble import trouble
from retention.journey import Book, Cancel, CustomerFile, Needs, Wait, recheck
from retention.messages import Message, Result
from retention.ports import Lease, Sender, Settlement, Storage

__all__ = ["Delivery"]

log = logging.getLogger("retention.delivery")

_LEASE = timedelta(minutes=15)  # longer than a slow provider needs for all letters of one claim
_LAST_CALL = timedelta(minutes=5)  # with less of the lease left no call begins: its answer might come too late
_CLAIM = 200
_MAX_ATTEMPTS = 8
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=2)
_SENDER_PAUSE = timedelta(minutes=15)
_LONGEST_SENDER_PAUSE = timedelta(days=1)
_WORTH_SENDING = timedelta(days=7)
_MAX_UNANSWERED = 3
_LONGEST_REASON = 200
_PAUSED = ("throttled", "misconfigured")
_STATUSES = ("accepted", "rejected", "transient", "unknown", *_PAUSED)


@frozen
class _Looked:
    """A letter after one more look: `settlement` if it must not leave now; `until`: worth sending."""

    lease: Lease
    settlement: Settlement | None
    until: datetime


class Delivery:
    """One worker's way to the sender; make one for each run."""

    def __init__(self, storage: Storage, sender: Sender, book: Book, needs: Needs, now: Callable[[], datetime]) -> None:
        self._storage, self._sender, self._book, self._needs, self._now = storage, sender, book, needs, now
        self._done: Counter[str] = Counter()
        self._unanswered = 0  # calls in a row that left all their letters in doubt

    def run(self) -> Counter[str]:
        """Send everything that is due; the number of letters by what became of them."""
        while doubts := self._storage.claim_doubts(self._now(), _LEASE, _CLAIM):
            self._settle([self._after_doubt(looked) for looked in self._look(doubts)])
        while leases := self._storage.claim(self._now(), _LEASE, _CLAIM):
            looked = self._look(leases)
            self._settle([one.settlement for one in looked])
            if not self._send([one for one in looked if one.settlement is None]):
                break
        return self._done

    # One more look.

    def _look(self, leases: Sequence[Lease]) -> list[_Looked]:
        now = self._now()
        files = self._storage.load([lease.customer_id for lease in leases], self._needs)
        return [self._judged(lease, file, now) for lease, file in zip(leases, files, strict=True)]

    def _judged(self, lease: Lease, file: CustomerFile, now: datetime) -> _Looked:
        try:
            return self._verdict(lease, file, now)
        except Exception as error:  # noqa: BLE001 - one broken file must not stop the letters of the others
            log.error("a letter of %s cannot be judged: %s", lease.key.journey, trouble(error))  # noqa: TRY400 - its text may hold an address
            if lease.attempts >= _MAX_ATTEMPTS:
                return _Looked(lease, Settlement(lease, "cancelled", "unreadable"), now)
            return _Looked(lease, _queued(lease, "unreadable", now + _pause(lease)), now)

    def _verdict(self, lease: Lease, file: CustomerFile, now: datetime) -> _Looked:
        decision = next((row for row in file.ledger if row.kind == "send" and row.key == lease.key), None)
        if decision is None:
            return _Looked(lease, Settlement(lease, "cancelled", "closed"), now)
        until = decision.valid_until or lease.message.at + _WORTH_SENDING
        verdict = recheck(self._book, file, decision, now)
        if isinstance(verdict, Cancel):
            return _Looked(lease, Settlement(lease, "cancelled", verdict.reason), until)
        if isinstance(verdict, Wait):
            return _Looked(lease, _queued(lease, verdict.reason, verdict.until), until)
        return _Looked(lease, None, until)

    # Out of the house.

    def _send(self, letters: Sequence[_Looked]) -> bool:
        """Hand the letters over, a call at a time; False: the sender cannot go on, the rest is queued for later."""
        size = self._sender.capabilities.max_batch
        for start in range(0, len(letters), size):
            now = self._now()
            if start and letters[start].lease.until - now < _LAST_CALL:
                self._storage.settle([_queued(one.lease, "", now) for one in letters[start:]], now)
                return True  # they are claimed, and looked at, anew
            paused = self._call(letters[start : start + size])
            if paused is not None:
                later = self._now() + _sender_pause(paused)
                self._settle([_queued(one.lease, paused.status, later) for one in letters[start + size :]])
                return False
        return True

    def _call(self, letters: Sequence[_Looked]) -> Result | None:
        """Mark, hand over and settle as many letters as one call takes; the answer that says to stop, if any does."""
        marked = self._storage.begin([one.lease for one in letters], self._now())
        begun = [one for one, ok in zip(letters, marked, strict=True) if ok]
        if not begun:
            return None
        results = self._answers([one.lease.message for one in begun])
        now = self._now()
        self._settle([self._settled(one, result, now) for one, result in zip(begun, results, strict=True)])
        self._unanswered = self._unanswered + 1 if all(r.status == "unknown" for r in results) else 0
        if self._unanswered >= _MAX_UNANSWERED:
            return Result("unknown")
        return next((result for result in results if result.status in _PAUSED), None)

    def _answers(self, messages: list[Message]) -> list[Result]:
        try:
            results = list(self._sender.send(messages))
        except Exception as error:  # noqa: BLE001 - a sender that breaks its contract must not stop the others
            breach = f"raised {trouble(error)}"
        else:
            breach = _breach(results, len(messages))
        if breach:
            log.error("the sender %s; %d letters are in doubt", breach, len(messages))
            results = [Result("unknown")] * len(messages)
        return results

    # What became of it.

    def _settled(self, letter: _Looked, result: Result, now: datetime) -> Settlement | None:
        lease, detail = letter.lease, result.detail[:_LONGEST_REASON]
        if result.status == "accepted":
            return Settlement(lease, "sent")
        if result.status == "unknown":
            return self._unknown(lease, now)
        if result.status in _PAUSED:
            return _queued(lease, result.status, now + _sender_pause(result))
        retry_at = now + _pause(lease)
        if result.status == "rejected" or retry_at >= letter.until:
            return Settlement(lease, "failed", detail)
        return _queued(lease, result.status, retry_at)

    def _unknown(self, lease: Lease, now: datetime) -> Settlement | None:
        """Without a settlement the letter stays marked: what to do is decided when it is about to be done."""
        if not self._may_repeat(lease, now):
            return Settlement(lease, "in_doubt", "unknown")
        self._done["in_doubt"] += 1
        return None

    def _after_doubt(self, letter: _Looked) -> Settlement:
        """Queued for this very run, as a sender's memory is short; else in doubt, though it be unwelcome by now."""
        now = self._now()
        if letter.settlement is None and self._may_repeat(letter.lease, now):
            return _queued(letter.lease, "unknown", now)
        return Settlement(letter.lease, "in_doubt", "unknown")

    def _may_repeat(self, lease: Lease, now: datetime) -> bool:
        """Whether the sender recognises a second send, or a missing letter is worse than a double one."""
        remembers = self._sender.capabilities.remembers_for
        recognised = remembers is not None and now - lease.message.at < remembers
        return (recognised or not lease.message.promotional) and lease.attempts < _MAX_ATTEMPTS

    def _settle(self, settlements: Sequence[Settlement | None]) -> None:
        given = [settlement for settlement in settlements if settlement is not None]
        if given:
            done = self._storage.settle(given, self._now())
            self._done.update(one.status for one, ok in zip(given, done, strict=True) if ok)


def _queued(lease: Lease, reason: str, retry_at: datetime) -> Settlement:
    return Settlement(lease, "queued", reason, retry_at)


def _pause(lease: Lease) -> timedelta:
    return min(_FIRST_PAUSE * (1 << min(lease.attempts, _MAX_ATTEMPTS)), _LONGEST_PAUSE)


def _sender_pause(result: Result) -> timedelta:
    """What the sender asks for within reason: a provider's mistake must not park letters for years."""
    return min(max(result.retry_after or _SENDER_PAUSE, _FIRST_PAUSE), _LONGEST_SENDER_PAUSE)


def _breach(results: Sequence[object], letters: int) -> str:
    """How the results break the sender's contract, "" if they keep it; whose they are nobody knows then."""
    if len(results) != letters:
        return f"gave {len(results)} results for {letters} letters"
    if not all(isinstance(result, Result) and result.status in _STATUSES for result in results):
        return "gave something that is no Result"
    return ""
