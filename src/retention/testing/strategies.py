"""Hypothesis strategies of what this library works on: facts of every kind, histories, order logs, journeys.

What they build is valid, and as odd as valid things may be; nothing here draws from a clock. They need the extra
`testing`.

    >>> from hypothesis import given, settings
    >>> from retention import facts
    >>> @settings(max_examples=20, deadline=None)
    ... @given(any_facts())
    ... def test_facts_survive_json(fact):
    ...     assert facts.from_json(facts.to_json(fact)) == fact
    >>> test_facts_survive_json()
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from retention import facts
from retention.errors import MissingExtra
from retention.facts import KINDS, Fact
from retention.journey.conditions import AllOf, AnyOf, Condition, Exists, First, Last, Not, Open
from retention.journey.definition import (
    CONTROL,
    GRANTED,
    After,
    AfterExit,
    Before,
    Choice,
    Delay,
    Exit,
    Facts,
    Journey,
    Moment,
    On,
    Once,
    PerKey,
    Reentry,
    Step,
    Variant,
)
from retention.orders import OrderLog

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy
except ImportError as error:
    raise MissingExtra("hypothesis is missing; pip install 'retention[testing]'") from error

__all__ = ["any_facts", "conditions", "histories", "ids", "journeys", "order_logs", "texts"]

_INTO = "into"  # whom others are merged into
_START = datetime(2026, 1, 1, tzinfo=UTC)
_INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
_MONEY = st.decimals(min_value=0, max_value=10**9, places=2)
_CURRENCIES = st.sampled_from(["EUR", "GBP", "RUB"])


# ------------------------------------------------------------- facts


def texts() -> SearchStrategy[str]:
    """Any text that a storage must keep to the character."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def ids() -> SearchStrategy[str]:
    """Opaque text that is not blank."""
    return texts().filter(str.strip)


def any_facts(
    kinds: Collection[str] = tuple(KINDS), *, customer_id: SearchStrategy[str] | None = None
) -> SearchStrategy[Fact]:
    """One fact of one of the kinds, with whatever its fields may hold; nothing in it fits anything else.

    Of merged customers the one merged into is called "into".
    """
    whose = (ids() if customer_id is None else customer_id).filter(lambda name: name != _INTO)
    common = {"id": ids() | st.integers(), "customer_id": whose, "at": _INSTANTS}
    return st.one_of([st.builds(KINDS[kind], **common, **_FIELDS[kind]) for kind in KINDS if kind in kinds])


def _lines() -> SearchStrategy[list[facts.Line]]:
    line = st.builds(
        facts.Line, product_id=ids(), quantity=st.integers(1, 99), price=_MONEY, name=texts(), size=texts()
    )
    return st.lists(line, max_size=3)


_FIELDS: Mapping[str, Mapping[str, SearchStrategy[Any]]] = {
    "order": {"currency": _CURRENCIES, "lines": _lines(), "total": _MONEY},
    "delivery": {"order_id": ids(), "status": st.sampled_from(facts.DELIVERY_STATUSES)},
    "return": {
        "return_id": ids(),
        "status": st.sampled_from(facts.RETURN_STATUSES),
        "order_id": texts(),
        "lines": _lines(),
        "reason": texts(),
        "comment": texts(),
        "refund": st.none() | _MONEY,
        "currency": _CURRENCIES,
        "deadline": st.none() | _INSTANTS,
    },
    "service_cancellation": {
        "cancellation_id": ids(),
        "status": st.sampled_from(facts.SERVICE_STATUSES),
        "service": texts(),
        "comment": texts(),
    },
    "visit": {"product_id": texts()},
    "email": {
        "message_key": ids(),
        "status": st.sampled_from(facts.EMAIL_STATUSES),
        "bounce_class": st.sampled_from(facts.BOUNCE_CLASSES),
        "machine": st.none() | st.booleans(),
        "received_at": st.none() | _INSTANTS,
    },
    "profile": {
        "name": st.none() | texts(),
        "email": st.none() | st.just("a@b.c"),
        "language": st.none() | texts(),
        "timezone": st.none() | st.sampled_from(["Europe/London", "Asia/Tokyo"]),
    },
    "consent": {"granted": st.booleans(), "topic": ids()},
    "preference": {"topic": ids(), "value": texts()},
    "answer": {"question": st.just("reason"), "value": ids(), "about": texts(), "comment": texts()},
    "merge": {"into": st.just(_INTO)},
    "erased": {},
    "asleep": {
        "order_id": ids(),
        "basis": _INSTANTS,
        "usual_gap": st.floats(0, 1e6),
        "silent_for": st.integers(0, 9999),
        "p_active": st.none() | st.floats(0, 1),
        "why": texts(),
        "waited": st.booleans(),
    },
    "warning": {
        "status": st.sampled_from(facts.WARNING_STATUSES),
        "order_id": ids(),
        "chance": st.floats(0, 1),
        "why": texts(),
    },
    "return_risk": {
        "order_id": ids(),
        "risk": st.floats(0, 1),
        "worth": _MONEY,
        "product_id": texts(),
        "fit": st.sampled_from(facts.FITS),
        "why": texts(),
    },
    "offer": {
        "journey": ids(),
        "about": ids(),
        "offer": texts(),
        "offer_kind": texts(),
        "amount": _MONEY,
        "code": texts(),
        "expires_at": _INSTANTS,
        "cost": _MONEY,
        "reason": texts(),
        "eligible": st.lists(ids(), max_size=3),
        "propensity": st.floats(0, 1),
        "lot": st.booleans(),
        "cell": texts(),
    },
    "redemption": {"about": ids(), "order_id": texts()},
}


@st.composite
def histories(draw: DrawFn, customer_id: str = "ann", *, start: datetime = _START, days: int = 365) -> tuple[Fact, ...]:
    """What happened to one customer from `start` on, oldest first by (at, kind, id), as a file holds it.

    An address and a consent, orders with their parcels, returns that go through their stages and perhaps end, visits,
    and that the customer fell asleep after the last order.
    """
    moments = st.integers(0, days * 24).map(lambda hours: start + timedelta(hours=hours))
    about: Mapping[str, Any] = {"customer_id": customer_id}
    found: list[Fact] = [
        facts.ProfileChanged(**about, id="p", at=start, email="ann@example.com", timezone="Europe/London"),
        facts.ConsentChanged(**about, id="c", at=start, granted=draw(st.booleans())),
    ]
    for n, at in enumerate(sorted(draw(st.lists(moments, max_size=6)))):
        found += draw(_bought(about, f"o{n}", at))
    found += [facts.Visited(**about, id=f"v{n}", at=at) for n, at in enumerate(draw(st.lists(moments, max_size=4)))]
    last = max((fact.at for fact in found if fact.kind == "order"), default=None)
    if last is not None and draw(st.booleans()):
        key = next(fact.id for fact in found if fact.kind == "order" and fact.at == last)
        at = last + timedelta(days=draw(st.integers(1, 90)))
        found.append(facts.FellAsleep(**about, id=f"z-{key}", at=at, order_id=key, basis=last, usual_gap=30.0))
    return tuple(sorted(found, key=lambda fact: (fact.at, fact.kind, fact.id)))


@st.composite
def _bought(draw: DrawFn, about: Mapping[str, Any], key: str, at: datetime) -> list[Fact]:
    """An order and what came of it."""
    price = draw(st.decimals(1, 500, places=2))
    lines = (facts.Line(product_id=draw(st.sampled_from("abc")), price=price),)
    found: list[Fact] = [facts.OrderPlaced(**about, id=key, at=at, currency="EUR", lines=lines)]
    days = draw(st.lists(st.integers(0, 9), max_size=5))
    if days:
        at += timedelta(days=days[0])
        found.append(facts.DeliveryChanged(**about, id=f"d-{key}", at=at, order_id=key, status="delivered"))
    stages = ["requested", "in_transit", "received", draw(st.sampled_from(facts.RETURN_ENDS))]
    reason = draw(st.sampled_from(["", "STYLE", "DEFECTIVE", "DAMAGED"]))
    for stage, wait in zip(stages, days[1:], strict=False):
        at += timedelta(days=wait)
        named: Mapping[str, Any] = {**about, "id": f"r-{key}-{stage}", "return_id": f"r-{key}", "order_id": key}
        found.append(facts.ReturnChanged(**named, at=at, status=stage, reason=reason, lines=lines))
    return found


# ------------------------------------------------------------- orders


def order_logs(
    *, customers: int = 5, days: int = 400, refunds: bool = True, min_size: int = 0, max_size: int = 40
) -> SearchStrategy[OrderLog]:
    """Logs of up to so many customers and days; amounts are quarters of one unit, and may be refunds, below 0.

    Every sum of quarters is exact, so that equal sums can be compared with ``==``.
    """
    first = date(2025, 1, 1)
    row = st.tuples(
        st.integers(1, customers),
        st.integers(0, days - 1).map(lambda n: first + timedelta(days=n)),
        st.integers(-200 if refunds else 0, 400).map(lambda quarters: quarters / 4),
    )
    return st.lists(row, min_size=min_size, max_size=max_size).map(_log)


def _log(rows: Sequence[tuple[int, date, float]]) -> OrderLog:
    days = np.array([row[1] for row in rows], "datetime64[D]")
    return OrderLog.of([row[0] for row in rows], days, [row[2] for row in rows])


# ------------------------------------------------------------- journeys


_CONDITIONS: Sequence[Condition] = (
    Exists("order", since="basis"),
    Exists("order", since="entry"),
    Exists("return", "refunded", key="run"),
    First("order", "total", ">", "20"),
    Last("return", "reason", "in", ("STYLE", "DEFECTIVE")),
    Last("consent", "granted", "==", value=True),
    Last("return", "deadline", "<", "2026-03-30T00:00:00+00:00", key="run"),
    Open("return", facts.RETURN_ENDS),
    Open("return", facts.RETURN_ENDS, "reason", ("DEFECTIVE",)),
)


def _combined(inner: SearchStrategy[Condition]) -> SearchStrategy[Condition]:
    some = st.lists(inner, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(AllOf, some) | st.builds(AnyOf, some)


_ANY_CONDITION = st.recursive(st.sampled_from(_CONDITIONS), _combined, max_leaves=4)


def conditions() -> SearchStrategy[Condition]:
    """Conditions of every sort, within each other."""
    return _ANY_CONDITION


@st.composite
def journeys(draw: DrawFn, name: str = "journey", *, max_steps: int = 4) -> Journey:
    """A valid journey of at least one step that may use everything there is."""
    arms = draw(st.sampled_from([{"letters": 1.0}, {"letters": 0.5, "b": 0.25, CONTROL: 0.25}]))
    steps: list[Step] = []
    for n in range(draw(st.integers(1, max_steps))):
        steps.append(draw(_steps(n, [step.id for step in steps if not step.recurs], sorted(arms))))
    exits = st.builds(Exit, st.sampled_from(["ordered", "done"]), conditions())
    return Journey(
        name=name,
        trigger=draw(st.sampled_from([Facts("asleep"), Facts("return", "requested"), Facts("order")])),
        steps=tuple(steps),
        exits=tuple(draw(st.lists(exits, max_size=1))),
        lasts=draw(_delays(1, 60)),
        accept_for=draw(_delays(0, 60)),
        reentry=draw(_REENTRIES),
        arms=arms,
        when=draw(st.none() | conditions()),
        priority=draw(st.integers(1, 2)),
    )


_REENTRIES: SearchStrategy[Reentry] = st.sampled_from([Once(), PerKey(), AfterExit(Delay(hours=10))])


def _delays(least: int, most: int) -> SearchStrategy[Delay]:
    return st.builds(Delay, hours=st.integers(least, most))


def _steps(n: int, before: Sequence[str], arms: Sequence[str]) -> SearchStrategy[Step]:
    hours = st.none() | st.integers(0, 23)
    variant = st.builds(Variant, hour=hours, delay=st.none() | _delays(0, 30))
    choice = st.builds(Choice, conditions(), st.just("choice"), st.sampled_from(["", "gift", GRANTED]))
    return st.builds(
        Step,
        id=st.just(f"s{n}"),
        moment=_moments(before),
        template=st.just(f"t{n}"),
        offer=st.sampled_from(["", "gift", GRANTED]),
        without_offer=st.sampled_from(["send", "skip"]),
        owner=st.sampled_from(["", "", "", "another tool"]),
        hour=hours,
        weekday=st.none() | st.integers(0, 6),
        when=st.none() | conditions(),
        cancel=st.none() | conditions(),
        choose=st.lists(choice, max_size=1).map(tuple),
        variants=st.dictionaries(st.sampled_from(arms), variant, max_size=1),
        valid_for=_delays(1, 60),
        promotional=st.booleans(),
        supersedes=st.sampled_from([(), tuple(before[:1])]),
        formerly=st.sampled_from([(), (f"old{n}",)]),
    )


def _moments(before: Sequence[str]) -> SearchStrategy[Moment]:
    delays = st.builds(Delay, days=st.integers(0, 2), hours=st.integers(0, 19))
    stages = st.sampled_from([Facts("return", "received"), Facts("return", "refunded"), Facts("order", key="any")])
    some = st.lists(stages, min_size=1, max_size=2, unique=True).map(tuple)
    after: Callable[..., After] = After
    return st.one_of(
        st.builds(after, st.sampled_from(["entry", *before]), delays, st.sampled_from(["continue", "drop"])),
        st.builds(On, some, delays, st.sampled_from(["all", "any"])),
        st.builds(On, some, delays, st.just("any"), st.just("fact")),
        st.builds(On, stages.map(lambda one: (one,)), delays, st.just("any"), st.just("value"), st.just("at")),
        st.builds(Before, st.just(Facts("return")), st.just("deadline"), delays),
    )
