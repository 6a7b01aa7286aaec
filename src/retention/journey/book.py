"""The journeys in force, every version that somebody is still inside, and the contact policy: what planning goes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from attrs import frozen

from retention import _calendar, _hashing, _records, _values
from retention.errors import InvalidJourney
from retention.journey import contact_policy, customer, definition
from retention.journey.conditions import kinds
from retention.journey.contact_policy import ContactPolicy
from retention.journey.definition import Journey, Step
from retention.journey.ledger import Entry, Needs
from retention.people import LANGUAGES

__all__ = ["Book", "needs"]


@frozen(eq=False)
class Book:
    """Compiled once, read by every plan. Build it with `Book.of`.

    `current`: the version of each journey that takes people in, by priority. `timezone` and `language`: for customers
    who have none on file. `fingerprint`: changes whenever a plan could. `restored_at`: what was due before it may have
    been done and forgotten, as the storage is a copy that was restored then. `grants`: whether anybody decides on
    offers; if not, a step that waits for one gets none.
    """

    current: tuple[Journey, ...]
    policy: ContactPolicy
    timezone: str
    language: str
    fingerprint: str
    restored_at: datetime | None
    grants: bool
    _versions: Mapping[tuple[str, int], Journey]
    _steps: Mapping[tuple[str, int, str], tuple[Step, ...]]

    @staticmethod
    def of(
        journeys: Iterable[Journey],
        *,
        earlier: Iterable[Journey] = (),
        policy: ContactPolicy | None = None,
        timezone: str = "UTC",
        language: str = "en",
        restored_at: datetime | None = None,
        grants: bool = False,
    ) -> Book:
        """The book of these journeys; `earlier` are the old versions that people may still be inside.

        Raises `InvalidJourney` when two journeys share a name or one version has two definitions.
        """
        policy = ContactPolicy() if policy is None else policy
        current = tuple(sorted(journeys, key=lambda j: (j.priority, j.name)))
        names = [journey.name for journey in current]
        for name in names:
            if names.count(name) > 1:
                raise InvalidJourney(f"journey {name}: given twice; every journey has a name of its own")
        versions = _by_version((*earlier, *current))
        lost = () if restored_at is None else (restored_at.isoformat(),)
        parts = [definition.to_json(journey) for journey in current] + [contact_policy.to_json(policy)]
        pinned = [definition.to_json(versions[key]) for key in sorted(versions)]
        return Book(
            current=current,
            policy=policy,
            timezone=_calendar.zone_name("timezone", timezone),
            language=_values.one_of("language", language, LANGUAGES),
            fingerprint=_hashing.digest(
                timezone, language, *map(_records.text, (*parts, *pinned)), *lost, *(("grants",) if grants else ())
            ),
            restored_at=restored_at,
            grants=grants,
            versions=MappingProxyType(versions),
            steps=MappingProxyType(
                {
                    (journey.name, journey.version, arm): tuple(step.for_arm(arm) for step in journey.steps)
                    for journey in versions.values()
                    for arm in journey.arms
                }
            ),
        )

    def is_lost(self, at: datetime | None, *, promotional: bool) -> bool:
        """Whether what was due at that time may have been done and forgotten, and is better left than done twice."""
        return promotional and self.restored_at is not None and at is not None and at < self.restored_at

    def journey(self, entry: Entry) -> Journey | None:
        """The definition that the run is pinned to, else the one in force; None when the journey is gone."""
        pinned = self._versions.get((entry.journey, entry.version))
        return pinned or next((j for j in self.current if j.name == entry.journey), None)

    def steps(self, journey: Journey, arm: str) -> tuple[Step, ...]:
        """The journey's steps as the arm gets them."""
        return self._steps.get((journey.name, journey.version, arm), journey.steps)

    @property
    def newest(self) -> tuple[Journey, ...]:
        """The newest version of every journey, by name, also of those no longer in force."""
        last = {journey.name: journey for journey in sorted(self._versions.values(), key=lambda j: j.version)}
        return tuple(last[name] for name in sorted(last))

    @property
    def journeys(self) -> tuple[Journey, ...]:
        """Every definition, earlier versions included."""
        return tuple(self._versions.values())


def _by_version(journeys: Iterable[Journey]) -> dict[tuple[str, int], Journey]:
    versions: dict[tuple[str, int], Journey] = {}
    for journey in journeys:
        known = versions.setdefault((journey.name, journey.version), journey)
        if definition.to_json(known) != definition.to_json(journey):
            raise InvalidJourney(
                f"journey {journey.name}: version {journey.version} was something else before; "
                f"give the edited journey version={journey.version + 1}"
            )
    return versions


def needs(book: Book) -> Needs:
    """Which facts a customer's file must hold, so that `plan` and `recheck` see all that they look at."""
    found = set(customer.KINDS)
    for journey in book.journeys:
        found |= journey.kinds()
    for hold in book.policy.holds:
        found.update(kinds(hold.when))
    return Needs(frozenset(found))
