"""The command that writes the team's page."""

from __future__ import annotations

from pathlib import Path

import click

from retention.cli.output import working
from retention.cli.shop import db_option, engine_of, existing, open_storage
from retention.errors import InvalidInput

__all__ = ["report"]


@click.command()
@db_option
@click.option("--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True)
@click.option("--margin", type=float, default=0.35, show_default=True, help="The share of revenue that stays.")
def report(db: Path, output: Path, margin: float) -> None:
    """Write what the letters achieved as one HTML page that needs no network."""
    import gc

    from retention import report as pages
    from retention.senders.memory import MemorySender

    gc.disable()  # facts live until the end: to look for garbage among millions takes as long as to read them
    with open_storage(existing(db)) as storage, working("reading and drawing", quiet=False):
        text = pages.page(engine_of(storage, MemorySender()), margin=margin)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{output}: cannot be written ({error.strerror}); choose another --output") from None
    click.echo(f"wrote {output}")
