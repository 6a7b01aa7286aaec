"""The sum check: a ledger accounts for every step of every run, and for every letter.

Pure, and apart from the planner: it does not know how rows come about, only what must be there in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import frozen

from retention.journey.book import Book
from retention.journey.ledger import CustomerFile, Decision, DecisionKey, Entry

__all__ = ["Unaccounted", "unaccounted"]

_OWNING = ("send", "withhold", "skip")


@frozen
class Unaccounted:
    """What a ledger owes an answer for, or answers twice; `step` and `occurrence` are "" for a run as a whole."""

    key: DecisionKey
    what: str


def unaccounted(book: Book, file: CustomerFile, *, letters: bool = True) -> list[Unaccounted]:
    """Everything that does not add up in a customer's file; empty when all is well.

    Of every run that ended, each step of the pinned version must have been sent, withheld or skipped, once for each
    occurrence, deferred ones included; nothing may be decided twice or in no run; a run ends once. With `letters` every
    send must have a letter with an outcome, and every outcome a send. Runs of journeys that the book does not know
    answer only for their letters.
    """
    rows: dict[tuple[str, str], list[Decision]] = {}
    for row in file.ledger:
        if row.kind != "refuse":
            rows.setdefault((row.journey, row.entry_key), []).append(row)
    found: list[Unaccounted] = []
    for entry in file.entries:
        found += _of_run(book, entry, rows.pop((entry.journey, entry.key), []))
    found += [Unaccounted(DecisionKey(*run, "", ""), "decided about in no run") for run in rows]
    return found + (list(_of_letters(file)) if letters else [])


def _of_run(book: Book, entry: Entry, rows: Iterable[Decision]) -> Iterator[Unaccounted]:
    journey = book.journey(entry)
    if journey is None:
        return
    now_called = {name: step.id for step in journey.steps for name in (step.id, *step.formerly)}

    def places(*kinds: str) -> Counter[tuple[str, str]]:
        return Counter((now_called.get(row.step, row.step), row.occurrence) for row in rows if row.kind in kinds)

    decided, ends = places(*_OWNING), places("exit").total()
    # Two customers who turn out to be one may both have been inside: then each row may be there twice.
    most = max(1, places("enter").total())
    wrong = {place: f"decided {n} times" for place, n in decided.items() if n > most}
    if ends > most:
        wrong["", ""] = f"ended {ends} times"
    if ends:
        known = {step for step, _ in decided}
        wrong |= {(step.id, ""): "never decided" for step in journey.steps if step.id not in known}
        present = set(now_called.values())
        forgotten = places("defer").keys() - decided.keys()
        wrong |= {place: "put off, then forgotten" for place in sorted(forgotten) if place[0] in present}
    for place, what in wrong.items():
        yield Unaccounted(DecisionKey(entry.journey, entry.key, *place), what)


def _of_letters(file: CustomerFile) -> Iterator[Unaccounted]:
    sends = Counter(row.key for row in file.ledger if row.kind == "send")
    letters = Counter(outcome.key for outcome in file.outcomes)
    for key in sorted(sends.keys() | letters.keys()):
        if not letters[key]:
            yield Unaccounted(key, "sent, but there is no letter")
        elif letters[key] > sends[key]:
            yield Unaccounted(key, f"{letters[key]} letters for {sends[key]} decisions")
