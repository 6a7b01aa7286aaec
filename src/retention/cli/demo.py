"""The simulated shop, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retention.cli.output import print_demo, print_json, progress_bar, working
from retention.cli.shop import begin_shop, json_option, open_storage
from retention.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from retention.demo_shop import Effect, Mailed, Simulated, World
    from retention.storage.sqlite import SQLiteStorage

__all__ = ["demo"]


_DEMO_FILES = frozenset({"shop.db", "shop.db-wal", "shop.db-shm", "letters", "results.json"})
_FIRST_LIFE = 0.2  # the shop is lived five times


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
@click.option("--win-back", is_flag=True, help="Win-back alone, in a larger shop, beside other ways of mailing.")
@click.option("--keep-writing", is_flag=True, help="With --win-back: go on even when many readers unsubscribe.")
@json_option
def demo(
    directory: Path,
    world: str,
    customers: int | None,
    days: int | None,
    seed: int,
    *,
    win_back: bool,
    keep_writing: bool,
    as_json: bool,
) -> None:
    """Simulate a shop whose truth is known, with all four playbooks, and compare what the results say with it."""
    import attrs

    chosen = _world(world, win_back=win_back, customers=customers, days=days)
    _empty(directory)
    with (
        progress_bar("living through the days", quiet=as_json) as progress,
        open_storage(directory / "shop.db") as storage,
    ):
        if win_back:
            done = _live(chosen, seed, storage, directory, progress, may_stop=not keep_writing)
            effects: tuple[Effect, ...] = ()
        else:
            done, effects = _live_all_four(chosen, seed, storage, directory, progress)
        told = str(done.engine.explain(done.example)) if done.example else ""
    rivals = _rivals(done, quiet=as_json) if win_back else {}
    found = {
        **done.to_json(),
        "effects": [attrs.asdict(one) for one in effects],
        "rivals": {name: attrs.asdict(one) for name, one in rivals.items()},
    }
    (directory / "results.json").write_text(json.dumps(found, ensure_ascii=False, indent=2), encoding="utf-8")
    if as_json:
        print_json(found)
    else:
        print_demo(directory, done, effects, rivals, told)


def _world(name: str, *, win_back: bool, customers: int | None, days: int | None) -> World:
    import attrs

    from retention import demo_shop

    if name not in demo_shop.WORLDS:
        raise InvalidInput(f"--world: {name!r} is unknown; use one of {', '.join(demo_shop.WORLDS)}")
    world = demo_shop.WORLDS[name] if win_back else demo_shop.returning(demo_shop.WORLDS[name])
    world = world if customers is None else attrs.evolve(world, customers=customers)
    return world if days is None else attrs.evolve(world, days=days)


def _live(
    world: World,
    seed: int,
    storage: SQLiteStorage,
    directory: Path,
    progress: Callable[[float], None],
    **how: Any,
) -> Simulated:
    """One life of the shop, kept in the directory."""
    from retention import demo_shop
    from retention.senders.maildir import MaildirSender

    done = demo_shop.simulate(
        world,
        seed=seed,
        storage=storage,
        sender=MaildirSender(directory / "letters"),
        progress=lambda day, days: progress(day / days),
        **how,
    )
    shop = done.engine.shop
    begin_shop(storage, currency=shop.currency, timezone=shop.timezone, id=shop.id, name=shop.name)
    return done


def _live_all_four(
    world: World, seed: int, storage: SQLiteStorage, directory: Path, progress: Callable[[float], None]
) -> tuple[Simulated, tuple[Effect, ...]]:
    """The shop with all playbooks, and what each of them did."""
    from retention import demo_shop

    done = _live(
        world,
        seed,
        storage,
        directory,
        lambda share: progress(_FIRST_LIFE * share),
        journeys=demo_shop.playbooks(),
        may_stop=False,
    )
    rest = 1 - _FIRST_LIFE
    return done, demo_shop.effects(done, progress=lambda share: progress(_FIRST_LIFE + rest * share))


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
