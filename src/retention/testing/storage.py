"""The laws of `retention.ports.Storage`, to be tried on any storage; the numbers are those of all kits of this library.

An author hands over a *maker*, ``make(place) -> Storage``, which opens what lives in a folder, and says what it can::

    check(lambda place: MyStorage(place / "shop.db"), capabilities=("durable",)).insist()

`CAPABILITIES` lists what can be declared; laws about anything else are skipped, and the verdicts say so. A law that is
broken tells the calls that led there, times as ``at(minutes)``. Beside the laws the kit plays `examples` stories on the
storage and on `retention.storage.memory`, the reference model, which must answer alike; that needs the extra `testing`,
and ``examples=0`` leaves it out.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from retention.errors import InvalidInput, MissingExtra
from retention.ports import Storage
from retention.testing import (
    _storage_laws_facts,
    _storage_laws_kept,
    _storage_laws_letters,
    _storage_laws_many,
    _storage_laws_people,
    _storage_laws_plans,
)
from retention.testing._storage_bench import Kept, Stand
from retention.testing.laws import Law, Verdicts, judge

__all__ = ["CAPABILITIES", "LAWS", "Kept", "check"]

CAPABILITIES: Mapping[str, str] = {
    "durable": "made twice for one place, one after the other, it opens the same data",
    "processes": "several threads and processes may each make one for one place at the same time",
}
"""What a maker can declare."""


def _agrees(stand: Stand) -> None:
    from retention.testing._storage_model import agrees

    agrees(stand)


LAWS: tuple[Law[Stand], ...] = tuple(
    sorted(
        (
            *_storage_laws_facts.LAWS,
            *_storage_laws_kept.LAWS,
            *_storage_laws_letters.LAWS,
            *_storage_laws_many.LAWS,
            *_storage_laws_people.LAWS,
            *_storage_laws_plans.LAWS,
            Law(49, "whatever is done, it answers what the reference model answers", _agrees, "examples"),
        ),
        key=lambda law: law.number,
    )
)
"""All laws of storages, by number; several may explain one number."""


def check(
    make: Callable[[Path], Storage],
    *,
    capabilities: Collection[str] = (),
    examples: int = 40,
    released: Mapping[str, Callable[[Path], Sequence[Kept]]] | None = None,
) -> Verdicts:
    """Try all laws that say something about what `make` makes.

    `make` gets an empty folder of its own for every try. With "processes" other processes must be able to import it, so
    it is no lambda. `released`: for each earlier version a function that makes its database in a folder and returns
    what is in it; then migration is tried, too.
    """
    declared = {*capabilities, *(["examples"] if examples else []), *(["released"] if released else [])}
    _check_declared(make, capabilities)
    if examples:
        _require_hypothesis()
    return judge(LAWS, Stand(make=make, examples=examples, released=released or {}), declared)


def _check_declared(make: Callable[[Path], Storage], capabilities: Collection[str]) -> None:
    unknown = sorted(set(capabilities) - set(CAPABILITIES))
    if unknown:
        raise InvalidInput(f"capabilities: {unknown[0]!r} is unknown; use {', '.join(CAPABILITIES)}")
    if "processes" not in capabilities:
        return
    try:
        pickle.dumps(make)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidInput("make: other processes cannot import it; use a function of a module") from error


def _require_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise MissingExtra("hypothesis is missing; pip install 'retention[testing]', or pass examples=0") from error
