"""The simulated shop, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retention.cli.output import print_demo, print_effects, print_json, progress_bar, working
from retention.cli.shop import begin_shop, json_option, open_storage
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from retention.demo_shop import Mailed, Simulated, World

__all__ = ["demo"]


_DEMO_FILES = frozenset({"shop.db", "shop.db-wal", "shop.db-shm", "letters", "results.json"})


@click.command()
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
@click.option("--keep-writing", is_flag=True, help="Go on even when many readers unsubscribe, to see what comes of it.")
@click.option("--playbooks", is_flag=True, help="All four playbooks, and the shop once more without each: five lives.")
@json_option
def demo(
    directory: Path,
    world: str,
    customers: int | None,
    days: int | None,
    seed: int,
    *,
    keep_writing: bool,
    playbooks: bool,
    as_json: bool,
) -> None:
    """Simulate a shop whose truth is known, and compare what the results say with it."""
    import attrs

    from retention import demo_shop
    from retention.senders.maildir import MaildirSender

    if world not in demo_shop.WORLDS:
        raise InvalidInput(f"--world: {world!r} is unknown; use one of {', '.join(demo_shop.WORLDS)}")
    chosen = demo_shop.WORLDS[world]
    chosen = chosen if customers is None else attrs.evolve(chosen, customers=customers)
    if playbooks:
        _all_four(chosen if days is None else attrs.evolve(chosen, days=days), seed, as_json=as_json)
        return
    _empty(directory)
    with (
        progress_bar("living through the days", quiet=as_json) as progress,
        open_storage(directory / "shop.db") as storage,
    ):
        done = demo_shop.simulate(
            chosen,
            seed=seed,
            days=days,
            may_stop=not keep_writing,
            storage=storage,
            sender=MaildirSender(directory / "letters"),
            progress=lambda day, days: progress(day / days),
        )
        shop = done.engine.shop
        begin_shop(storage, currency=shop.currency, timezone=shop.timezone, id=shop.id, name=shop.name)
        told = str(done.engine.explain(done.example)) if done.example else ""
    rivals = _rivals(done, quiet=as_json)
    found = {**done.to_json(), "rivals": {name: attrs.asdict(one) for name, one in rivals.items()}}
    (directory / "results.json").write_text(json.dumps(found, ensure_ascii=False, indent=2), encoding="utf-8")
    if as_json:
        print_json(found)
    else:
        print_demo(directory, done, rivals, told)


def _all_four(world: World, seed: int, *, as_json: bool) -> None:
    """What each of four playbooks did, beside what its own control group says."""
    import attrs

    from retention import demo_shop

    with progress_bar("living the shop's year five times", quiet=as_json) as progress:
        done, found = demo_shop.effects(attrs.evolve(world, runs_every=3), seed=seed, progress=progress)
    if as_json:
        print_json({"results": done.results.to_json(), "effects": [attrs.asdict(one) for one in found]})
    else:
        print_effects(done, found)


def _rivals(done: Simulated, *, quiet: bool) -> dict[str, Mailed]:
    """What other ways of mailing earn with the same customers, the first offer of the shop in each letter."""
    from retention import demo_shop

    offer = demo_shop.granting(done.world).catalogue[0]
    with working("writing to the same customers otherwise", quiet=quiet):
        return {
            name: demo_shop.mail(done.world, rule, seed=done.seed, offer=offer)
            for name, rule in demo_shop.RIVALS.items()
            if name != "nobody"
        }


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
