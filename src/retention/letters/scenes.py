"""The invented customer that a letter would really go to: what has happened to them leads to that step and branch.

Which story leads where is not written down: the journey's own trigger, moments and conditions are asked, story by
story, and the first that lets the letter through is shown. Without any, for a journey about something else, it is the
customer of whom everything is known. For previews; plain data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

from attrs import define, evolve

from retention.facts import (
    RETURN_ENDS,
    DeliveryChanged,
    Fact,
    FellAsleep,
    OrderPlaced,
    ReturnChanged,
    ReturnRiskFound,
    ServiceCancellationChanged,
    Visited,
)
from retention.journey.definition import After, Before, Journey, Step
from retention.journey.run import Known
from retention.letters.samples import (
    KEY,
    NOW,
    PRODUCTS,
    SERVICES,
    Sample,
    ago,
    answered,
    granted,
    line,
    order,
    typical,
)
from retention.people import Shop

__all__ = ["fitting", "stories"]

_WHO = "sample"
# What each goes back for, which of the products it is, and what is wanted instead while nothing is settled.
_RETURNS = (
    ("SIZE_TOO_SMALL", 0, "exchange"),
    ("DEFECTIVE", 1, "replacement"),
    ("CHANGED_MIND", 2, "refund"),
    ("DELIVERY", 2, ""),
    ("", 2, ""),
)
_WAY = ("requested", "approved", "in_transit", "received")
_SERVICE_ROADS = (
    ("requested",),
    ("requested", "confirmed"),
    ("requested", "confirmed", "ended"),
    ("requested", "withdrawn"),
)
_TIME_TO_SEND = timedelta(days=8)


def fitting(shop: Shop, language: str, journey: Journey, step: Step, template: str) -> Sample:
    """The customer who gets this letter: with an offer if the step makes one, with products if it is promotional."""
    full = typical(shop, language)
    full = full if step.promotional else evolve(full, picks=())
    coupon = granted("discount", code="QGEQ-T3XV-85AY")
    for story in stories(shop, language):
        for facts in ((*story, coupon), story):
            made = _offer(journey, step, template, _Run.of(journey, facts))
            if made is not None:
                return evolve(full, facts=facts, offer=full.offer if made else "")
    return full if any(step.offers()) else evolve(full, offer="")


def stories(shop: Shop, language: str) -> Iterator[tuple[Fact, ...]]:
    """What may have happened to somebody: silence, a return of each sort and stage, a service ended, a delivery."""
    lines = [line(name, category) for name, category in PRODUCTS[language]]
    before = (order(shop, 150, *lines[:2]), order(shop, 61, *lines[1:]))
    yield from _silences(before)
    bought = evolve(order(shop, 20, *lines), id="bought")
    for reason, n, wanted in _RETURNS:
        goes_back = evolve(order(shop, 20, lines[n]), id="bought")
        for road in _roads():
            yield (*before, bought, *_back(goes_back, reason, wanted, road))
    for road in _SERVICE_ROADS:
        yield (*before, *_ending(SERVICES[language], road))
    yield from ((*before, *story) for story in _deliveries(evolve(order(shop, 6, lines[0]), id=KEY)))


def _silences(before: tuple[OrderPlaced, ...]) -> Iterator[tuple[Fact, ...]]:
    """Somebody asleep since the last order, who has not looked in since, or has."""
    *earlier, last = before
    asleep = FellAsleep(id="asleep", customer_id=_WHO, at=ago(0), order_id=KEY, basis=last.at)
    silence = (*earlier, evolve(last, id=KEY), asleep)
    yield silence
    yield (*silence, Visited(id="visit", customer_id=_WHO, at=ago(4)))


def _roads() -> Iterator[tuple[str, ...]]:
    """How far a return may have come."""
    yield from (_WAY[: n + 1] for n in range(len(_WAY)))
    yield from ((*_WAY, end) for end in ("exchanged", "refunded", "rejected"))
    yield "requested", "approved", "expired"


def _back(bought: OrderPlaced, reason: str, wanted: str, road: Sequence[str]) -> Iterator[Fact]:
    last = len(road) - 1
    for n, status in enumerate(road):
        yield ReturnChanged(
            id=f"return-{status}",
            customer_id=_WHO,
            at=ago(2 * (last - n)),
            return_id=KEY,
            order_id=bought.id,
            status=status,
            reason=reason,
            lines=bought.lines,
            deadline=NOW + _TIME_TO_SEND if status == "approved" else None,
            refund=bought.total if status == "refunded" else None,
            currency=bought.currency,
        )
    if last and wanted and road[-1] not in RETURN_ENDS:  # asked for after the request; an end says itself what it was
        yield answered("remedy", wanted)


def _ending(service: str, road: Sequence[str]) -> Iterator[Fact]:
    for n, status in enumerate(road):
        about = {"id": f"service-{status}", "customer_id": _WHO, "cancellation_id": KEY, "service": service}
        yield ServiceCancellationChanged(**about, at=ago(2 * (len(road) - 1 - n)), status=status)


def _deliveries(bought: OrderPlaced) -> Iterator[tuple[Fact, ...]]:
    delivered = DeliveryChanged(id="delivery", customer_id=_WHO, at=ago(1), order_id=KEY, status="delivered")
    for risk, said in product((0.3, 0.7), ((), (answered("product", "size"),))):
        found = ReturnRiskFound(
            id="risk",
            customer_id=_WHO,
            at=ago(0),
            order_id=KEY,
            product_id=bought.lines[0].product_id,
            risk=risk,
            worth=Decimal(5),
            fit="small",
        )
        yield (bought, delivered, found, *said)


@define
class _Run:
    """What conditions look at (`conditions.Run`)."""

    key: str
    basis: datetime
    entered_at: datetime
    known: Known

    @classmethod
    def of(cls, journey: Journey, facts: tuple[Fact, ...]) -> _Run | None:
        """The run that the facts begin; None if they do not."""
        known = Known(facts, NOW)
        wanted = journey.trigger
        began = wanted.of(known.select(wanted.kind, wanted.status, None))
        run = cls(KEY, getattr(began[0], "basis", began[0].at), began[0].at, known) if began else None
        if run is None or any(end.when.holds(run) for end in journey.exits):
            return None
        return run if journey.when is None or journey.when.holds(run) else None

    def facts(self, kind: str, status: str, key: str | None) -> list[Fact]:
        return self.known.select(kind, status, key)

    def is_due(self, step: Step) -> bool:
        """Whether what the step waits for has happened, and nothing speaks against it."""
        if step.cancel is not None and step.cancel.holds(self):
            return False
        return self._has_happened(step) and (step.when is None or step.when.holds(self))

    def _has_happened(self, step: Step) -> bool:
        moment = step.moment
        if isinstance(moment, After):
            return True
        if isinstance(moment, Before):
            named = self.facts(moment.fact.kind, moment.fact.status, KEY)
            return any(getattr(fact, moment.attribute) is not None for fact in named)
        found = [
            bool(one.of(self.facts(one.kind, one.status, KEY if one.key == "run" else None))) for one in moment.facts
        ]
        return all(found) if moment.need == "all" else any(found)


def _offer(journey: Journey, step: Step, template: str, run: _Run | None) -> str | None:
    """The offer in the letter that the run leads to, "" for none; None if it leads to another letter, or to none."""
    if run is None or not run.is_due(step):
        return None
    choice = next((one for one in step.choose if one.when.holds(run)), None)
    for own in (step, *map(step.for_arm, journey.arms)):
        if template == (choice.template if choice else own.template):
            return (choice.offer if choice else "") or own.offer
    return None
