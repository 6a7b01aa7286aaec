"""How a simulated shop's customers live and what letters do to them: numbers only, nothing is drawn here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from attrs import evolve, frozen

from retention import _values
from retention.errors import InvalidInput

__all__ = ["WORLDS", "World"]

_WHOLE = {
    **dict.fromkeys(("customers", "days", "runs_every", "arrival_days"), 1),
    **dict.fromkeys(("history_days", "anyway_days", "forward_days", "sulk_days"), 0),
}
_OF_PEOPLE = ("lapses", "sent_back", "consent", "russian", "persuadable", "bargain", "touchy", "uses")
_SHARES = (*_OF_PEOPLE, "wins", "tires", "annoys", "margin", "explore", "prevents")
_RANGES = {
    **dict.fromkeys(_SHARES, (0, 1)),
    "usual_gap": (1, 10_000),
    "gap_spread": (0, 5),
    "regularity": (0.1, 1_000),
    "decision_days": (0, 1_000),
    "half_life": (1, 10_000),
    "budget": (0, 1_000_000),
    "cut_pulls": (0, 10),
    "gift_pulls": (0, 10),
    "letter_cost": (0, 1_000_000),
    "return_cost": (0, 1_000_000),
}


@frozen(kw_only=True)
class World:
    """A shop and its customers. Shares and chances are from 0 to 1, money is in the shop's currency.

    The calendar. `start`: the first day on which the engine runs; `days`: how many days are lived from then on;
    `runs_every`: the days from one run to the next. `history_days`: days of orders before that, which the engine hears
    of all at once on the first day. `arrival_days`: the customers' first orders are spread evenly over so many days
    from the beginning of the history on.

    A life without letters. `usual_gap`: mean days between orders of the customer in the middle. `gap_spread`: standard
    deviation, over customers, of its logarithm. `regularity`: the shape of the gamma distribution of one customer's
    gaps; 1 is exponential, larger is more regular. `lapses`: the chance, after each order, that no other follows.
    `sent_back`: the chance that an order is returned and refunded.

    People. `customers`: how many. `consent`: the share who agreed to marketing letters. `russian`: the share who read
    Russian; the others read English.

    How they take letters. `persuadable`, `bargain`, `touchy`: the shares of customers whom a letter can win, whom
    hardly anything but an offer can, and whom letters annoy; the others are past caring. No order tells which is which.

    What one letter does. `wins`: the chance that it brings an order from somebody persuadable. It rises to that within
    the usual gap after their last own order, as nobody buys what they still have; it halves with every `half_life` days
    of silence, and each letter since that order leaves `tires` of it; who wants a bargain has a quarter of it. Nothing
    comes of it where an order would follow anyway within `anyway_days` of the letter; one that would within
    `forward_days` comes earlier instead. The order comes after `decision_days` on average, exponential. `cut_pulls`,
    `gift_pulls`: what an offer adds to the log odds for each tenth of the basket that it gives, as a price cut and in
    other ways; twice that for who wants a bargain. `uses`: the share of customers who use a code on an order that they
    place anyway. `annoys`: the chance that somebody touchy unsubscribes and places none of the orders of the next
    `sulk_days`.

    Money. `margin`: the share of an order's total, before any price cut, that is profit; an order sent back earns
    nothing. `letter_cost`: of a letter that leaves. `budget`: for each customer of the shop, what granted offers may
    cost within any 30 days. `explore`: the share of decisions on offers that are drawn by lot.

    Where the other playbooks are at work too: `prevents`, the share of returns that a letter of help after the delivery
    prevents; `return_cost`, what the shop reckons that one costs it.

    Raises `InvalidInput` for a number out of its range.
    """

    name: str
    start: date = date(2025, 1, 6)
    days: int = 365
    runs_every: int = 1
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
    persuadable: float = 0.4
    bargain: float = 0.2
    touchy: float = 0.15
    wins: float = 0.7
    anyway_days: int = 28
    forward_days: int = 60
    half_life: float = 50.0
    tires: float = 0.7
    decision_days: float = 4.0
    cut_pulls: float = 0.5
    gift_pulls: float = 0.4
    uses: float = 0.8
    annoys: float = 0.1
    sulk_days: int = 60
    margin: float = 0.35
    letter_cost: float = 0.1
    budget: float = 0.1
    explore: float = 0.1
    prevents: float = 0.3
    return_cost: float = 25.0

    def __attrs_post_init__(self) -> None:
        for name, least in _WHOLE.items():
            _values.count(name, getattr(self, name), least)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise InvalidInput(f"{name}: {getattr(self, name)!r} is out of range; give {low} to {high}")
        told = self.persuadable + self.bargain + self.touchy
        if told > 1:
            raise InvalidInput(f"touchy: persuadable, bargain and touchy sum to {told:.3g}, above 1; lower one of them")


def _worlds() -> Mapping[str, World]:
    default = World(name="default")
    nobody = evolve(default, name="aa", wins=0.0, annoys=0.0, prevents=0.0)
    losing = evolve(default, name="losing", wins=0.05, annoys=1.0, touchy=0.25, persuadable=0.3)
    return MappingProxyType({world.name: world for world in (default, nobody, losing)})


WORLDS = _worlds()
"""Three worlds that differ in what letters do and in nothing else, so the same seed gives them the same customers.

"default": letters bring some back and annoy few. "aa": letters change nobody. "losing": a quarter of the customers take
any letter amiss, and hardly anybody comes back for one, so mailing anybody loses money.
"""
