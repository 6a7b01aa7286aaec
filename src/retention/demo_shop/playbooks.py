"""All four playbooks at once, and what each of them really did.

Several journeys write to the same customers, so what one of them did is not "with letters" against "without any": the
same shop is lived once more without that journey, everything else as it was. Whoever was drawn for its letters is then
looked at in both lives, within the journey's window: did they order, did they send something back? That is what the
journey's own control group estimates.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from retention.demo_shop.simulation import Simulated, simulate, targeted
from retention.demo_shop.worlds import World
from retention.facts import Fact, OrderPlaced, ReturnChanged
from retention.journey import CONTROL, CustomerFile, Journey, Needs
from retention.journey.run import after
from retention.playbooks import after_return, post_purchase, product_return

__all__ = ["Effect", "effects", "playbooks", "returning"]

_SEEN = Needs(frozenset({OrderPlaced.kind, ReturnChanged.kind}))
_LOADED = 500


@frozen
class Effect:
    """One journey's customers whose window is over, in the shop as it was and in the same shop without the journey.

    `treated`: drawn for its letters. Of these `ordered` did so within the window, `ordered_without` would have;
    `sent_back` asked to return something, `sent_back_without` would have. In the whole shop, with the journey less
    without it: `letters` that left, and the `margin` after letters and offers, money.
    """

    journey: str
    treated: int
    ordered: int
    ordered_without: int
    sent_back: int
    sent_back_without: int
    letters: int
    margin: float

    @property
    def incremental(self) -> int:
        """Customers who ordered because of the journey."""
        return self.ordered - self.ordered_without

    @property
    def saved(self) -> int:
        """Customers who sent something back without the journey, less those who did with it."""
        return self.sent_back_without - self.sent_back


def playbooks(*, control: float = 0.3) -> tuple[Journey, ...]:
    """The demo shop's four journeys; `control`: the share of each that gets no promotion of it."""
    return (
        targeted(control=control),
        product_return(control=control),
        post_purchase(control=control),
        after_return(control=control),
    )


def returning(world: World) -> World:
    """The world as a smaller shop, for eight months, where a fifth of the orders comes back: work for all four."""
    return evolve(world, customers=400, days=240, runs_every=2, sent_back=0.2)


def effects(done: Simulated, *, progress: Callable[[float], None] | None = None) -> tuple[Effect, ...]:
    """Live the shop once more without each of its journeys, and see what the journey did.

    `done`: lived with `may_stop=False`, so that the lives stay comparable. `progress`: called with the share that is
    done.

    >>> from retention.demo_shop import WORLDS
    >>> quiet = evolve(WORLDS["aa"], customers=60, days=60)
    >>> done = simulate(quiet, journeys=playbooks(), may_stop=False)
    >>> [effect.incremental for effect in effects(done)]  # letters change nobody there
    [0, 0, 0, 0]
    """
    found = []
    for number, journey in enumerate(done.journeys, 1):
        rest = tuple(other for other in done.journeys if other is not journey)
        without = simulate(done.world, seed=done.seed, journeys=rest, may_stop=False)
        found.append(_effect(journey, done, without))
        if progress is not None:
            progress(number / len(done.journeys))
    return tuple(found)


def _effect(journey: Journey, done: Simulated, without: Simulated) -> Effect:
    zone, now = ZoneInfo(done.engine.shop.timezone), done.results.at
    counts = {"treated": 0, "ordered": 0, "ordered_without": 0, "sent_back": 0, "sent_back_without": 0}
    for file in _files(done):
        entries = sorted((e.entered_at, e.key, e.arm) for e in file.entries if e.journey == journey.name)
        if not entries or entries[0][2] == CONTROL:
            continue
        start, end = entries[0][0], after(entries[0][0], journey.window, zone)
        if end > now:
            continue
        (other,) = without.engine.storage.load([file.customer_id], _SEEN)
        counts["treated"] += 1
        counts["ordered"] += _within(file.facts, OrderPlaced, start, end)
        counts["ordered_without"] += _within(other.facts, OrderPlaced, start, end)
        counts["sent_back"] += _within(file.facts, ReturnChanged, start, end)
        counts["sent_back_without"] += _within(other.facts, ReturnChanged, start, end)
    ours, theirs = done.truth, without.truth
    return Effect(journey.name, letters=ours.letters - theirs.letters, margin=ours.margin - theirs.margin, **counts)


def _files(done: Simulated) -> list[CustomerFile]:
    storage = done.engine.storage
    return storage.load(storage.customers("", done.world.customers), _SEEN)


def _within(facts: tuple[Fact, ...], kind: type[Fact], start: datetime, end: datetime) -> bool:
    """Whether such a fact is there; of a return its request."""
    return any(isinstance(fact, kind) and fact.status in ("", "requested") and start < fact.at <= end for fact in facts)
