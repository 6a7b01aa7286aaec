"""A customer's file with only what a plan can ask for: long histories plan as quickly as short ones.

A storage may hand over the digest instead of the file. The law: it plans like the full file, today; on another day, or
under another book, it must be made anew from the full file.

What is left out are facts that no condition, moment or trigger of the book reads, and of those that are read the ones
between the first and the last of their sort; of the ledger the deferrals of ended runs; of the outcomes all but the
cancelled ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from typing import cast

from attrs import evolve

from retention import _values
from retention.facts import ConsentChanged, EmailReported, Fact, OfferDecided, OfferRedeemed, ProfileChanged
from retention.journey.book import Book
from retention.journey.conditions import AllOf, AnyOf, Condition, Exists, First, Last, Not, Open, kinds
from retention.journey.customer import stated
from retention.journey.definition import Before, Journey, On
from retention.journey.ledger import CustomerFile
from retention.journey.run import Known

__all__ = ["digest"]


def digest(book: Book, file: CustomerFile, now: datetime) -> CustomerFile:
    """The part of the file that `plan` and `recheck` need at `now`, an aware time; order is kept.

    >>> from datetime import timedelta, timezone
    >>> from retention.facts import Visited
    >>> now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    >>> visits = [Visited(id=n, customer_id=1, at=now - timedelta(days=n)) for n in range(1, 100)]
    >>> digest(Book.of([]), CustomerFile(customer_id="1", facts=tuple(visits)), now).facts
    ()
    """
    now = _values.instant("now", now)
    known = Known(file.facts, now).all
    kept = {id(fact) for fact in (*_read_of(book, file, known), *_of_the_customer(known))}
    ended = {(row.journey, row.entry_key) for row in file.ledger if row.kind == "exit"}
    return evolve(
        file,
        facts=tuple(fact for fact in file.facts if fact.at > now or id(fact) in kept),
        ledger=tuple(row for row in file.ledger if row.kind != "defer" or (row.journey, row.entry_key) not in ended),
        outcomes=tuple(outcome for outcome in file.outcomes if outcome.status == "cancelled"),
    )


def _of_the_customer(known: list[Fact]) -> Iterator[Fact]:
    """What `customer_of` adds up: the last word on everything, and the address that bounced for good."""
    last: dict[object, Fact] = {}
    for fact in known:
        if isinstance(fact, ProfileChanged):
            last.update(dict.fromkeys(stated(fact), fact))
        elif isinstance(fact, ConsentChanged):
            last[fact.key, fact.granted] = fact
        elif isinstance(fact, EmailReported):
            if fact.bounce_class == "hard":
                last["bounced"] = fact
                last["bounced address"] = last.get("email", fact)
            if fact.status in ("complained", "unsubscribed"):
                last["suppressed"] = fact
    yield from last.values()


def _read_of(book: Book, file: CustomerFile, known: list[Fact]) -> Iterator[Fact]:
    """What the journeys and the policy look at."""
    conditions = [c for journey in book.journeys for c in journey.conditions()] + [h.when for h in book.policy.holds]
    wanted = {kind for condition in conditions for kind in kinds(condition)}
    wanted.update(*(journey.kinds() for journey in book.journeys))
    whole = {kind for journey in book.journeys for kind in _read_whole(journey)}
    whole |= {one.kind for condition in conditions for one in _parts(condition) if _asks_each(one)}
    triggers = [fact for fact in known if fact.kind in whole]
    ends = _Ends(
        _last_words(book, conditions),
        {*(entry.key for entry in file.entries), *(fact.key for fact in triggers)},
        sorted({*(entry.basis for entry in file.entries), *(getattr(f, "basis", f.at) for f in triggers)}),
    )
    for fact in known:
        if fact.kind in wanted and fact.kind not in whole:
            ends.take(fact)
    yield from triggers
    yield from ends.facts.values()


def _read_whole(journey: Journey) -> Iterator[str]:
    """Kinds of which every fact, or every value, makes an occurrence of its own; and what starts a run for each key."""
    yield journey.trigger.kind
    yield from (OfferDecided.kind, OfferRedeemed.kind) if journey.asks_for_offers else ()
    for moment in (step.moment for step in journey.steps):
        if isinstance(moment, On):
            yield from (facts.kind for facts in moment.facts if moment.once != "once" or facts.attribute)
        elif isinstance(moment, Before) and moment.fact.attribute:
            yield moment.fact.kind


def _asks_each(condition: Exists | First | Last | Open) -> bool:
    """Whether it looks into every fact of its kind, not at the first and last alone."""
    return condition.key == "order" or (isinstance(condition, Exists) and bool(condition.attribute))


def _parts(condition: Condition) -> Iterator[Exists | First | Last | Open]:
    if isinstance(condition, Not):
        yield from _parts(condition.condition)
    elif isinstance(condition, AllOf | AnyOf):
        for part in condition.conditions:
            yield from _parts(part)
    else:
        yield cast("Exists | First | Last | Open", condition)


def _last_words(book: Book, conditions: list[Condition]) -> dict[str, set[str]]:
    """The kinds of which each thing counts by itself, and their attributes of which the last statement counts."""
    found: dict[str, set[str]] = {}
    for one in (one for condition in conditions for one in _parts(condition) if isinstance(one, Open)):
        found.setdefault(one.kind, set()).update({one.attribute} - {""})
    for moment in (step.moment for journey in book.journeys for step in journey.steps):
        if isinstance(moment, Before):
            found.setdefault(moment.fact.kind, set()).add(moment.attribute)
    return found


class _Ends:
    """The first and last fact of each status, of each thing they are about, and after each cut.

    `keys`: of runs, whose facts may be asked for. `cuts`: times after which a run asks for the first fact.
    """

    def __init__(self, last_words: dict[str, set[str]], keys: set[str], cuts: list[datetime]) -> None:
        self.last_words, self.keys, self.cuts = last_words, keys, cuts
        self.facts: dict[object, Fact] = {}

    def take(self, fact: Fact) -> None:
        """Note the next fact, oldest first."""
        # Facts about nothing but themselves, such as visits, are many alike.
        apart = fact.key in self.keys or fact.key != fact.id or fact.kind in self.last_words
        after = bisect_left(self.cuts, fact.at)
        for status in {fact.status, ""}:
            self.facts.setdefault(("after", fact.kind, status, after), fact)
            for key in {fact.key if apart else "", ""}:
                sort = fact.kind, status, key
                self.facts.setdefault(("first", sort), fact)
                self.facts["last", sort] = fact
                for attribute in self.last_words.get(fact.kind, ()):
                    if getattr(fact, attribute) not in (None, ""):
                        self.facts["stated", attribute, sort] = fact
