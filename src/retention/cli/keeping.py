"""Commands that keep the database sound: check it, back it up."""

from __future__ import annotations

from pathlib import Path

import click

from retention.cli.shop import SOMETHING_IS_LEFT, db_option, existing, open_storage

__all__ = ["backup", "check"]


@click.command()
@db_option
def check(db: Path) -> None:
    """Look for damage; exit code 3 with a line for each sort of it."""
    with open_storage(existing(db)) as storage:
        found = storage.check()
    for line in found or ["sound"]:
        click.echo(line)
    if found:
        raise click.exceptions.Exit(SOMETHING_IS_LEFT)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@db_option
def backup(file: Path, db: Path) -> None:
    """Copy the database to a new FILE, also while others write."""
    with open_storage(existing(db)) as storage:
        storage.backup(file)
    click.echo(f"wrote {file}")
