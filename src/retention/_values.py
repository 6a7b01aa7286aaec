"""One value from outside -> a clean value, or `InvalidInput` that names the field and the remedy.

The converters of every record of floor 2 and of journeys, so that a record that exists is valid. Columns of values
are the business of `_checks`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from typing import Any, TypeVar

from attrs import NOTHING, Attribute, fields

from retention.errors import InvalidInput

T = TypeVar("T")

# Calendar arithmetic must not run off either end of what a datetime can hold.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def clean(convert: Callable[..., object], *options: object, optional: bool = False) -> dict[str, object]:
    """The metadata of an attrs field whose values pass through `convert(name, value, *options)`; see `cleaned`."""

    def named(name: str) -> Callable[[object], object]:
        if optional:
            return lambda value: None if value is None else convert(name, value, *options)
        if options:
            return lambda value: convert(name, value, *options)
        return partial(convert, name)

    return {"clean": named}


def cleaned(_cls: type, attributes: list[Attribute[object]]) -> list[Attribute[object]]:
    """A `field_transformer` for attrs: gives every field marked by `clean` its converter, which knows its name."""
    return [a.evolve(converter=a.metadata["clean"](a.name)) if "clean" in a.metadata else a for a in attributes]


_CURRENCY = re.compile(r"[A-Z]{3}")
# One mailbox, deliberately narrower than RFC 5322: what SMTP libraries quote, fold or cut is refused here.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_WEB = re.compile(r"https?://[!#-;=?-~]{1,900}")  # without quotation marks and angle brackets
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")


_MAYBE_ADDRESS = re.compile(r"\S*(?:@|%40)\S*")
# Beyond these, one fact would break sums and floats for all.
_MOST = 10**15
_WHOLE_DIGITS, _DECIMALS = 15, 30


def scrubbed(text: str) -> str:
    """The text without whatever might be an e-mail address, fit for a log, an error or a ledger.

    >>> scrubbed("550 <eve@example.org>: no such mailbox")
    '550 (address) no such mailbox'
    """
    return _MAYBE_ADDRESS.sub("(address)", text)


def identifier(field: str, value: object) -> str:
    """Opaque, non-empty text; whole numbers become their decimal digits (42 and "42" are one id)."""
    if isinstance(value, str):
        if not value.strip():
            raise InvalidInput(f"{field}: the id is empty; give text or a whole number")
        return _encodable(field, value)
    if hasattr(value, "__index__") and not isinstance(value, bool):  # int and numpy's whole numbers
        return str(value.__index__())
    raise InvalidInput(f"{field}: {value!r} is no id; give text or a whole number")


def text(field: str, value: object) -> str:
    """Any text, also empty, that can be stored as UTF-8."""
    if not isinstance(value, str):
        raise InvalidInput(f"{field}: {value!r} is no text")
    return _encodable(field, value)


def _encodable(field: str, value: str) -> str:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"{field}: {value!r} holds half a character (a lone surrogate); decode it as UTF-8"
        ) from None
    return value


def flag(field: str, value: object) -> bool:
    """True or False, nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{field}: {value!r} is neither True nor False")
    return value


def count(field: str, value: object, at_least: int = 0) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value < _MOST:
        raise InvalidInput(f"{field}: {value!r} is no whole number from {at_least} up")
    return value


def number(field: str, value: object) -> float:
    """A finite number."""
    try:
        finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float can hold
        finite = False
    if not finite:
        raise InvalidInput(f"{field}: {value!r} is no finite number")
    return float(value)  # type: ignore[arg-type]


def instant(field: str, value: object) -> datetime:
    """An instant in UTC, from an aware `datetime` or ISO 8601 text with an offset."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidInput(f"{field}: {value!r} is no ISO 8601 time") from None
    if not isinstance(value, datetime):
        raise InvalidInput(f"{field}: {value!r} is no time; give an aware datetime")
    if value.utcoffset() is None:
        raise InvalidInput(f"{field}: {value.isoformat()} has no timezone; attach the zone it was written in")
    # The year counts in UTC, so that an instant which passes here does so again when it comes back from a storage.
    utc = value if value.tzinfo is UTC or not 1 < value.year < 9999 else value.astimezone(UTC)
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        raise InvalidInput(f"{field}: {value.isoformat()} is not within the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return utc


def money(field: str, value: object) -> Decimal:
    """A finite `Decimal` from a `Decimal`, whole number or text; floats are refused because they are not exact."""
    if isinstance(value, float | bool) or not isinstance(value, Decimal | int | str):
        raise InvalidInput(f"{field}: {value!r} is not exact; give a Decimal or text such as '12.50'")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise InvalidInput(f"{field}: {value!r} is no amount; write 12.50") from None
    if not amount.is_finite():
        raise InvalidInput(f"{field}: {amount} is no amount; it must be finite")
    if not -_DECIMALS <= amount.adjusted() < _WHOLE_DIGITS:
        raise InvalidInput(
            f"{field}: {amount:.3e} is no amount; write at most {_WHOLE_DIGITS} digits and {_DECIMALS} decimals"
        )
    return amount


def not_negative(field: str, value: object, remedy: str) -> Decimal:
    """`money` from 0 up."""
    amount = money(field, value)
    if amount < 0:
        raise InvalidInput(f"{field}: {amount} is negative; {remedy}")
    return amount


def currency(field: str, value: object) -> str:
    """An ISO 4217 code: three capital letters."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise InvalidInput(f"{field}: {value!r} is no ISO 4217 currency; write EUR, GBP, RUB, …")
    return value


def address(field: str, value: object) -> str:
    """One e-mail address, its domain in ASCII (IDNA); anything a mailer would misread is refused."""
    local, _, domain = value.rpartition("@") if isinstance(value, str) else ("", "", "")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if len(local) > 64 or len(domain) > 255 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise InvalidInput(f"{field}: {scrubbed(repr(value))} is no e-mail address; write name@example.com")
    return f"{local}@{domain}"


def web_address(field: str, value: object) -> str:
    """An http(s) address that fits into a header: printable ASCII, at most 900 characters."""
    if not isinstance(value, str) or not _WEB.fullmatch(value):
        raise InvalidInput(f"{field}: {value!r} is no web address in ASCII; write https://example.com/path")
    return value


def one_of(field: str, value: object, allowed: tuple[str, ...]) -> str:
    """One of the `allowed` words."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInput(f"{field}: {value!r} is unknown; use one of {', '.join(allowed)}")
    return value


def words(field: str, value: object) -> tuple[str, ...]:
    """A tuple of identifiers."""
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"{field}: {value!r}: give a list of words")
    return tuple(identifier(field, word) for word in value)


def many(field: str, value: object, cls: type[T]) -> tuple[T, ...]:
    """A tuple of `cls` records, from records or from the mappings of their fields that JSON holds."""
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"{field}: {value!r} is no list")
    return tuple([_record(cls, field, element) for element in value])


def _record(cls: type[T], field: str, value: object) -> T:
    if isinstance(value, cls):
        return value
    if not isinstance(value, dict | Mapping):
        raise InvalidInput(f"{field}: {value!r} is no {cls.__name__}")
    try:
        return cls(**told(cls, value))
    except TypeError as error:
        raise InvalidInput(f"{field}: {error}") from None


@cache
def _optional(cls: type) -> frozenset[str]:
    return frozenset(a.name for a in fields(cls) if a.default is not NOTHING)


def told(cls: type, data: Mapping[str, object]) -> dict[str, Any]:
    """What JSON says of a record's fields: null says no more than leaving out a field that may be left out."""
    return {name: value for name, value in data.items() if value is not None or name not in _optional(cls)}
