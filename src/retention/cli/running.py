"""The command that does a shop's work: scan, tick, deliver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retention.cli import settings
from retention.cli.output import print_json, print_run, working
from retention.cli.shop import (
    SOMETHING_IS_LEFT,
    db_option,
    engine_of,
    existing,
    json_option,
    open_storage,
    vouched,
)
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from retention.engine import Engine
    from retention.journey import Journey
    from retention.ports import Sender

__all__ = ["run"]

_MONEY = click.FloatRange(min=0)


@click.command()
@db_option
@click.option("--now", help="Work as of this time (ISO 8601; without an offset: in the shop's zone).")
@click.option(
    "--letters",
    type=click.Path(path_type=Path),
    default=Path("letters"),
    show_default=True,
    help="The directory that gets one .eml file per letter, unless --sender says otherwise.",
)
@click.option(
    "--sender",
    "through",
    envvar="RETENTION_SENDER",
    show_envvar=True,
    help="How letters leave: 'smtp://localhost:1025', 'resend:KEY' or an installed plugin's address.",
)
@click.option("--address", help="Address for customers who have none, such as '{customer_id}@example.com'.")
@click.option("--consent", help="You vouch that customers without a record agreed to letters on this topic.")
@click.option("--shop-name", default="Our shop", show_default=True, help="Who signs the letters.")
@click.option("--from", "sender", default="shop@example.invalid", show_default=True, help="The From address.")
@click.option("--base-url", default="https://example.invalid", show_default=True, help="Where signed links lead.")
@click.option("--language", default="en", show_default=True, help="For customers who have none on file.")
@click.option("--control", default=0.1, show_default=True, help="Share of customers who get no letters.")
@click.option("--journey-version", default=1, show_default=True, help="Raise it when you change --control.")
@click.option("--environment", default="production", show_default=True, help="Whose letters these are.")
@click.option("--witness", type=click.Path(path_type=Path), help="Remembers how far the database is. [DB.witness]")
@click.option("--restored", is_flag=True, help="The database comes from a backup: send no promotion twice.")
@settings.offers_option
@click.option("--products", type=click.Path(path_type=Path), help="A JSON file: the catalogue that letters pick from.")
@click.option("--return-cost", type=_MONEY, help="What a return costs; then help is sent where one is likely enough.")
@click.option("--letter-cost", type=_MONEY, help="What a letter costs, patience included.  [0]")
@click.option(
    "--playbook",
    "playbooks",
    multiple=True,
    default=("win_back",),
    show_default=True,
    help="A ready journey to run; give it once for each: win_back, product_return, cancelled_service, post_purchase, "
    "after_return.",
)
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    /,
    db: Path,
    now: str | None,
    letters: Path,
    through: str | None,
    address: str | None,
    consent: str | None,
    *,
    control: float,
    journey_version: int,
    environment: str,
    witness: Path | None,
    restored: bool,
    offers: Path | None,
    products: Path | None,
    return_cost: float | None,
    letter_cost: float | None,
    playbooks: tuple[str, ...],
    as_json: bool,
    **shop: str,
) -> None:
    """Find who fell asleep, plan what is due, and send the letters. Call it from cron, as often as you like."""
    with open_storage(existing(db)) as storage, _open_sender(through, letters) as sender:
        journeys = _journeys(playbooks, control=control, version=journey_version)
        engine = engine_of(
            storage,
            sender,
            journeys,
            now=now,
            said=shop,
            environment=environment,
            witness=witness or db.with_name(f"{db.name}.witness"),
            restored=restored,
            offers=settings.granting(offers),
            products=settings.products(products),
            prevention=settings.prevention(return_cost, letter_cost),
        )
        with working("finding sleepers, planning, writing letters", quiet=as_json):
            _vouch(engine, address, consent)
            done = engine.run()
    if as_json:
        print_json(done)
    else:
        print_run(done)
    if done["deliver"].get("failed") or done["deliver"].get("in_doubt"):
        ctx.exit(SOMETHING_IS_LEFT)


def _journeys(names: Sequence[str], **options: Any) -> list[Journey]:
    """The playbooks with these names."""
    from retention import playbooks

    known = [journey.name for journey in playbooks.ready()]
    for name in names:
        if name not in known:
            raise InvalidInput(f"--playbook: {name!r} is unknown; use one of {', '.join(known)}")
    return [getattr(playbooks, name)(**options) for name in dict.fromkeys(names)]


@contextmanager
def _open_sender(through: str | None, letters: Path) -> Iterator[Sender]:
    """The sender at an address, or files in a directory; one that keeps connections is closed at the end."""
    from retention.plugins import Plugins
    from retention.senders.maildir import MaildirSender

    sender = MaildirSender(letters) if through is None else Plugins.discover().sender(through)
    try:
        yield sender
    finally:
        if hasattr(sender, "close"):
            sender.close()


def _vouch(engine: Engine, address: str | None, consent: str | None) -> None:
    """Record the address and the consent that the caller vouches for, for customers who have none on file."""
    from retention.engine.sleepers import batches
    from retention.facts import ConsentChanged, ProfileChanged
    from retention.journey import Needs

    if address is None and consent is None:
        return
    now = engine.now()
    for ids in batches(engine.storage, 1000):
        files = engine.storage.load(ids, Needs(frozenset({ProfileChanged.kind, ConsentChanged.kind})))
        engine.record(fact for file in files for fact in vouched(file, address, consent, now))
