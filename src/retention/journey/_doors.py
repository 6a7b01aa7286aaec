"""The doors of this floor: what a journey or policy names must exist, so that nothing in it silently never happens.

Validators for attrs records, all raising `InvalidJourney` in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

import attrs

from retention import _values
from retention.errors import InvalidInput, InvalidJourney
from retention.facts import (
    DELIVERY_STATUSES,
    EMAIL_STATUSES,
    KINDS,
    OFFER_STATUSES,
    QUESTIONS,
    RETURN_STATUSES,
    SERVICE_STATUSES,
    WARNING_STATUSES,
    Fact,
)
from retention.journey.ledger import REASONS

__all__ = [
    "a",
    "attribute",
    "many_of",
    "new_reason",
    "one_of",
    "plain",
    "readable",
    "sort_of_fact",
    "states",
    "values_of",
    "whole_number",
]

Validator: TypeAlias = Callable[[Any, Any, Any], None]

# Opens are unreliable (picture proxies open letters nobody reads), so no journey may go by them.
_STATUSES: Mapping[str, tuple[str, ...]] = {
    "delivery": DELIVERY_STATUSES,
    "return": RETURN_STATUSES,
    "service_cancellation": SERVICE_STATUSES,
    "warning": WARNING_STATUSES,
    "email": tuple(status for status in EMAIL_STATUSES if status != "opened"),
    "consent": ("granted", "withdrawn"),
    "offer": OFFER_STATUSES,
    "answer": tuple(QUESTIONS),
}


def one_of(*allowed: str) -> Validator:
    """A validator of attrs fields that are one of a few words."""

    def check(_record: object, field: attrs.Attribute[str], value: object) -> None:
        if value not in allowed:
            raise InvalidJourney(f"{field.name}: {value!r} is unknown; use one of {', '.join(map(repr, allowed))}")

    return check


def a(*classes: type) -> Validator:
    """A validator of attrs fields that are records of one of the classes."""

    def check(_record: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, classes):
            raise InvalidJourney(f"{field.name}: {value!r} is no {' or '.join(cls.__name__ for cls in classes)}")

    return check


def many_of(cls: type) -> Validator:
    """A validator of attrs fields that are tuples of records of one class."""

    def check(record: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, tuple):
            raise InvalidJourney(f"{field.name}: {value!r} is no list of {cls.__name__}")
        for element in value:
            a(cls)(record, field, element)

    return check


def new_reason(_record: object, _field: attrs.Attribute[str], value: str) -> None:
    """A validator of attrs fields that give the ledger a reason of their own, which must not mean two things."""
    if value in REASONS:
        raise InvalidJourney(f"reason: {value!r} is the planner's own; choose another word")


def whole_number(name: str, value: object, least: int) -> None:
    """A whole number from `least` up, else `InvalidJourney`."""
    try:
        _values.count(name, value, least)
    except InvalidInput as error:
        raise InvalidJourney(str(error)) from None


def sort_of_fact(kind: str, status: str) -> None:
    """A kind of fact that exists, and "" or one of its statuses; opens of letters are refused."""
    if kind not in KINDS:
        raise InvalidJourney(f"kind: {kind!r} is unknown; use one of {', '.join(KINDS)}")
    statuses = _STATUSES.get(kind, ())
    if kind == "email" and status in ("", "opened"):
        raise InvalidJourney(f"status: opens decide nothing; name what became of a letter: {', '.join(statuses)}")
    if status and status not in statuses:
        raise InvalidJourney(f"status: {status!r} is none of kind {kind!r}; use {', '.join(statuses) or 'none'}")


def attribute(kind: str, name: str) -> str:
    """The type, as text, of what facts of the kind call `name`; `InvalidJourney` when they have no such thing."""
    types = {"status": "str", "key": "str", **{a.name: str(a.type) for a in attrs.fields(KINDS[kind])}}
    if name not in types:
        raise InvalidJourney(f"attribute: {name!r} is none of kind {kind!r}; use one of {', '.join(sorted(types))}")
    return types[name].removesuffix(" | None")


def _money(name: str, value: object) -> Decimal:
    return _values.money(name, str(value) if isinstance(value, float) else value)


def _number(name: str, value: object) -> float:
    return float(_money(name, value))


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "str": _values.text,
    "bool": _values.flag,
    "int": _number,
    "float": _number,
    "Decimal": _money,
    "datetime": _values.instant,
}


def readable(kind: str, name: str, value: object) -> Any:
    """`value` as what the attribute of such facts compares with, else `InvalidJourney`."""
    reader = _READERS.get(attribute(kind, name))
    if reader is None:
        raise InvalidJourney(f"attribute: {name!r} of kind {kind!r} is no single value; name another one")
    try:
        return reader("value", value)
    except InvalidInput as error:
        raise InvalidJourney(f"{kind}.{name}: {error}") from None


def values_of(kind: str, name: str, values: Any) -> tuple[Any, ...]:
    """`values` as what the attribute of such facts is compared with; none of them asks for whatever is stated."""
    if not isinstance(values, tuple) or (values and not name):
        raise InvalidJourney(f"values: {values!r} is no list of values of an attribute=")
    if name:
        attribute(kind, name)
    return tuple(readable(kind, name, value) for value in values)


def states(fact: Fact, name: str, wanted: tuple[Any, ...]) -> bool:
    """Whether the fact's attribute is one of `wanted`; with none wanted, whether anything is stated there."""
    found = getattr(fact, name)
    return found in wanted if wanted else found not in (None, "")


def plain(value: Any) -> Any:
    """A value as JSON keeps it: times and amounts as text, lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(plain(element) for element in value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
