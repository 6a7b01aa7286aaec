"""What the demo shop sells and what its customers are called: fixed lists, nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations
from typing import TypeVar

from retention.facts import Line
from retention.offers import Offer

__all__ = ["BASKETS", "CATEGORIES", "NAMES", "OFFERS", "REASONS", "USUAL", "ZONES", "pick", "worth"]

T = TypeVar("T")

_SHELVES = {
    "Tea": ("Morning Assam 14.50", "Smoked Lapsang 16.90", "White Peony 22.00", "Mountain Sencha 18.40"),
    "Ceramics": ("Speckled Mug 24.00", "Stoneware Teapot 58.00", "Glazed Bowl 31.50", "Small Saucer 12.00"),
    "Linen": ("Washed Apron 45.00", "Tea Towel Pair 19.00", "Table Runner 52.00", "Bread Bag 17.50"),
    "Candles": ("Fig Leaf Candle 27.00", "Cedar Candle 29.00", "Beeswax Tapers 15.00", "Travel Candle 13.50"),
}
CATEGORIES = tuple(_SHELVES)


def _line(category: str, text: str) -> Line:
    name, _, price = text.rpartition(" ")
    product = name.lower().replace(" ", "-")
    return Line(product_id=product, price=Decimal(price), name=name, category=category)


def _baskets(category: str) -> list[tuple[Line, ...]]:
    lines = [_line(category, text) for text in _SHELVES[category]]
    return [basket for size in (1, 2) for basket in combinations(lines, size)]


def _likely(favourite: str) -> tuple[tuple[Line, ...], ...]:
    """What somebody with this favourite category buys: three in four baskets from it, the others from all."""
    everything = [basket for category in CATEGORIES for basket in _baskets(category)]
    return tuple(_baskets(favourite) * 8 + everything)


BASKETS: Sequence[Sequence[tuple[Line, ...]]] = tuple(_likely(category) for category in CATEGORIES)
"""For each favourite category the baskets that are bought, each equally often."""


OFFERS = (
    Offer(id="tea_sample", kind="gift", amount=Decimal(6), cost=Decimal("1.50"), days=14, group="coupon"),
    Offer(id="ten_percent", kind="discount", amount=Decimal("0.10"), days=14, group="coupon"),
)
"""What letters may offer."""

REASONS = ("CHANGED_MIND", "NOT_AS_DESCRIBED", "DAMAGED", "STYLE")
"""Why orders come back, each equally often."""

NAMES = {
    "en": ("Amelia", "Oliver", "Isla", "George", "Ava", "Harry", "Maisie", "Arthur", "Freya", "Noah", "Elsie", "Theo"),
    "ru": ("Анна", "Иван", "Мария", "Олег", "Елена", "Павел", "Ольга", "Денис", "Вера", "Кирилл", "Юлия", "Глеб"),
}
ZONES = {
    "en": ("Europe/London", "Europe/Dublin", "Europe/Berlin"),
    "ru": ("Europe/Moscow", "Asia/Yekaterinburg"),
}


def worth(basket: Sequence[Line]) -> float:
    """What a basket costs, money."""
    return float(sum(line.price for line in basket))


USUAL = tuple(sum(map(worth, likely)) / len(likely) for likely in BASKETS)
"""For each favourite category what is spent on average."""


def pick(choices: Sequence[T], chance: float) -> T:
    """One of the choices, each for an equal part of the chances from 0 up to 1."""
    return choices[int(chance * len(choices))]
