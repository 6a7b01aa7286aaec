"""One row of text cells -> what it says of an order, or why it is set apart.

Each distinct text is read once: shops repeat their times, prices and products. Nothing here knows other rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import translate
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

from retention import _calendar
from retention._checks import read_time
from retention.errors import InvalidInput
from retention.facts import Line
from retention.importers._rules import Columns, Rules

__all__ = ["Entry", "NeedsRule", "Unfit", "row_reader", "shown"]

_REMEMBERED = 1 << 16
_GOODS = ("product", "quantity", "price", "amount", "name", "category", "size", "color")
_DETAILS = ("name", "category", "size", "color")
# What databases and data frames write for "nothing".
_NOTHING = frozenset({"", "NULL", "null", "None", "NaN", "nan", "<NA>", "N/A", "#N/A", r"\N"})
# More digits than a shop or a float of its database needs, few enough to be no attack.
_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,20})?|\.\d{1,20})", re.ASCII)


class Unfit(Exception):
    """The row is set apart. `reason`: one of `REASONS`; `column`: what the cell holds, "" for the whole row."""

    def __init__(self, reason: str, column: str, detail: str, *, also: str = "") -> None:
        super().__init__(detail)
        self.reason, self.column, self.detail, self.also = reason, column, detail, also


class NeedsRule(Exception):
    """The row has a meaning that only the caller can settle, and so have those after it."""

    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column, self.detail = column, detail


class Entry(NamedTuple):
    """What one row says. `value`: what was paid or, if `returned`, given back; `line`: None without a product."""

    order: str
    customer: str
    at: datetime
    returned: bool
    line: Line | None
    value: Decimal


_Goods: TypeAlias = tuple[Line | None, Decimal]


def row_reader(columns: Columns, rules: Rules, header: list[str]) -> Callable[[list[str]], Entry]:
    """The function from a row to its entry; it raises `Unfit` or `NeedsRule`.

    A row without customer is `no_customer`, whatever else is wrong with it; `Unfit.also` says that.
    """
    index = {what: header.index(name) for what, name in columns.mapped().items()}
    customer_at, order_at, time_at, currency_at = index["customer"], index["order"], index["at"], index.get("currency")
    names = tuple(what for what in _GOODS if what in index)
    places = tuple(index[what] for what in names)
    prefix, width = rules.returns_prefix, len(header)
    instant = lru_cache(_REMEMBERED)(partial(_instant, rules))
    goods = partial(_goods, rules, _matcher(rules.not_products), names)
    sold = lru_cache(_REMEMBERED)(partial(goods, returned=False))
    given_back = lru_cache(_REMEMBERED)(partial(goods, returned=True))

    def understood(row: list[str], customer: str) -> Entry:
        order = _identifier("order", row[order_at])
        at = instant(row[time_at])
        returned = bool(prefix) and order.startswith(prefix)
        cells = tuple([row[place] for place in places])
        line, value = given_back(cells) if returned else sold(cells)
        if currency_at is not None:
            _same_currency(row[currency_at], rules.currency)
        return Entry(order, customer, at, returned, line, value)

    def entry(row: list[str]) -> Entry:
        if len(row) != width:
            raise Unfit("broken_line", "", f"{_cells(len(row))} where the header has {_cells(width)}")
        customer = row[customer_at].strip()
        if customer in _NOTHING:
            raise _without_customer(row[customer_at], partial(understood, row, ""))
        return understood(row, customer if customer.isascii() else _encodable("customer", customer))

    return entry


def _without_customer(text: str, read: Callable[[], Entry]) -> Unfit:
    try:
        read()
    except Unfit as unfit:
        return Unfit("no_customer", "customer", f"{shown(text)} names nobody", also=unfit.reason)
    return Unfit("no_customer", "customer", f"{shown(text)} names nobody")


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"


def _identifier(what: str, text: str) -> str:
    text = text.strip()
    if text in _NOTHING:
        raise Unfit(f"no_{what}", what, f"{shown(text)} is no {what}")
    return text if text.isascii() else _encodable(what, text)


def _encodable(what: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unfit("unreadable_text", what, f"{shown(text)} holds bytes that are no text") from None
    return text


def shown(text: str) -> str:
    """The text in quotes and on one line, shortened if it is long."""
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


# ---------------------------------------------------------------- time and money


def _instant(rules: Rules, text: str) -> datetime:
    try:
        at = read_time(text, day_first=rules.day_first)
    except (ValueError, OverflowError) as error:
        if rules.day_first is None and _readable(text, day_first=True):
            raise NeedsRule("at", f"{shown(text)} may put the day or the month first; say day_first") from None
        raise Unfit("unreadable_date", "at", f"{shown(text)}: {error}") from None
    try:
        return at.astimezone(UTC) if at.tzinfo else _resolved(at, text, rules)
    except InvalidInput as error:
        raise Unfit("clock_change", "at", str(error)) from None
    except OverflowError:
        raise Unfit("unreadable_date", "at", f"{shown(text)}: outside the years 1 to 9999") from None


def _readable(text: str, *, day_first: bool) -> bool:
    try:
        read_time(text, day_first=day_first)
    except (ValueError, OverflowError):
        return False
    return True


def _resolved(local: datetime, text: str, rules: Rules) -> datetime:
    zone, choice = rules.zone, rules.on_clock_change
    if zone is None:
        raise NeedsRule("at", f"{shown(text)} has no offset; say the timezone it was written in")
    return _calendar.resolve(local, zone, on_clock_change="raise" if choice == "reject" else choice)


def _same_currency(text: str, currency: str) -> None:
    if text.strip().upper() not in ("", currency):
        raise NeedsRule(
            "currency", f"{shown(text)} among amounts in {currency}; import each currency as a shop of its own"
        )


def _number(what: str, text: str, decimal: str) -> Decimal:
    digits = text.strip()
    if decimal == ",":
        digits = digits.replace(",", ".") if "." not in digits else ""
    if not _NUMBER.fullmatch(digits):
        raise Unfit("unreadable_number", what, f"{shown(text)} is no number")
    return Decimal(digits)


def _pieces(text: str, decimal: str) -> int:
    number = _number("quantity", text, decimal)
    if number % 1:
        raise Unfit("unreadable_number", "quantity", f"{shown(text)} is no whole number")
    if not number:
        raise Unfit("zero_quantity", "quantity", f"{shown(text)} pieces were ordered")
    return int(number)


# ---------------------------------------------------------------- goods


def _matcher(patterns: Sequence[str]) -> Callable[[str], object]:
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)").match


def _goods(
    rules: Rules, excluded: Callable[[str], object], names: tuple[str, ...], cells: tuple[str, ...], *, returned: bool
) -> _Goods:
    """The line and its value. A return's numbers count by their size: shops write them with and without a minus."""
    texts = dict(zip(names, cells, strict=True))
    product = _product(texts["product"], excluded) if "product" in texts else ""
    quantity = _pieces(texts.get("quantity", "1"), rules.decimal)
    what = "price" if "price" in texts else "amount"
    money = _number(what, texts[what], rules.decimal)
    if not returned:
        _refuse_negative(quantity, money, what)
    quantity, money = abs(quantity), abs(money)
    price, value = (money, money * quantity) if what == "price" else (money / quantity, money)
    return (_line(product, quantity, price, texts) if product else None), value


def _product(text: str, excluded: Callable[[str], object]) -> str:
    product = _identifier("product", text)
    if excluded(product):
        raise Unfit("not_a_product", "product", f"{product!r} is no product")
    return product


def _refuse_negative(quantity: int, money: Decimal, what: str) -> None:
    if quantity < 0 and not money:
        raise Unfit("stock_write_off", "quantity", f"{quantity} pieces for nothing")
    if quantity < 0:
        raise Unfit("negative_quantity", "quantity", f"{quantity} pieces in an order that is not marked as a return")
    if money < 0:
        raise Unfit("negative_price", what, f"{money} is below 0")


def _line(product: str, quantity: int, price: Decimal, texts: Mapping[str, str]) -> Line:
    details = {what: _encodable(what, texts[what].strip()) for what in _DETAILS if what in texts}
    return Line(product_id=product, quantity=quantity, price=price, **details)
