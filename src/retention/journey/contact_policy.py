"""What the shop allows itself: when and how often anybody is written to, whatever the journeys want.

Pure functions of the policy, the customer and what was sent. Transactional letters are bound by nothing here but a
working address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from types import NoneType
from typing import ClassVar
from zoneinfo import ZoneInfo

from attrs import field, frozen

from retention import _records, _wall_time
from retention._types import Json
from retention.errors import InvalidJourney
from retention.facts import RETURN_ENDS
from retention.journey import _doors
from retention.journey.conditions import Condition, Open
from retention.journey.conditions import check as condition
from retention.people import Customer
from retention.reasons import Reason

__all__ = ["Cap", "ContactPolicy", "Hold", "QuietHours", "earliest", "refusal", "to_json"]


def _wall(value: str) -> str:
    try:
        wall = time.fromisoformat(value)
    except (TypeError, ValueError):
        wall = None
    if wall is None or wall.tzinfo is not None:
        raise InvalidJourney(f"quiet hours: {value!r} is no time of day; write 21:00") from None
    return value


@frozen
class QuietHours:
    """No promotional letter from `start` until `end` in the customer's zone; may span midnight; equal ends: none.

    What is not quiet is the window in which letters are sent: quiet from 20:00 to 09:00 sends from 09:00 to 20:00.
    """

    tag: ClassVar[str] = "quiet_hours"
    start: str = field(default="21:00", converter=_wall)
    end: str = field(default="09:00", converter=_wall)


@frozen
class Cap:
    """At most `count` promotional letters within `days` calendar days of the customer; 0 means none at all."""

    tag: ClassVar[str] = "cap"
    count: int
    days: int

    def __attrs_post_init__(self) -> None:
        _doors.whole_number("cap: count", self.count, 0)
        _doors.whole_number("cap: days", self.days, 1)


@frozen
class Hold:
    """Promotional letters wait while the condition holds; the ledger gives `reason`."""

    tag: ClassVar[str] = "hold"
    reason: str = field(validator=_doors.new_reason)
    when: Condition = field(validator=condition)


_WEEK = range(7)
_DEFECTS = tuple(sorted(reason.value for reason in Reason if reason.group == "DEFECT"))
OPEN_DEFECT = Hold("open_defect_return", Open("return", RETURN_ENDS, attribute="reason", values=_DEFECTS))
"""Nobody who waits for us to mend our own mistake is asked to buy."""


@frozen(kw_only=True)
class ContactPolicy:
    """The shop's rules for promotional letters of all journeys together. `None` quiet hours and no caps: no limit.

    `closed_days`: days of the week, 0 Monday, on which none leaves, by the customer's calendar; at most six. A step
    that is `urgent` is bound by its holds alone.
    """

    tag: ClassVar[str] = "contact_policy"
    quiet_hours: QuietHours | None = field(default=QuietHours(), validator=_doors.a(QuietHours, NoneType))
    caps: tuple[Cap, ...] = field(default=(Cap(1, 1), Cap(3, 7)), converter=tuple, validator=_doors.many_of(Cap))
    holds: tuple[Hold, ...] = field(default=(OPEN_DEFECT,), converter=tuple, validator=_doors.many_of(Hold))
    closed_days: tuple[int, ...] = field(default=(), converter=tuple)

    def __attrs_post_init__(self) -> None:
        for day in self.closed_days:
            if type(day) is not int or day not in _WEEK:
                raise InvalidJourney(f"closed_days: {day!r} is no day of the week; 0 is Monday, 6 Sunday")
        if set(self.closed_days) == set(_WEEK):
            raise InvalidJourney("closed_days: all seven; no letter would ever leave")

    @property
    def remembers_days(self) -> int:
        """How many days of sent letters the caps look at."""
        return max((cap.days for cap in self.caps), default=0)


def to_json(policy: ContactPolicy) -> Json:
    """The policy as a JSON mapping."""
    return _records.fields(policy)


def refusal(customer: Customer, topic: str, *, promotional: bool) -> str:
    """Why this customer may not get such a letter, one of the ledger's reasons; "" if they may."""
    if promotional and customer.suppressed:
        return "suppressed"
    if promotional and topic not in customer.topics:
        return "no_consent"
    return "" if customer.email else "no_address"


_STRONGEST_FIRST = ("cap", "closed_day", "quiet_hours")


def earliest(policy: ContactPolicy, now: datetime, zone: ZoneInfo, sent: Sequence[date]) -> tuple[datetime, str]:
    """The first instant from `now` on that a promotional letter may leave, and what it waits for ("" at once).

    `sent`: the local days of the promotional letters so far, in any order. With a cap of 0 the instant is
    `datetime.max`.
    """
    if any(cap.count == 0 for cap in policy.caps):
        return datetime.max.replace(tzinfo=now.tzinfo), "cap"
    instant, waits_for = now, set[str]()
    while True:
        opens = _after_quiet_hours(policy.quiet_hours, instant, zone)
        if opens > instant:
            instant = opens
            waits_for.add("quiet_hours")
        day = _wall_time.local_date(instant, zone)
        held = _held_all_day(policy, day, sent)
        if not held:
            return instant, next((reason for reason in _STRONGEST_FIRST if reason in waits_for), "")
        waits_for.add(held)
        instant = _wall_time.next_day(instant, zone)


def _after_quiet_hours(quiet: QuietHours | None, instant: datetime, zone: ZoneInfo) -> datetime:
    if quiet is None or quiet.start == quiet.end:
        return instant
    return _wall_time.next_open(instant, zone, time.fromisoformat(quiet.start), time.fromisoformat(quiet.end))


def _held_all_day(policy: ContactPolicy, day: date, sent: Sequence[date]) -> str:
    if any(_used(cap, day, sent) >= cap.count for cap in policy.caps):
        return "cap"
    return "closed_day" if day.weekday() in policy.closed_days else ""


def _used(cap: Cap, day: date, sent: Sequence[date]) -> int:
    since = day - timedelta(days=cap.days)
    return sum(since < letter <= day for letter in sent)
