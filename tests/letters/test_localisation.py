"""Money, dates, plurals, quotation marks and paragraphs in each language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from retention.errors import InvalidInput
from retention.letters.localisation import Money, filters
from retention.people import LANGUAGES

NBSP = "\N{NO-BREAK SPACE}"
EN, RU = filters("en", "GBP"), filters("ru", "RUB")


@pytest.mark.parametrize(
    "language, amount, written",
    [
        (EN, Decimal("1234.5"), "£1,234.50"),
        (EN, Decimal("30.00"), "£30"),
        (EN, 7, "£7"),
        (EN, Money(Decimal("9.99"), "EUR"), "€9.99"),
        (EN, Money(Decimal(1200), "JPY"), "¥1,200"),
        (EN, Decimal("-3.5"), "-£3.50"),
        (RU, Decimal("1234567.5"), f"1{NBSP}234{NBSP}567,50{NBSP}₽"),
        (RU, Decimal(2990), f"2{NBSP}990{NBSP}₽"),
        (RU, Money(Decimal("0.05"), "USD"), f"0,05{NBSP}$"),
    ],
)
def test_money(language: dict, amount: Money | Decimal | int, written: str) -> None:
    """Amounts follow the language, in their own currency or the shop's; whole ones without decimals."""
    assert language["money"](amount) == written


def test_dates() -> None:
    """A date reads well inside a sentence and does not break; a pattern gives other forms."""
    day = date(2026, 3, 2)
    assert EN["date"](day) == "2 March 2026".replace(" ", NBSP)
    assert RU["date"](day) == "2 марта 2026 года".replace(" ", NBSP)
    assert EN["date"](day, "EEEE") == "Monday"
    assert RU["date"](day, "d MMMM, EEEE") == "2 марта, понедельник".replace(" ", NBSP)


def test_no_date_is_not_today() -> None:
    """None is an error: nothing here knows what day it is."""
    with pytest.raises(InvalidInput, match="None is no date"):
        EN["date"](None)


@pytest.mark.parametrize(
    "number, english, russian",
    [
        (0, "0 days", "0 дней"),
        (1, "1 day", "1 день"),
        (2, "2 days", "2 дня"),
        (5, "5 days", "5 дней"),
        (11, "11 days", "11 дней"),
        (21, "21 days", "21 день"),
        (112, "112 days", "112 дней"),
        (1004, "1004 days", "1004 дня"),
    ],
)
def test_plurals(number: int, english: str, russian: str) -> None:
    """The form that the number takes by the rules of the language, tied to it by a no-break space."""
    assert EN["plural"](number, one="day", other="days") == english.replace(" ", NBSP)
    assert RU["plural"](number, one="день", few="дня", many="дней") == russian.replace(" ", NBSP)


def test_a_missing_form_is_told_for_every_number() -> None:
    """Whoever forgets a form learns it at the first number, not at the first that needs it."""
    with pytest.raises(InvalidInput, match="plural lacks the forms few, many"):
        RU["plural"](1, one="день", other="дня")


def test_quoted_names() -> None:
    """Names in the language's quotation marks, joined as a sentence joins them."""
    assert EN["quoted"](["a"]) == "“a”"
    assert EN["quoted"](("a", "b", "c")) == "“a”, “b”, and “c”"
    assert RU["quoted"](("a", "b", "c")) == "«a», «b» и «c»"
    assert RU["quoted"](()) == ""


def test_paragraphs() -> None:
    """Blank lines part paragraphs, other line ends are spaces, no-break spaces stay."""
    text = f"\n a\nb{NBSP}\n \n\n\tc \r\n d\n"
    assert EN["paragraphs"](text) == [f"a b{NBSP}", "c d"]
    assert EN["paragraphs"]("\n \n") == []


def test_paragraphs_stay_html() -> None:
    """Escaped text stays escaped text, plain text stays plain."""
    assert [type(piece) for piece in EN["paragraphs"](Markup("&amp;\n\n&lt;"))] == [Markup, Markup]
    assert [type(piece) for piece in EN["paragraphs"]("&")] == [str]


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.text(), st.decimals(-(10**9), 10**9, places=2))
def test_nothing_breaks_between_a_number_and_its_unit(language: str, text: str, amount: Decimal) -> None:
    """No filter of numbers writes a space that a line may break at, and no paragraph holds a line break."""
    chosen = filters(language, "EUR")
    forms = dict.fromkeys(("one", "few", "many", "other"), "x")
    written = [chosen["money"](amount), chosen["date"](date(2026, 3, 2)), chosen["plural"](7, **forms)]
    assert not any(" " in each or "\N{NARROW NO-BREAK SPACE}" in each for each in written)
    assert not any("\n" in piece for piece in chosen["paragraphs"](text))
