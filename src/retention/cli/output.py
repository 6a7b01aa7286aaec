"""What the commands print: tables and bars for people, JSON for scripts, rejects for whoever mends the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retention.errors import InvalidInput

if TYPE_CHECKING:
    from retention.demo_shop import Effect, Mailed, Simulated
    from retention.engine import Results
    from retention.engine.results import Incremental
    from retention.importers.csv import Batch
    from retention.letters import Examined
    from retention.simulate import JourneySimulated, Simulation

__all__ = [
    "print_demo",
    "print_examined",
    "print_import",
    "print_json",
    "print_results",
    "print_run",
    "print_simulation",
    "progress_bar",
    "rejects_file",
    "working",
]

_BY_ARM = {
    "people by arm": ("entered", "customers", "decided", "returned"),
    "orders and letters by arm": ("orders", "revenue", "sent", "withheld"),
}
"""The tables of a journey's arms, each narrow enough for a terminal."""


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)


def watched() -> bool:
    """Whether somebody looks at standard error."""
    return sys.stderr.isatty()


@contextmanager
def progress_bar(what: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, moved by calling it with the share that is done; none where nobody watches."""
    if quiet or not watched():
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)


@contextmanager
def working(what: str, *, quiet: bool) -> Iterator[None]:
    """A spinner on standard error for work whose length nobody knows; none where nobody watches."""
    if quiet or not watched():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


@contextmanager
def rejects_file(path: Path | None) -> Iterator[Callable[[Batch], None]]:
    """Writes rejects with their cells to a CSV file, which appears under its name when it is complete."""
    if path is None:
        yield lambda _batch: None
        return
    import csv

    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            headed = False

            def write(batch: Batch) -> None:
                nonlocal headed
                if not headed:
                    writer.writerow(["line", "column", "reason", "also", "detail", "remedy", *batch.header])
                    headed = True
                writer.writerows(
                    [r.line, r.column, r.reason, r.also, r.detail, r.remedy, *r.row] for r in batch.rejects
                )

            yield write
        draft.replace(path)
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be written ({error.strerror}); choose another place for --rejects"
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def print_import(file: Path, counts: Mapping[str, Any]) -> None:
    """What became of every line of a file."""
    rows = [("lines", counts["lines"]), ("kept", counts["kept"])]
    rows += [(f"rejected: {reason}", n) for reason, n in sorted(counts["rejected"].items(), key=lambda x: -x[1])]
    rows += [(f"  of those without customer: {reason}", n) for reason, n in sorted(counts["also"].items())]
    rows += [("paid orders", counts["orders"]), ("returns", counts["returns"])]
    rows += [("customers with a paid order", counts["customers"])]
    rows += [(f"facts {state}", n) for state, n in counts["facts"].items()]
    _table(file.name, ["", "number"], rows)


def print_examined(examined: Iterable[Examined]) -> None:
    """Every letter in every language: how many samples were written, and how many problems there are."""
    rows = [(one.template, one.language, one.rendered, len(one.problems)) for one in examined]
    _table("letters", ["template", "language", "written", "problems"], rows)


def print_results(found: Results) -> None:
    """Every journey: people, orders and letters by arm, the fate of the letters, the verdict and what else to know."""
    for journey in found.journeys:
        for title, names in _BY_ARM.items():
            rows = [(arm.arm, *(f"{getattr(arm, name):.0f}" for name in names)) for arm in journey.arms]
            _table(f"{journey.journey}: {title}", ["arm", *names], rows)
        fates = [(step, fate, n) for step, counts in journey.steps.items() for fate, n in counts.items()]
        fates += [("(not let in)", reason, n) for reason, n in journey.refused.items()]
        _table(f"{journey.journey}: what became of the letters", ["step", "fate", "number"], fates)
        for sentence in (journey.verdict, *journey.notes):
            click.echo(sentence)
    for note in found.notes:
        click.echo(note)


def print_demo(
    directory: Path, done: Simulated, effects: Sequence[Effect], rivals: Mapping[str, Mailed], told: str
) -> None:
    """The results of a simulated shop beside its truth: what every playbook did, or win-back beside other mailings."""
    print_results(done.results)
    if effects:
        _print_effects(done, effects)
    else:
        _print_returned(done)
    _print_offers(done)
    _print_money(done, rivals)
    if done.stopped is not None:
        click.echo(f"the shop stopped writing on {done.stopped}: too many readers answered by unsubscribing")
    if told:
        click.echo(f"\n{told}\n")
    click.echo(
        f"{directory}: shop.db, results.json and {done.truth.letters} letters in letters/ (.eml, any mail program)"
    )


def _print_returned(done: Simulated) -> None:
    truth = done.truth
    rows: list[tuple[object, ...]] = [
        ("came back because of the letters", _said(done.results.journeys[0].incremental), truth.incremental),
        ("came back, with letters", truth.returned, truth.returned),
        ("of them would have come anyway", "unknown", truth.unaided),
    ]
    _table("what a shop can know, beside the simulated truth", ["", "results", "truth"], rows)


def _said(found: Incremental | None) -> str:
    return f"{found.estimate:.0f} ({found.lower:.0f} to {found.upper:.0f})" if found else "not enough data yet"


def _print_effects(done: Simulated, found: Sequence[Effect]) -> None:
    """What every playbook did in the simulated truth, beside what its control group says of it."""
    said = {one.journey: _said(one.incremental) for one in done.results.journeys}
    rows: list[tuple[object, ...]] = [
        (
            *(one.journey, one.treated, said[one.journey], one.incremental),
            *(f"{one.saved:+d}", f"{one.letters:+d}", f"{one.margin:+.0f}"),
        )
        for one in found
    ]
    columns = ["journey", "treated", "came back", "truth", "kept", "letters", done.engine.shop.currency]
    _table("what every playbook did, beside the simulated truth", columns, rows)
    click.echo(
        "came back: because of the journey, as its control group has it; truth: the same shop lived once more without "
        "the journey, for the customers drawn for its letters; kept: those who send nothing back because of it; "
        "letters and money: of the whole shop, with the journey less without it"
    )


def _print_offers(done: Simulated) -> None:
    truth = done.truth
    rows: list[tuple[object, ...]] = [
        ("annoyed enough to unsubscribe", truth.unsubscribed, truth.unsubscribed),
        ("offers granted", truth.granted, truth.granted),
        ("offers used", truth.redeemed, truth.redeemed),
        ("of them on orders that come anyway", "unknown", truth.redeemed_anyway),
    ]
    _table("letters and offers", ["", "results", "truth"], rows)


def _print_money(done: Simulated, rivals: Mapping[str, Mailed]) -> None:
    """What letters and offers cost and brought, in the simulated truth."""
    truth, world, currency = done.truth, done.world, done.engine.shop.currency
    rows: list[tuple[object, ...]] = [
        ("budget of the offers, for any 30 days", f"{world.budget * world.customers:.0f}"),
        ("the offers cost, in all", f"{truth.offers_cost:.0f}"),
        ("the letters cost", f"{truth.letters * world.letter_cost:.0f}"),
        ("the shop earns, after both", f"{truth.margin:.0f}"),
        ("without any letter it would earn", f"{truth.margin_without:.0f}"),
    ]
    _table("the money, in the simulated truth", ["", currency], rows)
    rows = [("by the shop, but for its control groups", truth.letters, f"{truth.profit:+.0f}")]
    rows += [(name, one.letters, f"{one.margin - truth.margin_without:+.0f}") for name, one in rivals.items()]
    _table("what letters earn, less letters and offers", ["written to", "letters", currency], rows)
    if rivals:
        click.echo(
            "the others write at most every four weeks, with an offer in each letter, and hold back no control group"
        )


def print_run(done: Mapping[str, Mapping[str, int]]) -> None:
    """What a run did, step by step."""
    rows = [(f"{step}: {what}", n) for step, counts in done.items() for what, n in counts.items()]
    _table("run", ["step", "number"], rows)


_MANY_DAYS = 62
"""So many rows still fit; beyond it a row is a month."""


def print_simulation(found: Simulation) -> None:
    """Letters by day or month, what became of each step, who stood in whose way, and what an experiment would need."""
    many = (found.end - found.start).days >= _MANY_DAYS
    names = [journey.journey for journey in found.journeys]
    sent: dict[str, dict[str, int]] = {}
    for row in found.letters:
        counts = sent.setdefault(row.day.isoformat()[: 7 if many else 10], dict.fromkeys(names, 0))
        counts[row.journey] += row.sent
    rows = [(when, *counts.values()) for when, counts in sent.items()]
    rows.append(("all", *(sum(counts[name] for counts in sent.values()) for name in names)))
    _table(f"letters, {found.start} to {found.end}", ["month" if many else "day", *names], rows)
    for journey in found.journeys:
        _print_simulated(journey)
    if found.collisions:
        met = [(one.journey, one.because_of, one.put_off, one.lost) for one in found.collisions]
        _table("letters that caps stopped", ["letter of", "because of", "put off", "lost"], met)
    click.echo(f"{found.customers} customers, {found.runs} runs, {found.sent} letters")
    if found.unplanned:
        click.echo(f"{found.unplanned} customers could not be planned; the log says where")


def _print_simulated(journey: JourneySimulated) -> None:
    rows: list[tuple[object, ...]] = [("(entered)", arm, n) for arm, n in journey.entered.items()]
    rows += [("(not let in)", reason, n) for reason, n in journey.refused.items()]
    rows += [(step, fate, n) for step, counts in journey.steps.items() for fate, n in counts.items()]
    rows += [("(ended)", reason, n) for reason, n in journey.ended.items()]
    _table(journey.journey, ["step", "fate", "number"], [*rows, ("(not ended)", "", journey.open)])
    click.echo(journey.power.sentence)
