"""Personal coupon codes: made of the shop's secret, or taken from a pool that the host supplies.

The rules of the room:

- *The same customer, offer and cycle have the same code* for ever. Nothing is drawn at random: a crash between making a
  code and storing it loses nothing.
- *The unredeemed one is issued again*, with the end that it had; once it is redeemed or over the next cycle begins.
- *Nobody can guess one*: it is an HMAC under the shop's secret, of which 53 bits are shown.
- *Nobody misreads one*: no I, L, O, S, U, 0 or 1. The last character makes ``Σ place · character`` a multiple of 29, a
  prime, so one wrong character, or any two exchanged, are noticed before anybody looks the code up.
- *A pool that runs dry says so* (`Drawn.dry`); nobody gets another's code.

Two codes are equal by chance in one shop of two million that have 100,000 of them; `guardrails.UniqueCodes` notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from attrs import field, frozen

from retention import _hashing, _values
from retention.errors import InvalidInput

__all__ = ["ALPHABET", "Coupon", "Drawn", "Found", "check", "code", "draw", "issue", "look_up", "normal"]

ALPHABET = "23456789ABCDEFGHJKMNPQRTVWXYZ"
"""The 29 characters of a code."""

_LENGTH, _GROUP = 12, 4
_SHORTEST_SECRET = 16


def code(secret: str, customer_id: str | int, offer: str, cycle: int) -> str:
    """The code of one customer for one offer in one cycle: three groups of four characters.

    ``secret``: the shop's, at least 16 characters. ``cycle``: counts from 0; the next one begins when a code is
    redeemed or over. Raises `InvalidInput` naming the argument.

    >>> code("a secret of the shop", 42, "ten", 0)
    'QGEQ-T3XV-85AY'
    """
    if len(_values.text("secret", secret)) < _SHORTEST_SECRET:
        raise InvalidInput("secret: shorter than 16 characters; make one with secrets.token_urlsafe()")
    who = _values.identifier("customer_id", customer_id), _values.identifier("offer", offer)
    number = _hashing.secret_number(secret, "coupon", *who, str(_values.count("cycle", cycle)))
    places = []
    for _ in range(_LENGTH - 1):
        number, place = divmod(number, len(ALPHABET))
        places.append(place)
    places.append(_last(places))
    text = "".join(ALPHABET[place] for place in places)
    return "-".join(text[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def _last(places: Sequence[int]) -> int:
    """The place in the alphabet that makes the weighted sum a multiple of its length."""
    total = sum(weight * place for weight, place in enumerate(places, 1))
    return -total * pow(_LENGTH, -1, len(ALPHABET)) % len(ALPHABET)


def normal(text: str) -> str:
    """A code as `code` writes it, from what somebody typed: any case, with or without spaces and hyphens."""
    bare = "".join(text.split()).replace("-", "").upper()
    return "-".join(bare[start : start + _GROUP] for start in range(0, len(bare), _GROUP))


def check(text: str) -> bool:
    """Whether this can be a code at all: right length and characters, and the last one fits the others.

    >>> check("zzzz 2222"), check(code("a secret of the shop", 42, "ten", 0).lower())
    (False, True)
    """
    bare = normal(text).replace("-", "")
    if len(bare) != _LENGTH or not set(bare) <= set(ALPHABET):
        return False
    places = [ALPHABET.index(character) for character in bare]
    return places[-1] == _last(places[:-1])


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Coupon:
    """One code that was given to one customer; `redeemed_at` is None as long as it was not used."""

    code: str = field(metadata=_values.clean(_values.identifier))
    customer_id: str = field(metadata=_values.clean(_values.identifier))
    offer: str = field(metadata=_values.clean(_values.identifier))
    cycle: int = field(metadata=_values.clean(_values.count))
    issued_at: datetime = field(metadata=_values.clean(_values.instant))
    expires_at: datetime = field(metadata=_values.clean(_values.instant))
    redeemed_at: datetime | None = field(default=None, metadata=_values.clean(_values.instant, optional=True))

    def status(self, now: datetime) -> str:
        """One of "redeemed", "expired", or "open" until the instant of its end, which is not included."""
        if self.redeemed_at is not None:
            return "redeemed"
        return "open" if now < self.expires_at else "expired"


def issue(
    secret: str, customer_id: str | int, offer: str, now: datetime, *, days: int, past: Iterable[Coupon] = ()
) -> Coupon:
    """The coupon that this customer gets now: the open one if there is one, else the next cycle's, for so many days.

    ``past``: the customer's coupons so far; those of other customers and offers are passed over.
    """
    at = _values.instant("now", now)
    ends = at + timedelta(days=_values.count("days", days, 1))
    who = _values.identifier("customer_id", customer_id)
    own = [coupon for coupon in past if (coupon.customer_id, coupon.offer) == (who, offer)]
    for coupon in own:
        if coupon.status(at) == "open":
            return coupon
    cycle = max((coupon.cycle for coupon in own), default=-1) + 1
    text = code(secret, who, offer, cycle)
    return Coupon(code=text, customer_id=who, offer=offer, cycle=cycle, issued_at=at, expires_at=ends)


class Found(NamedTuple):
    """What a typed code turned out to be.

    `status`: "open", "redeemed" or "expired", with its coupon; "mistyped" or "unknown" without.
    """

    status: str
    coupon: Coupon | None


def look_up(text: str, coupons: Mapping[str, Coupon], now: datetime) -> Found:
    """The coupon that was typed, among the shop's by their codes; what cannot be a code is not looked up."""
    if not check(text):
        return Found("mistyped", None)
    coupon = coupons.get(normal(text))
    return Found("unknown", None) if coupon is None else Found(coupon.status(_values.instant("now", now)), coupon)


@frozen
class Drawn:
    """Codes of a pool by customer, those included who had one; `dry`: who got none; `left`: how many remain."""

    codes: Mapping[str, str]
    dry: tuple[str, ...]
    left: int


def draw(pool: Sequence[str], customers: Iterable[str | int], given: Mapping[str, str] | None = None) -> Drawn:
    """One code of the host's pool for each customer, in order; who has one already keeps it.

    ``given``: codes by customer, from earlier draws. The same input gives the same codes. Raises `InvalidInput` for a
    code that is in the pool twice.

    >>> draw(["A1", "B2"], ["eva", "tom", "ann"], {"eva": "B2"})
    Drawn(codes={'eva': 'B2', 'tom': 'A1'}, dry=('ann',), left=0)
    """
    place = {text: row for row, text in reversed(list(enumerate(pool)))}
    for row, text in enumerate(pool):
        if place[text] != row:
            raise InvalidInput(f"pool: row {row} is {text!r}, as row {place[text]} is: a code is for one customer")
    codes = dict(given or {})
    gone = set(codes.values())
    free = [text for text in pool if text not in gone]
    ids = dict.fromkeys(_values.identifier("customers", one) for one in customers)
    new = [customer for customer in ids if customer not in codes]
    codes.update(zip(new, free, strict=False))
    served = {customer: codes[customer] for customer in ids if customer in codes}
    return Drawn(served, tuple(new[len(free) :]), max(0, len(free) - len(new)))
