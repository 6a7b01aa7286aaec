"""What a shop's settings say: offers and products in JSON files, what a return costs on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from retention.errors import InvalidInput

if TYPE_CHECKING:
    from retention.engine import Granting, Prevention
    from retention.people import Product

__all__ = ["granting", "offers_option", "prevention", "products"]

T = TypeVar("T")

offers_option = click.option(
    "--offers", type=click.Path(path_type=Path), help="A JSON file: the offers, their budget and guardrails."
)


def granting(file: Path | None) -> Granting | None:
    """The offers in a file; what is wrong is said with its name."""
    from retention.engine import Granting

    return None if file is None else _read(file, "--offers", Granting.from_json)


def products(file: Path | None) -> list[Product]:
    """The catalogue in a file: a list of products by the names of `people.Product`."""
    return [] if file is None else _read(file, "--products", _catalogue)


def prevention(return_cost: float | None, letter_cost: float | None) -> Prevention | None:
    """What help after an order is worth, where it was said what a return costs."""
    from retention.engine import Prevention

    if return_cost is not None:
        return Prevention(saved=Decimal(str(return_cost)), letter_cost=Decimal(str(letter_cost or 0)))
    if letter_cost is not None:
        raise InvalidInput("--letter-cost: says nothing without --return-cost; give both")
    return None


def _read(file: Path, option: str, build: Callable[[Any], T]) -> T:
    try:
        return build(json.loads(file.read_text("utf-8")))
    except OSError as error:
        raise InvalidInput(f"{file}: cannot be read ({error.strerror}); give another {option}") from None
    except (ValueError, InvalidInput) as error:
        raise InvalidInput(f"{file}: {error}") from None


def _catalogue(rows: Any) -> list[Product]:
    if not isinstance(rows, list):
        raise InvalidInput('is no list; write [{"id": "…", "name": "…", "price": "…"}, …]')
    return [_product(number, row) for number, row in enumerate(rows, 1)]


def _product(number: int, row: object) -> Product:
    from retention import _values
    from retention.people import Product

    try:
        (product,) = _values.many("fields", [row], Product)
    except InvalidInput as error:
        raise InvalidInput(f"product {number}: {error}") from None
    return product
