"""The engine: facts in, letters out, every decision kept.

    engine = Engine(storage, sender, journeys=[win_back()], shop=shop)
    engine.record(facts)     # what happened
    engine.run()             # scan, tick, deliver: from cron, as often as you like

Here the pure floors meet the storage, the sender and the clock, which is read once per batch and never runs backwards.
Nothing is kept in the engine that the storage does not have; several may work on one storage at once. Every method may
be called twice: the second call finds nothing to do.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from attrs import asdict, evolve, frozen

from retention import _records, _values, letters
from retention._types import Json
from retention.engine import copies, planning, reports, scoring
from retention.engine.delivery import Delivery
from retention.engine.doors import check, noted, read
from retention.engine.doubts import REPORTS, Doubt, Doubts, in_doubt
from retention.engine.explanation import Explanation, explain
from retention.engine.goods import Goods
from retention.engine.granting import Granting
from retention.engine.offering import Offering, Redemption
from retention.engine.parts import parts
from retention.engine.picks import KINDS, Picks, Products
from retention.engine.reports import Received
from retention.engine.results import NEEDED, Results, tally
from retention.engine.risks import Prevention, Risks
from retention.engine.rounds import Request
from retention.engine.sleepers import Ration, Sleepers, batches
from retention.engine.trouble import trouble
from retention.errors import IncompatibleStorage, InvalidInput, InvalidTemplate
from retention.facts import CustomerErased, Fact, FellAsleep, OfferDecided, OfferRedeemed, Rejected, ReturnRiskFound
from retention.journey import (
    Book,
    ContactPolicy,
    CustomerFile,
    Decision,
    Journey,
    Needs,
    customer_of,
    from_json,
    needs,
    to_json,
)
from retention.people import Shop
from retention.ports import Change, Letter, Sender, Storage, WebhookParser

__all__ = [
    "Clock",
    "Doubt",
    "Doubts",
    "Engine",
    "Explanation",
    "Granting",
    "Prevention",
    "Ration",
    "Received",
    "Recorded",
    "Redemption",
    "Results",
    "Scanned",
    "system_clock",
]

log = logging.getLogger("retention.engine")

Clock: TypeAlias = Callable[[], datetime]
Observe: TypeAlias = Callable[[str, Mapping[str, int]], None]

_BATCH = 500
_TRIES = 3
"""How often one tick plans a customer whom others change meanwhile; the next tick goes on."""


def system_clock() -> datetime:
    """The computer's clock, in UTC: the only place in the library that reads it."""
    return datetime.now(UTC)  # noqa: TID251 - the one clock: everybody else takes `now`


def _pinned(name: str, text: str) -> Journey:
    """A version of a journey that somebody may still be inside."""
    try:
        return from_json(json.loads(text))
    except (TypeError, ValueError) as error:
        raise IncompatibleStorage(f"storage: {name} cannot be read ({error}); update the library") from error


@frozen
class Recorded:
    """What became of facts: how many were new and known before; `conflicts`: ids with other contents than before.

    `rejected`: the rows of JSON that are no facts, and why.
    """

    new: int = 0
    known: int = 0
    conflicts: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()


@frozen
class Scanned:
    """How many customers were found asleep and recorded, and how many sleepers wait for another day.

    `risks`: how many orders were found likely to come back and recorded; `unjudged`: how many recent orders nobody can
    judge, because too little came back so far to learn from.
    """

    asleep: int = 0
    waiting: int = 0
    risks: int = 0
    unjudged: int = 0


class Engine:
    """One shop's journeys at work on a storage and a sender."""

    def __init__(
        self,
        storage: Storage,
        sender: Sender,
        *,
        journeys: Sequence[Journey],
        shop: Shop,
        policy: ContactPolicy | None = None,
        ration: Ration | None = None,
        offers: Granting | None = None,
        products: Products = (),
        prevention: Prevention | None = None,
        doubts: Doubts | None = None,
        templates: Path | None = None,
        allow_links: Sequence[str] = (),
        environment: str = "production",
        witness: Path | None = None,
        restored: bool = False,
        clock: Clock = system_clock,
        observe: Observe | None = None,
    ) -> None:
        """Check everything that can be checked before the first letter.

        `ration`: how sleepers enter when a journey is switched on. `offers`: what may be granted to the steps that wait
        for an offer, and how; without it they get none. `products`: the catalogue that letters show products of, or a
        function that gives it, asked once per tick. `prevention`: what help after a risky order is worth; without it
        nobody looks for such orders. `doubts`: what becomes of letters of which nobody knows whether they left.
        `templates`: a directory whose files replace the letters, words and pages that come with the library.
        `allow_links`: hosts beside the shop's own that its letters may lead to, such as "instagram.com".
        `environment`: the storage keeps its name and is refused under any other. `witness`: a file outside the storage
        that remembers how far it has come; one that is behind, a restored copy, is refused until `restored` says so,
        and then no promotion leaves that may have left before (without a witness, at every start with `restored`).
        `observe`: called with the name of each step of the work and its counts.
        Raises `InvalidJourney`, `InvalidTemplate`, and `IncompatibleStorage` for a storage not to be worked on.
        """
        self.storage, self.sender, self.shop = storage, sender, shop
        self.letters = letters.Letters(shop, templates, allow_links=allow_links)
        self.letters.check(journeys, thorough=False)
        self._clock, self._observe = clock, observe
        self._ration = Ration() if ration is None else ration
        self._doubts = Doubts() if doubts is None else doubts
        self._offering = None if offers is None else Offering(offers, storage, shop)
        goods = Goods()
        self._picks = Picks(products, goods, storage, shop.timezone) if products else None
        owner = {"shop": shop.id, "environment": _values.identifier("environment", environment)}
        copies.check(storage, owner)
        self._witness = None if witness is None else copies.Witness(witness)
        is_restored = copies.is_restored(storage, self._witness, said=restored)
        self._compiled(journeys, policy)  # what cannot work is refused before anything is stored
        copies.keep(storage, owner)
        if is_restored:
            copies.restore(storage, self._witness, self.present())
        self._epoch, restoration = copies.latest(storage)
        self._pin(journeys)
        self.book = self._compiled(journeys, policy, restoration)
        self._tell_lost_letters()
        self._needs = Needs((needs(self.book).kinds or frozenset()) | letters.KINDS | (KINDS if products else set()))
        self._tests = {journey.name: planning.experiment(shop, journey) for journey in self.book.current}
        self._topics = {(journey.name, journey.version): journey.topic for journey in self.book.journeys}
        self._sleepers = Sleepers(shop.timezone, restoration)
        looks = any(ReturnRiskFound.kind in journey.kinds() for journey in self.book.current)
        self._risks = Risks(prevention, goods, shop.timezone, restoration) if prevention and looks else None
        self._scanning = threading.Lock()

    def _compiled(
        self, journeys: Sequence[Journey], policy: ContactPolicy | None, restoration: copies.Restoration | None = None
    ) -> Book:
        pinned = [_pinned(name, text) for name, text in self.storage.recall("journey/").items()]
        return Book.of(
            journeys,
            earlier=pinned,
            policy=policy,
            timezone=self.shop.timezone,
            language=self.shop.language,
            restored_at=None if restoration is None else restoration.at,
            grants=self._offering is not None,
        )

    def _pin(self, journeys: Sequence[Journey]) -> None:
        for journey in journeys:
            self.storage.remember(f"journey/{journey.name}/{journey.version}", _records.text(to_json(journey)))

    def _tell_lost_letters(self) -> None:
        """Say which letters of earlier versions cannot be written any more; people may still be inside."""
        checked = {name for journey in self.book.current for step in journey.steps for name in step.templates()}
        for journey in self.book.journeys:
            if all(name in checked for step in journey.steps for name in step.templates()):
                continue
            try:
                self.letters.check([journey], thorough=False)
            except InvalidTemplate as error:
                log.warning(
                    "journey %s version %d: who is inside misses a letter: %s", journey.name, journey.version, error
                )

    def now(self) -> datetime:
        """The clock's time in UTC, or the latest time anybody has worked at on this storage, if that is later."""
        now = self.storage.advance(self.present())
        if self._witness is not None:
            self._witness.saw(self._epoch, now)
        return now

    def present(self) -> datetime:
        """The clock's time in UTC, as it is; asking moves nothing."""
        return _values.instant("clock", self._clock())

    def record(self, facts: Iterable[Fact]) -> Recorded:
        """Keep what happened; a fact known before changes nothing.

        Raises `InvalidInput` for what is no fact, and for an order in another currency than the shop's; facts before
        it in the iterable may have been kept, and sending all again keeps none twice.
        """
        states: Counter[str] = Counter()
        conflicts: list[str] = []
        waiting = iter(facts)
        while batch := list(islice(waiting, _BATCH * 10)):
            for fact in batch:
                check(fact, self.shop)
            kept = self.storage.record(batch)
            states.update([*kept, *noted(batch)])
            conflicts += [f"{f.kind} {f.id}" for f, state in zip(batch, kept, strict=True) if state == "conflict"]
        self._report("record", states)
        return Recorded(states["new"], states["known"], tuple(conflicts))

    def record_json(self, rows: Iterable[str | bytes | Json]) -> Recorded:
        """Keep the facts among rows of JSON, as `facts.to_json` writes them; what is none is told, and stops no other.

        Rows are JSON text, a fact each, or mappings that were parsed already.
        """
        rejected: list[Rejected] = []
        return evolve(self.record(read(rows, self.shop, rejected)), rejected=tuple(rejected))

    def receive(self, parser: WebhookParser, headers: Mapping[str, str], body: bytes) -> Received:
        """Keep what a provider's webhook reports about letters; call it with what came, and answer 200.

        Who complained, unsubscribed or has no such address gets no more letters. Raises `InvalidInput`, and keeps
        nothing, for a body that the provider did not sign lately: answer 401, and what was real is sent again.
        """
        now = self.present()
        said = reports.parsed(parser, headers, body, now)
        owners = self.storage.owners({report.message_key for report in said.reports})
        told = self.record(reports.facts(said.reports, owners, now))
        known = told.known + len(told.conflicts)  # told again, it differs by when it was heard of
        unmatched = len(said.reports) - told.new - known
        counts = {"unmatched": unmatched, "ignored": said.ignored, "rejected": len(said.rejected)}
        self._report("receive", {"new": told.new, "known": known} | counts)
        return Received(told.new, known, unmatched, said.ignored, said.rejected)

    def erase(self, customer_id: str | int) -> None:
        """Forget a customer: of what happened and what was written only that it was is left, as the law may ask.

        Letters not yet handed over are cancelled. The id stays, with what was decided; reported again, nothing of what
        was erased comes back. A shop that hears of the customer anew begins anew.
        """
        who, now = _values.identifier("customer_id", customer_id), self.present()
        self.record([CustomerErased(id=f"{who}/{now.isoformat()}", customer_id=who, at=now)])

    def scan(self) -> Scanned:
        """Find who fell asleep and which orders are likely to come back, and record it, if a journey wants to know."""
        wants_sleepers = any(journey.trigger.kind == FellAsleep.kind for journey in self.book.current)
        if not wants_sleepers and self._risks is None:
            return Scanned()
        with self._scanning:
            asleep = self._scan_sleepers() if wants_sleepers else (0, 0)
            found, unjudged = self._risks.find(self.storage, self.now()) if self._risks else ([], 0)
            scanned = Scanned(*asleep, self.record(found).new if found else 0, unjudged)
        self._report("scan", asdict(scanned))
        return scanned

    def _scan_sleepers(self) -> tuple[int, int]:
        now = self.now()
        self._sleepers.read(self.storage, now)
        found, waiting = self._sleepers.asleep(now, self._ration, partial(scoring.score, self.storage))
        self._sleepers.read(self.storage, now)  # scoring took its time; who was erased meanwhile leaves no trace
        return self.record(fact for fact in found if self._sleepers.stands(fact)).new, waiting

    def tick(self) -> Mapping[str, int]:
        """Plan every customer who is due; the number of new ledger rows by kind.

        "unplanned" counts customers whose history breaks the plan; the log says where, and they are due again later.
        """
        done: Counter[str] = Counter()
        tries: Counter[str] = Counter()
        waiting: dict[str, Request] = {}
        if self._picks is not None:
            self._picks.renew()
        while True:
            now = self.now()
            due = [i for i in self.storage.due(now, self.book.fingerprint, _BATCH) if tries[i] < _TRIES]
            if not due and not waiting:
                self._report("tick", done)
                return done
            if not due:  # everybody has asked: one round for all, and its decisions make them due again
                done += self._grant([*waiting.values()], now)
                waiting.clear()
            tries.update(due)
            for part in parts(due, name=str, run=now.isoformat()):
                self._plan(part, now, done, waiting)

    def _grant(self, waiting: Sequence[Request], now: datetime) -> Counter[str]:
        if self._offering is None:
            return Counter()
        with self._scanning:
            self._sleepers.read(self.storage, now)
            standing = self._sleepers.standing([request.customer_id for request in waiting], now)
        decided = self._offering.grant(waiting, standing, now)
        self._report("grant", decided)
        return Counter({"granted": decided["granted"], "no_offer": decided["none"]})

    def redeem(self, code: str, *, order_id: str | int = "", at: datetime | None = None) -> Redemption:
        """A customer used the code of an offer, at the time of `at` (aware; now, if not given), on this order.

        Whether it is accepted is in the result; the same order may ask again, if it is named. Raises `InvalidInput`
        where the engine grants no offers.
        """
        if self._offering is None:
            raise InvalidInput("redeem: this engine grants no offers; give it offers=Granting(…)")
        when = self.present() if at is None else _values.instant("at", at)
        order = "" if order_id == "" else _values.identifier("order_id", order_id)
        found = self._offering.redeem(_values.text("code", code), order_id=order, at=when)
        self._report("redeem", {found.status: 1})
        return found

    def _plan(self, due: Sequence[str], now: datetime, done: Counter[str], waiting: dict[str, Request]) -> None:
        files = self.storage.load(due, self._needs)
        changes = [self._change(file, now, done) for file in self._with_arms(files)]
        for file, change, applied in zip(files, changes, self.storage.commit(changes), strict=True):
            done.update(row.kind for row in change.plan.decisions if applied)
            for journey, key in change.plan.wants if applied else ():
                past = tuple(fact for fact in file.facts if isinstance(fact, OfferDecided | OfferRedeemed))
                request = Request(file.customer_id, journey, key, past)
                waiting[request.id] = request

    def _with_arms(self, files: Sequence[CustomerFile]) -> Iterator[CustomerFile]:
        drawn = planning.draw(self._tests, [file.customer_id for file in files])
        return (evolve(file, arms=mine) for file, mine in zip(files, drawn, strict=True))

    def _change(self, file: CustomerFile, now: datetime, done: Counter[str]) -> Change:
        planned, works = planning.planned(self.book, file, now)
        if not works:
            done["unplanned"] += 1
        if not planned.decisions:  # nearly always: a fact that changes nothing
            return Change(file.customer_id, file.version, planned, self.book.fingerprint)
        written = [(row, self._letter(file, row, now) if row.kind == "send" else None) for row in planned.decisions]
        rows = (
            evolve(row, kind="skip", reason="unwritable") if row.kind == "send" and letter is None else row
            for row, letter in written
        )
        return Change(
            file.customer_id,
            file.version,
            evolve(planned, decisions=tuple(rows)),
            self.book.fingerprint,
            tuple(letter for _, letter in written if letter),
        )

    def _letter(self, file: CustomerFile, row: Decision, now: datetime) -> Letter | None:
        try:
            known = [fact for fact in file.facts if fact.at <= now]
            customer = customer_of(file.customer_id, known, timezone=self.shop.timezone, language=self.shop.language)
            topic = self._topics.get((row.journey, row.version), "marketing")
            picks = self._picks.of(known, now) if self._picks is not None and row.promotional else ()
            message = self.letters.write(customer, row, known, at=now, topic=topic, picks=picks)
        except Exception as error:  # noqa: BLE001 - a template and what it is given can break in any way
            log.error("letter %s/%s could not be written: %s", row.journey, row.step, trouble(error))  # noqa: TRY400 - its text may hold personal data
            return None
        return Letter(row.key, message, due=now)

    def deliver(self) -> Mapping[str, int]:
        """Send what is due, after one more look at each customer; the number of letters by what became of them."""
        done = Delivery(self.storage, self.sender, self.book, self._needs, self._doubts, self.now).run()
        self._report("deliver", done)
        return dict(done)

    def run(self) -> dict[str, Mapping[str, int]]:
        """Scan, tick and deliver: all that a cron line has to call.

        What an earlier run left in the queue goes first: that run may have died of a history that kills this one too.
        """
        left = Counter(self.deliver())
        scanned = self.scan()
        return {
            "scan": asdict(scanned),
            "tick": self.tick(),
            "deliver": dict(left + Counter(self.deliver())),
        }

    def explain(self, customer_id: str | int) -> Explanation:
        """Everything that happened to one customer and was decided about them, with reasons."""
        (file,) = self.storage.load([_values.identifier("customer_id", customer_id)], Needs())
        return explain(self.book, file, self.shop.timezone)

    def doubts(self) -> Iterator[Doubt]:
        """Every letter of which nobody knows whether it left, for a look into the provider's own list.

        Looks through all customers. Letters that are being handed over at this moment are among them.
        """
        return in_doubt(self._files(REPORTS))

    def results(self) -> Results:
        """What the journeys achieved by the last time anybody worked on this storage, counted from the ledger.

        Looking moves no clock: a storage that was worked with at another time's `clock` stays in that time.
        """
        return tally(self._files(NEEDED), self.book, copies.worked_at(self.storage) or self.present())

    def _files(self, needed: Needs) -> Iterator[CustomerFile]:
        """The files of all customers."""
        return (file for ids in batches(self.storage, _BATCH) for file in self.storage.load(ids, needed))

    def _report(self, event: str, counts: Mapping[str, int]) -> None:
        log.info("%s: %s", event, dict(counts))
        if self._observe is not None:
            self._observe(event, dict(counts))
