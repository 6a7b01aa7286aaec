"""The command that travels in time: what journeys would have done to the shop's past."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli.output import print_json, print_simulation, working
from retention.cli.shop import SOMETHING_IS_LEFT, db_option, engine_of, existing, json_option, open_storage, vouched
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from retention.facts import Fact
    from retention.journey import Journey
    from retention.storage.sqlite import SQLiteStorage

__all__ = ["simulate"]

_BATCH = 10_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@click.command()
@db_option
@click.option("--from", "start", required=True, help="The first day, such as 2011-01-01, in the shop's zone.")
@click.option("--to", "end", required=True, help="The last day.")
@click.option(
    "--journey",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A JSON file with a journey or a list of them, as `journey.to_json` writes them; may be repeated.",
)
@click.option(
    "--hour", "hours", multiple=True, type=int, default=[10], show_default=True, help="When cron runs; repeat."
)
@click.option("--outage", "outages", multiple=True, nargs=2, help="First and last day without a run; may be repeated.")
@click.option("--lift", default=0.02, show_default=True, help="The rise of the returning share that is to be shown.")
@click.option("--address", help="Address for customers who have none, such as '{customer_id}@example.com'.")
@click.option("--consent", help="Take it that customers without a record agreed to letters on this topic.")
@click.option("--language", default="en", show_default=True, help="For customers who have none on file.")
@json_option
@click.pass_context
def simulate(
    ctx: click.Context,
    /,
    db: Path,
    files: Sequence[Path],
    start: str,
    end: str,
    address: str | None,
    consent: str | None,
    *,
    hours: Sequence[int],
    outages: Sequence[tuple[str, str]],
    lift: float,
    language: str,
    as_json: bool,
) -> None:
    """What the journeys would have sent, to how many and when; win-back, unless --journey says otherwise."""
    from retention.playbooks import win_back
    from retention.senders.memory import MemorySender
    from retention.simulate import simulate as travel

    journeys = [journey for file in files for journey in _journeys(file)] or [win_back()]
    with open_storage(existing(db)) as storage, working("living the past", quiet=as_json):
        shop = engine_of(storage, MemorySender(), said={"language": language}).shop
        history = [*_history(storage), *_vouched(storage, address, consent)]
        found = travel(journeys, history, start, end, shop=shop, hours=hours, outages=outages, lift=lift)
    if as_json:
        print_json(found.to_json())
    else:
        print_simulation(found)
    if found.unplanned:
        ctx.exit(SOMETHING_IS_LEFT)


def _journeys(file: Path) -> list[Journey]:
    from retention.journey import from_json

    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return [from_json(one) for one in (data if isinstance(data, list) else [data])]
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error}") from None
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{file}: is no journey ({error}); write it with retention.journey.to_json") from None


def _history(storage: SQLiteStorage) -> Iterator[Fact]:
    """Everything that happened but the scan's own findings, which a simulation makes anew."""
    from retention.facts import KINDS, FellAsleep

    kinds, after = KINDS.keys() - {FellAsleep.kind}, 0
    while True:
        batch, after = storage.facts(sorted(kinds), after, _BATCH)
        if not batch:
            return
        yield from (fact for _, fact in batch)


def _vouched(storage: SQLiteStorage, address: str | None, consent: str | None) -> Iterator[Fact]:
    from retention.engine.sleepers import batches
    from retention.facts import ConsentChanged, ProfileChanged
    from retention.journey import Needs

    needs = Needs(frozenset({ProfileChanged.kind, ConsentChanged.kind}))
    for ids in batches(storage, _BATCH):
        for file in storage.load(ids, needs):
            yield from vouched(file, address, consent, _LONG_AGO)
