"""What commands share: the options they have in common, the shop's database and an engine on it."""

from __future__ import annotations

import json
import os
import secrets  # noqa: TID251 - a new shop needs a secret that nobody can guess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from retention.errors import IncompatibleStorage, InvalidInput

if TYPE_CHECKING:
    from retention.engine import Clock, Engine
    from retention.facts import Fact
    from retention.journey import CustomerFile, Journey
    from retention.people import Shop
    from retention.ports import Sender
    from retention.storage.sqlite import SQLiteStorage

__all__ = [
    "SOMETHING_IS_LEFT",
    "allow_link_option",
    "begin_shop",
    "db_option",
    "engine_of",
    "existing",
    "json_option",
    "open_storage",
    "templates_option",
    "vouched",
]

SOMETHING_IS_LEFT = 3
"""The exit code of a command that did its work and left something that needs a look."""

_SHOP = "cli/shop"
_SECRET = "cli/secret"  # noqa: S105 - a name, not a secret

db_option = click.option("--db", type=click.Path(path_type=Path), required=True, help="The shop's SQLite database.")
templates_option = click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A directory whose files replace the letters, words and pages that come with the library.",
)
allow_link_option = click.option(
    "--allow-link",
    "allow_links",
    multiple=True,
    metavar="HOST",
    help="A site beside the shop's own that letters may lead to; can be given several times.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@contextmanager
def open_storage(db: Path) -> Iterator[SQLiteStorage]:
    """The database, closed at the end."""
    from retention.storage.sqlite import SQLiteStorage

    storage = SQLiteStorage(db)
    try:
        yield storage
    finally:
        storage.close()


def existing(db: Path) -> Path:
    """The path of a database that is there."""
    if not db.exists():
        raise InvalidInput(f"{db}: no such database; begin with: retention import")
    return db


def begin_shop(storage: SQLiteStorage, *, currency: str, timezone: str, **about: str) -> None:
    """Keep what commands must know of the shop; raises `IncompatibleStorage` when the database has another."""
    shop = json.dumps({"currency": currency, "timezone": timezone, **about}, sort_keys=True)
    known = storage.remember(_SHOP, shop)
    if known != shop:
        raise IncompatibleStorage(f"the database was begun as {known}, this is {shop}; use a database for each shop")


def _known_shop(storage: SQLiteStorage) -> dict[str, str]:
    known = storage.recall(_SHOP).get(_SHOP)
    if known is None:
        raise InvalidInput("the database holds no shop yet; begin with: retention import")
    return dict(json.loads(known))


def engine_of(
    storage: SQLiteStorage,
    sender: Sender,
    journeys: Sequence[Journey] = (),
    *,
    now: str | None = None,
    said: Mapping[str, str] = MappingProxyType({}),
    environment: str | None = None,
    **options: Any,
) -> Engine:
    """An engine on the shop's database; `said`: what the command line says of the shop; `options`: the engine's own.

    Without an `environment` it is the database's own, for commands that only look.
    """
    from retention.engine import Engine, system_clock

    known = _known_shop(storage)
    return Engine(
        storage,
        sender,
        journeys=journeys,
        shop=_shop(storage, known, said),
        clock=system_clock if now is None else _clock(now, known["timezone"]),
        environment=environment or storage.recall("environment").get("environment", "production"),
        **options,
    )


def _shop(storage: SQLiteStorage, known: Mapping[str, str], said: Mapping[str, str]) -> Shop:
    from retention.people import Shop

    secret = os.environ.get("RETENTION_SECRET") or storage.remember(_SECRET, secrets.token_urlsafe(32))
    return Shop(
        name=said.get("shop_name", known.get("name", "Our shop")),
        sender=said.get("sender", "shop@example.invalid"),
        base_url=said.get("base_url", "https://example.invalid"),
        language=said.get("language", "en"),
        timezone=known["timezone"],
        currency=known["currency"],
        id=known.get("id", "shop"),
        secret=secret,
    )


def _clock(now: str, timezone: str) -> Clock:
    from retention import _calendar

    try:
        time = datetime.fromisoformat(now)
    except ValueError:
        raise InvalidInput(f"--now: {now!r} is no ISO 8601 time; write 2026-03-01T18:00") from None
    instant = time if time.tzinfo else _calendar.resolve(time, _calendar.zone(timezone))
    return lambda: instant


def vouched(file: CustomerFile, address: str | None, consent: str | None, at: datetime) -> Iterator[Fact]:
    """The address and the consent that the caller vouches for, of a customer who has none on file."""
    from retention.facts import ConsentChanged, ProfileChanged

    who = file.customer_id
    if address is not None and not any(isinstance(f, ProfileChanged) and f.email for f in file.facts):
        yield ProfileChanged(id=f"vouched/{who}", customer_id=who, at=at, email=_address_of(who, address))
    if consent is not None and not any(isinstance(f, ConsentChanged) and f.topic == consent for f in file.facts):
        yield ConsentChanged(id=f"vouched/{who}/{consent}", customer_id=who, at=at, topic=consent, granted=True)


def _address_of(customer_id: str, pattern: str) -> str:
    """The customer's address by the pattern; another placeholder would give everybody the same one for good."""
    from retention import _values

    if "{" in pattern.replace("{customer_id}", ""):
        raise InvalidInput("--address: a placeholder is unknown; write '{customer_id}@example.com'")
    try:
        return _values.address("--address", pattern.replace("{customer_id}", customer_id))
    except InvalidInput as error:
        raise InvalidInput(f"customer {_values.scrubbed(repr(customer_id))}: {error}") from None
