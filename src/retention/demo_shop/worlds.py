"""How a simulated shop's customers live and what letters do to them: numbers only, nothing is drawn here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from attrs import evolve, frozen

from retention import _values
from retention.errors import InvalidInput

__all__ = ["WORLDS", "World"]

_WHOLE = {"customers": 1, "days": 1, "history_days": 0, "arrival_days": 1, "anyway_days": 0, "sulk_days": 0}
_SHARES = ("lapses", "sent_back", "consent", "russian", "wins", "annoys", "margin")
_RANGES = {
    **dict.fromkeys(_SHARES, (0, 1)),
    "usual_gap": (1, 10_000),
    "gap_spread": (0, 5),
    "regularity": (0.1, 1_000),
    "decision_days": (0, 1_000),
    "letter_cost": (0, 1_000_000),
}


@frozen(kw_only=True)
class World:
    """A shop and its customers. Shares and chances are from 0 to 1, money is in the shop's currency.

    The calendar. `start`: the first day on which the engine runs; `days`: how many days it does. `history_days`: days
    of orders before that, which the engine hears of all at once on the first day. `arrival_days`: the customers' first
    orders are spread evenly over so many days from the beginning of the history on.

    A life without letters. `usual_gap`: mean days between orders of the customer in the middle. `gap_spread`: standard
    deviation, over customers, of its logarithm. `regularity`: the shape of the gamma distribution of one customer's
    gaps; 1 is exponential, larger is more regular. `lapses`: the chance, after each order, that no other follows.
    `sent_back`: the chance that an order is returned and refunded.

    People. `customers`: how many. `consent`: the share who agreed to marketing letters. `russian`: the share who read
    Russian; the others read English.

    What one letter does. `wins`: the chance that it brings an order from somebody who would not have ordered by
    themselves in the `anyway_days` after it; the order comes after `decision_days` on average, exponential. `annoys`:
    the chance that the reader unsubscribes and places none of the orders of the next `sulk_days`. `margin`: the share
    of an order's total that is profit; an order sent back earns nothing. `letter_cost`: of a letter that leaves.

    Raises `InvalidInput` for a number out of its range.
    """

    name: str
    start: date = date(2025, 1, 6)
    days: int = 365
    history_days: int = 90
    arrival_days: int = 300
    usual_gap: float = 32.0
    gap_spread: float = 0.4
    regularity: float = 1.3
    lapses: float = 0.08
    sent_back: float = 0.06
    customers: int = 2_000
    consent: float = 0.9
    russian: float = 0.3
    wins: float = 0.1
    anyway_days: int = 28
    decision_days: float = 4.0
    annoys: float = 0.01
    sulk_days: int = 60
    margin: float = 0.35
    letter_cost: float = 0.1

    def __attrs_post_init__(self) -> None:
        for name, least in _WHOLE.items():
            _values.count(name, getattr(self, name), least)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise InvalidInput(f"{name}: {getattr(self, name)!r} is out of range; give {low} to {high}")
        if self.wins + self.annoys > 1:
            raise InvalidInput(f"annoys: {self.annoys!r} and wins {self.wins!r} together exceed 1; lower one of them")


def _worlds() -> Mapping[str, World]:
    default = World(name="default")
    nobody = evolve(default, name="aa", wins=0.0, annoys=0.0)
    losing = evolve(default, name="losing", wins=0.01, annoys=0.25)
    return MappingProxyType({world.name: world for world in (default, nobody, losing)})


WORLDS = _worlds()
"""Three worlds that differ in what letters do and in nothing else, so the same seed gives them the same customers.

"default": letters bring some back and annoy few. "aa": letters change nobody. "losing": letters annoy far more than
they bring back, so mailing everyone loses money.
"""
