"""One value from outside becomes a clean value or an error that names the field and the remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from retention import _values
from retention.errors import InvalidInput


@frozen(kw_only=True, field_transformer=_values.cleaned)
class Pair:
    left: int = field(metadata=_values.clean(_values.count, 1))
    right: str | None = field(default=None, metadata=_values.clean(_values.text, optional=True))
    free: object = None


def refused(match, convert, *arguments):
    with pytest.raises(InvalidInput, match=match) as caught:
        convert("place", *arguments)
    assert str(caught.value).startswith("place: ")
    assert "\n" not in str(caught.value)


def test_fields_are_cleaned_under_their_own_names():
    """`clean` marks a field, `cleaned` gives it a converter that knows its name; unmarked fields stay as they are."""
    assert Pair(left=1, free=[]) == Pair(left=1, right=None, free=[])
    with pytest.raises(InvalidInput, match=r"^left: 0 is no whole number from 1 up"):
        Pair(left=0)
    with pytest.raises(InvalidInput, match=r"^right: 5 is no text"):
        Pair(left=1, right=5)


@pytest.mark.parametrize("value, clean", [("a", "a"), (42, "42"), (-1, "-1"), (np.int64(7), "7"), (" a", " a")])
def test_identifiers(value, clean):
    """Text stays, whole numbers of Python and numpy become their digits."""
    assert _values.identifier("place", value) == clean


@pytest.mark.parametrize("value", [None, 1.0, True, b"a", np.nan, [1]])
def test_no_identifiers(value):
    """A missing value, a float or a flag is no id: 1.0 and True would quietly be somebody else's."""
    refused("is no id; give text or a whole number", _values.identifier, value)


@pytest.mark.parametrize("value", ["", " ", "\t\n"])
def test_empty_identifiers(value):
    """An id of nothing but blanks is a missing one."""
    refused("the id is empty", _values.identifier, value)


def test_text():
    """Any text that UTF-8 can hold, NUL and emoji included."""
    assert _values.text("place", "a\x00🎁") == "a\x00🎁"
    assert _values.text("place", "") == ""
    refused("is no text", _values.text, None)
    for convert in (_values.text, _values.identifier):
        refused("half a character .* decode it as UTF-8", convert, "\ud83c")


def test_flags_and_counts():
    """What merely looks like a flag or a whole number is refused."""
    assert _values.flag("place", True) is True
    assert _values.flag("place", False) is False
    for value in (0, 1, "true", None):
        refused("is neither True nor False", _values.flag, value)
    assert _values.count("place", 0) == 0
    assert _values.count("place", 2, 2) == 2
    for value in (-1, 1.0, True, "1", None):
        refused("is no whole number from 0 up", _values.count, value)
    refused("1 is no whole number from 2 up", _values.count, 1, 2)


def test_numbers():
    """Finite numbers as float; NaN would make a fact unequal to itself."""
    assert _values.number("place", 3) == 3.0
    assert _values.number("place", np.float64(0.5)) == 0.5
    for value in (float("nan"), float("inf"), True, "1", None):
        refused("is no finite number", _values.number, value)


@given(
    st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2200, 12, 30)),  # noqa: DTZ001
    st.timedeltas(min_value=timedelta(hours=-23), max_value=timedelta(hours=23)),
)
def test_instants_are_the_same_moment_in_utc(wall, offset):
    """Any aware time, or its ISO text, becomes the equal instant in UTC, to the microsecond."""
    aware = wall.replace(tzinfo=timezone(offset))
    clean = _values.instant("place", aware)
    assert clean == aware
    assert clean.tzinfo is UTC
    assert _values.instant("place", aware.isoformat()) == aware


def test_no_instants():
    """A naive time, a date's text without offset and what is no time name the remedy."""
    assert _values.instant("place", "2026-03-01T12:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    refused("2026-03-01T12:00:00 has no timezone; attach", _values.instant, datetime(2026, 3, 1, 12))  # noqa: DTZ001
    refused("has no timezone", _values.instant, "2026-03-01")
    refused("'yesterday' is no ISO 8601 time", _values.instant, "yesterday")
    for value in (None, 0, 1e9):
        refused("is no time; give an aware datetime", _values.instant, value)


@pytest.mark.parametrize(
    "value, kept",
    [
        ("1900-01-01T00:00:00+00:00", True),
        ("1899-12-31T23:00:00-01:00", True),
        ("1900-01-01T00:59:59+01:00", False),  # in UTC still the year before, as which it would come back
        ("2200-12-31T23:59:59.999999+00:00", True),
        ("2201-01-01T00:30:00+01:00", True),
        ("2200-12-31T23:30:00-01:00", False),
        ("0001-01-01T00:00:00+03:00", False),  # before the calendar in UTC
        ("9999-12-31T23:59:59-03:00", False),  # and after it
    ],
)
def test_instants_within_three_centuries(value, kept):
    """Times so far off that calendar arithmetic would fail are refused, by their year in UTC, so what passes passes again."""
    if kept:
        clean = _values.instant("place", value)
        assert _values.instant("place", clean.isoformat()) == clean
    else:
        refused("is not within the years 1900 to 2200", _values.instant, value)


@pytest.mark.parametrize("value, clean", [("12.50", "12.50"), (3, "3"), (Decimal("1e2"), "1E+2"), (" 7 ", "7")])
def test_money_is_exact(value, clean):
    """Decimals, whole numbers and text keep their digits."""
    assert str(_values.money("place", value)) == clean


def test_no_money():
    """Floats, flags, words and what is not finite are refused."""
    for value in (0.1, True, None, np.float64(1)):
        refused("is not exact; give a Decimal or text", _values.money, value)
    for value in ("12,50", "", "ten", "£5"):
        refused("is no amount; write 12.50", _values.money, value)
    for value in ("NaN", "Infinity", Decimal("-inf"), Decimal("sNaN")):
        refused("must be finite", _values.money, value)
    refused("-1 is negative; pay it back", _values.not_negative, "-1", "pay it back")
    assert _values.not_negative("place", "0", "pay it back") == 0


def test_currencies():
    """Three capital letters."""
    assert _values.currency("place", "EUR") == "EUR"
    for value in ("eur", "EURO", "", None, "€", "EUR\n"):
        refused("is no ISO 4217 currency", _values.currency, value)


@pytest.mark.parametrize(
    "value, clean",
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann+shop.x@localhost", "Ann+shop.x@localhost"),
        ("анна@example.com", None),
        ("ann@пример.рф", "ann@xn--e1afmkfd.xn--p1ai"),
        ("ann@b\u00fccher.example", "ann@xn--bcher-kva.example"),
        ("ann@example.com SIZE=1", None),
        ("ann@example.com\nBcc: eve@example.com", None),
        ("ann@example.com\n", None),
        ("<ann@example.com>", None),
        ("Ann <ann@example.com>", None),
        ("ann@example.com,eve@example.com", None),
        ("ann", None),
        ("@example.com", None),
        ("ann@", None),
        ("a..b@example.com", None),
        (".a@example.com", None),
        ('"a b"@example.com', None),
        ("ann@-example.com", None),
        ("ann@example.-com", None),
        ("ann@example-.com", None),
        ("ann@exa_mple.com", None),
        ("ann@example..com", None),
        ("ann@" + "é" * 80 + ".example", None),
        ("ann@[127.0.0.1]", None),
        ("a" * 65 + "@example.com", None),
        ("a@" + "b." * 130 + "com", None),
        ("a\x00b@example.com", None),
        (None, None),
        (5, None),
    ],
)
def test_addresses(value, clean):
    """One plain mailbox with an ASCII domain; everything that a mailer quotes, folds, cuts or splits is refused."""
    if clean is None:
        refused("is no e-mail address; write name@example.com", _values.address, value)
    else:
        assert _values.address("place", value) == clean


@pytest.mark.parametrize(
    "value", ["https://shop.example/a?b=c&d=%20#e", "http://localhost:8000", "https://x/" + "a" * 800]
)
def test_web_addresses(value):
    """Addresses in printable ASCII, with everything that signed links hold."""
    assert _values.web_address("place", value) == value


@pytest.mark.parametrize(
    "value",
    ["", "ftp://a", "https://", "https://a b", "https://a>", 'https://a"', "https://é", "https://a\r\nBcc: b", None, "https://" + "a" * 999],
)  # fmt: skip
def test_no_web_addresses(value):
    """What could leave the angle brackets of a header, or the header, is refused."""
    refused("is no web address in ASCII", _values.web_address, value)


def test_words_of_a_closed_set():
    """Only the words that are allowed, and the error lists them."""
    assert _values.one_of("place", "a", ("a", "b")) == "a"
    for value in ("c", "", None, ["a"], 1):
        refused("is unknown; use one of a, b", _values.one_of, value, ("a", "b"))


def test_many_records():
    """Records, or the mappings that JSON holds, as a tuple."""
    assert _values.many("place", [Pair(left=1), {"left": 2}], Pair) == (Pair(left=1), Pair(left=2))
    assert _values.many("place", (), Pair) == ()
    refused("'ab' is no list", _values.many, "ab", Pair)
    refused("3 is no Pair", _values.many, [3], Pair)
    refused("unexpected keyword argument 'middle'", _values.many, [{"left": 1, "middle": 2}], Pair)
    with pytest.raises(InvalidInput, match=r"^left: 0"):
        _values.many("place", [{"left": 0}], Pair)
