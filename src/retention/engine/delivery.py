"""From the queue to the sender: claim, look again, mark, hand over, settle.

A letter is marked durably before it is handed over and settled after the answer. If the answer is lost, by a crash or
on the wire, the letter stays marked until its lease runs out. Then it is in doubt, and what `doubts` says is done: the
sender is asked, or the letter sent again while it stays marked, alone in its call, as it may be what broke the first.
Nothing that one customer's file or the sender does stops the other letters for longer than a pause, and every letter
ends: at the latest when it is not worth sending any more.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeGuard, TypeVar

from attrs import frozen

from retention import _values
from retention.engine.doubts import Doubts, reported
from retention.engine.parts import parts
from retention.engine.trouble import trouble
from retention.journey import Book, Cancel, CustomerFile, Needs, Wait, recheck
from retention.messages import Result
from retention.ports import Lease, LookupSender, Sender, Settlement, Storage

__all__ = ["Delivery"]

T = TypeVar("T")

log = logging.getLogger("retention.delivery")

_LEASE = timedelta(minutes=15)  # longer than a slow provider needs for all letters of one claim
_LAST_CALL = timedelta(minutes=5)  # with less of the lease left no call begins: its answer might come too late
_CLAIM = 200
_CLAIM_DOUBTS = 20  # each may take a call of its own
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
_UNKNOWN = Result("unknown")


@frozen
class _Looked:
    """A letter after one more look.

    `settlement`: if it must not leave now. `until`: worth sending. `reported`: the last that was heard of it.
    """

    lease: Lease
    settlement: Settlement | None
    until: datetime
    reported: str = ""


class Delivery:
    """One worker's way to the sender; make one for each run."""

    def __init__(
        self, storage: Storage, sender: Sender, book: Book, needs: Needs, doubts: Doubts, now: Callable[[], datetime]
    ) -> None:
        self._storage, self._sender, self._book, self._needs, self._now = storage, sender, book, needs, now
        self._doubts = doubts
        self._done: Counter[str] = Counter()
        self._unanswered = 0  # calls in a row that left all their letters in doubt

    def run(self) -> Counter[str]:
        """Send everything that is due; the number of letters by what became of them."""
        if self._clear_up():
            while leases := self._storage.claim(self._now(), _LEASE, _CLAIM):
                if not self._work_off(_parts(leases)):
                    break
        return self._done

    def _work_off(self, waiting: list[list[Lease]]) -> bool:
        """Look at letters and send them, part by part; False: the sender cannot go on."""
        while waiting:
            part, *waiting = waiting
            looked = self._look(part)
            self._settle([one.settlement for one in looked if one.settlement is not None])
            rest = [lease for later in waiting for lease in later]
            if not self._send([one for one in looked if one.settlement is None], rest):
                return False
            now = self._now()
            if rest and _is_too_late(rest[0], now):
                self._storage.settle([_queued(lease, "", now) for lease in rest], now)
                return True  # they are claimed, and looked at, anew
        return True

    # Letters in doubt.

    def _clear_up(self) -> bool:
        """Settle what is in doubt, or send it again; False: the sender cannot go on."""
        while leases := self._storage.claim_doubts(self._now(), _LEASE, _CLAIM_DOUBTS):
            for part in _parts(leases):
                stop = self._clear(part)
                if stop is not None:
                    self._unanswered = 0  # a sender that chokes on these may take others
                    return stop.status not in _PAUSED
        return True

    def _clear(self, leases: Sequence[Lease]) -> Result | None:
        """The same for some of them; the answer that says to stop, if any does."""
        letters, now = self._look(leases), self._now()
        ended, again = [], []
        for letter, told in zip(letters, self._told(letters), strict=True):
            if told.status == "unknown" and self._may_repeat(letter, now):
                again.append(letter)
            else:
                ended.append(_ended(letter, told, now))
        self._settle(ended)
        return self._repeat(again)

    def _told(self, letters: Sequence[_Looked]) -> list[Result]:
        """What is known of letters in doubt: by a report, or from the sender; unknown if neither knows."""
        keys = [one.lease.message.key for one in letters if not one.reported]
        answers = dict(zip(keys, self._looked_up(keys), strict=True))
        return [answers.get(one.lease.message.key) or _heard(one.reported) for one in letters]

    def _looked_up(self, keys: Sequence[str]) -> list[Result]:
        if not keys or not _looks_up(self._sender):
            return [_UNKNOWN] * len(keys)
        return self._answers(self._sender.lookup, keys)

    def _may_repeat(self, letter: _Looked, now: datetime) -> bool:
        """Whether the letter is welcome, and the sender recognises a second send or the shop prefers two to none."""
        message, remembers = letter.lease.message, self._sender.capabilities.remembers_for
        recognised = remembers is not None and now - message.at < remembers
        may = recognised or self._doubts.repeats(message)
        return may and letter.settlement is None and letter.lease.attempts < _MAX_ATTEMPTS

    def _repeat(self, letters: Sequence[_Looked]) -> Result | None:
        """Hand letters in doubt over once more, marked as they are; the answer that says to stop, if any does."""
        for letter in letters:
            now = self._now()
            if _is_too_late(letter.lease, now) or not self._may_repeat(letter, now):
                continue  # looked at anew when its lease has run out
            stop = self._hand_over([letter], _settled_again)
            if stop is not None:
                return stop
        return None

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
        heard = reported(file, lease.message.key)
        decision = next((row for row in file.ledger if row.kind == "send" and row.key == lease.key), None)
        if decision is None:
            return _Looked(lease, Settlement(lease, "cancelled", "closed"), now, heard)
        until = decision.valid_until or lease.message.at + _WORTH_SENDING
        verdict = recheck(self._book, file, decision, now)
        if isinstance(verdict, Cancel):
            return _Looked(lease, Settlement(lease, "cancelled", verdict.reason), until, heard)
        if isinstance(verdict, Wait):
            return _Looked(lease, _queued(lease, verdict.reason, verdict.until), until, heard)
        return _Looked(lease, None, until, heard)

    # Out of the house.

    def _send(self, letters: Sequence[_Looked], rest: Sequence[Lease]) -> bool:
        """Hand the letters over, a call at a time; False: the sender cannot go on, all others are queued for later."""
        size = self._sender.capabilities.max_batch
        for start in range(0, len(letters), size):
            now = self._now()
            if start and _is_too_late(letters[start].lease, now):
                self._storage.settle([_queued(one.lease, "", now) for one in letters[start:]], now)
                return True  # they are claimed, and looked at, anew
            paused = self._call(letters[start : start + size])
            if paused is not None:
                later = self._now() + _sender_pause(paused)
                others = [*(one.lease for one in letters[start + size :]), *rest]
                self._settle([_queued(lease, paused.status, later) for lease in others])
                return False
        return True

    def _call(self, letters: Sequence[_Looked]) -> Result | None:
        """Mark, hand over and settle as many letters as one call takes; the answer that says to stop, if any does."""
        marked = self._storage.begin([one.lease for one in letters], self._now())
        begun = [one for one, ok in zip(letters, marked, strict=True) if ok]
        return self._hand_over(begun, _settled) if begun else None

    def _hand_over(
        self, letters: Sequence[_Looked], settled: Callable[[_Looked, Result, datetime], Settlement | None]
    ) -> Result | None:
        results = self._answers(self._sender.send, [one.lease.message for one in letters])
        now = self._now()
        self._settle([settled(one, result, now) for one, result in zip(letters, results, strict=True)])
        self._unanswered = self._unanswered + 1 if all(r.status == "unknown" for r in results) else 0
        if self._unanswered >= _MAX_UNANSWERED:
            return _UNKNOWN
        return next((result for result in results if result.status in _PAUSED), None)

    def _answers(self, ask: Callable[[Sequence[T]], list[Result]], letters: Sequence[T]) -> list[Result]:
        try:
            results = list(ask(letters))
        except Exception as error:  # noqa: BLE001 - a sender that breaks its contract must not stop the others
            breach = f"raised {trouble(error)}"
        else:
            breach = _breach(results, len(letters))
        if breach:
            log.error("the sender %s; %d letters are in doubt", breach, len(letters))
            results = [_UNKNOWN] * len(letters)
        return results

    def _settle(self, settlements: Sequence[Settlement | None]) -> None:
        """Without a settlement a letter stays marked: what to do is decided when it is about to be done."""
        given = [settlement for settlement in settlements if settlement is not None]
        self._done.update("in_doubt" for settlement in settlements if settlement is None)
        if given:
            done = self._storage.settle(given, self._now())
            self._done.update(one.status for one, ok in zip(given, done, strict=True) if ok)


# What becomes of a letter; None: it stays marked.


def _settled(letter: _Looked, result: Result, now: datetime) -> Settlement | None:
    lease = letter.lease
    if result.status in ("accepted", "rejected", "unknown"):
        return _settled_again(letter, result, now)
    if result.status in _PAUSED:
        return _queued(lease, result.status, now + _sender_pause(result))
    retry_at = now + _pause(lease)
    return _queued(lease, result.status, retry_at) if retry_at < letter.until else _failed(lease, result)


def _settled_again(letter: _Looked, result: Result, _now: datetime) -> Settlement | None:
    """That a second send failed for now says nothing of the first."""
    if result.status == "accepted":
        return Settlement(letter.lease, "sent")
    return _failed(letter.lease, result) if result.status == "rejected" else None


def _ended(letter: _Looked, told: Result, now: datetime) -> Settlement | None:
    """Of a letter in doubt that is not sent again as it is."""
    lease = letter.lease
    if told.status in ("accepted", "rejected"):
        return _settled_again(letter, told, now)
    if told.status == "transient":  # it never arrived, so it is a letter like any other
        return letter.settlement or _queued(lease, "transient", now)
    if told.status in _PAUSED and lease.attempts < _MAX_ATTEMPTS:
        return None  # asked after once more
    return Settlement(lease, "in_doubt", "unknown")  # also if it is unwelcome by now: it may have left


def _failed(lease: Lease, result: Result) -> Settlement:
    return Settlement(lease, "failed", _values.scrubbed(result.detail)[:_LONGEST_REASON])


def _heard(status: str) -> Result:
    """What a report says of a letter in doubt; whatever it is, the provider had the letter."""
    return Result("rejected", status) if status == "rejected" else Result("accepted")


def _looks_up(sender: Sender) -> TypeGuard[LookupSender]:
    return sender.capabilities.looks_up


def _parts(leases: Sequence[Lease]) -> list[list[Lease]]:
    """First those claimed for the first time, all at once; what was claimed before may be what ended that worker."""
    fresh = [lease for lease in leases if lease.attempts == 1]
    again = [lease for lease in leases if lease.attempts > 1]
    return [*([fresh] if fresh else []), *parts(again, name=attrgetter("token"))]


def _is_too_late(lease: Lease, now: datetime) -> bool:
    return lease.until - now < _LAST_CALL


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
