"""What the caller says about a file: the names of its columns and the rules by which its rows are read.

Nothing here opens a file. A record that exists is valid by itself; whether its columns exist is seen in the header.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from attrs import field, fields, frozen

from retention import _calendar, _values
from retention.errors import InvalidInput

__all__ = ["REASONS", "Columns", "Rules"]

REASONS = {
    "broken_line": "quote cells that hold the delimiter or a line break, and double every quote inside them",
    "no_order": "give the number of the order or invoice",
    "no_customer": "map the column that names the customer; without one an order tells nothing about anybody",
    "no_product": "give the code of the product, or do not map the column",
    "unreadable_text": "save the file as UTF-8, or say which encoding it has",
    "unreadable_date": "write 2010-12-31 14:05",
    "unreadable_number": "write 1234.50 without signs of currency or thousands, quantities as whole numbers",
    "clock_change": "say on_clock_change 'earlier' or 'later', or export times with their offset",
    "not_a_product": "nothing to do if the code is rightly in not_products",
    "zero_quantity": "give what was ordered; the line says that nothing was",
    "stock_write_off": "nothing to do: stock was written off, no customer returned it",
    "negative_quantity": "give returns an order number of their own that starts with returns_prefix",
    "negative_price": "nothing to do if it corrects the books (a bad debt); else map what was paid",
    "nothing_paid": "nothing to do: an order in which every line is free is no purchase",
    "order_of_two_customers": "give each customer's order a number of its own",
    "order_came_back": "sort the file by order, so that the lines of one order are together",
}
"""Why a line is set apart: the closed set of reasons, each with what to do about it."""


def _column(name: str, value: object) -> str:
    return _values.identifier(name, value).strip()


def _optional_column() -> str | None:
    default: str | None = field(default=None, metadata=_values.clean(_column, optional=True))
    return default


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Columns:
    """The names of the file's columns, as its header spells them.

    `customer`, `order` (the order or invoice number) and `at` (when it was placed) must be there, and the money in one
    of two ways: `price` of one piece, or `amount` of the line. `quantity` is 1 where it is not mapped. `product` and
    what belongs to it (`name`, `category`, `size`, `color`) make the lines of an order; without `product` only its
    total is kept. `currency` is compared with the rules' currency, never converted.

    >>> Columns(customer="Customer ID", order="Invoice", at="Date")
    Traceback (most recent call last):
    retention.errors.InvalidInput: price, amount: map one of them, the price of one piece or the amount of the line
    """

    customer: str = field(metadata=_values.clean(_column))
    order: str = field(metadata=_values.clean(_column))
    at: str = field(metadata=_values.clean(_column))
    product: str | None = _optional_column()
    quantity: str | None = _optional_column()
    price: str | None = _optional_column()
    amount: str | None = _optional_column()
    name: str | None = _optional_column()
    category: str | None = _optional_column()
    size: str | None = _optional_column()
    color: str | None = _optional_column()
    currency: str | None = _optional_column()

    def __attrs_post_init__(self) -> None:
        if (self.price is None) == (self.amount is None):
            raise InvalidInput("price, amount: map one of them, the price of one piece or the amount of the line")
        if self.product is None and (self.name or self.category or self.size or self.color):
            raise InvalidInput(
                "product: map the column of product codes too; a name, size or color belongs to a product"
            )

    def mapped(self) -> dict[str, str]:
        """The header's name of every column that is mapped, by what it holds."""
        names = {attribute.name: getattr(self, attribute.name) for attribute in fields(Columns)}
        return {what: name for what, name in names.items() if name is not None}


def _codes(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidInput(f"{name}: {value!r} is no list; give codes or shell patterns such as ['POST', 'gift_*']")
    return tuple(_values.identifier(name, code) for code in value)


def _delimiter(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in '"\r\n\ufeff ':
        raise InvalidInput(f"{name}: {value!r} cannot part cells; give one character such as ',' or ';' or a tab")
    return value


def _encoding(name: str, value: object) -> str:
    try:
        "".encode(_values.text(name, value))
    except (LookupError, ValueError):
        raise InvalidInput(f"{name}: {value!r} is no encoding; give utf-8, cp1252, cp1251, …") from None
    return str(value)


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Rules:
    """How the rows of a file are to be read.

    `currency`: of every amount (ISO 4217). `timezone`: the zone of times without an offset. `returns_prefix`: order
    numbers that start with it are returns, "" if there are none. `not_products`: codes, or shell patterns such as
    ``gift_*``, of lines that are no goods (postage, fees, vouchers); case counts. `day_first`: how to read
    ``1/12/2010``, which is refused otherwise. `on_clock_change`: what to do with a time that a clock change skips or
    repeats. `decimal`: "." or ",". `delimiter`: the character between cells. `encoding`: of the text; a byte order
    mark is no matter.
    """

    currency: str = field(metadata=_values.clean(_values.currency))
    timezone: str | None = field(default=None, metadata=_values.clean(_calendar.zone_name, optional=True))
    returns_prefix: str = field(default="", metadata=_values.clean(_values.text))
    not_products: Sequence[str] = field(default=(), metadata=_values.clean(_codes))
    day_first: bool | None = field(default=None, metadata=_values.clean(_values.flag, optional=True))
    on_clock_change: Literal["reject", "earlier", "later"] = field(
        default="reject", metadata=_values.clean(_values.one_of, ("reject", "earlier", "later"))
    )
    decimal: str = field(default=".", metadata=_values.clean(_values.one_of, (".", ",")))
    delimiter: str = field(default=",", metadata=_values.clean(_delimiter))
    encoding: str = field(default="utf-8", metadata=_values.clean(_encoding))

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of times without an offset, if it was said."""
        return None if self.timezone is None else _calendar.zone(self.timezone)
