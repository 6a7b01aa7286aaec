"""Who the letters are about, and who sends them: the shop, its customers, its products.

Frozen nouns without behaviour. A `Customer` is what the facts add up to at one moment; nobody edits it.
"""

from __future__ import annotations

import re
from decimal import Decimal

from attrs import field, frozen

from retention import _calendar, _values
from retention.errors import InvalidInput

__all__ = ["LANGUAGES", "Customer", "Product", "Shop", "language_of"]

LANGUAGES = ("en", "ru")
"""The languages that letters are written in."""


def language_of(tag: str) -> str:
    """The language of letters that a tag means, whatever the region; "" for one that no letters are written in.

    >>> language_of("ru"), language_of("en-GB"), language_of("RU_ru.UTF-8"), language_of("de")
    ('ru', 'en', 'ru', '')
    """
    spoken = re.split(r"[-_.]", tag.strip().lower(), maxsplit=1)[0]
    return spoken if spoken in LANGUAGES else ""


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Shop:
    """The sender of every letter.

    `id` separates this shop's arms, keys and links from any other's: never change it. `sender`: the From address.
    `timezone`, `language`: for customers who have none on file. `base_url`: where the signed links lead. `secret`
    signs them and is shown nowhere; at least 16 characters. `refund_days`: within how many days of a return's arrival
    letters promise the money.
    """

    name: str = field(metadata=_values.clean(_values.identifier))
    sender: str = field(metadata=_values.clean(_values.address))
    timezone: str = field(metadata=_values.clean(_calendar.zone_name))
    currency: str = field(metadata=_values.clean(_values.currency))
    base_url: str = field(metadata=_values.clean(_values.web_address))
    secret: str = field(repr=False, metadata=_values.clean(_values.text))
    language: str = field(default="en", metadata=_values.clean(_values.one_of, LANGUAGES))
    id: str = field(default="shop", metadata=_values.clean(_values.identifier))
    refund_days: int = field(default=14, metadata=_values.clean(_values.count, 1))

    def __attrs_post_init__(self) -> None:
        if not self.base_url.startswith(("https://", "http://localhost", "http://127.0.0.1")):
            raise InvalidInput(f"base_url: {self.base_url!r} must start with https:// because links carry signatures")
        if len(self.secret) < 16:
            raise InvalidInput("secret: shorter than 16 characters; make one with secrets.token_urlsafe()")


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Customer:
    """What is known of one customer at one moment; "" where nothing is known.

    `email`: "" also when the address bounced for good. `topics`: what they agreed to get letters about.
    `timezone` and `language` are always set: the shop's where the customer has none.
    """

    id: str = field(metadata=_values.clean(_values.identifier))
    timezone: str = field(metadata=_values.clean(_calendar.zone_name))
    language: str = field(metadata=_values.clean(_values.one_of, LANGUAGES))
    name: str = field(default="", metadata=_values.clean(_values.text))
    email: str = ""
    topics: frozenset[str] = frozenset()
    suppressed: bool = False


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Product:
    """One product of the catalogue: `price` in the shop's currency, `model` groups its sizes and colours."""

    id: str = field(metadata=_values.clean(_values.identifier))
    name: str = field(metadata=_values.clean(_values.text))
    price: Decimal = field(metadata=_values.clean(_values.not_negative, "give the price of one piece"))
    category: str = field(default="", metadata=_values.clean(_values.text))
    model: str = field(default="", metadata=_values.clean(_values.text))
    size: str = field(default="", metadata=_values.clean(_values.text))
    color: str = field(default="", metadata=_values.clean(_values.text))
    url: str = field(default="", metadata=_values.clean(_values.text))
    in_stock: bool = field(default=True, metadata=_values.clean(_values.flag))
