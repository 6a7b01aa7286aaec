"""What an offer is believed to do: stated assumptions at first, what the shop has seen the more, the more it has seen.

The rules of the room:

- *Assumptions are called so.* `PRIOR` is no measurement of any shop: it says how likely a customer of each lifecycle
  state and RFM segment is to order within some weeks, and how much a given share of the basket moves that. It counts
  as much as `Prior.weight` decisions seen, and no more.
- *Only fair comparisons teach.* Who got which offer was decided by what it seemed worth, so each decision counts
  inversely to the chance with which it was made (Hájek's ratio); its weight in evidence is Kish's effective number.
- *Cells are coarse*: state and segment, as in "asleep/at risk". What tells customers of a cell apart is their basket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from attrs import field, frozen

from retention import _checks, _values
from retention._types import AnyArray, ArrayLike, FloatArray
from retention.errors import InvalidInput
from retention.offers.catalogue import KINDS, Offer

__all__ = ["PRIOR", "Beliefs", "Chances", "Prior", "Seen", "cells"]

_NOBODY = "new"
_TENTH = 0.1


def _table(least: float, most: float, *, above: bool = False) -> dict[str, object]:
    """The metadata of a mapping from words to numbers in a range, its lower end left out with `above`."""

    def read(name: str, value: object) -> Mapping[str, float]:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"{name}: {value!r} is no table; give a mapping from words to numbers")
        for word, number in value.items():
            one = _values.number(f"{name}: {word}", number)
            if not least <= one <= most or (above and one == least):
                raise InvalidInput(f"{name}: {word}: {one} is out of range; give {least} to {most}")
        return MappingProxyType({str(word): float(number) for word, number in value.items()})

    return _values.clean(read)


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Prior:
    """What is assumed before anything was seen.

    `states`: by lifecycle state, the chance of an order within the horizon without an offer, 0 to 1, both excluded;
    "new" is for whom there is no order of. `segments`: by RFM segment, what multiplies the odds; 1 for others.
    `responses`: by kind of offer, what a tenth of the basket given away adds to the log odds; 0 for others. `weight`:
    how many decisions all of that counts as, in each cell.
    """

    states: Mapping[str, float] = field(metadata=_table(0, 1, above=True))
    segments: Mapping[str, float] = field(metadata=_table(0, 100, above=True))
    responses: Mapping[str, float] = field(metadata=_table(0, 10))
    weight: float = field(default=40.0, metadata=_values.clean(_values.number))

    def __attrs_post_init__(self) -> None:
        if _NOBODY not in self.states or max(self.states.values()) >= 1:
            raise InvalidInput('states: give a chance below 1 for each state, "new" among them')
        strangers = sorted(set(self.responses) - set(KINDS))
        if strangers:
            raise InvalidInput(f"responses: {strangers[0]!r} is no kind of offer; use {', '.join(KINDS)}")
        if self.weight <= 0:
            raise InvalidInput(f"weight: {self.weight} is not above 0; give how many decisions the table counts as")

    def chance(self, state: str, segment: str) -> float:
        """The chance of an order without an offer; a state that is not in the table counts as "new"."""
        base = self.states.get(state, self.states[_NOBODY])
        odds = base / (1 - base) * self.segments.get(segment, 1.0)
        return odds / (1 + odds)


PRIOR = Prior(
    states={"active": 0.45, "cooling": 0.25, "asleep": 0.10, "lost": 0.03, "new": 0.15},
    segments={
        "champions": 1.6,
        "loyal": 1.4,
        "promising": 1.1,
        "new": 0.8,
        "needs attention": 1.0,
        "about to leave": 0.8,
        "cannot lose": 1.3,
        "at risk": 1.0,
        "hibernating": 0.6,
    },
    responses={
        "discount": 0.25,
        "fixed_amount": 0.25,
        "store_credit": 0.2,
        "free_shipping": 0.2,
        "gift": 0.15,
        "points": 0.1,
        "free_exchange": 0.05,
    },
)
"""Assumptions for a shop of everyday things and a horizon of four weeks; a shop that knows better gives its own."""


def cells(state: ArrayLike, segment: ArrayLike) -> AnyArray:
    """The names of the customers' cells, text, (n,).

    >>> cells(["asleep"], ["at risk"]).tolist()
    ['asleep/at risk']
    """
    states, segments = _checks.labels("state", state), _checks.labels("segment", segment)
    _checks.same_length(state=states, segment=segments)
    return np.array([f"{one}/{other}" for one, other in zip(states.tolist(), segments.tolist(), strict=True)], np.str_)


class Seen(NamedTuple):
    """What was seen of one offer in one cell: the effective number of decisions, and the share that ordered."""

    number: float
    share: float


class Chances(NamedTuple):
    """Chances of an order within the horizon: `p0` (n,) without an offer, `p1` (n, K) with each."""

    p0: FloatArray
    p1: FloatArray


@frozen(eq=False)
class Beliefs:
    """The prior and what was seen; `seen`: by cell and offer, "" for none."""

    prior: Prior = PRIOR
    seen: Mapping[tuple[str, str], Seen] = field(factory=dict)

    @classmethod
    def of(
        cls,
        cell: ArrayLike,
        offer: ArrayLike,
        propensity: ArrayLike,
        ordered: ArrayLike,
        *,
        prior: Prior = PRIOR,
    ) -> Beliefs:
        """What these decisions teach, one row each, (m,), whose horizon is over.

        ``cell``: as `cells` names them. ``offer``: its id, "" for none. ``propensity``: the chance with which it was
        decided so, above 0, at most 1. ``ordered``: whether an order came within the horizon. Raises `InvalidInput`
        with column and row.

        >>> learnt = Beliefs.of(["asleep/"] * 2, ["ten", ""], [0.5, 0.5], [True, False])
        >>> learnt.seen["asleep/", "ten"]
        Seen(number=1.0, share=1.0)
        """
        names, ids = _checks.labels("cell", cell), _checks.labels("offer", offer)
        chance = _checks.floats("propensity", propensity, at_least=0, at_most=1)
        _checks.refuse("propensity", chance, chance == 0, "0: what could not be decided was not decided")
        came = _checks.floats("ordered", ordered, at_least=0, at_most=1)
        _checks.same_length(cell=names, offer=ids, propensity=chance, ordered=came)
        rows: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(zip(names.tolist(), ids.tolist(), strict=True)):
            rows.setdefault(key, []).append(row)
        return cls(prior, {key: _seen(1 / chance[own], came[own]) for key, own in rows.items()})

    def chances(self, state: ArrayLike, segment: ArrayLike, basket: ArrayLike, offers: Sequence[Offer]) -> Chances:
        """What is believed of these customers and offers.

        ``state``, ``segment``: words, (n,). ``basket``: the expected one, money, above 0, (n,).
        Raises `InvalidInput` with column and row.

        >>> ten = Offer(id="ten", kind="discount", amount="0.10")
        >>> p0, p1 = Beliefs().chances(["asleep"], ["at risk"], [50.0], [ten])
        >>> p0.round(3).tolist(), p1.round(3).tolist()
        ([0.1], [[0.125]])
        """
        baskets = _checks.floats("basket", basket, at_least=0)
        _checks.refuse("basket", baskets, baskets == 0, "0: give what such a customer is expected to spend")
        own = cells(state, segment)
        _checks.same_length(state=own, basket=baskets)
        states, segments = (_checks.labels(name, of).tolist() for name, of in (("state", state), ("segment", segment)))
        p0 = np.array([self.prior.chance(*pair) for pair in zip(states, segments, strict=True)], dtype=np.float64)
        p1 = np.empty((len(p0), len(offers)))
        for column, offer in enumerate(offers):
            odds = p0 / (1 - p0) * np.exp(self.prior.responses.get(offer.kind, 0.0) * _given(offer, baskets) / _TENTH)
            p1[:, column] = self._learnt(own, offer.id, odds / (1 + odds))
        return Chances(self._learnt(own, "", p0), p1)

    def _learnt(self, cell: AnyArray, offer: str, prior: FloatArray) -> FloatArray:
        """The chances after what was seen of the offer in each row's cell."""
        weight, result = self.prior.weight, prior.copy()
        for name in _different(cell):
            seen = self.seen.get((name, offer))
            if seen is not None:
                rows = cell == name
                result[rows] = (weight * prior[rows] + seen.number * seen.share) / (weight + seen.number)
        return result


def _different(names: AnyArray) -> Iterable[str]:
    return dict.fromkeys(names.tolist())


def _seen(weight: FloatArray, came: FloatArray) -> Seen:
    return Seen(float(weight.sum() ** 2 / (weight**2).sum()), float(weight @ came / weight.sum()))


def _given(offer: Offer, basket: FloatArray) -> FloatArray:
    """The share of the basket that the customer gets, at most all of it."""
    if offer.lowers_price:
        return offer.price_cut(basket) / basket
    return np.minimum(float(offer.amount) / basket, 1.0)
