"""Questions about a customer's facts, as plain data: storable, comparable, pinned with the journey's version.

A condition reads only whether a fact exists, and the first and last of its sort. So neither the order in which facts
arrive nor doubles matter, and a digest of a long history answers the same.

    >>> Not(Exists("order", since="basis"))
    Not(condition=Exists(kind='order', status='', key='any', since='basis', attribute='', values=()))
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, cast

from attrs import Attribute, field, frozen

from retention.errors import InvalidJourney
from retention.facts import Fact
from retention.journey import _doors

__all__ = ["AllOf", "AnyOf", "Condition", "Exists", "First", "Last", "Not", "Open", "Run", "kinds"]

Key: TypeAlias = Literal["any", "run", "order"]
"""Which facts count: "any" of the customer's, those with the key of this run, or those that name it as their order."""

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, allowed: value in allowed,
}


class Run(Protocol):
    """What a condition may look at: the known facts, as of now, around one run of a journey."""

    key: str
    basis: datetime
    entered_at: datetime

    def facts(self, kind: str, status: str, key: str | None) -> list[Fact]:
        """The known facts of a kind (and status and key, unless "" and None), oldest first."""


class Condition(Protocol):
    """A question with a yes or no."""

    def holds(self, run: Run) -> bool:
        """Whether it is so for this run, with all that is known."""


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def check(_record: object, field: Attribute[Any], value: object) -> None:
    """A validator of attrs fields that are a condition of this file: nothing that JSON cannot keep."""
    if not isinstance(value, tuple(CLASSES.values())):
        names = ", ".join(cls.__name__ for cls in CLASSES.values())
        raise InvalidJourney(f"{field.name}: {value!r} is no condition; use one of {names}")


def _check_all(record: object, field: Attribute[Any], value: object) -> None:
    if not isinstance(value, tuple):
        raise InvalidJourney(f"{field.name}: {value!r} is no list of conditions")
    for condition in value:
        check(record, field, condition)


_KEYS = _doors.one_of("any", "run", "order")


def _check_sort(wanted: Exists | _Comparison | Open) -> None:
    _doors.sort_of_fact(wanted.kind, wanted.status)
    if wanted.key == "order":
        _doors.attribute(wanted.kind, "order_id")


@frozen
class Exists:
    """A fact of the kind is known; `since` leaves out facts up to the run's basis or entry.

    With `attribute` only facts that state it count, with `values` only those that have one of them there.
    """

    tag: ClassVar[str] = "exists"
    kind: str
    status: str = ""
    key: Key = field(default="any", validator=_KEYS)
    since: Literal["ever", "basis", "entry"] = field(default="ever", validator=_doors.one_of("ever", "basis", "entry"))
    attribute: str = ""
    values: tuple[Any, ...] = field(default=(), converter=_doors.plain)
    _wanted: tuple[Any, ...] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check_sort(self)
        object.__setattr__(self, "_wanted", _doors.values_of(self.kind, self.attribute, self.values))

    def holds(self, run: Run) -> bool:
        """Whether such a fact is known."""
        found = _select(run, self)
        if self.attribute:
            found = [fact for fact in found if _doors.states(fact, self.attribute, self._wanted)]
        if not found or self.since == "ever":
            return bool(found)
        return found[-1].at > (run.basis if self.since == "basis" else run.entered_at)


def _select(run: Run, wanted: Exists | _Comparison | Open) -> list[Fact]:
    found = run.facts(wanted.kind, wanted.status, run.key if wanted.key == "run" else None)
    return [f for f in found if getattr(f, "order_id", "") == run.key] if wanted.key == "order" else found


@frozen
class _Comparison:
    kind: str
    attribute: str
    op: str = field(validator=_doors.one_of(*_OPERATORS))
    value: Any = field(converter=_doors.plain)
    status: str = ""
    key: Key = field(default="any", validator=_KEYS)
    _wanted: Any = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check_sort(self)
        many = isinstance(self.value, tuple)
        if many != (self.op == "in"):
            raise InvalidJourney(f"value: {self.value!r} does not go with {self.op!r}; a list belongs to 'in' alone")
        wanted = [_doors.readable(self.kind, self.attribute, v) for v in (self.value if many else (self.value,))]
        object.__setattr__(self, "_wanted", wanted if many else wanted[0])

    def _agrees(self, fact: Fact) -> bool:
        found = getattr(fact, self.attribute)
        return found is not None and _OPERATORS[self.op](found, self._wanted)


@frozen
class First(_Comparison):
    """The first known fact of the kind has an attribute that compares so; false when there is none."""

    tag: ClassVar[str] = "first"

    def holds(self, run: Run) -> bool:
        """Whether the first of them compares so."""
        found = _select(run, self)
        return bool(found) and self._agrees(found[0])


@frozen
class Last(_Comparison):
    """The last known fact of the kind has an attribute that compares so; false when there is none."""

    tag: ClassVar[str] = "last"

    def holds(self, run: Run) -> bool:
        """Whether the last of them compares so."""
        found = _select(run, self)
        return bool(found) and self._agrees(found[-1])


@frozen
class Open:
    """Something of the kind has begun and reached none of the statuses `until`; such as an open return.

    With `attribute`, only things count for which the last fact that states it has one of `values` there.
    """

    tag: ClassVar[str] = "open"
    kind: str
    until: tuple[str, ...] = field(converter=_tuple)
    attribute: str = ""
    values: tuple[str, ...] = field(default=(), converter=_tuple)
    key: Key = field(default="any", validator=_KEYS)
    status: ClassVar[str] = ""

    def __attrs_post_init__(self) -> None:
        _check_sort(self)
        for status in self.until:
            _doors.sort_of_fact(self.kind, status)
        if not self.until or "" in self.until:
            raise InvalidJourney(f"until: {self.until!r} names no end; what is open would stay open for ever")
        for value in self.values if self.attribute else ():
            _doors.readable(self.kind, self.attribute, value)
        if bool(self.attribute) != bool(self.values):
            raise InvalidJourney("Open: attribute= and values= belong together")

    def holds(self, run: Run) -> bool:
        """Whether something is open."""
        last: dict[str, str | None] = {}
        ended = set()
        for fact in _select(run, self):
            stated = getattr(fact, self.attribute) if self.attribute else None
            last[fact.key] = stated or last.get(fact.key)
            if fact.status in self.until:
                ended.add(fact.key)
        return any(key not in ended and (not self.attribute or stated in self.values) for key, stated in last.items())


@frozen
class Not:
    """The opposite."""

    tag: ClassVar[str] = "not"
    condition: Condition = field(validator=check)

    def holds(self, run: Run) -> bool:
        """Whether the condition does not hold."""
        return not self.condition.holds(run)


@frozen
class AllOf:
    """Every one of the conditions; true for none at all."""

    tag: ClassVar[str] = "all"
    conditions: tuple[Condition, ...] = field(converter=_tuple, validator=_check_all)

    def holds(self, run: Run) -> bool:
        """Whether no condition fails."""
        return all(condition.holds(run) for condition in self.conditions)


@frozen
class AnyOf:
    """At least one of the conditions; false for none at all."""

    tag: ClassVar[str] = "any"
    conditions: tuple[Condition, ...] = field(converter=_tuple, validator=_check_all)

    def holds(self, run: Run) -> bool:
        """Whether a condition holds."""
        return any(condition.holds(run) for condition in self.conditions)


CLASSES: Mapping[str, type] = {cls.tag: cls for cls in (Exists, First, Last, Open, Not, AllOf, AnyOf)}
"""The conditions by the tag that they carry in JSON."""


def kinds(condition: Condition) -> Iterator[str]:
    """The kinds of facts that a condition reads."""
    if isinstance(condition, Not):
        yield from kinds(condition.condition)
    elif isinstance(condition, AllOf | AnyOf):
        for part in condition.conditions:
            yield from kinds(part)
    else:
        yield cast("Exists | First | Last | Open", condition).kind  # `check` lets nothing else in
