"""A journey: a timetable of letters around one thing that happens to a customer, as plain data.

A `Journey` says what starts a run, which letters may follow and when, what ends it, and which share of the customers
is the control. It is immutable: an edit is a new `version`, and people inside stay with the version they entered.
Nothing here looks at a customer; `plan` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

from attrs import evolve, field, frozen
from attrs.validators import optional

from retention import _records
from retention._types import Json
from retention.errors import InvalidInput, InvalidJourney
from retention.facts import Fact, OfferDecided, OfferRedeemed
from retention.journey import _doors
from retention.journey.conditions import CLASSES, Condition, kinds
from retention.journey.conditions import check as condition

__all__ = [
    "CONTROL",
    "GRANTED",
    "After",
    "AfterExit",
    "Before",
    "Choice",
    "Delay",
    "Exit",
    "Facts",
    "Journey",
    "Moment",
    "On",
    "Once",
    "PerKey",
    "Reentry",
    "Step",
    "Variant",
    "from_json",
    "to_json",
]

CONTROL = "control"
"""The arm whose promotional letters are planned, recorded and never sent."""


GRANTED = "@granted"
"""The offer of a step that waits for the one which the engine grants to its run, under budget and stock."""


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


_LONGEST_DAYS = 36_525


@frozen(order=True)
class Delay:
    """A stretch of time: months and days move the local date (Jan 31 + 1 month = Feb 28), hours and minutes elapse."""

    tag: ClassVar[str] = "delay"
    days: int = 0
    hours: int = 0
    minutes: int = 0
    months: int = 0

    def __attrs_post_init__(self) -> None:
        for name in ("days", "hours", "minutes", "months"):
            _doors.whole_number(name, getattr(self, name), 0)
        if self.months * 31 + self.days + self.hours / 24 + self.minutes / 1440 > _LONGEST_DAYS:
            raise InvalidJourney(f"{self}: longer than a hundred years; nothing would come of it")


_A_DELAY = _doors.a(Delay)


@frozen
class Facts:
    """Facts to look out for: a kind, perhaps a status; `key` "run" for those about the run's own subject.

    With `attribute` only facts that state it count, with `values` only those that have one of them there.
    """

    tag: ClassVar[str] = "facts"
    kind: str
    status: str = ""
    key: Literal["any", "run"] = field(default="run", validator=_doors.one_of("any", "run"))
    attribute: str = ""
    values: tuple[Any, ...] = field(default=(), converter=_doors.plain)
    _wanted: tuple[Any, ...] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _doors.sort_of_fact(self.kind, self.status)
        object.__setattr__(self, "_wanted", _doors.values_of(self.kind, self.attribute, self.values))

    def of(self, facts: list[Fact]) -> list[Fact]:
        """Those of facts of this kind and status that count."""
        return [f for f in facts if _doors.states(f, self.attribute, self._wanted)] if self.attribute else facts


@frozen
class After:
    """A delay after the run's entry or after another step's slot; `if_skipped` says what a skipped anchor means."""

    tag: ClassVar[str] = "after"
    anchor: str = "entry"
    delay: Delay = field(default=Delay(), validator=_A_DELAY)
    if_skipped: Literal["continue", "drop"] = field(default="continue", validator=_doors.one_of("continue", "drop"))


@frozen
class On:
    """A delay after facts: all of them or any; once, once per fact, or once per value of an `attribute`."""

    tag: ClassVar[str] = "on"
    facts: tuple[Facts, ...] = field(converter=_tuple, validator=_doors.many_of(Facts))
    delay: Delay = field(default=Delay(), validator=_A_DELAY)
    need: Literal["all", "any"] = field(default="all", validator=_doors.one_of("all", "any"))
    once: Literal["once", "fact", "value"] = field(default="once", validator=_doors.one_of("once", "fact", "value"))
    attribute: str = ""

    def __attrs_post_init__(self) -> None:
        if not self.facts:
            raise InvalidJourney("On: names no facts; nothing would ever start the step")
        if self.once != "once" and self.need == "all" and len(self.facts) > 1:
            raise InvalidJourney(f"On: once per {self.once} needs need='any', not all of several facts")
        if (self.once == "value") != bool(self.attribute):
            raise InvalidJourney("On: attribute= belongs to once='value'")
        for facts in self.facts if self.attribute else ():
            _doors.attribute(facts.kind, self.attribute)


@frozen
class Before:
    """A delay before the instant that an attribute of the last such fact names, a deadline; once per deadline.

    Never after the deadline itself, whatever the step's `valid_for` says.
    """

    tag: ClassVar[str] = "before"
    fact: Facts = field(validator=_doors.a(Facts))
    attribute: str
    delay: Delay = field(default=Delay(), validator=_A_DELAY)

    def __attrs_post_init__(self) -> None:
        if _doors.attribute(self.fact.kind, self.attribute) != "datetime":
            raise InvalidJourney(f"Before: {self.attribute!r} of kind {self.fact.kind!r} is no time")


Moment: TypeAlias = After | On | Before


@frozen
class Choice:
    """One branch of a step: this template and offer (see `Step`) when the condition holds."""

    tag: ClassVar[str] = "choice"
    when: Condition = field(validator=condition)
    template: str
    offer: str = ""


@frozen
class Variant:
    """What one arm changes about a step; None leaves it. `subject` as in `Step`: another tone in the same letter."""

    tag: ClassVar[str] = "variant"
    template: str | None = None
    subject: str | None = None
    offer: str | None = None
    delay: Delay | None = field(default=None, validator=optional(_A_DELAY))
    hour: int | None = None
    weekday: int | None = None


@frozen(kw_only=True)
class Step:
    """One letter that may be due.

    `hour`, `weekday` (0 Monday): the local hour and day it is moved on to. `when`: must hold at that time, else the
    step is skipped for good. `cancel`: ends this step alone. `choose`: branches, the first that holds counts.
    `offer`: the id of the offer in it, or `GRANTED`; `without_offer`: whether a letter to whom none was granted, or
    whose offer is over, is sent without one or skipped. `owner`: who else sends this letter, so that ours is not sent.
    `valid_for`: a letter later than this is not worth sending. `supersedes`: older steps that this one replaces.
    `formerly`: names the step had in earlier versions. `subject`: the block of the template that is the subject line.
    `urgent`: a promotional letter that cannot wait (a coupon's last hours): caps, quiet hours and closed days do not
    bind it, consent and holds do, and it counts for the caps of others.
    """

    tag: ClassVar[str] = "step"
    id: str
    moment: Moment = field(validator=_doors.a(After, On, Before))
    template: str
    subject: str = "subject"
    offer: str = ""
    without_offer: Literal["send", "skip"] = field(default="send", validator=_doors.one_of("send", "skip"))
    owner: str = ""
    hour: int | None = None
    weekday: int | None = None
    when: Condition | None = field(default=None, validator=optional(condition))
    cancel: Condition | None = field(default=None, validator=optional(condition))
    choose: tuple[Choice, ...] = field(default=(), converter=_tuple, validator=_doors.many_of(Choice))
    variants: Mapping[str, Variant] = field(factory=dict, converter=_frozen, hash=False)
    valid_for: Delay = field(default=Delay(days=3), validator=_A_DELAY)
    promotional: bool = True
    urgent: bool = False
    supersedes: tuple[str, ...] = field(default=(), converter=_tuple)
    formerly: tuple[str, ...] = field(default=(), converter=_tuple)

    def __attrs_post_init__(self) -> None:
        for name, top in (("hour", 23), ("weekday", 6)):
            for value in (getattr(self, name), *(getattr(v, name) for v in self.variants.values())):
                if value is not None and (type(value) is not int or value not in range(top + 1)):
                    raise InvalidJourney(f"step {self.id}: {name} {value!r} is not within 0 to {top}")
        if self.urgent and not self.promotional:
            raise InvalidJourney(f"step {self.id}: urgent is for promotional letters; nothing binds the others anyway")
        if self.valid_for == Delay():
            raise InvalidJourney(f"step {self.id}: valid_for is zero; the letter would always be late")

    @property
    def recurs(self) -> bool:
        """Whether it can be due more than once in a run."""
        return isinstance(self.moment, Before) or (isinstance(self.moment, On) and self.moment.once != "once")

    def for_arm(self, arm: str) -> Step:
        """The step as one arm of the experiment gets it."""
        variant = self.variants.get(arm)
        if variant is None:
            return self
        changes = {n: getattr(variant, n) for n in ("template", "subject", "offer", "hour", "weekday")}
        changed = {n: value for n, value in changes.items() if value is not None}
        if variant.delay is not None:
            changed["moment"] = evolve(self.moment, delay=variant.delay)
        return evolve(self, variants={}, **changed)

    def offers(self) -> Iterator[str]:
        """Every offer the step can make, in every arm and branch, "" and `GRANTED` among them."""
        yield self.offer
        yield from (choice.offer for choice in self.choose)
        yield from (v.offer for v in self.variants.values() if v.offer is not None)

    def subjects(self) -> Iterator[str]:
        """Every block that can be the subject line, in every arm."""
        yield self.subject
        yield from (v.subject for v in self.variants.values() if v.subject is not None)

    def templates(self) -> Iterator[str]:
        """Every template the step can use, in every arm and branch."""
        yield self.template
        yield from (choice.template for choice in self.choose)
        yield from (v.template for v in self.variants.values() if v.template is not None)


@frozen
class Exit:
    """What ends a run early, and the reason that the ledger then gives."""

    tag: ClassVar[str] = "exit"
    reason: str = field(validator=_doors.new_reason)
    when: Condition = field(validator=condition)


@frozen
class Once:
    """A customer enters once in a lifetime."""

    tag: ClassVar[str] = "once"


@frozen
class AfterExit:
    """A customer enters again when the last run has ended and `cool_down` has passed since."""

    tag: ClassVar[str] = "after_exit"
    cool_down: Delay = field(default=Delay(), validator=_A_DELAY)


@frozen
class PerKey:
    """One run for each subject (each order, each return), side by side if need be."""

    tag: ClassVar[str] = "per_key"


Reentry: TypeAlias = Once | AfterExit | PerKey


@frozen(kw_only=True)
class Journey:
    """A timetable of letters.

    `trigger`: the facts that start a run; the run's key is the fact's. `lasts`: the run ends so long after the last
    thing that happened in it, and at `ends` if that comes first, even if some steps never came up; letters that are
    due are waited for. `accept_for`: an older trigger is refused. `when`: must hold at the entry, else it is
    refused for good. `unless_inside`: journeys whose open run refuses an entry here. `arms`: shares of customers,
    summing to 1; the arm "control" gets no promotional letters. `window`: within it an order counts as a return in the
    results.
    `priority`: the smaller number goes first. `topic`: the consent that promotional steps need.
    """

    tag: ClassVar[str] = "journey"
    name: str
    trigger: Facts = field(validator=_doors.a(Facts))
    steps: tuple[Step, ...] = field(converter=_tuple, validator=_doors.many_of(Step))
    version: int = 1
    exits: tuple[Exit, ...] = field(default=(), converter=_tuple, validator=_doors.many_of(Exit))
    lasts: Delay = field(default=Delay(days=30), validator=_A_DELAY)
    ends: On | None = field(default=None, validator=optional(_doors.a(On)))
    accept_for: Delay = field(default=Delay(days=7), validator=_A_DELAY)
    when: Condition | None = field(default=None, validator=optional(condition))
    unless_inside: tuple[str, ...] = field(default=(), converter=_tuple)
    reentry: Reentry = field(default=PerKey(), validator=_doors.a(Once, AfterExit, PerKey))
    arms: Mapping[str, float] = field(factory=lambda: {"letters": 1.0}, converter=_frozen, hash=False)
    window: Delay = field(default=Delay(days=28), validator=_A_DELAY)
    priority: int = 100
    topic: str = "marketing"

    def __attrs_post_init__(self) -> None:
        self._check_names()
        self._check_anchors()
        _doors.whole_number("version", self.version, 1)
        _doors.whole_number("priority", self.priority, 0)
        shares = [share if type(share) in (int, float) else math.nan for share in self.arms.values()]
        if not all(share > 0 for share in shares) or not math.isclose(sum(shares), 1):
            raise InvalidJourney(f"journey {self.name}: arms {dict(self.arms)} must be positive shares that sum to 1")
        for step in self.steps:
            unknown = set(step.variants) - set(self.arms)
            if unknown:
                raise InvalidJourney(f"journey {self.name}: step {step.id} varies unknown arms {sorted(unknown)}")

    def _check_names(self) -> None:
        names = [name for step in self.steps for name in (step.id, *step.formerly)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not self.name or not names or "" in names or "entry" in names:
            raise InvalidJourney(f"journey {self.name!r}: needs a name, and steps named other than '' and 'entry'")
        if twice:
            raise InvalidJourney(f"journey {self.name}: two steps are or were called {twice[0]!r}; ids are unique")

    def _check_anchors(self) -> None:
        seen = {"entry"}
        for step in self.steps:
            anchor = step.moment.anchor if isinstance(step.moment, After) else "entry"
            for other in (anchor, *step.supersedes):
                if other not in seen:
                    raise InvalidJourney(f"journey {self.name}: step {step.id} refers to {other!r}, no step before it")
            if not step.recurs:
                seen.add(step.id)

    @property
    def promotional(self) -> bool:
        """Whether every letter of it is promotional, so that nobody enters who may not be written to."""
        return all(step.promotional for step in self.steps)

    @property
    def asks_for_offers(self) -> bool:
        """Whether some step waits for a granted offer."""
        return any(GRANTED in step.offers() for step in self.steps)

    def conditions(self) -> list[Condition]:
        """Every condition in it."""
        asked = [exit_.when for exit_ in self.exits] + ([self.when] if self.when else [])
        for step in self.steps:
            asked += [c for c in (step.when, step.cancel, *(choice.when for choice in step.choose)) if c]
        return asked

    def kinds(self) -> frozenset[str]:
        """The kinds of facts that it looks at."""
        found = {self.trigger.kind, *(_OF_GRANTS if self.asks_for_offers else ())}
        for moment in (self.ends, *(step.moment for step in self.steps)):
            if isinstance(moment, On):
                found |= {facts.kind for facts in moment.facts}
            elif isinstance(moment, Before):
                found.add(moment.fact.kind)
        return frozenset(found.union(*(kinds(condition) for condition in self.conditions())))


_OF_GRANTS = (OfferDecided.kind, OfferRedeemed.kind)
_CLASSES: Mapping[str, type] = {
    **CLASSES,
    **{
        cls.tag: cls
        for cls in (Delay, Facts, After, On, Before, Choice, Variant, Step, Exit, Once, AfterExit, PerKey, Journey)
    },
}


def to_json(journey: Journey) -> Json:
    """The journey as a JSON mapping."""
    return _records.fields(journey)


def from_json(data: Json) -> Journey:
    """The journey that `to_json` wrote; raises `InvalidInput` for parts of a newer version."""
    try:
        journey = _records.build(_CLASSES, data)
    except TypeError as error:
        raise InvalidInput(f"journey: {error}; it was written by a newer version") from None
    if not isinstance(journey, Journey):
        raise InvalidJourney(f"{type(journey).__name__}: is no journey")
    return journey
