"""A shop's past as it would have become known: which facts at which run, the scan's own findings among them.

The scan looks at what customers did, never at what was decided about them, so all its findings are made first, by the
engine's own `Sleepers` and scores on a storage that has heard just what was known at each run. What is left of the
past are the customers, each of whom can be lived through alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

from attrs import field, frozen

from retention.engine import Ration, scoring
from retention.engine.doors import check
from retention.engine.sleepers import KINDS, Sleepers
from retention.facts import CustomerErased, CustomersMerged, EmailReported, Fact
from retention.people import Shop
from retention.storage.memory import MemoryStorage

__all__ = ["Arrivals", "KnownAt", "Past", "past", "when_it_happened"]

KnownAt: TypeAlias = Callable[[Fact], datetime]
Arrivals: TypeAlias = list[tuple[int, Fact]]
"""The facts about a customer, each with the number of the run at which it was there first; in order."""

_UNITED = frozenset({CustomersMerged.kind, CustomerErased.kind})
"""The kinds of facts that change files which are there already."""


@frozen(eq=False)
class Past:
    """The facts by customer; `groups`: for each customer who is merged or erased some day, all who are one with them.

    The facts of a group are kept as those of its first customer.
    """

    groups: dict[str, list[str]]
    lives: dict[str, Arrivals] = field(factory=dict)

    def add(self, run: int, fact: Fact) -> None:
        """Note that the fact is there first at this run."""
        group = self.groups.get(fact.customer_id)
        self.lives.setdefault(group[0] if group else fact.customer_id, []).append((run, fact))


def when_it_happened(fact: Fact) -> datetime:
    """When a shop hears of a fact unless its history says otherwise: at once, of a letter's fate when it was told."""
    heard = fact.received_at if isinstance(fact, EmailReported) else None
    return heard or fact.at


def past(
    history: Iterable[Fact],
    runs: Sequence[datetime],
    kinds: frozenset[str],
    *,
    shop: Shop,
    known_at: KnownAt,
    ration: Ration | None,
    scores: bool,
) -> Past:
    """All facts of the kinds by customer and run; with a `ration` also those that the scan finds, with `scores` or not.

    What is found without scores says no `p_active`, and nothing of it in its `why`.
    """
    kept = kinds | _UNITED
    heard = kept.union(KINDS if ration else ())
    facts = [fact for fact in history if _checked(fact, shop).kind in heard]
    facts.sort(key=known_at)
    times = [known_at(fact) for fact in facts]
    storage, sleepers = MemoryStorage(), Sleepers(shop.timezone)
    score = partial(scoring.score, storage) if scores else None
    found = Past(_groups(facts))
    done = 0
    for run, now in enumerate(runs):
        until = bisect_right(times, now, done)
        _record(found, run, facts[done:until], storage, kept)
        done = until
        if ration is not None:
            sleepers.read(storage, now)
            asleep, _ = sleepers.asleep(now, ration, score)
            _record(found, run, asleep, storage, kept)
    return found


def _checked(fact: Fact, shop: Shop) -> Fact:
    check(fact, shop)
    return fact


def _record(found: Past, run: int, facts: Sequence[Fact], storage: MemoryStorage, kinds: frozenset[str]) -> None:
    for fact, state in zip(facts, storage.record(facts), strict=True):
        if state == "new" and fact.kind in kinds:
            found.add(run, fact)


def _groups(facts: Iterable[Fact]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for fact in facts:
        if fact.kind in _UNITED:
            _unite(groups, fact.customer_id, fact.into if isinstance(fact, CustomersMerged) else fact.customer_id)
    return groups


def _unite(groups: dict[str, list[str]], one: str, other: str) -> None:
    mine, theirs = groups.setdefault(one, [one]), groups.setdefault(other, [other])
    if mine is not theirs:
        mine += theirs
        groups.update(dict.fromkeys(theirs, mine))
