"""The shop, its customers and its products are valid as soon as they exist."""

from __future__ import annotations

from decimal import Decimal

import pytest

from retention.errors import InvalidInput
from retention.people import Customer, Product, Shop

SHOP = {
    "name": "Shop", "sender": "shop@example.com", "timezone": "Europe/Moscow", "currency": "RUB",
    "base_url": "https://shop.example", "secret": "sixteen letters!",
}  # fmt: skip


def test_a_shop():
    """Language and id have defaults; the secret is in no repr."""
    shop = Shop(**SHOP)
    assert (shop.language, shop.id) == ("en", "shop")
    assert "sixteen" not in repr(shop)
    assert Shop(**SHOP | {"language": "ru", "base_url": "http://localhost:8000"}).language == "ru"
    assert Shop(**SHOP | {"base_url": "http://127.0.0.1"})


@pytest.mark.parametrize(
    "name, value, match",
    [
        ("base_url", "http://shop.example", "must start with https:// because links carry signatures"),
        ("base_url", "https://магазин.рф", "is no web address in ASCII"),
        ("base_url", "shop.example", "is no web address"),
        ("secret", "short", "shorter than 16 characters; make one with"),
        ("language", "fr", "use one of en, ru"),
        ("timezone", "Moscow", "is unknown"),
        ("currency", "rub", "is no ISO 4217 currency"),
        ("sender", "shop", "is no e-mail address"),
        ("name", " ", "the id is empty"),
    ],
)
def test_no_shop(name, value, match):
    """Each setting that cannot work is named with its remedy."""
    with pytest.raises(InvalidInput, match=rf"^{name}: .*{match}"):
        Shop(**SHOP | {name: value})


def test_a_customer():
    """Of a stranger, nothing is known but where and in which language the shop would write."""
    customer = Customer(id=42, timezone="Europe/London", language="en")
    assert (customer.id, customer.name, customer.email, customer.topics) == ("42", "", "", frozenset())
    assert not customer.suppressed


def test_a_product():
    """A price is exact and not negative."""
    assert Product(id=1, name="Cup", price="2.50").price == Decimal("2.50")
    with pytest.raises(InvalidInput, match="price: -1 is negative; give the price of one piece"):
        Product(id=1, name="Cup", price=-1)
