"""Activity: what customers did besides ordering, as columns of events; every sort of event is optional.

Events, not finished features: a score is judged on a day long ago, so it must be possible to ask what was known then.
A sort of event that a shop does not record is None, which is not the same as "nobody did it".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import attrs
import numpy as np
from attrs import frozen

from retention import _calendar, _checks
from retention._types import AnyArray, ArrayLike, BoolArray, IntArray
from retention.errors import InvalidInput
from retention.facts import ConsentChanged, EmailReported, Fact, ReturnChanged, Visited
from retention.orders import OrderLog

__all__ = ["Activity", "Events", "Matched", "matched", "sort_of"]


@frozen(eq=False, repr=False)
class Events:
    """One sort of event, m of them. `customer_id`: int64 or text. `day`: in days since 1970-01-01, int64."""

    customer_id: AnyArray
    day: IntArray

    def __len__(self) -> int:
        return len(self.day)


@frozen(eq=False, repr=False, kw_only=True)
class Activity:
    """Events of a shop's customers, each sort `Events` or None where it is not recorded; made by `of` or `from_facts`.

    `visits`: to the shop. `clicks`, `opens`: of letters, by a human as far as can be told; machines open letters too,
    so opens say less than they seem. `unsubscribed`, `subscribed`: consent withdrawn and given; on one day withdrawal
    counts. `returns`: one event for each return. Ids are those of the order log; 42 and "42" are the same customer.
    """

    visits: Events | None = None
    clicks: Events | None = None
    opens: Events | None = None
    unsubscribed: Events | None = None
    subscribed: Events | None = None
    returns: Events | None = None

    @classmethod
    def of(cls, **sorts: tuple[ArrayLike, ArrayLike] | None) -> Activity:
        """The activity of pairs of columns, customer ids and days, by the names above.

        Days are dates in the shop's zone, or text that says one. Raises `InvalidInput` naming sort, column and row.

        >>> Activity.of(visits=([7, 7, 9], ["2026-01-01", "2026-02-03", "2026-02-04"]), opens=([9], ["2026-02-01"]))
        Activity(3 visits, 1 opens)
        """
        names = [a.name for a in attrs.fields(cls)]
        for name in sorts:
            if name not in names:
                raise InvalidInput(f"activity: {name!r} is unknown: say {', '.join(names)}")
        return cls(**{name: _events(name, pair) for name, pair in sorts.items() if pair is not None})

    @classmethod
    def from_facts(cls, facts: Iterable[Fact], *, timezone: str) -> Activity:
        """The activity that facts tell; facts of other kinds are passed over, `timezone` is the shop's IANA zone.

        A sort of event of which there is no fact counts as not recorded. What a machine did is left out, what might
        have been either is kept. A return counts once, on the day of its first fact; a complaint unsubscribes.

        >>> from datetime import UTC
        >>> Activity.from_facts([Visited(id="v1", customer_id=7, at=datetime(2026, 1, 1, tzinfo=UTC))], timezone="UTC")
        Activity(1 visits)
        """
        found: dict[str, dict[tuple[str, str], datetime]] = {}
        for fact in facts:
            name = sort_of(fact)
            if name:
                # Stages of one return share its key; all other facts are told apart by their ids.
                key = (fact.customer_id, fact.key if name == "returns" else f"{fact.kind} {fact.id}")
                at = found.setdefault(name, {}).get(key, fact.at)
                found[name][key] = min(at, fact.at)
        return cls(**{name: _of_instants(events, timezone) for name, events in found.items()})

    def __repr__(self) -> str:
        sorts = ((a.name, getattr(self, a.name)) for a in attrs.fields(Activity))
        return f"Activity({', '.join(f'{len(events)} {name}' for name, events in sorts if events is not None)})"


def _events(name: str, pair: object) -> Events:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise InvalidInput(f"{name}: give a pair of columns, customer ids and days")
    who, when = f"{name} customer_id", f"{name} day"
    ids, times = _checks.ids(who, pair[0]), _checks.instants(when, pair[1])
    day = times.at.astype("datetime64[D]")
    _checks.refuse(when, times.at, day != times.at, "a time: give the day in the shop's zone")
    _checks.same_length(**{who: ids, when: day})
    return Events(ids, day.view(np.int64))


def _of_instants(events: Mapping[tuple[str, str], datetime], timezone: str) -> Events:
    ids = np.array([customer for customer, _ in events], dtype=np.str_)
    seconds = np.array([int(at.timestamp() // 1) for at in events.values()], dtype="datetime64[s]")
    return Events(ids, _calendar.local_days(seconds, _calendar.zone(timezone)))


def _email(fact: EmailReported) -> str:
    if fact.status in ("unsubscribed", "complained"):
        return "unsubscribed"
    sorts = {"opened": "opens", "clicked": "clicks"}
    return "" if fact.machine else sorts.get(fact.status, "")


def _consent(fact: ConsentChanged) -> str:
    if fact.key != "email/marketing":
        return ""
    return "subscribed" if fact.granted else "unsubscribed"


_SORTS: Mapping[type[Fact], Callable[..., str]] = {
    Visited: lambda _: "visits",
    EmailReported: _email,
    ConsentChanged: _consent,
    ReturnChanged: lambda _: "returns",
}


def sort_of(fact: Fact) -> str:
    """Which sort of activity a fact tells, a name of `Activity`; "" if none."""
    return _SORTS[type(fact)](fact) if type(fact) in _SORTS else ""


@frozen(eq=False)
class Matched:
    """The activity of an order log's customers: for each recorded sort the places in the log's ids, and the days."""

    events: Mapping[str, tuple[IntArray, IntArray]]

    def until(self, name: str, last_day: int, *, after: int | None = None) -> tuple[IntArray, IntArray]:
        """Places and days of the events of a sort in (after, last_day], two columns."""
        place, day = self.events[name]
        counts: BoolArray = day <= last_day
        if after is not None:
            counts &= day > after
        return place[counts], day[counts]


def matched(log: OrderLog, activity: Activity | None) -> Matched:
    """Events of people who are not in the log are left out; a sort without any event counts as not recorded."""
    recorded = {} if activity is None else {a.name: getattr(activity, a.name) for a in attrs.fields(Activity)}
    return Matched({name: _match(log.ids, e) for name, e in recorded.items() if e is not None and len(e)})


def _match(ids: AnyArray, events: Events) -> tuple[IntArray, IntArray]:
    wanted = events.customer_id
    order = np.arange(len(ids))
    if ids.dtype.kind != wanted.dtype.kind:
        ids, wanted = ids.astype(np.str_), wanted.astype(np.str_)
        order = np.argsort(ids)
        ids = ids[order]
    place = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    known = ids[place] == wanted
    return order[place[known]], events.day[known]
