"""The command for the till: a customer has typed the code of an offer."""

from __future__ import annotations

from pathlib import Path

import click

from retention.cli import settings
from retention.cli.output import print_json
from retention.cli.shop import (
    SOMETHING_IS_LEFT,
    db_option,
    engine_of,
    existing,
    json_option,
    open_storage,
)
from retention.errors import InvalidInput

__all__ = ["redeem"]

_SAYS = {
    "accepted": "accepted: {offer} for this order",
    "redeemed": "refused: {offer} was used on another order",
    "expired": "refused: {offer} has ended",
    "mistyped": "refused: this cannot be a code; type it once more",
    "unknown": "refused: no such code",
}


@click.command()
@click.argument("code")
@db_option
@settings.offers_option
@click.option("--order", default="", help="The order that the code was typed for.")
@click.option("--now", help="When (ISO 8601; without an offset: in the shop's zone).")
@json_option
@click.pass_context
def redeem(
    ctx: click.Context, /, code: str, db: Path, offers: Path | None, order: str, now: str | None, *, as_json: bool
) -> None:
    """Use the CODE of a granted offer once. Exit code 3 when it is refused."""
    from retention.senders.memory import MemorySender

    if offers is None:
        raise InvalidInput("--offers: give the file that retention run has")
    with open_storage(existing(db)) as storage:
        engine = engine_of(storage, MemorySender(), now=now, offers=settings.granting(offers))
        found = engine.redeem(code, order_id=order)
    offer = found.granted.offer if found.granted else ""
    if as_json:
        print_json({"status": found.status, "offer": offer})
    else:
        click.echo(_SAYS[found.status].format(offer=offer))
    if found.status != "accepted":
        ctx.exit(SOMETHING_IS_LEFT)
