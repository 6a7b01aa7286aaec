"""Commands that only look: what was decided, what it achieved, what the letters look like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli.output import print_json, print_results
from retention.cli.shop import (
    allow_link_option,
    db_option,
    engine_of,
    existing,
    json_option,
    open_storage,
    templates_option,
)
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from retention.people import Shop

__all__ = ["explain", "preview", "results", "sample_shop"]


@click.command()
@click.argument("customer")
@db_option
@json_option
def explain(customer: str, db: Path, *, as_json: bool) -> None:
    """Everything that happened to one CUSTOMER and was decided about them, with reasons."""
    import attrs

    from retention.senders.memory import MemorySender

    with open_storage(existing(db)) as storage:
        told = engine_of(storage, MemorySender()).explain(customer)
    if not told.lines:
        raise InvalidInput(f"customer {customer!r}: nothing is known; ids are those of the imported file")
    if as_json:
        print_json(attrs.asdict(told))
    else:
        click.echo(str(told))


@click.command()
@db_option
@json_option
def results(db: Path, *, as_json: bool) -> None:
    """What the letters achieved so far, against the control group."""
    from retention.senders.memory import MemorySender

    with open_storage(existing(db)) as storage:
        found = engine_of(storage, MemorySender()).results()
    if as_json:
        print_json(found.to_json())
    else:
        print_results(found)


def sample_shop(currency: str) -> Shop:
    """A shop for looking at letters that nobody gets."""
    from retention.people import Shop

    return Shop(
        name="Our shop",
        sender="shop@example.invalid",
        timezone="UTC",
        currency=currency,
        base_url="https://example.invalid",
        secret="only for previews",  # noqa: S106 - signs links that lead nowhere
    )


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=Path("preview.html"), show_default=True)
@templates_option
@allow_link_option
@click.option("--currency", default="EUR", show_default=True, help="Of the amounts in the examples.")
def preview(output: Path, templates: Path | None, allow_links: tuple[str, ...], currency: str) -> None:
    """Write the letters of all journeys, in every language, as one HTML page that needs no network."""
    from retention.letters import Letters
    from retention.letters import preview as pages
    from retention.playbooks import ready

    letters = Letters(sample_shop(currency), templates, allow_links=allow_links)
    letters.check(ready(), thorough=False)
    try:
        output.write_text(pages.page(letters, ready()), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{output}: cannot be written ({error.strerror}); choose another --output") from None
    click.echo(f"wrote {output}")
