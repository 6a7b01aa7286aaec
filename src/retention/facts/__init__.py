"""What happened: the only way anything enters the house.

A fact is frozen, checked when it is built, belongs to one customer and one instant, and carries its own id: the
same kind and id twice is the same fact, however often a shop reports it. Nothing here decides anything.

Every fact answers to the planner's three words: `kind` (what sort), `status` (which stage, or "") and `key` (what it
is about: an order, a return, a letter).

    >>> from datetime import datetime, timezone
    >>> order = OrderPlaced(
    ...     id="A-17", customer_id=42, at=datetime(2026, 3, 1, tzinfo=timezone.utc), total="30", currency="EUR"
    ... )
    >>> from_json(to_json(order)) == order
    True
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from retention import _records, _values
from retention._types import Json
from retention.errors import InvalidInput
from retention.facts._base import (
    Fact,
    Line,
)
from retention.facts._findings import (
    FITS,
    WARNING_STATUSES,
    ActivityFell,
    FellAsleep,
    ReturnRiskFound,
)
from retention.facts._offers import (
    OFFER_STATUSES,
    OfferDecided,
    OfferRedeemed,
)
from retention.facts._orders import (
    DELIVERY_STATUSES,
    RETURN_ENDS,
    RETURN_STATUSES,
    SERVICE_STATUSES,
    DeliveryChanged,
    OrderPlaced,
    ReturnChanged,
    ServiceCancellationChanged,
)
from retention.facts._people import (
    BOUNCE_CLASSES,
    EMAIL_STATUSES,
    QUESTIONS,
    Answered,
    ConsentChanged,
    CustomerErased,
    CustomersMerged,
    EmailReported,
    PreferenceStated,
    ProfileChanged,
    Visited,
)

__all__ = [
    "BOUNCE_CLASSES",
    "DELIVERY_STATUSES",
    "EMAIL_STATUSES",
    "FITS",
    "FORMAT",
    "KINDS",
    "OFFER_STATUSES",
    "QUESTIONS",
    "RETURN_ENDS",
    "RETURN_STATUSES",
    "SERVICE_STATUSES",
    "WARNING_STATUSES",
    "ActivityFell",
    "Answered",
    "ConsentChanged",
    "CustomerErased",
    "CustomersMerged",
    "DeliveryChanged",
    "EmailReported",
    "Fact",
    "FellAsleep",
    "Line",
    "OfferDecided",
    "OfferRedeemed",
    "OrderPlaced",
    "PreferenceStated",
    "ProfileChanged",
    "Rejected",
    "ReturnChanged",
    "ReturnRiskFound",
    "ServiceCancellationChanged",
    "Visited",
    "from_json",
    "from_storage",
    "read",
    "to_json",
]

FORMAT = 1
"""The number that every stored fact carries; a higher one was written by a newer version."""

_LONGEST_REASON = 200

KINDS: Mapping[str, type[Fact]] = {
    cls.kind: cls
    for cls in (
        OrderPlaced,
        DeliveryChanged,
        ReturnChanged,
        ServiceCancellationChanged,
        Visited,
        EmailReported,
        ProfileChanged,
        ConsentChanged,
        PreferenceStated,
        Answered,
        CustomersMerged,
        CustomerErased,
        FellAsleep,
        ActivityFell,
        ReturnRiskFound,
        OfferDecided,
        OfferRedeemed,
    )
}
"""Every kind of fact by its name."""


def to_json(fact: Fact) -> Json:
    """The fact as a JSON mapping with its kind and `format` number."""
    return {"format": FORMAT, "kind": fact.kind, **_records.fields(fact)}


def from_json(data: Json) -> Fact:
    """The fact that `to_json` wrote; null is as good as a field left out, where that is allowed.

    Raises `InvalidInput` for no mapping, an unknown kind or field, a newer format.
    """
    cls, rest = _kind(data)
    try:
        return cls(**_values.told(cls, rest))
    except TypeError as error:
        raise InvalidInput(f"{cls.kind}: {error}") from None


def from_storage(data: Json) -> Fact:
    """The fact that `to_json` wrote and a storage kept: its values passed their doors before, and do not again."""
    cls, rest = _kind(data)
    return _records.restore(cls, rest)


def _kind(data: Json) -> tuple[type[Fact], Json]:
    if not isinstance(data, dict | Mapping):
        raise InvalidInput(f"fact: a {type(data).__name__} is no JSON object; give what to_json wrote")
    rest = dict(data)
    written, kind = rest.pop("format", None), rest.pop("kind", None)
    if not isinstance(written, int) or written > FORMAT:
        raise InvalidInput(f"format: {written!r} is unknown, this version reads up to {FORMAT}; update the library")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidInput(f"kind: {kind!r} is unknown; use one of {', '.join(KINDS)}")
    return KINDS[kind], rest


@frozen
class Rejected:
    """A row that is no fact: its place among those read, from 0, and why, in one line without addresses."""

    index: int
    reason: str


def read(rows: Iterable[str | bytes | Json]) -> Iterator[Fact | Rejected]:
    """Each row, the JSON of a fact as text or already parsed, as its fact or as what is wrong with it; raises nothing.

    >>> next(read(["[1, 2"]))
    Rejected(index=0, reason="no JSON: Expecting ',' delimiter: line 1 column 6 (char 5)")
    """
    for index, row in enumerate(rows):
        try:
            yield from_json(_parsed(row) if isinstance(row, str | bytes) else row)
        except InvalidInput as error:
            yield Rejected(index, " ".join(_values.scrubbed(str(error)).split())[:_LONGEST_REASON])
        except RecursionError:  # in parsing it, or in quoting it
            yield Rejected(index, "nested too deep")


def _parsed(row: str | bytes) -> Json:
    try:
        parsed: Json = json.loads(row)
    except ValueError as error:
        raise InvalidInput(f"no JSON: {error}") from None
    return parsed
