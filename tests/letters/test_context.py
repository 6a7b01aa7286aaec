"""What a letter may say: the closed context, made of facts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.facts import Fact, Line, OrderPlaced, ReturnChanged, Visited
from retention.letters import context
from retention.letters.context import Context, Favourites, build
from retention.letters.localisation import Money
from retention.people import Customer, Shop

AT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
SHOP = Shop(
    name="Tea\n& Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example/letters",
    secret="0123456789abcdef",
)


def customer(name: str = "Ada", timezone: str = "Europe/Moscow") -> Customer:
    return Customer(id="42", timezone=timezone, language="en", name=name, email="ada@example.com")


def order(days_ago: int, *names: str, category: str = "", **options: object) -> OrderPlaced:
    lines = tuple(Line(product_id=f"#{name}", name=name, category=category, price="2.50") for name in names)
    return OrderPlaced(
        id=f"{days_ago}",
        customer_id="42",
        at=AT - timedelta(days=days_ago),
        currency="EUR",
        lines=lines,
        **options,
    )


def returned(status: str, *names: str, return_id: str = "r") -> ReturnChanged:
    lines = tuple(Line(product_id=f"#{name}") for name in names)
    return ReturnChanged(
        id=status + return_id, return_id=return_id, customer_id="42", at=AT, status=status, lines=lines
    )


def known(*facts: Fact, **options: object) -> Context:
    return build(SHOP, customer(**options), facts, AT)


def test_nothing_known() -> None:
    """A customer without facts has no last order, no favourites and no days of silence; there is no secret in sight."""
    empty = known(Visited(id="v", customer_id="42", at=AT))
    assert (empty.last_order, empty.days_silent, empty.favourites) == (None, None, Favourites((), ()))
    assert empty.shop == context.Writer("Tea & Linen", "https://shop.example/", "hello@shop.example")
    assert SHOP.secret not in repr(empty)
    assert empty.variables().keys() == {field.name for field in attrs.fields(Context)}


def test_last_order() -> None:
    """The latest order up to now, each product once, its own currency; silence counts local days."""
    told = known(order(9, "cup"), order(3, "tea", "pot", "tea"), order(-1, "future"))
    assert told.last_order == context.LastOrder(date(2026, 2, 28), ("tea", "pot"), Money(Decimal("7.50"), "EUR"))
    assert told.today == date(2026, 3, 3)  # half past one at night in Moscow
    assert told.days_silent == 3


@pytest.mark.parametrize("zone, today", [("Europe/London", 2), ("Europe/Moscow", 3)])
def test_days_are_the_customers(zone: str, today: int) -> None:
    """Today is the day where the customer lives."""
    assert known(timezone=zone).today == date(2026, 3, today)


def test_favourites_are_what_was_bought_again() -> None:
    """Names of two orders or more, the most frequent first, then the latest; one order twice counts once."""
    orders = [order(5, "a", "b", "b"), order(4, "c", "d", "e"), order(3, "c", "a", "d"), order(2, "c", "e", "x", "x")]
    assert known(*orders).favourites.products == ("c", "e", "a")
    assert known(*reversed(orders)).favourites.products == ("c", "e", "a")
    assert known(order(3, "a", category="tea"), order(2, "b", category="tea")).favourites == Favourites((), ("tea",))


def test_what_was_given_back_is_not_mentioned() -> None:
    """A returned product is in no letter, unless the shop refused the return."""
    orders = (order(3, "tea", "cup"), order(2, "tea", "cup"))
    told = known(*orders, returned("requested", "tea"))
    assert (told.last_order.products, told.favourites.products) == (("cup",), ("cup",))
    refused = known(*orders, returned("requested", "tea"), returned("rejected"))
    assert refused.last_order.products == ("tea", "cup")


@pytest.mark.parametrize(
    "name, greeted",
    [
        ("Ada", "Ada"),
        (" Ada\n Byron\t", "Ada Byron"),
        ("Анна-Мария О'Коннор", "Анна-Мария О'Коннор"),
        ("李", "李"),
        ("", ""),
        (" \n", ""),
        ("-", ""),
        ("ada@example.com", ""),
        ("WIN http://spam.example", ""),
        ("Win at www.spam", ""),
        ("<b>Ada</b>", ""),
        ("{{ name }}", ""),
        ("A" * 41, ""),
    ],
)
def test_names_fit_for_a_greeting(name: str, greeted: str) -> None:
    """What is no name greets nobody."""
    assert known(name=name).customer.name == greeted


@given(st.text(), st.text())
def test_names_are_one_short_line(name: str, product: str) -> None:
    """Whatever strangers type: one line, no control characters, short."""
    told = known(order(2, product), order(1, product), name=name)
    names = [told.customer.name, *told.last_order.products, *told.favourites.products]
    assert all(len(each) <= 60 and each == each.strip() and each for each in names[1:])
    assert len(told.customer.name) <= 40
    assert all(each.isprintable() or not any(c < " " or c in "\x7f\u2028\u2029" for c in each) for each in names)


def test_long_products_are_cut() -> None:
    """A product's name ends in … where it is too long."""
    assert known(order(1, "tea " * 30)).last_order.products == ("tea " * 14 + "tea…",)


def test_products_without_names_are_left_out() -> None:
    """An id is no name."""
    assert known(order(2, ""), order(1, "")).last_order.products == ()
    assert known(order(2, " "), order(1, " ")).favourites == Favourites((), ())
