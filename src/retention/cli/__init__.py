"""The command line: import, run, explain, results, preview, demo.

Only wiring: every command calls what a program would call. Whatever is heavy is imported inside the command that needs
it, so that `--help` is quick. Exit codes: 0 done, 1 bad data or storage (one line on standard error says what, where
and what to do), 2 wrong usage, 3 done, but something needs a look: letters failed or are in doubt, facts contradict
earlier ones.
"""

from __future__ import annotations

import json
import os
import secrets  # noqa: TID251 - a new shop needs a secret that nobody can guess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retention.errors import IncompatibleStorage, InvalidInput, MissingExtra, RetentionError

try:
    import click
except ImportError as missing:  # pragma: no cover - the tests run with the extra
    raise MissingExtra('the command line needs its extra: python -m pip install "retention[cli]"') from missing

from retention.cli.output import (
    print_demo,
    print_import,
    print_json,
    print_results,
    print_run,
    progress_bar,
    rejects_file,
    working,
)

if TYPE_CHECKING:
    from retention.engine import Clock, Engine
    from retention.importers.csv import Batch, Rules
    from retention.journey import Journey
    from retention.people import Shop
    from retention.ports import Sender
    from retention.storage.sqlite import SQLiteStorage

__all__ = ["main"]

_SHOP = "cli/shop"
_SECRET = "cli/secret"  # noqa: S105 - a name, not a secret
_SOMETHING_IS_LEFT = 3


class _Commands(click.Group):
    """Commands whose expected errors are one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RetentionError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="retention")
def main() -> None:
    """Keep a shop's customers: who is falling asleep, which letter they get, and what it achieved."""


_db = click.option("--db", type=click.Path(path_type=Path), required=True, help="The shop's SQLite database.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_db
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
@_json
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
    with _storage(db) as storage, rejects_file(rejects) as reject:
        _same_shop(storage, rules)
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
        ctx.exit(_SOMETHING_IS_LEFT)


@contextmanager
def _storage(db: Path) -> Iterator[SQLiteStorage]:
    from retention.storage.sqlite import SQLiteStorage

    storage = SQLiteStorage(db)
    try:
        yield storage
    finally:
        storage.close()


def _same_shop(storage: SQLiteStorage, rules: Rules) -> None:
    shop = json.dumps({"currency": rules.currency, "timezone": rules.timezone or "UTC"}, sort_keys=True)
    known = storage.remember(_SHOP, shop)
    if known != shop:
        raise IncompatibleStorage(f"the database was begun as {known}, this is {shop}; use a database for each shop")


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


@main.command()
@_db
@click.option("--now", help="Work as of this time (ISO 8601; without an offset: in the shop's zone).")
@click.option(
    "--letters",
    type=click.Path(path_type=Path),
    default=Path("letters"),
    show_default=True,
    help="The directory that gets one .eml file per letter.",
)
@click.option("--address", help="Address for customers who have none, such as '{customer_id}@example.com'.")
@click.option("--consent", help="You vouch that customers without a record agreed to letters on this topic.")
@click.option("--shop-name", default="Our shop", show_default=True, help="Who signs the letters.")
@click.option("--sender", default="shop@example.invalid", show_default=True, help="The From address.")
@click.option("--base-url", default="https://example.invalid", show_default=True, help="Where signed links lead.")
@click.option("--language", default="en", show_default=True, help="For customers who have none on file.")
@click.option("--control", default=0.1, show_default=True, help="Share of customers who get no letters.")
@click.option("--journey-version", default=1, show_default=True, help="Raise it when you change --control.")
@_json
@click.pass_context
def run(
    ctx: click.Context,
    /,
    db: Path,
    now: str | None,
    letters: Path,
    address: str | None,
    consent: str | None,
    *,
    control: float,
    journey_version: int,
    as_json: bool,
    **shop: str,
) -> None:
    """Find who fell asleep, plan what is due, and write the letters. Call it from cron, as often as you like."""
    from retention.playbooks import win_back
    from retention.senders.maildir import MaildirSender

    with _storage(db) as storage:
        journeys = [win_back(control=control, version=journey_version)]
        engine = _engine(storage, MaildirSender(letters), journeys, now=now, said=shop)
        with working("finding sleepers, planning, writing letters", quiet=as_json):
            _vouch(engine, address, consent)
            done = engine.run()
    if as_json:
        print_json(done)
    else:
        print_run(done)
    if done["deliver"].get("failed") or done["deliver"].get("in_doubt"):
        ctx.exit(_SOMETHING_IS_LEFT)


def _known_shop(storage: SQLiteStorage) -> dict[str, str]:
    known = storage.recall(_SHOP).get(_SHOP)
    if known is None:
        raise InvalidInput("the database holds no shop yet; begin with: retention import")
    return dict(json.loads(known))


def _engine(
    storage: SQLiteStorage,
    sender: Sender,
    journeys: Sequence[Journey] = (),
    *,
    now: str | None = None,
    said: Mapping[str, str] = MappingProxyType({}),
) -> Engine:
    from retention.engine import Engine, system_clock

    known = _known_shop(storage)
    return Engine(
        storage,
        sender,
        journeys=journeys,
        shop=_shop(storage, known, said),
        clock=system_clock if now is None else _clock(now, known["timezone"]),
    )


def _shop(storage: SQLiteStorage, known: Mapping[str, str], said: Mapping[str, str]) -> Shop:
    from retention.people import Shop

    secret = os.environ.get("RETENTION_SECRET") or storage.remember(_SECRET, secrets.token_urlsafe(32))
    return Shop(
        name=said.get("shop_name", "Our shop"),
        sender=said.get("sender", "shop@example.invalid"),
        base_url=said.get("base_url", "https://example.invalid"),
        language=said.get("language", "en"),
        timezone=known["timezone"],
        currency=known["currency"],
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


def _vouch(engine: Engine, address: str | None, consent: str | None) -> None:
    """Record the address and the consent that the caller vouches for, for customers who have none on file."""
    from retention.engine.sleepers import batches
    from retention.facts import ConsentChanged, Fact, ProfileChanged
    from retention.journey import Needs

    if address is None and consent is None:
        return
    now = engine.now()
    for ids in batches(engine.storage, 1000):
        found: list[Fact] = []
        for file in engine.storage.load(ids, Needs(frozenset({ProfileChanged.kind, ConsentChanged.kind}))):
            who = file.customer_id
            if address is not None and not any(isinstance(f, ProfileChanged) and f.email for f in file.facts):
                email = address.replace("{customer_id}", who)
                found.append(ProfileChanged(id=f"vouched/{who}", customer_id=who, at=now, email=email))
            if consent is not None and not any(
                isinstance(f, ConsentChanged) and f.topic == consent for f in file.facts
            ):
                found.append(
                    ConsentChanged(id=f"vouched/{who}/{consent}", customer_id=who, at=now, topic=consent, granted=True)
                )
        engine.record(found)


@main.command()
@click.argument("customer")
@_db
@_json
def explain(customer: str, db: Path, *, as_json: bool) -> None:
    """Everything that happened to one CUSTOMER and was decided about them, with reasons."""
    import attrs

    from retention.senders.memory import MemorySender

    with _storage(_existing(db)) as storage:
        told = _engine(storage, MemorySender()).explain(customer)
    if not told.lines:
        raise InvalidInput(f"customer {customer!r}: nothing is known; ids are those of the imported file")
    if as_json:
        print_json(attrs.asdict(told))
    else:
        click.echo(str(told))


def _existing(db: Path) -> Path:
    if not db.exists():
        raise InvalidInput(f"{db}: no such database; begin with: retention import")
    return db


@main.command()
@_db
@_json
def results(db: Path, *, as_json: bool) -> None:
    """What the letters achieved so far, against the control group."""
    from retention.senders.memory import MemorySender

    with _storage(_existing(db)) as storage:
        found = _engine(storage, MemorySender()).results()
    if as_json:
        print_json(found.to_json())
    else:
        print_results(found)


@main.command()
@click.option("--output", type=click.Path(path_type=Path), default=Path("preview.html"), show_default=True)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A directory whose files replace the letters that come with the library.",
)
@click.option("--currency", default="EUR", show_default=True, help="Of the amounts in the examples.")
def preview(output: Path, templates: Path | None, currency: str) -> None:
    """Write the letters of all journeys, in every language, as one HTML page that needs no network."""
    from retention.letters import Letters
    from retention.letters import preview as pages
    from retention.people import Shop
    from retention.playbooks import win_back

    shop = Shop(
        name="Our shop",
        sender="shop@example.invalid",
        timezone="UTC",
        currency=currency,
        base_url="https://example.invalid",
        secret="only for previews",  # noqa: S106 - signs links that lead nowhere
    )
    letters = Letters(shop, templates)
    letters.check([win_back()])
    try:
        output.write_text(pages.page(letters, [win_back()]), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{output}: cannot be written ({error.strerror}); choose another --output") from None
    click.echo(f"wrote {output}")


_DEMO_FILES = frozenset({"shop.db", "shop.db-wal", "shop.db-shm", "letters", "results.json"})


@main.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path("retention-demo"),
    show_default=True,
    help="Where the database, the letters and the results go.",
)
@click.option("--world", default="default", show_default=True, help="default, aa (letters change nobody) or losing.")
@click.option("--customers", type=int, help="How many customers, instead of the world's number.")
@click.option("--days", type=int, help="How many days, instead of the world's number.")
@click.option("--seed", default=1, show_default=True, help="Another seed is another shop.")
@_json
def demo(directory: Path, world: str, customers: int | None, days: int | None, seed: int, *, as_json: bool) -> None:
    """Simulate a shop whose truth is known, and compare what the results say with it."""
    import attrs

    from retention import demo_shop
    from retention.senders.maildir import MaildirSender

    if world not in demo_shop.WORLDS:
        raise InvalidInput(f"--world: {world!r} is unknown; use one of {', '.join(demo_shop.WORLDS)}")
    chosen = demo_shop.WORLDS[world]
    chosen = chosen if customers is None else attrs.evolve(chosen, customers=customers)
    _empty(directory)
    with progress_bar("living through the days", quiet=as_json) as progress, _storage(directory / "shop.db") as storage:
        done = demo_shop.simulate(
            chosen,
            seed=seed,
            days=days,
            storage=storage,
            sender=MaildirSender(directory / "letters"),
            progress=lambda day, days: progress(day / days),
        )
        told = str(done.engine.explain(done.example)) if done.example else ""
    (directory / "results.json").write_text(json.dumps(done.to_json(), ensure_ascii=False, indent=2), encoding="utf-8")
    if as_json:
        print_json(done.to_json())
    else:
        print_demo(directory, done, told)


def _empty(directory: Path) -> None:
    """Make the directory, or clear what an earlier demo left in it; anything else in it is not ours to touch."""
    import shutil

    try:
        directory.mkdir(parents=True, exist_ok=True)
        strangers = sorted({path.name for path in directory.iterdir()} - _DEMO_FILES)
        if strangers:
            raise InvalidInput(f"{directory}: holds {strangers[0]}, which no demo wrote; choose another --directory")
        for path in directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise InvalidInput(f"{directory}: cannot be used ({error.strerror}); choose another --directory") from None
