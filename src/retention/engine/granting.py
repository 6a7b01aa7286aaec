"""How a shop lets the engine decide on offers: the catalogue, the budget, the guardrails, all checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from attrs import field, frozen

from retention import _records, _values, offers
from retention._types import Json
from retention.engine.standing import COLUMNS
from retention.errors import InvalidInput
from retention.offers import Offer, Prior, codes

__all__ = ["Granting"]

FORMAT = 1
"""The number that stored settings carry; a higher one was written by a newer version."""


def _money(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not value >= 0:
        raise InvalidInput(f"{name}: {value!r}: give an amount from 0 up, or math.inf for no limit")
    return float(value)


def _share(name: str, value: object) -> float:
    number = _values.number(name, value)
    if not 0 <= number <= 1:
        raise InvalidInput(f"{name}: {number} is no share; give 0 to 1")
    return number


def _pools(name: str, value: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name}: {value!r}: give the codes of each offer")
    found = {offer: _values.words(f"{name}: {offer}", list(pool)) for offer, pool in value.items()}
    for pool in found.values():
        codes.draw(pool, ())  # a code twice is refused there
    return MappingProxyType(found)


def _catalogue(name: str, value: object) -> tuple[Offer, ...]:
    return offers.check_catalogue(_values.many(name, value, Offer))


def _prior(name: str, value: object) -> Prior:
    return _values.many(name, [value], Prior)[0]


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Granting:
    """How the engine decides on offers for the steps that wait for one.

    `catalogue`: the offers; their conditions may name `journey`, `state`, `segment`, `basket`, `orders` and
    `days_since_last`. `budget`: what redemptions may cost within any `days` days, money: what is granted and open
    counts in full, what expires unused is released. `margin`: the share of a basket that stays with the shop, where an
    offer has none of its own. `explore`: the share of customers whose offer, or none, is drawn by lot. `horizon`: days
    within which an order counts as brought. `prior`: what is believed at first. `pools`: codes of the host's own, by
    offer; the others have personal ones.

    Guardrails: `window`, days from one offer of a customer to the next; `cool_down`, days without a price cut after one
    was used; `floor`, the share of what is paid that must stay; `most_discounted`, of a customer's orders. Raises
    `InvalidInput` naming the argument.
    """

    catalogue: Sequence[Offer] = field(metadata=_values.clean(_catalogue))
    budget: float = field(metadata=_values.clean(_money))
    days: int = field(default=30, metadata=_values.clean(_values.count, 1))
    margin: float = field(default=0.35, metadata=_values.clean(_share))
    explore: float = field(default=0.1, metadata=_values.clean(_share))
    horizon: int = field(default=28, metadata=_values.clean(_values.count, 1))
    prior: Prior = field(default=offers.PRIOR, metadata=_values.clean(_prior))
    pools: Mapping[str, Sequence[str]] = field(factory=dict, metadata=_values.clean(_pools))
    window: int = field(default=30, metadata=_values.clean(_values.count))
    cool_down: int = field(default=60, metadata=_values.clean(_values.count))
    floor: float = field(default=0.0, metadata=_values.clean(_share))
    most_discounted: float = field(default=0.5, metadata=_values.clean(_share))

    def __attrs_post_init__(self) -> None:
        for offer in self.catalogue:
            for condition in offer.conditions:
                if condition.column not in COLUMNS:
                    raise InvalidInput(
                        f"catalogue: {offer.id}: {condition.column!r} is unknown here; use one of {', '.join(COLUMNS)}"
                    )
        strangers = sorted(self.pools.keys() - {offer.id for offer in self.catalogue})
        if strangers:
            raise InvalidInput(f"pools: {strangers[0]!r} is no offer of the catalogue")

    def to_json(self) -> Json:
        """The settings as a JSON mapping with a `format` number."""
        return {"format": FORMAT, **_records.fields(self)}

    @classmethod
    def from_json(cls, data: Json) -> Granting:
        """What `to_json` wrote, or somebody by hand; raises `InvalidInput` for what is missing, unknown or newer."""
        rest = dict(data)
        written = rest.pop("format", FORMAT)
        if not isinstance(written, int) or written > FORMAT:
            raise InvalidInput(f"format: {written!r} is unknown, this version reads up to {FORMAT}; update the library")
        try:
            return cls(**rest)
        except TypeError as error:
            raise InvalidInput(f"offers: {error}") from None
