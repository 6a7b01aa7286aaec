"""What a host plugs in: where things are kept, how letters leave, and what is heard of them later.

The docstrings are the contract, and the kits of `retention.testing` hold an implementation to it, law by law.
`retention.storage.memory` is the reference model of the first, `retention.senders.memory` the smallest of the second.

A letter's life::

    queued -> leased -> sending -> sent | failed | queued again (at `retry_at`)
                 |          `----> in_doubt (its lease ran out: nobody knows whether it left)
                 `-> cancelled | queued again (a re-check just before sending)

`sent`, `failed`, `cancelled` and a settled `in_doubt` are final.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from attrs import field, frozen

from retention import _values
from retention.facts import BOUNCE_CLASSES, EMAIL_STATUSES, Fact
from retention.journey.ledger import CustomerFile, DecisionKey, Needs, Plan
from retention.messages import Message, Result

__all__ = [
    "Capabilities",
    "Change",
    "Lease",
    "Letter",
    "LookupSender",
    "Parsed",
    "Report",
    "Sender",
    "Settlement",
    "Storage",
    "WebhookParser",
]


@frozen
class Letter:
    """A letter that a decision asks for; it may not leave before `due`."""

    key: DecisionKey
    message: Message
    due: datetime


@frozen
class Change:
    """What planning one customer's file changes, applied whole or not at all.

    `version`: the file's, so that a change planned on an older file is refused. `fingerprint`: of the journeys and
    policy that planned it.
    """

    customer_id: str
    version: int
    plan: Plan
    fingerprint: str
    letters: tuple[Letter, ...] = ()


@frozen
class Lease:
    """The right to send one letter until `until`, proved by `token`; `attempts` counts the claims, with this one."""

    customer_id: str
    key: DecisionKey
    message: Message
    token: str
    attempts: int
    until: datetime


@frozen
class Settlement:
    """What became of a leased letter; `retry_at` with status queued, without it the letter keeps its due time."""

    lease: Lease
    status: Literal["sent", "failed", "cancelled", "queued", "in_doubt"]
    reason: str = ""
    retry_at: datetime | None = None


class Storage(Protocol):
    """The memory of one shop.

    Every method is atomic, safe to call from several threads, and durable when it returns. Times are aware UTC and
    come back to the microsecond; text comes back to the character. Errors are `retention.errors.StorageError`;
    a call that raises has changed nothing.
    """

    def remember(self, name: str, text: str) -> str:
        """Keep `text` under `name` unless something is kept there; return what is kept there now."""

    def recall(self, prefix: str) -> Mapping[str, str]:
        """Everything kept by `remember` under names that start with `prefix`."""

    def advance(self, now: datetime) -> datetime:
        """The storage's clock: the later of `now` and every earlier call's, kept."""

    def record(self, facts: Sequence[Fact]) -> list[Literal["new", "known", "conflict"]]:
        """Add facts to their customers' files, in order; those customers are due at once and their versions grow.

        A fact whose kind and id are there already changes nothing: known when it is equal, else a conflict (the
        first one stays). `CustomersMerged` moves everything of its customer, later facts included, to `into`; of two
        runs with one journey and key the earlier stays, of two that began together the one of `into`. Customers who
        are one already, also by a merge the other way round, stay one: the fact is recorded and moves nothing.

        `CustomerErased` empties its customer's file of everything personal: the contents of all facts recorded before
        it and of all letters. What is left are tombstones: an erased fact reported again is known, a letter's key stays
        taken, entries and ledger stay, and letters not yet handed over are cancelled with reason "erased".
        """

    def facts(self, kinds: Collection[str], after: int, limit: int) -> tuple[list[tuple[str, Fact]], int]:
        """Facts of the kinds in the order they were recorded, each with the customer it belongs to now.

        `after`: 0, or the cursor that the last call for these kinds returned; no fact is ever missed or given twice.
        An empty list means that there are no more.
        """

    def owners(self, message_keys: Collection[str]) -> Mapping[str, str]:
        """For each message key that is known, the customer whose letter it is now."""

    def customers(self, after: str, limit: int) -> list[str]:
        """The ids of customers with any fact, in order, those above `after`."""

    def due(self, now: datetime, fingerprint: str, limit: int) -> list[str]:
        """Customers to plan: `wake_at` has come, longest waiting first; then those whom another fingerprint planned.

        Equal ones come by id, the second group by fingerprint and id.
        """

    def load(self, customer_ids: Sequence[str], needs: Needs) -> list[CustomerFile]:
        """The customers' files, in order and each from one moment; a customer nobody knows has an empty file.

        Facts are those of the kinds needed, oldest first by (at, kind, id); entries, ledger and outcomes are whole
        and oldest first. An id that was merged away gives the file that holds it now, under that file's id.
        """

    def commit(self, changes: Sequence[Change]) -> list[bool]:
        """Apply each change whose version is still the file's: rows, letters, wake-up. False: conflict, not applied.

        A letter whose message key exists already is not queued again: its first payload stays.
        """

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        """Lease letters that are due (`due` or `retry_at` <= now), by due time and then key; never one that is leased.

        A lease that ran out before sending began may be claimed again. Each claim has a new token and counts as one
        attempt. A letter whose message cannot be read fails, reason "unreadable", and makes room for the next.
        """

    def claim_doubts(self, now: datetime, lease: timedelta, limit: int) -> list[Lease]:
        """Lease letters whose sending began and whose lease ran out; they become `in_doubt`, for the engine to settle.

        Like a claim, each has a new token and counts as one attempt; one that nobody settles is leased again later. One
        whose message cannot be read, or was erased, is settled here: in_doubt, reason "unreadable".
        """

    def begin(self, leases: Sequence[Lease], now: datetime) -> list[bool]:
        """Mark letters as `sending`, durably, before they are handed over. False: not this lease's, or it ran out."""

    def settle(self, settlements: Sequence[Settlement], now: datetime) -> list[bool]:
        """Record what became of letters. False, and nothing changes: not this lease's any more, or it ran out.

        From `leased` only to cancelled or queued; from `sending` and `in_doubt` to anything.
        """

    def close(self) -> None:
        """Give back files and connections; further calls raise `StorageUnavailable`."""


@frozen
class Capabilities:
    """What a sender promises.

    `max_batch`: messages in one call. `remembers_for`: how long a second send of the same key is recognised and not
    delivered again; None: not at all. `looks_up`: it is a `LookupSender`.
    """

    max_batch: int = 1
    remembers_for: timedelta | None = None
    looks_up: bool = False


class Sender(Protocol):
    """The way out: any e-mail provider."""

    @property
    def capabilities(self) -> Capabilities:
        """What this sender promises; never changes."""

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Hand over at most `max_batch` messages; one result each, in order. Raises nothing that a provider does.

        More than `max_batch` raise `InvalidInput` before anything is handed over.
        """


class LookupSender(Sender, Protocol):
    """A sender that can ask its provider what became of a letter whose answer was lost."""

    def lookup(self, message_keys: Sequence[str]) -> list[Result]:
        """One result each, in order: accepted or rejected; transient: it never arrived; unknown: nobody can tell."""


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Report:
    """One event in a letter's life after it was sent, as its provider tells it.

    `id`: the provider's own id of the event, the same however often it is told. `at`: when it happened. `machine`:
    whether a robot did it, None when nobody knows.
    """

    id: str = field(metadata=_values.clean(_values.identifier))
    message_key: str = field(metadata=_values.clean(_values.identifier))
    status: str = field(metadata=_values.clean(_values.one_of, EMAIL_STATUSES))
    at: datetime = field(metadata=_values.clean(_values.instant))
    bounce_class: str = field(default="", metadata=_values.clean(_values.one_of, BOUNCE_CLASSES))
    machine: bool | None = field(default=None, metadata=_values.clean(_values.flag, optional=True))


@frozen
class Parsed:
    """What a webhook's body says: `reports` to keep, how many events were `ignored`, and why some were `rejected`.

    `rejected`: one line for each event that could not be read, without addresses; the others are not affected.
    """

    reports: tuple[Report, ...] = ()
    ignored: int = 0
    rejected: tuple[str, ...] = ()


class WebhookParser(Protocol):
    """The way back in: how one provider reports what became of letters. Header names are compared without case."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether the provider signed these very bytes, and lately; compared in constant time. Raises nothing."""

    def parse(self, headers: Mapping[str, str], body: bytes) -> Parsed:
        """The reports in a verified body. Total: whatever the bytes are, it raises nothing."""
