"""The command that takes a shop's files into the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retention.cli.output import print_import, print_json, progress_bar, rejects_file
from retention.cli.shop import SOMETHING_IS_LEFT, begin_shop, db_option, json_option, open_storage

if TYPE_CHECKING:
    from retention.importers.csv import Batch
    from retention.storage.sqlite import SQLiteStorage

__all__ = ["import_"]


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@db_option
@click.option("--customer", required=True, help="Column of the customer's id.")
@click.option("--order", required=True, help="Column of the order's or invoice's number.")
@click.option("--at", required=True, help="Column of the time.")
@click.option("--product", help="Column of the product's code.")
@click.option("--quantity", help="Column of the number of pieces.")
@click.option("--price", help="Column of the price of one piece.")
@click.option("--amount", help="Column of the line's amount, instead of a price.")
@click.option("--name", help="Column of the product's name.")
@click.option("--category", help="Column of the product's category.")
@click.option("--size", help="Column of the product's size.")
@click.option("--color", help="Column of the product's colour.")
@click.option("--currency-column", help="Column of the currency, to be sure that there is only one.")
@click.option("--timezone", help="The shop's zone, in which times without one are meant, such as Europe/London.")
@click.option("--currency", required=True, help="The currency of all amounts, such as GBP.")
@click.option("--returns-prefix", default="", help="How the numbers of returns begin.")
@click.option("--not-product", "not_products", multiple=True, help="A code that is no product, or a pattern (gift_*).")
@click.option("--day-first/--month-first", default=None, help="How to read 1/12/2010.")
@click.option("--on-clock-change", default="reject", show_default=True, help="Or earlier, later: which time is meant.")
@click.option("--decimal", default=".", show_default=True, help="The decimal mark, . or ,")
@click.option("--encoding", default="utf-8", show_default=True, help="How the file's text is encoded.")
@click.option("--strict", is_flag=True, help="Stop at the first line that cannot be kept.")
@click.option("--delimiter", default=",", show_default=True, help="What separates the columns.")
@click.option("--rejects", type=click.Path(path_type=Path), help="Write every line that was not kept, and why.")
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    /,
    file: Path,
    db: Path,
    currency_column: str,
    rejects: Path | None,
    *,
    strict: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Take a shop's order FILE (CSV, also gzipped) into the database; doing it twice adds nothing."""
    import attrs

    from retention.importers.csv import Columns, Rules, read

    names = [attribute.name for attribute in attrs.fields(Columns) if attribute.name != "currency"]
    columns = Columns(**{name: options.pop(name) for name in names}, currency=currency_column)
    rules = Rules(**options)
    batches = read(file, columns, rules, strict=strict)
    first = next(batches)  # a file that cannot be read at all leaves no database behind
    with open_storage(db) as storage, rejects_file(rejects) as reject:
        begin_shop(storage, currency=rules.currency, timezone=rules.timezone or "UTC")
        counts, conflicts = _import(storage, chain([first], batches), reject, file.name, quiet=as_json)
    if as_json:
        print_json(counts)
    else:
        print_import(file, counts)
    if conflicts:
        click.echo(
            f"{file.name}: {len(conflicts)} facts were imported before with other contents, which stay, such as "
            f"{conflicts[0]}; import into a new database if this file is the right one",
            err=True,
        )
        ctx.exit(SOMETHING_IS_LEFT)


def _import(
    storage: SQLiteStorage, batches: Iterable[Batch], reject: Callable[[Batch], None], name: str, *, quiet: bool
) -> tuple[dict[str, Any], list[str]]:
    """What became of the lines and facts, and the facts that contradict earlier ones."""
    import attrs

    counts: dict[str, Any] = {}
    states = Counter({"new": 0, "known": 0, "conflict": 0})
    conflicts: list[str] = []
    with progress_bar(f"reading {name}", quiet=quiet) as progress:
        for batch in batches:
            kept = storage.record(batch.facts)
            states.update(kept)
            conflicts += [f"{f.kind} {f.id}" for f, state in zip(batch.facts, kept, strict=True) if state == "conflict"]
            reject(batch)
            progress(batch.progress)
            counts = attrs.asdict(batch.summary)
    return {**counts, "facts": dict(states)}, conflicts
