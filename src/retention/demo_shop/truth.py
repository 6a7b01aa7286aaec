"""What really was so: each customer's life with letters beside the same life without.

Counted for the very customers of the engine's results: each in the arm of their first entry, once the window after it
is over. Before the first entry no letter of the journey can have reached them, so what would have followed without
letters is what was drawn beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from attrs import frozen

from retention import _wall_time
from retention.demo_shop.lives import Lives
from retention.facts import OrderPlaced
from retention.journey import CONTROL, CustomerFile, Entry, Journey

__all__ = ["Truth", "Window", "in_groups", "windows"]


@frozen(kw_only=True)
class Truth:
    """What the letters of a simulated shop did.

    The results' groups: `treated` and `control` customers; of the treated `returned` ordered within the window and
    `unaided` would have done so without letters; `won` returned because of a letter, `lost` stayed away because of one.

    The whole simulation: `lapsed` customers had placed their last unaided order by the end; `letters` left;
    `unsubscribed` customers were annoyed by one; `orders_won` and `orders_lost` because of letters, those lost included
    that a letter only brought forward. Offers `granted` in letters that left; `redeemed` of them, `redeemed_anyway` on
    orders that would have come without them; all cost `offers_cost`, money. `profit` is what the letters earned less
    what they and their offers cost; `margin_without` is what the shop would have earned without any letter from the
    first day on.
    """

    treated: int
    control: int
    returned: int
    unaided: int
    won: int
    lost: int
    lapsed: int
    letters: int
    unsubscribed: int
    orders_won: int
    orders_lost: int
    granted: int
    redeemed: int
    redeemed_anyway: int
    offers_cost: float
    profit: float
    margin_without: float

    @property
    def incremental(self) -> int:
        """Treated customers who returned within the window, less those who would have returned without letters."""
        return self.returned - self.unaided

    @property
    def margin(self) -> float:
        """What the shop earned from the first day on, less what letters and offers cost."""
        return self.margin_without + self.profit


class Window(NamedTuple):
    """One customer within the window after their first entry: their `arm`, and whether they ordered and would have."""

    arm: str
    returned: bool
    unaided: bool


def windows(
    files: Iterable[tuple[int, CustomerFile]],
    lives: Lives,
    journey: Journey,
    *,
    zone: ZoneInfo,
    origin: datetime,
    now: datetime,
) -> Iterator[Window]:
    """The windows that are over at `now`, from every customer's row in `lives` and file."""
    for row, file in files:
        first = min((e for e in file.entries if e.journey == journey.name), key=_order, default=None)
        if first is None:
            continue
        end = _wall_time.shift(first.entered_at, zone, **_parts(journey))
        if end <= now:
            seconds = _seconds(first.entered_at - origin), _seconds(end - origin)
            unaided = lives.orders_between(row, *seconds)
            yield Window(first.arm, _ordered(file, first.entered_at, end), unaided)


def _order(entry: Entry) -> tuple[datetime, str]:
    return entry.entered_at, entry.key


def _parts(journey: Journey) -> dict[str, int]:
    return {name: getattr(journey.window, name) for name in ("months", "days", "hours", "minutes")}


def _seconds(since: timedelta) -> int:
    return since // timedelta(seconds=1)


def _ordered(file: CustomerFile, after: datetime, until: datetime) -> bool:
    return any(isinstance(fact, OrderPlaced) and after < fact.at <= until for fact in file.facts)


def in_groups(found: Iterable[Window]) -> dict[str, int]:
    """The counts of `Truth` that are about the results' groups."""
    every = list(found)
    treated = [window for window in every if window.arm != CONTROL]
    return {
        "treated": len(treated),
        "control": len(every) - len(treated),
        "returned": sum(window.returned for window in treated),
        "unaided": sum(window.unaided for window in treated),
        "won": sum(window.returned and not window.unaided for window in treated),
        "lost": sum(window.unaided and not window.returned for window in treated),
    }
