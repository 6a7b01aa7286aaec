r"""Money, dates, plurals and quotation marks in the customer's language, as filters for templates.

The rules are those of the Unicode CLDR, by way of babel. A number never parts from its unit: between them stands a
no-break space, in text and HTML alike.

    >>> russian = filters("ru", "RUB")
    >>> [russian["plural"](n, one="день", few="дня", many="дней") for n in (1, 3, 11)]
    ['1\xa0день', '3\xa0дня', '11\xa0дней']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from attrs import frozen
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from retention.errors import InvalidInput

__all__ = ["Money", "filters", "number"]

_NBSP = "\N{NO-BREAK SPACE}"
_KEPT = 4_096
_BLANK_LINES = re.compile(r"\n[ \t\r]*\n")

TextLike = TypeVar("TextLike", bound=str)


@frozen
class Money:
    """An amount with its own ISO 4217 currency, so that no letter shows it in another."""

    amount: Decimal
    currency: str


class _Manner(NamedTuple):
    """What CLDR has and babel does not: a date inside a sentence, and quotation marks."""

    date: str
    opening: str
    closing: str


_MANNERS: Mapping[str, _Manner] = MappingProxyType(
    {
        "en": _Manner("d MMMM y", "“", "”"),
        "ru": _Manner("d MMMM y 'года'", "«", "»"),
    }
)


@lru_cache(_KEPT)
def filters(language: str, currency: str) -> Mapping[str, Callable[..., Any]]:
    """The filters of one language; `currency` is that of amounts which are no `Money`.

    `money`: £1,234.50 · `date(pattern)`: 3 March 2026, or as the CLDR pattern says · `plural(one=…, few=…, many=…,
    other=…)`: the number and the form it takes; every form of the language must be given · `quoted`: “a”, “b” and “c”
    from names · `paragraphs`: the pieces between blank lines, each on one line.
    """
    locale = Locale.parse(language)
    found: dict[str, Callable[..., Any]] = {
        "money": _money(locale, currency),
        "date": _date(locale, _MANNERS[language].date),
        "plural": _plural(locale),
        "quoted": _quoted(locale, _MANNERS[language]),
        "paragraphs": _paragraphs,
    }
    return MappingProxyType(found)


def number(value: Decimal, language: str) -> str:
    """A number without an end of zeros: 15, 12.5; 12,5 in Russian."""
    return format_decimal(value.normalize(), locale=Locale.parse(language))


def _money(locale: Locale, default: str) -> Callable[[Money | Decimal | int], str]:
    @lru_cache(_KEPT)
    def written(amount: Decimal | int, currency: str) -> str:
        whole = amount == int(amount)
        pattern = locale.currency_formats["standard"].pattern
        if whole:  # 2 990 ₽, not 2 990,00 ₽
            pattern = re.sub(r"\.0+", "", pattern)
        return format_currency(amount, currency, pattern, locale=locale, currency_digits=not whole)

    def money(amount: Money | Decimal | int) -> str:
        if isinstance(amount, Money):
            return written(amount.amount, amount.currency)
        return written(amount, default)

    return money


def _date(locale: Locale, default: str) -> Callable[..., str]:
    @lru_cache(_KEPT)
    def written(day: date, pattern: str = default) -> str:
        # Babel takes None for today: nothing here may read a clock.
        if not isinstance(day, date):
            raise InvalidInput(f"{day!r} is no date")
        return format_date(day, pattern, locale).replace(" ", _NBSP)

    return written


def _plural(locale: Locale) -> Callable[..., str]:
    wanted = {locale.plural_form(number) for number in range(101)}

    def plural(number: int, **forms: str) -> str:
        if not wanted <= forms.keys():
            raise InvalidInput(f"plural lacks the forms {', '.join(sorted(wanted - forms.keys()))}")
        return f"{number}{_NBSP}{forms[locale.plural_form(number)]}"

    return plural


def _quoted(locale: Locale, manner: _Manner) -> Callable[[Sequence[str]], str]:
    def quoted(names: Sequence[str]) -> str:
        return format_list([f"{manner.opening}{name}{manner.closing}" for name in names], locale=locale)

    return quoted


def _paragraphs(text: TextLike) -> list[TextLike]:
    # Escaped HTML is a `str` of its own class, which must not be lost on the way.
    pieces = (" ".join(map(_strip, piece.split("\n"))).strip(" ") for piece in _BLANK_LINES.split(text))
    return [type(text)(piece) for piece in pieces if piece]


def _strip(line: str) -> str:
    """The line without the spaces around it; a no-break space is none of them."""
    return line.strip(" \t\r")
