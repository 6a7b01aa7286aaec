"""Time travel: what journeys would have done to a shop's past, by the very planner that decides about its future.

    found = simulate([win_back()], history, "2025-01-01", "2025-12-31", shop=shop)
    found.sent, found.journeys[0].power.sentence

The facts become known one by one as they did then, the cron line runs at its hours, and `journey.plan` gets each moment
as its `now`; the scan that finds sleepers and their scores is the engine's. A test compares every entry and decision
with those of the live engine, byte for byte.

What a simulation cannot know: how people would have answered letters that they never got, so nobody comes back because
of one; which offers would have been granted, so a letter that waits for one goes without; and whether a letter can be
written, so what an engine skips as "unwritable" counts as sent. A letter leaves in the run that decides about it, when
a look at the file just before the sender would see what was decided on.

`moments` says when runs are, `past` what was known at each, `replay` plans, `counts` counts, `power` tells how long
an experiment would take. Pure: reads no clock and no file, and keeps one customer's ledger at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from retention import _records, _wall_time, journey
from retention.engine import Ration
from retention.errors import InvalidInput
from retention.facts import Fact, FellAsleep, OrderPlaced
from retention.journey import CONTROL, Book, ContactPolicy, CustomerFile, Journey, contact_policy, needs
from retention.people import Shop
from retention.simulate import moments
from retention.simulate.counts import Collision, JourneySimulated, LettersOfDay, Simulation, Tally
from retention.simulate.past import past, when_it_happened
from retention.simulate.power import Power, power
from retention.simulate.replay import files

__all__ = ["Collision", "JourneySimulated", "LettersOfDay", "Power", "Simulation", "simulate"]


def simulate(
    journeys: Sequence[Journey],
    history: Iterable[Fact],
    start: date | str,
    end: date | str,
    *,
    shop: Shop,
    policy: ContactPolicy | None = None,
    ration: Ration | None = None,
    hours: Iterable[int] = (10,),
    outages: Iterable[tuple[date | str, date | str]] = (),
    known_at: Callable[[Fact], datetime] = when_it_happened,
    lift: float = 0.02,
    each: Callable[[CustomerFile], None] | None = None,
) -> Simulation:
    """Switch the journeys on at `start` and live the shop's past until `end`, both days of the shop's zone.

    `history`: facts in any order, those before `start` included; the first of two with one kind and id counts.
    `hours`: at which the cron line runs every day, by the shop's clocks. `outages`: first and last days without a run.
    `known_at`: when the shop heard of a fact, an aware time; when it happened, unless given. `policy`, `ration`: as of
    the engine. `lift`: the rise of the returning share that the control group is to show; .02 is two points. `each`:
    called with the file of every customer at the end, ledger included; nothing else keeps them.

    Raises `InvalidInput` for days, hours, times, facts and a lift that are none, `InvalidJourney` for journeys that
    clash.
    """
    if not 0 < lift < 1:  # NaN is not either
        raise InvalidInput(f"lift: {lift!r} is no rise of a share; give .02 for two points")
    first, last = moments.day("start", start), moments.day("end", end)
    zone = ZoneInfo(shop.timezone)
    runs = moments.runs(first, last, zone, hours=hours, outages=map(moments.outage, outages))
    book = Book.of(journeys, policy=policy, timezone=shop.timezone, language=shop.language)
    known = past(
        history,
        runs,
        _kinds(book),
        shop=shop,
        known_at=known_at,
        ration=(ration or Ration()) if any(j.trigger.kind == FellAsleep.kind for j in book.current) else None,
        scores=_asks_for_scores(book),
    )
    tally = Tally(book, [_wall_time.local_date(run, zone) for run in runs])
    unplanned: set[str] = set()
    for file in files(book, shop, runs, known, seen=tally.seen, unplanned=unplanned):
        if each is not None:
            each(file)
    lives, began = list(known.lives.values()), _wall_time.at(first, time(), zone)
    weeks = ((last - first).days + 1) / 7

    def forecast(one: Journey) -> JourneySimulated:
        per_week = float(f"{sum(tally.people(one).values()) / weeks:.3g}")
        return tally.journey(one, power(one, lives, began, zone, per_week=per_week, lift=lift))

    return Simulation(
        first,
        last,
        len(runs),
        len(lives),
        tally.letters(),
        tuple(map(forecast, book.current)),
        tally.collisions(),
        len(unplanned),
    )


def _kinds(book: Book) -> frozenset[str]:
    """What planning looks at, and the orders that an experiment counts."""
    counted = {OrderPlaced.kind} if any(CONTROL in journey.arms for journey in book.current) else set()
    return (needs(book).kinds or frozenset()) | counted


def _asks_for_scores(book: Book) -> bool:
    """Whether some condition may read what only the score tells; scores are most of what a scan costs."""
    definitions = [*map(journey.to_json, book.journeys), contact_policy.to_json(book.policy)]
    return any(f'"{name}"' in _records.text(each) for each in definitions for name in ("p_active", "why"))
