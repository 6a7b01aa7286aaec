"""The kits as a command: ``python -m retention.testing storage package.module:make --capability durable``.

Exit status 0: every law that was tried is kept; 1: one is broken; 2: the command makes no sense. ``mutants`` turns the
tables: it tries the kits on planted bugs, and fails when a bug is not caught or all of it takes more than a minute.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from retention.errors import InvalidInput, RetentionError
from retention.testing.laws import Verdicts

__all__ = ["main"]

_LONGEST = 60.0  # seconds for all planted bugs


def main(argv: Sequence[str] | None = None, *, clock: Callable[[], float] = time.perf_counter) -> int:  # noqa: TID251
    """Run the command with these words, `sys.argv`'s by default; `clock`: the stop-watch of ``mutants``, in seconds."""
    parser = _parser()
    told = parser.parse_args(argv)
    try:
        return int(told.run(told, clock))
    except RetentionError as error:
        parser.exit(2, f"{error}\n")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m retention.testing", description="Try the laws of a port on what you made.")
    kits = parser.add_subparsers(required=True, metavar="KIT")
    for name, run, summary in (
        ("storage", _storage, "make(place) opens a storage in a folder"),
        ("sender", _sender, "make(url) makes a sender for this address"),
        ("webhook", _webhook, "make() makes a parser"),
    ):
        kit = kits.add_parser(name, help=summary)
        kit.add_argument("make", help=f"package.module:name; {summary}")
        kit.set_defaults(run=run)
        for option, settings in _OPTIONS[name].items():
            kit.add_argument(option, **settings)
    kits.add_parser("mutants", help="try the kits on planted bugs").set_defaults(run=_mutants)
    return parser


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "storage": {
        "--capability": {"action": "append", "default": [], "help": "durable, processes; may be repeated"},
        "--examples": {"type": int, "default": 40, "help": "stories beside the reference model; 0: none"},
    },
    "sender": {
        "--dialect": {"help": "package.module:name of the provider's dialect"},
        "--smtp": {"action": "store_true", "help": "the address is a relay's"},
        "--secret": {"default": "", "help": "what the sender logs in with in this trial"},
    },
    "webhook": {
        "--sign": {"required": True, "help": "package.module:name of sign(body, at)"},
        "--bodies": {"required": True, "help": "package.module:name of a body for each status"},
        "--join": {"help": "package.module:name of join(bodies)"},
    },
}


def _storage(told: Namespace, _: object) -> int:
    from retention.testing.storage import check

    return _tell(check(_named(told.make), capabilities=told.capability, examples=told.examples))


def _sender(told: Namespace, _: object) -> int:
    from retention.testing.sender import check

    dialect = _named(told.dialect) if told.dialect else None
    return _tell(check(_named(told.make), dialect=dialect, smtp=told.smtp, secret=told.secret))


def _webhook(told: Namespace, _: object) -> int:
    from retention.testing.webhook import check

    join = _named(told.join) if told.join else None
    return _tell(check(_named(told.make), sign=_named(told.sign), bodies=_named(told.bodies), join=join))


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInput(f"{place}: {error}; give package.module:name of what can be imported here") from error


def _tell(verdicts: Verdicts) -> int:
    sys.stdout.write(f"{verdicts}\n")
    return 1 if verdicts.broken else 0


def _mutants(_: Namespace, clock: Callable[[], float]) -> int:
    bugs, missed, began = dict(_planted()), 0, clock()
    width = max(map(len, bugs))
    _row(width, "bug", "seconds", "caught by")
    for name, trial in bugs.items():
        before = clock()
        laws = sorted({verdict.number for verdict in trial().broken})
        missed += not laws
        caught = f"law {', '.join(map(str, laws))}" if laws else "NOTHING"
        _row(width, name, f"{clock() - before:.2f}", caught)
    seconds = clock() - began
    _row(width, f"{len(bugs)} bugs, {missed} not caught", f"{seconds:.2f}", f"{_LONGEST:g} s are allowed")
    return 1 if missed or seconds > _LONGEST else 0


def _planted() -> Iterator[tuple[str, Callable[[], Verdicts]]]:
    from retention.testing.planted import senders, storages

    for room, bugs in (("storage", storages.PLANTED), ("sender", senders.PLANTED)):
        for name, trial in bugs.items():
            yield f"{room}: {name}", trial


def _row(width: int, name: str, seconds: str, laws: str) -> None:
    sys.stdout.write(f"{name:{width}} | {seconds:>7} | {laws}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
